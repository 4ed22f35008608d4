//! The key boundary: the only place where keys exist in clear. No sockets, no files, no Python.
//!
//! It has two halves. [`Keys`] holds the keys that protect keys (root key, identity, cluster masking key, cluster
//! certificate key) and does everything that is done with them: sealing, envelopes, certificates, heads, password
//! verifiers, login tickets. [`Objects`] holds the users' objects and does everything PKCS #11 lets be done with them.
//! What goes in and comes out is bytes, so that it can become a process or an enclave of its own.

#[cfg(feature = "fips")]
extern crate aws_lc_fips_sys as aws_lc_sys;

mod arena;
mod attributes;
mod caller;
mod error;
mod ffi;
mod integrity;
pub mod keys;
mod mechanisms;
pub mod objects;
mod selftest;

pub use arena::{hold_crypto_library, lock_in_advance};
pub use caller::{Approval, Approver, Caller};
pub use error::{Error, ErrorKind, Result};
pub use ffi::library as crypto_library;
pub use integrity::check_integrity;
pub use keys::Keys;
pub use mechanisms::{MAX_DATA, Purpose, Step};
pub use objects::{Objects, Options, Sizes, Staged, Stream};
#[cfg(feature = "fail-selftest")]
pub use selftest::names as self_tests;

use std::sync::Arc;

/// Both halves, as an HSM process has them.
#[derive(Debug)]
pub struct Boundary {
    /// The keys that protect keys.
    pub keys: Arc<Keys>,
    /// The users' objects.
    pub objects: Objects,
}
