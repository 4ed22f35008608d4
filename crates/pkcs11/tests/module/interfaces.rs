//! The tables of functions by version, and what 3.0 and 3.2 add to sessions and signatures.

use std::ptr;

use cryptoki_sys::*;
use strongroom_pkcs11::function_list::{C_GetInterface, C_GetInterfaceList};
use strongroom_wire::Rv;

use crate::call;
use crate::support::Fixture;
use crate::support::module::{Attributes, Session, V, checked, functions, mechanism, newest};

const P256: &[u8] = b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07";

fn session() -> Session {
    Fixture::shared();
    Session::open(true).unwrap()
}

fn secret(session: &Session) -> CK_OBJECT_HANDLE {
    let usage = [(CKA_VALUE_LEN, V::U(32)), (CKA_SIGN, V::B(true)), (CKA_VERIFY, V::B(true))];
    session.generate(CKM_GENERIC_SECRET_KEY_GEN, &usage).unwrap()
}

fn interface(name: Option<&std::ffi::CStr>, version: Option<(u8, u8)>, flags: CK_FLAGS) -> Option<(u8, u8)> {
    let name = name.map_or(ptr::null_mut(), |name| name.as_ptr().cast::<u8>().cast_mut());
    let mut version = version.map(|(major, minor)| CK_VERSION { major, minor });
    let version = version.as_mut().map_or(ptr::null_mut(), ptr::from_mut);
    let mut found = ptr::null_mut();
    // SAFETY: a terminated name, a version and a place for a pointer; what is found is a static of the library.
    unsafe {
        match checked(C_GetInterface(name, version, &raw mut found, flags)) {
            Ok(()) => {
                let version = *(*found).pFunctionList.cast::<CK_VERSION>();
                Some((version.major, version.minor))
            }
            Err(rv) => {
                assert_eq!(rv, Rv::FUNCTION_FAILED);
                None
            }
        }
    }
}

#[test]
fn three_interfaces_are_listed_and_every_function_of_them_is_there() {
    let mut count = 0;
    let list = |list: *mut CK_INTERFACE, count: &mut CK_ULONG| {
        // SAFETY: null or room for as many as the count says.
        checked(unsafe { C_GetInterfaceList(list, ptr::from_mut(count)) })
    };
    list(ptr::null_mut(), &mut count).unwrap();
    assert_eq!(count, 3);
    let mut interfaces = [CK_INTERFACE::default(); 3];
    count = 2;
    assert_eq!(list(interfaces.as_mut_ptr(), &mut count), Err(Rv::BUFFER_TOO_SMALL));
    list(interfaces.as_mut_ptr(), &mut count).unwrap();
    let sizes =
        [size_of::<CK_FUNCTION_LIST_3_2>(), size_of::<CK_FUNCTION_LIST_3_0>(), size_of::<CK_FUNCTION_LIST>()];
    for (interface, size) in interfaces.iter().zip(sizes) {
        assert_eq!(interface.flags, CKF_INTERFACE_FORK_SAFE);
        let places = size / size_of::<usize>();
        // SAFETY: a table is a version, padded to a pointer, and pointers; the name is terminated.
        let (name, table) = unsafe {
            (
                std::ffi::CStr::from_ptr(interface.pInterfaceName.cast()),
                std::slice::from_raw_parts(interface.pFunctionList.cast::<usize>(), places),
            )
        };
        assert_eq!(name, c"PKCS 11");
        assert!(table[1..].iter().all(|function| *function != 0));
    }
}

#[test]
fn an_interface_is_found_by_name_version_and_flags() {
    assert_eq!(interface(None, None, 0), Some((3, 2)));
    assert_eq!(interface(Some(c"PKCS 11"), None, CKF_INTERFACE_FORK_SAFE), Some((3, 2)));
    for version in [(2, 40), (3, 0), (3, 2)] {
        assert_eq!(interface(Some(c"PKCS 11"), Some(version), 0), Some(version));
        assert_eq!(interface(None, Some(version), CKF_INTERFACE_FORK_SAFE), Some(version));
    }
    assert_eq!(interface(None, Some((3, 1)), 0), None);
    assert_eq!(interface(Some(c"Vendor 11"), None, 0), None);
    assert_eq!(interface(None, None, 2), None);
    // SAFETY: null is refused.
    let no_place = checked(unsafe { C_GetInterface(ptr::null_mut(), ptr::null_mut(), ptr::null_mut(), 0) });
    assert_eq!(no_place, Err(Rv::ARGUMENTS_BAD));
}

#[test]
fn each_table_tells_its_own_version() {
    let _session = session();
    let mut info = CK_INFO::default();
    call!(C_GetInfo(&raw mut info)).unwrap();
    assert_eq!((info.cryptokiVersion.major, info.cryptokiVersion.minor), (2, 40));
    call!(newest C_GetInfo(&raw mut info)).unwrap();
    assert_eq!((info.cryptokiVersion.major, info.cryptokiVersion.minor), (3, 2));
    assert_eq!((newest().version.major, functions().version.major), (3, 2));
}

#[test]
fn functions_that_are_not_there_say_so() {
    let session = session();
    let complete = call!(newest C_AsyncComplete(session.0, ptr::null_mut(), ptr::null_mut()));
    assert_eq!(complete, Err(Rv::FUNCTION_NOT_SUPPORTED));
    let slot = crate::support::module::slots()[0];
    let mut handle = 0;
    let flags = CKF_SERIAL_SESSION | CKF_ASYNC_SESSION;
    let opened = call!(C_OpenSession(slot, flags, ptr::null_mut(), None, &raw mut handle));
    assert_eq!(opened, Err(Rv::SESSION_ASYNC_NOT_SUPPORTED));
}

#[test]
fn a_session_has_no_validation_flags() {
    let session = session();
    let mut flags = 7;
    let mut ask = |kind| call!(newest C_GetSessionValidationFlags(session.0, kind, &raw mut flags));
    assert_eq!((ask(CKS_LAST_VALIDATION_OK), ask(2)), (Ok(()), Ok(())));
    assert_eq!(flags, 0);
    let no_place =
        call!(newest C_GetSessionValidationFlags(session.0, CKS_LAST_VALIDATION_OK, ptr::null_mut()));
    assert_eq!(no_place, Err(Rv::ARGUMENTS_BAD));
}

#[test]
fn cancelling_ends_what_is_named_and_nothing_else() {
    let session = session();
    let key = secret(&session);
    let (mut sign, mut digest) = (mechanism(CKM_SHA256_HMAC), mechanism(CKM_SHA256));
    call!(C_SignInit(session.0, &raw mut sign, key)).unwrap();
    call!(C_VerifyInit(session.0, &raw mut sign, key)).unwrap();
    call!(C_DigestInit(session.0, &raw mut digest)).unwrap();
    let mut template = Attributes::new(&[]).raw();
    call!(C_FindObjectsInit(session.0, template.as_mut_ptr(), 0)).unwrap();
    call!(newest C_SessionCancel(session.0, 0)).unwrap();
    assert_eq!(call!(C_SignInit(session.0, &raw mut sign, key)), Err(Rv::OPERATION_ACTIVE));
    // A flag of what is not active is ignored.
    call!(newest C_SessionCancel(session.0, CKF_SIGN | CKF_FIND_OBJECTS | CKF_ENCRYPT)).unwrap();
    let mut byte = 0_u8;
    assert_eq!(call!(C_SignUpdate(session.0, &raw mut byte, 1)), Err(Rv::OPERATION_NOT_INITIALIZED));
    assert_eq!(call!(C_FindObjectsFinal(session.0)), Err(Rv::OPERATION_NOT_INITIALIZED));
    call!(C_VerifyUpdate(session.0, &raw mut byte, 1)).unwrap();
    call!(C_DigestUpdate(session.0, &raw mut byte, 1)).unwrap();
    call!(newest C_SessionCancel(session.0, CKF_VERIFY | CKF_DIGEST)).unwrap();
    assert_eq!(call!(C_DigestUpdate(session.0, &raw mut byte, 1)), Err(Rv::OPERATION_NOT_INITIALIZED));
    assert_eq!(call!(newest C_SessionCancel(0x7777, CKF_SIGN)), Err(Rv::SESSION_HANDLE_INVALID));
}

#[test]
fn a_bad_pointer_ends_the_operation() {
    let session = session();
    let key = secret(&session);
    let (mut sign, mut digest) = (mechanism(CKM_SHA256_HMAC), mechanism(CKM_SHA256));
    for _ in 0..2 {
        call!(C_SignInit(session.0, &raw mut sign, key)).unwrap();
        let no_length = call!(C_Sign(session.0, ptr::null_mut(), 0, ptr::null_mut(), ptr::null_mut()));
        assert_eq!(no_length, Err(Rv::ARGUMENTS_BAD));
        call!(C_DigestInit(session.0, &raw mut digest)).unwrap();
        assert_eq!(call!(C_DigestUpdate(session.0, ptr::null_mut(), 5)), Err(Rv::ARGUMENTS_BAD));
        call!(C_DigestInit(session.0, &raw mut digest)).unwrap();
        assert_eq!(call!(C_DigestFinal(session.0, ptr::null_mut(), ptr::null_mut())), Err(Rv::ARGUMENTS_BAD));
    }
    let usage = [(CKA_VALUE_LEN, V::U(32)), (CKA_ENCRYPT, V::B(true)), (CKA_DECRYPT, V::B(true))];
    let (key, mut ecb) = (session.generate(CKM_AES_KEY_GEN, &usage).unwrap(), mechanism(CKM_AES_ECB));
    let (mut block, mut length) = ([0_u8; 16], 16);
    let (out, size) = (block.as_mut_ptr(), &raw mut length);
    for function in [functions().C_Encrypt, functions().C_EncryptUpdate] {
        for (data, length) in [(ptr::null_mut(), size), (out, ptr::null_mut())] {
            call!(C_EncryptInit(session.0, &raw mut ecb, key)).unwrap();
            // SAFETY: null pointers are what is tested.
            let refused = checked(unsafe { function.unwrap()(session.0, data, 16, out, length) });
            assert_eq!(refused, Err(Rv::ARGUMENTS_BAD));
        }
    }
    call!(C_DecryptInit(session.0, &raw mut ecb, key)).unwrap();
    assert_eq!(call!(C_DecryptFinal(session.0, out, ptr::null_mut())), Err(Rv::ARGUMENTS_BAD));
    call!(C_DecryptInit(session.0, &raw mut ecb, key)).unwrap();
}

#[test]
fn session_objects_end_with_the_session_that_made_them() {
    let (session, other) = (session(), session());
    let key = secret(&other);
    let token = [(CKA_VALUE_LEN, V::U(32)), (CKA_SIGN, V::B(true)), (CKA_TOKEN, V::B(true))];
    let kept = other.generate(CKM_GENERIC_SECRET_KEY_GEN, &token).unwrap();
    session.sign(mechanism(CKM_SHA256_HMAC), key, b"data").unwrap();
    drop(other);
    assert_eq!(session.get(key, CKA_LABEL), Err(Rv::OBJECT_HANDLE_INVALID));
    assert_eq!(session.sign(mechanism(CKM_SHA256_HMAC), key, b"data"), Err(Rv::KEY_HANDLE_INVALID));
    session.sign(mechanism(CKM_SHA256_HMAC), kept, b"data").unwrap();
    call!(C_DestroyObject(session.0, kept)).unwrap();
}

#[test]
fn unknown_classes_and_types_are_refused_here() {
    let session = session();
    let parameters = [(CKA_CLASS, V::U(CKO_DOMAIN_PARAMETERS)), (CKA_VALUE, V::S(b"parameters"))];
    assert_eq!(session.create(&parameters), Err(Rv::ATTRIBUTE_VALUE_INVALID));
    let key_type =
        [(CKA_CLASS, V::U(CKO_SECRET_KEY)), (CKA_KEY_TYPE, V::U(CKK_BLOWFISH)), (CKA_VALUE, V::S(&[1; 32]))];
    assert_eq!(session.create(&key_type), Err(Rv::TEMPLATE_INCONSISTENT));
}

#[test]
fn init_without_a_mechanism_ends_the_operation() {
    let session = session();
    let key = secret(&session);
    let mut sign = mechanism(CKM_SHA256_HMAC);
    assert_eq!(call!(C_SignInit(session.0, ptr::null_mut(), key)), Err(Rv::ARGUMENTS_BAD));
    call!(C_SignInit(session.0, &raw mut sign, key)).unwrap();
    call!(C_SignInit(session.0, ptr::null_mut(), 0)).unwrap();
    let mut byte = 0_u8;
    assert_eq!(call!(C_SignUpdate(session.0, &raw mut byte, 1)), Err(Rv::OPERATION_NOT_INITIALIZED));
}

#[test]
fn a_signature_that_is_known_first_is_verified_whole_and_in_parts() {
    let session = session();
    let (public, private) = session
        .generate_pair(
            CKM_EC_KEY_PAIR_GEN,
            &[(CKA_EC_PARAMS, V::S(P256)), (CKA_VERIFY, V::B(true))],
            &[(CKA_SIGN, V::B(true))],
        )
        .unwrap();
    let mut how = mechanism(CKM_ECDSA_SHA256);
    let mut data = *b"what was signed";
    let mut signature = session.sign(how, private, &data).unwrap();
    let mut init = |signature: &mut [u8]| {
        let length = signature.len() as CK_ULONG;
        call!(newest C_VerifySignatureInit(session.0, &raw mut how, public, signature.as_mut_ptr(), length))
    };
    let length = data.len() as CK_ULONG;
    init(&mut signature).unwrap();
    assert_eq!(init(&mut signature), Err(Rv::OPERATION_ACTIVE));
    call!(newest C_VerifySignature(session.0, data.as_mut_ptr(), length)).unwrap();
    init(&mut signature).unwrap();
    call!(newest C_VerifySignatureUpdate(session.0, data.as_mut_ptr(), 4)).unwrap();
    let whole = call!(newest C_VerifySignature(session.0, data.as_mut_ptr(), 4));
    assert_eq!(whole, Err(Rv::OPERATION_ACTIVE));
    call!(newest C_VerifySignatureUpdate(session.0, data[4..].as_mut_ptr(), length - 4)).unwrap();
    call!(newest C_VerifySignatureFinal(session.0)).unwrap();
    assert_eq!(call!(newest C_VerifySignatureFinal(session.0)), Err(Rv::OPERATION_NOT_INITIALIZED));
    init(&mut signature[1..]).unwrap();
    let short = call!(newest C_VerifySignature(session.0, data.as_mut_ptr(), length));
    assert_eq!(short, Err(Rv::SIGNATURE_LEN_RANGE));
    signature[5] ^= 1;
    init(&mut signature).unwrap();
    let altered = call!(newest C_VerifySignature(session.0, data.as_mut_ptr(), length));
    assert_eq!(altered, Err(Rv::SIGNATURE_INVALID));
}
