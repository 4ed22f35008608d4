//! The one library of the process: there from C_Initialize to C_Finalize, and not there in a child of a fork.
//!
//! The state word is on a page that the kernel wipes in a child, so a child answers `CKR_CRYPTOKI_NOT_INITIALIZED` after
//! one memory read, whatever its parent's threads were doing. Its C_Initialize leaves what it inherited alone (locks may
//! be held by threads that do not exist here) and closes the inherited sockets by number.

use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Arc, OnceLock};

use strongroom_client::fork::{WipedPage, close_inherited};
use strongroom_wire::Rv;

use crate::edge::Result;
use crate::library::Library;

const STATE: usize = 0;
/// How many threads are just taking a share of the library.
const READERS: usize = 1;

const NONE: u64 = 0;
const CHANGING: u64 = 1;
const READY: u64 = 2;

static CURRENT: AtomicPtr<Library> = AtomicPtr::new(std::ptr::null_mut());

fn page() -> &'static WipedPage {
    static PAGE: OnceLock<WipedPage> = OnceLock::new();
    PAGE.get_or_init(WipedPage::new)
}

/// The library.
///
/// # Errors
/// `CKR_CRYPTOKI_NOT_INITIALIZED`.
pub fn library() -> Result<Arc<Library>> {
    let state = page().word(STATE);
    if state.load(Ordering::Acquire) != READY {
        return Err(Rv::CRYPTOKI_NOT_INITIALIZED.into());
    }
    let readers = page().word(READERS);
    readers.fetch_add(1, Ordering::SeqCst);
    let current = CURRENT.load(Ordering::SeqCst);
    let shared = (!current.is_null()).then(|| {
        // SAFETY: `current` came from Arc::into_raw, and `finalize` does not drop that share while a reader is counted.
        unsafe {
            Arc::increment_strong_count(current);
            Arc::from_raw(current)
        }
    });
    readers.fetch_sub(1, Ordering::SeqCst);
    shared.ok_or_else(|| Rv::CRYPTOKI_NOT_INITIALIZED.into())
}

/// Makes the library.
///
/// # Errors
/// `CKR_CRYPTOKI_ALREADY_INITIALIZED`, or what `make` says.
pub fn initialize(make: impl FnOnce() -> Result<Library>) -> Result {
    let state = page().word(STATE);
    while let Err(found) = state.compare_exchange(NONE, CHANGING, Ordering::SeqCst, Ordering::SeqCst) {
        if found == READY {
            return Err(Rv::CRYPTOKI_ALREADY_INITIALIZED.into());
        }
        // Another thread is in the middle of it: whoever is told "already" must find the library ready.
        std::thread::yield_now();
    }
    // In a child this is the parent's library. It is left as it is: dropping it would take locks.
    if !CURRENT.swap(std::ptr::null_mut(), Ordering::SeqCst).is_null() {
        close_inherited();
    }
    match make() {
        Ok(library) => {
            CURRENT.store(Arc::into_raw(Arc::new(library)).cast_mut(), Ordering::SeqCst);
            state.store(READY, Ordering::SeqCst);
            Ok(())
        }
        Err(failure) => {
            state.store(NONE, Ordering::SeqCst);
            Err(failure)
        }
    }
}

/// Takes the library away. Calls that are under way in other threads end on their own share of it.
///
/// # Errors
/// `CKR_CRYPTOKI_NOT_INITIALIZED`.
pub fn finalize() -> Result<Arc<Library>> {
    let state = page().word(STATE);
    if state.compare_exchange(READY, CHANGING, Ordering::SeqCst, Ordering::SeqCst).is_err() {
        return Err(Rv::CRYPTOKI_NOT_INITIALIZED.into());
    }
    let current = CURRENT.swap(std::ptr::null_mut(), Ordering::SeqCst);
    while page().word(READERS).load(Ordering::SeqCst) != 0 {
        std::hint::spin_loop();
    }
    // SAFETY: this share was made by `initialize`; nobody can reach it through CURRENT any more.
    let library = unsafe { Arc::from_raw(current) };
    state.store(NONE, Ordering::SeqCst);
    Ok(library)
}
