//! Pages for secrets: locked, and in no core dump.
//!
//! Where the process will lose the right to lock memory, a reserve is locked in advance; pages come from it then.

use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

/// Pages come in multiples of this, and begin at a multiple of it.
pub const CHUNK_LENGTH: usize = 64 * 1024;

/// `linux/mman.h`; missing in the `libc` crate.
const MLOCK_ONFAULT: libc::c_uint = 1;

static RESERVE: OnceLock<Reserve> = OnceLock::new();
static ALL_LOCKED: AtomicBool = AtomicBool::new(true);

/// Address space that is locked already; its pages cost memory once they are touched.
struct Reserve {
    start: usize,
    length: usize,
    next: AtomicUsize,
    /// Start and length of what was given back.
    returned: Mutex<Vec<(usize, usize)>>,
}

/// New pages.
pub struct Pages {
    pub start: NonNull<u8>,
    /// They are locked and in no core dump.
    pub locked: bool,
}

/// Locks address space for later; `false` where the process may not.
pub fn reserve(length: usize) -> bool {
    let Some(start) = map_aligned(length) else { return false };
    // SAFETY: exactly the mapping just made.
    let locked = unsafe {
        libc::mlock2(start.as_ptr().cast(), length, MLOCK_ONFAULT) == 0
            && libc::madvise(start.as_ptr().cast(), length, libc::MADV_DONTDUMP) == 0
    };
    let reserve = Reserve {
        start: start.as_ptr() as usize,
        length,
        next: AtomicUsize::new(0),
        returned: Mutex::new(Vec::new()),
    };
    locked && RESERVE.set(reserve).is_ok()
}

/// Whether a reserve was locked in advance.
pub fn has_reserve() -> bool {
    RESERVE.get().is_some()
}

/// Whether all pages that were given out are locked.
pub fn all_locked() -> bool {
    ALL_LOCKED.load(Ordering::Relaxed)
}

/// Zeroed pages; `length` is a multiple of [`CHUNK_LENGTH`].
pub fn take(length: usize) -> Option<Pages> {
    if let Some(start) = RESERVE.get().and_then(|reserve| reserve.take(length)) {
        return Some(Pages { start, locked: true });
    }
    let start = map_aligned(length)?;
    // SAFETY: exactly the mapping just made.
    let locked = unsafe {
        libc::mlock(start.as_ptr().cast(), length) == 0
            && libc::madvise(start.as_ptr().cast(), length, libc::MADV_DONTDUMP) == 0
    };
    ALL_LOCKED.fetch_and(locked, Ordering::Relaxed);
    Some(Pages { start, locked })
}

/// Gives pages back.
///
/// # Safety
/// They came from [`take`] with this length, are wiped, and nothing in them is in use.
pub unsafe fn give_back(start: NonNull<u8>, length: usize) {
    let address = start.as_ptr() as usize;
    match RESERVE.get().filter(|reserve| (reserve.start..reserve.start + reserve.length).contains(&address)) {
        Some(reserve) => {
            reserve.returned.lock().unwrap_or_else(PoisonError::into_inner).push((address, length));
        }
        // SAFETY: a mapping of its own, as the caller promises.
        None => unsafe {
            libc::munmap(start.as_ptr().cast(), length);
        },
    }
}

impl Reserve {
    fn take(&self, length: usize) -> Option<NonNull<u8>> {
        let mut returned = self.returned.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(index) = returned.iter().position(|(_, had)| *had == length) {
            return NonNull::new(returned.swap_remove(index).0 as *mut u8);
        }
        drop(returned);
        let taken = self.next.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |next| {
            Some(next + length).filter(|end| *end <= self.length)
        });
        NonNull::new((self.start + taken.ok()?) as *mut u8)
    }
}

/// A private mapping that begins at a multiple of [`CHUNK_LENGTH`].
fn map_aligned(length: usize) -> Option<NonNull<u8>> {
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    let whole = length + CHUNK_LENGTH;
    // SAFETY: a new private mapping at an address of the kernel's choice, of which head and tail are given back.
    unsafe {
        let mapped = libc::mmap(std::ptr::null_mut(), whole, protection, flags, -1, 0);
        if mapped == libc::MAP_FAILED {
            return None;
        }
        let head = mapped.cast::<u8>().align_offset(CHUNK_LENGTH);
        if head > 0 {
            libc::munmap(mapped, head);
        }
        let start = mapped.cast::<u8>().add(head);
        if head < CHUNK_LENGTH {
            libc::munmap(start.add(length).cast(), CHUNK_LENGTH - head);
        }
        NonNull::new(start)
    }
}
