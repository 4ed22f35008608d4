//! Message bodies: msgpack maps with small integer keys.
//!
//! Rules of evolution: an unknown key is ignored, a key is never reused, an absent optional member is left out. A
//! message is declared once, with [`message!`](crate::message); that gives the typed struct, its encoding and, for
//! managed operations, its form with names ([`Value`]) that the brain sees.

use rmp::Marker;
use rmp::decode::RmpRead;
use zeroize::Zeroizing;

/// Why a body is not the message it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// The bytes end early or are not msgpack of the expected type.
    Malformed,
    /// A member that must be there is not.
    Missing(&'static str),
    /// Deeper nesting or more elements than any message has.
    TooLarge,
}

impl std::fmt::Display for DecodeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Malformed => f.write_str("malformed message body"),
            Self::Missing(name) => write!(f, "message member {name} is missing"),
            Self::TooLarge => f.write_str("message has too many elements"),
        }
    }
}

impl std::error::Error for DecodeError {}

/// Bytes that must not be seen: passwords and key material. Wiped on drop; never printed.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(pub Zeroizing<Vec<u8>>);

impl Secret {
    /// Takes the bytes over.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Secret({} bytes)", self.0.len())
    }
}

/// A message as a tree with names: what the brain sees of a managed request, and gives as its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// An absent optional member.
    None,
    /// A flag.
    Bool(bool),
    /// A number.
    Unsigned(u64),
    /// Bytes.
    Bytes(Vec<u8>),
    /// Text.
    Text(String),
    /// Bytes that go into the boundary under a ticket and never further.
    Secret(Secret),
    /// A list.
    List(Vec<Value>),
    /// A nested message.
    Record(Vec<(&'static str, Value)>),
    /// A record given by the brain: names that are not static.
    Named(Vec<(String, Value)>),
    /// A template.
    Template(crate::Template),
}

/// Something that can stand in a message.
pub trait Field: Sized {
    /// Whether it is left out of the map.
    fn is_absent(&self) -> bool {
        false
    }
    /// What it is when the map has no such key; none when it must be there.
    fn absent() -> Option<Self> {
        None
    }
    /// Appends its msgpack form.
    fn encode(&self, out: &mut Vec<u8>);
    /// Reads its msgpack form.
    ///
    /// # Errors
    /// The bytes are not such a field.
    fn decode(input: &mut &[u8]) -> Result<Self, DecodeError>;
    /// Its form with names.
    fn to_value(&self) -> Value;
    /// From its form with names; none when the type does not fit.
    fn from_value(value: &Value) -> Option<Self>;
}

/// A message body.
pub trait Message: Field {
    /// Its msgpack form.
    fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(128);
        self.encode(&mut out);
        out
    }
    /// From a whole body; bytes after the map are refused.
    ///
    /// # Errors
    /// The bytes are not this message.
    fn from_bytes(body: &[u8]) -> Result<Self, DecodeError> {
        let mut input = body;
        let message = Self::decode(&mut input)?;
        if input.is_empty() { Ok(message) } else { Err(DecodeError::Malformed) }
    }
}

// Writing to a Vec cannot fail, so the results of these writers carry nothing.
macro_rules! written {
    ($write:expr) => {
        if $write.is_err() {
            unreachable!("a vector takes every write")
        }
    };
}

impl Field for u64 {
    fn encode(&self, out: &mut Vec<u8>) {
        written!(rmp::encode::write_uint(out, *self));
    }
    fn decode(input: &mut &[u8]) -> Result<Self, DecodeError> {
        rmp::decode::read_int(input).map_err(|_| DecodeError::Malformed)
    }
    fn to_value(&self) -> Value {
        Value::Unsigned(*self)
    }
    fn from_value(value: &Value) -> Option<Self> {
        if let Value::Unsigned(number) = value { Some(*number) } else { None }
    }
}

impl Field for bool {
    fn is_absent(&self) -> bool {
        !*self
    }
    fn absent() -> Option<Self> {
        Some(false)
    }
    fn encode(&self, out: &mut Vec<u8>) {
        written!(rmp::encode::write_bool(out, *self));
    }
    fn decode(input: &mut &[u8]) -> Result<Self, DecodeError> {
        rmp::decode::read_bool(input).map_err(|_| DecodeError::Malformed)
    }
    fn to_value(&self) -> Value {
        Value::Bool(*self)
    }
    fn from_value(value: &Value) -> Option<Self> {
        if let Value::Bool(flag) = value { Some(*flag) } else { None }
    }
}

/// The next `length` bytes, without trusting `length`.
fn take<'a>(input: &mut &'a [u8], length: u32) -> Result<&'a [u8], DecodeError> {
    let length = length as usize;
    if input.len() < length {
        return Err(DecodeError::Malformed);
    }
    let (head, tail) = input.split_at(length);
    *input = tail;
    Ok(head)
}

/// Reads a bin without copying it.
///
/// # Errors
/// The bytes are no bin.
pub fn read_bytes<'a>(input: &mut &'a [u8]) -> Result<&'a [u8], DecodeError> {
    let length = rmp::decode::read_bin_len(input).map_err(|_| DecodeError::Malformed)?;
    take(input, length)
}

/// Reads a string without copying it.
///
/// # Errors
/// The bytes are no string of UTF-8.
pub fn read_text<'a>(input: &mut &'a [u8]) -> Result<&'a str, DecodeError> {
    let length = rmp::decode::read_str_len(input).map_err(|_| DecodeError::Malformed)?;
    std::str::from_utf8(take(input, length)?).map_err(|_| DecodeError::Malformed)
}

impl Field for Vec<u8> {
    fn encode(&self, out: &mut Vec<u8>) {
        written!(rmp::encode::write_bin(out, self));
    }
    fn decode(input: &mut &[u8]) -> Result<Self, DecodeError> {
        read_bytes(input).map(<[u8]>::to_vec)
    }
    fn to_value(&self) -> Value {
        Value::Bytes(self.clone())
    }
    fn from_value(value: &Value) -> Option<Self> {
        if let Value::Bytes(bytes) = value { Some(bytes.clone()) } else { None }
    }
}

impl Field for Secret {
    fn encode(&self, out: &mut Vec<u8>) {
        written!(rmp::encode::write_bin(out, &self.0));
    }
    fn decode(input: &mut &[u8]) -> Result<Self, DecodeError> {
        read_bytes(input).map(|bytes| Self::new(bytes.to_vec()))
    }
    fn to_value(&self) -> Value {
        Value::Secret(self.clone())
    }
    fn from_value(value: &Value) -> Option<Self> {
        if let Value::Secret(secret) = value { Some(secret.clone()) } else { None }
    }
}

impl Field for String {
    fn encode(&self, out: &mut Vec<u8>) {
        written!(rmp::encode::write_str(out, self));
    }
    fn decode(input: &mut &[u8]) -> Result<Self, DecodeError> {
        read_text(input).map(str::to_owned)
    }
    fn to_value(&self) -> Value {
        Value::Text(self.clone())
    }
    fn from_value(value: &Value) -> Option<Self> {
        if let Value::Text(text) = value { Some(text.clone()) } else { None }
    }
}

impl<T: Field> Field for Option<T> {
    fn is_absent(&self) -> bool {
        self.is_none()
    }
    fn absent() -> Option<Self> {
        Some(None)
    }
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Some(field) => field.encode(out),
            None => written!(rmp::encode::write_nil(out)),
        }
    }
    fn decode(input: &mut &[u8]) -> Result<Self, DecodeError> {
        if input.first() == Some(&Marker::Null.to_u8()) {
            *input = &input[1..];
            return Ok(None);
        }
        T::decode(input).map(Some)
    }
    fn to_value(&self) -> Value {
        self.as_ref().map_or(Value::None, Field::to_value)
    }
    fn from_value(value: &Value) -> Option<Self> {
        if *value == Value::None { Some(None) } else { T::from_value(value).map(Some) }
    }
}

/// A list of messages or numbers; `Vec<u8>` is bytes, so lists have a type of their own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct List<T>(pub Vec<T>);

impl<T: Field> Field for List<T> {
    fn is_absent(&self) -> bool {
        self.0.is_empty()
    }
    fn absent() -> Option<Self> {
        Some(Self(Vec::new()))
    }
    fn encode(&self, out: &mut Vec<u8>) {
        #[allow(clippy::cast_possible_truncation)] // a body of 1 MiB has fewer elements
        {
            written!(rmp::encode::write_array_len(out, self.0.len() as u32));
        }
        for element in &self.0 {
            element.encode(out);
        }
    }
    fn decode(input: &mut &[u8]) -> Result<Self, DecodeError> {
        let count = rmp::decode::read_array_len(input).map_err(|_| DecodeError::Malformed)? as usize;
        if count > input.len() {
            return Err(DecodeError::Malformed);
        }
        (0..count).map(|_| T::decode(input)).collect::<Result<_, _>>().map(Self)
    }
    fn to_value(&self) -> Value {
        Value::List(self.0.iter().map(Field::to_value).collect())
    }
    fn from_value(value: &Value) -> Option<Self> {
        let Value::List(elements) = value else { return None };
        elements.iter().map(T::from_value).collect::<Option<_>>().map(Self)
    }
}

/// Passes over one msgpack value of any type: how unknown members are ignored.
///
/// # Errors
/// The bytes are not msgpack, or nest deeper than eight levels.
pub fn skip_value(input: &mut &[u8]) -> Result<(), DecodeError> {
    skip_nested(input, 8)
}

fn skip_nested(input: &mut &[u8], depth: u8) -> Result<(), DecodeError> {
    if depth == 0 {
        return Err(DecodeError::TooLarge);
    }
    let marker = rmp::decode::read_marker(input).map_err(|_| DecodeError::Malformed)?;
    let mut sized = |width: usize| -> Result<u32, DecodeError> {
        let mut length = 0_u32;
        for _ in 0..width {
            length = length << 8 | u32::from(input.read_u8().map_err(|_| DecodeError::Malformed)?);
        }
        Ok(length)
    };
    let (skip, elements) = match marker {
        Marker::FixPos(_) | Marker::FixNeg(_) | Marker::Null | Marker::True | Marker::False => (0, 0),
        Marker::U8 | Marker::I8 => (1, 0),
        Marker::U16 | Marker::I16 => (2, 0),
        Marker::U32 | Marker::I32 | Marker::F32 => (4, 0),
        Marker::U64 | Marker::I64 | Marker::F64 => (8, 0),
        Marker::FixStr(length) => (u32::from(length), 0),
        Marker::Bin8 | Marker::Str8 => (sized(1)?, 0),
        Marker::Bin16 | Marker::Str16 => (sized(2)?, 0),
        Marker::Bin32 | Marker::Str32 => (sized(4)?, 0),
        Marker::FixArray(count) => (0, u32::from(count)),
        Marker::Array16 => (0, sized(2)?),
        Marker::Array32 => (0, sized(4)?),
        Marker::FixMap(count) => (0, 2 * u32::from(count)),
        Marker::Map16 => (0, 2 * sized(2)?),
        Marker::Map32 => (0, sized(4)?.checked_mul(2).ok_or(DecodeError::TooLarge)?),
        _ => return Err(DecodeError::Malformed),
    };
    take(input, skip)?;
    for _ in 0..elements {
        skip_nested(input, depth - 1)?;
    }
    Ok(())
}

/// Wipes and empties a buffer that held a secret in its encoded form, with what lies behind its end.
pub fn wipe(buffer: &mut Vec<u8>) {
    buffer.resize(buffer.capacity(), 0);
    strongroom_wiping::wipe(buffer);
    buffer.clear();
}

/// Declares a message: `message! { /// Doc. pub struct Name { 1 => /// Doc. member: Type, … } }`.
#[macro_export]
macro_rules! message {
    ($($(#[$doc:meta])* pub struct $name:ident {
        $($key:literal => $(#[$member_doc:meta])* $member:ident : $type:ty,)*
    })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[allow(missing_docs)] // a member is documented where its name does not say all
        pub struct $name {
            $($(#[$member_doc])* pub $member: $type,)*
        }

        impl $crate::codec::Field for $name {
            fn encode(&self, out: &mut Vec<u8>) {
                #[allow(unused_mut)]
                let mut count = 0_u32;
                $(if !$crate::codec::Field::is_absent(&self.$member) { count += 1; })*
                if ::rmp::encode::write_map_len(out, count).is_err() {
                    unreachable!("a vector takes every write");
                }
                $(if !$crate::codec::Field::is_absent(&self.$member) {
                    $crate::codec::Field::encode(&($key as u64), out);
                    $crate::codec::Field::encode(&self.$member, out);
                })*
            }

            fn decode(input: &mut &[u8]) -> ::core::result::Result<Self, $crate::codec::DecodeError> {
                let count = ::rmp::decode::read_map_len(input)
                    .map_err(|_| $crate::codec::DecodeError::Malformed)?;
                $(let mut $member: Option<$type> = None;)*
                for _ in 0..count {
                    let key = <u64 as $crate::codec::Field>::decode(input)?;
                    match key {
                        $($key => $member = Some(<$type as $crate::codec::Field>::decode(input)?),)*
                        _ => $crate::codec::skip_value(input)?,
                    }
                }
                Ok(Self {$(
                    $member: match $member {
                        Some(value) => value,
                        None => <$type as $crate::codec::Field>::absent()
                            .ok_or($crate::codec::DecodeError::Missing(stringify!($member)))?,
                    },
                )*})
            }

            fn to_value(&self) -> $crate::codec::Value {
                $crate::codec::Value::Record(vec![
                    $((stringify!($member), $crate::codec::Field::to_value(&self.$member)),)*
                ])
            }

            fn from_value(value: &$crate::codec::Value) -> Option<Self> {
                let member = |name: &str| -> Option<&$crate::codec::Value> {
                    match value {
                        $crate::codec::Value::Record(members) => {
                            members.iter().find(|(key, _)| *key == name).map(|(_, value)| value)
                        }
                        $crate::codec::Value::Named(members) => {
                            members.iter().find(|(key, _)| key == name).map(|(_, value)| value)
                        }
                        _ => None,
                    }
                };
                let _ = &member;
                Some(Self {$(
                    $member: match member(stringify!($member)) {
                        Some(value) => <$type as $crate::codec::Field>::from_value(value)?,
                        None => <$type as $crate::codec::Field>::absent()?,
                    },
                )*})
            }
        }

        impl $crate::codec::Message for $name {}
    )*};
}
