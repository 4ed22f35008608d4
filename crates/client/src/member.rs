//! One HSM as the pool sees it: its address, its connection, and the attempts to get one.

use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use crate::config::Server;
use crate::connecting::Connecting;
use crate::connection::Connection;

const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// An HSM that is back must have its share of the calls within 5 s, so attempts are never further apart than this.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(crate) struct Member {
    pub server: Server,
    /// The HSM that answered there last.
    hsm_id: RwLock<Option<Arc<str>>>,
    connection: RwLock<Option<Arc<Connection>>>,
    pub probe: Mutex<Probe>,
}

/// The attempts to connect.
#[derive(Debug)]
pub(crate) struct Probe {
    pub connecting: Option<Connecting>,
    pub next_at: Instant,
    pause: Duration,
    /// Failed attempts since the last success.
    pub failures: u32,
    /// Why the last attempt failed, and whether it was the server check.
    pub last_failure: Option<(String, bool)>,
}

impl Member {
    pub(crate) fn new(server: Server) -> Self {
        let probe = Probe {
            connecting: None,
            next_at: Instant::now(),
            pause: FIRST_PAUSE,
            failures: 0,
            last_failure: None,
        };
        Self { server, hsm_id: RwLock::new(None), connection: RwLock::new(None), probe: Mutex::new(probe) }
    }

    /// Its connection, if calls may be given to it.
    pub(crate) fn live(&self) -> Option<Arc<Connection>> {
        let connection = self.connection.read().unwrap_or_else(PoisonError::into_inner);
        connection.as_ref().filter(|connection| connection.is_live()).map(Arc::clone)
    }

    /// Its connection in any state.
    pub(crate) fn any(&self) -> Option<Arc<Connection>> {
        self.connection.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Lets a connection go; false when it is not this one any more.
    pub(crate) fn forget(&self, connection: &Arc<Connection>) -> bool {
        let mut current = self.connection.write().unwrap_or_else(PoisonError::into_inner);
        current.take_if(|current| Arc::ptr_eq(current, connection)).is_some()
    }

    /// Whether this HSM answered there last.
    pub(crate) fn is(&self, hsm_id: &str) -> bool {
        self.hsm_id.read().unwrap_or_else(PoisonError::into_inner).as_deref() == Some(hsm_id)
    }

    pub(crate) fn set_connection(&self, connection: Option<Arc<Connection>>) {
        if let Some(connection) = &connection {
            *self.hsm_id.write().unwrap_or_else(PoisonError::into_inner) =
                Some(Arc::clone(&connection.peer.hsm_id));
        }
        *self.connection.write().unwrap_or_else(PoisonError::into_inner) = connection;
    }
}

impl Probe {
    pub(crate) fn succeeded(&mut self) {
        self.connecting = None;
        self.pause = FIRST_PAUSE;
        self.failures = 0;
        self.last_failure = None;
    }

    pub(crate) fn failed(&mut self, reason: String, by_server_check: bool) {
        self.connecting = None;
        self.failures += 1;
        self.last_failure = Some((reason, by_server_check));
        self.next_at = Instant::now() + self.pause;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
    }

    /// The HSM is about to stop: no attempt for a second.
    pub(crate) fn defer(&mut self) {
        self.next_at = Instant::now() + Duration::from_secs(1);
    }

    /// The next attempt at once: somebody said that the HSM is there.
    pub(crate) fn hurry(&mut self) {
        self.next_at = Instant::now();
        self.pause = FIRST_PAUSE;
    }
}
