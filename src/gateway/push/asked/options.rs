//! The options of a push as its headers name them.

use crate::codec::pap::Status;
use crate::codec::sip::Address;
use crate::codec::sir::{App, Ask};
use crate::gateway::push::asked::Refused;
use crate::gateway::push::plan::{Fork, PlanWish};
use crate::gateway::push::submission::Options;

/// Sets one option by the name of its header behind `X-Sirgate-`; an unknown one is passed over.
pub(super) fn set(
    options: &mut Options,
    devices: &mut Vec<String>,
    option: &str,
    value: &str,
) -> Result<(), Refused> {
    let bad = |what: &str| {
        Refused::new(
            Status::BadRequest,
            format!("X-Sirgate-{what}: {value:?} is none"),
        )
    };
    match option {
        "plan" => options.plan = PlanWish::from_name(value).ok_or_else(|| bad("Plan"))?,
        "place" => options.place = value.parse().map_err(|_| bad("Place"))?,
        "fork" => options.fork = Fork::from_name(value).ok_or_else(|| bad("Fork"))?,
        "ask" => {
            let ask: Ask = value.parse().map_err(|_| bad("Ask"))?;
            options.ask = options.ask | ask;
        }
        "app" => {
            for item in items(value) {
                options.apps.push(app(item).ok_or_else(|| bad("App"))?);
            }
        }
        "ppg" => options.ppg = Some(value.trim_matches(['<', '>', ' ']).to_owned()),
        "judge" => options.devices_judge = judge(value).ok_or_else(|| bad("Judge"))?,
        "device" => devices.extend(items(value).map(|item| bare(item).to_owned())),
        _ => {}
    }
    Ok(())
}

/// Whether the devices judge, by the word for who does.
pub(super) fn judge(value: &str) -> Option<bool> {
    match value {
        "device" | "devices" => Some(true),
        "gateway" => Some(false),
        _ => None,
    }
}

fn app(item: &str) -> Option<App> {
    let address = Address::decode(item.as_bytes()).ok()?;
    Some(App {
        id: address.uri.as_str().to_owned(),
        name: address
            .param("name")
            .flatten()
            .map(|name| name.into_owned()),
    })
}

/// The URI between angle brackets, or the item itself.
fn bare(item: &str) -> &str {
    item.split_once('<')
        .and_then(|(_, rest)| rest.split_once('>'))
        .map_or(item, |(uri, _)| uri)
}

/// Items of a list; commas inside angle brackets and quotes do not count.
fn items(list: &str) -> impl Iterator<Item = &str> {
    let (mut angle, mut quote) = (false, false);
    list.split(move |c: char| {
        match c {
            '"' if !angle => quote = !quote,
            '<' if !quote => angle = true,
            '>' if !quote => angle = false,
            _ => {}
        }
        c == ',' && !angle && !quote
    })
    .map(str::trim)
    .filter(|item| !item.is_empty())
}
