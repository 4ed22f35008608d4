//! Deriving a key from a key.

use strongroom_wire::messages::MechanismParameters;
use strongroom_wire::tables::ParameterKind;
use strongroom_wire::{AttributeType, KeyKind, MechanismType, Rv, Template};

use super::crypt::DERIVE;
use super::generate::Origin;
use super::object::Object;
use super::wrapping::with_demanded;
use super::{Objects, Staged, curves, made};
use crate::attributes::{CKO_SECRET_KEY, Way, check_template, class_of, flag};
use crate::ffi::CURVE25519_LENGTH;
use crate::mechanisms::DES3_KEY_LENGTH;
use crate::{Caller, Error, Result, mechanisms};

/// The shortest derived key, bytes (112 bits, SP 800-131A). Most functions give the beginning, or the end, of one stream
/// whatever the length: whoever could derive one byte, then two, would read a longer key by guessing.
const SHORTEST: u64 = 14;

impl Objects {
    /// Derives a secret key from a key of the caller's own.
    ///
    /// # Errors
    /// `CKR_KEY_HANDLE_INVALID`, `CKR_MECHANISM_INVALID`, `CKR_MECHANISM_PARAM_INVALID`, `CKR_KEY_TYPE_INCONSISTENT`,
    /// `CKR_KEY_FUNCTION_NOT_PERMITTED`, `CKR_KEY_SIZE_RANGE`, the codes of templates.
    pub fn derive_key(
        &self,
        caller: &Caller,
        base: u64,
        mechanism: MechanismType,
        parameters: Option<&MechanismParameters>,
        template: Template,
    ) -> Result<Staged> {
        self.ready()?;
        Self::check_maker(caller)?;
        // Only its owner derives from a key (aws-cloudhsm 5.5).
        let base = self.owned(caller, base, Rv::KEY_HANDLE_INVALID)?;
        self.check_use(&base, mechanism, DERIVE)?;
        let demanded = base.nested(AttributeType::DeriveTemplate)?.unwrap_or_default();
        let template = with_demanded(template, &demanded, AttributeType::DeriveTemplate)?;
        let class = class_of(&template)?;
        if class.object_class != CKO_SECRET_KEY {
            return Err(Error::refused(Rv::TEMPLATE_INCONSISTENT, "only secret keys are derived"));
        }
        check_template(class, Way::Derive, &template)?;
        let bare = match parameters {
            Some(given) if mechanism.parameter_kind() == ParameterKind::Ecdh => {
                Some(self.with_bare_point(&base, given)?)
            }
            _ => None,
        };
        if template.ulong(AttributeType::ValueLen).is_some_and(|length| length < SHORTEST) {
            let text = format!("a derived key has at least {SHORTEST} bytes, so that nobody guesses it");
            return Err(Error::refused(Rv::KEY_SIZE_RANGE, text));
        }
        #[allow(clippy::cast_possible_truncation)] // at most TOO_LONG
        let length =
            template.ulong(AttributeType::ValueLen).map(|length| length.min(made::TOO_LONG) as usize);
        let length = match class.secret_kind() {
            KeyKind::Des3 => Some(DES3_KEY_LENGTH),
            kind if length.is_none() && kind.is_any_bytes() => {
                mechanisms::usual_length(mechanism, parameters)?
            }
            _ => length,
        };
        let handle = self.cache.handle(&base)?;
        let value = mechanisms::derive(&handle, mechanism, bare.as_ref().or(parameters), length)?;
        let made = made::secret(class.secret_kind(), value, Rv::ATTRIBUTE_VALUE_INVALID)?;
        let known = base.template()?;
        let origin = Origin::Derived {
            always_sensitive: flag(&known, AttributeType::AlwaysSensitive),
            never_extractable: flag(&known, AttributeType::NeverExtractable),
        };
        self.stage_made(caller, class, origin, template, made)
    }

    /// With the other party's point bare, however it was given. Mode FIPS wants a derivation function (SP 800-56A section
    /// 5.8).
    fn with_bare_point(&self, base: &Object, given: &MechanismParameters) -> Result<MechanismParameters> {
        if self.options.fips && base.kind() == Some(KeyKind::X25519) {
            let text = "X25519 may not be used in a cluster of mode FIPS";
            return Err(Error::refused(Rv::MECHANISM_INVALID, text));
        }
        if self.options.fips && given.kdf == Some(mechanisms::CKD_NULL) {
            let text = "CKD_NULL may not be used in a cluster of mode FIPS: name a derivation function";
            return Err(Error::refused(Rv::MECHANISM_PARAM_INVALID, text));
        }
        let length = match base.kind() {
            Some(KeyKind::X25519) => CURVE25519_LENGTH,
            _ => {
                let curve = curves::curve(base.bytes(AttributeType::EcParams).unwrap_or_default())?;
                made::point_length(curve.length())
            }
        };
        let given_point = given.public_data.as_deref().unwrap_or_default();
        let point = curves::decode_point(given_point, length).map_err(|_| {
            let text =
                format!("the other party's public key must be a point of {length} bytes, not compressed");
            Error::refused(Rv::MECHANISM_PARAM_INVALID, text)
        })?;
        Ok(MechanismParameters { public_data: Some(point.to_vec()), ..given.clone() })
    }
}
