//! What a storm is like, drawn from its seed: the weather, the deaths, what is pushed to whom and taken back.

use std::time::Duration;

use super::{DEVICES, Storm};
use crate::codec::pap::{ClientAddress, ReplaceMethod};
use crate::fault::preset::Preset;
use crate::random::Random;
use crate::sim::Weather;
use crate::sim::cast;
use crate::sim::initiator::{Cancel, Submission};
use crate::sim::stage::START;
use crate::time::Time;

/// An application that not every device has subscribed to.
const CHANNEL: &str = "x-oma-application:dcd.ua";

/// All bearers by name.
const BEARERS: [&str; 9] = [
    "sip",
    "http",
    "wsp",
    "sms",
    "ussd",
    "cs",
    "ps",
    "signalling",
    "service",
];

impl Storm {
    /// A small storm of the seed under these faults: two pushes, devices of any bearers, and a network that is only
    /// late; what is lost, the rules lose.
    #[must_use]
    pub fn under(preset: &Preset, seed: u64) -> Self {
        let mut storm = Self::of(seed);
        let mut random = Random::from_number(seed ^ 0xBEA2);
        storm.pushes.truncate(2);
        let kept: Vec<String> = storm
            .pushes
            .iter()
            .map(|(_, push)| push.push_id.clone())
            .collect();
        storm
            .cancels
            .retain(|(_, cancel)| kept.contains(&cancel.push_id));
        storm.weather = Weather {
            latency: storm.weather.latency,
            jitter: Duration::from_millis(random.below(20)),
            ..Weather::CALM
        };
        storm.crash_chance = random.below(3_000);
        storm.bearers = DEVICES.iter().map(|_| bearers(&mut random)).collect();
        storm.faults = preset.rules();
        storm
    }

    /// The storm of a seed: weather, deaths and pushes are drawn from it.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        let mut random = Random::from_number(seed);
        let weather = Weather {
            latency: Duration::from_millis(1 + random.below(40)),
            jitter: Duration::from_millis(random.below(400)),
            loss: random.below(200),
            duplication: random.below(150),
            http_loss: random.below(150),
        };
        let mut pushes: Vec<(Time, Submission)> =
            (0..5).map(|number| push(&mut random, number)).collect();
        for (_, submission) in &mut pushes {
            set_time(&mut random, submission);
        }
        for number in 1..pushes.len() {
            if random.happens(250) {
                replace(&mut random, number, &mut pushes);
            }
        }
        let cancels = pushes
            .iter()
            .filter_map(|(at, submission)| cancel(&mut random, *at, submission))
            .collect();
        Self {
            seed,
            weather,
            crash_chance: random.below(8_000),
            pushes,
            cancels,
            bearers: Vec::new(),
            faults: Vec::new(),
        }
    }
}

/// One to three bearers in any order.
fn bearers(random: &mut Random) -> Vec<&'static str> {
    let mut left = BEARERS.to_vec();
    let count = 1 + random.below(3);
    let take = |random: &mut Random, left: &mut Vec<&'static str>| {
        let at = usize::try_from(random.below(left.len() as u64)).unwrap_or(0);
        left.remove(at)
    };
    (0..count).map(|_| take(random, &mut left)).collect()
}

/// Some pushes have a beginning, some an end; both in whole seconds, as PAP writes them.
fn set_time(random: &mut Random, submission: &mut Submission) {
    let mut begin = 0;
    if random.happens(250) {
        begin = 20 + random.below(60);
        submission.deliver_after = Some(START + Duration::from_secs(begin));
    }
    if random.happens(250) {
        let end = begin.max(60) + 5 + random.below(60);
        submission.deliver_before = Some(START + Duration::from_secs(end));
    }
}

/// The push takes the place of the one before it, for all of that one's addresses.
fn replace(random: &mut Random, number: usize, pushes: &mut [(Time, Submission)]) {
    let Some(([.., (_, old)], [(_, new), ..])) = pushes.split_at_mut_checked(number) else {
        return;
    };
    let method = if random.happens(500) {
        ReplaceMethod::All
    } else {
        ReplaceMethod::PendingOnly
    };
    new.replaces = Some((old.push_id.clone(), method));
    for address in &old.addresses {
        if !new.addresses.contains(address) {
            new.addresses.push(address.clone());
        }
    }
}

/// Some pushes are taken back, for all addresses or for the first.
fn cancel(random: &mut Random, at: Time, submission: &Submission) -> Option<(Time, Cancel)> {
    if !random.happens(300) {
        return None;
    }
    let all = random.happens(500);
    let first = submission.addresses.iter().take(1).cloned();
    let cancel = Cancel {
        push_id: submission.push_id.clone(),
        addresses: if all { Vec::new() } else { first.collect() },
    };
    Some((at + Duration::from_millis(random.below(20_000)), cancel))
}

fn push(random: &mut Random, number: u64) -> (Time, Submission) {
    let at = START + Duration::from_secs(10) + Duration::from_millis(random.below(40_000));
    let plan = ["auto", "targeted", "fanout+id", "fanout", "legacy"];
    let place = [
        "header",
        "value",
        "body",
        "header,value",
        "header,body",
        "value,body",
        "header,value,body",
    ];
    let to: Vec<String> = DEVICES
        .iter()
        .filter(|_| random.happens(500))
        .map(|(name, _)| (*name).to_owned())
        .collect();
    let pick = |list: &[&str], random: &mut Random| {
        let at = usize::try_from(random.below(list.len() as u64)).unwrap_or(0);
        list.get(at).copied().unwrap_or_default().to_owned()
    };
    let mut settings = vec![
        ("plan".to_owned(), pick(&plan, random)),
        ("place".to_owned(), pick(&place, random)),
        (
            "content".to_owned(),
            "x".repeat(usize::try_from(random.below(5_000)).unwrap_or(1) + 1),
        ),
    ];
    if random.happens(400) {
        settings.push(("ask".to_owned(), "capability, refusal".to_owned()));
    }
    let notify = Some("http://pi.example.com/results".to_owned());
    // The settings are the ones above, so there is no wrong one.
    let mut submission =
        cast::submission(&format!("p{number}"), &to, &settings, notify).unwrap_or_default();
    if random.happens(300) {
        let name = "X-Wap-Application-Id".to_owned();
        submission.headers.push((name, CHANNEL.to_owned()));
    }
    if random.happens(300) {
        let ids: Vec<&str> = DEVICES.iter().map(|(_, id)| *id).collect();
        let address = ClientAddress::user(&pick(&ids, random), cast::HOST);
        submission.addresses.push(address);
    }
    (at, submission)
}
