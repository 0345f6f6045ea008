//! What goes into commands: strings.

/// A string in quotes; `None` for one that must go as a literal, which no name or password here needs.
#[must_use]
pub fn quoted(text: &str) -> Option<String> {
    let is_bad = |letter: char| letter.is_control() || !letter.is_ascii();
    if text.contains(is_bad) {
        return None;
    }
    let text = text.replace('\\', "\\\\").replace('"', "\\\"");
    Some(format!("\"{text}\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_quoted_and_no_line_end_gets_into_a_command() {
        assert_eq!(quoted("a\"b\\c").unwrap(), "\"a\\\"b\\\\c\"");
        assert_eq!(quoted("a\r\nb LOGOUT"), None);
        assert_eq!(quoted("pässword"), None);
    }
}
