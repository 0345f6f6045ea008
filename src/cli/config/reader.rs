//! A strict reader of TOML tables: unknown keys, wrong types and bad values are all collected, each with its place.

use std::ops::Range;
use std::str::FromStr;
use std::time::Duration;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue, ValueDeserializer};

use crate::cli::fault::{Exit, Fault, Place, nearest};

/// The text being read, and what is wrong with it so far.
pub struct Source {
    file: String,
    text: String,
    /// All faults, in the order in which they were met.
    pub faults: Vec<Fault>,
    /// What is allowed and hardly meant.
    pub warnings: Vec<Fault>,
}

impl Source {
    /// A reader of that text; the file's name is for the messages.
    #[must_use]
    pub fn new(file: &str, text: &str) -> Self {
        Self {
            file: file.to_owned(),
            text: text.to_owned(),
            faults: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// Notes a fault at a place.
    pub fn fault(&mut self, code: &'static str, span: Range<usize>, message: String, help: String) {
        let place = Place {
            file: self.file.clone(),
            text: self.text.clone(),
            span,
        };
        self.faults.push(Fault {
            code,
            message,
            place: Some(Box::new(place)),
            help,
            exit: Exit::Usage,
        });
    }

    /// Notes what is allowed and hardly meant; what was read is used all the same.
    pub fn warning(
        &mut self,
        code: &'static str,
        span: Range<usize>,
        message: String,
        help: String,
    ) {
        self.fault(code, span, message, help);
        if let Some(mut fault) = self.faults.pop() {
            fault.exit = Exit::Yes;
            self.warnings.push(fault);
        }
    }

    /// The text, when the check agrees to it; else the fault is noted.
    fn agreed(
        &mut self,
        name: &str,
        text: String,
        span: Range<usize>,
        check: impl Fn(&str) -> Result<(), String>,
        example: &str,
    ) -> Option<String> {
        match check(&text) {
            Ok(()) => Some(text),
            Err(why) => {
                self.fault(
                    "SG-C004",
                    span,
                    format!("\"{text}\" is no value for {name}: {why}"),
                    format!("write it as in {example}"),
                );
                None
            }
        }
    }

    /// Reads a value of a type of its own, by the names of its fields.
    pub fn value<T: DeserializeOwned>(
        &mut self,
        name: &str,
        value: &Spanned<DeValue<'_>>,
    ) -> Option<T> {
        match T::deserialize(ValueDeserializer::from(value.clone())) {
            Ok(read) => Some(read),
            Err(error) => {
                let span = error.span().unwrap_or_else(|| value.span());
                self.fault(
                    "SG-C003",
                    span,
                    format!("{name}: {}", error.message()),
                    "mend it as the message says".into(),
                );
                None
            }
        }
    }
}

/// One table whose keys are taken one by one; what is left at the end is unknown.
pub struct Table<'t> {
    name: String,
    entries: Vec<(
        &'t Spanned<std::borrow::Cow<'t, str>>,
        &'t Spanned<DeValue<'t>>,
    )>,
    asked: Vec<&'static str>,
    /// Where the table stands.
    pub span: Range<usize>,
}

impl<'t> Table<'t> {
    /// The table of that name.
    #[must_use]
    pub fn new(name: &str, table: &'t DeTable<'t>, span: Range<usize>) -> Self {
        Self {
            name: name.to_owned(),
            entries: table.iter().collect(),
            asked: Vec::new(),
            span,
        }
    }

    fn take(&mut self, key: &'static str) -> Option<&'t Spanned<DeValue<'t>>> {
        self.asked.push(key);
        let at = self
            .entries
            .iter()
            .position(|(name, _)| name.get_ref() == key)?;
        Some(self.entries.remove(at).1)
    }

    /// Where the value of a key stands, before it is taken.
    #[must_use]
    pub fn span_of(&self, key: &str) -> Range<usize> {
        self.entries
            .iter()
            .find(|(name, _)| name.get_ref() == key)
            .map_or_else(|| self.span.clone(), |(_, v)| v.span())
    }

    /// A text.
    pub fn text(&mut self, source: &mut Source, key: &'static str) -> Option<String> {
        let value = self.take(key)?;
        match value.get_ref() {
            DeValue::String(text) => Some(text.to_string()),
            _ => self.wrong(source, key, value, "a text in quotes"),
        }
    }

    /// A text that is read into a value.
    pub fn parsed<T: FromStr>(
        &mut self,
        source: &mut Source,
        key: &'static str,
        form: &str,
    ) -> Option<T> {
        let span = self.span_of(key);
        let text = self.text(source, key)?;
        match text.parse() {
            Ok(value) => Some(value),
            Err(_) => {
                source.fault(
                    "SG-C004",
                    span,
                    format!("\"{text}\" is no value for {}.{key}", self.name),
                    format!("write {form}"),
                );
                None
            }
        }
    }

    /// A text that a check agrees to.
    pub fn checked(
        &mut self,
        source: &mut Source,
        key: &'static str,
        check: impl Fn(&str) -> Result<(), String>,
        example: &str,
    ) -> Option<String> {
        let span = self.span_of(key);
        let text = self.text(source, key)?;
        let name = format!("{}.{key}", self.name);
        source.agreed(&name, text, span, check, example)
    }

    /// A list of texts that a check agrees to, one by one.
    pub fn all_checked(
        &mut self,
        source: &mut Source,
        key: &'static str,
        check: impl Fn(&str) -> Result<(), String>,
        example: &str,
    ) -> Option<Vec<String>> {
        let name = format!("{}.{key}", self.name);
        let texts = self.texts(source, key)?.into_iter();
        Some(
            texts
                .filter_map(|(text, span)| source.agreed(&name, text, span, &check, example))
                .collect(),
        )
    }

    /// One of some words.
    pub fn word(
        &mut self,
        source: &mut Source,
        key: &'static str,
        words: &[&'static str],
    ) -> Option<&'static str> {
        let span = self.span_of(key);
        let text = self.text(source, key)?;
        let found = words.iter().find(|word| **word == text).copied();
        if found.is_none() {
            let help = match nearest(&text, words) {
                Some(word) => format!("did you mean \"{word}\"? allowed: {}", words.join(", ")),
                None => format!("allowed: {}", words.join(", ")),
            };
            source.fault(
                "SG-C004",
                span,
                format!("\"{text}\" is no value for {}.{key}", self.name),
                help,
            );
        }
        found
    }

    /// A list of texts.
    pub fn texts(
        &mut self,
        source: &mut Source,
        key: &'static str,
    ) -> Option<Vec<(String, Range<usize>)>> {
        let value = self.take(key)?;
        let DeValue::Array(list) = value.get_ref() else {
            return self.wrong(source, key, value, "a list of texts");
        };
        let mut texts = Vec::new();
        for member in list {
            match member.get_ref() {
                DeValue::String(text) => texts.push((text.to_string(), member.span())),
                _ => return self.wrong(source, key, member, "a list of texts"),
            }
        }
        Some(texts)
    }

    /// A whole number within bounds.
    pub fn number(
        &mut self,
        source: &mut Source,
        key: &'static str,
        bounds: Range<u64>,
    ) -> Option<u64> {
        let value = self.take(key)?;
        let number = match value.get_ref() {
            DeValue::Integer(number) => {
                u64::from_str_radix(&number.as_str().replace('_', ""), number.radix()).ok()
            }
            _ => return self.wrong(source, key, value, "a whole number"),
        };
        let found = number.filter(|number| bounds.contains(number));
        if found.is_none() {
            source.fault(
                "SG-C004",
                value.span(),
                format!("{}.{key} is out of its bounds", self.name),
                format!(
                    "write a whole number from {} to {}",
                    bounds.start,
                    bounds.end.saturating_sub(1)
                ),
            );
        }
        found
    }

    /// Milliseconds.
    pub fn millis(&mut self, source: &mut Source, key: &'static str) -> Option<Duration> {
        self.number(source, key, 0..86_400_001)
            .map(Duration::from_millis)
    }

    /// Yes or no.
    pub fn flag(&mut self, source: &mut Source, key: &'static str) -> Option<bool> {
        let value = self.take(key)?;
        match value.get_ref() {
            DeValue::Boolean(flag) => Some(*flag),
            _ => self.wrong(source, key, value, "true or false"),
        }
    }

    /// A table inside this one.
    pub fn table(&mut self, source: &mut Source, key: &'static str) -> Option<Self> {
        let value = self.take(key)?;
        match value.get_ref() {
            DeValue::Table(table) => Some(Table::new(key, table, value.span())),
            _ => self.wrong(source, key, value, "a table"),
        }
    }

    /// All tables of an array of tables.
    pub fn tables(&mut self, source: &mut Source, key: &'static str) -> Vec<Self> {
        let Some(value) = self.take(key) else {
            return Vec::new();
        };
        let DeValue::Array(list) = value.get_ref() else {
            let _: Option<()> = self.wrong(
                source,
                key,
                value,
                &format!("tables, each begun by [[{key}]]"),
            );
            return Vec::new();
        };
        self.members(source, key, list)
    }

    /// All that is left in this table, by name: `[behaviour.NAME]`.
    pub fn values(&mut self) -> Vec<(String, &'t Spanned<DeValue<'t>>)> {
        let entries = std::mem::take(&mut self.entries);
        entries
            .into_iter()
            .map(|(name, value)| (name.get_ref().to_string(), value))
            .collect()
    }

    /// A value of a type of its own.
    pub fn value<T: DeserializeOwned>(
        &mut self,
        source: &mut Source,
        key: &'static str,
    ) -> Option<T> {
        let value = self.take(key)?;
        source.value(&format!("{}.{key}", self.name), value)
    }

    fn members(&self, source: &mut Source, key: &'static str, list: &'t DeArray<'t>) -> Vec<Self> {
        let mut tables = Vec::new();
        for member in list {
            match member.get_ref() {
                DeValue::Table(table) => tables.push(Table::new(key, table, member.span())),
                _ => {
                    let _: Option<()> = self.wrong(source, key, member, "a table");
                }
            }
        }
        tables
    }

    fn wrong<T>(
        &self,
        source: &mut Source,
        key: &str,
        value: &Spanned<DeValue<'_>>,
        form: &str,
    ) -> Option<T> {
        source.fault(
            "SG-C003",
            value.span(),
            format!("{}.{key} has the wrong type", self.name),
            format!("write {form}"),
        );
        None
    }

    /// Notes every key that nobody asked for.
    pub fn finish(self, source: &mut Source) {
        for (key, _) in &self.entries {
            let name = key.get_ref();
            let help = match nearest(name, &self.asked) {
                Some(known) => format!("did you mean \"{known}\"?"),
                None => format!("known keys here: {}", self.asked.join(", ")),
            };
            source.fault(
                "SG-C002",
                key.span(),
                format!("unknown key \"{name}\" in [{}]", self.name),
                help,
            );
        }
    }
}
