//! Trees are read, refused and written as XML says.

use super::*;
use crate::limits;
use proptest::prelude::*;

fn class(text: &str) -> (Class, usize) {
    let error = read("t", text.as_bytes()).unwrap_err();
    (error.class, error.offset)
}

#[test]
fn namespaces_are_resolved_and_written_with_usual_prefixes() {
    let text = "<?xml version=\"1.0\"?><a xmlns=\"u:a\" xmlns:x='u:b'> <x:b x:c=\"1\" d='&lt;&#65;'>t</x:b> <!-- no --></a>";
    let root = read("t", text.as_bytes()).unwrap();
    assert!(root.is("u:a", "a"));
    let b = root.elements().next().unwrap();
    assert!(b.is("u:b", "b"));
    assert_eq!(
        (b.value_in("u:b", "c"), b.value("d")),
        (Some("1"), Some("<A"))
    );
    assert_eq!(b.own_text(), "t");
    let written = write(&root, &[("u:b", "q")]);
    assert_eq!(
        String::from_utf8_lossy(&written),
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <a xmlns=\"u:a\" xmlns:q=\"u:b\"><q:b q:c=\"1\" d=\"&lt;A\">t</q:b></a>"
    );
    assert_eq!(read("t", &written), Ok(root));
}

#[test]
fn what_is_not_allowed_is_refused_where_it_stands() {
    assert_eq!(class("<!DOCTYPE a><a/>"), (Class::XmlForbidden, 0));
    assert_eq!(class("<a>&b;</a>"), (Class::XmlForbidden, 3));
    assert_eq!(class("<a b='&c;'/>"), (Class::XmlForbidden, 6));
    assert_eq!(class("<a><b></a>").0, Class::XmlNotWellFormed);
    assert_eq!(class("<a/><b/>"), (Class::XmlNotWellFormed, 4));
    assert_eq!(class("<p:a/>"), (Class::XmlNotWellFormed, 1));
    assert_eq!(class("<a b='1' b='2'/>").0, Class::XmlNotWellFormed);
    assert_eq!(class("<a>").0, Class::XmlNotWellFormed);
    assert_eq!(class("x<a/>"), (Class::XmlNotWellFormed, 0));
    assert_eq!(class(""), (Class::XmlNotWellFormed, 0));
}

/// Every reader of XML: a tree, a PAP document, an SI.
fn readers(prolog: &str, inside: &str) -> [Option<(Class, usize)>; 3] {
    let of = |format: &str, document: &str| {
        let format = crate::codec::FORMATS.iter().find(|own| own.name == format);
        let read = (format.unwrap().decode)(document.as_bytes(), false);
        read.err().map(|fault| (fault.class, fault.offset))
    };
    let tree = format!("{prolog}<a>{inside}</a>");
    let pap = format!(
        "{prolog}<!DOCTYPE pap PUBLIC \"-//WAPFORUM//DTD PAP 2.0//EN\" \"u\"><pap>{inside}</pap>"
    );
    let si = format!("{prolog}<si><indication>{inside}</indication></si>");
    let of_tree = read("t", tree.as_bytes()).err();
    [
        of_tree.map(|fault| (fault.class, fault.offset)),
        of("pap-xml", &pap),
        of("si-xml", &si),
    ]
}

#[test]
fn every_reader_refuses_the_same_entities() {
    let found = readers("", "&nbsp;").map(|fault| fault.map(|(class, _)| class));
    assert_eq!(found, [Some(Class::XmlForbidden); 3]);
    let found = readers("", "&#0;").map(|fault| fault.map(|(class, _)| class));
    assert_eq!(found, [Some(Class::XmlNotWellFormed); 3]);
}

#[test]
fn every_reader_takes_the_same_encodings() {
    let declared = |encoding: &str| format!("<?xml version='1.0' encoding='{encoding}'?>");
    let at = declared("").len() - "'?>".len();
    let wrong = Some((Class::XmlNotWellFormed, at));
    // An element that no document type knows is a fault of PAP and SI only, behind the prolog.
    for encoding in ["UTF-8", "utf-8", "US-ASCII", "ISO-8859-1"] {
        let found = readers(&declared(encoding), "<b/>");
        assert_eq!(found[0], None, "{encoding}");
        assert!(found.iter().all(|fault| *fault != wrong), "{encoding}");
    }
    for encoding in ["UTF-16", "windows-1252", "UTF-8 ", ""] {
        assert_eq!(
            readers(&declared(encoding), "<b/>"),
            [wrong; 3],
            "{encoding}"
        );
    }
    for encoding in ["US-ASCII", "ISO-8859-1"] {
        assert_eq!(
            readers(&declared(encoding), "\u{e9}"),
            [wrong; 3],
            "{encoding}"
        );
    }
}

#[test]
fn a_declaration_and_a_doctype_stand_where_and_as_xml_says() {
    let malformed = |at| (Class::XmlNotWellFormed, at);
    assert_eq!(class(" <?xml version='1.0'?><a/>"), malformed(1));
    assert_eq!(class("<?xml encoding='UTF-8'?><a/>"), malformed(6));
    assert_eq!(class("<a/><!DOCTYPE a>"), malformed(4));
    assert_eq!(class("<!doctype a><a/>"), malformed(0));
    assert_eq!(class("<!DOCTYPE a SYSTEM><a/>").0, Class::XmlNotWellFormed);
    assert_eq!(class("<a/><![CDATA[ ]]>"), malformed(4));
    assert_eq!(class("<a/>&#32;"), malformed(4));
    assert_eq!(class("<?XML?><a/>"), malformed(0));
    assert_eq!(class("<a b='1'c='2'/>"), malformed(8));
    assert_eq!(class("<a b=1/>"), malformed(5));
    assert_eq!(class("<a b/>"), malformed(4));
    assert_eq!(class("<a b='1/>"), malformed(0));
}

#[test]
fn depth_parts_and_octets_are_bounded() {
    let nested = |depth: usize| format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth));
    let depth = limits::XML_DEPTH;
    assert!(read("t", nested(depth).as_bytes()).is_ok());
    assert_eq!(class(&nested(depth + 1)).0, Class::TooLarge);
    let wide = |count: usize| format!("<a>{}</a>", "<b/>".repeat(count));
    let parts = limits::XML_PARTS;
    assert!(read("t", wide(parts - 1).as_bytes()).is_ok());
    assert_eq!(class(&wide(parts)).0, Class::TooLarge);
    let long = |octets: usize| format!("<a>{}</a>", "x".repeat(octets - 7));
    let octets = limits::XML_OCTETS;
    assert!(read("t", long(octets).as_bytes()).is_ok());
    assert_eq!(class(&long(octets + 1)), (Class::TooLarge, octets));
}

#[test]
fn a_namespace_and_a_name_are_bounded_because_many_copy_them() {
    let (space, name) = (limits::XML_NAMESPACE_OCTETS, limits::XML_NAME_OCTETS);
    let document = |octets: usize| {
        let uri = "A".repeat(octets);
        format!("<a xmlns:x=\"{uri}\">{}</a>", "<x:a/>".repeat(3_900))
    };
    let root = read("t", document(space).as_bytes()).unwrap();
    assert_eq!(root.elements().count(), 3_900);
    assert_eq!(class(&document(space + 1)), (Class::TooLarge, 3));
    assert_eq!(class(&document(34_000)), (Class::TooLarge, 3));
    let document = |octets: usize| format!("<{}/>", "a".repeat(octets));
    assert!(read("t", document(name).as_bytes()).is_ok());
    assert_eq!(class(&document(name + 1)), (Class::TooLarge, 1));
}

#[test]
fn an_element_has_as_many_attributes_as_the_limit_and_no_more() {
    let document = |count: usize| {
        let attributes: String = (0..count).map(|number| format!(" a{number}=''")).collect();
        format!("<a{attributes}/>")
    };
    let most = limits::XML_ATTRIBUTES;
    let root = read("t", document(most).as_bytes()).unwrap();
    assert_eq!(root.attributes.len(), most);
    assert_eq!(class(&document(most + 1)).0, Class::TooLarge);
    assert_eq!(class(&document(4_000)).0, Class::TooLarge);
}

#[test]
fn siblings_of_one_name_are_numbered_however_many_there_are() {
    let text = format!("<a>{}</a>", "<b/><c/>".repeat(2_000));
    let paths = spans("t", "clause", text.as_bytes());
    let last: Vec<&str> = paths
        .iter()
        .rev()
        .take(3)
        .map(|span| span.path.as_str())
        .collect();
    assert_eq!(last, ["a", "a.c[1999]", "a.b[1999]"]);
}

#[test]
fn an_element_in_no_namespace_says_so() {
    let text = "<a xmlns=\"u\"><b xmlns=\"\"><c xmlns=\"u\"/></b></a>";
    let root = read("t", text.as_bytes()).unwrap();
    let written = write(&root, &[]);
    assert!(String::from_utf8_lossy(&written).ends_with(text));
}

#[test]
fn spans_cover_every_octet_in_order() {
    let text = "<?xml version=\"1.0\"?>\n<a x=\"1\"  y='2'>\n <b>t&amp;u</b><b/><!-- c --></a>\n";
    let spans = spans("t", "clause", text.as_bytes());
    let mut at = 0;
    for span in &spans {
        assert_eq!(span.at, at, "{span:?}");
        at += span.len;
    }
    assert_eq!(at, text.len());
    let paths: Vec<&str> = spans.iter().map(|span| span.path.as_str()).collect();
    assert!(
        paths.contains(&"a.y") && paths.contains(&"a.b[1]"),
        "{paths:?}"
    );
}

fn tree() -> impl Strategy<Value = Element> {
    let space = prop_oneof![Just(String::new()), Just("u:a".into()), Just("u:b".into())];
    let leaf = (space.clone(), "[a-c]", "[ -~\u{e9}]{0,6}")
        .prop_map(|(space, name, text)| Element::new(&space, &name).text(text.trim()));
    leaf.prop_recursive(4, 24, 4, move |inner| {
        let attributes = proptest::collection::btree_map("[d-f]", "[ -~\n\t]{0,5}", 0..3);
        (
            space.clone(),
            "[a-c]",
            attributes,
            proptest::collection::vec(inner, 1..4),
        )
            .prop_map(|(space, name, attributes, children)| {
                let empty = Element::new(&space, &name);
                attributes
                    .iter()
                    .fold(empty, |element, (name, value)| {
                        element.attribute(name, value)
                    })
                    .children(children)
            })
    })
}

proptest! {
    #[test]
    fn a_tree_reads_back_as_written(root in tree()) {
        let written = write(&root, &[("u:b", "b")]);
        prop_assert_eq!(read("t", &written), Ok(root.clone()), "{}", String::from_utf8_lossy(&written));
        prop_assert_eq!(of_fields(&fields_of(&root)), Ok(root));
    }

    #[test]
    fn a_value_says_the_same_however_it_is_quoted_and_spaced(
        value in r"([ -~\t\n\ré]|\r\n){0,24}",
        spaces in " {0,2}",
    ) {
        let value = value.replace('&', "&#38;").replace('<', "&lt;");
        let says = |quote: char, spaces: &str| {
            let value = value.replace(quote, &format!("&#{};", u32::from(quote)));
            let text = format!("<a b{spaces}={spaces}{quote}{value}{quote}/>");
            read("t", text.as_bytes()).map(|root| root.value("b").map(str::to_owned))
        };
        let wanted = value.replace("\r\n", " ").replace(['\t', '\n', '\r'], " ");
        let wanted = wanted.replace("&lt;", "<").replace("&#38;", "&");
        prop_assert_eq!(says('"', ""), Ok(Some(wanted.clone())));
        prop_assert_eq!(says('\'', &spaces), Ok(Some(wanted)));
    }

    #[test]
    fn any_octets_end_with_a_tree_or_an_offset(octets in proptest::collection::vec(any::<u8>(), 0..60)) {
        if let Err(error) = read("t", &octets) {
            prop_assert!(error.offset <= octets.len());
        }
        let _ = spans("t", "c", &octets);
    }
}

#[test]
fn names_are_words_and_what_else_xml_calls_a_name() {
    let whole = read("t", "<a-b c-='1' d.e='2' é1='3'/>".as_bytes()).unwrap();
    assert_eq!(whole.name, "a-b");
    let names: Vec<&str> = whole
        .attributes
        .iter()
        .map(|own| own.name.as_str())
        .collect();
    assert_eq!(names, ["c-", "d.e", "é1"]);
    for (text, at) in [
        ("<-a/>", 1),
        ("<a -b='1'/>", 3),
        ("<a b;='1'/>", 3),
        ("<a ='1'/>", 3),
        ("<a b='1'c='2'/>", 8),
        ("<a b='<'/>", 6),
    ] {
        assert_eq!(class(text), (Class::XmlNotWellFormed, at), "{text}");
    }
    assert_eq!(class("<a b='1&c;'/>"), (Class::XmlForbidden, 7));
}

#[test]
fn text_around_references_has_one_span() {
    let text = "<a> x &amp; y\n&lt;<b/>z<!-- no -->&gt;</a>";
    let all = spans("t", "c", text.as_bytes());
    let shown: Vec<_> = all
        .iter()
        .map(|span| (span.at, span.len, span.value.as_str()))
        .collect();
    let expected = [
        (0, 3, "a"),
        (3, 15, "x & y <"),
        (18, 4, "b"),
        (22, 1, "z"),
        (23, 11, "comment"),
        (34, 4, ">"),
        (38, 4, "end"),
    ];
    assert_eq!(shown, expected);
}

#[test]
fn comments_and_instructions_are_counted_as_parts() {
    for piece in ["<!---->", "<?a?>"] {
        let document = |count: usize| format!("<a>{}</a>", piece.repeat(count));
        let parts = limits::XML_PARTS;
        assert!(read("t", document(parts - 1).as_bytes()).is_ok(), "{piece}");
        assert_eq!(class(&document(parts)).0, Class::TooLarge, "{piece}");
    }
}
