//! GRUUs: the address of one device of an identity, public or temporary.
//!
//! **Source:** RFC 5627 section 5; appendix A.2 for temporary ones that need no growing table; RFC 7255 and 8465 for the
//! `gr` value that must not show an IMEI or MEID.

use aes::Aes128;
use aes::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use uuid::Uuid;

use crate::codec::device_id::{DeviceId, gr_of};
use crate::protocol::sip::mac;

/// The `gr` value of a device's instance, inside the domain's namespace: equal for two spellings of one instance.
pub(super) fn gr(instance: &str, namespace: Uuid) -> String {
    if is_canonical_uuid(instance) {
        return instance.to_owned();
    }
    // Clients in the field send instances that break the rules of their scheme; they still name one device each.
    DeviceId::decode(instance).map_or_else(
        |_| {
            let name = instance.to_ascii_lowercase();
            format!("urn:uuid:{}", Uuid::new_v5(&namespace, name.as_bytes()))
        },
        |id| gr_of(&id, namespace),
    )
}

/// True for the URN of a UUID in lower case: its own `gr` value.
fn is_canonical_uuid(instance: &str) -> bool {
    let Some(uuid) = instance.strip_prefix("urn:uuid:") else {
        return false;
    };
    let fits = |(at, octet): (usize, u8)| match at {
        8 | 13 | 18 | 23 => octet == b'-',
        _ => matches!(octet, b'0'..=b'9' | b'a'..=b'f'),
    };
    uuid.len() == 36 && uuid.bytes().enumerate().all(fits)
}

/// The canonical form of a `gr` value that a request names.
pub(super) fn canonical_gr(value: &str) -> String {
    DeviceId::decode(value).map_or_else(|_| value.to_owned(), |id| id.canonical().to_string())
}

/// The keys under which temporary GRUUs are made.
pub(super) struct TemporaryGruus {
    cipher: Aes128,
    /// Keyed once; every seal begins as a copy of it.
    seal: Hmac<Sha256>,
}

/// Bits of a counter value inside a temporary GRUU.
pub(super) const EPOCH_BITS: u32 = 48;

impl TemporaryGruus {
    /// The keys of one domain.
    pub(super) fn new(secret: &[u8; 32]) -> Self {
        Self::of_keys(
            mac::derived(secret, "temp-gruu encryption"),
            mac::derived(secret, "temp-gruu authentication"),
        )
    }

    fn of_keys(encryption: [u8; 16], authentication: [u8; 32]) -> Self {
        Self {
            cipher: Aes128::new(&encryption.into()),
            seal: mac::sha256(&authentication, &[]),
        }
    }

    /// The user part that stands for the epoch; `distinguisher` makes each one different.
    pub(super) fn user(&self, epoch: u64, distinguisher: [u8; 10]) -> String {
        let [_, _, counter @ ..] = epoch.to_be_bytes();
        let mut block = [0_u8; 16];
        let plain = distinguisher.iter().chain(&counter);
        block
            .iter_mut()
            .zip(plain)
            .for_each(|(out, octet)| *out = *octet);
        let mut block = block.into();
        self.cipher.encrypt_block(&mut block);
        let tag: [u8; TAG] = mac::leading(
            &self
                .seal
                .clone()
                .chain_update(block)
                .finalize()
                .into_bytes(),
        );
        let mut user = String::with_capacity(PREFIX.len() + SEALED_CHARACTERS + TAG_CHARACTERS);
        user.push_str(PREFIX);
        STANDARD_NO_PAD.encode_string(block, &mut user);
        STANDARD_NO_PAD.encode_string(tag, &mut user);
        user
    }

    /// The epoch that a user part stands for; `None` when it was not made here.
    pub(super) fn epoch(&self, user: &str) -> Option<u64> {
        let text = user.strip_prefix(PREFIX)?;
        let (sealed, tag) = text.split_at_checked(SEALED_CHARACTERS)?;
        let sealed: [u8; 16] = STANDARD_NO_PAD.decode(sealed).ok()?.try_into().ok()?;
        let tag: [u8; TAG] = STANDARD_NO_PAD.decode(tag).ok()?.try_into().ok()?;
        self.seal
            .clone()
            .chain_update(sealed)
            .verify_truncated_left(&tag)
            .ok()?;
        let mut block = sealed.into();
        self.cipher.decrypt_block(&mut block);
        let plain: [u8; 16] = block.into();
        let counter: &[u8; 6] = plain.last_chunk()?;
        Some(
            counter
                .iter()
                .fold(0, |sum, octet| sum << 8 | u64::from(*octet)),
        )
    }
}

const PREFIX: &str = "tgruu.";
/// Octets of the truncated hash.
const TAG: usize = 10;
/// Characters of 16 octets in base 64 without padding.
const SEALED_CHARACTERS: usize = 22;
/// Characters of the hash.
const TAG_CHARACTERS: usize = 14;

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> TemporaryGruus {
        TemporaryGruus::of_keys(
            core::array::from_fn(|i| u8::try_from(i).unwrap()),
            core::array::from_fn(|i| 0x20 + u8::try_from(i).unwrap()),
        )
    }

    fn distinguisher() -> [u8; 10] {
        core::array::from_fn(|i| 0xa0 + u8::try_from(i).unwrap())
    }

    const VECTOR: &str = "tgruu.LCXC3wKrmNv5vtlWm11Iwwy/qq12I9J7jB9A";

    #[test]
    fn the_vector_of_the_profile_comes_out_and_opens() {
        assert_eq!(keys().user(1, distinguisher()), VECTOR);
        assert_eq!(keys().epoch(VECTOR), Some(1));
    }

    #[test]
    fn all_48_bits_of_an_epoch_come_back() {
        let epoch = (1 << EPOCH_BITS) - 2;
        assert_eq!(
            keys().epoch(&keys().user(epoch, distinguisher())),
            Some(epoch)
        );
    }

    #[test]
    fn a_user_part_that_was_changed_stands_for_nothing() {
        for at in 0..VECTOR.len() {
            let mut octets = VECTOR.as_bytes().to_vec();
            octets[at] = if octets[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(octets).unwrap();
            assert_eq!(keys().epoch(&changed), None, "{changed}");
        }
        for text in ["", "tgruu.", "alice", "tgruu.é", &VECTOR[..41]] {
            assert_eq!(keys().epoch(text), None);
        }
    }

    #[test]
    fn an_imei_never_shows_in_its_gr_value() {
        let namespace = Uuid::from_u128(0x0011_2233_4455_4677_8899_aabb_ccdd_eeff);
        assert_eq!(
            gr("urn:gsma:imei:90420156-025763-0", namespace),
            "urn:uuid:c6801aeb-c1f5-5711-a344-92a8869d3f02"
        );
        assert!(!gr("urn:3gpp2:meid:A04B0D56-02A7E3", namespace).contains("A04B"));
    }

    #[test]
    fn the_gr_value_of_a_uuid_is_its_urn_in_lower_case() {
        assert_eq!(
            gr("urn:uuid:F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6", Uuid::nil()),
            "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6"
        );
    }

    #[test]
    fn the_gr_value_is_the_same_without_and_with_a_look_at_the_scheme() {
        for urn in [
            "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
            "urn:uuid:00000000-0000-0000-0000-000000000000",
            "urn:uuid:ffffffff-ffff-ffff-ffff-ffffffffffff",
        ] {
            assert!(is_canonical_uuid(urn));
            let id = DeviceId::decode(urn).unwrap();
            assert_eq!(gr(urn, Uuid::nil()), gr_of(&id, Uuid::nil()));
        }
        for other in [
            "urn:uuid:F81d4fae-7dec-11d0-a765-00a0c91e6bf6",
            "URN:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
            "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf",
            "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6?=x",
            "urn:uuid:f81d4fae07dec-11d0-a765-00a0c91e6bf6",
        ] {
            assert!(!is_canonical_uuid(other), "{other}");
        }
    }

    #[test]
    fn an_instance_that_breaks_the_rules_still_has_a_gr_value() {
        assert_eq!(
            gr("urn:uuid:no", Uuid::nil()),
            gr("URN:UUID:NO", Uuid::nil())
        );
    }
}
