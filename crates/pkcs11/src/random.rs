//! Random numbers (PKCS #11 2.40 section 5.15): from the HSM, with and without a login.

use cryptoki_sys::{CK_BYTE, CK_RV, CK_SESSION_HANDLE, CK_ULONG};
use strongroom_wire::messages::{RANDOM_WITHOUT_LOGIN, RandomRequest, RandomResponse};
use strongroom_wire::{Operation, Rv};

use crate::edge::{Output, enter, failure, size};

/// C_SeedRandom: nobody but the HSM has a part in its random numbers.
///
/// # Safety
/// Reads no argument.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_SeedRandom(session: CK_SESSION_HANDLE, _: *mut CK_BYTE, _: CK_ULONG) -> CK_RV {
    enter("C_SeedRandom", |library| {
        library.standard_session(session)?;
        Err(Rv::RANDOM_SEED_NOT_SUPPORTED.into())
    })
}

/// C_GenerateRandom.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GenerateRandom(
    session: CK_SESSION_HANDLE,
    data: *mut CK_BYTE,
    length: CK_ULONG,
) -> CK_RV {
    enter("C_GenerateRandom", |library| {
        let session = library.session(session)?;
        let mut left = size(length)?;
        if left > 0 && data.is_null() {
            return Err(Rv::ARGUMENTS_BAD.into());
        }
        let client = &session.slot.client;
        let is_logged_in = client.logged_in().is_some();
        let longest = if is_logged_in { session.slot.largest_data() } else { RANDOM_WITHOUT_LOGIN as usize };
        let mut offset = 0;
        while left > 0 {
            let request = RandomRequest { length: left.min(longest) as u64 };
            let response: RandomResponse = client.call(Operation::Random, &request)?;
            let part = &response.data.0;
            if part.is_empty() || part.len() > left {
                return failure(Rv::DEVICE_ERROR, "the HSM gave a wrong number of random bytes");
            }
            let mut part_length = left as CK_ULONG;
            // SAFETY: the standard: `length` bytes, of which `left` from `offset` on are still to be written.
            unsafe { Output::new(data.add(offset), &raw mut part_length) }?.write(part)?;
            offset += part.len();
            left -= part.len();
        }
        Ok(())
    })
}
