//! Where the members of a JSON object stand in its text.
//!
//! **Source:** RFC 8259 section 4. The text has been read by a JSON parser before: here no fault is looked for.

/// A member of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Member {
    /// Octets before its name's quotation mark.
    pub(super) at: usize,
    /// Octets before what follows it: a comma or the closing brace.
    pub(super) end: usize,
    /// Its name, escapes undone.
    pub(super) name: String,
}

/// The members of the object that a text is, in order.
pub(super) fn members(text: &str) -> Vec<Member> {
    let octets = text.as_bytes();
    let mut found = Vec::new();
    let mut depth = 0_usize;
    let mut open: Option<(usize, String)> = None;
    let mut at = 0;
    while let Some(octet) = octets.get(at) {
        let mut next = at.saturating_add(1);
        match octet {
            b'"' => {
                next = string_end(octets, next);
                if depth == 1 && open.is_none() {
                    let name = text.get(at..next).unwrap_or_default();
                    open = Some((at, serde_json::from_str(name).unwrap_or_default()));
                }
            }
            b'{' | b'[' => depth = depth.saturating_add(1),
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    close(&mut open, at, &mut found);
                }
            }
            b',' if depth == 1 => close(&mut open, at, &mut found),
            _ => {}
        }
        at = next;
    }
    found
}

fn close(open: &mut Option<(usize, String)>, end: usize, found: &mut Vec<Member>) {
    if let Some((at, name)) = open.take() {
        found.push(Member { at, end, name });
    }
}

/// Behind the closing quotation mark of a string whose content begins there.
fn string_end(octets: &[u8], from: usize) -> usize {
    let mut at = from;
    loop {
        match octets.get(at) {
            None => return octets.len(),
            Some(b'"') => return at.saturating_add(1),
            Some(b'\\') => at = at.saturating_add(2),
            Some(_) => at = at.saturating_add(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_found_around_what_is_nested_in_them() {
        let text = r#" {"a\"" : [{"b":","}, "}"] ,"c":{}}"#;
        let found = members(text);
        let names: Vec<&str> = found.iter().map(|member| member.name.as_str()).collect();
        assert_eq!(names, ["a\"", "c"]);
        assert_eq!((found[0].at, found[1].at), (2, text.len() - 7));
        assert_eq!(found[1].end, text.len() - 1);
        assert!(members("{}").is_empty());
    }
}
