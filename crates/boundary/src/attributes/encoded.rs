//! Attributes in their encoded form, which is how objects keep them: small, and compared without decoding.
//!
//! Equal values have equal bytes (see `strongroom_wire::template`), so a search compares bytes.

use strongroom_wire::codec::{Field, skip_value};
use strongroom_wire::{AttributeType, AttributeValue, Template};

/// Encodes attributes.
pub fn encode(attributes: &Template) -> Box<[u8]> {
    let mut out = Vec::with_capacity(256);
    attributes.encode(&mut out);
    out.into_boxed_slice()
}

/// The encoded value of an attribute.
pub fn value(encoded: &[u8], attribute: AttributeType) -> Option<&[u8]> {
    let mut input = encoded;
    let count = rmp::decode::read_map_len(&mut input).ok()?;
    for _ in 0..count {
        let code = u64::decode(&mut input).ok()?;
        let before = input;
        skip_value(&mut input).ok()?;
        if code == attribute.code() {
            return Some(&before[..before.len() - input.len()]);
        }
        if code > attribute.code() {
            return None;
        }
    }
    None
}

/// Decodes attributes; the value of a certificate or a public key, which is no secret, is plain bytes.
pub fn decode(encoded: &[u8]) -> Option<Template> {
    let mut input = encoded;
    let decoded = Template::decode(&mut input).ok().filter(|_| input.is_empty())?;
    let plain = |value: &AttributeValue| match value {
        AttributeValue::Secret(secret) => AttributeValue::Bytes(secret.0.to_vec()),
        other => other.clone(),
    };
    if decoded.get(AttributeType::Value).is_none() {
        return Some(decoded);
    }
    Some(decoded.iter().map(|(attribute, value)| (attribute, plain(value))).collect())
}

/// A search: the attributes that must be there with exactly these values.
#[derive(Debug)]
pub struct Query(Vec<(AttributeType, Vec<u8>)>);

impl Query {
    /// From a template.
    pub fn new(template: &Template) -> Self {
        let encoded = template.iter().map(|(attribute, value)| {
            let mut out = Vec::new();
            match value {
                AttributeValue::Bool(flag) => flag.encode(&mut out),
                AttributeValue::Ulong(number) => number.encode(&mut out),
                AttributeValue::Bytes(bytes) => bytes.encode(&mut out),
                AttributeValue::Text(text) => text.encode(&mut out),
                AttributeValue::Template(nested) => nested.encode(&mut out),
                AttributeValue::Mechanisms(numbers) => numbers.encode(&mut out),
                AttributeValue::Secret(secret) => secret.encode(&mut out),
            }
            (attribute, out)
        });
        Self(encoded.collect())
    }

    /// Whether these attributes match.
    pub fn matches(&self, encoded: &[u8]) -> bool {
        self.all(|attribute, wanted| value(encoded, attribute) == Some(wanted))
    }

    /// Whether this is true of every attribute and its encoded value.
    pub fn all(&self, mut is_there: impl FnMut(AttributeType, &[u8]) -> bool) -> bool {
        self.0.iter().all(|(attribute, wanted)| is_there(*attribute, wanted))
    }

    /// The encoded value that is wanted of an attribute.
    pub fn wanted(&self, attribute: AttributeType) -> Option<&[u8]> {
        self.0.iter().find(|(known, _)| *known == attribute).map(|(_, wanted)| wanted.as_slice())
    }

    /// How many attributes it names.
    pub fn len(&self) -> usize {
        self.0.len()
    }
}
