//! What a REGISTER asks for, or why it is refused before any binding is looked at.
//!
//! **Source:** RFC 3261 section 10.3 steps 1 to 7; RFC 5626 section 6; RFC 5627 section 5.1; RFC 3327 section 5.3; RFC 8599
//! section 5.

use crate::codec::device_id::DeviceId;
use crate::codec::sip::push_notification::refreshes_itself;
use crate::codec::sip::{Address, Contact, Message, Name, unquoted};
use crate::codec::uri::{Scheme, Uri};
use crate::limits;

use super::gruu;
use super::policy::Policy;
use super::refusal::Refusal;

/// A REGISTER that may be carried out.
pub(super) struct Register {
    /// The address of record, canonical.
    pub(super) aor: String,
    pub(super) call_id: String,
    pub(super) cseq: u32,
    pub(super) asked: Asked,
    pub(super) offers: Offers,
    /// Proxies on the way, nearest to us first.
    pub(super) path: Vec<String>,
    /// No proxy in between.
    pub(super) is_first_hop: bool,
    /// Further identifiers of the device.
    pub(super) aliases: Vec<DeviceId>,
    /// Push services to name in the answer.
    pub(super) wakers: Vec<String>,
    /// The device renews its binding without being woken.
    pub(super) renews_itself: bool,
}

/// What is to be done with the bindings.
pub(super) enum Asked {
    /// Nothing: they are only listed.
    Query,
    /// All are removed.
    Nothing,
    /// These are made, refreshed or removed.
    These(Vec<Wish>),
}

/// One Contact of a REGISTER.
pub(super) struct Wish {
    pub(super) contact: String,
    /// Seconds; 0 removes.
    pub(super) interval: u32,
    pub(super) q: u16,
    pub(super) instance: Option<String>,
    pub(super) gr: Option<String>,
    /// Present only when the rules of outbound apply.
    pub(super) reg_id: Option<u32>,
    pub(super) params: Vec<(String, Option<String>)>,
}

/// Extensions the client knows.
#[derive(Clone, Copy)]
pub(super) struct Offers {
    pub(super) outbound: bool,
    pub(super) gruu: bool,
    pub(super) path: bool,
}

impl Register {
    /// Reads and checks a REGISTER.
    pub(super) fn read(request: &Message, policy: &Policy) -> Result<Self, Refusal> {
        check_target(request, policy)?;
        check_required(request)?;
        let aor = aor(request, policy)?;
        let offers = Offers::of(request);
        let path: Vec<String> = request
            .list(Name::Path)
            .map(|value| String::from_utf8_lossy(value).into_owned())
            .collect();
        if policy.path_needs_offer && !path.is_empty() && !offers.path {
            return Err(Refusal::new(420).with("Unsupported", "path".to_owned()));
        }
        let mut register = Self {
            aor,
            call_id: request.call_id().map_err(|_| bad("Call-ID"))?.to_owned(),
            cseq: request.cseq().map_err(|_| bad("CSeq"))?.number,
            asked: Asked::Query,
            offers,
            path,
            is_first_hop: request.via_count() <= 1,
            aliases: aliases(request)?,
            wakers: Vec::new(),
            renews_itself: false,
        };
        register.asked = register.asked(request, policy)?;
        Ok(register)
    }

    fn asked(&mut self, request: &Message, policy: &Policy) -> Result<Asked, Refusal> {
        let contacts: Vec<Contact<'_>> = request
            .contacts()
            .take(CONTACTS_MAX.saturating_add(1))
            .collect::<Result<_, _>>()
            .map_err(|_| bad("Contact"))?;
        if contacts.len() > CONTACTS_MAX {
            return Err(Refusal::because(403, "too many contacts in one request"));
        }
        match contacts.as_slice() {
            [] => return Ok(Asked::Query),
            [Contact::Star] if request.expires() == Some(0) => return Ok(Asked::Nothing),
            contacts
                if contacts
                    .iter()
                    .any(|contact| matches!(contact, Contact::Star)) =>
            {
                return Err(Refusal::because(
                    400,
                    "Contact: * goes alone and with Expires: 0",
                ));
            }
            _ => {}
        }
        let mut wishes = Vec::with_capacity(contacts.len());
        for contact in &contacts {
            if let Contact::Address(address) = contact {
                let wish = self.wish(address, request.expires(), policy)?;
                // Who leaves needs nobody to wake it.
                if wish.interval > 0 {
                    self.find_wakers(&address.uri, policy)?;
                    self.renews_itself |= refreshes_itself(address).is_some();
                }
                wishes.push(wish);
            }
        }
        let kept: Vec<&Wish> = wishes.iter().filter(|wish| wish.interval > 0).collect();
        if kept.len() > 1 && kept.iter().any(|wish| wish.reg_id.is_some()) {
            return Err(Refusal::because(400, "a contact with reg-id goes alone"));
        }
        Ok(Asked::These(wishes))
    }

    fn wish(
        &self,
        address: &Address<'_>,
        expires: Option<u32>,
        policy: &Policy,
    ) -> Result<Wish, Refusal> {
        let interval = interval(address, expires, policy)?;
        let instance = address.instance().map(str::to_owned);
        let is_sip = matches!(address.uri.scheme(), Scheme::Sip | Scheme::Sips);
        if instance.is_some() && interval > 0 && (!is_sip || self.is_own(&address.uri, policy)) {
            return Err(Refusal::because(403, "this contact cannot have a GRUU"));
        }
        let reg_id = match reg_id(address)? {
            Some(number) if instance.is_some() => self.flow(number)?,
            _ => None,
        };
        Ok(Wish {
            contact: address.uri.as_str().to_owned(),
            interval,
            q: q(address)?,
            gr: instance
                .as_deref()
                .map(|urn| gruu::gr(urn, policy.gr_namespace)),
            instance,
            reg_id,
            params: params(address),
        })
    }

    /// True for a contact that leads back to the address of record.
    fn is_own(&self, contact: &Uri<'_>, policy: &Policy) -> bool {
        let is_aor = Uri::decode(self.aor.as_bytes()).is_ok_and(|aor| contact.is_equal(&aor));
        is_aor || (policy.serves(contact.host()) && contact.gr().is_some())
    }

    /// The flow number, when outbound applies; refused when the edge does not take part although the client does.
    fn flow(&self, number: u32) -> Result<Option<u32>, Refusal> {
        let edge_takes_part =
            self.is_first_hop || self.path.last().is_some_and(|edge| has_ob(edge));
        match (self.offers.outbound, edge_takes_part) {
            (true, true) => Ok(Some(number)),
            (true, false) => Err(Refusal::new(439)),
            (false, _) => Ok(None),
        }
    }

    fn find_wakers(&mut self, contact: &Uri<'_>, policy: &Policy) -> Result<(), Refusal> {
        let Some(provider) = contact.param("pn-provider") else {
            return Ok(());
        };
        let Some(provider) = provider else {
            self.wakers = policy
                .wakers
                .iter()
                .map(|waker| waker.provider.clone())
                .collect();
            return Ok(());
        };
        let param = contact.param("pn-param").flatten();
        let known = policy.wakers.iter().find(|waker| {
            waker.provider.eq_ignore_ascii_case(provider)
                && (waker.params.is_empty()
                    || param.is_some_and(|param| {
                        waker
                            .params
                            .iter()
                            .any(|known| known.eq_ignore_ascii_case(param))
                    }))
        });
        let known = known.ok_or_else(|| Refusal::new(555))?;
        self.wakers = vec![known.provider.clone()];
        Ok(())
    }
}

impl Offers {
    fn of(request: &Message) -> Self {
        let offers = |option| {
            request.has_option(Name::Supported, option) || request.has_option(Name::Require, option)
        };
        Self {
            outbound: offers("outbound"),
            gruu: offers("gruu"),
            path: offers("path"),
        }
    }
}

/// Extensions a client may require of a registrar.
const KNOWN_OPTIONS: [&str; 4] = ["path", "outbound", "gruu", "pref"];
/// Where a shorter interval is never too brief (RFC 3261 section 10.3 step 7).
const BRIEF: u32 = 3_600;
/// Contacts of one REGISTER: enough to exchange all bindings for others.
const CONTACTS_MAX: usize = 2 * limits::BINDINGS_PER_AOR;
/// The largest flow number (RFC 5626 section 10.3).
const REG_ID_MAX: u32 = 0x7FFF_FFFF;

fn bad(what: &str) -> Refusal {
    Refusal::because(400, format_args!("the {what} cannot be read"))
}

/// The Request-URI names a domain of ours and nothing else.
fn check_target(request: &Message, policy: &Policy) -> Result<(), Refusal> {
    let uri = request.request_uri().map_err(|_| bad("Request-URI"))?;
    if !matches!(uri.scheme(), Scheme::Sip | Scheme::Sips) {
        return Err(Refusal::new(416));
    }
    if uri.user().is_some() {
        return Err(Refusal::because(400, "the Request-URI names a domain only"));
    }
    if policy.serves(uri.host()) {
        Ok(())
    } else {
        Err(Refusal::because(404, "not a domain of this registrar"))
    }
}

fn check_required(request: &Message) -> Result<(), Refusal> {
    let unknown: Vec<String> = request
        .list(Name::Require)
        .map(|option| String::from_utf8_lossy(option).into_owned())
        .filter(|option| {
            !KNOWN_OPTIONS
                .iter()
                .any(|known| known.eq_ignore_ascii_case(option))
        })
        .collect();
    if unknown.is_empty() {
        Ok(())
    } else {
        Err(Refusal::new(420).with("Unsupported", unknown.join(", ")))
    }
}

/// The address of record that is registered.
fn aor(request: &Message, policy: &Policy) -> Result<String, Refusal> {
    let to = request.to().map_err(|_| bad("To"))?;
    if !matches!(to.uri.scheme(), Scheme::Sip | Scheme::Sips) {
        return Err(Refusal::because(400, "To is no SIP URI"));
    }
    let aor = canonical_aor(&to.uri);
    if to.uri.user().is_some() && policy.serves(to.uri.host()) && policy.knows(&aor) {
        Ok(aor)
    } else {
        Err(Refusal::new(404))
    }
}

/// One spelling for an address of record: what is true of `sips:` is true of `sip:` (RFC 5630 section 3.3).
pub(super) fn canonical_aor(uri: &Uri<'_>) -> String {
    let aor = uri.aor();
    match aor.strip_prefix("sips:") {
        Some(rest) => format!("sip:{rest}"),
        None => aor,
    }
}

fn aliases(request: &Message) -> Result<Vec<DeviceId>, Refusal> {
    let mut aliases = Vec::new();
    for value in request.list(Name::XSirgateDevice) {
        let text = core::str::from_utf8(value).map_err(|_| bad("X-Sirgate-Device"))?;
        let id = match text
            .split_once('<')
            .and_then(|(_, rest)| rest.split_once('>'))
        {
            Some((uri, _)) => uri,
            None => text.split(';').next().unwrap_or_default(),
        };
        let id = DeviceId::decode(id.trim()).map_err(|_| bad("X-Sirgate-Device"))?;
        if !aliases.contains(&id) {
            aliases.push(id);
        }
        if aliases.len() > limits::BINDING_ALIASES {
            return Err(Refusal::because(403, "too many identifiers for one device"));
        }
    }
    Ok(aliases)
}

/// The seconds a contact asks for, within what is allowed; 0 removes it.
fn interval(address: &Address<'_>, expires: Option<u32>, policy: &Policy) -> Result<u32, Refusal> {
    // A value that is no number of seconds counts as none given at all (RFC 3261 section 10.3 step 7).
    let expires = expires.filter(|_| address.param("expires").is_none());
    let asked = address
        .expires()
        .or(expires)
        .unwrap_or(policy.default_expires);
    let min = policy.min.min(BRIEF);
    if asked > 0 && asked < min {
        return Err(Refusal::new(423).with("Min-Expires", min.to_string()));
    }
    Ok(asked.min(policy.max))
}

fn reg_id(address: &Address<'_>) -> Result<Option<u32>, Refusal> {
    match (address.param("reg-id"), address.reg_id()) {
        (None, _) => Ok(None),
        (_, Some(number)) if number <= REG_ID_MAX => Ok(Some(number)),
        _ => Err(bad("reg-id")),
    }
}

fn q(address: &Address<'_>) -> Result<u16, Refusal> {
    match (address.param("q"), address.q()) {
        (None, _) => Ok(1000),
        (_, Some(q)) => Ok(q),
        _ => Err(bad("q")),
    }
}

/// The parameters that are stored and given back as they are.
fn params(address: &Address<'_>) -> Vec<(String, Option<String>)> {
    const OWN: [&str; 6] = [
        "expires",
        "q",
        "reg-id",
        "+sip.instance",
        "pub-gruu",
        "temp-gruu",
    ];
    address
        .params()
        .filter(|(name, _)| !OWN.iter().any(|own| own.eq_ignore_ascii_case(name)))
        .map(|(name, value)| {
            let text = value.map(|value| String::from_utf8_lossy(&unquoted(value)).into_owned());
            (name.to_owned(), text)
        })
        .collect()
}

/// True when an edge's Path URI says that it keeps flows.
fn has_ob(path: &str) -> bool {
    Address::decode(path.as_bytes()).is_ok_and(|address| address.uri.param("ob").is_some())
}
