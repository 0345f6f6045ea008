//! `sirgate load`: so much work at once, and what it took.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs};

use super::Global;
use super::fault::{Exit, Fault};

mod browser;
mod connection;
mod http;
mod latency;
mod pap;
mod process;
mod sip;
mod template;
mod web;

/// Subcommands of `load`.
#[derive(clap::Subcommand)]
pub enum Command {
    /// Pushes by PAP, so many in flight, and the datagrams that come of them
    #[command(
        after_help = "Example:\n  sirgate load pap --pushes 20000 --in-flight 256 --pid $(pidof sirgate)\n  sirgate load pap --to http://127.0.0.1:18080/wappush --address WAPPUSH=127.0.0.1/TYPE=IPv4@ppg --datagrams 127.0.0.1:2948\n\nWithout --rate the loop is closed: a push starts when another one is answered, so a slow gateway is asked less. With \
                      --rate pushes start at their planned instants, and latencies count from there."
    )]
    Pap(pap::Arguments),
    /// Devices that register and answer SIRs by SIP
    #[command(
        after_help = "Example:\n  sirgate load sip --devices 3000 --registers 60000 --in-flight 64 --pid $(pidof sirgate)\n  sirgate load sip --devices 3 --answer-for 20s"
    )]
    Sip(sip::Arguments),
    /// Requests to a site and through a proxy before it, in turn, on a kept connection each
    #[command(
        after_help = "Example:\n  sirgate load http --direct http://127.0.0.1:3000/ --through http://127.0.0.1:8080/ --header 'Sirgate-Piggyback: 1'\n\nAnswers are to have a Content-Length, as files have it."
    )]
    Http(http::Arguments),
    /// Browser clients that wait for messages of web applications, or poll for them
    #[command(
        after_help = "Example:\n  sirgate load web --clients 10000 --transport sse --pid $(pidof sirgate)\n  sirgate load web --clients 1000 --transport poll --in-flight 64 --idle 10s\n\nThe gateway needs room for the connections: listen.http_connections, and as many open files (ulimit -n)."
    )]
    Web(web::Arguments),
}

/// Runs the command.
///
/// # Errors
///
/// A peer that is none, or does not answer.
pub fn run(command: &Command, global: &Global) -> Result<Exit, Vec<Fault>> {
    match command {
        Command::Pap(arguments) => pap::run(arguments, global),
        Command::Sip(arguments) => sip::run(arguments, global),
        Command::Http(arguments) => http::run(arguments, global),
        Command::Web(arguments) => web::run(arguments, global),
    }
    .map_err(|fault| vec![fault])
}

/// One thread for all of it: the rest of the machine belongs to whoever is measured.
fn block_on<T>(work: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime
        .map_err(|error| Fault::new("SG-X001", Exit::Bug, error.to_string(), "free some memory"))?
        .block_on(work)
}

/// Whom a URL names: address, host and path.
fn target_of<'a>(url: &'a str, option: &str) -> Result<(SocketAddr, &'a str, &'a str), Fault> {
    let help = format!("write {option} as in http://127.0.0.1:8642/pap");
    let fault = || Fault::usage(format!("{option} {url} is no http:// URL"), help.clone());
    let rest = url.strip_prefix("http://").ok_or_else(fault)?;
    let at = rest.find('/').unwrap_or(rest.len());
    let (host, path) = rest.split_at(at);
    let found = if host.contains(':') {
        host.to_socket_addrs()
    } else {
        (host, 80).to_socket_addrs()
    };
    let target = found.ok().and_then(|mut all| all.next());
    let path = if path.is_empty() { "/" } else { path };
    Ok((target.ok_or_else(fault)?, host, path))
}

/// Load goes to machines of one's own only, unless others are named.
fn check_target(target: SocketAddr, allowed: &[IpAddr]) -> Result<(), Fault> {
    let is_own = match target.ip() {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_private() || ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
    };
    if is_own || allowed.contains(&target.ip()) {
        return Ok(());
    }
    Err(Fault::usage(
        format!("{target} is neither loopback nor private"),
        format!("if it is yours, add --allow-target {}", target.ip()),
    ))
}

fn unreachable(target: SocketAddr, error: &std::io::Error) -> Fault {
    Fault::new(
        "SG-N001",
        Exit::Untested,
        format!("{target} does not answer: {error}"),
        "is it running? name it with --to",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn load_stays_at_home_unless_a_target_is_named() {
        let strange: SocketAddr = "198.51.100.7:80".parse().unwrap();
        assert!(check_target("127.0.0.1:80".parse().unwrap(), &[]).is_ok());
        assert!(check_target("10.1.2.3:80".parse().unwrap(), &[]).is_ok());
        assert_eq!(check_target(strange, &[]).unwrap_err().exit, Exit::Usage);
        assert!(check_target(strange, &[strange.ip()]).is_ok());
    }
}
