//! Which messages a rule is about.

use std::net::{IpAddr, SocketAddr};

use super::sight::{Direction, Kind, Line, Road, Sight};
use super::spec::{Spec, WrongSpec};
use crate::event::Bearer;

/// Which messages a rule is about; what is not said is any.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Selector {
    bearer: Option<Way>,
    road: Option<Road>,
    direction: Option<Direction>,
    pui: Option<String>,
    device: Option<String>,
    peer: Option<(IpAddr, u32)>,
    kind: Option<Kind>,
    field: Option<(String, String)>,
}

/// A bearer, or the side of the initiators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    By(Bearer),
    Pap,
}

impl Selector {
    pub(super) fn of(spec: &Spec) -> Result<Self, WrongSpec> {
        let bearer = match spec.bearer.as_deref() {
            None => None,
            Some("pap") => Some(Way::Pap),
            Some(name) => {
                let bearer = serde_json::from_value(name.into());
                let none =
                    "bearers are sip, http, wsp, sms, ussd, cs, ps, signalling, service, and pap";
                Some(Way::By(bearer.map_err(|_| {
                    WrongSpec(format!("there is no bearer '{name}'; {none}"))
                })?))
            }
        };
        let road = one_of(
            "transport",
            spec.transport.as_deref(),
            &[
                ("udp", Road::Datagram),
                ("stream", Road::Link),
                ("http", Road::Http),
            ],
        )?;
        let direction = one_of(
            "dir",
            spec.dir.as_deref(),
            &[("in", Direction::In), ("out", Direction::Out)],
        )?;
        let kind = one_of(
            "kind",
            spec.kind.as_deref(),
            &[
                ("sir", Kind::Sir),
                ("content", Kind::Content),
                ("reply", Kind::Reply),
                ("receipt", Kind::Receipt),
            ],
        )?;
        let field = match spec.matching.as_deref() {
            None => None,
            Some(text) => {
                let (path, value) = text
                    .split_once('=')
                    .filter(|(path, _)| path.contains('.'))
                    .ok_or_else(|| {
                        WrongSpec(format!(
                            "'{text}' is no match; write it as sip.method=MESSAGE"
                        ))
                    })?;
                Some((path.to_owned(), value.to_owned()))
            }
        };
        Ok(Self {
            bearer,
            road,
            direction,
            pui: spec.pui.clone(),
            device: spec.device.clone(),
            peer: spec.peer.as_deref().map(network).transpose()?,
            kind,
            field,
        })
    }

    pub(super) fn fits(&self, sight: &Sight<'_>) -> bool {
        self.direction
            .is_none_or(|wanted| wanted == sight.direction)
            && self.road.is_none_or(|wanted| wanted == sight.road)
            && self.bearer.is_none_or(|wanted| match wanted {
                Way::Pap => sight.line == Line::Pap,
                Way::By(bearer) => sight.bearer == Some(bearer),
            })
            && self.kind.is_none_or(|wanted| sight.kind == Some(wanted))
            && self
                .peer
                .is_none_or(|net| sight.peer.is_some_and(|peer| within(net, peer)))
            && self
                .device
                .as_deref()
                .is_none_or(|wanted| sight.is_of_device(wanted))
            && self
                .pui
                .as_deref()
                .is_none_or(|wanted| sight.is_of_pui(wanted))
            && self
                .field
                .as_ref()
                .is_none_or(|(path, value)| sight.says(path, value))
    }
}

pub(super) fn one_of<T: Copy>(
    name: &str,
    given: Option<&str>,
    known: &[(&str, T)],
) -> Result<Option<T>, WrongSpec> {
    let Some(given) = given else { return Ok(None) };
    let found = known.iter().find(|(word, _)| *word == given);
    found.map(|(_, value)| Some(*value)).ok_or_else(|| {
        let words: Vec<&str> = known.iter().map(|(word, _)| *word).collect();
        WrongSpec(format!(
            "{name} is one of {}, not '{given}'",
            words.join(", ")
        ))
    })
}

/// `192.0.2.0/24`, or one address.
fn network(text: &str) -> Result<(IpAddr, u32), WrongSpec> {
    let none = || WrongSpec(format!("'{text}' is no network; write it as 192.0.2.0/24"));
    let (address, bits) = text.split_once('/').unwrap_or((text, ""));
    let address: IpAddr = address.parse().map_err(|_| none())?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let bits = if bits.is_empty() {
        most
    } else {
        bits.parse().map_err(|_| none())?
    };
    if bits > most {
        Err(none())
    } else {
        Ok((address, bits))
    }
}

fn within((network, bits): (IpAddr, u32), peer: SocketAddr) -> bool {
    match (network, peer.ip().to_canonical()) {
        (IpAddr::V4(network), IpAddr::V4(peer)) => {
            let mask = u32::MAX
                .checked_shl(32_u32.saturating_sub(bits))
                .unwrap_or(0);
            network.to_bits() & mask == peer.to_bits() & mask
        }
        (IpAddr::V6(network), IpAddr::V6(peer)) => {
            let mask = u128::MAX
                .checked_shl(128_u32.saturating_sub(bits))
                .unwrap_or(0);
            network.to_bits() & mask == peer.to_bits() & mask
        }
        _ => false,
    }
}
