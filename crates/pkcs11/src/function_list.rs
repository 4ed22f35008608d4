//! The tables of functions: C_GetFunctionList (PKCS #11 2.40 section 5.4) and C_GetInterface (3.0 section 5.4).

use cryptoki_sys::{
    CK_FLAGS, CK_FUNCTION_LIST, CK_INTERFACE, CK_RV, CK_ULONG, CK_UTF8CHAR, CK_VERSION,
    CKF_INTERFACE_FORK_SAFE,
};
use strongroom_wire::Rv;

use crate::edge::{guard, put, take};
use crate::{
    decrypt, digest, encrypt, general, keys, objects, random, search, sessions, sign, slots, unsupported,
    verify,
};

static FUNCTIONS: CK_FUNCTION_LIST = CK_FUNCTION_LIST {
    version: CK_VERSION { major: 2, minor: 40 },
    C_Initialize: Some(general::C_Initialize),
    C_Finalize: Some(general::C_Finalize),
    C_GetInfo: Some(general::C_GetInfo),
    C_GetFunctionList: Some(C_GetFunctionList),
    C_GetSlotList: Some(slots::C_GetSlotList),
    C_GetSlotInfo: Some(slots::C_GetSlotInfo),
    C_GetTokenInfo: Some(slots::C_GetTokenInfo),
    C_GetMechanismList: Some(slots::C_GetMechanismList),
    C_GetMechanismInfo: Some(slots::C_GetMechanismInfo),
    C_InitToken: Some(unsupported::C_InitToken),
    C_InitPIN: Some(unsupported::C_InitPIN),
    C_SetPIN: Some(unsupported::C_SetPIN),
    C_OpenSession: Some(sessions::C_OpenSession),
    C_CloseSession: Some(sessions::C_CloseSession),
    C_CloseAllSessions: Some(sessions::C_CloseAllSessions),
    C_GetSessionInfo: Some(sessions::C_GetSessionInfo),
    C_GetOperationState: Some(unsupported::C_GetOperationState),
    C_SetOperationState: Some(unsupported::C_SetOperationState),
    C_Login: Some(sessions::C_Login),
    C_Logout: Some(sessions::C_Logout),
    C_CreateObject: Some(objects::C_CreateObject),
    C_CopyObject: Some(objects::C_CopyObject),
    C_DestroyObject: Some(objects::C_DestroyObject),
    C_GetObjectSize: Some(unsupported::C_GetObjectSize),
    C_GetAttributeValue: Some(objects::C_GetAttributeValue),
    C_SetAttributeValue: Some(objects::C_SetAttributeValue),
    C_FindObjectsInit: Some(search::C_FindObjectsInit),
    C_FindObjects: Some(search::C_FindObjects),
    C_FindObjectsFinal: Some(search::C_FindObjectsFinal),
    C_EncryptInit: Some(encrypt::C_EncryptInit),
    C_Encrypt: Some(encrypt::C_Encrypt),
    C_EncryptUpdate: Some(encrypt::C_EncryptUpdate),
    C_EncryptFinal: Some(encrypt::C_EncryptFinal),
    C_DecryptInit: Some(decrypt::C_DecryptInit),
    C_Decrypt: Some(decrypt::C_Decrypt),
    C_DecryptUpdate: Some(decrypt::C_DecryptUpdate),
    C_DecryptFinal: Some(decrypt::C_DecryptFinal),
    C_DigestInit: Some(digest::C_DigestInit),
    C_Digest: Some(digest::C_Digest),
    C_DigestUpdate: Some(digest::C_DigestUpdate),
    C_DigestKey: Some(unsupported::C_DigestKey),
    C_DigestFinal: Some(digest::C_DigestFinal),
    C_SignInit: Some(sign::C_SignInit),
    C_Sign: Some(sign::C_Sign),
    C_SignUpdate: Some(sign::C_SignUpdate),
    C_SignFinal: Some(sign::C_SignFinal),
    C_SignRecoverInit: Some(unsupported::C_SignRecoverInit),
    C_SignRecover: Some(unsupported::C_SignRecover),
    C_VerifyInit: Some(verify::C_VerifyInit),
    C_Verify: Some(verify::C_Verify),
    C_VerifyUpdate: Some(verify::C_VerifyUpdate),
    C_VerifyFinal: Some(verify::C_VerifyFinal),
    C_VerifyRecoverInit: Some(unsupported::C_VerifyRecoverInit),
    C_VerifyRecover: Some(unsupported::C_VerifyRecover),
    C_DigestEncryptUpdate: Some(unsupported::C_DigestEncryptUpdate),
    C_DecryptDigestUpdate: Some(unsupported::C_DecryptDigestUpdate),
    C_SignEncryptUpdate: Some(unsupported::C_SignEncryptUpdate),
    C_DecryptVerifyUpdate: Some(unsupported::C_DecryptVerifyUpdate),
    C_GenerateKey: Some(keys::C_GenerateKey),
    C_GenerateKeyPair: Some(keys::C_GenerateKeyPair),
    C_WrapKey: Some(keys::C_WrapKey),
    C_UnwrapKey: Some(keys::C_UnwrapKey),
    C_DeriveKey: Some(keys::C_DeriveKey),
    C_SeedRandom: Some(unsupported::C_SeedRandom),
    C_GenerateRandom: Some(random::C_GenerateRandom),
    C_GetFunctionStatus: Some(unsupported::C_GetFunctionStatus),
    C_CancelFunction: Some(unsupported::C_CancelFunction),
    C_WaitForSlotEvent: Some(unsupported::C_WaitForSlotEvent),
};

const INTERFACE_NAME: &std::ffi::CStr = c"PKCS 11";

#[repr(transparent)]
struct Interface(CK_INTERFACE);

// SAFETY: both pointers are to immutable statics.
unsafe impl Sync for Interface {}

static INTERFACE: Interface = Interface(CK_INTERFACE {
    pInterfaceName: INTERFACE_NAME.as_ptr().cast::<CK_UTF8CHAR>().cast_mut(),
    pFunctionList: (&raw const FUNCTIONS).cast_mut().cast(),
    flags: CKF_INTERFACE_FORK_SAFE,
});

fn interface() -> *mut CK_INTERFACE {
    (&raw const INTERFACE.0).cast_mut()
}

/// C_GetFunctionList: may be called before C_Initialize.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetFunctionList(list: *mut *mut CK_FUNCTION_LIST) -> CK_RV {
    // SAFETY: the standard: a place for a pointer.
    guard(|| unsafe { put(list, (&raw const FUNCTIONS).cast_mut()) })
}

/// C_GetInterfaceList: one interface, the 2.40 functions as "PKCS 11".
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetInterfaceList(list: *mut CK_INTERFACE, count: *mut CK_ULONG) -> CK_RV {
    guard(|| {
        // SAFETY: the standard: a count.
        let capacity = unsafe { take(count) }?;
        // SAFETY: as above.
        unsafe { put(count, 1) }?;
        if list.is_null() {
            return Ok(());
        }
        if capacity < 1 {
            return Err(Rv::BUFFER_TOO_SMALL.into());
        }
        // SAFETY: the standard: room for as many elements as the count says.
        unsafe { put(list, INTERFACE.0) }
    })
}

/// C_GetInterface: by name (null for any), version (null for any) and flags that it must have.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetInterface(
    name: *mut CK_UTF8CHAR,
    version: *mut CK_VERSION,
    found: *mut *mut CK_INTERFACE,
    flags: CK_FLAGS,
) -> CK_RV {
    guard(|| {
        if !name.is_null() {
            // SAFETY: the standard: a terminated string.
            let name = unsafe { std::ffi::CStr::from_ptr(name.cast()) };
            if name != INTERFACE_NAME {
                return Err(Rv::FUNCTION_FAILED.into());
            }
        }
        if !version.is_null() {
            // SAFETY: the standard: a CK_VERSION.
            let version = unsafe { take(version) }?;
            if (version.major, version.minor) != (FUNCTIONS.version.major, FUNCTIONS.version.minor) {
                return Err(Rv::FUNCTION_FAILED.into());
            }
        }
        if flags & !CKF_INTERFACE_FORK_SAFE != 0 {
            return Err(Rv::FUNCTION_FAILED.into());
        }
        // SAFETY: the standard: a place for a pointer.
        unsafe { put(found, interface()) }
    })
}
