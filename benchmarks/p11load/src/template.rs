//! Templates: attributes with the values that they point to.

use std::ptr;

use cryptoki_sys as p11;

/// Attributes with the values that they point to.
pub struct Template {
    numbers: Vec<(p11::CK_ATTRIBUTE_TYPE, p11::CK_ULONG)>,
    flags: Vec<(p11::CK_ATTRIBUTE_TYPE, p11::CK_BBOOL)>,
    bytes: Vec<(p11::CK_ATTRIBUTE_TYPE, Vec<u8>)>,
}

impl Template {
    /// Numbers, and flags that are true.
    pub fn new(
        numbers: &[(p11::CK_ATTRIBUTE_TYPE, p11::CK_ULONG)],
        flags: &[p11::CK_ATTRIBUTE_TYPE],
    ) -> Self {
        Self {
            numbers: numbers.to_vec(),
            flags: flags.iter().map(|flag| (*flag, p11::CK_TRUE)).collect(),
            bytes: vec![],
        }
    }

    /// With bytes too.
    pub fn with_bytes(mut self, type_: p11::CK_ATTRIBUTE_TYPE, value: &[u8]) -> Self {
        self.bytes.push((type_, value.to_vec()));
        self
    }

    /// With a name.
    pub fn labelled(self, label: &str) -> Self {
        self.with_bytes(p11::CKA_LABEL, label.as_bytes())
    }

    /// As a call takes it.
    pub fn attributes(&mut self) -> Vec<p11::CK_ATTRIBUTE> {
        let numbers = self.numbers.iter_mut().map(|(type_, value)| attribute(*type_, value));
        let flags = self.flags.iter_mut().map(|(type_, value)| attribute(*type_, value));
        let bytes = self.bytes.iter_mut().map(|(type_, value)| bytes_attribute(*type_, value));
        numbers.chain(flags).chain(bytes).collect()
    }
}

/// An attribute of a fixed size; `value` must outlive its use.
fn attribute<T>(type_: p11::CK_ATTRIBUTE_TYPE, value: &mut T) -> p11::CK_ATTRIBUTE {
    let length = size_of::<T>() as p11::CK_ULONG;
    p11::CK_ATTRIBUTE { type_, pValue: ptr::from_mut(value).cast(), ulValueLen: length }
}

/// An attribute of bytes; `value` must outlive its use.
pub fn bytes_attribute(type_: p11::CK_ATTRIBUTE_TYPE, value: &mut [u8]) -> p11::CK_ATTRIBUTE {
    let length = value.len() as p11::CK_ULONG;
    p11::CK_ATTRIBUTE { type_, pValue: value.as_mut_ptr().cast(), ulValueLen: length }
}
