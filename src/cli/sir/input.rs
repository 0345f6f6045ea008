//! Where octets come from: hex digits, a file in hex or as it is, standard input, a frame of a capture.

use std::io::Read;
use std::path::Path;

use crate::cli::fault::{Exit, Fault, nearest};
use crate::codec::format::Format;
use crate::codec::{guess, hex, pcap};

/// Octets as arguments name them.
#[derive(clap::Args)]
pub(super) struct Source {
    /// Hex digits, a file with hex digits or octets, or - for standard input
    #[arg(value_name = "INPUT", conflicts_with_all = ["hex", "file"])]
    input: Option<String>,
    /// Hex digits; blanks are allowed
    #[arg(long, conflicts_with = "file")]
    hex: Option<String>,
    /// A file; - is standard input
    #[arg(long = "in", value_name = "FILE")]
    file: Option<String>,
    #[command(flatten)]
    reading: Reading,
}

/// How files are read.
#[derive(clap::Args)]
pub(super) struct Reading {
    /// The frame of this number, from 1, of a pcapng or pcap file
    #[arg(long, value_name = "N")]
    frame: Option<usize>,
    /// Take a file as it is, even when it holds nothing but hex digits
    #[arg(long)]
    raw: bool,
}

/// Octets, and what their origin says about them.
#[derive(Debug, Default)]
pub(super) struct Input {
    /// The octets.
    pub octets: Vec<u8>,
    /// The ports of the packet they came in.
    pub ports: Option<(u16, u16)>,
}

/// How a format is chosen.
#[derive(clap::Args)]
pub(super) struct Choice {
    /// What it is: sia, sip, sir, wsp, wtp, smpp ..., or the kind of a vector; guessed when only one reads it
    #[arg(long = "as", value_name = "FORMAT")]
    pub form: Option<String>,
    /// Read what is there, and list each deviation
    #[arg(long)]
    pub lenient: bool,
}

impl Source {
    /// The octets.
    pub(super) fn read(&self) -> Result<Input, Fault> {
        match (&self.hex, &self.file, &self.input) {
            (Some(digits), _, _) => Ok(Input::of(unhex(digits, "--hex")?)),
            (None, Some(file), _) => self.reading.file(file),
            (None, None, Some(input)) => self.reading.word(input),
            (None, None, None) => Err(Fault::usage(
                "there are no octets",
                "give hex digits, a file, or - for standard input",
            )),
        }
    }
}

impl Reading {
    /// A word that may be a file or the digits themselves.
    pub(super) fn word(&self, word: &str) -> Result<Input, Fault> {
        if word.trim().is_empty() {
            return Err(Fault::usage(
                "there are no octets between the quotes",
                "give hex digits, as in '00 09 b2 82', name a file, or - for standard input",
            ));
        }
        if word == "-" || self.frame.is_some() || Path::new(word).exists() {
            return self.file(word);
        }
        hex::octets(word).map(Input::of).ok_or_else(|| {
            Fault::usage(
                format!("{word:?} is neither a file nor hex digits"),
                "as in '00 09 b2 82', or name a file, or - for standard input",
            )
        })
    }

    fn file(&self, file: &str) -> Result<Input, Fault> {
        let octets = read(file)?;
        if pcap::is_capture(&octets) && !self.raw {
            return captured(&octets, file, self.frame);
        }
        if self.frame.is_some() {
            return Err(Fault::usage(
                format!("{file} is no capture"),
                "--frame wants a pcapng or pcap file",
            ));
        }
        let digits = if self.raw { None } else { digits(&octets) };
        Ok(Input::of(digits.unwrap_or(octets)))
    }
}

impl Input {
    const fn of(octets: Vec<u8>) -> Self {
        Self {
            octets,
            ports: None,
        }
    }

    /// The format: the one that is named, or the only one that reads the octets.
    pub(super) fn format(&self, choice: &Choice) -> Result<&'static Format, Fault> {
        if self.octets.is_empty() && choice.form.is_none() {
            return Err(Fault::usage(
                "there are no octets, and nothing tells what they should be",
                "give some, or say with --as which format has none",
            ));
        }
        let formats = match &choice.form {
            Some(name) => named(name)?,
            None => guess::messages(),
        };
        if let [format] = formats.as_slice() {
            return Ok(format);
        }
        let ports = self
            .ports
            .map(|(source, destination)| [destination, source]);
        let mut found = guess::readers(&formats, &self.octets, choice.lenient, None);
        for port in ports.into_iter().flatten() {
            found = guess::readers(&found, &self.octets, choice.lenient, Some(port));
        }
        match found.as_slice() {
            [format] => Ok(format),
            [] => {
                let furthest = guess::furthest(&formats, &self.octets, choice.lenient);
                let near = furthest.map_or_else(String::new, |(format, fault)| {
                    format!("; {} comes furthest: {fault}", format.name)
                });
                Err(Fault::new(
                    "SG-D003",
                    Exit::No,
                    format!("no format reads these octets{near}"),
                    "--as NAME tells why that format does not; --lenient reads more",
                ))
            }
            several => {
                let names: Vec<&str> = several.iter().map(|format| format.name).collect();
                Err(Fault::usage(
                    format!("several formats read these octets: {}", names.join(", ")),
                    "choose one with --as",
                ))
            }
        }
    }
}

/// The formats of this name.
pub(super) fn named(name: &str) -> Result<Vec<&'static Format>, Fault> {
    let formats = guess::named(name);
    if formats.is_empty() {
        let all = guess::names();
        let known = format!("one of {}", all.join(", "));
        let help = match (name, nearest(name, &all)) {
            ("wbxml", _) => {
                "WBXML is read by what it says: --as si, sl, co or emn (wbxml-si and so on without the others)".into()
            }
            (_, Some(meant)) => format!("did you mean {meant}? {known}"),
            _ => known,
        };
        Err(Fault::usage(format!("{name:?} is no format"), help))
    } else {
        Ok(formats)
    }
}

/// The whole of a file or of standard input.
pub(super) fn read(file: &str) -> Result<Vec<u8>, Fault> {
    let read = if file == "-" {
        let mut octets = Vec::new();
        std::io::stdin().read_to_end(&mut octets).map(|_| octets)
    } else {
        std::fs::read(file)
    };
    read.map_err(|error| {
        Fault::usage(
            format!("{file} cannot be read: {error}"),
            "name a file that exists, or - for standard input",
        )
    })
}

fn captured(file: &[u8], name: &str, frame: Option<usize>) -> Result<Input, Fault> {
    let Some(frame) = frame else {
        return Err(Fault::usage(
            format!("{name} is a capture"),
            "say which packet with --frame N",
        ));
    };
    let payload = pcap::payload(file, frame).map_err(|error| {
        Fault::usage(
            format!("frame {frame} of {name}: {error}"),
            "give a frame with UDP or TCP, numbered from 1 as an analyser does",
        )
    })?;
    Ok(Input {
        octets: payload.octets.to_vec(),
        ports: payload.ports,
    })
}

/// The octets of a file with nothing but hex digits, white space, and comments after `#`.
fn digits(octets: &[u8]) -> Option<Vec<u8>> {
    let text = core::str::from_utf8(octets).ok()?;
    let lines = text
        .lines()
        .map(|line| line.split('#').next().unwrap_or(""));
    let digits: String = lines.collect::<Vec<_>>().join(" ");
    hex::octets(&digits).filter(|octets| !octets.is_empty())
}

/// Nothing between the quotes is no octets, which is something to read too.
fn unhex(text: &str, option: &str) -> Result<Vec<u8>, Fault> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    hex::octets(text).ok_or_else(|| {
        Fault::usage(
            format!("{option} wants pairs of hex digits"),
            "as in '00 09 b2 82'",
        )
    })
}
