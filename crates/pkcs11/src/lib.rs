//! `libstrongroom_pkcs11.so`: PKCS #11 2.40, 3.0 and 3.2 over the client core.
//!
//! One file per chapter of the standard's function list. Sessions, operations and handles are local; keys never are.
//! Raw pointers stop at [`edge`]; what survives a fork, and what must not, is in [`fork`].

#![allow(non_snake_case)] // the standard's function names

#[cfg(feature = "fips")]
extern crate aws_lc_fips_sys as aws_lc_sys;

pub mod attributes;
pub mod authenticated_wrap;
pub mod built_in;
pub mod cancel;
pub mod cipher;
pub mod decrypt;
pub mod digest;
pub mod digesting;
mod dual;
pub mod edge;
pub mod encapsulation;
pub mod encrypt;
pub mod fork;
pub mod function_list;
pub mod gcm_iv;
pub mod general;
pub mod keys;
pub mod library;
pub mod long_data;
pub mod mechanism;
pub mod message_cipher;
pub mod message_decrypt;
pub mod message_encrypt;
pub mod message_sign;
pub mod message_verify;
pub mod ml_dsa;
pub mod object_cache;
pub mod objects;
mod operation_state;
pub mod pins;
pub mod profile;
pub mod random;
pub mod recover;
pub mod search;
pub mod session;
pub mod sessions;
pub mod sign;
pub mod slots;
pub mod sp800_108;
mod spool;
mod twice;
pub mod unique_id;
pub mod unsupported;
pub mod verify;
pub mod verify_signature;

use strongroom_wiping::WipingAllocator;

/// PINs and data pass through buffers of libraries: all are wiped when they are freed.
#[global_allocator]
static ALLOCATOR: WipingAllocator = WipingAllocator;
