//! A push in a WSP datagram: to the device's own socket, or inside short messages and strings.
//!
//! **Source:** WAP-235 section 6.1 (connectionless push), WAP-259 (port 2948). Nobody is told whether it was taken.

use std::net::SocketAddr;

use crate::codec::DecodeError;
use crate::codec::sip::Name;
use crate::codec::sir::{FROM, REPLY_TO, TO};
use crate::codec::wsp::{Push, Rigour};
use crate::device::Device;
use crate::event::{Bearer, Fact};
use crate::time::Time;
use crate::world::Output;

use super::{Arrival, Pushed};

/// The header by which a gateway says over which bearer it sends, and the name of it in text.
const BEARER: [&str; 2] = ["Bearer-Indication", "X-Wap-Bearer-Indication"];
/// Bearer types of the packet and of the circuit domain (WAP-259 appendix C): GPRS and CSD of GSM.
const PACKET: u64 = 0x0B;
const CIRCUIT: u64 = 0x0A;

impl Device {
    /// A datagram at the push port.
    pub(super) fn wsp_datagram(
        &mut self,
        now: Time,
        peer: SocketAddr,
        octets: &[u8],
        out: &mut Vec<Output>,
    ) {
        let known = &self.config.bearers.wsp_from;
        if !known.is_empty() && !known.contains(&peer.ip()) {
            let (from, why) = (peer.to_string(), "a WSP push of an unknown gateway");
            let why = why.to_owned();
            return self.report(now, Fact::Refused { from, why }, out);
        }
        self.rung(now, "wsp", false, "Push", octets, out);
        match read(octets) {
            Ok((pushed, bearer)) => {
                let arrival = Arrival::Told(bearer.unwrap_or(Bearer::Wsp));
                self.pushed(now, arrival, &pushed, out);
            }
            Err(error) => {
                let (from, why) = (peer.to_string(), error.to_string());
                self.report(now, Fact::Refused { from, why }, out);
            }
        }
    }
}

/// A push that came in a session: all but its type is as in one without.
pub(super) fn read_in_session(pdu: &[u8]) -> Result<Pushed, DecodeError> {
    let mut octets = vec![0, PUSH];
    octets.extend_from_slice(pdu.get(1..).unwrap_or_default());
    read(&octets).map(|(pushed, _)| pushed)
}

/// The type of a push without confirmation.
const PUSH: u8 = 0x06;

/// The push of a datagram, and the bearer that it says it came by.
pub(super) fn read(octets: &[u8]) -> Result<(Pushed, Option<Bearer>), DecodeError> {
    let push = Push::read(octets, &mut Rigour::of(true))?;
    let headers = &push.content.headers;
    let wrapped = push.wrapped();
    let own = |name: &'static str| {
        let field = headers.named(name).find_map(|field| field.text())?;
        Some((name.to_owned(), field.to_owned()))
    };
    let mut rows: Vec<(String, String)> = wrapped
        .headers
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    rows.extend(
        [TO, FROM, REPLY_TO, Name::XSirgatePush.text()]
            .into_iter()
            .filter_map(own),
    );
    let said = BEARER.into_iter().find_map(|name| {
        let field = headers.named(name).next()?;
        let text = || u64::from_str_radix(field.text()?, 16).ok();
        field.value.integer().or_else(text)
    });
    let bearer = match said {
        Some(PACKET) => Some(Bearer::Ps),
        Some(CIRCUIT) => Some(Bearer::Cs),
        _ => None,
    };
    let pushed = Pushed {
        rows,
        content_type: wrapped.content_type,
        body: wrapped.body,
    };
    Ok((pushed, bearer))
}
