//! The crypto library's heap, in pages like the arena's: key schedules, numbers and states of the generator are as secret
//! as the keys they come from.
//!
//! Each chunk of pages serves one size class and one shard; threads take turns at the shards, so that they rarely wait for
//! each other. What is freed is wiped.

use std::cell::Cell;
use std::os::raw::{c_char, c_int, c_void};
use std::ptr::{NonNull, null_mut};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use strongroom_wiping::wipe;

use super::pages::{self, CHUNK_LENGTH};
use crate::{Error, Result};

/// Block sizes in bytes, all multiples of 16; longer blocks have chunks of their own.
const CLASSES: [usize; 15] =
    [32, 64, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 4096, 8192, 16_128, 32_704];
const OWN_CHUNKS: usize = CLASSES.len();
const HEADER_LENGTH: usize = 64;
const SHARDS: usize = 8;

/// Stands at the start of each chunk.
struct Header {
    class: usize,
    shard: usize,
    /// Bytes of the chunk or chunks.
    length: usize,
}

/// A free block names the next one.
struct Free {
    next: *mut Free,
}

struct Shard {
    free: [*mut Free; CLASSES.len()],
}

// SAFETY: the blocks belong to the shard alone while they are free, and are reached under its lock.
unsafe impl Send for Shard {}

static HEAP: [Mutex<Shard>; SHARDS] =
    [const { Mutex::new(Shard { free: [null_mut(); CLASSES.len()] }) }; SHARDS];
static NEXT_THREAD: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static SHARD: Cell<usize> = const { Cell::new(usize::MAX) };
}

/// Lets the crypto library take its memory here from now on. Must be called before the library's first allocation.
///
/// # Errors
/// It was called before.
pub fn hold_crypto_library() -> Result<()> {
    // SAFETY: the functions keep the contract of malloc, realloc and free; nothing was allocated before.
    let set = unsafe {
        aws_lc_sys::CRYPTO_set_mem_functions(Some(allocate_hook), Some(reallocate_hook), Some(release_hook))
    };
    if set == 1 { Ok(()) } else { Err(Error::failed("the crypto library has a heap of its own already")) }
}

unsafe extern "C" fn allocate_hook(length: usize, _file: *const c_char, _line: c_int) -> *mut c_void {
    allocate(length).map_or(null_mut(), |block| block.as_ptr().cast())
}

unsafe extern "C" fn reallocate_hook(
    block: *mut c_void,
    length: usize,
    _file: *const c_char,
    _line: c_int,
) -> *mut c_void {
    let (Some(old), Some(new)) = (NonNull::new(block.cast::<u8>()), allocate(length)) else {
        return null_mut();
    };
    // SAFETY: the library gives a block of ours; both have at least so many bytes and do not overlap.
    unsafe {
        std::ptr::copy_nonoverlapping(old.as_ptr(), new.as_ptr(), room(old).min(length));
        release(old);
    }
    new.as_ptr().cast()
}

unsafe extern "C" fn release_hook(block: *mut c_void, _file: *const c_char, _line: c_int) {
    if let Some(block) = NonNull::new(block.cast()) {
        // SAFETY: the library gives a block of ours back.
        unsafe { release(block) };
    }
}

fn allocate(length: usize) -> Option<NonNull<u8>> {
    let Some(class) = CLASSES.iter().position(|size| *size >= length) else {
        let whole = length.checked_add(HEADER_LENGTH)?.checked_next_multiple_of(CHUNK_LENGTH)?;
        return new_chunk(Header { class: OWN_CHUNKS, shard: 0, length: whole });
    };
    let shard = shard_of_this_thread();
    let mut blocks = HEAP[shard].lock().unwrap_or_else(PoisonError::into_inner);
    if blocks.free[class].is_null() {
        let first = new_chunk(Header { class, shard, length: CHUNK_LENGTH })?;
        for index in 0..(CHUNK_LENGTH - HEADER_LENGTH) / CLASSES[class] {
            // SAFETY: inside the chunk, and aligned: all sizes are multiples of 16.
            unsafe { blocks.push(class, first.add(index * CLASSES[class])) };
        }
    }
    let block = NonNull::new(blocks.free[class])?;
    // SAFETY: a free block of this shard. Its only byte that is not zero is the name of the next one.
    unsafe {
        blocks.free[class] = block.as_ref().next;
        block.write(Free { next: null_mut() });
    }
    Some(block.cast())
}

/// # Safety
/// The block is ours, and nobody uses it any more.
unsafe fn release(block: NonNull<u8>) {
    // SAFETY: as promised by the caller.
    unsafe {
        wipe(std::slice::from_raw_parts_mut(block.as_ptr(), room(block)));
        let header = header(block);
        if header.class == OWN_CHUNKS {
            pages::give_back(block.sub(HEADER_LENGTH), header.length);
        } else {
            let mut blocks = HEAP[header.shard].lock().unwrap_or_else(PoisonError::into_inner);
            blocks.push(header.class, block);
        }
    }
}

impl Shard {
    /// # Safety
    /// The block is of this shard and class, and free.
    #[allow(clippy::cast_ptr_alignment)] // blocks are aligned to 16 bytes
    unsafe fn push(&mut self, class: usize, block: NonNull<u8>) {
        let block = block.cast::<Free>();
        // SAFETY: as promised by the caller.
        unsafe { block.write(Free { next: self.free[class] }) };
        self.free[class] = block.as_ptr();
    }
}

/// The first byte after the header of new pages.
fn new_chunk(header: Header) -> Option<NonNull<u8>> {
    let start = pages::take(header.length)?.start;
    // SAFETY: the pages are ours, aligned, and longer than the header.
    unsafe {
        start.cast::<Header>().write(header);
        Some(start.add(HEADER_LENGTH))
    }
}

/// # Safety
/// The block is ours.
unsafe fn header<'a>(block: NonNull<u8>) -> &'a Header {
    // SAFETY: chunks begin at multiples of their length, and every block begins in its first chunk.
    unsafe { &*block.as_ptr().map_addr(|address| address & !(CHUNK_LENGTH - 1)).cast::<Header>() }
}

/// Bytes that a block has room for.
///
/// # Safety
/// The block is ours.
unsafe fn room(block: NonNull<u8>) -> usize {
    // SAFETY: as promised by the caller.
    let header = unsafe { header(block) };
    CLASSES.get(header.class).copied().unwrap_or(header.length - HEADER_LENGTH)
}

fn shard_of_this_thread() -> usize {
    SHARD.with(|shard| {
        if shard.get() == usize::MAX {
            shard.set(NEXT_THREAD.fetch_add(1, Ordering::Relaxed) % SHARDS);
        }
        shard.get()
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn blocks_of_every_size_do_not_overlap_and_are_wiped() {
        let mut held = Vec::new();
        for length in (0..40_000).step_by(97).chain([100_000, 1 << 20]) {
            let block = allocate(length).unwrap();
            assert_eq!(block.as_ptr() as usize % 16, 0);
            // SAFETY: the block has so many bytes and is ours.
            let bytes = unsafe { std::slice::from_raw_parts_mut(block.as_ptr(), length) };
            assert!(bytes.iter().all(|byte| *byte == 0));
            bytes.fill(length as u8 | 1);
            held.push((block, length));
        }
        for (block, length) in &held {
            // SAFETY: as above.
            let bytes = unsafe { std::slice::from_raw_parts(block.as_ptr(), *length) };
            assert!(bytes.iter().all(|byte| *byte == *length as u8 | 1));
        }
        for (block, _) in held {
            // SAFETY: nobody uses it any more.
            unsafe { release(block) };
        }
    }

    #[test]
    fn a_block_may_be_freed_by_another_thread() {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                std::thread::spawn(|| {
                    (0..1000).map(|_| allocate(100).unwrap().as_ptr() as usize).collect::<Vec<_>>()
                })
            })
            .collect();
        for thread in threads {
            for address in thread.join().unwrap() {
                // SAFETY: a block that nobody uses any more.
                unsafe { release(NonNull::new(address as *mut u8).unwrap()) };
            }
        }
    }
}
