//! Memory that is wiped when it is given back.
//!
//! Passwords and keys pass through buffers that nobody of ours frees: those of the TLS library, vectors that grow, frames
//! of functions. [`WipingAllocator`] wipes every block of the Rust heap when it is freed or moved; [`scrub_stack`] wipes
//! what functions that have returned left on the stack.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::arch::asm;
use std::mem::MaybeUninit;

/// The system's allocator, wiping each block before it gives it back.
#[derive(Debug)]
pub struct WipingAllocator;

// SAFETY: blocks come from the system's allocator and go back to it with their own layout. `realloc` is the trait's own,
// which allocates, copies and deallocates, so a block that moves is wiped where it was.
unsafe impl GlobalAlloc for WipingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as promised by the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as promised by the caller.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller gives a block of this layout back and does not use it any more.
        unsafe {
            wipe_at(block, layout.size());
            System.dealloc(block, layout);
        }
    }
}

/// Zeroes bytes that nobody reads again, at the speed of `memset`.
pub fn wipe(bytes: &mut [u8]) {
    // SAFETY: a slice that may be written.
    unsafe { wipe_at(bytes.as_mut_ptr(), bytes.len()) };
}

/// # Safety
/// `start` points to `length` bytes that may be written.
unsafe fn wipe_at(start: *mut u8, length: usize) {
    // SAFETY: as promised by the caller; the empty assembly makes the compiler believe that the bytes are read.
    unsafe {
        start.write_bytes(0, length);
        asm!("/* {0} */", in(reg) start, options(nostack, preserves_flags));
    }
}

/// What a computation of the crypto library may use of the stack.
const SCRUBBED: usize = 32 * 1024;

/// Wipes the part of the stack that functions used which have returned.
#[inline(never)]
pub fn scrub_stack() {
    let mut below = MaybeUninit::<[u8; SCRUBBED]>::uninit();
    // SAFETY: the array is ours and has this length.
    unsafe { wipe_at(below.as_mut_ptr().cast(), SCRUBBED) };
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAYOUT: Layout = Layout::new::<[u8; 4096]>();

    #[test]
    fn a_freed_block_is_wiped_but_for_what_the_system_writes_into_it() {
        // SAFETY: the block is allocated with this layout. It is read after it was freed, on purpose: the page is mapped
        // still, since the allocator keeps small blocks.
        unsafe {
            let block = WipingAllocator.alloc(LAYOUT);
            block.write_bytes(7, LAYOUT.size());
            WipingAllocator.dealloc(block, LAYOUT);
            assert!((64..4096).all(|at| block.add(at).read_volatile() == 0));
        }
    }

    #[test]
    fn a_block_that_moves_is_wiped_where_it_was() {
        // SAFETY: as above.
        unsafe {
            let block = WipingAllocator.alloc(LAYOUT);
            block.write_bytes(7, LAYOUT.size());
            let moved = WipingAllocator.realloc(block, LAYOUT, 65_536);
            assert_eq!(moved.add(4095).read(), 7);
            assert!((64..4096).all(|at| block.add(at).read_volatile() == 0));
            WipingAllocator.dealloc(moved, Layout::new::<[u8; 65_536]>());
        }
    }

    #[inline(never)]
    fn leave_something_on_the_stack() -> usize {
        let mut secret = [0x5A_u8; 512];
        std::hint::black_box(&mut secret);
        secret.as_ptr() as usize
    }

    #[test]
    fn what_functions_left_on_the_stack_is_wiped() {
        let place = leave_something_on_the_stack();
        scrub_stack();
        // SAFETY: the stack is mapped; nobody else writes to this thread's.
        let left = unsafe { std::slice::from_raw_parts(place as *const u8, 512) };
        assert!(left.iter().filter(|byte| **byte == 0x5A).count() < 16);
    }
}
