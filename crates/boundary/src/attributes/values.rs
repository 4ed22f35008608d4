//! What values attributes take, whatever the class.

use strongroom_wire::tables::Kind;
use strongroom_wire::template::LONGEST_VALUE;
use strongroom_wire::{AttributeType, AttributeValue, Rv};

use super::{CKO_DATA, ClassRules};
use crate::{Error, Result};

/// Longest CKA_ID; AWS documents no limit, and clients use up to 64 bytes.
const ID_LENGTH: usize = 255;
/// Longest certificate, and longest value of any other attribute; [`crate::objects::Sizes`] has those of labels and data.
const VALUE_LENGTH: usize = 16 * 1024;
const OTHER_LENGTH: usize = 4 * 1024;
/// More mechanisms than any token has.
const MECHANISMS: usize = 256;

/// Checks that a value is one that the attribute can have in an object of this class.
///
/// # Errors
/// `CKR_ATTRIBUTE_VALUE_INVALID`.
pub fn check_value(class: &ClassRules, attribute: AttributeType, value: &AttributeValue) -> Result<()> {
    let fits = match (attribute.kind(), value) {
        (Kind::Bool, AttributeValue::Bool(_)) | (Kind::Ulong, AttributeValue::Ulong(_)) => true,
        (Kind::Bytes, AttributeValue::Bytes(bytes)) => check_length(class, attribute, bytes.len())?,
        (Kind::Bytes, AttributeValue::Secret(secret)) => check_length(class, attribute, secret.0.len())?,
        (Kind::Bigint, AttributeValue::Bytes(bytes)) => {
            !bytes.is_empty() && check_length(class, attribute, bytes.len())?
        }
        (Kind::Bigint, AttributeValue::Secret(secret)) => {
            !secret.0.is_empty() && check_length(class, attribute, secret.0.len())?
        }
        (Kind::Date, AttributeValue::Bytes(bytes)) => is_date(bytes),
        (Kind::Text, AttributeValue::Text(text)) => check_text(attribute, text)?,
        (Kind::Template, AttributeValue::Template(template)) => {
            for (inner, inner_value) in template.iter() {
                if inner.is_secret() || inner.kind() == Kind::Template {
                    return Err(invalid(attribute, "cannot hold key material or another template"));
                }
                check_value(class, inner, inner_value)?;
            }
            true
        }
        (Kind::Mechanisms, AttributeValue::Mechanisms(numbers)) => {
            if numbers.0.len() > MECHANISMS {
                return Err(invalid(attribute, &format!("names more than {MECHANISMS} mechanisms")));
            }
            true
        }
        _ => false,
    };
    if fits { Ok(()) } else { Err(invalid(attribute, "has a value of the wrong kind")) }
}

fn check_length(class: &ClassRules, attribute: AttributeType, length: usize) -> Result<bool> {
    let limit = match attribute {
        AttributeType::Id => ID_LENGTH,
        AttributeType::Value if class.object_class == CKO_DATA => LONGEST_VALUE,
        AttributeType::Value => VALUE_LENGTH,
        _ => OTHER_LENGTH,
    };
    if length <= limit { Ok(true) } else { Err(invalid(attribute, &format!("is longer than {limit} bytes"))) }
}

fn check_text(attribute: AttributeType, text: &str) -> Result<bool> {
    if text.chars().count() <= OTHER_LENGTH {
        return Ok(true);
    }
    Err(invalid(attribute, &format!("is longer than {OTHER_LENGTH} characters")))
}

/// `CK_DATE`: empty, or YYYYMMDD.
fn is_date(bytes: &[u8]) -> bool {
    if bytes.is_empty() {
        return true;
    }
    let number = |range: std::ops::Range<usize>| -> Option<u32> {
        std::str::from_utf8(bytes.get(range)?).ok()?.parse().ok()
    };
    bytes.len() == 8
        && bytes.iter().all(u8::is_ascii_digit)
        && number(4..6).is_some_and(|month| (1..=12).contains(&month))
        && number(6..8).is_some_and(|day| (1..=31).contains(&day))
}

fn invalid(attribute: AttributeType, what: &str) -> Error {
    Error::refused(Rv::ATTRIBUTE_VALUE_INVALID, format!("{} {what}", attribute.name()))
}
