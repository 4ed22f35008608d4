//! Counters of the data plane.

use std::sync::atomic::{AtomicU64, Ordering};

/// A counter that only rises.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, amount: u64) {
        self.0.fetch_add(amount, Ordering::Relaxed);
    }

    pub(crate) fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What the data plane counts since it started.
#[derive(Debug, Default)]
pub(crate) struct Statistics {
    pub(crate) connections_accepted: Counter,
    pub(crate) connections_refused: Counter,
    pub(crate) connections_cut: Counter,
    pub(crate) connections_displaced: Counter,
    pub(crate) handshakes: Counter,
    pub(crate) frames_refused: Counter,
    pub(crate) requests_hot: Counter,
    pub(crate) requests_managed: Counter,
    pub(crate) requests_refused: Counter,
    pub(crate) requests_parked: Counter,
    pub(crate) panics: Counter,
}

impl Statistics {
    /// Names and values, in the order in which they are shown.
    pub(crate) fn counters(&self) -> [(&'static str, u64); 11] {
        [
            ("connections_accepted", self.connections_accepted.value()),
            ("connections_refused", self.connections_refused.value()),
            ("connections_cut", self.connections_cut.value()),
            ("connections_displaced", self.connections_displaced.value()),
            ("handshakes", self.handshakes.value()),
            ("frames_refused", self.frames_refused.value()),
            ("requests_hot", self.requests_hot.value()),
            ("requests_managed", self.requests_managed.value()),
            ("requests_refused", self.requests_refused.value()),
            ("requests_parked", self.requests_parked.value()),
            ("panics", self.panics.value()),
        ]
    }
}
