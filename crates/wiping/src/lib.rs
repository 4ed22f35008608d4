//! Memory that is wiped when it is given back.
//!
//! Passwords and keys pass through buffers that nobody of ours frees: those of the TLS library, vectors that grow, frames
//! of functions, vector registers. [`WipingAllocator`] wipes every block of the Rust heap when it is freed or moved;
//! [`scrubbed`] and [`scrub`] wipe what functions that have returned left on the stack and in the registers.
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

/// Computes, and wipes what the computation left on the stack and in the registers.
pub fn scrubbed<T>(compute: impl FnOnce() -> T) -> T {
    let outcome = in_a_frame_of_its_own(compute);
    scrub();
    outcome
}

/// So that nothing of the computation is in its caller's frame, which is not wiped.
#[inline(never)]
fn in_a_frame_of_its_own<T>(compute: impl FnOnce() -> T) -> T {
    compute()
}

/// Wipes the part of the stack that functions used which have returned, and the vector registers: they hold what was
/// copied, encrypted or decrypted last, and the dynamic linker, when it looks a function up at its first call, and the
/// kernel, for a signal, write them to the stack.
#[inline(never)]
pub fn scrub() {
    let mut below = MaybeUninit::<[u8; SCRUBBED]>::uninit();
    wipe_registers();
    // SAFETY: the array is ours and has this length.
    unsafe { wipe_at(below.as_mut_ptr().cast(), SCRUBBED) };
}

#[cfg(target_arch = "x86_64")]
fn wipe_registers() {
    // SAFETY: every register that is written is named as one that a call may change, and the instructions of a newer
    // processor run where it has them.
    unsafe {
        if is_x86_feature_detected!("avx512f") {
            asm!(
                "vzeroall",
                "vpxord zmm16, zmm16, zmm16",
                "vpxord zmm17, zmm17, zmm17",
                "vpxord zmm18, zmm18, zmm18",
                "vpxord zmm19, zmm19, zmm19",
                "vpxord zmm20, zmm20, zmm20",
                "vpxord zmm21, zmm21, zmm21",
                "vpxord zmm22, zmm22, zmm22",
                "vpxord zmm23, zmm23, zmm23",
                "vpxord zmm24, zmm24, zmm24",
                "vpxord zmm25, zmm25, zmm25",
                "vpxord zmm26, zmm26, zmm26",
                "vpxord zmm27, zmm27, zmm27",
                "vpxord zmm28, zmm28, zmm28",
                "vpxord zmm29, zmm29, zmm29",
                "vpxord zmm30, zmm30, zmm30",
                "vpxord zmm31, zmm31, zmm31",
                clobber_abi("C"),
                options(nostack)
            );
        } else if is_x86_feature_detected!("avx") {
            asm!("vzeroall", clobber_abi("C"), options(nostack));
        } else {
            asm!(
                "xorps xmm0, xmm0",
                "xorps xmm1, xmm1",
                "xorps xmm2, xmm2",
                "xorps xmm3, xmm3",
                "xorps xmm4, xmm4",
                "xorps xmm5, xmm5",
                "xorps xmm6, xmm6",
                "xorps xmm7, xmm7",
                "xorps xmm8, xmm8",
                "xorps xmm9, xmm9",
                "xorps xmm10, xmm10",
                "xorps xmm11, xmm11",
                "xorps xmm12, xmm12",
                "xorps xmm13, xmm13",
                "xorps xmm14, xmm14",
                "xorps xmm15, xmm15",
                clobber_abi("C"),
                options(nostack)
            );
        }
    }
}

#[cfg(target_arch = "aarch64")]
fn wipe_registers() {
    // SAFETY: every register that is written is named as one that a call may change. v8 to v15 are the caller's.
    unsafe {
        asm!(
            "movi v0.2d, #0",
            "movi v1.2d, #0",
            "movi v2.2d, #0",
            "movi v3.2d, #0",
            "movi v4.2d, #0",
            "movi v5.2d, #0",
            "movi v6.2d, #0",
            "movi v7.2d, #0",
            "movi v16.2d, #0",
            "movi v17.2d, #0",
            "movi v18.2d, #0",
            "movi v19.2d, #0",
            "movi v20.2d, #0",
            "movi v21.2d, #0",
            "movi v22.2d, #0",
            "movi v23.2d, #0",
            "movi v24.2d, #0",
            "movi v25.2d, #0",
            "movi v26.2d, #0",
            "movi v27.2d, #0",
            "movi v28.2d, #0",
            "movi v29.2d, #0",
            "movi v30.2d, #0",
            "movi v31.2d, #0",
            clobber_abi("C"),
            options(nostack)
        );
    }
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn wipe_registers() {}

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
    #[cfg(target_arch = "x86_64")]
    fn what_a_copy_left_in_the_registers_is_wiped() {
        let secret = [0x5A_u8; 16];
        let mut left = [0_u8; 32];
        // SAFETY: moves through registers that a call may change, named as such; both places have the lengths used.
        unsafe {
            asm!("movups xmm2, [{0}]", "movups xmm15, [{0}]", in(reg) &secret, clobber_abi("C"));
            scrub();
            asm!("movups [{0}], xmm2", "movups [{0} + 16], xmm15", in(reg) &mut left, clobber_abi("C"));
        }
        assert_eq!(left, [0; 32]);
    }

    #[test]
    fn a_computation_leaves_nothing_in_its_callers_frame() {
        let place = scrubbed(leave_something_on_the_stack);
        // SAFETY: the stack is mapped; nobody else writes to this thread's.
        let left = unsafe { std::slice::from_raw_parts(place as *const u8, 512) };
        assert!(left.iter().filter(|byte| **byte == 0x5A).count() < 16);
    }

    #[test]
    fn what_functions_left_on_the_stack_is_wiped() {
        let place = leave_something_on_the_stack();
        scrub();
        // SAFETY: the stack is mapped; nobody else writes to this thread's.
        let left = unsafe { std::slice::from_raw_parts(place as *const u8, 512) };
        assert!(left.iter().filter(|byte| **byte == 0x5A).count() < 16);
    }
}
