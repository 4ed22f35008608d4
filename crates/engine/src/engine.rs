//! The data plane of one HSM as its process uses it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use strongroom_boundary::{Boundary, Caller, Error};
use strongroom_wire::messages::Member;
use strongroom_wire::tables::Lane;
use strongroom_wire::{RetryClass, Rv};

use crate::client_trust::{ClientTrust, ClientVerifier};
use crate::housekeeping::Clock;
use crate::listener::{Door, Listener};
use crate::managed::ManagedRequest;
use crate::metrics::OperationFigures;
use crate::refusal::Refusal;
use crate::request::Request;
use crate::settings::{Identity, Settings};
use crate::shared::{NOTICE_DRAINING, Shared};
use crate::{tls, workers};

/// How long a draining HSM must have heard nothing before it closes connections that clients keep open.
const QUIET: Duration = Duration::from_millis(100);

/// Descriptors that the process needs beside connections.
const OTHER_DESCRIPTORS: u64 = 256;

/// The data plane: closed until [`Engine::listen`].
#[derive(Debug)]
pub struct Engine {
    shared: Arc<Shared>,
    running: Mutex<Option<Running>>,
}

#[derive(Debug)]
struct Running {
    listener: Arc<Listener>,
    clock: Arc<Clock>,
    threads: Vec<JoinHandle<()>>,
}

impl Engine {
    /// A data plane over a boundary.
    ///
    /// # Errors
    /// The system gives no descriptors.
    pub fn new(boundary: Arc<Boundary>, identity: Identity, settings: Settings) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::new(boundary, identity, settings)?);
        Ok(Self { shared, running: Mutex::new(None) })
    }

    /// Opens the port; gives its number, which is new when 0 was asked for.
    ///
    /// # Errors
    /// No certificate is installed, the port is open already, or the system refuses.
    pub fn listen(&self, address: &str, port: u16) -> std::io::Result<u16> {
        let mut running = self.running.lock();
        if running.is_some() {
            return Err(std::io::Error::other("the HSM's port is open already"));
        }
        allow_descriptors(self.shared.settings.max_connections);
        let door = self.door(self.shared.clients()).map_err(std::io::Error::other)?;
        let listener = Arc::new(Listener::bind(address, port, door)?);
        let port = listener.port()?;
        let clock = Arc::new(Clock::default());
        let mut threads = Vec::new();
        for _ in 0..self.shared.settings.workers {
            threads.push(spawn("hsm-worker", &self.shared, workers::run_worker)?);
        }
        for _ in 0..self.shared.settings.long_workers {
            threads.push(spawn("hsm-long", &self.shared, workers::run_long_worker)?);
        }
        for _ in 0..self.shared.settings.handshake_workers {
            threads.push(spawn("hsm-handshake", &self.shared, workers::run_handshake_worker)?);
        }
        let ticking = Arc::clone(&clock);
        threads.push(spawn("hsm-clock", &self.shared, move |shared| ticking.run(shared))?);
        let accepting = Arc::clone(&listener);
        threads.push(spawn("hsm-listener", &self.shared, move |shared| accepting.run(shared))?);
        *running = Some(Running { listener, clock, threads });
        Ok(port)
    }

    /// Whose clients are let in, and whether they must have a certificate. Connections of others are closed.
    ///
    /// # Errors
    /// A sentence: an anchor is no certificate. Nothing has changed then.
    pub fn set_client_trust(&self, trust: ClientTrust) -> Result<(), String> {
        let clients = Arc::new(ClientVerifier::new(trust)?);
        let running = self.running.lock();
        if let Some(running) = &*running {
            running.listener.set_door(self.door(Arc::clone(&clients))?);
        }
        self.shared.set_clients(&clients);
        Ok(())
    }

    /// Every active HSM of the cluster; clients are told.
    pub fn set_members(&self, members: Vec<Member>) {
        self.shared.set_members(members);
    }

    /// What this HSM has applied; the same revision again says that the store has none above it.
    pub fn set_revision(&self, revision: u64, head: &[u8]) {
        self.shared.set_revision(revision, head);
    }

    /// The lease is good for so long from now.
    pub fn extend_lease(&self, milliseconds: u64) {
        self.shared.lease.extend(milliseconds);
    }

    /// How long after its lease hot requests are still answered.
    pub fn set_offline_grace(&self, milliseconds: u64) {
        self.shared.lease.set_grace(milliseconds);
    }

    /// Makes a login usable on this HSM.
    pub fn apply_login(&self, caller: Caller, epoch: u64, client_key: Vec<u8>) {
        self.shared.logins.apply(caller, epoch, client_key);
    }

    /// Ends a login: its requests are refused from now on and its session objects are gone.
    pub fn remove_login(&self, login_id: u64) {
        self.shared.remove_login(login_id);
    }

    /// Lets the connection that a managed request came on use a login. A request that is no longer waited for is no error.
    ///
    /// # Errors
    /// `CKR_USER_NOT_LOGGED_IN`: the login was not applied. `CKR_SESSION_COUNT`: the connection has too many logins.
    pub fn attach_login(&self, request_token: u64, login_id: u64) -> strongroom_boundary::Result<()> {
        let Some(login) = self.shared.logins.find(login_id) else {
            return Err(Error::refused(Rv::USER_NOT_LOGGED_IN, "the login to attach was not applied"));
        };
        let attached = self.shared.managed.with(request_token, |request| {
            self.attempt_was_right(request);
            request.connection.attach(&login) || request.connection.is_closed()
        });
        if attached == Some(false) {
            return Err(Error::refused(Rv::SESSION_COUNT, "the connection has too many logins"));
        }
        Ok(())
    }

    /// The password check of a login has taken so much CPU time, which counts against the allowance of failed attempts
    /// until [`Engine::attach_login`] gives it back.
    pub fn attempt_took(&self, request_token: u64, cpu_time: Duration) {
        self.shared.managed.with(request_token, |request| {
            if let Some(attempt) = &request.attempt {
                attempt.took(cpu_time);
                self.shared.allowance.take(attempt.origin, cpu_time, Instant::now());
            }
        });
    }

    /// Logins whose session objects were destroyed since the last call, because no connection used them any more.
    pub fn ended_logins(&self) -> Vec<u64> {
        std::mem::take(&mut self.shared.ended_logins.lock())
    }

    /// Logins that a connection here uses, or that were attached or renewed here within a ticket's life.
    pub fn active_logins(&self) -> Vec<u64> {
        self.shared.logins.active(Instant::now())
    }

    /// Waits for a managed request of a lane.
    pub fn next_request(&self, lane: Lane, timeout: Duration) -> Option<ManagedRequest> {
        let until = Instant::now() + timeout;
        loop {
            let mut late = Vec::new();
            let left = until.saturating_duration_since(Instant::now());
            let managed = self.shared.managed.next(lane, left, &self.shared.allowance, &mut late);
            let nothing_came = managed.is_none() && late.is_empty();
            self.shared.refuse_all(late, &Refusal::busy());
            if managed.is_some() || nothing_came {
                return managed;
            }
        }
    }

    /// Answers a managed request; the revision is that of its change. An answer nobody waits for is dropped.
    pub fn respond(&self, token: u64, body: &[u8], revision: u64) {
        if let Some(request) = self.shared.managed.take(token) {
            let connection = Arc::clone(&request.connection);
            request.answer_bytes(body, revision.max(self.shared.revision()));
            connection.flush();
        }
    }

    /// Refuses a managed request; a login at a set time after it came.
    pub fn respond_error(&self, token: u64, rv: Rv, text: String, retry: RetryClass) {
        if let Some(request) = self.shared.managed.take(token) {
            self.shared.refuse(request, Refusal { rv, text: text.into(), retry });
        }
    }

    /// Waits until some request needs a newer revision than this HSM has applied, or a check that there is none. For one
    /// thread, which then catches up and calls [`Engine::set_revision`].
    pub fn wait_behind(&self, timeout: Duration) -> bool {
        self.shared.parking.wait_behind(timeout)
    }

    /// Counters and sizes by name.
    pub fn statistics(&self) -> Vec<(&'static str, u64)> {
        let shared = &self.shared;
        let in_work: usize =
            shared.connections.read().values().map(|connection| connection.requests_in_work()).sum();
        let [short, long, handshakes] = shared.workers.waiting();
        let sizes = [
            ("short_waiting", short),
            ("long_waiting", long),
            ("handshakes_waiting", handshakes),
            ("connections", shared.connections.read().len()),
            ("logins", shared.logins.len()),
            ("requests_in_work", in_work),
            ("managed_waiting", shared.managed.waiting()),
            ("parked", shared.parking.len()),
            ("session_objects", shared.boundary.objects.session_object_count()),
            ("streams", shared.streams.open()),
        ];
        let sizes = sizes.map(|(name, size)| (name, size as u64));
        let counters = [
            ("catch_ups", shared.parking.catch_ups()),
            ("bytes_received", shared.metrics.bytes_received.value()),
            ("bytes_sent", shared.metrics.bytes_sent.value()),
        ];
        shared.statistics.counters().into_iter().chain(counters).chain(sizes).collect()
    }

    /// What was answered since the start, by operation and mechanism family.
    pub fn operation_figures(&self) -> Vec<OperationFigures> {
        self.shared.metrics.figures()
    }

    /// Tells clients to move, finishes what is in work, and closes. Returns when all threads have ended.
    pub fn shutdown(&self, drain: Duration) {
        let shared = &self.shared;
        let running = self.running.lock().take();
        shared.draining.store(true, Ordering::Release);
        *shared.last_frame.lock() = Instant::now();
        if let Some(running) = &running {
            running.listener.stop();
            shared.notify(NOTICE_DRAINING);
            self.wait_until_drained(Instant::now() + drain);
        }
        shared.refuse_all(shared.managed.close(), &Refusal::stopping());
        shared.refuse_all(shared.parking.close(), &Refusal::stopping());
        shared.refuse_due(None);
        let connections: Vec<_> = shared.connections.write().drain().map(|(_, it)| it).collect();
        for connection in connections {
            connection.close_gracefully();
        }
        shared.workers.stop();
        if let Some(running) = running {
            running.clock.stop();
            for thread in running.threads {
                // A panic of a whole thread has been printed; there is nothing left to do about it.
                let _ = thread.join();
            }
        }
    }

    #[cfg(test)]
    pub(crate) fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.shared)
    }

    fn door(&self, clients: Arc<ClientVerifier>) -> Result<Door, String> {
        let config = tls::server_config(&self.shared.boundary.keys, &clients)?;
        Ok(Door { config, clients })
    }

    fn attempt_was_right(&self, request: &Request) {
        if let Some(attempt) = &request.attempt {
            let (allowance, now) = (&self.shared.allowance, Instant::now());
            allowance.give_back(attempt.origin, attempt.give_back(), now);
            allowance.logged_in(request.connection.peer.ip(), now);
            self.shared.managed.look_again();
        }
    }

    fn wait_until_drained(&self, deadline: Instant) {
        while Instant::now() < deadline {
            let connections: Vec<_> = self.shared.connections.read().values().cloned().collect();
            let is_quiet = self.shared.last_frame.lock().elapsed() >= QUIET;
            let in_work = connections.iter().any(|connection| connection.requests_in_work() > 0);
            if connections.is_empty() || is_quiet && !in_work {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.shutdown(Duration::ZERO);
    }
}

/// Raises the limit of open descriptors as far as it may be for so many connections. Where the system allows fewer, the
/// listener waits for free ones.
fn allow_descriptors(connections: usize) {
    let limit = getrlimit(Resource::Nofile);
    let wanted = connections as u64 + OTHER_DESCRIPTORS;
    let allowed = limit.maximum.map_or(wanted, |maximum| maximum.min(wanted));
    if limit.current.is_some_and(|current| current < allowed) {
        let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(allowed), ..limit });
    }
}

fn spawn(
    name: &str,
    shared: &Arc<Shared>,
    run: impl FnOnce(&Arc<Shared>) + Send + 'static,
) -> std::io::Result<JoinHandle<()>> {
    let shared = Arc::clone(shared);
    std::thread::Builder::new().name(name.into()).spawn(move || run(&shared))
}
