//! The commands, one file each: they read arguments, set up nodes and drivers, print, and end with an exit code.
#![expect(
    clippy::print_stdout,
    reason = "standard output carries what was asked for"
)]

use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

pub mod api;
pub mod config;
pub mod fault;
pub mod faults;

pub mod config_command;
pub mod demo;
pub mod device;
pub mod doors;
pub mod load;
pub mod node;
pub mod proxy;
pub mod push;
pub mod report;
pub mod scenario;
pub mod serve;
pub mod sim;
pub mod sir;
pub mod stage;
pub mod trace;
pub mod wait;

use fault::{Exit, Fault};

/// What `sirgate` without arguments prints.
const WELCOME: &str = "\
sirgate: a SIP/WAP push proxy gateway. One identity, several devices: a push reaches the one that is meant.

  sirgate demo                            a gateway, an identity and three devices, on loopback, no file needed
  sirgate push alice \"hello\" --only C1    in a second terminal: wake C1 and deliver

  sirgate scenario run                    the requirement scenarios, expected and actual counts
  sirgate trace show                      the ladder of the last push
  sirgate serve --config lab.toml         the gateway of a lab (sirgate config example > lab.toml)
  sirgate --help                          all commands

exit codes: 0 yes, 1 no, 2 usage or configuration, 3 negative verdict, 4 could not be tested, 70 bug, 130 interrupted";

#[derive(Parser)]
#[command(
    name = "sirgate",
    version,
    about = "A SIP/WAP push proxy gateway",
    max_term_width = 100
)]
#[command(
    after_help = "Example:\n  sirgate demo\n  sirgate push alice \"hello\" --only C1\n\nExit codes: 0 done and true, 1 done but \
                        the answer is no, 2 usage or configuration, 3 negative verdict, 4 could not be tested, 70 bug in \
                        sirgate, 130 interrupted by Ctrl-C (a termination signal ends serve, demo and device run with 0)."
)]
struct Arguments {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Option<Command>,
}

/// Where commands look for a gateway that nobody named.
const DEFAULT_API: &str = "http://127.0.0.1:8642";

/// Options of every command.
#[derive(Args, Clone, Debug)]
pub struct Global {
    /// Where the gateway's API is
    #[arg(
        long,
        global = true,
        env = "SIRGATE_API",
        value_name = "URL",
        value_parser = config::check::api_option,
        default_value = DEFAULT_API
    )]
    pub api: String,
    /// Who asks, where the gateway wants to know: a name of its `[policy]`; with --password-file
    #[arg(long, global = true, env = "SIRGATE_USER", value_name = "NAME")]
    pub user: Option<String>,
    /// The password of --user: the first line of this file
    #[arg(
        long,
        global = true,
        env = "SIRGATE_PASSWORD_FILE",
        value_name = "FILE"
    )]
    pub password_file: Option<std::path::PathBuf>,
    /// Print JSON: one object, or one a line where a command follows something
    #[arg(long, global = true)]
    pub json: bool,
    /// Give up after this long: 500ms, 5s, 2m. For push and wait 30s without it; device run then tries for ever
    #[arg(long, global = true, value_name = "DUR", value_parser = duration)]
    pub timeout: Option<Duration>,
    /// Show identities and identifiers in logs as they are
    #[arg(long, global = true)]
    pub reveal: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Gateway, identity and devices in one process, without any file
    Demo(demo::Arguments),
    /// The gateway from a configuration file
    Serve(serve::Arguments),
    /// Simulated devices, and the devices a gateway knows
    #[command(subcommand)]
    Device(device::Command),
    /// The other parties of a laboratory: a short message centre
    #[command(subcommand)]
    Sim(sim::Command),
    /// A site behind us, with unread messages on its responses
    Proxy(proxy::Arguments),
    /// Load on a gateway, and what it took
    #[command(subcommand)]
    Load(load::Command),
    /// Submit a push and follow it to the end
    Push(push::Arguments),
    /// Session Initiation Requests as octets
    #[command(subcommand)]
    Sir(sir::Command),
    /// What a recorded run costs and saves
    #[command(subcommand)]
    Report(report::Command),
    /// The requirement scenarios
    #[command(subcommand)]
    Scenario(scenario::Command),
    /// Faults on purpose: what a running gateway's messages suffer
    #[command(subcommand)]
    Fault(faults::Command),
    /// What happened, drawn
    #[command(subcommand)]
    Trace(trace::Command),
    /// Block until an event matches
    Wait(wait::Arguments),
    /// The configuration file
    #[command(subcommand)]
    Config(config_command::Command),
    /// Shell completions
    #[command(after_help = "Example:\n  sirgate completions bash > /etc/bash_completion.d/sirgate")]
    Completions {
        /// For which shell
        shell: clap_complete::Shell,
    },
}

/// Runs the command line of the process.
#[must_use]
pub fn main() -> ExitCode {
    end_quietly_on_a_closed_pipe();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // A closed pipe behind `--help` is no reason for another message.
            let _ = error.print();
            return if error.use_stderr() {
                Exit::Usage.into()
            } else {
                Exit::Yes.into()
            };
        }
    };
    let Some(command) = arguments.command else {
        println!("{WELCOME}");
        return Exit::Yes.into();
    };
    let global = arguments.global;
    match run(command, &global) {
        Ok(exit) => exit.into(),
        Err(faults) => {
            let exit = faults.first().map_or(Exit::Bug, |fault| fault.exit);
            for fault in faults {
                if global.json {
                    eprintln!("{}", fault.to_json());
                } else {
                    eprintln!("{fault}");
                }
            }
            exit.into()
        }
    }
}

/// What a shell sees of a program whose reader went away: 128 and the number of SIGPIPE, as of any other tool.
const CLOSED_PIPE: i32 = 141;

/// Who reads has enough, as in `sirgate sir check FILE | head`: the standard library panics then, which is no bug here.
fn end_quietly_on_a_closed_pipe() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let why = panic.payload_as_str().unwrap_or_default();
        if why.starts_with("failed printing to stdout") {
            std::process::exit(CLOSED_PIPE);
        }
        usual(panic);
    }));
}

fn run(command: Command, global: &Global) -> Result<Exit, Vec<Fault>> {
    match command {
        Command::Demo(arguments) => demo::run(&arguments, global),
        Command::Serve(arguments) => serve::run(&arguments, global),
        Command::Device(command) => device::run(&command, global),
        Command::Sim(command) => sim::run(&command, global),
        Command::Proxy(arguments) => proxy::run(&arguments, global),
        Command::Load(command) => load::run(&command, global),
        Command::Push(arguments) => push::run(&arguments, global).map_err(one),
        Command::Sir(command) => sir::run(&command, global).map_err(one),
        Command::Report(command) => report::run(&command, global).map_err(one),
        Command::Scenario(command) => scenario::run(&command, global).map_err(one),
        Command::Fault(command) => faults::run(&command, global).map_err(one),
        Command::Trace(command) => trace::run(&command, global).map_err(one),
        Command::Wait(arguments) => wait::run(&arguments, global).map_err(one),
        Command::Config(command) => config_command::run(&command, global),
        Command::Completions { shell } => {
            clap_complete::generate(
                shell,
                &mut <Arguments as clap::CommandFactory>::command(),
                "sirgate",
                &mut std::io::stdout(),
            );
            Ok(Exit::Yes)
        }
    }
}

fn one(fault: Fault) -> Vec<Fault> {
    vec![fault]
}

/// Reads `500ms`, `5s`, `2m`, `1h`.
fn duration(text: &str) -> Result<Duration, String> {
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: u64 = number
        .parse()
        .map_err(|_| "write a number and a unit, as in 500ms, 5s, 2m".to_owned())?;
    let millis = match unit {
        "ms" => number,
        "s" => number.saturating_mul(1_000),
        "m" => number.saturating_mul(60_000),
        "h" => number.saturating_mul(3_600_000),
        _ => return Err("the unit is missing: ms, s, m or h".to_owned()),
    };
    Ok(Duration::from_millis(millis))
}
