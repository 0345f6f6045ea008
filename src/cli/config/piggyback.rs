//! `[piggyback]`: unread messages on responses to users.

use super::reader::{Source, Table};
use crate::driver::piggyback::{Commit, Form, Levels, Nothing, Settings};

/// What the table says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Piggyback {
    /// How the layer works.
    pub settings: Settings,
}

/// Reads the table; without a way to know users nothing would ever ride along.
pub fn read(table: &mut Table<'_>, source: &mut Source, knows_users: bool) -> Piggyback {
    let mut piggyback = Piggyback::default();
    let settings = &mut piggyback.settings;
    let forms = ["header", "json", "multipart", "htmx"];
    settings.form = match table.word(source, "mode", &forms) {
        Some("json") => Form::Json,
        Some("multipart") => Form::Multipart,
        Some("htmx") => Form::Htmx,
        _ => Form::Header,
    };
    settings.levels = match table.number(source, "levels", 1..3) {
        Some(1) => Levels::One,
        _ => Levels::Two,
    };
    settings.commit = match table.word(source, "commit", &["ack", "send"]) {
        Some("send") => Commit::Send,
        _ => Commit::Ack,
    };
    settings.nothing = match table.word(source, "none", &["silent", "said"]) {
        Some("said") => Nothing::Said,
        _ => Nothing::Silent,
    };
    settings.unasked = table.flag(source, "unasked").unwrap_or_default();
    if !knows_users {
        source.warning(
            "SG-C021",
            table.span.clone(),
            "[piggyback] is of no use: nobody can prove who they are".into(),
            "add [login] with users, tokens, certificates or a proxy".into(),
        );
    }
    piggyback
}
