//! Private keys that come in as a seed, in the form that it is expanded to, or as both (PKCS #11 3.2 sections 6.67, 6.68).

use aws_lc_rs::constant_time::verify_slices_are_equal;
use strongroom_wire::{AttributeType, Rv, Template};

use crate::attributes::value_bytes;
use crate::{Error, Result};

/// What a template has of a private key; one of both is there.
#[derive(Clone, Copy, Debug)]
pub struct Given<'a> {
    pub seed: Option<&'a [u8]>,
    pub expanded: Option<&'a [u8]>,
}

impl<'a> Given<'a> {
    /// Reads CKA_SEED and CKA_VALUE.
    ///
    /// # Errors
    /// `CKR_ATTRIBUTE_VALUE_INVALID` for a wrong length, `CKR_TEMPLATE_INCOMPLETE` where both are missing.
    pub fn read(template: &'a Template, seed_length: usize, expanded_length: usize) -> Result<Self> {
        let (seed, expanded) = (given(template, AttributeType::Seed), given(template, AttributeType::Value));
        if seed.is_some_and(|seed| seed.len() != seed_length) {
            return Err(invalid(format!("CKA_SEED must have {seed_length} bytes")));
        }
        if expanded.is_some_and(|expanded| expanded.len() != expanded_length) {
            return Err(invalid(format!(
                "CKA_VALUE must be a private key of the parameter set, of {expanded_length} bytes"
            )));
        }
        if seed.is_none() && expanded.is_none() {
            let text = "CKA_SEED and CKA_VALUE are missing: give one of them, or both";
            return Err(Error::refused(Rv::TEMPLATE_INCOMPLETE, text));
        }
        Ok(Self { seed, expanded })
    }

    /// Checks that the expanded form, if it was given, is the one that the key has.
    ///
    /// # Errors
    /// `CKR_ATTRIBUTE_VALUE_INVALID`.
    pub fn check_expanded(&self, of_key: &[u8]) -> Result<()> {
        match self.expanded {
            Some(expanded) if verify_slices_are_equal(of_key, expanded).is_err() => {
                Err(invalid("CKA_VALUE is not the private key that CKA_SEED makes"))
            }
            _ => Ok(()),
        }
    }
}

/// The bytes of an attribute that was given.
pub fn given(template: &Template, attribute: AttributeType) -> Option<&[u8]> {
    template.get(attribute).and_then(value_bytes)
}

/// `CKR_ATTRIBUTE_VALUE_INVALID`.
pub fn invalid(text: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::refused(Rv::ATTRIBUTE_VALUE_INVALID, text)
}
