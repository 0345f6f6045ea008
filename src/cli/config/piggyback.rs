//! `[piggyback]`: unread messages on responses to users.

use super::reader::{Source, Table};
use crate::driver::piggyback::{Commit, Form, Levels, Nothing, Settings};

/// What the table says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piggyback {
    /// How the layer works.
    pub settings: Settings,
    /// After how many silent seconds a page asks by itself; 0 for never (R4.50).
    pub fallback: u64,
}

/// Reads the table; without a way to know users nothing would ever ride along.
pub fn read(table: &mut Table<'_>, source: &mut Source, knows_users: bool) -> Piggyback {
    let forms = ["header", "json", "multipart", "htmx"];
    let form = match table.word(source, "mode", &forms) {
        Some("json") => Form::Json,
        Some("multipart") => Form::Multipart,
        Some("htmx") => Form::Htmx,
        _ => Form::Header,
    };
    let levels = match table.number(source, "levels", 1..3) {
        Some(1) => Levels::One,
        _ => Levels::Two,
    };
    let commit = match table.word(source, "commit", &["ack", "send"]) {
        Some("send") => Commit::Send,
        _ => Commit::Ack,
    };
    let nothing = match table.word(source, "none", &["silent", "said"]) {
        Some("said") => Nothing::Said,
        _ => Nothing::Silent,
    };
    let unasked = table.flag(source, "unasked").unwrap_or_default();
    let fallback = table.number(source, "fallback_s", 0..86_401);
    if !knows_users {
        source.warning(
            "SG-C021",
            table.span.clone(),
            "[piggyback] is of no use: nobody can prove who they are".into(),
            "add [login] with users, tokens, certificates or a proxy".into(),
        );
    }
    Piggyback {
        settings: Settings {
            form,
            commit,
            nothing,
            levels,
            unasked,
        },
        fallback: fallback.unwrap_or_default(),
    }
}
