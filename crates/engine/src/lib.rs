//! The HSM's data plane: listener, TLS, frames, logins, hot requests, and the queue of managed ones.
//!
//! A frame's way: a worker reads it off its connection ([`Engine::listen`]), checks login, role, lease and revision, and
//! either computes the answer from the boundary (a *hot* request), parks it until the brain has caught up, or queues it
//! for the brain (a *managed* request, [`Engine::next_request`]). No lock is held across a computation. What this crate
//! refuses to do: decide a managed request, know the store, or see a key.

mod allowance;
mod attempts;
mod client_trust;
mod clock;
mod connection;
mod dispatch;
mod engine;
mod fair_queue;
mod hot;
mod housekeeping;
mod lease;
mod listener;
mod logins;
mod managed;
mod metrics;
mod output;
mod parking;
mod priority;
mod rate;
mod records;
mod refusal;
mod request;
mod session;
mod settings;
mod shared;
mod statistics;
mod streams;
mod tls;
mod workers;

pub use client_trust::{ClientTrust, anchors_from_pem};
pub use engine::Engine;
pub use managed::ManagedRequest;
pub use metrics::{BUCKETS, OperationFigures};
pub use priority::at_low_priority;
pub use settings::{Identity, Settings};

// The tests' HSM and client, which name this crate as other crates do.
#[cfg(test)]
extern crate self as strongroom_engine;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
#[path = "../tests/data_plane/support.rs"]
mod support;
