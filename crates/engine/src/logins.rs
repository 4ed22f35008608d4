//! Logins that are usable on this HSM, and the connections that use them.
//!
//! A login comes from the brain (seam 6 of ARCHITECTURE) and is used by login id: a connection may use a login only
//! after it was attached there, by the login itself or with its ticket and the login's client key.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Mutex, RwLock};
use strongroom_boundary::Caller;
use strongroom_boundary::keys::TICKET_LIFETIME_SECONDS;

use crate::streams::Streams;

/// A login as the brain applied it.
#[derive(Debug)]
pub(crate) struct Login {
    pub(crate) caller: Caller,
    pub(crate) epoch: u64,
    pub(crate) client_key: Vec<u8>,
    pub(crate) streams: Streams,
    ended: AtomicBool,
    use_of_it: Mutex<Use>,
}

/// How many connections use a login, since when none does, and when it was last attached or its ticket renewed.
#[derive(Debug, Default)]
struct Use {
    connections: usize,
    unused_since: Option<Instant>,
    confirmed: Option<Instant>,
}

impl Login {
    fn new(caller: Caller, epoch: u64, client_key: Vec<u8>) -> Self {
        Self {
            caller,
            epoch,
            client_key,
            streams: Streams::default(),
            ended: AtomicBool::new(false),
            use_of_it: Mutex::new(Use::default()),
        }
    }

    /// The brain has removed it, or put another in its place.
    fn end(&self) {
        self.ended.store(true, Ordering::Release);
        self.streams.end_all();
    }

    /// Whether the brain has removed it.
    pub(crate) fn is_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    pub(crate) fn connection_opened(&self) {
        let mut use_of_it = self.use_of_it.lock();
        use_of_it.connections += 1;
        use_of_it.unused_since = None;
        use_of_it.confirmed = Some(Instant::now());
    }

    /// Its ticket was renewed.
    pub(crate) fn renewed(&self) {
        self.use_of_it.lock().confirmed = Some(Instant::now());
    }

    fn is_active(&self, now: Instant) -> bool {
        let use_of_it = self.use_of_it.lock();
        let lifetime = Duration::from_secs(TICKET_LIFETIME_SECONDS);
        use_of_it.connections > 0 || use_of_it.confirmed.is_some_and(|at| now.duration_since(at) < lifetime)
    }

    /// This connection uses it no more.
    pub(crate) fn connection_closed(&self, connection: u64, now: Instant) {
        self.streams.end_of(connection);
        let mut use_of_it = self.use_of_it.lock();
        use_of_it.connections = use_of_it.connections.saturating_sub(1);
        if use_of_it.connections == 0 {
            use_of_it.unused_since = Some(now);
        }
    }

    /// Whether no connection has used it for so long; says so once.
    fn take_lapsed(&self, now: Instant, linger: Duration) -> bool {
        let mut use_of_it = self.use_of_it.lock();
        let lapsed = use_of_it.unused_since.is_some_and(|since| now.duration_since(since) >= linger);
        if lapsed {
            use_of_it.unused_since = None;
        }
        lapsed
    }
}

/// The table of logins.
#[derive(Debug, Default)]
pub(crate) struct Logins(RwLock<HashMap<u64, Arc<Login>>>);

impl Logins {
    /// Makes a login usable. The same login again changes nothing; another credential epoch or key ends the old one.
    pub(crate) fn apply(&self, caller: Caller, epoch: u64, client_key: Vec<u8>) {
        let mut logins = self.0.write();
        if let Some(known) = logins.get(&caller.login_id) {
            if known.caller == caller && known.epoch == epoch && known.client_key == client_key {
                return;
            }
            known.end();
        }
        logins.insert(caller.login_id, Arc::new(Login::new(caller, epoch, client_key)));
    }

    /// Ends a login everywhere.
    pub(crate) fn remove(&self, login_id: u64) {
        if let Some(login) = self.0.write().remove(&login_id) {
            login.end();
        }
    }

    pub(crate) fn find(&self, login_id: u64) -> Option<Arc<Login>> {
        self.0.read().get(&login_id).cloned()
    }

    /// All of them, for now and then.
    pub(crate) fn all(&self) -> Vec<Arc<Login>> {
        self.0.read().values().cloned().collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.read().len()
    }

    /// Logins that a connection uses, or that were attached or renewed here within a ticket's life.
    pub(crate) fn active(&self, now: Instant) -> Vec<u64> {
        self.0.read().values().filter(|login| login.is_active(now)).map(|it| it.caller.login_id).collect()
    }

    /// Logins whose last connection closed so long ago; each is given once.
    pub(crate) fn take_lapsed(&self, now: Instant, linger: Duration) -> Vec<u64> {
        let logins = self.0.read();
        logins.values().filter(|login| login.take_lapsed(now, linger)).map(|it| it.caller.login_id).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use strongroom_wire::Role;

    fn caller(login_id: u64) -> Caller {
        Caller { username: "ann".into(), role: Role::CryptoUser, login_id, approvals: Box::default() }
    }

    #[test]
    fn a_removed_login_is_ended_for_those_who_still_hold_it() {
        let logins = Logins::default();
        logins.apply(caller(1), 1, vec![1]);
        let held = logins.find(1);
        logins.remove(1);
        assert!(held.is_some_and(|login| login.is_ended()));
        assert!(logins.find(1).is_none());
    }

    #[test]
    fn a_login_applied_again_stays_and_one_with_another_epoch_takes_its_place() {
        let logins = Logins::default();
        logins.apply(caller(1), 1, vec![1]);
        let first = logins.find(1);
        logins.apply(caller(1), 1, vec![1]);
        assert!(first.as_ref().is_some_and(|login| !login.is_ended()));
        logins.apply(caller(1), 2, vec![1]);
        assert!(first.is_some_and(|login| login.is_ended()));
        assert_eq!(logins.find(1).map(|login| login.epoch), Some(2));
    }

    #[test]
    fn a_login_lapses_once_after_its_last_connection_closed_and_is_active_while_its_ticket_lives() {
        let logins = Logins::default();
        logins.apply(caller(1), 1, vec![1]);
        let now = Instant::now();
        let linger = Duration::from_secs(60);
        assert!(logins.take_lapsed(now + linger, linger).is_empty(), "never used here");
        let Some(login) = logins.find(1) else { panic!("applied") };
        login.connection_opened();
        login.connection_opened();
        login.connection_closed(1, now);
        assert!(logins.take_lapsed(now + linger, linger).is_empty(), "one connection is left");
        login.connection_closed(2, now);
        assert!(logins.take_lapsed(now + linger / 2, linger).is_empty(), "not long enough");
        assert_eq!(logins.take_lapsed(now + linger, linger), [1]);
        assert!(logins.take_lapsed(now + 2 * linger, linger).is_empty(), "said once");
        assert_eq!(logins.active(now + linger), [1], "its ticket still lives");
        assert!(logins.active(now + 11 * linger).is_empty());
    }
}
