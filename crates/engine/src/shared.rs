//! What all threads of the data plane share.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use parking_lot::{Mutex, RwLock};
use strongroom_boundary::Boundary;
use strongroom_wire::codec::List;
use strongroom_wire::messages::{Member, Notice};
use strongroom_wire::{FrameType, Header, Message};

use crate::allowance::Allowance;
use crate::attempts::Attempts;
use crate::client_trust::{ClientTrust, ClientVerifier};
use crate::clock::TicketClock;
use crate::connection::Connection;
use crate::lease::Lease;
use crate::logins::Logins;
use crate::managed::ManagedQueue;
use crate::metrics::Metrics;
use crate::parking::Parking;
use crate::rate::Rate;
use crate::refusal::Refusal;
use crate::request::Request;
use crate::settings::{Identity, Settings};
use crate::statistics::Statistics;
use crate::streams::StreamCount;
use crate::workers::{Work, Workers};

/// Kinds of [`Notice`].
pub(crate) const NOTICE_MEMBERS: u64 = 1;
pub(crate) const NOTICE_DRAINING: u64 = 2;

/// The data plane's state.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) boundary: Arc<Boundary>,
    pub(crate) identity: Identity,
    pub(crate) settings: Settings,
    pub(crate) lease: Lease,
    pub(crate) tickets: TicketClock,
    pub(crate) logins: Logins,
    pub(crate) attempts: Attempts,
    pub(crate) allowance: Allowance,
    pub(crate) certificate_reads: Rate,
    pub(crate) managed: ManagedQueue,
    pub(crate) parking: Parking<Request>,
    pub(crate) workers: Workers,
    pub(crate) statistics: Statistics,
    pub(crate) metrics: Metrics,
    pub(crate) streams: Arc<StreamCount>,
    pub(crate) connections: RwLock<HashMap<u64, Arc<Connection>>>,
    pub(crate) ended_logins: Mutex<Vec<u64>>,
    /// No new connections and no HELLO any more.
    pub(crate) draining: AtomicBool,
    /// When the last frame came; looked at while draining.
    pub(crate) last_frame: Mutex<Instant>,
    /// Whose clients are let in.
    clients: RwLock<Arc<ClientVerifier>>,
    revision: AtomicU64,
    head: Mutex<(u64, Vec<u8>)>,
    members: RwLock<Arc<Vec<Member>>>,
}

impl Shared {
    pub(crate) fn new(
        boundary: Arc<Boundary>,
        identity: Identity,
        settings: Settings,
    ) -> std::io::Result<Self> {
        let everybody = ClientVerifier::new(ClientTrust::default()).map_err(std::io::Error::other)?;
        Ok(Self {
            workers: Workers::new(settings.spin)?,
            managed: ManagedQueue::new(settings.lane_capacity),
            allowance: Allowance::new(settings.attempts_cores, settings.attempts_burst, Instant::now()),
            certificate_reads: Rate::new(settings.certificate_reads_per_second, Instant::now()),
            boundary,
            identity,
            settings,
            lease: Lease::default(),
            tickets: TicketClock::new(),
            logins: Logins::default(),
            attempts: Attempts::default(),
            parking: Parking::default(),
            statistics: Statistics::default(),
            metrics: Metrics::default(),
            streams: Arc::default(),
            connections: RwLock::new(HashMap::new()),
            ended_logins: Mutex::new(Vec::new()),
            draining: AtomicBool::new(false),
            last_frame: Mutex::new(Instant::now()),
            clients: RwLock::new(Arc::new(everybody)),
            revision: AtomicU64::new(0),
            head: Mutex::new((0, Vec::new())),
            members: RwLock::new(Arc::new(Vec::new())),
        })
    }

    /// What this HSM has applied.
    pub(crate) fn revision(&self) -> u64 {
        self.revision.load(Ordering::Acquire)
    }

    /// The applied revision and its head.
    pub(crate) fn head(&self) -> (u64, Vec<u8>) {
        self.head.lock().clone()
    }

    /// The brain has applied a revision, or checked that there is none above it. An older one than applied (two threads
    /// report out of order) changes nothing.
    pub(crate) fn set_revision(&self, revision: u64, head: &[u8]) {
        {
            let mut known = self.head.lock();
            if revision > known.0 || known.1.is_empty() {
                *known = (revision, head.to_vec());
            }
        }
        self.revision.fetch_max(revision, Ordering::AcqRel);
        for mut request in self.parking.advanced(revision) {
            request.is_checked = true;
            self.workers.push_short(Work::Route(request));
        }
    }

    pub(crate) fn clients(&self) -> Arc<ClientVerifier> {
        Arc::clone(&self.clients.read())
    }

    /// Other clients are let in from now on; closes the connections of those that are not any more. A connection whose
    /// handshake is not over is looked at when it is.
    pub(crate) fn set_clients(&self, clients: &Arc<ClientVerifier>) {
        *self.clients.write() = Arc::clone(clients);
        let connections: Vec<_> = self.connections.read().values().cloned().collect();
        for connection in connections {
            if connection.is_known_handshaken() && !connection.is_accepted(clients) {
                self.statistics.connections_cut.add(1);
                self.drop_connection(&connection);
            }
        }
    }

    pub(crate) fn members(&self) -> Arc<Vec<Member>> {
        Arc::clone(&self.members.read())
    }

    /// Sets the list of members and tells every client.
    pub(crate) fn set_members(&self, members: Vec<Member>) {
        *self.members.write() = Arc::new(members);
        self.notify(NOTICE_MEMBERS);
    }

    /// Sends a notice to every connection that said HELLO.
    pub(crate) fn notify(&self, kind: u64) {
        let notice = Notice { kind, members: List(self.members().to_vec()) };
        let body = notice.to_bytes();
        let header = Header {
            frame_type: FrameType::Notice,
            operation: 0,
            request_id: 0,
            login_id: 0,
            revision: self.revision(),
            deadline_ms: 0,
            trace_id: 0,
        };
        let connections: Vec<_> = self.connections.read().values().cloned().collect();
        for connection in connections.iter().filter(|connection| connection.is_greeted()) {
            connection.queue_frame(&header, &body);
            connection.flush();
        }
    }

    /// Closes a connection and forgets it.
    pub(crate) fn drop_connection(&self, connection: &Connection) {
        connection.close();
        self.connections.write().remove(&connection.id);
    }

    /// Ends a login: its requests are refused from now on and its session objects are gone.
    pub(crate) fn remove_login(&self, login_id: u64) {
        self.logins.remove(login_id);
        self.boundary.objects.remove_login(login_id);
    }

    /// Refuses a request that the brain refused. Of a login nobody is to learn by the time what was wrong.
    pub(crate) fn refuse(&self, request: Request, refusal: Refusal) {
        let answer_at = request.arrived + self.settings.refused_attempt_time;
        if request.is_to_log_in() && answer_at > Instant::now() {
            self.attempts.hold(answer_at, request, refusal);
        } else {
            self.refuse_all(vec![request], &refusal);
        }
    }

    /// Gives out the refusals of logins whose time has come; without a time all.
    pub(crate) fn refuse_due(&self, now: Option<Instant>) {
        for (request, refusal) in self.attempts.due(now) {
            self.refuse_all(vec![request], &refusal);
        }
    }

    /// Answers requests for which nothing was done.
    pub(crate) fn refuse_all(&self, requests: Vec<Request>, refusal: &Refusal) {
        for request in requests {
            let connection = Arc::clone(&request.connection);
            request.refuse(refusal);
            connection.flush();
        }
    }
}
