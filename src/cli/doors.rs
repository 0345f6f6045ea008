//! What a simulated device is reached by beside SIP, as options: the sockets are bound here.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::path::PathBuf;

use std::sync::Arc;

use super::fault::{Exit, Fault};
use crate::codec::radio::is_number;
use crate::codec::sip::push_notification::PushResource;
use crate::device::behaviour::Connect;
use crate::device::config::Config;
use crate::driver::tls::Tls;
use crate::driver::{self, Setup};
use crate::gateway::bearer::wake::PROVIDER;
use crate::gateway::profile::Addresses;
use crate::world::SocketId;

/// The doors of the first device.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct Doors {
    /// The first device takes OTA-HTTP pushes (POST /wappush) here
    #[arg(long, value_name = "ADDRESS")]
    http: Option<SocketAddr>,
    /// The first device takes OTA-HTTP pushes over TLS here, with the certificate of --tls-certificate or one that is
    /// made at start
    #[arg(long, value_name = "ADDRESS")]
    https: Option<SocketAddr>,
    /// The certificate of --https, in PEM
    #[arg(long, value_name = "FILE", requires = "https", requires = "tls_key")]
    tls_certificate: Option<PathBuf>,
    /// The key that belongs to it
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    tls_key: Option<PathBuf>,
    /// The first device takes OTA-HTTP pushes of the gateway with this provisioning only
    #[arg(long, value_name = "URL")]
    prov_url: Option<String>,
    /// The first device takes WSP push datagrams here
    #[arg(long, value_name = "ADDRESS")]
    wsp: Option<SocketAddr>,
    /// The first device takes WSP push datagrams of this gateway only; may be given several times
    #[arg(long, value_name = "IP", requires = "wsp")]
    wsp_from: Vec<IpAddr>,
    /// The first device opens WSP sessions from here, where a SIR names a contact point for them and it is not told
    /// otherwise by --prefer; with --wsp it has a port of its own for that
    #[arg(long, value_name = "ADDRESS")]
    wsp_session: Option<SocketAddr>,
    /// What the first device connects by when a SIR leaves it the choice
    #[arg(long, value_name = "PROTOCOL", value_parser = ["sip", "wsp", "http"])]
    prefer: Option<String>,
    /// The first device has this number, as in +15550103, on the --radio
    #[arg(long, value_name = "NUMBER", requires = "radio", value_parser = number)]
    msisdn: Option<String>,
    /// Where the short message centre has its radio (sirgate sim smsc); with --msisdn
    #[arg(long, value_name = "ADDRESS", requires = "msisdn")]
    radio: Option<SocketAddr>,
    /// The first device opens a session for another service, which may carry SIRs
    #[arg(long)]
    service: bool,
    /// The first device subscribes to SIRs, and takes them in NOTIFY and OPTIONS
    #[arg(long)]
    signalling: bool,
    /// The first device can be woken by this one of its doors (RFC 8599), and sleeps --sleep-ms after it registered
    #[arg(long, value_name = "BEARER", value_parser = ["sms", "ussd", "wsp", "http"])]
    wake: Option<String>,
    /// How long after it registered the first device goes to sleep; with --wake
    #[arg(long, value_name = "MS", requires = "wake", default_value = "5000")]
    sleep_ms: u64,
    /// Where the gateway takes information by HTTP, for devices with return_by = "push"
    #[arg(long, value_name = "URL")]
    info_url: Option<String>,
}

impl Doors {
    /// Binds what the options name, and tells the device of it.
    ///
    /// # Errors
    ///
    /// Addresses that cannot be had.
    pub fn open(&self, setup: &mut Setup, device: &mut Config) -> Result<(), Vec<Fault>> {
        let bearers = &mut device.bearers;
        if let Some(address) = self.wsp {
            bearers.wsp = Some(bind(setup, address)?);
            bearers.wsp_from.clone_from(&self.wsp_from);
        }
        let near = |wsp: SocketAddr| SocketAddr::new(wsp.ip(), 0);
        if let Some(address) = self.wsp_session.or_else(|| self.wsp.map(near)) {
            bearers.wsp_session = Some(bind(setup, address)?);
        }
        if let Some(centre) = self.radio {
            let socket = bind(setup, SocketAddr::new(own_side(centre.ip()), 0))?;
            bearers.radio = Some((socket, centre));
            bearers.msisdn.clone_from(&self.msisdn);
        }
        if let Some(address) = self.http {
            let listener = TcpListener::bind(address).map_err(|error| taken(address, &error))?;
            setup.http.push(listener);
            bearers.http = true;
        }
        if let Some(address) = self.https {
            let listener = TcpListener::bind(address).map_err(|error| taken(address, &error))?;
            setup.https.push(listener);
            setup.tls = self.served(core::mem::take(&mut setup.tls))?;
            bearers.http = true;
        }
        // A gateway sends an empty Host to a terminal (WAP-235 section 7.2.1).
        setup.limits.http_hosts.push(String::new());
        bearers.prov_url.clone_from(&self.prov_url);
        if let Some(prefer) = &self.prefer {
            let mut behaviour = device.behaviour.as_ref().clone();
            behaviour.connect = match prefer.as_str() {
                "wsp" => Connect::Wsp,
                "http" => Connect::Http,
                _ => Connect::Invite,
            };
            device.behaviour = Arc::new(behaviour);
        }
        if let Some(bearer) = &self.wake {
            device.wake = Some(self.wake_of(bearer)?);
            let mut behaviour = device.behaviour.as_ref().clone();
            behaviour.sleep_after_ms = Some(self.sleep_ms);
            device.behaviour = Arc::new(behaviour);
        }
        let bearers = &mut device.bearers;
        bearers.service = self.service;
        bearers.signalling = self.signalling;
        if self.info_url.is_some() {
            bearers.info_url.clone_from(&self.info_url);
        }
        Ok(())
    }
}

impl Doors {
    /// Doors that are elsewhere than where the file sends a gateway to: what comes for the device goes there.
    #[must_use]
    pub fn elsewhere(&self, device: &str, known: &Addresses) -> Vec<String> {
        let http = self.http.map(|at| format!("http://{at}"));
        let of_url = known
            .http
            .as_deref()
            .map(|url| url.trim_end_matches('/').to_owned());
        let doors = [
            ("msisdn", self.msisdn.clone(), known.msisdn.clone()),
            (
                "wsp",
                self.wsp.map(|at| at.to_string()),
                known.wsp.map(|at| at.to_string()),
            ),
            ("http", http, of_url),
        ];
        let differ = doors.into_iter().filter_map(|(key, own, known)| {
            let (own, known) = (own?, known?);
            (own != known).then(|| {
                format!("--{key} is {own}, but the file has {key} = \"{known}\" for {device}: a gateway of that file sends there")
            })
        });
        differ.collect()
    }

    /// What the device registers to be woken by.
    fn wake_of(&self, bearer: &str) -> Result<PushResource, Vec<Fault>> {
        let (address, option) = match bearer {
            "http" => (self.http.map(|at| format!("http://{at}")), "--http"),
            "wsp" => (self.wsp.map(|at| at.to_string()), "--wsp"),
            _ => (self.msisdn.clone(), "--msisdn"),
        };
        let address = address.ok_or_else(|| {
            vec![Fault::usage(
                format!("a device that is woken by {bearer} has no door for it"),
                format!("add {option}"),
            )]
        })?;
        Ok(PushResource {
            provider: PROVIDER.to_owned(),
            param: Some(bearer.to_owned()),
            prid: Some(address),
        })
    }

    /// The certificate of the door in TLS.
    fn served(&self, tls: Tls) -> Result<Tls, Vec<Fault>> {
        let served = match (&self.tls_certificate, &self.tls_key) {
            (Some(certificate), Some(key)) => tls.serve_files(certificate, key),
            _ => tls
                .serve_self_signed(&["localhost", "127.0.0.1"])
                .map(|(tls, _)| tls),
        };
        served.map_err(|error| {
            vec![Fault::new(
                "SG-N006",
                Exit::Usage,
                format!("TLS cannot be served: {error}"),
                "check --tls-certificate and --tls-key: PEM files that belong together",
            )]
        })
    }
}

fn bind(setup: &mut Setup, address: SocketAddr) -> Result<SocketId, Vec<Fault>> {
    let socket = driver::udp::bind(address, None).map_err(|error| taken(address, &error))?;
    let number = u32::try_from(setup.udp.len()).unwrap_or(u32::MAX);
    setup.udp.push(socket);
    Ok(SocketId(number))
}

/// From where a peer at that address is reached.
const fn own_side(peer: IpAddr) -> IpAddr {
    match peer {
        IpAddr::V4(_) if peer.is_loopback() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(_) if peer.is_loopback() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    }
}

fn number(text: &str) -> Result<String, String> {
    if is_number(text) {
        Ok(text.to_owned())
    } else {
        Err("write up to fifteen digits, as in +15550103".to_owned())
    }
}

fn taken(address: SocketAddr, error: &std::io::Error) -> Vec<Fault> {
    vec![Fault::new(
        "SG-N005",
        Exit::Usage,
        format!("{address} cannot be had: {error}"),
        "is another sirgate or program listening there? choose another address",
    )]
}
