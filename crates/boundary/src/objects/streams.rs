//! Streams: hot calls over data of any length, which the HSM takes in parts.
//!
//! A stream is a use of a key that lasts. So that nobody uses a key longer than it may be used, each step is checked as if
//! it was a request of its own: what the caller sees, what the key is for, its quorum. A step that is refused ends the
//! stream.

use strongroom_wire::messages::MechanismParameters;
use strongroom_wire::{MechanismType, Rv};

use super::Objects;
use super::crypt::{DECRYPT, ENCRYPT, SIGN, Use, VERIFY};
use crate::mechanisms::{self, Computation, Purpose, Step};
use crate::{Caller, Error, Result};

/// An operation over data of any length, under way.
#[derive(Debug)]
pub struct Stream {
    key: u64,
    mechanism: MechanismType,
    purpose: Purpose,
    /// Where the next data belong; back at the start when they come a second time.
    offset: u64,
    computation: Computation,
}

impl Purpose {
    const fn of_key(self) -> Use {
        match self {
            Self::Sign => SIGN,
            Self::Verify => VERIFY,
            Self::Encrypt => ENCRYPT,
            Self::Decrypt => DECRYPT,
        }
    }
}

impl Objects {
    /// Starts a stream; gives the IV that was made for it, if one was. A verification of Ed25519 begins with the signature.
    ///
    /// # Errors
    /// As [`Self::sign`] and the like.
    pub fn open_stream(
        &self,
        caller: &Caller,
        purpose: Purpose,
        key: u64,
        mechanism: MechanismType,
        parameters: Option<&MechanismParameters>,
        signature: Option<&[u8]>,
    ) -> Result<(Stream, Option<Vec<u8>>)> {
        let object = self.permitted(caller, key, mechanism, purpose.of_key())?;
        if purpose == Purpose::Encrypt {
            self.check_iv(&object, mechanism, parameters)?;
        }
        let handle = self.cache.handle(&object)?;
        let (computation, iv) = if mechanisms::is_by_requests(mechanism) {
            (mechanisms::open_by_requests(handle, purpose, mechanism, parameters)?, None)
        } else {
            mechanisms::open_stream(&handle, purpose, mechanism, parameters, signature)?
        };
        Ok((Stream { key, mechanism, purpose, offset: 0, computation }, iv))
    }

    /// Does a step; gives its result, and the stream unless it is over.
    ///
    /// # Errors
    /// As [`Self::sign`] and the like; `CKR_ARGUMENTS_BAD` for data that do not follow those before them. The stream is
    /// over then.
    pub fn step_stream(
        &self,
        caller: &Caller,
        stream: Stream,
        step: Step<'_>,
        offset: u64,
        data: &[u8],
    ) -> Result<(Vec<u8>, Option<Stream>)> {
        self.check_stream(caller, &stream)?;
        mechanisms::check_data(data)?;
        let Stream { key, mechanism, purpose, offset: expected, computation } = stream;
        if offset != expected {
            let text = format!("the stream's next data begin at {expected}, not at {offset}");
            return Err(Error::refused(Rv::ARGUMENTS_BAD, text));
        }
        let (result, goes_on) = computation.step(step, offset, data)?;
        let offset = if matches!(step, Step::Finish(_)) { 0 } else { offset + data.len() as u64 };
        Ok((result, goes_on.map(|computation| Stream { key, mechanism, purpose, offset, computation })))
    }

    /// Whether the caller may still do with the key what the stream does.
    ///
    /// # Errors
    /// Why not.
    pub fn check_stream(&self, caller: &Caller, stream: &Stream) -> Result<()> {
        let Stream { key, mechanism, purpose, .. } = *stream;
        self.permitted(caller, key, mechanism, purpose.of_key()).map(|_| ())
    }
}
