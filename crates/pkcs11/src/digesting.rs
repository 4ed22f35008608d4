//! A digest under way: computed here as data comes, until C_DigestKey puts the value of a key into the data. Then the HSM
//! computes it, over what was remembered of the data so far.

use cryptoki_sys::{CK_OBJECT_CLASS, CK_OBJECT_HANDLE, CKO_SECRET_KEY};
use strongroom_client::Profile;
use strongroom_wire::codec::{self, List};
use strongroom_wire::messages::{DigestPart, DigestRequest, DigestResponse};
use strongroom_wire::{AttributeType, MechanismType, Operation, Rv, Template};

use crate::digest::Digest;
use crate::edge::{Failure, Result, failure};
use crate::library::Slot;

/// An operation.
#[derive(Debug)]
pub struct Digesting {
    kind: MechanismType,
    digest: Digest,
    is_multi_part: bool,
    /// The data so far with the keys in them; none when there was more than a request takes, or when no key can come.
    remembered: Option<Vec<DigestPart>>,
}

impl Drop for Digesting {
    fn drop(&mut self) {
        for part in self.remembered.iter_mut().flatten() {
            codec::wipe(&mut part.data);
        }
    }
}

impl Digesting {
    /// Of the empty message.
    pub fn new(slot: &Slot, kind: MechanismType) -> Result<Self> {
        let remembered = (slot.profile == Profile::Standard).then(Vec::new);
        Ok(Self { kind, digest: Digest::new(kind)?, is_multi_part: false, remembered })
    }

    /// The mechanism.
    pub const fn kind(&self) -> MechanismType {
        self.kind
    }

    /// The data so far, if it is remembered and has no keys in it.
    pub fn data(&self) -> Option<&[u8]> {
        match self.remembered.as_deref()? {
            [] => Some(&[]),
            [part] if part.key.is_none() => Some(&part.data),
            _ => None,
        }
    }

    /// Its length.
    pub const fn length(&self) -> usize {
        self.digest.length()
    }

    /// Whether C_DigestUpdate or C_DigestKey was called.
    pub const fn is_multi_part(&self) -> bool {
        self.is_multi_part
    }

    /// The digest of all of the data.
    pub fn whole(mut self, data: &[u8]) -> Result<Vec<u8>> {
        self.digest.update(data)?;
        self.take_digest()?.finish()
    }

    /// Adds data.
    pub fn update(&mut self, slot: &Slot, data: &[u8]) -> Result {
        self.is_multi_part = true;
        if !self.has_keys() {
            self.digest.update(data)?;
        }
        self.remember(slot, data)
    }

    /// Adds the value of a key.
    pub fn add_key(&mut self, slot: &Slot, key: CK_OBJECT_HANDLE) -> Result {
        let key = slot.key(key)?;
        check_digestible(&key.view.attributes)?;
        let Some(parts) = &mut self.remembered else {
            return failure(Rv::KEY_INDIGESTIBLE, "there was more data before the key than a request takes");
        };
        self.is_multi_part = true;
        match parts.last_mut() {
            Some(part) if part.key.is_none() => part.key = Some(key.reference),
            _ => parts.push(DigestPart { data: Vec::new(), key: Some(key.reference) }),
        }
        Ok(())
    }

    /// The digest.
    pub fn finish(mut self, slot: &Slot) -> Result<Vec<u8>> {
        if !self.has_keys() {
            return self.take_digest()?.finish();
        }
        let parts = self.remembered.take().unwrap_or_default();
        let mut request = DigestRequest { mechanism: self.kind.code(), parts: List(parts) };
        let response: Result<DigestResponse> =
            slot.client.call(Operation::Digest, &request).map_err(Failure::from);
        self.remembered = Some(std::mem::take(&mut request.parts.0)); // to be wiped
        let digest = response?.digest;
        if digest.len() != self.length() {
            return failure(Rv::DEVICE_ERROR, "the HSM gave a digest of a wrong length");
        }
        Ok(digest)
    }

    fn take_digest(&mut self) -> Result<Digest> {
        Ok(std::mem::replace(&mut self.digest, Digest::new(self.kind)?))
    }

    fn has_keys(&self) -> bool {
        self.remembered.iter().flatten().any(|part| part.key.is_some())
    }

    fn remember(&mut self, slot: &Slot, data: &[u8]) -> Result {
        let has_keys = self.has_keys();
        let Some(parts) = &mut self.remembered else { return Ok(()) };
        let length: usize = parts.iter().map(|part| part.data.len()).sum();
        if length.saturating_add(data.len()) > slot.largest_data() {
            if has_keys {
                return failure(
                    Rv::DATA_LEN_RANGE,
                    "with keys in it a digest is over what one request takes",
                );
            }
            for part in self.remembered.take().iter_mut().flatten() {
                codec::wipe(&mut part.data);
            }
            return Ok(());
        }
        match parts.last_mut() {
            Some(part) if part.key.is_none() => part.data.extend_from_slice(data),
            _ => parts.push(DigestPart { data: data.to_vec(), key: None }),
        }
        Ok(())
    }
}

/// The HSM checks this again; here it is refused by the call that names the key.
fn check_digestible(key: &Template) -> Result {
    use AttributeType as A;
    let class: Option<CK_OBJECT_CLASS> = key.ulong(A::Class);
    let is = |attribute, value| key.bool(attribute) == Some(value);
    if class == Some(CKO_SECRET_KEY) && is(A::Extractable, true) && is(A::Sensitive, false) {
        return Ok(());
    }
    failure(Rv::KEY_INDIGESTIBLE, "a secret key is digested if it is extractable and not sensitive")
}
