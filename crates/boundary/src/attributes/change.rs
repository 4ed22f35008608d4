//! Changes of an object's attributes (`C_SetAttributeValue`).

use strongroom_wire::{AttributeType, AttributeValue, MechanismType, Role, Rv, Template};

use super::rules::{Change, ClassRules};
use super::values::check_value;
use super::{CKO_PUBLIC_KEY, CKO_SECRET_KEY, flag};
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
        check_value(class, attribute, value)?;
        let now = flag(attributes, attribute);
        let wanted = *value == AttributeValue::Bool(true);
        let admin = role == Role::Admin;
        let refusal = match rule.change {
            Change::Never | Change::Copy => Some("cannot be changed"),
            Change::Admin if !admin => Some("can be changed by an admin only"),
            Change::Admin => None,
            _ if admin => {
                Some("can be changed by the object's owner only; an admin changes CKA_TRUSTED only")
            }
            Change::Lower if wanted && !now => Some("can be changed from true to false only"),
            Change::Raise if !wanted && now => Some("can be changed from false to true only"),
            Change::Owner if is_template(attribute) && is_trusted(attributes) => {
                Some("cannot be changed once an admin has trusted the key")
            }
            Change::Owner if wanted && is_separate_use(attribute) && is_wrapping_only(attributes) => Some(
                "cannot be true: an admin has trusted the key, so that it only wraps and unwraps for ever",
            ),
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

/// Checks that the owner of an object that has these attributes may copy it with these in their place: what may be
/// changed of the object may differ, and whether it is a token object.
///
/// # Errors
/// As [`check_change`], and `CKR_ACTION_PROHIBITED` where CKA_COPYABLE is false.
pub fn check_copy(class: &ClassRules, attributes: &Template, template: &Template) -> Result<()> {
    if !flag(attributes, AttributeType::Copyable) {
        return Err(Error::refused(Rv::ACTION_PROHIBITED, "the object's CKA_COPYABLE is false"));
    }
    for (attribute, value) in template.iter() {
        check_value(class, attribute, value)?;
    }
    let differs = |(attribute, value): &(AttributeType, &AttributeValue)| match attribute {
        AttributeType::Token => false,
        // A copy is trusted by nobody yet.
        AttributeType::Trusted => **value != AttributeValue::Bool(false),
        // A copy may be bound to fewer mechanisms than the object, never to others.
        AttributeType::AllowedMechanisms => !is_part(value, attributes.allowed_mechanisms()),
        _ => attributes.get(*attribute) != Some(*value),
    };
    let changes: Template =
        template.iter().filter(differs).map(|(attribute, value)| (attribute, value.clone())).collect();
    if changes.is_empty() {
        return Ok(());
    }
    check_change(class, attributes, Role::CryptoUser, &changes)
}

/// Marks a wrapping key that an admin trusts now: if it neither encrypts nor decrypts, and no copy of it does, then it
/// never will (ADR 0117).
pub fn mark_trusted(class: &ClassRules, attributes: &mut Template) {
    if class.rule(AttributeType::WrappingOnly).is_none() || !flag(attributes, AttributeType::Trusted) {
        return;
    }
    let is_used_otherwise = [AttributeType::Encrypt, AttributeType::Decrypt, AttributeType::EverCopied]
        .into_iter()
        .any(|attribute| flag(attributes, attribute));
    // Everybody has a public key: whether this one encrypts is no matter.
    if class.object_class == CKO_PUBLIC_KEY || !is_used_otherwise {
        attributes.set(AttributeType::WrappingOnly, AttributeValue::Bool(true));
    }
}

/// Whether these are mechanisms that the object may be used with.
fn is_part(value: &AttributeValue, allowed: Option<&[u64]>) -> bool {
    let AttributeValue::Mechanisms(part) = value else { return false };
    allowed.is_none_or(|allowed| {
        let is_allowed = |number: &u64| {
            allowed.contains(number)
                || MechanismType::from_code(*number).is_some_and(|known| known.is_among(allowed))
        };
        part.0.iter().all(is_allowed)
    })
}

const fn is_template(attribute: AttributeType) -> bool {
    matches!(
        attribute,
        AttributeType::WrapTemplate
            | AttributeType::UnwrapTemplate
            | AttributeType::DeriveTemplate
            | AttributeType::EncapsulateTemplate
            | AttributeType::DecapsulateTemplate
    )
}

const fn is_separate_use(attribute: AttributeType) -> bool {
    matches!(attribute, AttributeType::Encrypt | AttributeType::Decrypt)
}

fn is_trusted(attributes: &Template) -> bool {
    flag(attributes, AttributeType::Trusted) || flag(attributes, AttributeType::WrappingOnly)
}

/// Of secret keys: anybody may encrypt with a public key.
fn is_wrapping_only(attributes: &Template) -> bool {
    attributes.ulong(AttributeType::Class) == Some(CKO_SECRET_KEY)
        && flag(attributes, AttributeType::WrappingOnly)
}
