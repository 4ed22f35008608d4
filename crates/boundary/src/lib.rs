//! The key boundary: the only place where keys exist in clear. No sockets, no files, no Python.
//!
//! It has two halves. [`Keys`] holds the keys that protect keys (root key, identity, cluster masking key, cluster
//! certificate key) and does everything that is done with them: sealing, envelopes, certificates, heads, password
//! verifiers, login tickets. [`Objects`] holds the users' objects and does everything PKCS #11 lets be done with them.
//! What goes in and comes out is bytes, so that it can become a process or an enclave of its own.

mod caller;
mod error;
pub mod keys;
pub mod objects;

pub use caller::Caller;
pub use error::{Error, ErrorKind, Result};
pub use keys::Keys;
pub use objects::Objects;

use std::sync::Arc;

/// Both halves, as an HSM process has them.
#[derive(Debug)]
pub struct Boundary {
    /// The keys that protect keys.
    pub keys: Arc<Keys>,
    /// The users' objects.
    pub objects: Objects,
}
