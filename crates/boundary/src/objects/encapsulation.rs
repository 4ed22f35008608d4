//! Key encapsulation: a secret key out of a public key, and the same one out of its private key and a ciphertext.

use strongroom_wire::messages::MechanismParameters;
use strongroom_wire::{AttributeType, MechanismType, Rv, Template};
use zeroize::Zeroizing;

use super::crypt::{DECAPSULATE, ENCAPSULATE};
use super::generate::Origin;
use super::object::Object;
use super::wrapping::with_demanded;
use super::{Objects, Staged, made};
use crate::attributes::{CKO_SECRET_KEY, ClassRules, Way, check_template, class_of};
use crate::{Caller, Error, Result, mechanisms};

impl Objects {
    /// Makes a secret key that only the holder of the private key can make too, with the ciphertext that it needs for it.
    ///
    /// # Errors
    /// `CKR_KEY_HANDLE_INVALID`, `CKR_MECHANISM_INVALID`, `CKR_MECHANISM_PARAM_INVALID`, `CKR_KEY_TYPE_INCONSISTENT`,
    /// `CKR_KEY_FUNCTION_NOT_PERMITTED`, the codes of templates.
    pub fn encapsulate_key(
        &self,
        caller: &Caller,
        public_key: u64,
        mechanism: MechanismType,
        parameters: Option<&MechanismParameters>,
        template: Template,
    ) -> Result<(Staged, Vec<u8>)> {
        self.ready()?;
        Self::check_maker(caller)?;
        let key = self.visible(caller, public_key, Rv::KEY_HANDLE_INVALID)?;
        self.check_use(&key, mechanism, ENCAPSULATE)?;
        let (class, template) = checked(&key, AttributeType::EncapsulateTemplate, parameters, template)?;
        let (secret, ciphertext) = mechanisms::encapsulate(&*self.cache.handle(&key)?)?;
        Ok((self.stage_secret(caller, class, template, secret)?, ciphertext))
    }

    /// Makes the secret key of a ciphertext. One that was altered makes another key and is no error (FIPS 203 section 6.3).
    ///
    /// # Errors
    /// As [`Self::encapsulate_key`], `CKR_ACTION_PROHIBITED` for a key that is not the caller's own, and
    /// `CKR_WRAPPED_KEY_LEN_RANGE`.
    pub fn decapsulate_key(
        &self,
        caller: &Caller,
        private_key: u64,
        mechanism: MechanismType,
        parameters: Option<&MechanismParameters>,
        ciphertext: &[u8],
        template: Template,
    ) -> Result<Staged> {
        self.ready()?;
        Self::check_maker(caller)?;
        // As with a derivation, the owner alone.
        let key = self.owned(caller, private_key, Rv::KEY_HANDLE_INVALID)?;
        self.check_use(&key, mechanism, DECAPSULATE)?;
        let (class, template) = checked(&key, AttributeType::DecapsulateTemplate, parameters, template)?;
        let secret = mechanisms::decapsulate(&*self.cache.handle(&key)?, ciphertext)?;
        self.stage_secret(caller, class, template, secret)
    }

    /// Somebody else has, or may have, the same key: nothing can be said of its past.
    fn stage_secret(
        &self,
        caller: &Caller,
        class: &'static ClassRules,
        template: Template,
        secret: Zeroizing<Vec<u8>>,
    ) -> Result<Staged> {
        let made = made::secret(class.secret_kind(), secret, Rv::ATTRIBUTE_VALUE_INVALID)?;
        self.stage_made(caller, class, Origin::Unwrapped, template, made)
    }
}

/// The template with what the key demands, and its class.
fn checked(
    key: &Object,
    required: AttributeType,
    parameters: Option<&MechanismParameters>,
    template: Template,
) -> Result<(&'static ClassRules, Template)> {
    if parameters.is_some() {
        return Err(Error::refused(Rv::MECHANISM_PARAM_INVALID, "the mechanism takes no parameter"));
    }
    let template = with_demanded(template, &key.nested(required)?.unwrap_or_default(), required)?;
    let class = class_of(&template)?;
    if class.object_class != CKO_SECRET_KEY {
        let text = "only secret keys come out of an encapsulation";
        return Err(Error::refused(Rv::TEMPLATE_INCONSISTENT, text));
    }
    check_template(class, Way::Derive, &template)?;
    Ok((class, template))
}
