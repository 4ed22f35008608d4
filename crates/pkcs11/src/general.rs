//! General purpose functions (PKCS #11 2.40 section 5.4).

use std::io::Write;

use cryptoki_sys::{
    CK_C_INITIALIZE_ARGS, CK_INFO, CK_RV, CK_SESSION_HANDLE, CK_VERSION, CK_VOID_PTR, CKF_OS_LOCKING_OK,
};
use strongroom_client::Config;
use strongroom_wire::Rv;

use crate::edge::{Result, enter, failure, guard, padded, put, take};
use crate::fork;
use crate::library::Library;

/// Who made the library, as info structures show it.
pub const MANUFACTURER: &str = "Strongroom";

/// The version in `CK_VERSION` form: 0.1.0 is 0.1.
pub fn library_version() -> CK_VERSION {
    let part = |text: &str| text.parse().unwrap_or(0);
    CK_VERSION { major: part(env!("CARGO_PKG_VERSION_MAJOR")), minor: part(env!("CARGO_PKG_VERSION_MINOR")) }
}

/// C_Initialize: reads the configuration, connects nothing. A missing or broken configuration is `CKR_GENERAL_ERROR`
/// and one line on standard error that says which path and what to do.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_Initialize(arguments: CK_VOID_PTR) -> CK_RV {
    guard(|| {
        if !arguments.is_null() {
            // SAFETY: the standard: null or a CK_C_INITIALIZE_ARGS.
            check_arguments(&unsafe { take(arguments.cast::<CK_C_INITIALIZE_ARGS>()) }?)?;
        }
        fork::initialize(|| {
            let library = Config::find().map_err(Into::into).and_then(Library::new);
            if let Err(failure) = &library {
                // The log's place is in the configuration, so this goes to standard error; if that is closed, nowhere.
                let _ = writeln!(std::io::stderr(), "strongroom_pkcs11: {}", failure.text);
            }
            library
        })
    })
}

/// The library locks with the operating system's means, in any case.
fn check_arguments(arguments: &CK_C_INITIALIZE_ARGS) -> Result {
    if !arguments.pReserved.is_null() {
        return Err(Rv::ARGUMENTS_BAD.into());
    }
    let callbacks = [
        arguments.CreateMutex.is_some(),
        arguments.DestroyMutex.is_some(),
        arguments.LockMutex.is_some(),
        arguments.UnlockMutex.is_some(),
    ];
    if callbacks.contains(&true) && callbacks.contains(&false) {
        return Err(Rv::ARGUMENTS_BAD.into());
    }
    if callbacks[0] && arguments.flags & CKF_OS_LOCKING_OK == 0 {
        return failure(Rv::CANT_LOCK, "only the application's own mutexes are offered");
    }
    Ok(())
}

/// C_Finalize.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_Finalize(reserved: CK_VOID_PTR) -> CK_RV {
    guard(|| {
        if !reserved.is_null() {
            return Err(Rv::ARGUMENTS_BAD.into());
        }
        fork::finalize()?.close();
        Ok(())
    })
}

/// C_GetFunctionStatus: since PKCS #11 2.0 no function runs in parallel to its caller.
///
/// # Safety
/// Reads no argument.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetFunctionStatus(session: CK_SESSION_HANDLE) -> CK_RV {
    enter("C_GetFunctionStatus", |library| {
        library.standard_session(session)?;
        Err(Rv::FUNCTION_NOT_PARALLEL.into())
    })
}

/// C_CancelFunction: as C_GetFunctionStatus.
///
/// # Safety
/// Reads no argument.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_CancelFunction(session: CK_SESSION_HANDLE) -> CK_RV {
    enter("C_CancelFunction", |library| {
        library.standard_session(session)?;
        Err(Rv::FUNCTION_NOT_PARALLEL.into())
    })
}

/// C_GetInfo: each table of functions tells its own version.
///
/// # Safety
/// As the standard says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetInfo(info: *mut CK_INFO) -> CK_RV {
    // SAFETY: as there.
    unsafe { information(info, CK_VERSION { major: 2, minor: 40 }) }
}

/// C_GetInfo in the table of 3.0.
///
/// # Safety
/// As the standard says.
pub unsafe extern "C" fn information_3_0(info: *mut CK_INFO) -> CK_RV {
    // SAFETY: as there.
    unsafe { information(info, CK_VERSION { major: 3, minor: 0 }) }
}

/// C_GetInfo in the table of 3.2.
///
/// # Safety
/// As the standard says.
pub unsafe extern "C" fn information_3_2(info: *mut CK_INFO) -> CK_RV {
    // SAFETY: as there.
    unsafe { information(info, CK_VERSION { major: 3, minor: 2 }) }
}

/// # Safety
/// `info` is null or a place for a `CK_INFO`.
unsafe fn information(info: *mut CK_INFO, version: CK_VERSION) -> CK_RV {
    enter("C_GetInfo", |_| {
        let value = CK_INFO {
            cryptokiVersion: version,
            manufacturerID: padded(MANUFACTURER),
            flags: 0,
            libraryDescription: padded("Strongroom PKCS #11"),
            libraryVersion: library_version(),
        };
        // SAFETY: by this function's contract.
        unsafe { put(info, value) }
    })
}
