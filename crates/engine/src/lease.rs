//! The membership lease: checked here, so that a stuck brain cannot extend it (ARCHITECTURE, seam 3).

use std::sync::atomic::{AtomicU64, Ordering};

use crate::clock::boottime_ms;

/// Until when this HSM may decide, and how long after that it may still serve.
#[derive(Debug, Default)]
pub(crate) struct Lease {
    until_ms: AtomicU64,
    grace_ms: AtomicU64,
}

impl Lease {
    /// The lease is good for so long from now. It is set, not lengthened: a brain that gives up its lease says 0.
    pub(crate) fn extend(&self, milliseconds: u64) {
        self.until_ms.store(boottime_ms().saturating_add(milliseconds), Ordering::Release);
    }

    /// How long after the lease hot requests are still answered.
    pub(crate) fn set_grace(&self, milliseconds: u64) {
        self.grace_ms.store(milliseconds, Ordering::Release);
    }

    /// Whether managed requests are taken.
    pub(crate) fn is_live(&self) -> bool {
        boottime_ms() < self.until_ms.load(Ordering::Acquire)
    }

    /// Whether hot requests are answered.
    pub(crate) fn allows_hot(&self) -> bool {
        let until = self.until_ms.load(Ordering::Acquire);
        boottime_ms() < until.saturating_add(self.grace_ms.load(Ordering::Acquire)) && until != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_lease_nothing_is_served() {
        let lease = Lease::default();
        lease.set_grace(60_000);
        assert!(!lease.is_live());
        assert!(!lease.allows_hot());
    }

    #[test]
    fn after_the_lease_hot_requests_are_served_for_the_grace_time() {
        let lease = Lease::default();
        lease.extend(0);
        assert!(!lease.is_live());
        assert!(!lease.allows_hot());
        lease.set_grace(60_000);
        assert!(lease.allows_hot());
        lease.extend(60_000);
        assert!(lease.is_live());
    }
}
