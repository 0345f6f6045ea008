//! What a value of the file or of an option must look like, in words for whoever wrote it.

use std::net::SocketAddr;
use std::ops::Range;

use super::reader::Source;
use crate::codec::uri::{Scheme, Uri};

/// A SIP URI of somebody: `sip:push@ppg.example.com`.
///
/// # Errors
///
/// What is wrong, in a sentence without a full stop.
pub fn sip_uri(text: &str) -> Result<(), String> {
    let uri = Uri::decode(text.as_bytes())
        .map_err(|error| format!("it is no URI: octet {}, {}", error.offset, error.expected))?;
    if !uri.scheme().is_sip() {
        return Err("it does not begin with sip: or sips:".into());
    }
    if uri.host().is_empty() {
        return Err("it names no host".into());
    }
    Ok(())
}

/// A public user identity: a SIP URI with a user, or a telephone number.
///
/// # Errors
///
/// What is wrong.
pub fn identity(text: &str) -> Result<(), String> {
    match Uri::decode(text.as_bytes()) {
        Ok(uri) if uri.scheme() == Scheme::Tel => Ok(()),
        Ok(uri) if uri.scheme().is_sip() && uri.user().is_none_or(str::is_empty) => {
            Err("it names no user before the @".into())
        }
        Ok(uri) if uri.gr().is_some() => Err("it names a device by gr=, not an identity".into()),
        _ => sip_uri(text).map_err(|why| {
            if why.starts_with("it does not begin") {
                "it does not begin with sip:, sips: or tel:".into()
            } else {
                why
            }
        }),
    }
}

/// A telephone number with its country code.
///
/// # Errors
///
/// What is wrong.
pub fn msisdn(text: &str) -> Result<(), String> {
    let digits = text.strip_prefix('+').unwrap_or_default();
    let fits = (3..=15).contains(&digits.len()) && digits.bytes().all(|it| it.is_ascii_digit());
    if fits {
        Ok(())
    } else {
        Err("it is not + and 3 to 15 digits".into())
    }
}

/// A token of Apple's push service.
///
/// # Errors
///
/// What is wrong.
pub fn apns_token(text: &str) -> Result<(), String> {
    let is_lower = |octet: u8| octet.is_ascii_digit() || (b'a'..=b'f').contains(&octet);
    if !text.is_empty() && text.len().is_multiple_of(2) && text.bytes().all(is_lower) {
        Ok(())
    } else {
        Err("it is no octets in lower-case hexadecimal digits".into())
    }
}

/// A URL that the gateway can post to.
///
/// # Errors
///
/// What is wrong.
pub fn http_url(text: &str) -> Result<(), String> {
    let uri: hyper::Uri = text
        .parse()
        .map_err(|error| format!("it is no URL: {error}"))?;
    match uri.scheme_str() {
        Some("http" | "https") => {}
        _ => return Err("it does not begin with http:// or https://".into()),
    }
    match uri.authority() {
        Some(authority) if authority.host().is_empty() => Err("it names no host".into()),
        // `http` takes a port beyond 65535 for none.
        Some(authority) if authority.as_str().contains('@') => {
            Err("it holds a password, which would stand in logs".into())
        }
        Some(authority) => {
            let rest = authority.as_str().strip_prefix(authority.host());
            match rest.and_then(|rest| rest.strip_prefix(':')) {
                Some(port) if port.parse::<u16>().is_err() => Err(format!("{port} is no port")),
                _ => Ok(()),
            }
        }
        None => Err("it names no host".into()),
    }
}

/// A URI of any scheme, as applications go by, or the number that stands for one.
///
/// # Errors
///
/// What is wrong.
pub fn application(text: &str) -> Result<(), String> {
    let is_code = !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_hexdigit());
    if is_code {
        return Ok(());
    }
    let Some((scheme, rest)) = text.split_once(':') else {
        return Err("it is no URI: a scheme and a colon are missing".into());
    };
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .bytes()
            .all(|octet| octet.is_ascii_alphanumeric() || b"+-.".contains(&octet));
    if !is_scheme {
        return Err(format!("\"{scheme}\" is no scheme of a URI"));
    }
    if rest.is_empty() || !rest.bytes().all(|octet| octet.is_ascii_graphic()) {
        return Err("behind the scheme stand visible characters without blanks".into());
    }
    Ok(())
}

/// A host name or address, as it stands in a SIP URI.
///
/// # Errors
///
/// What is wrong.
pub fn host(text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Err("it is empty".into());
    }
    let uri = format!("sip:push@{text}");
    match Uri::decode(uri.as_bytes()) {
        Ok(uri) if uri.host().eq_ignore_ascii_case(text) => Ok(()),
        _ => Err("it is no host name or address".into()),
    }
}

/// Two places that cannot both be listened at, each found once: the later one is at fault.
pub fn places(source: &mut Source, places: &[(String, SocketAddr, Range<usize>)]) {
    for (number, (name, at, span)) in places.iter().enumerate() {
        let clash = places.iter().take(number).find(|(_, other, _)| {
            other.port() == at.port()
                && at.port() != 0
                && (other.ip() == at.ip()
                    || other.ip().is_unspecified()
                    || at.ip().is_unspecified())
        });
        if let Some((other, address, _)) = clash {
            source.fault(
                "SG-C018",
                span.clone(),
                format!(
                    "{name} and {other} cannot both listen at port {}: {address}",
                    at.port()
                ),
                format!("give {name} a port of its own"),
            );
        }
    }
}

/// The value of an option, checked.
pub type Checked = Result<String, String>;

/// Checks an option that is a SIP URI.
///
/// # Errors
///
/// What is wrong, and an example.
pub fn sip_option(text: &str) -> Checked {
    option(text, sip_uri, "sip:push@ppg.example.com")
}

/// Checks an option that is an identity.
///
/// # Errors
///
/// What is wrong, and an example.
pub fn identity_option(text: &str) -> Checked {
    option(text, identity, "sip:alice@example.com")
}

/// Checks an option that names an application.
///
/// # Errors
///
/// What is wrong, and an example.
pub fn application_option(text: &str) -> Checked {
    option(text, application, "x-wap-application:wml.ua")
}

/// Checks where the API is.
///
/// # Errors
///
/// What is wrong, and an example.
pub fn api_option(text: &str) -> Checked {
    let plain = |text: &str| match http_url(text) {
        Ok(()) if text.starts_with("https:") => Err("the API is served as http:// only".into()),
        checked => checked,
    };
    option(text, plain, "http://127.0.0.1:8642")
}

fn option(text: &str, check: impl Fn(&str) -> Result<(), String>, example: &str) -> Checked {
    match check(text) {
        Ok(()) => Ok(text.to_owned()),
        Err(why) => Err(format!("{why}; write it as in {example}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities_are_sip_uris_with_a_user_or_numbers() {
        for good in ["sip:alice@example.com", "tel:+15550100", "sips:a@[::1]"] {
            assert_eq!(identity(good), Ok(()), "{good}");
        }
        for bad in [
            "alice",
            "sip:example.com",
            "sip:alice@",
            "http://a/",
            "sip:a b@c",
            "sip:a@b;gr=urn:x",
            "",
        ] {
            assert!(identity(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn urls_have_a_host_and_a_port_that_exists() {
        for good in [
            "http://127.0.0.1:8642",
            "https://pi.example.com/notify?x=1",
            "http://[::1]:80/",
        ] {
            assert_eq!(http_url(good), Ok(()), "{good}");
        }
        for bad in [
            "127.0.0.1:8642",
            "ftp://a/",
            "http://",
            "http:///pap",
            "http://a:99999/",
            "http://u:p@a/",
            "http://a b/",
        ] {
            assert!(http_url(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn applications_are_uris_or_codes() {
        for good in ["x-wap-application:wml.ua", "2", "9001", "urn:x:y"] {
            assert_eq!(application(good), Ok(()), "{good}");
        }
        for bad in ["", "wml ua", "x-wap-application:", "1x:", "a b:c", "x:a b"] {
            assert!(application(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn hosts_are_names_or_addresses() {
        for good in ["ppg.example.com", "192.0.2.5", "[2001:db8::1]", "localhost"] {
            assert_eq!(host(good), Ok(()), "{good}");
        }
        for bad in ["", "a b", "ppg.example.com:5060", "a@b", "ppg;x=y"] {
            assert!(host(bad).is_err(), "{bad}");
        }
    }
}
