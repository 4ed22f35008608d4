//! Why a request is refused, and whether another HSM may answer it.

use std::borrow::Cow;

use strongroom_boundary::{Error, ErrorKind};
use strongroom_wire::messages::ErrorReply;
use strongroom_wire::{DecodeError, RetryClass, Rv};

/// A refusal as it goes to the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) rv: Rv,
    pub(crate) text: Cow<'static, str>,
    pub(crate) retry: RetryClass,
}

impl Refusal {
    /// The request itself is at fault: no HSM will answer it.
    pub(crate) fn of_request(rv: Rv, text: impl Into<Cow<'static, str>>) -> Self {
        Self { rv, text: text.into(), retry: RetryClass::Never }
    }

    /// This HSM cannot answer now; nothing was done, so another may.
    pub(crate) fn of_hsm(rv: Rv, text: impl Into<Cow<'static, str>>) -> Self {
        Self { rv, text: text.into(), retry: RetryClass::Pure }
    }

    pub(crate) fn not_logged_in() -> Self {
        Self::of_request(Rv::USER_NOT_LOGGED_IN, "There is no such login on this connection; log in again.")
    }

    pub(crate) fn broken() -> Self {
        Self::of_request(Rv::GENERAL_ERROR, "The HSM failed while it worked on the request.")
    }

    pub(crate) fn lease() -> Self {
        Self::of_hsm(Rv::DEVICE_ERROR, "The HSM's lease has run out: it is cut off from its store.")
    }

    pub(crate) fn behind() -> Self {
        Self::of_hsm(Rv::DEVICE_ERROR, "The HSM could not catch up with the cluster in time.")
    }

    pub(crate) fn busy() -> Self {
        Self::of_hsm(Rv::FUNCTION_FAILED, "The HSM could not queue the request for processing.")
    }

    pub(crate) fn stopping() -> Self {
        Self::of_hsm(Rv::DEVICE_REMOVED, "The HSM is stopping.")
    }

    pub(crate) fn reply(&self) -> ErrorReply {
        ErrorReply { rv: self.rv.0, text: self.text.clone().into_owned(), retry: self.retry as u64 }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        match error.kind {
            ErrorKind::Refused => Self::of_request(error.rv, error.text),
            ErrorKind::Integrity | ErrorKind::Failed => Self::of_hsm(error.rv, error.text),
        }
    }
}

impl From<DecodeError> for Refusal {
    fn from(error: DecodeError) -> Self {
        Self::of_request(Rv::ARGUMENTS_BAD, format!("The request is not well-formed: {error}."))
    }
}
