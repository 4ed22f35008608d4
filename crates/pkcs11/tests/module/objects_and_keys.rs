//! Slots, sessions, objects, attributes, searches, key management.

use std::ptr;

use crate::call;
use crate::support::hsm::Authority;
use crate::support::module::{Attributes, Session, V, checked, mechanism, newest, slots};
use crate::support::{self, Fixture};
use cryptoki_sys::*;
use strongroom_wire::Rv;

const P256: &[u8] = b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07";

fn session() -> (&'static Fixture, Session) {
    let fixture = Fixture::shared();
    (fixture, Session::open(true).unwrap())
}

fn aes(session: &Session, label: &[u8], more: &[(CK_ATTRIBUTE_TYPE, V<'_>)]) -> CK_OBJECT_HANDLE {
    let mut template = vec![(CKA_TOKEN, V::B(true)), (CKA_LABEL, V::S(label)), (CKA_VALUE_LEN, V::U(32))];
    template.extend(more.iter().map(|(kind, value)| {
        let value = match value {
            V::B(flag) => V::B(*flag),
            V::U(number) => V::U(*number),
            V::S(bytes) => V::S(bytes),
        };
        (*kind, value)
    }));
    session.generate(CKM_AES_KEY_GEN, &template).unwrap()
}

#[test]
fn there_is_one_slot_with_a_token_and_it_says_what_it_is() {
    let (_, _session) = session();
    assert_eq!(slots(), [0x2000_0000_0000_0001]);
    let mut too_few = 0;
    let mut list = [0; 1];
    let refused = call!(C_GetSlotList(CK_TRUE, list.as_mut_ptr(), &raw mut too_few));
    assert_eq!((refused, too_few), (Err(Rv::BUFFER_TOO_SMALL), 1));
    let mut info = CK_TOKEN_INFO::default();
    call!(C_GetTokenInfo(slots()[0], &raw mut info)).unwrap();
    assert_eq!(&info.label[..5], b"hsm1 ");
    assert_eq!(&info.serialNumber, b"abcdefghijk     ");
    assert_ne!(info.flags & CKF_LOGIN_REQUIRED, 0);
    assert_eq!(call!(C_GetTokenInfo(1, &raw mut info)), Err(Rv::SLOT_ID_INVALID));
    let mut count = 0;
    call!(C_GetMechanismList(slots()[0], ptr::null_mut(), &raw mut count)).unwrap();
    assert!(count > 40);
    let mut mechanism_info = CK_MECHANISM_INFO::default();
    call!(C_GetMechanismInfo(slots()[0], CKM_ECDSA, &raw mut mechanism_info)).unwrap();
    assert_eq!(mechanism_info.flags & (CKF_SIGN | CKF_EC_NAMEDCURVE), CKF_SIGN | CKF_EC_NAMEDCURVE);
    let unknown = call!(C_GetMechanismInfo(slots()[0], CKM_BLOWFISH_CBC, &raw mut mechanism_info));
    assert_eq!(unknown, Err(Rv::MECHANISM_INVALID));
}

#[test]
fn functions_that_are_not_supported_say_so() {
    let (_, session) = session();
    assert_eq!(
        call!(C_CopyObject(session.0, 1, ptr::null_mut(), 0, ptr::null_mut())),
        Err(Rv::ARGUMENTS_BAD)
    );
    let unsupported = newest().C_AsyncGetID.unwrap();
    // SAFETY: no pointer is read.
    let rv = checked(unsafe { unsupported(session.0, ptr::null_mut(), ptr::null_mut()) });
    assert_eq!(rv, Err(Rv::FUNCTION_NOT_SUPPORTED));
}

#[test]
fn sessions_are_checked() {
    let (_, _session) = session();
    assert_eq!(call!(C_CloseSession(0x7777)), Err(Rv::SESSION_HANDLE_INVALID));
    let mut handle = 0;
    let parallel = call!(C_OpenSession(slots()[0], CKF_RW_SESSION, ptr::null_mut(), None, &raw mut handle));
    assert_eq!(parallel, Err(Rv::SESSION_PARALLEL_NOT_SUPPORTED));
    let flags = CKF_SERIAL_SESSION;
    assert_eq!(
        call!(C_OpenSession(7, flags, ptr::null_mut(), None, &raw mut handle)),
        Err(Rv::SLOT_ID_INVALID)
    );
    let no_place = call!(C_OpenSession(slots()[0], flags, ptr::null_mut(), None, ptr::null_mut()));
    assert_eq!(no_place, Err(Rv::ARGUMENTS_BAD));
}

#[test]
fn attributes_are_read_with_the_standards_codes() {
    let (_, session) = session();
    let key = aes(&session, b"attributes", &[(CKA_ID, V::S(b"\x01\x02"))]);
    assert_eq!(session.get(key, CKA_LABEL).unwrap(), b"attributes");
    assert_eq!(session.get(key, CKA_ID).unwrap(), [1, 2]);
    assert_eq!(session.get(key, CKA_VALUE_LEN).unwrap(), 32_u64.to_ne_bytes());
    assert_eq!(session.get(key, CKA_TOKEN).unwrap(), [1]);
    assert_eq!(session.get(key, CKA_VALUE), Err(Rv::ATTRIBUTE_SENSITIVE));
    assert_eq!(session.get(key, CKA_MODULUS), Err(Rv::ATTRIBUTE_TYPE_INVALID));
    assert_eq!(session.get(key, 0x8765_4321), Err(Rv::ATTRIBUTE_TYPE_INVALID));
    assert_eq!(session.get(0x7777, CKA_LABEL), Err(Rv::OBJECT_HANDLE_INVALID));
    let mut small = [0_u8; 3];
    let mut wanted = CK_ATTRIBUTE { type_: CKA_LABEL, pValue: small.as_mut_ptr().cast(), ulValueLen: 3 };
    assert_eq!(call!(C_GetAttributeValue(session.0, key, &raw mut wanted, 1)), Err(Rv::BUFFER_TOO_SMALL));
    assert_eq!(wanted.ulValueLen, CK_UNAVAILABLE_INFORMATION);
    session.set(key, &[(CKA_LABEL, V::S(b"renamed")), (CKA_ID, V::S(b"\x09"))]).unwrap();
    assert_eq!(session.get(key, CKA_LABEL).unwrap(), b"renamed");
    assert_eq!(session.get(key, CKA_ID).unwrap(), [9]);
    call!(C_DestroyObject(session.0, key)).unwrap();
    assert_eq!(session.get(key, CKA_LABEL), Err(Rv::OBJECT_HANDLE_INVALID));
    assert_eq!(call!(C_DestroyObject(session.0, key)), Err(Rv::OBJECT_HANDLE_INVALID));
}

#[test]
fn a_read_only_session_makes_and_changes_no_token_object() {
    let (_, session) = session();
    let key = aes(&session, b"read-only", &[]);
    let reading = Session::open(false).unwrap();
    let template = [(CKA_TOKEN, V::B(true)), (CKA_VALUE_LEN, V::U(32))];
    assert_eq!(reading.generate(CKM_AES_KEY_GEN, &template), Err(Rv::SESSION_READ_ONLY));
    assert_eq!(reading.set(key, &[(CKA_LABEL, V::S(b"x"))]), Err(Rv::SESSION_READ_ONLY));
    assert_eq!(call!(C_DestroyObject(reading.0, key)), Err(Rv::SESSION_READ_ONLY));
    let own = reading.generate(CKM_AES_KEY_GEN, &[(CKA_VALUE_LEN, V::U(16))]).unwrap();
    call!(C_DestroyObject(reading.0, own)).unwrap();
    let mut info = CK_SESSION_INFO::default();
    call!(C_GetSessionInfo(reading.0, &raw mut info)).unwrap();
    assert_eq!(info.state, CKS_RO_USER_FUNCTIONS);
}

#[test]
fn a_search_finds_what_matches_over_several_pages() {
    let (_, session) = session();
    let made: Vec<CK_OBJECT_HANDLE> = (0..150).map(|_| aes(&session, b"many", &[])).collect();
    let mut found = session.find(&[(CKA_CLASS, V::U(CKO_SECRET_KEY)), (CKA_LABEL, V::S(b"many"))]).unwrap();
    found.sort_unstable();
    assert_eq!(found, made);
    assert!(session.find(&[(CKA_LABEL, V::S(b"none such"))]).unwrap().is_empty());
    assert!(session.find(&[(0xce53_4363, V::B(true))]).unwrap().is_empty());
    call!(C_FindObjectsInit(session.0, ptr::null_mut(), 0)).unwrap();
    assert_eq!(call!(C_FindObjectsInit(session.0, ptr::null_mut(), 0)), Err(Rv::OPERATION_ACTIVE));
    call!(C_FindObjectsFinal(session.0)).unwrap();
    assert_eq!(call!(C_FindObjectsFinal(session.0)), Err(Rv::OPERATION_NOT_INITIALIZED));
}

#[test]
fn session_objects_are_seen_by_all_sessions_of_the_process() {
    let (_, session) = session();
    let key = session
        .generate(CKM_AES_KEY_GEN, &[(CKA_VALUE_LEN, V::U(16)), (CKA_LABEL, V::S(b"passing"))])
        .unwrap();
    let other = Session::open(false).unwrap();
    assert_eq!(other.find(&[(CKA_LABEL, V::S(b"passing"))]).unwrap(), [key]);
    assert_eq!(other.get(key, CKA_TOKEN).unwrap(), [0]);
}

#[test]
fn bad_templates_have_their_codes() {
    let (_, session) = session();
    let make =
        |template: &[(CK_ATTRIBUTE_TYPE, V<'_>)]| session.generate(CKM_AES_KEY_GEN, template).unwrap_err();
    assert_eq!(make(&[]), Rv::TEMPLATE_INCOMPLETE);
    assert_eq!(make(&[(CKA_VALUE_LEN, V::B(true))]), Rv::ATTRIBUTE_VALUE_INVALID);
    assert_eq!(make(&[(0x8765_4321, V::B(true))]), Rv::ATTRIBUTE_TYPE_INVALID);
    let refused = session.generate(CKM_ECDSA, &[(CKA_VALUE_LEN, V::U(32))]);
    assert_eq!(refused, Err(Rv::MECHANISM_INVALID));
    let mut key = 0;
    let null = call!(C_GenerateKey(session.0, ptr::null_mut(), ptr::null_mut(), 0, &raw mut key));
    assert_eq!(null, Err(Rv::ARGUMENTS_BAD));
}

#[test]
fn certificates_are_kept_and_found_by_value() {
    let (_, session) = session();
    let authority = Authority::new();
    let certificate = authority.issue("certificate", (2020, 2040)).certificate;
    let template = [
        (CKA_CLASS, V::U(CKO_CERTIFICATE)),
        (CKA_CERTIFICATE_TYPE, V::U(CKC_X_509)),
        (CKA_TOKEN, V::B(true)),
        (CKA_PRIVATE, V::B(false)),
        (CKA_LABEL, V::S(b"certificate")),
        (CKA_SUBJECT, V::S(b"0\x00")),
        (CKA_VALUE, V::S(&certificate)),
    ];
    let object = session.create(&template).unwrap();
    assert_eq!(session.get(object, CKA_VALUE).unwrap(), certificate);
    assert_eq!(session.find(&[(CKA_VALUE, V::S(&certificate))]).unwrap(), [object]);
    call!(C_DestroyObject(session.0, object)).unwrap();
}

#[test]
fn keys_are_wrapped_and_unwrapped_and_the_length_query_keeps_the_result() {
    let (fixture, session) = session();
    let wrapping = aes(&session, b"wrapping", &[(CKA_WRAP, V::B(true)), (CKA_UNWRAP, V::B(true))]);
    let key = aes(&session, b"wrapped", &[(CKA_EXTRACTABLE, V::B(true)), (CKA_SIGN, V::B(true))]);
    let mut kwp = mechanism(CKM_AES_KEY_WRAP_KWP);
    let mut length = 0;
    let query = call!(C_WrapKey(session.0, &raw mut kwp, wrapping, key, ptr::null_mut(), &raw mut length));
    assert_eq!((query, length), (Ok(()), 40));
    let frames = fixture.hsm.count(strongroom_wire::Operation::WrapKey);
    let mut wrapped = [0_u8; 64];
    length = 39;
    let small =
        call!(C_WrapKey(session.0, &raw mut kwp, wrapping, key, wrapped.as_mut_ptr(), &raw mut length));
    assert_eq!((small, length), (Err(Rv::BUFFER_TOO_SMALL), 40));
    call!(C_WrapKey(session.0, &raw mut kwp, wrapping, key, wrapped.as_mut_ptr(), &raw mut length)).unwrap();
    assert_eq!(fixture.hsm.count(strongroom_wire::Operation::WrapKey), frames);
    let mut template = Attributes::new(&[
        (CKA_CLASS, V::U(CKO_SECRET_KEY)),
        (CKA_KEY_TYPE, V::U(CKK_AES)),
        (CKA_SIGN, V::B(true)),
    ]);
    let (mut raw, mut unwrapped) = (template.raw(), 0);
    let mut unwrap = |bytes: &mut [u8], count: CK_ULONG| {
        let (raw, count_of) = (raw.as_mut_ptr(), raw.len() as CK_ULONG);
        call!(C_UnwrapKey(
            session.0,
            &raw mut kwp,
            wrapping,
            bytes.as_mut_ptr(),
            count,
            raw,
            count_of,
            &raw mut unwrapped
        ))
        .map(|()| unwrapped)
    };
    let again = unwrap(&mut wrapped, length).unwrap();
    let mac = |key| session.sign(mechanism(CKM_AES_CMAC), key, b"data").unwrap();
    assert_eq!(mac(again), mac(key));
    wrapped[0] ^= 1;
    assert_eq!(unwrap(&mut wrapped, length), Err(Rv::WRAPPED_KEY_INVALID));
    let mut by_itself = length;
    let not_allowed =
        call!(C_WrapKey(session.0, &raw mut kwp, key, wrapping, wrapped.as_mut_ptr(), &raw mut by_itself));
    assert_eq!(not_allowed, Err(Rv::KEY_FUNCTION_NOT_PERMITTED));
}

#[test]
fn gcm_wraps_with_an_iv_that_the_hsm_makes() {
    let (_, session) = session();
    let wrapping = aes(&session, b"gcm wrapping", &[(CKA_WRAP, V::B(true)), (CKA_UNWRAP, V::B(true))]);
    let key = aes(&session, b"gcm wrapped", &[(CKA_EXTRACTABLE, V::B(true))]);
    let mut iv = [0_u8; 12];
    let mut parameters = CK_GCM_PARAMS {
        pIv: iv.as_mut_ptr(),
        ulIvLen: 12,
        ulIvBits: 96,
        pAAD: ptr::null_mut(),
        ulAADLen: 0,
        ulTagBits: 128,
    };
    let mut gcm = support::module::mechanism_with(CKM_AES_GCM, &mut parameters);
    let (mut wrapped, mut length) = ([0_u8; 64], 64);
    call!(C_WrapKey(session.0, &raw mut gcm, wrapping, key, wrapped.as_mut_ptr(), &raw mut length)).unwrap();
    assert_eq!(length, 48);
    assert_ne!(iv, [0; 12]);
    let mut template = Attributes::new(&[(CKA_CLASS, V::U(CKO_SECRET_KEY)), (CKA_KEY_TYPE, V::U(CKK_AES))]);
    let (mut raw, mut unwrapped) = (template.raw(), 0);
    call!(C_UnwrapKey(
        session.0,
        &raw mut gcm,
        wrapping,
        wrapped.as_mut_ptr(),
        length,
        raw.as_mut_ptr(),
        2,
        &raw mut unwrapped
    ))
    .unwrap();
    assert_eq!(session.get(unwrapped, CKA_VALUE_LEN).unwrap(), 32_u64.to_ne_bytes());
}

#[test]
fn a_type_of_key_that_no_mechanism_makes_is_refused_before_the_mechanism() {
    let (_, session) = session();
    let generate = |mechanism, key_type| {
        session.generate(mechanism, &[(CKA_KEY_TYPE, V::U(key_type)), (CKA_VALUE_LEN, V::U(32))])
    };
    let vendor = CKM_VENDOR_DEFINED | 0x4800;
    for key_type in [CKK_BLOWFISH, CKK_SHA256_HMAC] {
        assert_eq!(generate(vendor, key_type), Err(Rv::ATTRIBUTE_VALUE_INVALID));
    }
    assert_eq!(generate(vendor, CKK_GENERIC_SECRET), Err(Rv::MECHANISM_INVALID));
    for key_type in [CKK_GENERIC_SECRET, CKK_SHA256_HMAC] {
        assert!(generate(CKM_GENERIC_SECRET_KEY_GEN, key_type).is_ok());
    }
}

#[test]
fn an_ec_pair_shows_its_point_and_curve() {
    let (_, session) = session();
    let public = [(CKA_EC_PARAMS, V::S(P256)), (CKA_VERIFY, V::B(true))];
    let (public, private) =
        session.generate_pair(CKM_EC_KEY_PAIR_GEN, &public, &[(CKA_SIGN, V::B(true))]).unwrap();
    assert_eq!(session.get(public, CKA_EC_PARAMS).unwrap(), P256);
    assert_eq!(session.get(public, CKA_EC_POINT).unwrap()[..3], [4, 65, 4]);
    assert_eq!(session.get(private, CKA_EC_PARAMS).unwrap(), P256);
    assert_eq!(session.get(private, CKA_VALUE), Err(Rv::ATTRIBUTE_SENSITIVE));
    assert_eq!(session.get(private, CKA_PRIME_1), Err(Rv::ATTRIBUTE_TYPE_INVALID));
}
