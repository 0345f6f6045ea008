//! Is this SIR for me? The identifiers in it against the device's own.

use crate::codec::device_id::DeviceId;
use crate::codec::sia::{self, AppId};
use crate::codec::sir::{Named, SIA_APPLICATION, SiaContent, Sir};

/// What a device is known by: its instance, its aliases, and the addresses its registrar gave it.
#[derive(Clone, Debug, Default)]
pub struct Identifiers {
    own: Vec<DeviceId>,
    /// From the last registration; the next one replaces them.
    given: Vec<DeviceId>,
}

/// What the identifiers in a SIR say to one device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// They name nobody.
    Unnamed,
    /// They name this device.
    Match,
    /// They name others only.
    Mismatch,
    /// The placements contradict each other.
    Conflict {
        /// True when one of them names this device.
        named: bool,
    },
}

impl Identifiers {
    /// The identifiers a device has from the start.
    #[must_use]
    pub const fn new(own: Vec<DeviceId>) -> Self {
        Self {
            own,
            given: Vec::new(),
        }
    }

    /// Takes the addresses of a registration: each counts itself, and so does the `gr` value of a public one.
    pub fn learn<'a>(&mut self, gruus: impl IntoIterator<Item = &'a str>) {
        self.given.clear();
        for id in gruus
            .into_iter()
            .filter_map(|uri| DeviceId::decode(uri).ok())
        {
            self.given.extend(id.gr());
            self.given.push(id);
        }
    }

    /// True when one of these is an own one (R2.30).
    #[must_use]
    pub fn is_among(&self, named: &[DeviceId]) -> bool {
        named.iter().any(|id| self.has(id))
    }

    /// True when this is an own one.
    #[must_use]
    pub fn has(&self, id: &DeviceId) -> bool {
        self.all().any(|own| own.matches(id))
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &DeviceId> {
        self.own.iter().chain(&self.given)
    }
}

/// Matches the identifiers of a SIR with a device's own (R2.75).
///
/// A device matches a placement when one of its identifiers is in it. Named by all placements that name anybody, it is
/// meant, even where the placements name it by different identifiers or name further devices.
#[must_use]
pub fn matches(sir: &Sir, own: &Identifiers) -> Verdict {
    let naming = [&sir.header, &sir.value, &sir.body]
        .into_iter()
        .map(|placed| placed.devices.as_slice())
        .filter(|devices| !devices.is_empty());
    let found: Vec<bool> = naming.map(|devices| own.is_among(devices)).collect();
    if found.is_empty() {
        return Verdict::Unnamed;
    }
    if found.iter().all(|found| *found) {
        return Verdict::Match;
    }
    let named = found.contains(&true);
    match sir.devices() {
        Named::Conflict => Verdict::Conflict { named },
        // The value placement may name one of several only.
        Named::These(_) if named => Verdict::Match,
        Named::These(_) | Named::Nobody => Verdict::Mismatch,
    }
}

/// The applications a SIR is about: those of its content, the one it is addressed to, those to activate. The
/// application that takes SIRs itself says nothing about the push.
#[must_use]
pub fn topics(sir: &Sir) -> Vec<String> {
    let mut topics: Vec<String> = Vec::new();
    let mut add = |topic: &str| {
        if !is_general(topic) && !topics.iter().any(|old| old == topic) {
            topics.push(topic.to_owned());
        }
    };
    add(&sir.application);
    if let SiaContent::Binary(sia) = &sir.sia {
        for id in &sia.app_ids {
            match id {
                AppId::Any => {}
                AppId::Code(code) => sia::application_uri(*code).into_iter().for_each(&mut add),
                AppId::Uri(uri) => add(uri),
            }
        }
    }
    for app in sir.apps() {
        add(&app.id);
    }
    topics
}

fn is_general(application: &str) -> bool {
    [SIA_APPLICATION, "x-wap-application:*", "push.sia", "*", ""]
        .iter()
        .any(|general| application.eq_ignore_ascii_case(general))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::sir::Placement;

    const C1_UUID: &str = "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6";
    const C1_MAC: &str = "00:24:be:00:00:01";
    const C2: &str = "urn:gsma:imei:90420156-025763-0";
    const C3: &str = "urn:dev:mac:0024befffe804ff1";

    fn id(text: &str) -> DeviceId {
        DeviceId::decode(text).unwrap()
    }

    fn own(ids: &[&str]) -> Identifiers {
        Identifiers::new(ids.iter().map(|text| id(text)).collect())
    }

    fn sir() -> Sir {
        Sir::new("sip:alice@example.com", "sip:push@ppg.example.com")
    }

    fn naming(places: Placement, ids: &[&str]) -> Sir {
        let ids: Vec<DeviceId> = ids.iter().map(|text| id(text)).collect();
        sir().with_devices(places, &ids)
    }

    #[test]
    fn r2_75_an_equal_identifier_is_a_match_in_each_placement() {
        for place in [Placement::HEADER, Placement::VALUE, Placement::BODY] {
            let sir = naming(place, &[C1_UUID]);
            assert_eq!(matches(&sir, &own(&[C1_UUID])), Verdict::Match);
        }
    }

    #[test]
    fn r2_76_another_identifier_is_a_mismatch_in_each_placement() {
        for place in [Placement::HEADER, Placement::VALUE, Placement::BODY] {
            let sir = naming(place, &[C1_UUID]);
            assert_eq!(matches(&sir, &own(&[C2])), Verdict::Mismatch);
        }
    }

    #[test]
    fn r2_30_any_one_of_several_own_identifiers_matches() {
        let c1 = own(&[C1_UUID, C1_MAC]);
        assert_eq!(
            matches(&naming(Placement::HEADER, &[C1_UUID]), &c1),
            Verdict::Match
        );
        assert_eq!(
            matches(&naming(Placement::HEADER, &[C1_MAC]), &c1),
            Verdict::Match
        );
    }

    #[test]
    fn r2_31_several_named_devices_match_and_others_do_not() {
        let sir = naming(Placement::HEADER | Placement::BODY, &[C1_UUID, C2]);
        assert_eq!(matches(&sir, &own(&[C1_UUID])), Verdict::Match);
        assert_eq!(matches(&sir, &own(&[C2])), Verdict::Match);
        assert_eq!(matches(&sir, &own(&[C3])), Verdict::Mismatch);
    }

    #[test]
    fn r2_37_placements_that_name_different_devices_are_a_conflict_for_both() {
        let mut sir = naming(Placement::HEADER, &[C1_UUID]);
        sir.body.devices = vec![id(C2)];
        assert_eq!(
            matches(&sir, &own(&[C1_UUID])),
            Verdict::Conflict { named: true }
        );
        assert_eq!(
            matches(&sir, &own(&[C2])),
            Verdict::Conflict { named: true }
        );
        assert_eq!(
            matches(&sir, &own(&[C3])),
            Verdict::Conflict { named: false }
        );
    }

    #[test]
    fn one_device_named_differently_in_two_placements_is_no_conflict_for_itself() {
        let mut sir = naming(Placement::HEADER, &[C1_UUID]);
        sir.body.devices = vec![id(C1_MAC)];
        assert_eq!(matches(&sir, &own(&[C1_UUID, C1_MAC])), Verdict::Match);
    }

    #[test]
    fn a_value_that_can_name_one_of_two_does_not_hide_the_other() {
        let mut sir = naming(Placement::HEADER | Placement::BODY, &[C1_UUID, C2]);
        sir.value.devices = vec![id(C1_UUID)];
        assert_eq!(matches(&sir, &own(&[C2])), Verdict::Match);
        assert_eq!(matches(&sir, &own(&[C3])), Verdict::Mismatch);
    }

    #[test]
    fn nobody_named_is_for_everybody_to_judge() {
        assert_eq!(matches(&sir(), &own(&[C1_UUID])), Verdict::Unnamed);
    }

    #[test]
    fn the_gruu_of_a_registration_and_its_gr_value_count_until_the_next() {
        let mut c2 = own(&[C2]);
        let gruu = "sip:alice@example.com;gr=urn:uuid:0f2a6c54-9b1d-4c3e-8a77-5d1f6e0b9c21";
        c2.learn([gruu, "sip:tgruu.7hs@example.com;gr"]);
        let by_gr = naming(
            Placement::HEADER,
            &["urn:uuid:0f2a6c54-9b1d-4c3e-8a77-5d1f6e0b9c21"],
        );
        assert_eq!(matches(&by_gr, &c2), Verdict::Match);
        assert_eq!(
            matches(&naming(Placement::HEADER, &[gruu]), &c2),
            Verdict::Match
        );
        let temporary = naming(Placement::HEADER, &["sip:tgruu.7hs@example.com;gr"]);
        assert_eq!(matches(&temporary, &c2), Verdict::Match);
        c2.learn([]);
        assert_eq!(matches(&by_gr, &c2), Verdict::Mismatch);
        assert_eq!(matches(&temporary, &c2), Verdict::Mismatch);
    }

    #[test]
    fn topics_leave_out_the_application_that_takes_sirs() {
        let mut sir = sir().with_apps(
            Placement::HEADER,
            &[crate::codec::sir::App::new("x-oma-application:dcd.ua")],
        );
        assert_eq!(topics(&sir), ["x-oma-application:dcd.ua"]);
        sir.application = "x-wap-application:wml.ua".into();
        assert_eq!(
            topics(&sir),
            ["x-wap-application:wml.ua", "x-oma-application:dcd.ua"]
        );
    }
}
