//! Refusals: a PKCS #11 code, a sentence for people, and whose fault it is.

use std::borrow::Cow;

use strongroom_wire::Rv;

/// Result of everything in the boundary.
pub type Result<T> = std::result::Result<T, Error>;

/// Whose fault a refusal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The request is not allowed or not well-formed.
    Refused,
    /// Sealed bytes were altered, belong elsewhere or were sealed under another key.
    Integrity,
    /// The HSM is in its error state.
    Failed,
}

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// The PKCS #11 return code.
    pub rv: Rv,
    /// What was wrong and what to do; never a secret.
    pub text: Cow<'static, str>,
    /// Whose fault it is.
    pub kind: ErrorKind,
}

impl Error {
    /// The request is refused.
    pub fn refused(rv: Rv, text: impl Into<Cow<'static, str>>) -> Self {
        Self { rv, text: text.into(), kind: ErrorKind::Refused }
    }

    /// Sealed bytes are not what they should be.
    pub fn integrity(text: impl Into<Cow<'static, str>>) -> Self {
        Self { rv: Rv::DEVICE_ERROR, text: text.into(), kind: ErrorKind::Integrity }
    }

    /// The HSM cannot do its work.
    pub fn failed(text: impl Into<Cow<'static, str>>) -> Self {
        Self { rv: Rv::GENERAL_ERROR, text: text.into(), kind: ErrorKind::Failed }
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.rv.name(), self.text)
    }
}

impl std::error::Error for Error {}
