//! The users' objects.

/// See the crate's documentation.
#[derive(Debug)]
pub struct Objects;
