//! The client core: what the PKCS #11 library, the CLI and the Python SDK share.
//!
//! A [`Client`] speaks to one cluster. It checks the HSMs' certificates, keeps one connection per HSM for all threads,
//! spreads calls over the HSMs, moves away from one that fails, repeats what is safe to repeat, and carries a login
//! from connection to connection. It has no threads of its own: the calling threads do the I/O.

mod client;
mod client_certificate;
pub mod config;
mod connecting;
mod connection;
pub mod counter;
mod error;
pub mod fork;
mod log;
mod login;
mod member;
mod poll;
mod pool;
mod retry;
mod route;
mod server_check;

pub use client::{Client, Stream};
pub use config::{ClusterConfig, Config, Profile, Server};
pub use error::{Error, Origin, Result};
pub use log::{Level, Log};
pub use login::{LoginToken, LoginView};
pub use server_check::{TrustAnchor, TrustError};
