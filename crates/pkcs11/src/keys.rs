//! Key management functions (PKCS #11 2.40 section 5.14): made, wrapped, unwrapped and derived in the HSM.

use cryptoki_sys::{
    CK_ATTRIBUTE, CK_BYTE, CK_MECHANISM, CK_OBJECT_HANDLE, CK_RV, CK_SESSION_HANDLE, CK_ULONG,
    CKK_GENERIC_SECRET, CKO_SECRET_KEY,
};
use strongroom_client::Profile;
use strongroom_wire::codec::List;
use strongroom_wire::messages::{
    CryptResponse, DeriveKeyRequest, GenerateKeyPairRequest, GenerateKeyRequest, ObjectsResponse,
    UnwrapKeyRequest, WrapKeyRequest,
};
use strongroom_wire::tables::Function;
use strongroom_wire::{AttributeType, AttributeValue, KeyKind, MechanismType, Operation, Rv, Template};

use crate::attributes::{array, read_template};
use crate::edge::{Failure, Output, Result, bounded, enter, failure, put};
use crate::library::Slot;
use crate::mechanism::{GCM_IV_LENGTH, Mechanism, check_key};
use crate::profile::{has_key_type, pair_mechanism, without_ignored};
use crate::session::{Operations, Session};

/// A wrapped key that is kept because only the HSM could tell its length: the next call with the same arguments gets
/// it.
#[derive(Debug)]
pub struct Wrapped {
    request: WrapKeyRequest,
    response: CryptResponse,
}

/// Refuses a type of key that no mechanism makes, whatever the mechanism: AWS's library answers the same.
fn check_key_type(profile: Profile, template: &Template) -> Result {
    if !has_key_type(profile, template) {
        return failure(Rv::ATTRIBUTE_VALUE_INVALID, "no mechanism makes this type of key");
    }
    Ok(())
}

/// The same for a key of one HMAC by a mechanism that is not here: crypto11 tries that with another vendor's numbers, and goes
/// on to a generic secret at this code but not at `CKR_MECHANISM_INVALID`.
fn without_mechanism(error: Failure, template: &Template) -> Failure {
    let kind = template.ulong(AttributeType::KeyType).and_then(KeyKind::from_key_type);
    if error.rv == Rv::MECHANISM_INVALID && kind.is_some_and(KeyKind::is_of_one_hmac) {
        return Failure { rv: Rv::ATTRIBUTE_VALUE_INVALID, ..error };
    }
    error
}

/// C_GenerateKey.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GenerateKey(
    session: CK_SESSION_HANDLE,
    mechanism: *mut CK_MECHANISM,
    template: *mut CK_ATTRIBUTE,
    count: CK_ULONG,
    key: *mut CK_OBJECT_HANDLE,
) -> CK_RV {
    enter("C_GenerateKey", |library| {
        let session = library.session(session)?;
        if key.is_null() {
            return Err(Rv::ARGUMENTS_BAD.into());
        }
        // SAFETY: the standard: that many attributes with valid values.
        let template = unsafe { read_template(array(template, count)?)? };
        check_key_type(session.slot.profile, &template)?;
        // SAFETY: the standard: a mechanism with its parameter.
        let mechanism = unsafe { Mechanism::read(mechanism, Function::Generate, session.slot.profile) }
            .map_err(|error| without_mechanism(error, &template))?;
        session.check_may_make(&template)?;
        session.check_login()?;
        let request = GenerateKeyRequest {
            mechanism: mechanism.kind.code(),
            template,
            shared_users: List(Vec::new()),
            parameters: mechanism.parameters,
            password: mechanism.password,
            quorum: None,
            request_id: None,
        };
        let response: ObjectsResponse = session.slot.client.call(Operation::GenerateKey, &request)?;
        let Some(handle) = session.keep(response).first().copied() else {
            return failure(Rv::DEVICE_ERROR, "the HSM showed no new key");
        };
        // SAFETY: the standard: a place for a handle.
        unsafe { put(key, handle) }
    })
}

/// C_GenerateKeyPair.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GenerateKeyPair(
    session: CK_SESSION_HANDLE,
    mechanism: *mut CK_MECHANISM,
    public_template: *mut CK_ATTRIBUTE,
    public_count: CK_ULONG,
    private_template: *mut CK_ATTRIBUTE,
    private_count: CK_ULONG,
    public_key: *mut CK_OBJECT_HANDLE,
    private_key: *mut CK_OBJECT_HANDLE,
) -> CK_RV {
    enter("C_GenerateKeyPair", |library| {
        let session = library.session(session)?;
        if public_key.is_null() || private_key.is_null() {
            return Err(Rv::ARGUMENTS_BAD.into());
        }
        // SAFETY: the standard: a mechanism with its parameter, that many attributes with valid values.
        let (mechanism, public_template, private_template) = unsafe {
            (
                Mechanism::read(mechanism, Function::GeneratePair, session.slot.profile)?,
                read_template(array(public_template, public_count)?)?,
                read_template(array(private_template, private_count)?)?,
            )
        };
        let profile = session.slot.profile;
        let private_template = without_ignored(profile, private_template);
        session.check_may_make(&public_template)?;
        session.check_may_make(&private_template)?;
        session.check_login()?;
        let request = GenerateKeyPairRequest {
            mechanism: pair_mechanism(profile, mechanism.kind, &public_template).code(),
            public_template,
            private_template,
            shared_users: List(Vec::new()),
            quorum: None,
            request_id: None,
        };
        let response: ObjectsResponse = session.slot.client.call(Operation::GenerateKeyPair, &request)?;
        let [public, private] = session.keep(response)[..] else {
            return failure(Rv::DEVICE_ERROR, "the HSM did not show two new keys");
        };
        // SAFETY: the standard: places for handles.
        unsafe { put(public_key, public).and_then(|()| put(private_key, private)) }
    })
}

/// Names the codes for a wrapping key as the standard does.
fn as_wrapping_key(error: Failure, invalid: Rv, inconsistent: Rv) -> Failure {
    match error.rv {
        Rv::KEY_HANDLE_INVALID | Rv::OBJECT_HANDLE_INVALID => Failure { rv: invalid, ..error },
        Rv::KEY_TYPE_INCONSISTENT => Failure { rv: inconsistent, ..error },
        _ => error,
    }
}

/// The key that is to wrap or unwrap.
///
/// # Errors
/// The codes for a handle that is not valid and for a type that does not fit are given.
pub fn key_under(
    slot: &Slot,
    handle: CK_OBJECT_HANDLE,
    mechanism: MechanismType,
    usage: AttributeType,
    codes: (Rv, Rv),
) -> Result<u64> {
    slot.key_for(handle, usage)
        .and_then(|key| {
            check_key(mechanism, &key.view.attributes)?;
            Ok(key.reference)
        })
        .map_err(|error| as_wrapping_key(error, codes.0, codes.1))
}

/// C_WrapKey. GCM: the HSM makes the IV, as with C_Encrypt.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_WrapKey(
    session: CK_SESSION_HANDLE,
    mechanism: *mut CK_MECHANISM,
    wrapping_key: CK_OBJECT_HANDLE,
    key: CK_OBJECT_HANDLE,
    wrapped: *mut CK_BYTE,
    wrapped_length: *mut CK_ULONG,
) -> CK_RV {
    enter("C_WrapKey", |library| {
        let session = library.session(session)?;
        // SAFETY: the standard: a mechanism with its parameter; a length, and null or a buffer that long.
        let (mechanism, output) = unsafe {
            (
                Mechanism::read(mechanism, Function::Wrap, session.slot.profile)?,
                Output::new(wrapped, wrapped_length)?,
            )
        };
        let codes = (Rv::WRAPPING_KEY_HANDLE_INVALID, Rv::WRAPPING_KEY_TYPE_INCONSISTENT);
        let wrapping_key =
            key_under(&session.slot, wrapping_key, mechanism.kind, AttributeType::Wrap, codes)?;
        let key = session.slot.key(key)?.reference;
        if mechanism.kind == MechanismType::AesGcm && mechanism.iv_place.is_none() {
            return failure(
                Rv::MECHANISM_PARAM_INVALID,
                "pIv must have room for the 12-byte IV that the HSM makes",
            );
        }
        if mechanism.kind == MechanismType::AesGcm {
            let given = mechanism.parameters.as_ref().and_then(|parameters| parameters.iv.as_deref());
            session.slot.check_iv_is_left_to_the_hsm(given)?;
        }
        let request = wrap_request(&mechanism, wrapping_key, key);
        let mut operations = session.operations();
        let kept = wrapped_by(&session.slot, &mut operations, request)?;
        let iv = kept.iv.clone().unwrap_or_default();
        if mechanism.kind == MechanismType::CloudhsmAesGcm {
            output.write(&[&iv[..], &kept.data].concat())?;
        } else {
            output.write(&kept.data)?;
        }
        if output.is_query() {
            return Ok(());
        }
        operations.wrapped = None;
        match mechanism.iv_place {
            // SAFETY: the standard: the parameter's buffers are valid during the call.
            Some(place) if mechanism.kind == MechanismType::AesGcm => unsafe {
                session.slot.hand_over(place, &iv)
            },
            _ => Ok(()),
        }
    })
}

fn wrap_request(mechanism: &Mechanism, wrapping_key: u64, key: u64) -> WrapKeyRequest {
    let is_gcm = matches!(mechanism.kind, MechanismType::AesGcm | MechanismType::CloudhsmAesGcm);
    let mut parameters = mechanism.parameters.clone();
    if let (true, Some(parameters)) = (is_gcm, &mut parameters) {
        parameters.iv = None;
    }
    let sent = if is_gcm { MechanismType::AesGcm } else { mechanism.kind };
    WrapKeyRequest { wrapping_key, mechanism: sent.code(), parameters, key }
}

/// What the HSM answers, now or when the length was asked for.
pub fn wrapped_by<'a>(
    slot: &Slot,
    operations: &'a mut Operations,
    request: WrapKeyRequest,
) -> Result<&'a CryptResponse> {
    let kept = match operations.wrapped.take().filter(|kept| kept.request == request) {
        Some(kept) => kept,
        None => Wrapped { response: slot.client.call(Operation::WrapKey, &request)?, request },
    };
    Ok(&operations.wrapped.insert(kept).response)
}

/// C_UnwrapKey.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_UnwrapKey(
    session: CK_SESSION_HANDLE,
    mechanism: *mut CK_MECHANISM,
    unwrapping_key: CK_OBJECT_HANDLE,
    wrapped: *mut CK_BYTE,
    wrapped_length: CK_ULONG,
    template: *mut CK_ATTRIBUTE,
    count: CK_ULONG,
    key: *mut CK_OBJECT_HANDLE,
) -> CK_RV {
    enter("C_UnwrapKey", |library| {
        let session = library.session(session)?;
        if key.is_null() {
            return Err(Rv::ARGUMENTS_BAD.into());
        }
        // SAFETY: the standard: a mechanism with its parameter, that many bytes, that many attributes.
        let (mechanism, wrapped, template) = unsafe {
            (
                Mechanism::read(mechanism, Function::Wrap, session.slot.profile)?,
                bounded(wrapped, wrapped_length)?.to_vec(),
                read_template(array(template, count)?)?,
            )
        };
        session.check_may_make(&template)?;
        let codes = (Rv::UNWRAPPING_KEY_HANDLE_INVALID, Rv::UNWRAPPING_KEY_TYPE_INCONSISTENT);
        let unwrapping_key =
            key_under(&session.slot, unwrapping_key, mechanism.kind, AttributeType::Unwrap, codes)?;
        check_key_type(session.slot.profile, &template)?;
        let (mut parameters, mut wrapped_key) = (mechanism.parameters, wrapped);
        if mechanism.kind == MechanismType::AesGcm {
            session.slot.saw_decryption(unwrapping_key, parameters.as_ref());
        }
        let mut sent = mechanism.kind;
        if mechanism.kind == MechanismType::CloudhsmAesGcm {
            if wrapped_key.len() < GCM_IV_LENGTH {
                return Err(Rv::WRAPPED_KEY_LEN_RANGE.into());
            }
            sent = MechanismType::AesGcm;
            let iv = wrapped_key.drain(..GCM_IV_LENGTH).collect();
            if let Some(parameters) = &mut parameters {
                parameters.iv = Some(iv);
            }
        }
        let request = UnwrapKeyRequest {
            unwrapping_key,
            mechanism: sent.code(),
            parameters,
            wrapped_key,
            template: with_unwrapped_type(session.slot.profile, template),
            shared_users: List(Vec::new()),
            quorum: None,
            approval: None,
            request_id: None,
        };
        let handle = unwrap(&session, &request)?;
        // SAFETY: the standard: a place for a handle.
        unsafe { put(key, handle) }
    })
}

/// Lets the HSM unwrap a key; gives its handle.
pub fn unwrap(session: &Session, request: &UnwrapKeyRequest) -> Result<CK_OBJECT_HANDLE> {
    let response: ObjectsResponse = session.slot.client.call(Operation::UnwrapKey, request)?;
    match session.keep(response).first() {
        Some(handle) => Ok(*handle),
        None => failure(Rv::DEVICE_ERROR, "the HSM showed no new key"),
    }
}

/// Without a class or a type a derived key is a generic secret, as the standard says of each function that derives.
fn with_derived_type(mut template: Template) -> Template {
    let defaults = [(AttributeType::Class, CKO_SECRET_KEY), (AttributeType::KeyType, CKK_GENERIC_SECRET)];
    for (attribute, value) in defaults {
        if template.get(attribute).is_none() {
            template.set(attribute, AttributeValue::Ulong(value));
        }
    }
    template
}

/// The same for a key that is unwrapped, where a template names neither; one that names either must name both. AWS's library
/// wants both.
pub fn with_unwrapped_type(profile: Profile, template: Template) -> Template {
    let names_any =
        [AttributeType::Class, AttributeType::KeyType].into_iter().any(|named| template.get(named).is_some());
    if names_any || profile == Profile::Aws { template } else { with_derived_type(template) }
}

/// C_DeriveKey.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_DeriveKey(
    session: CK_SESSION_HANDLE,
    mechanism: *mut CK_MECHANISM,
    base_key: CK_OBJECT_HANDLE,
    template: *mut CK_ATTRIBUTE,
    count: CK_ULONG,
    key: *mut CK_OBJECT_HANDLE,
) -> CK_RV {
    enter("C_DeriveKey", |library| {
        let session = library.session(session)?;
        if key.is_null() {
            return Err(Rv::ARGUMENTS_BAD.into());
        }
        // SAFETY: the standard: a mechanism with its parameter, that many attributes with valid values.
        let (mechanism, template) = unsafe {
            (
                Mechanism::read(mechanism, Function::Derive, session.slot.profile)?,
                read_template(array(template, count)?)?,
            )
        };
        let template = with_derived_type(template);
        session.check_may_make(&template)?;
        let codes = (Rv::KEY_HANDLE_INVALID, Rv::KEY_TYPE_INCONSISTENT);
        let base_key = key_under(&session.slot, base_key, mechanism.kind, AttributeType::Derive, codes)?;
        check_key_type(session.slot.profile, &template)?;
        let request = DeriveKeyRequest {
            base_key,
            mechanism: mechanism.kind.code(),
            parameters: mechanism.parameters,
            template,
            request_id: None,
        };
        let response: ObjectsResponse = session.slot.client.call(Operation::DeriveKey, &request)?;
        let Some(handle) = session.keep(response).first().copied() else {
            return failure(Rv::DEVICE_ERROR, "the HSM showed no new key");
        };
        // SAFETY: the standard: a place for a handle.
        unsafe { put(key, handle) }
    })
}
