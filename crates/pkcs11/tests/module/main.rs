//! The whole library through its function list, on the boundary's objects.

#![allow(clippy::unwrap_used, clippy::macro_metavars_in_unsafe, non_snake_case)]

#[path = "../support/mod.rs"]
mod support;

mod built_in;
mod ciphers;
mod interfaces;
mod message_signatures;
mod messages;
mod objects_and_keys;
mod officers;
mod recovery;
mod signatures;
