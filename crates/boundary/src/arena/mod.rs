//! Where key material lies: packed in locked pages that are in no core dump, wiped when freed.
//!
//! Material is of few sizes (a key of 32 bytes, an RSA key of about 1,200), so each chunk of pages serves one size
//! class and has a free list. Allocation and freeing take a lock; reading takes none.
#![allow(unsafe_code)]

mod heap;
mod pages;
mod process;

use std::ptr::NonNull;
use std::sync::{Arc, Mutex, PoisonError};

use zeroize::Zeroize;

use crate::{Error, Result};
use strongroom_wire::Rv;

pub use heap::hold_crypto_library;
use pages::CHUNK_LENGTH;
pub use pages::all_locked as pages_locked;
pub use process::{lock_in_advance, lock_process};

/// Sizes that suit the keys there are: symmetric keys, EC scalars, generic secrets up to 800 bytes, RSA private keys
/// of 2048, 3072 and 4096 bits, expanded private keys of ML-DSA; the larger ones are those of data objects.
const SIZE_CLASSES: [usize; 17] =
    [16, 32, 48, 64, 96, 128, 256, 512, 800, 1216, 1504, 1824, 2400, 4096, 4896, 8192, 16_384];
/// What is longer has chunks of its own.
const OWN_CHUNKS: usize = SIZE_CLASSES.len();

/// Locked memory for key material.
#[derive(Debug)]
pub struct Arena {
    require_lock: bool,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    chunks: Vec<NonNull<u8>>,
    free: [Vec<NonNull<u8>>; SIZE_CLASSES.len()],
    all_locked: bool,
}

// SAFETY: the pointers are to memory that belongs to the arena alone; they are handed out under the lock.
unsafe impl Send for State {}

/// Some bytes in the arena; wiped on drop. Readable from every thread.
pub struct Material {
    start: NonNull<u8>,
    length: u32,
    class: u8,
    arena: Arc<Arena>,
}

// SAFETY: the bytes are written once, before the value is shared, and only read afterwards.
unsafe impl Send for Material {}
// SAFETY: as above.
unsafe impl Sync for Material {}

impl Arena {
    /// An arena without pages yet. With `require_lock`, memory that cannot be locked is not used.
    pub fn new(require_lock: bool) -> Arc<Self> {
        let state = State { chunks: Vec::new(), free: Default::default(), all_locked: true };
        Arc::new(Self { require_lock, state: Mutex::new(state) })
    }

    /// Whether every page is locked.
    pub fn is_locked(&self) -> bool {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).all_locked
    }

    /// Keeps a copy of `bytes`.
    ///
    /// # Errors
    /// There is no memory, or it cannot be locked and must be.
    pub fn keep(self: &Arc<Self>, bytes: &[u8]) -> Result<Material> {
        let length = u32::try_from(bytes.len())
            .map_err(|_| Error::refused(Rv::DEVICE_MEMORY, "more key material than there is memory for"))?;
        let class = SIZE_CLASSES.iter().position(|size| *size >= bytes.len()).unwrap_or(OWN_CHUNKS);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let start = if class == OWN_CHUNKS {
            state.take_pages(whole_chunks(bytes.len()), self.require_lock)?
        } else {
            if state.free[class].is_empty() {
                state.grow(class, self.require_lock)?;
            }
            state.free[class].pop().ok_or_else(|| Error::failed("the arena did not grow"))?
        };
        drop(state);
        // SAFETY: the slot is ours alone, and at least as long as `bytes`, which lies elsewhere.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), start.as_ptr(), bytes.len()) };
        #[allow(clippy::cast_possible_truncation)] // 18 classes
        Ok(Material { start, length, class: class as u8, arena: Arc::clone(self) })
    }
}

impl State {
    /// Adds a chunk of pages for one size class.
    fn grow(&mut self, class: usize, require_lock: bool) -> Result<()> {
        let start = self.take_pages(CHUNK_LENGTH, require_lock)?;
        self.chunks.push(start);
        let size = SIZE_CLASSES[class];
        for index in (0..CHUNK_LENGTH / size).rev() {
            // SAFETY: inside the chunk.
            self.free[class].push(unsafe { start.add(index * size) });
        }
        Ok(())
    }

    fn take_pages(&mut self, length: usize, require_lock: bool) -> Result<NonNull<u8>> {
        let pages = pages::take(length)
            .ok_or_else(|| Error::refused(Rv::DEVICE_MEMORY, "no memory for key material"))?;
        if require_lock && !pages.locked {
            // SAFETY: just taken, and nothing of it is in use.
            unsafe { pages::give_back(pages.start, length) };
            return Err(Error::refused(
                Rv::DEVICE_MEMORY,
                "memory for key material cannot be locked: raise the limit of locked memory (RLIMIT_MEMLOCK)",
            ));
        }
        self.all_locked &= pages.locked;
        Ok(pages.start)
    }
}

const fn whole_chunks(length: usize) -> usize {
    length.next_multiple_of(CHUNK_LENGTH)
}

impl Drop for Arena {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        for chunk in state.chunks.drain(..) {
            // SAFETY: every Material holds the arena, so none is left, and each was wiped; the pages were taken by `grow`.
            unsafe { pages::give_back(chunk, CHUNK_LENGTH) };
        }
    }
}

impl std::ops::Deref for Material {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: the slot belongs to this value and was initialised with so many bytes.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.length as usize) }
    }
}

impl Drop for Material {
    fn drop(&mut self) {
        // SAFETY: the slot belongs to this value, which nobody shares any more.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.length as usize) }.zeroize();
        let mut state = self.arena.state.lock().unwrap_or_else(PoisonError::into_inner);
        match state.free.get_mut(usize::from(self.class)) {
            Some(free) => free.push(self.start),
            // SAFETY: taken with this length in `keep`, and wiped above.
            None => unsafe { pages::give_back(self.start, whole_chunks(self.length as usize)) },
        }
    }
}

impl std::fmt::Debug for Material {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Material({} bytes)", self.length)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn material_is_kept_and_its_slot_is_wiped_and_used_again() {
        let arena = Arena::new(false);
        let material = arena.keep(&[7; 32]).unwrap();
        let slot = material.start;
        assert_eq!(&*material, &[7; 32]);
        drop(material);
        // SAFETY: the chunk is still mapped: the arena lives.
        assert_eq!(unsafe { std::slice::from_raw_parts(slot.as_ptr(), 32) }, &[0; 32]);
        assert_eq!(arena.keep(&[8; 30]).unwrap().start, slot);
    }

    #[test]
    fn many_keys_of_every_size_do_not_overlap() {
        let arena = Arena::new(false);
        let kept: Vec<_> =
            (0..3000_usize).map(|n| (n, arena.keep(&vec![n as u8; n % 2400]).unwrap())).collect();
        for (n, material) in &kept {
            assert_eq!(material.len(), n % 2400);
            assert!(material.iter().all(|byte| *byte == *n as u8));
        }
    }

    #[test]
    fn what_is_longer_than_a_chunk_has_chunks_of_its_own() {
        let arena = Arena::new(false);
        let lengths = [4_897, 16_384, 16_385, CHUNK_LENGTH, CHUNK_LENGTH + 1, 512 * 1024];
        let kept: Vec<_> = lengths.iter().map(|length| arena.keep(&vec![7; *length]).unwrap()).collect();
        for (length, material) in lengths.iter().zip(&kept) {
            assert_eq!(**material, vec![7; *length]);
        }
        assert_eq!(
            arena.state.lock().unwrap().chunks.len(),
            2,
            "one for each of the two sizes that share chunks"
        );
    }

    #[test]
    fn debug_output_shows_no_bytes() {
        let arena = Arena::new(false);
        assert_eq!(format!("{:?}", arena.keep(&[0xAB; 16]).unwrap()), "Material(16 bytes)");
    }
}
