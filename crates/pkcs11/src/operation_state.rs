//! C_GetOperationState and C_SetOperationState (PKCS #11 2.40 section 5.6): of a digest, as long as its data fits one request.
//!
//! What else may be under way has a key, and its state is in an HSM or holds what belongs there: it is not saved.

use cryptoki_sys::{CK_BYTE, CK_OBJECT_HANDLE, CK_RV, CK_SESSION_HANDLE, CK_ULONG};
use strongroom_wire::{MechanismType, Rv};

use crate::digest::Digest;
use crate::digesting::Digesting;
use crate::edge::{Output, Result, bounded, enter, failure};
use crate::library::Slot;
use crate::session::Operations;

/// In front of each state; the number changes with what is behind it.
const FORMAT: &[u8] = b"strongroom digest 1\0";
/// Behind each state: a SHA-256 of the rest.
const CHECK_LENGTH: usize = 32;

fn check_value(state: &[u8]) -> Result<Vec<u8>> {
    let mut digest = Digest::new(MechanismType::Sha256)?;
    digest.update(state)?;
    digest.finish()
}

/// The mechanism's number, whether there were parts, and the data so far.
fn save(operations: &Operations) -> Result<Vec<u8>> {
    let others = operations.sign.is_some()
        || operations.verify.is_some()
        || operations.verify_signature.is_some()
        || operations.encrypt.is_some()
        || operations.decrypt.is_some()
        || operations.message_encrypt.is_some()
        || operations.message_decrypt.is_some()
        || operations.message_sign.is_some()
        || operations.message_verify.is_some();
    let Some(digest) = operations.digest.as_ref().filter(|_| !others) else {
        if others {
            return failure(Rv::STATE_UNSAVEABLE, "only the state of a digest is saved");
        }
        return Err(Rv::OPERATION_NOT_INITIALIZED.into());
    };
    let Some(data) = digest.data() else {
        return failure(
            Rv::STATE_UNSAVEABLE,
            "a digest is saved without keys in it and with no more data than a request takes",
        );
    };
    let number = digest.kind().code().to_be_bytes();
    let mut state = [FORMAT, &number, &[u8::from(digest.is_multi_part())], data].concat();
    let check = check_value(&state)?;
    state.extend_from_slice(&check);
    Ok(state)
}

fn restore(slot: &Slot, state: &[u8]) -> Result<Digesting> {
    let parse = || {
        let (body, check) = state.split_at_checked(state.len().checked_sub(CHECK_LENGTH)?)?;
        let (number, rest) = body.strip_prefix(FORMAT)?.split_first_chunk()?;
        let (has_parts, data) = rest.split_first()?;
        let kind = MechanismType::from_code(u64::from_be_bytes(*number))?;
        (check_value(body).ok()? == check).then_some((kind, *has_parts != 0, data))
    };
    let Some((kind, has_parts, data)) = parse() else {
        return failure(Rv::SAVED_STATE_INVALID, "C_GetOperationState did not give this");
    };
    let mut digest = Digesting::new(slot, kind)?;
    if has_parts {
        digest.update(slot, data)?;
    }
    Ok(digest)
}

/// C_GetOperationState.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetOperationState(
    session: CK_SESSION_HANDLE,
    state: *mut CK_BYTE,
    length: *mut CK_ULONG,
) -> CK_RV {
    enter("C_GetOperationState", |library| {
        let session = library.standard_session(session)?;
        // SAFETY: the standard: a length, and null or a buffer that long.
        let output = unsafe { Output::new(state, length) }?;
        let state = save(&session.operations())?;
        output.write(&state)
    })
}

/// C_SetOperationState: ends what is under way.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_SetOperationState(
    session: CK_SESSION_HANDLE,
    state: *mut CK_BYTE,
    length: CK_ULONG,
    encryption_key: CK_OBJECT_HANDLE,
    authentication_key: CK_OBJECT_HANDLE,
) -> CK_RV {
    enter("C_SetOperationState", |library| {
        let session = library.standard_session(session)?;
        // SAFETY: the standard: that many bytes.
        let digest = restore(&session.slot, unsafe { bounded(state, length) }?)?;
        if encryption_key != 0 || authentication_key != 0 {
            return failure(Rv::KEY_NOT_NEEDED, "a digest has no key");
        }
        let mut operations = session.operations();
        let search = operations.search.take();
        *operations = Operations { digest: Some(digest), search, ..Operations::default() };
        Ok(())
    })
}
