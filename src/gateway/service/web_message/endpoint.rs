//! Which push services the gateway may call: where a browser's subscription may lead.
//!
//! **Source:** RFC 8030 section 8.3 and RFC 8291 section 7 leave it to the sender whom it believes. A subscription is a URL
//! that a browser gives us and that we post to, so only listed origins are called: else any page could have the gateway
//! knock at doors inside its own network.

use core::fmt;
use core::str::FromStr;
use std::net::IpAddr;

/// Octets of an endpoint (as UnifiedPush bounds it).
const ENDPOINT_OCTETS: usize = 1_000;

/// Scheme, host and port of a URL.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    is_tls: bool,
    /// In lower case; an IPv6 address without its brackets.
    host: String,
    port: u16,
}

/// One place that may be called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Allowed {
    /// `own`: our own push service.
    Own,
    /// `loopback`: anything on the same machine.
    Loopback,
    /// `https://push.example.com`.
    Origin(Origin),
    /// `https://*.example.com`: all hosts below a name.
    Below(Origin),
}

/// The places that may be called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoints {
    allowed: Vec<Allowed>,
    own: Option<Origin>,
}

/// Why an endpoint is not called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndpointFault {
    /// It is no URL that can be posted to.
    #[error("the endpoint is no URL of http or https with a host")]
    NoUrl,
    /// It has a user before the host.
    #[error("the endpoint holds a user name or a password")]
    Password,
    /// It ends with a fragment, which no server sees.
    #[error("the endpoint ends with a fragment")]
    Fragment,
    /// It is longer than any push service makes them.
    #[error("the endpoint has more than 1000 octets")]
    TooLong,
    /// It leads into a private network, or to an address that is none of a host.
    #[error("the endpoint is at a private address that this gateway was not told to call")]
    Private,
    /// It is somewhere that was not listed.
    #[error("the endpoint is at a push service that this gateway was not told to call")]
    NotListed,
}

impl EndpointFault {
    /// The status that says so: the request cannot be understood, or is not allowed.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Private | Self::NotListed => 403,
            _ => 422,
        }
    }
}

impl Default for Endpoints {
    fn default() -> Self {
        Self::new(vec![Allowed::Own, Allowed::Loopback], "")
    }
}

impl Endpoints {
    /// Those places; `own` is the origin of our own push service, empty where there is none.
    #[must_use]
    pub fn new(allowed: Vec<Allowed>, own: &str) -> Self {
        let own = Origin::of(own).ok().map(|(origin, _)| origin);
        Self { allowed, own }
    }

    /// The origin of an endpoint, when it may be called.
    ///
    /// # Errors
    /// Why it may not.
    pub fn check(&self, endpoint: &str) -> Result<Origin, EndpointFault> {
        if endpoint.len() > ENDPOINT_OCTETS {
            return Err(EndpointFault::TooLong);
        }
        let (origin, rest) = Origin::of(endpoint)?;
        if rest.contains('#') {
            return Err(EndpointFault::Fragment);
        }
        let may = self.allowed.iter().any(|allowed| match allowed {
            Allowed::Own => self.own.as_ref() == Some(&origin),
            Allowed::Loopback => origin.is_loopback(),
            Allowed::Origin(listed) => *listed == origin,
            Allowed::Below(listed) => origin.is_below(listed),
        });
        match may {
            true => Ok(origin),
            false if origin.is_private() => Err(EndpointFault::Private),
            false => Err(EndpointFault::NotListed),
        }
    }
}

impl Origin {
    /// The origin of a URL, and what stands behind it.
    fn of(url: &str) -> Result<(Self, &str), EndpointFault> {
        let legal = |octet: u8| octet.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&octet);
        if !url.bytes().all(legal) {
            return Err(EndpointFault::NoUrl);
        }
        let (scheme, behind) = url.split_once("://").ok_or(EndpointFault::NoUrl)?;
        let is_tls = match scheme.to_ascii_lowercase().as_str() {
            "https" => true,
            "http" => false,
            _ => return Err(EndpointFault::NoUrl),
        };
        let end = behind.find(['/', '?', '#']).unwrap_or(behind.len());
        let (place, rest) = behind.split_at_checked(end).ok_or(EndpointFault::NoUrl)?;
        if place.contains('@') {
            return Err(EndpointFault::Password);
        }
        let (host, port) = match place.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => {
                let is_number = port.bytes().all(|octet| octet.is_ascii_digit());
                let port = port.parse::<u16>().ok().filter(|_| is_number);
                (host, port.ok_or(EndpointFault::NoUrl)?)
            }
            _ => (place, if is_tls { 443 } else { 80 }),
        };
        let host = host_of(host).ok_or(EndpointFault::NoUrl)?;
        Ok((Self { is_tls, host, port }, rest))
    }

    fn is_loopback(&self) -> bool {
        match self.host.parse::<IpAddr>() {
            Ok(address) => address.is_loopback(),
            Err(_) => self.host == "localhost",
        }
    }

    /// True for addresses that the rest of the world cannot mean, and for names that resolvers take for addresses.
    fn is_private(&self) -> bool {
        match self.host.parse::<IpAddr>() {
            Ok(IpAddr::V4(four)) => is_private_four(four.octets()),
            Ok(IpAddr::V6(six)) => match six.to_ipv4_mapped() {
                Some(four) => is_private_four(four.octets()),
                None => {
                    let first = six.segments().first().copied().unwrap_or_default();
                    let is_local = (first & 0xfe00) == 0xfc00 || (first & 0xffc0) == 0xfe80;
                    six.is_loopback() || six.is_unspecified() || is_local
                }
            },
            Err(_) => {
                let last = self.host.rsplit('.').next().unwrap_or_default();
                let is_number =
                    last.starts_with("0x") || last.bytes().all(|it| it.is_ascii_digit());
                is_number || self.host == "localhost" || !self.host.contains('.')
            }
        }
    }

    fn is_below(&self, listed: &Self) -> bool {
        let below = self.host.strip_suffix(listed.host.as_str());
        let below = below.and_then(|it| it.strip_suffix('.'));
        self.is_tls == listed.is_tls
            && self.port == listed.port
            && below.is_some_and(|it| !it.is_empty())
    }
}

impl fmt::Display for Origin {
    /// As a token's audience names it (RFC 6454 section 6.2): the usual port is left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, usual) = if self.is_tls {
            ("https", 443)
        } else {
            ("http", 80)
        };
        f.write_str(scheme)?;
        match self.host.contains(':') {
            true => write!(f, "://[{}]", self.host)?,
            false => write!(f, "://{}", self.host)?,
        }
        if self.port != usual {
            write!(f, ":{}", self.port)?;
        }
        Ok(())
    }
}

impl FromStr for Allowed {
    type Err = String;

    /// # Errors
    /// What is wrong, without a full stop.
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "own" => return Ok(Self::Own),
            "loopback" => return Ok(Self::Loopback),
            _ => {}
        }
        let said = text.replacen("://*.", "://", 1);
        let (origin, rest) = Origin::of(&said).map_err(|_| {
            "it is none of own, loopback, https://push.example.com, https://*.example.com"
                .to_owned()
        })?;
        if !rest.is_empty() {
            return Err("it does not end with its host or port".to_owned());
        }
        match said == text {
            true => Ok(Self::Origin(origin)),
            false if origin.host.contains('.') => Ok(Self::Below(origin)),
            false => Err("the hosts below a name of one part would be anybody's".to_owned()),
        }
    }
}

/// A host in lower case; `None` when it is neither a name nor an address.
fn host_of(text: &str) -> Option<String> {
    if let Some(six) = text.strip_prefix('[').and_then(|it| it.strip_suffix(']')) {
        let six: std::net::Ipv6Addr = six.parse().ok()?;
        return Some(six.to_string());
    }
    let legal = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'.' | b'_');
    // A dot at its end names the same host.
    let text = text.strip_suffix('.').unwrap_or(text);
    let is_name =
        !text.is_empty() && text.bytes().all(legal) && !text.split('.').any(str::is_empty);
    is_name.then(|| text.to_ascii_lowercase())
}

const fn is_private_four(octets: [u8; 4]) -> bool {
    matches!(
        octets,
        [0 | 10 | 127 | 224..=255, ..]
            | [100, 64..=127, ..]
            | [169, 254, ..]
            | [172, 16..=31, ..]
            | [192, 168, ..]
            | [192, 0, 0, _]
            | [198, 18..=19, ..]
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usual() -> Endpoints {
        let own = vec![Allowed::Own, Allowed::Loopback];
        Endpoints::new(own, "https://push.sirgate.example")
    }

    fn audience(endpoints: &Endpoints, url: &str) -> Result<String, EndpointFault> {
        endpoints.check(url).map(|origin| origin.to_string())
    }

    #[test]
    fn our_own_push_service_and_this_machine_may_be_called_unless_told_otherwise() {
        let usual = usual();
        for (url, origin) in [
            (
                "https://push.sirgate.example/wpush/v2/x",
                "https://push.sirgate.example",
            ),
            (
                "HTTPS://PUSH.sirgate.example.:443/w",
                "https://push.sirgate.example",
            ),
            (
                "http://127.0.0.1:8080/wpush/v2/x?a=b",
                "http://127.0.0.1:8080",
            ),
            ("http://[::1]:8080/w", "http://[::1]:8080"),
            ("http://localhost/w", "http://localhost"),
        ] {
            assert_eq!(audience(&usual, url), Ok(origin.to_owned()), "{url}");
        }
    }

    #[test]
    fn nobody_has_the_gateway_knock_inside_its_own_network() {
        for url in [
            "http://10.0.0.1/",
            "http://172.16.9.9:80/x",
            "https://192.168.1.1/admin",
            "http://169.254.169.254/latest/meta-data",
            "http://100.64.0.1/",
            "http://0.0.0.0/",
            "http://[fe80::1]/",
            "http://[fd00::1]/",
            "http://[::ffff:10.0.0.1]/",
            "http://2130706433/",
            "http://0x7f.0.0.0x1/",
            "http://010.0.0.1/",
            "http://intranet/",
        ] {
            assert_eq!(usual().check(url), Err(EndpointFault::Private), "{url}");
        }
    }

    #[test]
    fn what_was_not_listed_is_not_called_however_it_is_written() {
        let usual = usual();
        for url in [
            "https://push.example.com/x",
            "http://push.sirgate.example/x",
            "https://push.sirgate.example:8443/x",
            "https://push.sirgate.example.evil.example/x",
            "https://localhost.evil.example/x",
        ] {
            assert_eq!(usual.check(url), Err(EndpointFault::NotListed), "{url}");
        }
        for (url, fault) in [
            (
                "https://push.sirgate.example@evil.example/",
                EndpointFault::Password,
            ),
            ("https://push.sirgate.example/#x", EndpointFault::Fragment),
            ("ftp://push.sirgate.example/", EndpointFault::NoUrl),
            ("https:///x", EndpointFault::NoUrl),
            ("https://push.sirgate.example:99999/", EndpointFault::NoUrl),
            ("https://push.sirgate.example:+443/", EndpointFault::NoUrl),
            (
                "https://push.sirgate.example\\@evil.example/",
                EndpointFault::NoUrl,
            ),
            ("https://push sirgate/", EndpointFault::NoUrl),
            ("", EndpointFault::NoUrl),
        ] {
            assert_eq!(usual.check(url), Err(fault), "{url}");
        }
    }

    #[test]
    fn an_endpoint_at_the_bound_is_taken_and_one_octet_more_is_not() {
        let start = "http://127.0.0.1/";
        let of = |octets: usize| format!("{start}{}", "x".repeat(octets - start.len()));
        assert!(usual().check(&of(ENDPOINT_OCTETS)).is_ok());
        let longer = usual().check(&of(ENDPOINT_OCTETS + 1));
        assert_eq!(longer, Err(EndpointFault::TooLong));
    }

    #[test]
    fn a_list_names_origins_and_hosts_below_a_name() {
        let allowed = [
            "https://updates.push.services.mozilla.com",
            "https://*.push.example.com",
        ];
        let allowed = allowed.map(|text| text.parse().unwrap());
        let listed = Endpoints::new(allowed.to_vec(), "");
        for url in [
            "https://updates.push.services.mozilla.com/wpush/v2/x",
            "https://a.push.example.com/x",
            "https://b.a.push.example.com/x",
        ] {
            assert!(listed.check(url).is_ok(), "{url}");
        }
        for url in [
            "https://push.example.com/x",
            "https://apush.example.com/x",
            "http://a.push.example.com/x",
        ] {
            assert_eq!(listed.check(url), Err(EndpointFault::NotListed), "{url}");
        }
        let here = listed.check("http://127.0.0.1/x");
        assert_eq!(here, Err(EndpointFault::Private));
        for text in [
            "https://push.example.com/x",
            "push.example.com",
            "https://*.com",
        ] {
            assert!(text.parse::<Allowed>().is_err(), "{text}");
        }
    }
}
