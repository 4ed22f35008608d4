//! Wrapping a key under a key, and the way back.

use strongroom_wire::messages::{CryptResponse, MechanismParameters};
use strongroom_wire::{AttributeType, AttributeValue, MechanismType, Rv, Template};
use zeroize::Zeroizing;

use super::crypt::{UNWRAP, WRAP};
use super::generate::Origin;
use super::made::{self, Made};
use super::object::Object;
use super::quorum::Service;
use super::{Objects, Staged, ml_kem, visibility};
use crate::attributes::encoded::Query;
use crate::attributes::{CKO_PRIVATE_KEY, CKO_SECRET_KEY, ClassRules, Way, check_template, class_of};
use crate::ffi::PrivateKey;
use crate::{Caller, Error, Result, mechanisms};

impl Objects {
    /// Wraps a secret or private key (the latter as a PKCS #8 `PrivateKeyInfo`).
    ///
    /// # Errors
    /// `CKR_WRAPPING_KEY_HANDLE_INVALID`, `CKR_WRAPPING_KEY_TYPE_INCONSISTENT`, `CKR_KEY_HANDLE_INVALID`,
    /// `CKR_KEY_FUNCTION_NOT_PERMITTED`, `CKR_KEY_UNEXTRACTABLE`, `CKR_KEY_NOT_WRAPPABLE`, `CKR_KEY_SIZE_RANGE`.
    pub fn wrap_key(
        &self,
        caller: &Caller,
        wrapping: u64,
        mechanism: MechanismType,
        parameters: Option<&MechanismParameters>,
        key: u64,
    ) -> Result<CryptResponse> {
        self.ready()?;
        let wrapping_key = self.visible(caller, wrapping, Rv::WRAPPING_KEY_HANDLE_INVALID)?;
        let target = self.owned(caller, key, Rv::KEY_HANDLE_INVALID)?;
        self.check_use(&wrapping_key, mechanism, WRAP).map_err(|error| {
            renamed(error, Rv::WRAPPING_KEY_TYPE_INCONSISTENT, Rv::WRAPPING_KEY_HANDLE_INVALID)
        })?;
        if !target.class.is_key() {
            return Err(visibility::absent(key, Rv::KEY_HANDLE_INVALID));
        }
        self.check_approved(caller, &wrapping_key, Service::Management)?;
        self.check_approved(caller, &target, Service::Management)?;
        if !matches!(target.class.object_class, CKO_SECRET_KEY | CKO_PRIVATE_KEY) {
            return Err(Error::refused(Rv::KEY_NOT_WRAPPABLE, "only secret and private keys are wrapped"));
        }
        if !target.flags.has(AttributeType::Extractable) {
            return Err(Error::refused(Rv::KEY_UNEXTRACTABLE, "the key's CKA_EXTRACTABLE is false"));
        }
        if needs_trusted(&target) {
            check_trusted(&wrapping_key)?;
        }
        if let Some(wanted) = wrapping_key.nested(AttributeType::WrapTemplate)?
            && !Query::new(&wanted).matches(&target.attributes)
        {
            let text = "the key does not match the wrapping key's CKA_WRAP_TEMPLATE";
            return Err(Error::refused(Rv::KEY_NOT_WRAPPABLE, text));
        }
        let material = made::wrappable(&target)?;
        mechanisms::wrap(&*self.cache.handle(&wrapping_key)?, mechanism, parameters, &material)
    }

    /// Unwraps a key and makes an object of it.
    ///
    /// # Errors
    /// `CKR_UNWRAPPING_KEY_HANDLE_INVALID`, `CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT`, `CKR_KEY_FUNCTION_NOT_PERMITTED`,
    /// `CKR_WRAPPED_KEY_INVALID`, `CKR_WRAPPED_KEY_LEN_RANGE`, the codes of templates.
    pub fn unwrap_key(
        &self,
        caller: &Caller,
        unwrapping: u64,
        mechanism: MechanismType,
        parameters: Option<&MechanismParameters>,
        wrapped: &[u8],
        template: Template,
    ) -> Result<Staged> {
        self.ready()?;
        Self::check_maker(caller)?;
        let unwrapping_key = self.visible(caller, unwrapping, Rv::UNWRAPPING_KEY_HANDLE_INVALID)?;
        self.check_use(&unwrapping_key, mechanism, UNWRAP).map_err(|error| {
            renamed(error, Rv::UNWRAPPING_KEY_TYPE_INCONSISTENT, Rv::UNWRAPPING_KEY_HANDLE_INVALID)
        })?;
        self.check_approved(caller, &unwrapping_key, Service::Management)?;
        let demanded = unwrapping_key.nested(AttributeType::UnwrapTemplate)?.unwrap_or_default();
        let mut template = with_demanded(template, &demanded, AttributeType::UnwrapTemplate)?;
        if is_ever_trusted(&unwrapping_key) {
            keep_wrapped_with_trusted(&mut template)?;
        }
        let class = class_of(&template)?;
        if !matches!(class.object_class, CKO_SECRET_KEY | CKO_PRIVATE_KEY) {
            return Err(Error::refused(
                Rv::TEMPLATE_INCONSISTENT,
                "only secret and private keys are unwrapped",
            ));
        }
        check_template(class, Way::Unwrap, &template)?;
        let handle = self.cache.handle(&unwrapping_key)?;
        let material = mechanisms::unwrap(&handle, mechanism, parameters, wrapped)?;
        let made = unwrapped(class, material)?;
        self.stage_made(caller, class, Origin::Unwrapped, template, made)
    }
}

/// One code for whatever is wrong with what came out of the wrapping.
fn unwrapped(class: &ClassRules, material: Zeroizing<Vec<u8>>) -> Result<Made> {
    let invalid = || {
        let text =
            format!("what was wrapped is not a key of class {}, or was wrapped by another key", class.name);
        Error::refused(Rv::WRAPPED_KEY_INVALID, text)
    };
    if class.object_class == CKO_SECRET_KEY {
        return made::secret(class.secret_kind(), material, Rv::WRAPPED_KEY_INVALID).map_err(|_| invalid());
    }
    let key = PrivateKey::from_pkcs8(&material)
        .or_else(|_| ml_kem::from_both(&material).map(PrivateKey::MlKem))
        .map_err(|_| invalid())?;
    let (kind, made) = made::private(key)?;
    let bits = made.computed.ulong(AttributeType::ModulusBits);
    if class.kind() != Some(kind) || bits.is_some_and(|bits| super::generate::check_rsa_bits(bits).is_err()) {
        return Err(invalid());
    }
    Ok(made)
}

/// The union of a template and what a key demands of what is made with it; a difference is refused (aws-cloudhsm 5.5).
pub(super) fn with_demanded(
    mut template: Template,
    demanded: &Template,
    source: AttributeType,
) -> Result<Template> {
    for (attribute, value) in demanded.iter() {
        if template.get(attribute).is_some_and(|given| given != value) {
            let text = format!("{} differs from the key's {}", attribute.name(), source.name());
            return Err(Error::refused(Rv::TEMPLATE_INCONSISTENT, text));
        }
        template.set(attribute, value.clone());
    }
    Ok(template)
}

/// Whether an admin trusts the key, or has trusted it.
fn is_ever_trusted(key: &Object) -> bool {
    key.flags.has(AttributeType::Trusted) || key.flags.has(AttributeType::WrappingOnly)
}

/// Whether only trusted keys wrap it: because its owner said so, or because it is a trusted key itself and holds what
/// others entrusted to it.
fn needs_trusted(target: &Object) -> bool {
    target.flags.has(AttributeType::WrapWithTrusted)
        || (target.class.object_class == CKO_SECRET_KEY && is_ever_trusted(target))
}

/// A key that decrypts, or has a copy that does, reveals what it wraps, whoever trusts it (ADR 0117).
fn check_trusted(wrapping_key: &Object) -> Result<()> {
    let text = match [AttributeType::Trusted, AttributeType::WrappingOnly]
        .map(|attribute| wrapping_key.flags.has(attribute))
    {
        [true, true] => return Ok(()),
        [false, _] => {
            "the key's CKA_WRAP_WITH_TRUSTED is true and the wrapping key is not trusted by an admin"
        }
        [true, false] => {
            "the key's CKA_WRAP_WITH_TRUSTED is true and the wrapping key encrypts or decrypts too, or did when an \
             admin trusted it, or was copied: its owner sets both to false, and an admin sets CKA_TRUSTED again"
        }
    };
    Err(Error::refused(Rv::KEY_NOT_WRAPPABLE, text))
}

/// What a trusted key unwraps may again be wrapped with trusted keys only: it may be a key that was.
fn keep_wrapped_with_trusted(template: &mut Template) -> Result<()> {
    if template.bool(AttributeType::WrapWithTrusted) == Some(false) {
        let text = "CKA_WRAP_WITH_TRUSTED must be true for what a trusted key unwraps";
        return Err(Error::refused(Rv::TEMPLATE_INCONSISTENT, text));
    }
    template.set(AttributeType::WrapWithTrusted, AttributeValue::Bool(true));
    Ok(())
}

/// The codes that PKCS #11 has for wrapping keys in place of those for keys.
fn renamed(error: Error, type_code: Rv, handle_code: Rv) -> Error {
    let rv = match error.rv {
        Rv::KEY_TYPE_INCONSISTENT => type_code,
        Rv::KEY_HANDLE_INVALID => handle_code,
        other => other,
    };
    Error { rv, ..error }
}
