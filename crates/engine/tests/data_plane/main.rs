//! The data plane with real keys over real TLS.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod connections;
mod logins;
mod managed;
mod requests;
mod revisions;
mod streams;
mod support;
