//! `sirgate proxy`: a site behind us, with unread messages on its responses.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::config::{Lab, proxy as table};
use super::fault::{Exit, Fault};
use super::{Global, api, duration, node};
use crate::driver::clock::Clock;
use crate::driver::identity::{Identity, Network, Proxies};
use crate::driver::piggyback::{Commit, Form, Nothing, Piggyback, Settings as Riding};
use crate::driver::proxy::{
    self, ApiSource, Figures, Forward, Gateway, Origin, Sessions, Settings, Users,
};

/// Arguments of `proxy`.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  sirgate proxy --upstream http://127.0.0.1:3000 --gateway http://127.0.0.1:8642 --listen 127.0.0.1:8080 --as alice --snippet /sirgate/\n\n\
                  The site is not changed and knows nothing of it: requests reach it as they came, bodies pass untouched. A page asks with \
                  the header Sirgate-Piggyback: 1;seen=41, which piggyback.js adds, and finds what is unread in Sirgate-Unread. Who the user \
                  is comes from [login] of the file (JWT, session at the gateway, a proxy before this one), or from --user-header."
)]
pub struct Arguments {
    /// The site: scheme, host and port
    #[arg(long, value_name = "URL", value_parser = table::origin)]
    upstream: Option<Origin>,
    /// The gateway that knows what is unread; without it the one of --api
    #[arg(long, value_name = "URL", value_parser = table::origin)]
    gateway: Option<Origin>,
    /// Where clients come; without it a free port of this machine
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// In what form responses bear it
    #[arg(long, value_enum)]
    mode: Option<Mode>,
    /// When a message counts as offered: when the next request says that it was seen, or when the response leaves
    #[arg(long, value_enum)]
    commit: Option<When>,
    /// Say also that there is nothing
    #[arg(long)]
    say_none: bool,
    /// Give every response of a known user what is unread, not only those that are asked for with it
    #[arg(long)]
    unasked: bool,
    /// The file: its [proxy], [login] and [piggyback]; options are stronger
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// How much longer than the site the gateway may take; then the response goes without
    #[arg(long, value_name = "DUR", value_parser = duration)]
    patience: Option<Duration>,
    /// A header that names the user; believed from --user-from alone
    #[arg(long, value_name = "NAME", value_parser = header)]
    user_header: Option<String>,
    /// Networks of those who set --user-header; without it this machine
    #[arg(long, value_name = "NETWORK", value_delimiter = ',', value_parser = network)]
    user_from: Vec<Network>,
    /// Take everybody who proves nothing for this user, to try it out; on this machine only
    #[arg(long = "as", value_name = "ACCOUNT")]
    everybody: Option<String>,
    /// Answer piggyback.js and its modules below this path, in place of the site: /sirgate/
    #[arg(long, value_name = "PATH", value_parser = snippet)]
    snippet: Option<String>,
    /// Show /metrics at this address
    #[arg(long, value_name = "ADDRESS")]
    figures: Option<SocketAddr>,
}

/// In what form a response bears what is unread.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Mode {
    Header,
    Json,
    Multipart,
    Htmx,
}

/// When a message counts as offered.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum When {
    Ack,
    Send,
}

/// Runs the command.
///
/// # Errors
///
/// Faults of the file or the options, or addresses that cannot be had.
pub fn run(arguments: &Arguments, global: &Global) -> Result<Exit, Vec<Fault>> {
    let lab = match &arguments.config {
        Some(file) => Lab::load(file)?,
        None => Lab::decode("defaults", "", std::path::Path::new("."))?,
    };
    lab.warn();
    let plan = Plan::new(arguments, &lab, global)?;
    node::block_on(serve(plan, global))
}

/// What file and options say together.
struct Plan {
    settings: Settings,
    gateway: Gateway,
    riding: Riding,
    patience: Duration,
    identity: Identity,
    everybody: Option<String>,
    listen: SocketAddr,
    figures: Option<SocketAddr>,
    tls: crate::driver::tls::Tls,
    log: &'static str,
}

impl Plan {
    fn new(arguments: &Arguments, lab: &Lab, global: &Global) -> Result<Self, Vec<Fault>> {
        let file = lab.proxy.clone();
        let upstream = arguments.upstream.clone().or(file.upstream);
        let upstream = upstream.ok_or_else(|| {
            let help = "name it with --upstream http://127.0.0.1:3000, or in [proxy] of the file";
            one(Fault::usage("no site is named", help))
        })?;
        let identity = identity(arguments);
        let listen = arguments.listen.unwrap_or(file.listen);
        if arguments.everybody.is_some() && !listen.ip().is_loopback() {
            return Err(one(Fault::usage(
                "--as would give everybody who reaches this address the messages of one user",
                "listen on this machine only, as in --listen 127.0.0.1:8080",
            )));
        }
        if !identity.is_some() && arguments.everybody.is_none() {
            eprintln!(
                "warning: nobody can prove who they are, so nothing will ride along: [login] in the file, or --user-header"
            );
        }
        let settings = Settings {
            host: file.host,
            forwarded: file.forwarded,
            proxies: identity.proxies.clone(),
            snippet: arguments.snippet.clone().or(file.snippet),
            bounds: file.bounds,
            ..Settings::new(upstream)
        };
        let own = file
            .user
            .as_ref()
            .map(|(name, word)| api::basic(name, word));
        let gateway = Gateway {
            authorization: api::authorization(global).map_err(one)?.or(own),
            answer: file.gateway_timeout,
            rest: file.gateway_rest,
            ..Gateway::new(gateway(arguments, file.gateway, global).map_err(one)?)
        };
        Ok(Self {
            settings,
            gateway,
            riding: riding(arguments),
            patience: arguments.patience.unwrap_or(file.patience),
            identity,
            everybody: arguments.everybody.clone(),
            listen,
            figures: arguments.figures.or(file.figures),
            tls: node::trusting(&lab.listen)?,
            log: lab.observe.log,
        })
    }
}

fn gateway(arguments: &Arguments, file: Option<Origin>, global: &Global) -> Result<Origin, Fault> {
    if let Some(named) = arguments.gateway.clone().or(file) {
        return Ok(named);
    }
    let api = global.api.trim_end_matches('/');
    table::origin(api).map_err(|why| {
        Fault::usage(
            format!("--api {api} is no gateway: {why}"),
            "name it with --gateway http://127.0.0.1:8642",
        )
    })
}

fn riding(arguments: &Arguments) -> Riding {
    let mut riding = Riding::default();
    if let Some(mode) = arguments.mode {
        riding.form = match mode {
            Mode::Header => Form::Header,
            Mode::Json => Form::Json,
            Mode::Multipart => Form::Multipart,
            Mode::Htmx => Form::Htmx,
        };
    }
    if let Some(commit) = arguments.commit {
        riding.commit = match commit {
            When::Ack => Commit::Ack,
            When::Send => Commit::Send,
        };
    }
    if arguments.say_none {
        riding.nothing = Nothing::Said;
    }
    riding.unasked |= arguments.unasked;
    riding
}

fn identity(arguments: &Arguments) -> Identity {
    let mut identity = Identity::default();
    if let Some(header) = &arguments.user_header {
        let own = ["127.0.0.0/8", "::1"].iter();
        let networks = match arguments.user_from.is_empty() {
            true => own.filter_map(|text| text.parse().ok()).collect(),
            false => arguments.user_from.clone(),
        };
        identity.proxies = Some(Proxies {
            header: header.clone(),
            networks,
        });
    }
    identity
}

async fn serve(plan: Plan, global: &Global) -> Result<Exit, Vec<Fault>> {
    node::start_log(plan.log, global);
    let mut stop = node::Stop::listen()?;
    let listener = bind(plan.listen).await?;
    let figures_at = match plan.figures {
        Some(address) => Some(bind(address).await?),
        None => None,
    };
    let figures = Arc::new(Figures::default());
    let Plan {
        settings, gateway, ..
    } = plan;
    let shown = (settings.upstream.clone(), gateway.origin.clone());
    let source = ApiSource::new(gateway, &plan.tls, figures.clone()).map_err(|_| {
        let why = "name and password for the gateway are no text of a header";
        one(Fault::usage(why, "take letters and digits"))
    })?;
    let users = Users::new(plan.identity, Clock::start()).or_else(plan.everybody);
    let layer = Piggyback::new(Sessions::new(source), move |head| users.of(head))
        .with(plan.riding)
        .waiting(plan.patience);
    let bounds = settings.bounds;
    let site = layer.around(Forward::new(settings, &plan.tls, figures.clone()));
    announce(&listener, figures_at.as_ref(), &shown, global);
    let (end, ended) = watch::channel(false);
    if let Some(listener) = figures_at {
        let serving = proxy::serve_figures(listener, figures.clone(), ended.clone());
        tokio::spawn(serving);
    }
    let serving = tokio::spawn(proxy::serve(listener, site, figures, bounds, ended));
    let exit = stop.wait().await;
    end.send_replace(true);
    let _ = serving.await;
    Ok(exit)
}

async fn bind(address: SocketAddr) -> Result<TcpListener, Vec<Fault>> {
    TcpListener::bind(address).await.map_err(|error| {
        one(Fault::new(
            "SG-N005",
            Exit::Usage,
            format!("{address} cannot be had: {error}"),
            "is another program listening there? choose another address",
        ))
    })
}

fn announce(
    listener: &TcpListener,
    figures: Option<&TcpListener>,
    (upstream, gateway): &(Origin, Origin),
    global: &Global,
) {
    let url = |listener: &TcpListener| {
        let unknown = SocketAddr::new(IpAddr::from([0, 0, 0, 0]), 0);
        format!("http://{}", listener.local_addr().unwrap_or(unknown))
    };
    let figures = figures.map(|it| format!("{}/metrics", url(it)));
    if global.json {
        println!(
            "{}",
            json!({
                "schema": "sirgate.proxy/1",
                "listen": url(listener),
                "upstream": upstream.to_string(),
                "gateway": gateway.to_string(),
                "figures": figures,
            })
        );
        return;
    }
    println!(
        "sirgate {}  proxy before {upstream}",
        env!("CARGO_PKG_VERSION")
    );
    println!("unread  {gateway}");
    if let Some(figures) = figures {
        println!("figures {figures}");
    }
    println!("ready   {}/   stop: Ctrl-C", url(listener));
}

fn one(fault: Fault) -> Vec<Fault> {
    vec![fault]
}

fn header(text: &str) -> Result<String, String> {
    let is_name = |octet: u8| octet.is_ascii_alphanumeric() || octet == b'-';
    match !text.is_empty() && text.bytes().all(is_name) {
        true => Ok(text.to_ascii_lowercase()),
        false => Err("a name of a header has letters, digits and hyphens".into()),
    }
}

fn network(text: &str) -> Result<Network, String> {
    text.parse()
        .map_err(|why: crate::driver::identity::BadNetwork| why.to_string())
}

fn snippet(text: &str) -> Result<String, String> {
    table::snippet(text).map(|()| text.to_owned())
}
