//! Slot and token management functions (PKCS #11 2.40 section 5.5). A cluster is a slot with a token.

use std::sync::atomic::Ordering;
use std::time::Duration;

use cryptoki_sys::{
    CK_BBOOL, CK_FLAGS, CK_MECHANISM_INFO, CK_MECHANISM_TYPE, CK_RV, CK_SLOT_ID, CK_SLOT_INFO, CK_TOKEN_INFO,
    CK_ULONG, CK_VERSION, CK_VOID_PTR, CKF_DECAPSULATE, CKF_DECRYPT, CKF_DERIVE, CKF_DIGEST, CKF_DONT_BLOCK,
    CKF_DUAL_CRYPTO_OPERATIONS, CKF_EC_F_P, CKF_EC_NAMEDCURVE, CKF_EC_UNCOMPRESS, CKF_ENCAPSULATE,
    CKF_ENCRYPT, CKF_GENERATE, CKF_GENERATE_KEY_PAIR, CKF_HW, CKF_LOGIN_REQUIRED, CKF_MESSAGE_DECRYPT,
    CKF_MESSAGE_ENCRYPT, CKF_MESSAGE_SIGN, CKF_MESSAGE_VERIFY, CKF_MULTI_MESSAGE, CKF_RNG, CKF_SIGN,
    CKF_SIGN_RECOVER, CKF_TOKEN_INITIALIZED, CKF_TOKEN_PRESENT, CKF_UNWRAP, CKF_USER_PIN_INITIALIZED,
    CKF_VERIFY, CKF_VERIFY_RECOVER, CKF_WRAP,
};
use strongroom_client::{Level, Profile};
use strongroom_wire::tables::Function;
use strongroom_wire::{KeyKind, MechanismType, Role, Rv};

use crate::edge::{Failure, UNAVAILABLE, enter, failure, guard, padded, put, put_list};
use crate::fork;
use crate::general::{MANUFACTURER, library_version};
use crate::library::{FIRST_SLOT, Slot};
use crate::message_cipher::takes_messages;
use crate::message_sign::signs_messages;
use crate::pins::has_role;
use crate::profile::offers;

/// Token label of the first cluster, as AWS's SDK 5 shows it; further ones count on.
const LABEL: &str = "hsm";
const MODEL: &str = "Strongroom HSM";
/// Name (1 to 31 characters), colon, password (8 to 32; aws-cloudhsm.md 3.3).
const PIN_LENGTHS: (CK_ULONG, CK_ULONG) = (10, 31 + 1 + 32);

/// C_GetSlotList: every slot has a token.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetSlotList(
    _present: CK_BBOOL,
    list: *mut CK_SLOT_ID,
    count: *mut CK_ULONG,
) -> CK_RV {
    enter("C_GetSlotList", |library| {
        let slots: Vec<CK_SLOT_ID> = library.slots.iter().map(|slot| slot.id).collect();
        // SAFETY: the standard: a count and null or that many elements.
        unsafe { put_list(&slots, list, count) }
    })
}

/// How often a call that waits for an event looks whether the library is still there.
const TICK: Duration = Duration::from_millis(100);

/// C_WaitForSlotEvent: slots are those of the configuration and never change, so that waiting ends with C_Finalize.
///
/// # Safety
/// Reads and writes nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_WaitForSlotEvent(
    flags: CK_FLAGS,
    slot: *mut CK_SLOT_ID,
    reserved: CK_VOID_PTR,
) -> CK_RV {
    let checked = enter("C_WaitForSlotEvent", |library| {
        if library.slots.iter().all(|slot| slot.profile == Profile::Aws) {
            return failure(Rv::FUNCTION_NOT_SUPPORTED, "the profile aws does not have this function");
        }
        if slot.is_null() || !reserved.is_null() { Err(Rv::ARGUMENTS_BAD.into()) } else { Ok(()) }
    });
    if checked != Rv::OK.0 {
        return checked;
    }
    if flags & CKF_DONT_BLOCK != 0 {
        return Rv::NO_EVENT.0;
    }
    guard(|| {
        loop {
            fork::library()?;
            std::thread::sleep(TICK);
        }
    })
}

/// C_GetSlotInfo.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetSlotInfo(slot: CK_SLOT_ID, info: *mut CK_SLOT_INFO) -> CK_RV {
    enter("C_GetSlotInfo", |library| {
        let slot = library.slot(slot)?;
        let name = slot.cluster_id.as_deref().unwrap_or("cluster");
        let value = CK_SLOT_INFO {
            slotDescription: padded(&format!("Strongroom {name}")),
            manufacturerID: padded(MANUFACTURER),
            flags: CKF_TOKEN_PRESENT,
            hardwareVersion: CK_VERSION { major: 0, minor: 0 },
            firmwareVersion: library_version(),
        };
        // SAFETY: the standard: a place for a CK_SLOT_INFO.
        unsafe { put(info, value) }
    })
}

fn token_flags(slot: &Slot) -> CK_FLAGS {
    let flags = CKF_RNG | CKF_LOGIN_REQUIRED;
    match slot.profile {
        Profile::Standard => flags | CKF_DUAL_CRYPTO_OPERATIONS | initialized(slot),
        Profile::Aws => flags | CKF_TOKEN_INITIALIZED | CKF_USER_PIN_INITIALIZED,
    }
}

/// Whether the cluster is activated, and has a crypto-user: asked until it was so once, since the list of users may be long.
/// Where an HSM cannot say it, both are taken for granted: a program that goes on learns more with its login.
fn initialized(slot: &Slot) -> CK_FLAGS {
    let both = CKF_TOKEN_INITIALIZED | CKF_USER_PIN_INITIALIZED;
    if slot.had_users.load(Ordering::Relaxed) || slot.client.role() == Some(Role::CryptoUser) {
        return both;
    }
    match slot.users() {
        Ok(users) if has_role(&users, Role::UnactivatedAdmin) => 0,
        Ok(users) if has_role(&users, Role::CryptoUser) => {
            slot.had_users.store(true, Ordering::Relaxed);
            both
        }
        Ok(_) => CKF_TOKEN_INITIALIZED,
        Err(error) => {
            let text = format!("C_GetTokenInfo: the users are not known: {} {}", error.rv.name(), error.text);
            slot.client.log().write(Level::Warn, &text);
            both
        }
    }
}

/// C_GetTokenInfo. `CKR_TOKEN_NOT_PRESENT` when no HSM of the cluster can be reached.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetTokenInfo(slot: CK_SLOT_ID, info: *mut CK_TOKEN_INFO) -> CK_RV {
    enter("C_GetTokenInfo", |library| {
        let slot = library.slot(slot)?;
        slot.client
            .connect()
            .map_err(|error| Failure { rv: Rv::TOKEN_NOT_PRESENT, ..Failure::from(error) })?;
        let cluster_id = slot.client.cluster_id().unwrap_or_default();
        let (sessions, read_write) = library.session_counts(slot.id);
        let value = CK_TOKEN_INFO {
            label: padded(&format!("{LABEL}{}", slot.id - FIRST_SLOT + 1)),
            manufacturerID: padded(MANUFACTURER),
            model: padded(MODEL),
            serialNumber: padded(cluster_id.strip_prefix("cluster-").unwrap_or(&cluster_id)),
            flags: token_flags(slot),
            ulMaxSessionCount: slot.max_sessions as CK_ULONG,
            ulSessionCount: sessions as CK_ULONG,
            ulMaxRwSessionCount: slot.max_sessions as CK_ULONG,
            ulRwSessionCount: read_write as CK_ULONG,
            ulMaxPinLen: PIN_LENGTHS.1,
            ulMinPinLen: PIN_LENGTHS.0,
            ulTotalPublicMemory: UNAVAILABLE,
            ulFreePublicMemory: UNAVAILABLE,
            ulTotalPrivateMemory: UNAVAILABLE,
            ulFreePrivateMemory: UNAVAILABLE,
            hardwareVersion: CK_VERSION { major: 0, minor: 0 },
            firmwareVersion: library_version(),
            utcTime: [b' '; 16],
        };
        // SAFETY: the standard: a place for a CK_TOKEN_INFO.
        unsafe { put(info, value) }
    })
}

/// What a mechanism can do in a slot's cluster; digests are the library's own.
fn functions(slot: &Slot, mechanism: MechanismType) -> Vec<Function> {
    if !offers(slot.profile, mechanism) {
        return Vec::new();
    }
    let is_fips = slot.client.is_fips();
    let allowed = |function: &&Function| {
        (!is_fips || !mechanism.fips_refused().contains(function))
            && (slot.profile == Profile::Standard || **function != Function::Recover)
    };
    mechanism.functions().iter().filter(allowed).copied().collect()
}

/// The mechanisms of a slot.
pub fn mechanisms(slot: &Slot) -> impl Iterator<Item = MechanismType> {
    MechanismType::ALL.iter().copied().filter(|mechanism| !functions(slot, *mechanism).is_empty())
}

/// C_GetMechanismList.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetMechanismList(
    slot: CK_SLOT_ID,
    list: *mut CK_MECHANISM_TYPE,
    count: *mut CK_ULONG,
) -> CK_RV {
    enter("C_GetMechanismList", |library| {
        let slot = library.slot(slot)?;
        let numbers: Vec<CK_MECHANISM_TYPE> = mechanisms(slot).map(|mechanism| mechanism.code()).collect();
        // SAFETY: the standard: a count and null or that many elements.
        unsafe { put_list(&numbers, list, count) }
    })
}

/// C_GetMechanismInfo.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetMechanismInfo(
    slot: CK_SLOT_ID,
    mechanism: CK_MECHANISM_TYPE,
    info: *mut CK_MECHANISM_INFO,
) -> CK_RV {
    enter("C_GetMechanismInfo", |library| {
        let slot = library.slot(slot)?;
        let mechanism = MechanismType::from_code(mechanism).ok_or(Failure::from(Rv::MECHANISM_INVALID))?;
        let functions = functions(slot, mechanism);
        if functions.is_empty() {
            return Err(Rv::MECHANISM_INVALID.into());
        }
        let mut flags = functions.into_iter().fold(0, |flags, function| flags | flag(function));
        if takes_messages(mechanism) && slot.profile == Profile::Standard {
            flags |= CKF_MESSAGE_ENCRYPT | CKF_MESSAGE_DECRYPT | CKF_MULTI_MESSAGE;
        }
        if signs_messages(slot.profile, mechanism) {
            flags |= CKF_MESSAGE_SIGN | CKF_MESSAGE_VERIFY | CKF_MULTI_MESSAGE;
        }
        if slot.client.is_fips() && mechanism.is_fips_legacy() {
            flags &= !(CKF_ENCRYPT | CKF_SIGN | CKF_MESSAGE_SIGN);
        }
        if mechanism.key_kinds().contains(&KeyKind::Ec) {
            flags |= CKF_EC_F_P | CKF_EC_NAMEDCURVE | CKF_EC_UNCOMPRESS;
        }
        let (smallest, largest) = mechanism.key_sizes();
        let value = CK_MECHANISM_INFO { ulMinKeySize: smallest, ulMaxKeySize: largest, flags };
        // SAFETY: the standard: a place for a CK_MECHANISM_INFO.
        unsafe { put(info, value) }
    })
}

/// `CKF_HW`: done by the device, not in this library (PKCS #11 2.40 section 3.2, CK_MECHANISM_INFO).
fn flag(function: Function) -> CK_FLAGS {
    match function {
        Function::Generate => CKF_HW | CKF_GENERATE,
        Function::GeneratePair => CKF_HW | CKF_GENERATE_KEY_PAIR,
        Function::Sign => CKF_HW | CKF_SIGN | CKF_VERIFY,
        Function::Recover => CKF_HW | CKF_SIGN_RECOVER | CKF_VERIFY_RECOVER,
        Function::Encrypt => CKF_HW | CKF_ENCRYPT | CKF_DECRYPT,
        Function::Wrap => CKF_HW | CKF_WRAP | CKF_UNWRAP,
        Function::Derive => CKF_HW | CKF_DERIVE,
        Function::Encapsulate => CKF_HW | CKF_ENCAPSULATE | CKF_DECAPSULATE,
        Function::Digest => CKF_DIGEST,
    }
}
