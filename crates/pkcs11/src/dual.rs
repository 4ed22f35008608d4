//! Dual-function cryptographic functions (PKCS #11 2.40 section 5.14): a part for two operations at once. One of them encrypts
//! or decrypts, the other digests, signs or verifies what is in the clear.
//!
//! A question for the length and too small a buffer change neither; every other failure ends both.

use cryptoki_sys::{CK_BYTE, CK_RV, CK_SESSION_HANDLE, CK_ULONG};
use strongroom_wire::{Rv, codec};

use crate::cipher::{Direction, run_part};
use crate::edge::{Input, Output, Result, enter};
use crate::library::Slot;
use crate::session::Operations;

/// The operation that sees what is in the clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Other {
    Digest,
    Sign,
    Verify,
}

impl Other {
    const fn is_active(self, operations: &Operations) -> bool {
        match self {
            Self::Digest => operations.digest.is_some(),
            Self::Sign => operations.sign.is_some(),
            Self::Verify => operations.verify.is_some(),
        }
    }

    fn update(self, operations: &mut Operations, slot: &Slot, data: &[u8]) -> Result {
        match (self, &mut operations.digest, &mut operations.sign, &mut operations.verify) {
            (Self::Digest, Some(active), _, _) => active.update(slot, data),
            (Self::Sign, _, Some(active), _) | (Self::Verify, _, _, Some(active)) => {
                active.update(slot, data)
            }
            _ => Err(Rv::OPERATION_NOT_INITIALIZED.into()),
        }
    }

    fn end(self, operations: &mut Operations) {
        match self {
            Self::Digest => operations.digest = None,
            Self::Sign => operations.sign = None,
            Self::Verify => operations.verify = None,
        }
    }
}

/// Encrypts or decrypts a part, and gives the other operation what is in the clear.
fn run(
    operations: &mut Operations,
    slot: &Slot,
    direction: Direction,
    other: Other,
    part: Result<Input>,
    output: Result<Output>,
) -> Result {
    let is_active = match direction {
        Direction::Encrypt => operations.encrypt.is_some(),
        Direction::Decrypt => operations.decrypt.is_some(),
    };
    if !is_active || !other.is_active(operations) {
        return Err(Rv::OPERATION_NOT_INITIALIZED.into());
    }
    let outcome = part.and_then(|part| {
        let output = output?;
        let mut clear = Vec::new();
        let done = match direction {
            Direction::Encrypt => {
                part.append_to(&mut clear); // the result may go to the same memory
                run_part(&mut operations.encrypt, slot, &part, &output)
            }
            Direction::Decrypt => {
                run_part(&mut operations.decrypt, slot, &part, &output).map(|()| clear = output.written())
            }
        };
        let outcome = done
            .and_then(|()| if output.is_query() { Ok(()) } else { other.update(operations, slot, &clear) });
        codec::wipe(&mut clear);
        outcome
    });
    outcome.inspect_err(|failure| {
        if failure.rv != Rv::BUFFER_TOO_SMALL {
            match direction {
                Direction::Encrypt => operations.encrypt = None,
                Direction::Decrypt => operations.decrypt = None,
            }
            other.end(operations);
        }
    })
}

macro_rules! dual {
    ($($name:ident: $direction:ident beside $other:ident;)*) => {$(
        #[doc = concat!(stringify!($name), ".")]
        ///
        /// # Safety
        /// As the standard says.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name(
            session: CK_SESSION_HANDLE,
            part: *mut CK_BYTE,
            part_length: CK_ULONG,
            result: *mut CK_BYTE,
            result_length: *mut CK_ULONG,
        ) -> CK_RV {
            enter(stringify!($name), |library| {
                let session = library.standard_session(session)?;
                let mut operations = session.operations();
                // SAFETY: the standard: that many bytes.
                let part = unsafe { Input::new(part, part_length) };
                // SAFETY: the standard: a length, and null or a buffer that long.
                let output = unsafe { Output::new(result, result_length) };
                run(&mut operations, &session.slot, Direction::$direction, Other::$other, part, output)
            })
        }
    )*};
}

dual! {
    C_DigestEncryptUpdate: Encrypt beside Digest;
    C_SignEncryptUpdate: Encrypt beside Sign;
    C_DecryptDigestUpdate: Decrypt beside Digest;
    C_DecryptVerifyUpdate: Decrypt beside Verify;
}
