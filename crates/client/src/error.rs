//! Refusals: a PKCS #11 code, a sentence for people, and where it comes from.

use strongroom_wire::Rv;

/// Result of everything here.
pub type Result<T> = std::result::Result<T, Error>;

/// Where a refusal comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The caller's arguments, the configuration, or this library's state.
    Local,
    /// No HSM could be reached, or none answered in time.
    Network,
    /// An HSM was reached, and its certificate did not pass the server check.
    ServerCheck,
    /// An HSM answered with an error.
    Hsm,
}

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// The PKCS #11 return code.
    pub rv: Rv,
    /// What was wrong and what to do; never a secret.
    pub text: String,
    /// Where it comes from.
    pub origin: Origin,
}

impl Error {
    /// The request or the configuration is wrong.
    pub fn local(rv: Rv, text: impl Into<String>) -> Self {
        Self { rv, text: text.into(), origin: Origin::Local }
    }

    /// No HSM answered.
    pub fn network(text: impl Into<String>) -> Self {
        Self { rv: Rv::DEVICE_ERROR, text: text.into(), origin: Origin::Network }
    }

    /// An HSM refused.
    pub fn hsm(rv: Rv, text: impl Into<String>) -> Self {
        Self { rv, text: text.into(), origin: Origin::Hsm }
    }

    /// An HSM's certificate was refused.
    pub fn server_check(text: impl Into<String>) -> Self {
        Self { rv: Rv::DEVICE_ERROR, text: text.into(), origin: Origin::ServerCheck }
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.rv.name(), self.text)
    }
}

impl std::error::Error for Error {}
