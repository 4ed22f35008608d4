//! Changes of an object's attributes (`C_SetAttributeValue`).

use strongroom_wire::{AttributeType, AttributeValue, Role, Rv, Template};

use super::flag;
use super::rules::{Change, ClassRules};
use super::values::check_value;
use crate::{Error, Result};

/// Checks that somebody of this role may make these changes to an object that has these attributes.
///
/// # Errors
/// `CKR_ATTRIBUTE_TYPE_INVALID`, `CKR_ATTRIBUTE_VALUE_INVALID`, `CKR_ATTRIBUTE_READ_ONLY`, `CKR_ACTION_PROHIBITED`,
/// `CKR_TEMPLATE_INCOMPLETE` when there is nothing to change.
pub fn check_change(class: &ClassRules, attributes: &Template, role: Role, changes: &Template) -> Result<()> {
    if changes.is_empty() {
        return Err(Error::refused(Rv::TEMPLATE_INCOMPLETE, "the template names no attribute to change"));
    }
    for (attribute, value) in changes.iter() {
        let rule = class.rule(attribute).ok_or_else(|| {
            Error::refused(
                Rv::ATTRIBUTE_TYPE_INVALID,
                format!("{} does not belong to objects of class {}", attribute.name(), class.name),
            )
        })?;
        check_value(attribute, value)?;
        let now = flag(attributes, attribute);
        let wanted = *value == AttributeValue::Bool(true);
        let admin = role == Role::Admin;
        let refusal = match rule.change {
            Change::Never => Some("cannot be changed"),
            Change::Admin if !admin => Some("can be changed by an admin only"),
            Change::Admin => None,
            _ if admin => {
                Some("can be changed by the object's owner only; an admin changes CKA_TRUSTED only")
            }
            Change::Lower if wanted && !now => Some("can be changed from true to false only"),
            Change::Raise if !wanted && now => Some("can be changed from false to true only"),
            Change::Owner if is_template(attribute) && flag(attributes, AttributeType::Trusted) => {
                Some("cannot be changed while an admin trusts the key")
            }
            Change::Owner | Change::Lower | Change::Raise => None,
        };
        if let Some(refusal) = refusal {
            return Err(Error::refused(Rv::ATTRIBUTE_READ_ONLY, format!("{} {refusal}", attribute.name())));
        }
    }
    // PKCS #11 2.40 section 4.1: an object that is not modifiable refuses all changes; trust is not its owner's matter.
    if role != Role::Admin && !flag(attributes, AttributeType::Modifiable) {
        return Err(Error::refused(Rv::ACTION_PROHIBITED, "the object's CKA_MODIFIABLE is false"));
    }
    Ok(())
}

const fn is_template(attribute: AttributeType) -> bool {
    matches!(
        attribute,
        AttributeType::WrapTemplate
            | AttributeType::UnwrapTemplate
            | AttributeType::EncapsulateTemplate
            | AttributeType::DecapsulateTemplate
    )
}
