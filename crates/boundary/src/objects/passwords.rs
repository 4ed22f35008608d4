//! Keys that are made from passwords.

use strongroom_wire::messages::MechanismParameters;
use strongroom_wire::tables::Function;
use strongroom_wire::{AttributeType, AttributeValue, KeyKind, MechanismType, Rv, Template};

use super::generate::Origin;
use super::{Objects, Staged, made};
use crate::attributes::{CKO_SECRET_KEY, Way, check_template, class_of};
use crate::mechanisms::{self, DES3_KEY_LENGTH};
use crate::{Caller, Error, Result};

impl Objects {
    /// Makes the secret key that a password stands for. The template says what type it is.
    ///
    /// # Errors
    /// `CKR_MECHANISM_INVALID`, `CKR_MECHANISM_PARAM_INVALID`, the codes of templates, `CKR_USER_NOT_LOGGED_IN`.
    pub fn key_from_password(
        &self,
        caller: &Caller,
        mechanism: MechanismType,
        parameters: Option<&MechanismParameters>,
        password: &[u8],
        mut template: Template,
    ) -> Result<Staged> {
        self.ready()?;
        Self::check_maker(caller)?;
        mechanisms::check_allowed(mechanism, Function::Generate, None, self.options.fips)?;
        if mechanism != MechanismType::Pkcs5Pbkd2 {
            let text = format!("{} takes no password", mechanism.name());
            return Err(Error::refused(Rv::MECHANISM_PARAM_INVALID, text));
        }
        if template.get(AttributeType::Class).is_none() {
            template.set(AttributeType::Class, AttributeValue::Ulong(CKO_SECRET_KEY));
        }
        let class = class_of(&template)?;
        if class.object_class != CKO_SECRET_KEY {
            return Err(Error::refused(
                Rv::TEMPLATE_INCONSISTENT,
                "only secret keys are made from passwords",
            ));
        }
        check_template(class, Way::Generate, &template)?;
        let length = match class.secret_kind() {
            KeyKind::Des3 => DES3_KEY_LENGTH,
            _ => {
                let length = template.ulong(AttributeType::ValueLen).unwrap_or(0).min(made::TOO_LONG);
                #[allow(clippy::cast_possible_truncation)] // at most TOO_LONG
                {
                    length as usize
                }
            }
        };
        let value = mechanisms::key_from_password(password, parameters, length, self.options.fips)?;
        let made = made::secret(class.secret_kind(), value, Rv::ATTRIBUTE_VALUE_INVALID)?;
        self.stage_made(caller, class, Origin::FromPassword(mechanism), template, made)
    }
}
