//! Digests over data that has values of keys in it (C_DigestKey).
//!
//! A digest of a secret between bytes of the caller's choice is a key that somebody may have derived. So it is made only of
//! keys that their owner may take out anyway, and only for him.

use std::sync::Arc;

use strongroom_wire::messages::DigestPart;
use strongroom_wire::tables::Function;
use strongroom_wire::{AttributeType, MechanismType, Rv};

use super::object::Object;
use super::quorum::Service;
use super::{Objects, visibility};
use crate::attributes::CKO_SECRET_KEY;
use crate::{Caller, Error, Result, mechanisms};

/// Keys in the data of one digest.
const MOST_PARTS: usize = 64;

impl Objects {
    /// The digest of parts in their order.
    ///
    /// # Errors
    /// `CKR_MECHANISM_INVALID`, `CKR_KEY_HANDLE_INVALID`, `CKR_KEY_INDIGESTIBLE`, `CKR_ARGUMENTS_BAD` for too many parts.
    pub fn digest(&self, caller: &Caller, mechanism: MechanismType, parts: &[DigestPart]) -> Result<Vec<u8>> {
        self.ready()?;
        mechanisms::check_allowed(mechanism, Function::Digest, None, self.options.fips)?;
        if parts.len() > MOST_PARTS {
            return Err(Error::refused(
                Rv::ARGUMENTS_BAD,
                format!("at most {MOST_PARTS} keys are in one digest"),
            ));
        }
        let keys = parts
            .iter()
            .map(|part| part.key.map(|key| self.digestible(caller, key)).transpose())
            .collect::<Result<Vec<_>>>()?;
        let values = keys.iter().map(|key| key.as_ref().map_or(&[][..], |key| value(key)));
        let input = parts.iter().zip(values).flat_map(|(part, value)| [&part.data[..], value]);
        mechanisms::digest_of(mechanism, input)
    }

    /// The key, if it may be digested.
    fn digestible(&self, caller: &Caller, reference: u64) -> Result<Arc<Object>> {
        use AttributeType as A;
        let key = self.owned(caller, reference, Rv::KEY_HANDLE_INVALID)?;
        if !key.class.is_key() {
            return Err(visibility::absent(reference, Rv::KEY_HANDLE_INVALID));
        }
        self.check_approved(caller, &key, Service::Usage)?;
        self.check_approved(caller, &key, Service::Management)?;
        let may_be_taken_out = key.flags.has(A::Extractable)
            && ![A::Sensitive, A::WrapWithTrusted].into_iter().any(|flag| key.flags.has(flag))
            && key.allowed_mechanisms.is_none();
        if key.class.object_class == CKO_SECRET_KEY && may_be_taken_out {
            return Ok(key);
        }
        Err(Error::refused(
            Rv::KEY_INDIGESTIBLE,
            "a secret key is digested if it is extractable, not sensitive and not bound to mechanisms or wrapping keys",
        ))
    }
}

fn value(key: &Object) -> &[u8] {
    key.material.as_deref().map_or(&[], |material| material)
}
