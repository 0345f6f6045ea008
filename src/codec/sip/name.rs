//! Names of SIP headers: the known ones as numbers, found by their length and three of their octets.
//!
//! Source: RFC 3261 section 20 and the documents that register the others; compact names from RFC 3261 section 7.3.3 and
//! the IANA registry. A header that is not listed is [`Name::Other`] and keeps its spelling in the message.

macro_rules! names {
    ($($variant:ident $text:literal,)*) => {
        /// A header, whatever its spelling.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        #[repr(u8)]
        pub enum Name {
            $(#[doc = concat!("`", $text, "`")] $variant,)*
            /// Any other.
            Other,
        }

        const ALL: &[Name] = &[$(Name::$variant,)*];
        const TEXTS: &[&str] = &[$($text,)* ""];
    };
}

names! {
    Via "Via",
    From "From",
    To "To",
    CallId "Call-ID",
    CSeq "CSeq",
    MaxForwards "Max-Forwards",
    Contact "Contact",
    ContentLength "Content-Length",
    ContentType "Content-Type",
    Expires "Expires",
    MinExpires "Min-Expires",
    Route "Route",
    RecordRoute "Record-Route",
    Path "Path",
    ServiceRoute "Service-Route",
    Supported "Supported",
    Require "Require",
    ProxyRequire "Proxy-Require",
    Unsupported "Unsupported",
    Allow "Allow",
    Accept "Accept",
    AcceptContact "Accept-Contact",
    RejectContact "Reject-Contact",
    RequestDisposition "Request-Disposition",
    Authorization "Authorization",
    WwwAuthenticate "WWW-Authenticate",
    ProxyAuthorization "Proxy-Authorization",
    ProxyAuthenticate "Proxy-Authenticate",
    Event "Event",
    SubscriptionState "Subscription-State",
    ReplyTo "Reply-To",
    InReplyTo "In-Reply-To",
    Date "Date",
    Reason "Reason",
    Warning "Warning",
    RetryAfter "Retry-After",
    ContentDisposition "Content-Disposition",
    MimeVersion "MIME-Version",
    PAssertedIdentity "P-Asserted-Identity",
    PPreferredIdentity "P-Preferred-Identity",
    PCalledPartyId "P-Called-Party-ID",
    PAssociatedUri "P-Associated-URI",
    FlowTimer "Flow-Timer",
    Server "Server",
    UserAgent "User-Agent",
    AcceptEncoding "Accept-Encoding",
    AcceptLanguage "Accept-Language",
    ContentEncoding "Content-Encoding",
    ContentLanguage "Content-Language",
    AllowEvents "Allow-Events",
    Subject "Subject",
    Timestamp "Timestamp",
    SessionExpires "Session-Expires",
    MinSe "Min-SE",
    ReferTo "Refer-To",
    ReferredBy "Referred-By",
    FeatureCaps "Feature-Caps",
    SipEtag "SIP-ETag",
    SipIfMatch "SIP-If-Match",
    MaxBreadth "Max-Breadth",
    AuthenticationInfo "Authentication-Info",
    Organization "Organization",
    Priority "Priority",
    AlertInfo "Alert-Info",
    CallInfo "Call-Info",
    ErrorInfo "Error-Info",
    RAck "RAck",
    RSeq "RSeq",
    Privacy "Privacy",
    Identity "Identity",
    IdentityInfo "Identity-Info",
    XSirgateDevice "X-Sirgate-Device",
    XSirgateAsk "X-Sirgate-Ask",
    XSirgateApp "X-Sirgate-App",
    XSirgateSir "X-Sirgate-Sir",
    XSirgatePush "X-Sirgate-Push",
    XWapApplicationId "X-Wap-Application-Id",
    XWapInitiatorUri "X-Wap-Initiator-URI",
    XWapContentUri "X-Wap-Content-URI",
}

impl Name {
    /// How many there are, [`Name::Other`] included.
    pub(super) const COUNT: usize = TEXTS.len();

    /// The usual spelling; empty for [`Name::Other`].
    #[must_use]
    pub const fn text(self) -> &'static str {
        #[expect(clippy::indexing_slicing, reason = "one text for each variant")]
        TEXTS[self as usize]
    }

    /// The header of that name, in any case, compact or not.
    #[inline]
    #[must_use]
    pub fn from_octets(name: &[u8]) -> Self {
        let (Some(&first), Some(&last), Some(&middle)) =
            (name.first(), name.last(), name.get(name.len() >> 1))
        else {
            return Self::Other;
        };
        if name.len() == 1 {
            return compact(first);
        }
        let found = SLOTS
            .get(slot(name.len(), first, last, middle))
            .copied()
            .unwrap_or(Self::Other);
        let text = found.text().as_bytes();
        // Nearly every peer uses the usual spelling, and comparing it octet by octet is the faster way.
        if name == text || name.eq_ignore_ascii_case(text) {
            found
        } else {
            Self::Other
        }
    }

    /// The name at the start of a row and its length, when it has the usual spelling and a colon right after it: the way
    /// nearly all rows are written, read as one number.
    #[inline]
    pub(super) fn usual(line: &[u8]) -> Option<(Self, usize)> {
        let word = u128::from_le_bytes(*line.first_chunk::<16>()?);
        let Some(len) = colon(word) else {
            return Self::usual_long(line);
        };
        let bits = len.wrapping_mul(8);
        let text = word & 1_u128.wrapping_shl(bits).wrapping_sub(1);
        let (usual, name) = USUAL.get(usual_slot(text)).copied()?;
        (usual == text).then_some((name, len as usize))
    }

    /// As [`Name::usual`], for names of 16 to 31 octets.
    #[inline]
    fn usual_long(line: &[u8]) -> Option<(Self, usize)> {
        let (sixteen, rest) = line.split_first_chunk::<16>()?;
        let after = colon(u128::from_le_bytes(*rest.first_chunk::<16>()?))?;
        let len = after.wrapping_add(16) as usize;
        let name = line.get(..len)?;
        let found = SLOTS
            .get(slot(len, sixteen[0], *name.last()?, *name.get(len >> 1)?))
            .copied()?;
        (name == found.text().as_bytes()).then_some((found, len))
    }

    /// True for headers whose value is one, so that a second row is a fault.
    #[must_use]
    pub const fn is_single(self) -> bool {
        matches!(
            self,
            Self::From
                | Self::To
                | Self::CallId
                | Self::CSeq
                | Self::MaxForwards
                | Self::ContentLength
                | Self::ContentType
                | Self::ContentDisposition
                | Self::Expires
                | Self::MinExpires
                | Self::Date
                | Self::Event
                | Self::SubscriptionState
                | Self::ReplyTo
                | Self::ReferTo
                | Self::RetryAfter
                | Self::MimeVersion
                | Self::MaxBreadth
                | Self::SipEtag
                | Self::SipIfMatch
                | Self::FlowTimer
        )
    }
}

const fn compact(letter: u8) -> Name {
    match letter.to_ascii_lowercase() {
        b'a' => Name::AcceptContact,
        b'b' => Name::ReferredBy,
        b'c' => Name::ContentType,
        b'd' => Name::RequestDisposition,
        b'e' => Name::ContentEncoding,
        b'f' => Name::From,
        b'i' => Name::CallId,
        b'j' => Name::RejectContact,
        b'k' => Name::Supported,
        b'l' => Name::ContentLength,
        b'm' => Name::Contact,
        b'n' => Name::IdentityInfo,
        b'o' => Name::Event,
        b'r' => Name::ReferTo,
        b's' => Name::Subject,
        b't' => Name::To,
        b'u' => Name::AllowEvents,
        b'v' => Name::Via,
        b'x' => Name::SessionExpires,
        b'y' => Name::Identity,
        _ => Name::Other,
    }
}

/// A hash without collisions among the known names; the check is in [`slots`].
#[inline]
const fn slot(len: usize, first: u8, last: u8, middle: u8) -> usize {
    let letters = (first as usize | 0x20)
        .wrapping_mul(180)
        .wrapping_add((last as usize | 0x20).wrapping_mul(44))
        .wrapping_add((middle as usize | 0x20).wrapping_mul(116));
    len.wrapping_mul(79).wrapping_add(letters) & 0x1ff
}

const SLOTS: [Name; 512] = slots();

#[expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "runs at compile time"
)]
const fn slots() -> [Name; 512] {
    let mut slots = [Name::Other; 512];
    let mut at = 0;
    while at < ALL.len() {
        let text = TEXTS[at].as_bytes();
        let slot = slot(
            text.len(),
            text[0],
            text[text.len() - 1],
            text[text.len() / 2],
        );
        assert!(
            matches!(slots[slot], Name::Other),
            "two names share a slot: choose other factors"
        );
        slots[slot] = ALL[at];
        at += 1;
    }
    slots
}

/// Where the first colon is in sixteen octets.
#[inline]
const fn colon(word: u128) -> Option<u32> {
    // The lowest octet that is a colon: one less than zero borrows, and only from it upwards.
    let colons = word ^ repeated(b':');
    let found = colons.wrapping_sub(repeated(1)) & !colons & repeated(0x80);
    if found == 0 {
        return None;
    }
    Some(found.trailing_zeros() >> 3)
}

const fn repeated(octet: u8) -> u128 {
    u128::from_le_bytes([octet; 16])
}

/// A hash without collisions among the names of at most 15 octets; the check is in [`usual`].
#[inline]
#[expect(
    clippy::cast_possible_truncation,
    reason = "the halves of a word, and eight bits"
)]
const fn usual_slot(text: u128) -> usize {
    let halves = text as u64 ^ ((text >> 64) as u64).rotate_left(3);
    (halves.wrapping_mul(0x3123_f84a_589d_3d31) >> 56) as usize
}

/// Names of at most 15 octets, in the usual spelling as numbers.
const USUAL: [(u128, Name); 256] = usual();

#[expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "runs at compile time"
)]
const fn usual() -> [(u128, Name); 256] {
    let mut slots = [(u128::MAX, Name::Other); 256];
    let mut at = 0;
    while at < ALL.len() {
        let text = TEXTS[at].as_bytes();
        if text.len() < 16 {
            let mut octets = [0; 16];
            let mut octet = 0;
            while octet < text.len() {
                octets[octet] = text[octet];
                octet += 1;
            }
            let word = u128::from_le_bytes(octets);
            let slot = usual_slot(word);
            assert!(
                slots[slot].0 == u128::MAX,
                "two names share a slot: choose another factor"
            );
            slots[slot] = (word, ALL[at]);
        }
        at += 1;
    }
    slots
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_in_any_case() {
        for &name in ALL {
            let text = name.text();
            assert_eq!(Name::from_octets(text.as_bytes()), name);
            assert_eq!(
                Name::from_octets(text.to_ascii_lowercase().as_bytes()),
                name
            );
            assert_eq!(
                Name::from_octets(text.to_ascii_uppercase().as_bytes()),
                name
            );
        }
    }

    #[test]
    fn the_usual_spelling_is_found_at_the_start_of_a_row() {
        for &name in ALL {
            let row = format!("{}: and a value, which is long enough", name.text());
            let found = Name::usual(row.as_bytes());
            assert_eq!(found, Some((name, name.text().len())));
        }
        assert_eq!(Name::usual(b"via: lower case here"), None);
        assert_eq!(Name::usual(b"Via : blank before colon"), None);
        assert_eq!(Name::usual(b": no name at all here"), None);
        assert_eq!(Name::usual(b"no colon in the first octets"), None);
        assert_eq!(Name::usual(b"Via: short"), None);
    }

    #[test]
    fn compact_names_are_the_same_headers() {
        assert_eq!(Name::from_octets(b"v"), Name::Via);
        assert_eq!(Name::from_octets(b"I"), Name::CallId);
        assert_eq!(Name::from_octets(b"x"), Name::SessionExpires);
        assert_eq!(Name::from_octets(b"z"), Name::Other);
    }

    #[test]
    fn names_that_only_look_alike_are_others() {
        assert_eq!(Name::from_octets(b"Vja"), Name::Other);
        assert_eq!(Name::from_octets(b"Call-ID2"), Name::Other);
        assert_eq!(Name::from_octets(b""), Name::Other);
    }
}
