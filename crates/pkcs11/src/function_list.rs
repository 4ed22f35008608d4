//! The tables of functions: C_GetFunctionList (PKCS #11 2.40 section 5.4), and C_GetInterfaceList and C_GetInterface
//! with the tables of 2.40, 3.0 and 3.2 (3.2 section 5.4).
//!
//! Each table begins with the one before it, so that a program that takes a newer one for an older finds what it expects.

use cryptoki_sys::{
    CK_FLAGS, CK_FUNCTION_LIST, CK_FUNCTION_LIST_3_0, CK_FUNCTION_LIST_3_2, CK_INTERFACE, CK_RV, CK_ULONG,
    CK_UTF8CHAR, CK_VERSION, CKF_INTERFACE_FORK_SAFE,
};
use strongroom_wire::Rv;

use crate::edge::{guard, put, put_list, take};
use crate::{
    authenticated_wrap, cancel, decrypt, digest, dual, encapsulation, encrypt, general, keys,
    message_decrypt, message_encrypt, message_sign, message_verify, objects, operation_state, pins, random,
    recover, search, sessions, sign, slots, unsupported, verify, verify_signature,
};

const VERSION_2_40: CK_VERSION = CK_VERSION { major: 2, minor: 40 };
const VERSION_3_0: CK_VERSION = CK_VERSION { major: 3, minor: 0 };
const VERSION_3_2: CK_VERSION = CK_VERSION { major: 3, minor: 2 };

/// A table with the functions of 2.40 and what a later version adds.
macro_rules! functions {
    ($list:ident, $version:ident, $information:path $(, $name:ident: $function:path)*) => {
        $list {
            version: $version,
            C_Initialize: Some(general::C_Initialize),
            C_GetInfo: Some($information),
            C_Finalize: Some(general::C_Finalize),
            C_GetFunctionList: Some(C_GetFunctionList),
            C_GetSlotList: Some(slots::C_GetSlotList),
            C_GetSlotInfo: Some(slots::C_GetSlotInfo),
            C_GetTokenInfo: Some(slots::C_GetTokenInfo),
            C_GetMechanismList: Some(slots::C_GetMechanismList),
            C_GetMechanismInfo: Some(slots::C_GetMechanismInfo),
            C_InitToken: Some(pins::C_InitToken),
            C_InitPIN: Some(pins::C_InitPIN),
            C_SetPIN: Some(pins::C_SetPIN),
            C_OpenSession: Some(sessions::C_OpenSession),
            C_CloseSession: Some(sessions::C_CloseSession),
            C_CloseAllSessions: Some(sessions::C_CloseAllSessions),
            C_GetSessionInfo: Some(sessions::C_GetSessionInfo),
            C_GetOperationState: Some(operation_state::C_GetOperationState),
            C_SetOperationState: Some(operation_state::C_SetOperationState),
            C_Login: Some(sessions::C_Login),
            C_Logout: Some(sessions::C_Logout),
            C_CreateObject: Some(objects::C_CreateObject),
            C_CopyObject: Some(objects::C_CopyObject),
            C_DestroyObject: Some(objects::C_DestroyObject),
            C_GetObjectSize: Some(objects::C_GetObjectSize),
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
            C_DigestKey: Some(digest::C_DigestKey),
            C_DigestFinal: Some(digest::C_DigestFinal),
            C_SignInit: Some(sign::C_SignInit),
            C_Sign: Some(sign::C_Sign),
            C_SignUpdate: Some(sign::C_SignUpdate),
            C_SignFinal: Some(sign::C_SignFinal),
            C_SignRecoverInit: Some(recover::C_SignRecoverInit),
            C_SignRecover: Some(recover::C_SignRecover),
            C_VerifyInit: Some(verify::C_VerifyInit),
            C_Verify: Some(verify::C_Verify),
            C_VerifyUpdate: Some(verify::C_VerifyUpdate),
            C_VerifyFinal: Some(verify::C_VerifyFinal),
            C_VerifyRecoverInit: Some(recover::C_VerifyRecoverInit),
            C_VerifyRecover: Some(recover::C_VerifyRecover),
            C_DigestEncryptUpdate: Some(dual::C_DigestEncryptUpdate),
            C_DecryptDigestUpdate: Some(dual::C_DecryptDigestUpdate),
            C_SignEncryptUpdate: Some(dual::C_SignEncryptUpdate),
            C_DecryptVerifyUpdate: Some(dual::C_DecryptVerifyUpdate),
            C_GenerateKey: Some(keys::C_GenerateKey),
            C_GenerateKeyPair: Some(keys::C_GenerateKeyPair),
            C_WrapKey: Some(keys::C_WrapKey),
            C_UnwrapKey: Some(keys::C_UnwrapKey),
            C_DeriveKey: Some(keys::C_DeriveKey),
            C_SeedRandom: Some(random::C_SeedRandom),
            C_GenerateRandom: Some(random::C_GenerateRandom),
            C_GetFunctionStatus: Some(general::C_GetFunctionStatus),
            C_CancelFunction: Some(general::C_CancelFunction),
            C_WaitForSlotEvent: Some(slots::C_WaitForSlotEvent),
            $($name: Some($function),)*
        }
    };
}

/// A table with the functions of 3.0 and what a later version adds.
macro_rules! functions_3_0 {
    ($list:ident, $version:ident, $information:path $(, $name:ident: $function:path)*) => {
        functions!(
            $list,
            $version,
            $information,
            C_GetInterfaceList: C_GetInterfaceList,
            C_GetInterface: C_GetInterface,
            C_LoginUser: sessions::C_LoginUser,
            C_SessionCancel: cancel::C_SessionCancel,
            C_MessageEncryptInit: message_encrypt::C_MessageEncryptInit,
            C_EncryptMessage: message_encrypt::C_EncryptMessage,
            C_EncryptMessageBegin: message_encrypt::C_EncryptMessageBegin,
            C_EncryptMessageNext: message_encrypt::C_EncryptMessageNext,
            C_MessageEncryptFinal: message_encrypt::C_MessageEncryptFinal,
            C_MessageDecryptInit: message_decrypt::C_MessageDecryptInit,
            C_DecryptMessage: message_decrypt::C_DecryptMessage,
            C_DecryptMessageBegin: message_decrypt::C_DecryptMessageBegin,
            C_DecryptMessageNext: message_decrypt::C_DecryptMessageNext,
            C_MessageDecryptFinal: message_decrypt::C_MessageDecryptFinal,
            C_MessageSignInit: message_sign::C_MessageSignInit,
            C_SignMessage: message_sign::C_SignMessage,
            C_SignMessageBegin: message_sign::C_SignMessageBegin,
            C_SignMessageNext: message_sign::C_SignMessageNext,
            C_MessageSignFinal: message_sign::C_MessageSignFinal,
            C_MessageVerifyInit: message_verify::C_MessageVerifyInit,
            C_VerifyMessage: message_verify::C_VerifyMessage,
            C_VerifyMessageBegin: message_verify::C_VerifyMessageBegin,
            C_VerifyMessageNext: message_verify::C_VerifyMessageNext,
            C_MessageVerifyFinal: message_verify::C_MessageVerifyFinal
            $(, $name: $function)*
        )
    };
}

static FUNCTIONS: CK_FUNCTION_LIST = functions!(CK_FUNCTION_LIST, VERSION_2_40, general::C_GetInfo);

static FUNCTIONS_3_0: CK_FUNCTION_LIST_3_0 =
    functions_3_0!(CK_FUNCTION_LIST_3_0, VERSION_3_0, general::information_3_0);

static FUNCTIONS_3_2: CK_FUNCTION_LIST_3_2 = functions_3_0!(
    CK_FUNCTION_LIST_3_2,
    VERSION_3_2,
    general::information_3_2,
    C_EncapsulateKey: encapsulation::C_EncapsulateKey,
    C_DecapsulateKey: encapsulation::C_DecapsulateKey,
    C_VerifySignatureInit: verify_signature::C_VerifySignatureInit,
    C_VerifySignature: verify_signature::C_VerifySignature,
    C_VerifySignatureUpdate: verify_signature::C_VerifySignatureUpdate,
    C_VerifySignatureFinal: verify_signature::C_VerifySignatureFinal,
    C_GetSessionValidationFlags: sessions::C_GetSessionValidationFlags,
    C_AsyncComplete: unsupported::C_AsyncComplete,
    C_AsyncGetID: unsupported::C_AsyncGetID,
    C_AsyncJoin: unsupported::C_AsyncJoin,
    C_WrapKeyAuthenticated: authenticated_wrap::C_WrapKeyAuthenticated,
    C_UnwrapKeyAuthenticated: authenticated_wrap::C_UnwrapKeyAuthenticated
);

const INTERFACE_NAME: &std::ffi::CStr = c"PKCS 11";

/// An interface and its version.
struct Interface(CK_INTERFACE, CK_VERSION);

// SAFETY: both pointers are to immutable statics.
unsafe impl Sync for Interface {}

const fn interface<T>(functions: *const T, version: CK_VERSION) -> Interface {
    let interface = CK_INTERFACE {
        pInterfaceName: INTERFACE_NAME.as_ptr().cast::<CK_UTF8CHAR>().cast_mut(),
        pFunctionList: functions.cast_mut().cast(),
        flags: CKF_INTERFACE_FORK_SAFE,
    };
    Interface(interface, version)
}

/// The newest first: it is what a program gets that names no version.
static INTERFACES: [Interface; 3] = [
    interface(&raw const FUNCTIONS_3_2, VERSION_3_2),
    interface(&raw const FUNCTIONS_3_0, VERSION_3_0),
    interface(&raw const FUNCTIONS, VERSION_2_40),
];

/// C_GetFunctionList: may be called before C_Initialize. The functions of 2.40.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetFunctionList(list: *mut *mut CK_FUNCTION_LIST) -> CK_RV {
    // SAFETY: the standard: a place for a pointer.
    guard(|| unsafe { put(list, (&raw const FUNCTIONS).cast_mut()) })
}

/// C_GetInterfaceList: may be called before C_Initialize.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetInterfaceList(list: *mut CK_INTERFACE, count: *mut CK_ULONG) -> CK_RV {
    guard(|| {
        let interfaces = INTERFACES.each_ref().map(|interface| interface.0);
        // SAFETY: the standard: a count, and null or that many elements.
        unsafe { put_list(&interfaces, list, count) }
    })
}

/// C_GetInterface: the first by name (null for any), version (null for any) and flags that it must have. May be called
/// before C_Initialize.
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
        // SAFETY: the standard: null or a CK_VERSION.
        let version = if version.is_null() { None } else { Some(unsafe { take(version) }?) };
        let is_asked_for = |interface: &&Interface| {
            let Interface(interface, offered) = interface;
            version.is_none_or(|asked| (asked.major, asked.minor) == (offered.major, offered.minor))
                && flags & !interface.flags == 0
        };
        match INTERFACES.iter().find(is_asked_for) {
            // SAFETY: the standard: a place for a pointer.
            Some(interface) => unsafe { put(found, (&raw const interface.0).cast_mut()) },
            None => Err(Rv::FUNCTION_FAILED.into()),
        }
    })
}
