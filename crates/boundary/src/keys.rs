//! The keys that protect keys.

/// See the crate's documentation.
#[derive(Debug)]
pub struct Keys;
