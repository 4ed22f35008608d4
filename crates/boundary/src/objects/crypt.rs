//! The hot calls: sign and verify, also with recovery, encrypt, decrypt.

use std::sync::Arc;

use strongroom_wire::messages::{CryptResponse, MechanismParameters};
use strongroom_wire::tables::Function;
use strongroom_wire::{AttributeType, MechanismType, Rv};

use super::Objects;
use super::object::Object;
use super::quorum::{Service, check_may_be_approved};
use crate::attributes::{CKO_PRIVATE_KEY, CKO_PUBLIC_KEY};
use crate::mechanisms::{self, Direction, KeyHandle};
use crate::{Caller, Error, Result};

/// A use of a key: what the mechanism must do, the flag that the key must have, and its half of a pair.
#[derive(Clone, Copy, Debug)]
pub(super) struct Use {
    pub function: Function,
    pub flag: AttributeType,
    /// The class of a pair's half that can do it.
    pub half: u64,
}

pub(super) const SIGN: Use =
    Use { function: Function::Sign, flag: AttributeType::Sign, half: CKO_PRIVATE_KEY };
pub(super) const VERIFY: Use =
    Use { function: Function::Sign, flag: AttributeType::Verify, half: CKO_PUBLIC_KEY };
pub(super) const SIGN_RECOVER: Use =
    Use { function: Function::Recover, flag: AttributeType::SignRecover, half: CKO_PRIVATE_KEY };
pub(super) const VERIFY_RECOVER: Use =
    Use { function: Function::Recover, flag: AttributeType::VerifyRecover, half: CKO_PUBLIC_KEY };
pub(super) const ENCRYPT: Use =
    Use { function: Function::Encrypt, flag: AttributeType::Encrypt, half: CKO_PUBLIC_KEY };
pub(super) const DECRYPT: Use =
    Use { function: Function::Encrypt, flag: AttributeType::Decrypt, half: CKO_PRIVATE_KEY };
pub(super) const WRAP: Use =
    Use { function: Function::Wrap, flag: AttributeType::Wrap, half: CKO_PUBLIC_KEY };
pub(super) const UNWRAP: Use =
    Use { function: Function::Wrap, flag: AttributeType::Unwrap, half: CKO_PRIVATE_KEY };
pub(super) const DERIVE: Use =
    Use { function: Function::Derive, flag: AttributeType::Derive, half: CKO_PRIVATE_KEY };
pub(super) const ENCAPSULATE: Use =
    Use { function: Function::Encapsulate, flag: AttributeType::Encapsulate, half: CKO_PUBLIC_KEY };
pub(super) const DECAPSULATE: Use =
    Use { function: Function::Encapsulate, flag: AttributeType::Decapsulate, half: CKO_PRIVATE_KEY };

impl Objects {
    /// Signs data, or makes a MAC over it.
    ///
    /// # Errors
    /// `CKR_KEY_HANDLE_INVALID`, `CKR_MECHANISM_INVALID`, `CKR_KEY_TYPE_INCONSISTENT`,
    /// `CKR_KEY_FUNCTION_NOT_PERMITTED`, `CKR_MECHANISM_PARAM_INVALID`, `CKR_DATA_LEN_RANGE`.
    pub fn sign(
        &self,
        caller: &Caller,
        key: u64,
        mechanism: MechanismType,
        parameters: Option<&MechanismParameters>,
        data: &[u8],
    ) -> Result<Vec<u8>> {
        let handle = self.usable(caller, key, mechanism, SIGN)?;
        mechanisms::sign(&handle, mechanism, parameters, data)
    }

    /// Verifies a signature or a MAC.
    ///
    /// # Errors
    /// As [`Self::sign`], and `CKR_SIGNATURE_INVALID`, `CKR_SIGNATURE_LEN_RANGE`.
    pub fn verify(
        &self,
        caller: &Caller,
        key: u64,
        mechanism: MechanismType,
        parameters: Option<&MechanismParameters>,
        data: &[u8],
        signature: &[u8],
    ) -> Result<()> {
        let handle = self.usable(caller, key, mechanism, VERIFY)?;
        mechanisms::verify(&handle, mechanism, parameters, data, signature)
    }

    /// Signs data so that the signature holds it.
    ///
    /// # Errors
    /// As [`Self::sign`].
    pub fn sign_recover(
        &self,
        caller: &Caller,
        key: u64,
        mechanism: MechanismType,
        data: &[u8],
    ) -> Result<Vec<u8>> {
        let handle = self.usable(caller, key, mechanism, SIGN_RECOVER)?;
        mechanisms::sign(&handle, mechanism, None, data)
    }

    /// The data that a signature holds, if this key's other half made it.
    ///
    /// # Errors
    /// As [`Self::verify`].
    pub fn verify_recover(
        &self,
        caller: &Caller,
        key: u64,
        mechanism: MechanismType,
        signature: &[u8],
    ) -> Result<Vec<u8>> {
        let handle = self.usable(caller, key, mechanism, VERIFY_RECOVER)?;
        mechanisms::recover(&handle, mechanism, signature)
    }

    /// Encrypts data.
    ///
    /// # Errors
    /// As [`Self::sign`].
    pub fn encrypt(
        &self,
        caller: &Caller,
        key: u64,
        mechanism: MechanismType,
        parameters: Option<&MechanismParameters>,
        data: &[u8],
    ) -> Result<CryptResponse> {
        let object = self.permitted(caller, key, mechanism, ENCRYPT)?;
        self.check_iv(&object, mechanism, parameters)?;
        mechanisms::crypt(&*self.cache.handle(&object)?, Direction::Encrypt, mechanism, parameters, data)
    }

    /// Decrypts data.
    ///
    /// # Errors
    /// As [`Self::sign`], and `CKR_ENCRYPTED_DATA_INVALID`, `CKR_ENCRYPTED_DATA_LEN_RANGE`.
    pub fn decrypt(
        &self,
        caller: &Caller,
        key: u64,
        mechanism: MechanismType,
        parameters: Option<&MechanismParameters>,
        data: &[u8],
    ) -> Result<CryptResponse> {
        let handle = self.usable(caller, key, mechanism, DECRYPT)?;
        mechanisms::crypt(&handle, Direction::Decrypt, mechanism, parameters, data)
    }

    pub(super) fn usable(
        &self,
        caller: &Caller,
        key: u64,
        mechanism: MechanismType,
        wanted: Use,
    ) -> Result<Arc<KeyHandle>> {
        self.cache.handle(&self.permitted(caller, key, mechanism, wanted)?)
    }

    /// The key, if the caller may use it so.
    pub(super) fn permitted(
        &self,
        caller: &Caller,
        key: u64,
        mechanism: MechanismType,
        wanted: Use,
    ) -> Result<Arc<Object>> {
        self.ready()?;
        let object = self.visible(caller, key, Rv::KEY_HANDLE_INVALID)?;
        self.check_use(&object, mechanism, wanted)?;
        self.check_approved(caller, &object, Service::Usage)?;
        Ok(object)
    }

    /// Refuses a caller's IV for a GCM encryption where the HSM must make it: in mode FIPS (SP 800-38D section 8.2.2), and
    /// with a key that is bound to mechanisms. Other keys encrypt with ECB too, which tells as much of them as an IV that
    /// comes twice (ADR 0130).
    pub(super) fn check_iv(
        &self,
        key: &Object,
        mechanism: MechanismType,
        parameters: Option<&MechanismParameters>,
    ) -> Result<()> {
        let has_iv = parameters.is_some_and(|given| given.iv.is_some());
        if mechanism != MechanismType::AesGcm || !has_iv {
            return Ok(());
        }
        let text = if self.options.fips {
            "in a cluster of mode FIPS the HSM makes the IV of AES-GCM: leave it out"
        } else if key.allowed_mechanisms.is_some() {
            "with a key that has CKA_ALLOWED_MECHANISMS the HSM makes the IV of AES-GCM: leave it out"
        } else {
            return Ok(());
        };
        Err(Error::refused(Rv::MECHANISM_PARAM_INVALID, text))
    }

    /// Checks that a mechanism may do this with a key.
    pub(super) fn check_use(&self, object: &Object, mechanism: MechanismType, wanted: Use) -> Result<()> {
        if !object.class.is_key() {
            return Err(super::visibility::absent(object.reference, Rv::KEY_HANDLE_INVALID));
        }
        mechanisms::check_allowed(mechanism, wanted.function, object.kind(), self.options.fips)?;
        let protects =
            matches!(wanted.flag, AttributeType::Encrypt | AttributeType::Sign | AttributeType::SignRecover);
        if self.options.fips && mechanism.is_fips_legacy() && protects {
            let text = format!("{} may only decrypt or verify in a cluster of mode FIPS", mechanism.name());
            return Err(Error::refused(Rv::MECHANISM_INVALID, text));
        }
        let other_half = matches!(object.class.object_class, CKO_PRIVATE_KEY | CKO_PUBLIC_KEY)
            && object.class.object_class != wanted.half;
        if other_half {
            let text =
                "this half of the key pair cannot do it: public keys verify, encrypt, wrap and encapsulate";
            return Err(Error::refused(Rv::KEY_TYPE_INCONSISTENT, text));
        }
        // What is asked for is what is done, so the name cannot lie: a digest that a client made is signed by the mechanism
        // that signs digests, and needs that one (ADR 0123).
        if object.allowed_mechanisms.as_deref().is_some_and(|allowed| !mechanism.is_among(allowed)) {
            let text = format!("{} is not among the key's CKA_ALLOWED_MECHANISMS", mechanism.name());
            return Err(Error::refused(Rv::MECHANISM_INVALID, text));
        }
        if !object.flags.has(wanted.flag) {
            let text = format!("the key's {} is false", wanted.flag.name());
            return Err(Error::refused(Rv::KEY_FUNCTION_NOT_PERMITTED, text));
        }
        check_may_be_approved(object, wanted.flag)
    }
}
