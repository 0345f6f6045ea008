//! The words of a notice: as much as its form allows, and a line where a line is wanted (R1.34 to R1.39).

use unicode_segmentation::UnicodeSegmentation;

use super::notice::Form;
use super::settings::Watched;

/// Characters of one line.
pub const LINE: usize = 80;
/// Characters of a whole information.
pub const WHOLE: usize = 2_000;

/// What is new, as far as it is known.
#[derive(Clone, Copy, Debug, Default)]
pub struct News<'a> {
    /// The application.
    pub app: &'a str,
    /// Who wrote the latest, as the source has it.
    pub from: &'a str,
    /// What about.
    pub subject: &'a str,
    /// Its beginning.
    pub snippet: &'a str,
    /// All of it, where the source gave it.
    pub text: &'a str,
    /// How many there are.
    pub count: u32,
}

/// Title and text of a notice.
#[must_use]
pub fn words(form: Form, watched: &Watched, news: &News<'_>) -> (String, String) {
    let from = name_of(news.from);
    let noun = watched.noun.as_str();
    match form {
        Form::Full => {
            let whole = [news.text, news.snippet, news.subject];
            let whole = whole.into_iter().find(|text| !text.is_empty());
            let title = match (from.as_str(), news.subject) {
                ("", subject) => subject.to_owned(),
                (from, "") => from.to_owned(),
                (from, subject) => format!("{from}: {subject}"),
            };
            (line(&title), cut(whole.unwrap_or_default(), WHOLE))
        }
        Form::Summary => {
            let from = if from.is_empty() { "somebody" } else { &from };
            let text = match news.count {
                0 | 1 if watched.subject && !news.subject.is_empty() => {
                    format!("New {noun} from {from}: {}", news.subject)
                }
                0 | 1 => format!("New {noun} from {from}"),
                count => format!("{count} new messages, the last from {from}"),
            };
            (String::new(), line(&text))
        }
        Form::Bare => {
            let text = match news.count {
                0 | 1 => "You have one new message".to_owned(),
                count => format!("You have {count} new messages"),
            };
            (String::new(), text)
        }
        Form::Template => (
            String::new(),
            line(&filled(&watched.template, noun, &from, news)),
        ),
    }
}

/// A template with its places filled; what is filled in is not read again.
fn filled(template: &str, noun: &str, from: &str, news: &News<'_>) -> String {
    let count = news.count.max(1).to_string();
    let places = [
        ("{from}", from),
        ("{subject}", news.subject),
        ("{snippet}", news.snippet),
        ("{count}", &count),
        ("{app}", news.app),
        ("{noun}", noun),
    ];
    let mut text = String::new();
    let mut rest = template;
    while let Some(at) = rest.find('{') {
        let (before, tail) = rest.split_at(at);
        text.push_str(before);
        let place = places.iter().find(|(name, _)| tail.starts_with(name));
        let (value, length) = place.map_or(("{", 1), |(name, value)| (*value, name.len()));
        text.push_str(value);
        rest = tail.get(length..).unwrap_or_default();
    }
    text.push_str(rest);
    text
}

/// Who wrote, as people call him: the name before an address, else the address.
fn name_of(from: &str) -> String {
    let (name, address) = match from.split_once('<') {
        Some((name, rest)) => (name, rest.trim_end().trim_end_matches('>')),
        None => (from, ""),
    };
    let name = name.trim().trim_matches('"').trim();
    if name.is_empty() { address } else { name }.to_owned()
}

/// One line of at most [`LINE`] characters.
#[must_use]
pub fn line(text: &str) -> String {
    let plain = |letter: char| if letter.is_control() { ' ' } else { letter };
    let plain: String = text.chars().map(plain).collect();
    let words: Vec<&str> = plain.split_whitespace().collect();
    cut(&words.join(" "), LINE)
}

/// At most so many characters, cut where what people see as one letter ends.
fn cut(text: &str, most: usize) -> String {
    if text.chars().nth(most).is_none() {
        return text.to_owned();
    }
    let mut shown = String::new();
    let mut length = 0_usize;
    for letter in text.graphemes(true) {
        length = length.saturating_add(letter.chars().count());
        if length >= most {
            break;
        }
        shown.push_str(letter);
    }
    shown.push('…');
    shown
}

#[cfg(test)]
mod tests {
    use super::super::settings::Source;
    use super::*;

    fn watched() -> Watched {
        let secret = String::new();
        Watched::new(Source::Hook { secret })
    }

    const NEWS: News<'_> = News {
        app: "mail",
        from: "\"Bob Builder\" <bob@example.com>",
        subject: "Plans",
        snippet: "the secret plan",
        text: "the secret plan is to build",
        count: 1,
    };

    #[test]
    fn r1_34_the_full_form_has_the_text() {
        let (title, text) = words(Form::Full, &watched(), &NEWS);
        assert_eq!(title, "Bob Builder: Plans");
        assert_eq!(text, "the secret plan is to build");
    }

    #[test]
    fn r1_35_a_summary_names_the_author_and_the_subject_only_where_configured() {
        let mut watched = watched();
        let (title, text) = words(Form::Summary, &watched, &NEWS);
        assert_eq!(
            (title.as_str(), text.as_str()),
            ("", "New mail from Bob Builder")
        );
        watched.subject = true;
        let (_, text) = words(Form::Summary, &watched, &NEWS);
        assert_eq!(text, "New mail from Bob Builder: Plans");
    }

    #[test]
    fn r1_36_the_bare_form_names_nobody() {
        let (title, text) = words(Form::Bare, &watched(), &NEWS);
        assert_eq!(
            (title.as_str(), text.as_str()),
            ("", "You have one new message")
        );
        let many = News { count: 3, ..NEWS };
        let (_, text) = words(Form::Bare, &watched(), &many);
        assert_eq!(text, "You have 3 new messages");
    }

    #[test]
    fn r1_37_a_template_of_the_application_is_filled_once() {
        let mut watched = watched();
        watched.template = "{app}/{count}: {from} wrote {subject} {other}".to_owned();
        let tricky = News {
            subject: "{snippet}",
            ..NEWS
        };
        let (_, text) = words(Form::Template, &watched, &tricky);
        assert_eq!(text, "mail/1: Bob Builder wrote {snippet} {other}");
    }

    #[test]
    fn r1_39_a_summary_is_one_line_of_at_most_80_characters_cut_between_letters() {
        let mut watched = watched();
        watched.subject = true;
        // A family of four people is one letter made of seven characters.
        let family = "👩\u{200d}👩\u{200d}👧\u{200d}👦";
        let subject = format!("a\r\nb{}", family.repeat(20));
        let news = News {
            subject: &subject,
            ..NEWS
        };
        let (_, text) = words(Form::Summary, &watched, &news);
        assert!(text.chars().count() <= LINE, "{text}");
        assert!(text.starts_with("New mail from Bob Builder: a b👩"));
        assert!(text.ends_with(&format!("{family}…")), "{text}");
        assert!(!text.contains(['\r', '\n']));
    }

    #[test]
    fn a_sender_without_a_name_goes_by_the_address() {
        assert_eq!(name_of("<bob@example.com>"), "bob@example.com");
        assert_eq!(name_of("bob@example.com"), "bob@example.com");
        assert_eq!(name_of(""), "");
    }
}
