//! What a template may say: the rules of each class of object, and their checks.

mod change;
mod classes;
mod complete;
pub mod encoded;
mod rules;
#[cfg(test)]
mod tests;
mod values;

pub use change::{check_change, check_copy, mark_trusted};
pub use classes::{
    ALL, EC_PRIVATE, EC_PUBLIC, ED25519_PRIVATE, ED25519_PUBLIC, ML_DSA_PRIVATE, ML_DSA_PUBLIC,
    ML_KEM_PRIVATE, ML_KEM_PUBLIC, RSA_PRIVATE, RSA_PUBLIC, X25519_PRIVATE, X25519_PUBLIC,
};
pub use complete::{Way, check_template, complete};
pub use rules::ClassRules;

use crate::{Error, Result};
use strongroom_wire::{AttributeType, AttributeValue, Rv, Template};

/// `CKO_DATA`.
pub const CKO_DATA: u64 = 0;
/// `CKO_CERTIFICATE`.
pub const CKO_CERTIFICATE: u64 = 1;
/// `CKO_PUBLIC_KEY`.
pub const CKO_PUBLIC_KEY: u64 = 2;
/// `CKO_PRIVATE_KEY`.
pub const CKO_PRIVATE_KEY: u64 = 3;
/// `CKO_SECRET_KEY`.
pub const CKO_SECRET_KEY: u64 = 4;
/// The two values of CKA_EC_PARAMS that name Ed25519: its OID (RFC 8410), and the curve's name as a PrintableString.
pub const ED25519_PARAMS: [&[u8]; 2] = [b"\x06\x03\x2b\x65\x70", b"\x13\x0cedwards25519"];
/// The same of X25519: its OID (RFC 8410), and its name (PKCS #11 3.0 section 2.3.8).
pub const X25519_PARAMS: [&[u8]; 2] = [b"\x06\x03\x2b\x65\x6e", b"\x13\x0acurve25519"];
/// `CK_UNAVAILABLE_INFORMATION`, in the form that does not depend on a machine.
pub const UNAVAILABLE: u64 = u64::MAX;

/// The class of the object that a template of `create_object` or `unwrap_key` describes.
///
/// # Errors
/// CKA_CLASS or CKA_KEY_TYPE is missing, or there is no such class here.
pub fn class_of(template: &Template) -> Result<&'static ClassRules> {
    let class = template.ulong(AttributeType::Class).ok_or_else(|| missing(AttributeType::Class))?;
    let key_type = template.ulong(AttributeType::KeyType);
    let is_key = ALL.iter().any(|rules| rules.object_class == class && rules.is_key());
    if is_key && key_type.is_none() {
        return Err(missing(AttributeType::KeyType));
    }
    let key_type = if is_key { key_type } else { None };
    ALL.iter().copied().find(|rules| rules.object_class == class && rules.key_type == key_type).ok_or_else(
        || {
            Error::refused(
                Rv::ATTRIBUTE_VALUE_INVALID,
                format!("there are no objects of CKA_CLASS {class} with CKA_KEY_TYPE {key_type:?} here"),
            )
        },
    )
}

fn missing(attribute: AttributeType) -> Error {
    Error::refused(Rv::TEMPLATE_INCOMPLETE, format!("{} is missing", attribute.name()))
}

/// A flag of a complete set of attributes; absent is false.
pub fn flag(attributes: &Template, attribute: AttributeType) -> bool {
    attributes.bool(attribute).unwrap_or(false)
}

/// The bytes of a value, also where it is a secret.
pub fn value_bytes(value: &AttributeValue) -> Option<&[u8]> {
    match value {
        AttributeValue::Bytes(bytes) => Some(bytes),
        AttributeValue::Text(text) => Some(text.as_bytes()),
        AttributeValue::Secret(secret) => Some(&secret.0),
        _ => None,
    }
}
