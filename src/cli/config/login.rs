//! `[login]`: how users of web pages prove who they are (R4.4).

use core::time::Duration;
use std::path::Path;

use super::reader::{Source, Table};
use super::{check, required, secret};
use crate::driver::identity::{Algorithm, Identity, Key, Network, Proxies, Tokens};
use crate::gateway::config::Config;
use crate::gateway::service::session::Settings;

/// How far clocks of an issuer may be off, where it is not said.
const LEEWAY: Duration = Duration::from_secs(30);

/// Reads the table.
pub fn read(
    config: &mut Config,
    table: &mut Table<'_>,
    source: &mut Source,
    folder: &Path,
) -> Identity {
    let mut settings = Settings::default();
    if let Some(seconds) = table.number(source, "session_s", 60..31_536_001) {
        settings.lifetime = Duration::from_secs(seconds);
    }
    let example = "site";
    if let Some(apps) = table.all_checked(source, "write", application, example) {
        settings.write = apps;
    }
    for mut user in table.tables(source, "user") {
        one_user(&mut settings, &mut user, source, folder);
        user.finish(source);
    }
    let tokens = table.table(source, "token").and_then(|mut table| {
        let tokens = tokens(&mut table, source, folder);
        table.finish(source);
        tokens
    });
    let proxies = table.table(source, "proxy").and_then(|mut table| {
        let proxies = proxies(&mut table, source);
        table.finish(source);
        proxies
    });
    let identity = Identity {
        sessions: !settings.users.is_empty(),
        tokens,
        certificates: table.flag(source, "certificate").unwrap_or_default(),
        proxies,
    };
    if identity.is_some() {
        // Where users can prove who they are, nobody is believed who only says so.
        config.webapp.trust_body.get_or_insert(false);
    }
    config.login = Some(settings);
    identity
}

fn one_user(settings: &mut Settings, table: &mut Table<'_>, source: &mut Source, folder: &Path) {
    let place = table.span_of("account");
    let example = "account = \"sip:alice@example.com\"";
    let account = required(table, source, "account", example);
    let span = table.span_of("password_file");
    let example = "password_file = \"alice.secret\"";
    let file = required(table, source, "password_file", example);
    let (Some(account), Some(file)) = (account, file) else {
        return;
    };
    if let Err(why) = check::identity(&account) {
        source.fault(
            "SG-C004",
            place,
            format!("\"{account}\" is no value for user.account: {why}"),
            "write it as in sip:alice@example.com".into(),
        );
    } else if settings.users.iter().any(|(other, _)| *other == account) {
        source.fault(
            "SG-C013",
            place,
            format!("{account} stands in [login] twice"),
            "take one of the two out".into(),
        );
    }
    let faults = source.faults.len();
    let password = secret(source, folder, &file, span.clone());
    if password.is_empty() && source.faults.len() == faults {
        source.fault(
            "SG-C006",
            span,
            format!("{file} is empty: anybody could log in as {account}"),
            "write the password into that file, on one line".into(),
        );
    }
    settings.users.push((account, password));
}

fn tokens(table: &mut Table<'_>, source: &mut Source, folder: &Path) -> Option<Tokens> {
    let issuer = required(
        table,
        source,
        "issuer",
        "issuer = \"https://login.example.com\"",
    );
    let audience = required(table, source, "audience", "audience = \"sirgate\"");
    let words = ["HS256", "ES256", "RS256"];
    let span = table.span_of("algorithm");
    let algorithm = match table.word(source, "algorithm", &words) {
        Some("HS256") => Some(Algorithm::Hs256),
        Some("ES256") => Some(Algorithm::Es256),
        Some(_) => Some(Algorithm::Rs256),
        None => None,
    };
    let claim = table.text(source, "claim").unwrap_or_else(|| "sub".into());
    let leeway = table.millis(source, "leeway_ms").unwrap_or(LEEWAY);
    let place = table.span_of("key_files");
    let files = table.texts(source, "key_files").unwrap_or_default();
    if files.is_empty() {
        source.fault(
            "SG-C007",
            place,
            "login.token.key_files is missing, so no token could be verified".into(),
            "add  key_files = [\"issuer.pem\"]".into(),
        );
    }
    let Some(algorithm) = algorithm else {
        if span == table.span {
            source.fault(
                "SG-C007",
                span,
                "algorithm is missing: no token chooses how it is verified".into(),
                format!("add  algorithm = \"ES256\"; allowed: {}", words.join(", ")),
            );
        }
        return None;
    };
    let mut keys = Vec::new();
    for (file, span) in files {
        let octets = std::fs::read(folder.join(&file)).map_err(|error| error.to_string());
        let key = octets.and_then(|it| Key::read(algorithm, &it).map_err(|it| it.to_string()));
        match key {
            Ok(key) => keys.push(key),
            Err(why) => source.fault(
                "SG-C006",
                span,
                format!("{file} is no key for {}: {why}", algorithm.name()),
                "HS256: a secret of 32 octets or more; ES256, RS256: the public key in PEM".into(),
            ),
        }
    }
    Some(Tokens {
        issuer: issuer?,
        audience: audience?,
        claim,
        leeway,
        keys,
    })
}

fn proxies(table: &mut Table<'_>, source: &mut Source) -> Option<Proxies> {
    let header = table.checked(source, "header", header, "x-forwarded-user");
    let place = table.span_of("from");
    let from = table.all_checked(source, "from", network, "10.0.0.0/8");
    let networks = from.unwrap_or_default().into_iter();
    let networks: Vec<Network> = networks.filter_map(|it| it.parse().ok()).collect();
    if networks.is_empty() {
        source.fault(
            "SG-C007",
            place,
            "login.proxy.from names no network, so no proxy would be believed".into(),
            "add  from = [\"127.0.0.1\"]".into(),
        );
    }
    let header = header.unwrap_or_else(|| "x-forwarded-user".into());
    let header = header.to_ascii_lowercase();
    Some(Proxies { header, networks })
}

fn network(text: &str) -> Result<(), String> {
    let network = text.parse::<Network>();
    network.map(drop).map_err(|why| why.to_string())
}

fn header(text: &str) -> Result<(), String> {
    let is_name = |octet: u8| octet.is_ascii_alphanumeric() || octet == b'-';
    match text.to_ascii_lowercase().as_str() {
        "authorization" | "cookie" | "host" | "origin" => Err("it has a meaning of its own".into()),
        "" => Err("it is empty".into()),
        name if name.bytes().all(is_name) => Ok(()),
        _ => Err("a name of a header has letters, digits and hyphens".into()),
    }
}

fn application(text: &str) -> Result<(), String> {
    let is_code = |octet: u8| octet.is_ascii_alphanumeric() || b"-._~:@".contains(&octet);
    match text {
        "" => Err("it is empty".into()),
        text if text.len() <= 64 && text.bytes().all(is_code) => Ok(()),
        _ => Err("an application's code has 1 to 64 of A-Z a-z 0-9 - . _ ~ : @".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Lab;
    use super::*;
    use crate::driver::piggyback::{Commit, Form, Levels, Nothing};

    /// A folder with a password, a secret, and a text that is neither.
    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [
            ("alice.secret", "wonder\n"),
            ("empty.secret", "\n"),
            ("issuer.key", "0123456789abcdef0123456789abcdef\n"),
        ] {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        folder
    }

    fn faults(text: &str) -> Vec<String> {
        let folder = folder();
        let faults = Lab::decode("lab.toml", text, folder.path()).unwrap_err();
        let line = |fault: &crate::cli::fault::Fault| format!("{} {}", fault.code, fault.message);
        faults.iter().map(line).collect()
    }

    #[test]
    fn every_way_to_prove_who_one_is_can_be_configured() {
        let text = "[login]\nsession_s = 600\nwrite = [\"board\"]\ncertificate = true\n\
            [[login.user]]\naccount = \"sip:alice@example.com\"\npassword_file = \"alice.secret\"\n\
            [login.token]\nissuer = \"https://login.example\"\naudience = \"sirgate\"\n\
            algorithm = \"HS256\"\nkey_files = [\"issuer.key\"]\nclaim = \"email\"\n\
            [login.proxy]\nheader = \"X-User\"\nfrom = [\"10.0.0.0/8\", \"::1\"]\n\
            [piggyback]\nmode = \"json\"\nlevels = 1\ncommit = \"send\"\nnone = \"said\"\n";
        let folder = folder();
        let lab = Lab::decode("lab.toml", text, folder.path()).unwrap();
        assert!(lab.warnings.is_empty());
        let login = lab.gateway.login.unwrap();
        assert_eq!(login.users[0].1, "wonder");
        assert_eq!(login.lifetime, Duration::from_secs(600));
        assert_eq!(login.write, ["board"]);
        assert_eq!(lab.gateway.webapp.trust_body, Some(false));
        let identity = lab.login;
        assert!(identity.sessions && identity.certificates);
        let tokens = identity.tokens.unwrap();
        assert_eq!((tokens.claim.as_str(), tokens.keys.len()), ("email", 1));
        let proxies = identity.proxies.unwrap();
        assert_eq!(
            (proxies.header.as_str(), proxies.networks.len()),
            ("x-user", 2)
        );
        let settings = lab.piggyback.unwrap().settings;
        assert_eq!((settings.form, settings.levels), (Form::Json, Levels::One));
        assert_eq!(
            (settings.commit, settings.nothing),
            (Commit::Send, Nothing::Said)
        );
    }

    #[test]
    fn what_would_let_anybody_or_nobody_in_is_a_fault() {
        let user = "[[login.user]]\naccount = \"sip:alice@example.com\"\npassword_file = ";
        for (text, fault) in [
            (
                format!("{user}\"empty.secret\"\n"),
                "SG-C006 empty.secret is empty: anybody could log in as sip:alice@example.com",
            ),
            (
                "[[login.user]]\naccount = \"alice\"\npassword_file = \"alice.secret\"\n".into(),
                "SG-C004 \"alice\" is no value for user.account",
            ),
            (
                format!("{user}\"alice.secret\"\n{user}\"alice.secret\"\n"),
                "SG-C013 sip:alice@example.com stands in [login] twice",
            ),
            (
                "[login.token]\nissuer = \"i\"\naudience = \"a\"\nkey_files = [\"issuer.key\"]\n".into(),
                "SG-C007 algorithm is missing: no token chooses how it is verified",
            ),
            (
                "[login.token]\nissuer = \"i\"\naudience = \"a\"\nalgorithm = \"ES256\"\n\
                 key_files = [\"issuer.key\"]\n"
                    .into(),
                "SG-C006 issuer.key is no key for ES256",
            ),
            (
                "[login.token]\nissuer = \"i\"\nalgorithm = \"HS256\"\nkey_files = [\"alice.secret\"]\n"
                    .into(),
                "SG-C006 alice.secret is no key for HS256: a secret has at least 32 octets",
            ),
            (
                "[login.proxy]\nfrom = [\"10.0.0.1/8\"]\n".into(),
                "SG-C004 \"10.0.0.1/8\" is no value for proxy.from: bits are set that do not count",
            ),
            (
                "[login.proxy]\nheader = \"Cookie\"\nfrom = [\"10.0.0.1\"]\n".into(),
                "SG-C004 \"Cookie\" is no value for proxy.header",
            ),
        ] {
            let found = faults(&text);
            assert!(found.iter().any(|it| it.starts_with(fault)), "{text}\n{found:?}");
        }
    }

    #[test]
    fn messages_that_ride_along_for_nobody_are_hardly_meant() {
        let lab = Lab::decode("lab.toml", "[piggyback]\n", Path::new(".")).unwrap();
        assert_eq!(lab.warnings.len(), 1);
        assert_eq!(lab.warnings[0].code, "SG-C021");
    }
}
