//! `CK_ATTRIBUTE` arrays: from C to templates and back.

use cryptoki_sys::{
    CK_ATTRIBUTE, CK_ATTRIBUTE_TYPE, CK_BBOOL, CK_OBJECT_CLASS, CK_ULONG, CKA_MECHANISM_TYPE, CKA_PROFILE_ID,
    CKA_UNIQUE_ID, CKO_PRIVATE_KEY, CKO_SECRET_KEY,
};
use strongroom_wire::tables::Kind;
use strongroom_wire::template::LONGEST_VALUE;
use strongroom_wire::{AttributeType, AttributeValue, Rv, Secret, Template};

use crate::built_in::BuiltIn;
use crate::edge::{Result, UNAVAILABLE, bounded, failure, size};
use crate::unique_id;

const ULONG_LENGTH: usize = size_of::<CK_ULONG>();
const MAX_ATTRIBUTES: usize = 256;
/// Attributes that the library answers by itself, and that no template for making or changing an object may name.
const OWN: [CK_ATTRIBUTE_TYPE; 3] = [CKA_UNIQUE_ID, CKA_PROFILE_ID, CKA_MECHANISM_TYPE];

/// The elements of an array.
///
/// # Safety
/// `attributes` is null or valid for `count` elements, which stay valid as long as the caller of this says.
pub unsafe fn array<'a>(attributes: *mut CK_ATTRIBUTE, count: CK_ULONG) -> Result<&'a mut [CK_ATTRIBUTE]> {
    let count = size(count)?;
    if count == 0 {
        return Ok(&mut []);
    }
    if attributes.is_null() || count > MAX_ATTRIBUTES {
        return Err(Rv::ARGUMENTS_BAD.into());
    }
    // SAFETY: not null, and valid by this function's contract.
    Ok(unsafe { std::slice::from_raw_parts_mut(attributes, count) })
}

/// An attribute's value as it stands; none where the pointer and the length contradict each other.
///
/// # Safety
/// The value pointer is null or valid for its length, as long as the caller of this says.
pub unsafe fn value_of<'a>(attribute: &CK_ATTRIBUTE) -> Option<&'a [u8]> {
    if attribute.ulValueLen > LONGEST_VALUE as CK_ULONG {
        return None;
    }
    // SAFETY: by this function's contract.
    unsafe { bounded(attribute.pValue.cast(), attribute.ulValueLen) }.ok()
}

/// Reads a template for making, changing or finding an object.
///
/// # Errors
/// `CKR_ATTRIBUTE_READ_ONLY` for one that the library answers by itself, `CKR_ATTRIBUTE_TYPE_INVALID` for an unknown one,
/// `CKR_ATTRIBUTE_VALUE_INVALID` for a value of a wrong length or encoding, `CKR_TEMPLATE_INCONSISTENT` for a repeated one
/// with another value.
///
/// # Safety
/// Every attribute's value pointer is null or valid for its length.
pub unsafe fn read_template(attributes: &[CK_ATTRIBUTE]) -> Result<Template> {
    // SAFETY: by this function's contract.
    unsafe { read_nested(attributes, 2) }
}

/// # Safety
/// As [`read_template`].
unsafe fn read_nested(attributes: &[CK_ATTRIBUTE], depth: u8) -> Result<Template> {
    if depth == 0 {
        return failure(Rv::ATTRIBUTE_VALUE_INVALID, "a template inside a template inside a template");
    }
    let mut template = Template::new();
    for attribute in attributes {
        if OWN.contains(&attribute.type_) {
            return failure(Rv::ATTRIBUTE_READ_ONLY, format!("attribute 0x{:x} is not set", attribute.type_));
        }
        let Some(known) = AttributeType::from_code(attribute.type_) else {
            return failure(Rv::ATTRIBUTE_TYPE_INVALID, format!("unknown attribute 0x{:x}", attribute.type_));
        };
        // SAFETY: by this function's contract.
        let value = unsafe { read_value(known, attribute, depth) }?;
        if template.get(known).is_some_and(|earlier| *earlier != value) {
            return failure(Rv::TEMPLATE_INCONSISTENT, format!("{} twice", known.name()));
        }
        template.set(known, value);
    }
    Ok(template)
}

/// # Safety
/// As [`read_template`].
unsafe fn read_value(known: AttributeType, attribute: &CK_ATTRIBUTE, depth: u8) -> Result<AttributeValue> {
    let refused = || failure(Rv::ATTRIBUTE_VALUE_INVALID, format!("{} has a wrong value", known.name()));
    if attribute.pValue.is_null() && attribute.ulValueLen != 0 {
        return refused();
    }
    if attribute.ulValueLen > LONGEST_VALUE as CK_ULONG {
        let text = format!("{} is longer than {LONGEST_VALUE} bytes", known.name());
        return failure(Rv::ATTRIBUTE_VALUE_INVALID, text);
    }
    if known.kind() == Kind::Template {
        let count = size(attribute.ulValueLen)? / size_of::<CK_ATTRIBUTE>();
        // SAFETY: by this function's contract the value is an array of that many attributes.
        let nested = unsafe { array(attribute.pValue.cast(), count as CK_ULONG) }?;
        // SAFETY: as above.
        return unsafe { read_nested(nested, depth - 1) }.map(AttributeValue::Template);
    }
    // SAFETY: by this function's contract.
    let value = unsafe { bounded(attribute.pValue.cast(), attribute.ulValueLen) }?;
    Ok(match known.kind() {
        Kind::Bool => match value {
            [0] => AttributeValue::Bool(false),
            [_] => AttributeValue::Bool(true),
            _ => return refused(),
        },
        Kind::Ulong => match <[u8; ULONG_LENGTH]>::try_from(value) {
            Ok(number) => AttributeValue::Ulong(CK_ULONG::from_ne_bytes(number)),
            Err(_) => return refused(),
        },
        Kind::Mechanisms if value.len().is_multiple_of(ULONG_LENGTH) => AttributeValue::mechanisms(
            value.as_chunks().0.iter().map(|number| CK_ULONG::from_ne_bytes(*number)),
        ),
        Kind::Mechanisms => return refused(),
        Kind::Text => match std::str::from_utf8(value) {
            // C programs like to count the terminator in.
            Ok(text) => AttributeValue::Text(text.trim_end_matches('\0').to_owned()),
            Err(_) => return refused(),
        },
        _ if known.is_secret() => AttributeValue::Secret(Secret::new(value.to_vec())),
        Kind::Bigint => {
            let leading =
                value.iter().take_while(|byte| **byte == 0).count().min(value.len().saturating_sub(1));
            AttributeValue::Bytes(value[leading..].to_vec())
        }
        Kind::Bytes | Kind::Date | Kind::Template => AttributeValue::Bytes(value.to_vec()),
    })
}

/// Answers C_GetAttributeValue: fills every attribute that it can, and says the worst of what went wrong
/// (PKCS #11 2.40 section 5.7).
///
/// # Safety
/// Every attribute's value pointer is null or valid for writes of its length.
pub unsafe fn write_values(wanted: &mut [CK_ATTRIBUTE], reference: u64, object: &Template) -> Result {
    let write = |attribute: &mut CK_ATTRIBUTE| {
        if attribute.type_ == CKA_UNIQUE_ID {
            // SAFETY: by this function's contract.
            return unsafe { write_bytes(attribute, unique_id::of(reference).as_bytes()) };
        }
        // SAFETY: as above.
        unsafe { write_value(attribute, object) }
    };
    write_each(wanted, write)
}

/// The same for an object of the library's own.
///
/// # Safety
/// As [`write_values`].
pub unsafe fn write_built_in(wanted: &mut [CK_ATTRIBUTE], object: BuiltIn) -> Result {
    let write = |attribute: &mut CK_ATTRIBUTE| match object.value(attribute.type_) {
        // SAFETY: by this function's contract.
        Some(value) => unsafe { write_bytes(attribute, &value) },
        None => {
            attribute.ulValueLen = UNAVAILABLE;
            Err(Rv::ATTRIBUTE_TYPE_INVALID)
        }
    };
    write_each(wanted, write)
}

fn write_each(
    wanted: &mut [CK_ATTRIBUTE],
    write: impl Fn(&mut CK_ATTRIBUTE) -> std::result::Result<(), Rv>,
) -> Result {
    let mut outcome = Ok(());
    for attribute in wanted {
        if let Err(rv) = write(attribute) {
            outcome = failure(rv, format!("attribute 0x{:x}", attribute.type_));
        }
    }
    outcome
}

/// # Safety
/// As [`write_values`].
unsafe fn write_value(attribute: &mut CK_ATTRIBUTE, object: &Template) -> std::result::Result<(), Rv> {
    let known = AttributeType::from_code(attribute.type_);
    let value = known.and_then(|known| object.get(known));
    let encoded = match value {
        None => {
            attribute.ulValueLen = UNAVAILABLE;
            let is_hidden = known.is_some_and(|known| has_secret(object, known));
            return Err(if is_hidden { Rv::ATTRIBUTE_SENSITIVE } else { Rv::ATTRIBUTE_TYPE_INVALID });
        }
        // SAFETY: by this function's contract.
        Some(AttributeValue::Template(nested)) => return unsafe { write_nested(attribute, nested) },
        Some(AttributeValue::Bool(flag)) => vec![CK_BBOOL::from(*flag)],
        Some(AttributeValue::Ulong(number)) => number.to_ne_bytes().to_vec(),
        Some(AttributeValue::Bytes(bytes)) => bytes.clone(),
        Some(AttributeValue::Text(text)) => text.clone().into_bytes(),
        Some(AttributeValue::Mechanisms(numbers)) => {
            numbers.0.iter().flat_map(|number| number.to_ne_bytes()).collect()
        }
        Some(AttributeValue::Secret(secret)) => secret.0.to_vec(),
    };
    // SAFETY: by this function's contract.
    unsafe { write_bytes(attribute, &encoded) }
}

/// # Safety
/// As [`write_values`].
unsafe fn write_bytes(attribute: &mut CK_ATTRIBUTE, encoded: &[u8]) -> std::result::Result<(), Rv> {
    let (capacity, needed) = (attribute.ulValueLen, encoded.len() as CK_ULONG);
    if attribute.pValue.is_null() {
        attribute.ulValueLen = needed;
        return Ok(());
    }
    if capacity < needed {
        attribute.ulValueLen = UNAVAILABLE;
        return Err(Rv::BUFFER_TOO_SMALL);
    }
    // SAFETY: not null, and by this function's contract valid for `capacity` bytes, which are enough.
    unsafe { std::ptr::copy_nonoverlapping(encoded.as_ptr(), attribute.pValue.cast(), encoded.len()) };
    attribute.ulValueLen = needed;
    Ok(())
}

/// The bytes of all values as [`write_values`] writes them, those in arrays of attributes included.
pub fn values_length(object: &Template) -> usize {
    let length = |value: &AttributeValue| match value {
        AttributeValue::Bool(_) => size_of::<CK_BBOOL>(),
        AttributeValue::Ulong(_) => size_of::<CK_ULONG>(),
        AttributeValue::Bytes(bytes) => bytes.len(),
        AttributeValue::Text(text) => text.len(),
        AttributeValue::Mechanisms(numbers) => numbers.0.len() * size_of::<CK_ULONG>(),
        AttributeValue::Secret(secret) => secret.0.len(),
        AttributeValue::Template(nested) => values_length(nested),
    };
    object.iter().map(|(_, value)| length(value)).sum()
}

/// # Safety
/// As [`write_values`]: the value of an array attribute is an array whose elements are valid in the same way.
unsafe fn write_nested(attribute: &mut CK_ATTRIBUTE, nested: &Template) -> std::result::Result<(), Rv> {
    let needed = nested.len() * size_of::<CK_ATTRIBUTE>();
    let capacity = attribute.ulValueLen as usize;
    attribute.ulValueLen = needed as CK_ULONG;
    if attribute.pValue.is_null() || needed == 0 {
        return Ok(());
    }
    if capacity < needed {
        attribute.ulValueLen = UNAVAILABLE;
        return Err(Rv::BUFFER_TOO_SMALL);
    }
    // SAFETY: by this function's contract there is room for that many elements.
    let elements =
        unsafe { array(attribute.pValue.cast(), nested.len() as CK_ULONG) }.map_err(|error| error.rv)?;
    let mut outcome = Ok(());
    for (element, (known, _)) in elements.iter_mut().zip(nested.iter()) {
        element.type_ = known.code();
        // SAFETY: by this function's contract.
        outcome = outcome.and(unsafe { write_value(element, nested) });
    }
    outcome
}

/// Whether an object of this kind has this secret attribute, which is not shown.
fn has_secret(object: &Template, attribute: AttributeType) -> bool {
    use AttributeType as A;
    let class: Option<CK_OBJECT_CLASS> = object.ulong(A::Class);
    let is_rsa = object.get(A::Modulus).is_some();
    match (class, attribute) {
        (Some(CKO_SECRET_KEY), A::Value) => true,
        (Some(CKO_PRIVATE_KEY), A::Value) => !is_rsa,
        (Some(CKO_PRIVATE_KEY), A::Seed) => object.get(A::ParameterSet).is_some(),
        (Some(CKO_PRIVATE_KEY), _) => is_rsa && attribute.is_secret(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use cryptoki_sys::{CKA_CLASS, CKA_ID, CKA_LABEL, CKA_MODULUS, CKA_PRIME_1, CKA_TOKEN, CKA_VALUE};

    fn attribute<T>(type_: CK_ULONG, value: &mut [T]) -> CK_ATTRIBUTE {
        CK_ATTRIBUTE { type_, pValue: value.as_mut_ptr().cast(), ulValueLen: size_of_val(value) as CK_ULONG }
    }

    fn read(attributes: &[CK_ATTRIBUTE]) -> Result<Template> {
        // SAFETY: the tests' attributes point to their own buffers.
        unsafe { read_template(attributes) }
    }

    #[test]
    fn a_template_is_read_and_bad_values_have_their_codes() {
        let mut token = [1_u8];
        let mut class: [CK_ULONG; 1] = [CKO_SECRET_KEY];
        let mut label = *b"key\0";
        let read_back = read(&[
            attribute(CKA_TOKEN, &mut token),
            attribute(CKA_CLASS, &mut class),
            attribute(CKA_LABEL, &mut label),
        ])
        .unwrap();
        assert_eq!(read_back.bool(AttributeType::Token), Some(true));
        assert_eq!(read_back.ulong(AttributeType::Class), Some(CKO_SECRET_KEY));
        assert_eq!(read_back.bytes(AttributeType::Label), Some(&b"key"[..]));
        let mut long = [1_u8, 0];
        let code = |attributes: &[CK_ATTRIBUTE]| read(attributes).unwrap_err().rv;
        assert_eq!(code(&[attribute(CKA_TOKEN, &mut long)]), Rv::ATTRIBUTE_VALUE_INVALID);
        assert_eq!(code(&[attribute(CKA_CLASS, &mut long)]), Rv::ATTRIBUTE_VALUE_INVALID);
        assert_eq!(code(&[attribute(CKA_LABEL, &mut [0xff_u8])]), Rv::ATTRIBUTE_VALUE_INVALID);
        assert_eq!(code(&[attribute(0x7777_7777, &mut long)]), Rv::ATTRIBUTE_TYPE_INVALID);
        for own in OWN {
            assert_eq!(code(&[attribute(own, &mut class)]), Rv::ATTRIBUTE_READ_ONLY);
        }
        let (mut one, mut two) = ([1_u8], [2_u8]);
        let twice = [attribute(CKA_ID, &mut one), attribute(CKA_ID, &mut two)];
        assert_eq!(code(&twice), Rv::TEMPLATE_INCONSISTENT);
        let null = CK_ATTRIBUTE { type_: CKA_ID, pValue: std::ptr::null_mut(), ulValueLen: 4 };
        assert_eq!(code(&[null]), Rv::ATTRIBUTE_VALUE_INVALID);
    }

    #[test]
    fn every_wanted_attribute_is_answered_by_itself() {
        let object = Template::new()
            .with(AttributeType::Class, AttributeValue::Ulong(CKO_PRIVATE_KEY))
            .with(AttributeType::Modulus, AttributeValue::Bytes(vec![5; 256]))
            .with(AttributeType::Label, AttributeValue::Text("key".into()));
        let (mut label, mut small, mut prime, mut value) = ([0_u8; 8], [0_u8; 4], [0_u8; 8], [0_u8; 8]);
        let mut wanted = [
            attribute(CKA_LABEL, &mut label),
            attribute(CKA_MODULUS, &mut small),
            attribute(CKA_PRIME_1, &mut prime),
            CK_ATTRIBUTE { type_: CKA_MODULUS, pValue: std::ptr::null_mut(), ulValueLen: 0 },
            attribute(CKA_VALUE, &mut value),
        ];
        // SAFETY: the attributes point to the buffers above.
        let outcome = unsafe { write_values(&mut wanted, 0x1c, &object) };
        assert_eq!(outcome.unwrap_err().rv, Rv::ATTRIBUTE_TYPE_INVALID);
        let lengths: Vec<CK_ULONG> = wanted.iter().map(|attribute| attribute.ulValueLen).collect();
        assert_eq!(lengths, [3, UNAVAILABLE, UNAVAILABLE, 256, UNAVAILABLE]);
        assert_eq!(&label[..3], b"key");
        let mut sensitive = [attribute(CKA_PRIME_1, &mut prime)];
        // SAFETY: as above.
        let outcome = unsafe { write_values(&mut sensitive, 0x1c, &object) };
        assert_eq!(outcome.unwrap_err().rv, Rv::ATTRIBUTE_SENSITIVE);
    }
}
