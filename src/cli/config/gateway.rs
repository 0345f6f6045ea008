//! The tables about the gateway itself: names, wishes, patience, initiators, registration.

use std::path::Path;

use super::{Source, Table, authentication, check, place, secret, users};
use crate::codec::sir::Placement;
use crate::gateway::config::{Config, Contents, Relay, Smsc};
use crate::gateway::policy::{Policy, Rule, Terms};
use crate::gateway::push::plan::{Fork, PlanWish};
use crate::gateway::registry::canonical;
use crate::protocol::smpp::Version;

/// Reads `[gateway]`.
pub fn read(config: &mut Config, table: &mut Table<'_>, source: &mut Source) {
    if let Some(domain) = table.checked(source, "domain", check::host, "example.com") {
        config.domain = domain;
    }
    if let Some(host) = table.checked(source, "host", check::host, "ppg.example.com") {
        config.uri = format!("sip:push@{host}");
        config.host = host;
    }
    let plans = ["auto", "targeted", "fanout", "fanout+id", "legacy"];
    if let Some(plan) = table
        .word(source, "plan", &plans)
        .and_then(PlanWish::from_name)
    {
        config.plan = plan;
    }
    if let Some(fork) = table
        .word(source, "fork", &["ppg", "core"])
        .and_then(Fork::from_name)
    {
        config.fork = fork;
    }
    placement(config, table, source);
    core(config, table, source);
    relay(config, table, source);
    for (key, slot) in [
        ("sia", &mut config.sia),
        ("add_pui", &mut config.add_pui),
        ("learn_devices", &mut config.learn_devices),
        ("unsolicited_summaries", &mut config.unsolicited_summaries),
    ] {
        if let Some(flag) = table.flag(source, key) {
            *slot = flag;
        }
    }
    for (key, slot) in [
        ("sir_expires_ms", &mut config.sir_expires),
        ("push_lifetime_ms", &mut config.push_lifetime),
        ("answer_timeout_ms", &mut config.answer_timeout),
        ("report_timeout_ms", &mut config.report_timeout),
        ("retry_wait_ms", &mut config.retry_wait),
        ("session_linger_ms", &mut config.session_linger),
    ] {
        if let Some(duration) = table.millis(source, key) {
            *slot = duration;
        }
    }
    let example = "sip:desk@example.com";
    if let Some(names) = table.all_checked(source, "presence_watchers", check::identity, example) {
        config.presence_watchers = names.iter().map(|name| canonical(name)).collect();
    }
    if let Some(retries) = table
        .number(source, "retries", 0..101)
        .and_then(|n| u32::try_from(n).ok())
    {
        config.retries = retries;
    }
}

fn relay(config: &mut Config, table: &mut Table<'_>, source: &mut Source) {
    let spans = [table.span_of("relay"), table.span_of("relay_notify")];
    let faults = source.faults.len();
    let example = "http://127.0.0.1:8652/pap";
    let url = table.checked(source, "relay", check::http_url, example);
    let notify = table.checked(source, "relay_notify", check::http_url, example);
    if source.faults.len() > faults {
        return;
    }
    config.relay = match (url, notify) {
        (Some(url), Some(notify)) => Some(Relay { url, notify }),
        (None, None) => None,
        (url, _) => {
            let [relay, relay_notify] = spans;
            let (span, what) = match url {
                Some(_) => (relay, "relay needs relay_notify: where results are told"),
                None => (relay_notify, "relay_notify is of no use without relay"),
            };
            source.fault(
                "SG-C016",
                span,
                what.into(),
                "give both, or neither: our PAP as the other gateway reaches it, e.g. \
                 relay_notify = \"http://127.0.0.1:8642/pap\""
                    .into(),
            );
            None
        }
    };
}

fn core(config: &mut Config, table: &mut Table<'_>, source: &mut Source) {
    let span = table.span_of("core");
    config.core = table
        .text(source, "core")
        .and_then(|text| place(source, &text, span));
    if config.fork == Fork::Core && config.core.is_none() {
        source.fault(
            "SG-C015",
            table.span.clone(),
            "fork = \"core\" needs the address of a core".into(),
            "add  core = \"udp:127.0.0.1:5070\"  or fork = \"ppg\"".into(),
        );
    }
}

fn placement(config: &mut Config, table: &mut Table<'_>, source: &mut Source) {
    let span = table.span_of("place");
    let Some(places) = table.texts(source, "place") else {
        return;
    };
    if places.is_empty() {
        source.fault(
            "SG-C004",
            span,
            "gateway.place is empty, so no SIR could name a device".into(),
            "write one or more of \"header\", \"value\", \"body\"".into(),
        );
        return;
    }
    let words: Vec<String> = places.into_iter().map(|(place, _)| place).collect();
    match words.join(",").parse::<Placement>() {
        Ok(place) => config.place = place,
        Err(_) => source.fault(
            "SG-C004",
            span,
            "gateway.place names something that is no place".into(),
            "write one or more of \"header\", \"value\", \"body\"".into(),
        ),
    }
}

/// Reads `[policy]`.
pub fn policy(config: &mut Config, table: &mut Table<'_>, source: &mut Source, folder: &Path) {
    config.policy.pushes_per_minute = table
        .number(source, "pushes_per_minute", 1..1_000_000_000)
        .and_then(|n| u32::try_from(n).ok());
    config.policy.content_octets_max = table
        .number(source, "content_octets_max", 1..1 << 40)
        .and_then(|n| usize::try_from(n).ok());
    if let Some(octets) = table
        .number(source, "body_octets_max", 1..1 << 40)
        .and_then(|n| usize::try_from(n).ok())
    {
        config.body_octets_max = octets;
    }
    let example = "sip:push@ppg2.example.com";
    if let Some(ppgs) = table.all_checked(source, "ppgs", check::sip_uri, example) {
        config.policy.ppgs = ppgs;
    }
    let initiators = table.tables(source, "initiator");
    for mut table in initiators {
        initiator(&mut config.policy, &mut table, source, folder);
        table.finish(source);
    }
    for mut rule in table.tables(source, "rule") {
        let application = super::required(
            &mut rule,
            source,
            "application",
            "application = \"x-wap-application:wml.ua\"",
        );
        let kinds = rule
            .texts(source, "kinds")
            .unwrap_or_default()
            .into_iter()
            .map(|(kind, _)| kind)
            .collect();
        if let Some(application) = application {
            config.policy.rules.push(Rule { application, kinds });
        }
        rule.finish(source);
    }
}

/// Reads `[smsc]`.
pub fn smsc(config: &mut Config, table: &mut Table<'_>, source: &mut Source, folder: &Path) {
    let form = "an address and a port, as in 127.0.0.1:2775";
    let address = table.parsed(source, "address", form);
    let mut smsc = Smsc::new(address.unwrap_or_else(|| ([127, 0, 0, 1], 2775).into()));
    for (key, most, text) in [
        ("system_id", 15, &mut smsc.system_id),
        ("system_type", 12, &mut smsc.system_type),
        ("short_code", 20, &mut smsc.short_code),
    ] {
        let span = table.span_of(key);
        if let Some(given) = table.text(source, key) {
            fits(source, span, &format!("smsc.{key}"), &given, most);
            *text = given;
        }
    }
    let span = table.span_of("password_file");
    if let Some(file) = table.text(source, "password_file") {
        smsc.password = secret(source, folder, &file, span.clone());
        fits(source, span, "the password of smsc", &smsc.password, 8);
    }
    smsc.version = match table.word(source, "version", &["3.3", "3.4", "5.0"]) {
        Some("3.3") => Version::V33,
        Some("5.0") => Version::V50,
        _ => Version::V34,
    };
    if let Some(wait) = table.millis(source, "receipt_timeout_ms") {
        smsc.receipt_timeout = wait;
    }
    config.smsc = Some(smsc);
}

/// A text has room in its field of SMPP; one without could never be sent.
fn fits(source: &mut Source, span: std::ops::Range<usize>, what: &str, text: &str, most: usize) {
    if text.len() > most || !text.is_ascii() {
        source.fault(
            "SG-C004",
            span,
            format!("{what} does not fit into SMPP"),
            format!("write at most {most} characters of ASCII"),
        );
    }
}

/// Reads `[ota_http]`.
pub fn ota_http(config: &mut Config, table: &mut Table<'_>, source: &mut Source, folder: &Path) {
    config.ota_http.contents = match table.word(source, "contents", &["auto", "always", "never"]) {
        Some("always") => Contents::Direct,
        Some("never") => Contents::BySession,
        _ => Contents::Unregistered,
    };
    config.ota_http.prov_url = table.text(source, "prov_url");
    let span = table.span_of("password_file");
    let password = table
        .text(source, "password_file")
        .map(|file| secret(source, folder, &file, span));
    if let Some(user) = table.text(source, "user") {
        config.credentials = Some((user, password.unwrap_or_default()));
    }
    let realm = table.text(source, "realm");
    let realm = realm.unwrap_or_else(|| config.host.clone());
    let terminals = table.tables(source, "terminal");
    let terminals = users(terminals, source, folder);
    if !terminals.is_empty() {
        config.ota_http.terminals = Some(authentication(realm, terminals));
    }
}

/// Reads `[[policy.initiator]]`: a name, what proves it, and what it may do.
fn initiator(policy: &mut Policy, table: &mut Table<'_>, source: &mut Source, folder: &Path) {
    let Some(name) = super::required(table, source, "name", "name = \"shop\"") else {
        return;
    };
    let spans = [table.span_of("password_file"), table.span_of("token_file")];
    let [password, token] = ["password_file", "token_file"].map(|key| table.text(source, key));
    let certificate = table.text(source, "certificate");
    if password.is_none() && token.is_none() && certificate.is_none() {
        let example = "password_file = \"shop.secret\"";
        super::required(table, source, "password_file", example);
    }
    let [password_span, token_span] = spans;
    if let Some(file) = password {
        let secret = secret(source, folder, &file, password_span);
        policy.initiators.push((name.clone(), secret));
    }
    if let Some(file) = token {
        let secret = secret(source, folder, &file, token_span);
        policy.tokens.push((name.clone(), secret));
    }
    if let Some(certificate) = certificate {
        policy.certificates.push((name.clone(), certificate));
    }
    let mut number = |key, most| {
        let number = table.number(source, key, 1..most);
        number.and_then(|number| usize::try_from(number).ok())
    };
    let per_minute = number("pushes_per_minute", 1_000_000_000);
    let terms = Terms {
        pushes_per_minute: per_minute.and_then(|number| u32::try_from(number).ok()),
        content_octets_max: number("content_octets_max", 1 << 40),
        open_max: number("pushes_open_max", 1_000_000_000),
        applications: table
            .texts(source, "applications")
            .unwrap_or_default()
            .into_iter()
            .map(|(application, _)| application)
            .collect(),
        accounts: table.flag(source, "accounts").unwrap_or(false),
    };
    if terms != Terms::default() {
        policy.terms.insert(name, terms);
    }
}

/// Reads `[registration]`.
pub fn registration(
    config: &mut Config,
    table: &mut Table<'_>,
    source: &mut Source,
    folder: &Path,
) {
    let spans = ["min_expires_s", "default_expires_s"].map(|key| table.span_of(key));
    for (key, slot) in [
        (
            "default_expires_s",
            &mut config.registration.default_expires,
        ),
        ("min_expires_s", &mut config.registration.min_expires),
        ("max_expires_s", &mut config.registration.max_expires),
        ("flow_timer_s", &mut config.registration.flow_timer),
    ] {
        if let Some(seconds) = table
            .number(source, key, 1..86_401)
            .and_then(|n| u32::try_from(n).ok())
        {
            *slot = seconds;
        }
    }
    expires(config, spans, source);
    let realm = table
        .text(source, "realm")
        .unwrap_or_else(|| config.domain.clone());
    let tables = table.tables(source, "user");
    let users = users(tables, source, folder);
    if !users.is_empty() {
        config.authentication = Some(authentication(realm, users));
    }
}

/// A registration cannot last less than the least and more than the most.
fn expires(config: &Config, [least, usual]: [std::ops::Range<usize>; 2], source: &mut Source) {
    let times = &config.registration;
    let (min, default, max) = (times.min_expires, times.default_expires, times.max_expires);
    if min > max {
        source.fault(
            "SG-C017",
            least,
            format!("min_expires_s is {min}, but max_expires_s is {max}"),
            format!("write min_expires_s = {max} or less, or max_expires_s = {min} or more"),
        );
    } else if !(min..=max).contains(&default) {
        source.fault(
            "SG-C017",
            usual,
            format!("default_expires_s is {default}, not between {min} and {max}"),
            format!("write default_expires_s = {max}, or change min_expires_s and max_expires_s"),
        );
    }
}
