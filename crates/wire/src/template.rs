//! Templates: attribute types with values, as in PKCS #11, in a form that does not depend on a machine's `CK_ULONG`.
//!
//! On the wire and in records a template is a msgpack map from attribute number to value, in ascending order without
//! repetition, so that equal templates have equal bytes: records are authenticated over them.

use crate::codec::{DecodeError, Field, List, Secret, Value, read_bytes, read_text};
use crate::frame::MAX_BODY_LENGTH;
use crate::tables::{AttributeType, Kind, MechanismType};

/// Longest value of an attribute: a message has room for it and for all else of an object.
pub const LONGEST_VALUE: usize = MAX_BODY_LENGTH / 2;

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttributeValue {
    /// `CK_BBOOL`.
    Bool(bool),
    /// `CK_ULONG`.
    Ulong(u64),
    /// Bytes, big integers and dates.
    Bytes(Vec<u8>),
    /// UTF-8 text.
    Text(String),
    /// A nested template.
    Template(Template),
    /// The numbers of mechanisms, ascending without repetition; see [`AttributeValue::mechanisms`].
    Mechanisms(List<u64>),
    /// Key material: present in requests only.
    Secret(Secret),
}

impl AttributeValue {
    /// A set of mechanisms, in whatever order and however often they are named.
    pub fn mechanisms(numbers: impl IntoIterator<Item = u64>) -> Self {
        let mut numbers: Vec<u64> = numbers.into_iter().collect();
        numbers.sort_unstable();
        numbers.dedup();
        Self::Mechanisms(List(numbers))
    }
}

/// A set of attributes with their values, ordered by attribute number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template(Vec<(AttributeType, AttributeValue)>);

impl Template {
    /// Without attributes.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Sets an attribute, replacing an earlier value.
    pub fn set(&mut self, attribute: AttributeType, value: AttributeValue) {
        match self.0.binary_search_by_key(&attribute.code(), |(known, _)| known.code()) {
            Ok(index) => self.0[index].1 = value,
            Err(index) => self.0.insert(index, (attribute, value)),
        }
    }

    /// Sets an attribute and gives the template back, for building one.
    #[must_use]
    pub fn with(mut self, attribute: AttributeType, value: AttributeValue) -> Self {
        self.set(attribute, value);
        self
    }

    /// Removes an attribute and gives its value.
    pub fn take(&mut self, attribute: AttributeType) -> Option<AttributeValue> {
        let index = self.0.binary_search_by_key(&attribute.code(), |(known, _)| known.code()).ok()?;
        Some(self.0.remove(index).1)
    }

    /// The value of an attribute.
    pub fn get(&self, attribute: AttributeType) -> Option<&AttributeValue> {
        let index = self.0.binary_search_by_key(&attribute.code(), |(known, _)| known.code()).ok()?;
        Some(&self.0[index].1)
    }

    /// The value of a flag.
    pub fn bool(&self, attribute: AttributeType) -> Option<bool> {
        if let AttributeValue::Bool(flag) = self.get(attribute)? { Some(*flag) } else { None }
    }

    /// The value of a number.
    pub fn ulong(&self, attribute: AttributeType) -> Option<u64> {
        if let AttributeValue::Ulong(number) = self.get(attribute)? { Some(*number) } else { None }
    }

    /// The value of a byte string, big integer, date or text.
    pub fn bytes(&self, attribute: AttributeType) -> Option<&[u8]> {
        match self.get(attribute)? {
            AttributeValue::Bytes(bytes) => Some(bytes),
            AttributeValue::Text(text) => Some(text.as_bytes()),
            _ => None,
        }
    }

    /// The mechanisms that a key may be used with; none where it may be used with all that there are.
    pub fn allowed_mechanisms(&self) -> Option<&[u64]> {
        match self.get(AttributeType::AllowedMechanisms)? {
            AttributeValue::Mechanisms(numbers) => Some(&numbers.0),
            _ => None,
        }
    }

    /// Whether a key with these attributes may be used with a mechanism.
    pub fn allows(&self, mechanism: MechanismType) -> bool {
        self.allowed_mechanisms().is_none_or(|allowed| mechanism.is_among(allowed))
    }

    /// The attributes in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = (AttributeType, &AttributeValue)> {
        self.0.iter().map(|(attribute, value)| (*attribute, value))
    }

    /// How many attributes it has.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<(AttributeType, AttributeValue)> for Template {
    fn from_iter<I: IntoIterator<Item = (AttributeType, AttributeValue)>>(attributes: I) -> Self {
        let mut template = Self::new();
        for (attribute, value) in attributes {
            template.set(attribute, value);
        }
        template
    }
}

impl Field for Template {
    fn is_absent(&self) -> bool {
        self.0.is_empty()
    }

    fn absent() -> Option<Self> {
        Some(Self::new())
    }

    fn encode(&self, out: &mut Vec<u8>) {
        #[allow(clippy::cast_possible_truncation)] // a template has fewer attributes than there are types
        if rmp::encode::write_map_len(out, self.0.len() as u32).is_err() {
            unreachable!("a vector takes every write");
        }
        for (attribute, value) in &self.0 {
            attribute.code().encode(out);
            match value {
                AttributeValue::Bool(flag) => flag.encode(out),
                AttributeValue::Ulong(number) => number.encode(out),
                AttributeValue::Bytes(bytes) => bytes.encode(out),
                AttributeValue::Text(text) => text.encode(out),
                AttributeValue::Template(template) => template.encode(out),
                AttributeValue::Mechanisms(numbers) => numbers.encode(out),
                AttributeValue::Secret(secret) => secret.encode(out),
            }
        }
    }

    fn decode(input: &mut &[u8]) -> Result<Self, DecodeError> {
        decode_nested(input, 2)
    }

    fn to_value(&self) -> Value {
        Value::Template(self.clone())
    }

    fn from_value(value: &Value) -> Option<Self> {
        if let Value::Template(template) = value { Some(template.clone()) } else { None }
    }
}

/// An unknown attribute number, a repeated one, or a value of another kind makes the message malformed: a client
/// checks what its caller gave before it sends it.
fn decode_nested(input: &mut &[u8], depth: u8) -> Result<Template, DecodeError> {
    if depth == 0 {
        return Err(DecodeError::TooLarge);
    }
    let count = rmp::decode::read_map_len(input).map_err(|_| DecodeError::Malformed)?;
    let mut template = Template::new();
    let mut last = None;
    for _ in 0..count {
        let code = u64::decode(input)?;
        if last.is_some_and(|last| last >= code) {
            return Err(DecodeError::Malformed);
        }
        last = Some(code);
        let attribute = AttributeType::from_code(code).ok_or(DecodeError::Malformed)?;
        let value = match attribute.kind() {
            Kind::Bool => AttributeValue::Bool(bool::decode(input)?),
            Kind::Ulong => AttributeValue::Ulong(u64::decode(input)?),
            Kind::Text => AttributeValue::Text(read_text(input)?.to_owned()),
            Kind::Template => AttributeValue::Template(decode_nested(input, depth - 1)?),
            Kind::Mechanisms => AttributeValue::Mechanisms(decode_mechanisms(input)?),
            Kind::Bytes | Kind::Bigint | Kind::Date if attribute.is_secret() => {
                AttributeValue::Secret(Secret::decode(input)?)
            }
            Kind::Bytes | Kind::Bigint | Kind::Date => AttributeValue::Bytes(read_bytes(input)?.to_vec()),
        };
        template.0.push((attribute, value));
    }
    Ok(template)
}

fn decode_mechanisms(input: &mut &[u8]) -> Result<List<u64>, DecodeError> {
    let numbers = List::<u64>::decode(input)?;
    if numbers.0.is_sorted_by(|one, next| one < next) { Ok(numbers) } else { Err(DecodeError::Malformed) }
}
