//! The HSMs of a cluster: who they are, who is alive, and which gets the next call.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use rustls::ClientConfig;
use rustls::crypto::aws_lc_rs;
use strongroom_wire::messages::{EXPORTER_LENGTH, HelloRequest, HelloResponse, Member as MemberView, Notice};
use strongroom_wire::{Message, Rv, frame};

use crate::client_certificate;
use crate::config::{ClusterConfig, Server};
use crate::connecting::{Connecting, Context};
use crate::connection::{Connection, lock, micros};
use crate::error::{Error, Result};
use crate::log::{Level, Log};
use crate::login::Login;
use crate::member::{Member, Probe};
use crate::retry::quick_random;
use crate::server_check::{TrustAnchor, Verifier};

/// How often a passing caller pushes a connection in the making.
const STEP_INTERVAL: Duration = Duration::from_micros(500);
/// So many more calls in flight on one HSM than on another say nothing yet. Without this an HSM that answers a little
/// faster, because it has been busy and is awake, would get nearly all calls of a few threads.
const SLACK: usize = 2;
const NOTICE_MEMBERS: u64 = 1;
const NOTICE_DRAINING: u64 = 2;
/// What an HSM is called by a client in its log.
const CLIENT_NAME: &str = concat!("strongroom-client ", env!("CARGO_PKG_VERSION"));

pub(crate) struct Pool {
    config: ClusterConfig,
    tls: Arc<ClientConfig>,
    verifier: Arc<Verifier>,
    members: RwLock<Vec<Arc<Member>>>,
    started: Instant,
    /// When [`Pool::maintain`] has work again, in microseconds since `started`.
    due: AtomicU64,
    revision: AtomicU64,
    head: Mutex<Option<(u64, Vec<u8>)>>,
    cluster_id: Mutex<Option<String>>,
    in_flight: Arc<AtomicUsize>,
    was_connected: AtomicBool,
    max_data: AtomicU64,
    is_fips: AtomicBool,
    spin: Duration,
    login: RwLock<Option<Arc<Login>>>,
    pub log: Arc<Log>,
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool").field("members", &self.members).finish_non_exhaustive()
    }
}

impl Pool {
    pub(crate) fn new(config: ClusterConfig, log: Arc<Log>) -> Result<Self> {
        let anchor = TrustAnchor::from_pem(&config.trust_anchor_pem).map_err(|error| {
            Error::local(
                Rv::GENERAL_ERROR,
                format!(
                    "hsm_ca_file {}: {error}; put the self-signed certificate there that signed the cluster's CSR",
                    config.trust_anchor_path.display()
                ),
            )
        })?;
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier = Arc::new(Verifier::new(anchor, config.cluster_id.clone(), Arc::clone(&provider)));
        let own_certificate = config
            .client_certificate
            .as_ref()
            .map(|files| client_certificate::resolver(files, &provider))
            .transpose()
            .map_err(|text| Error::local(Rv::GENERAL_ERROR, text))?;
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(|error| Error::local(Rv::GENERAL_ERROR, error.to_string()))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::<Verifier>::clone(&verifier));
        let mut tls = match own_certificate {
            Some(resolver) => builder.with_client_cert_resolver(resolver),
            None => builder.with_no_client_auth(),
        };
        tls.alpn_protocols = vec![frame::ALPN.to_vec()];
        tls.enable_sni = false;
        let members = config.servers.iter().map(|server| Arc::new(Member::new(server.clone()))).collect();
        // A spin helps only where the HSM can run at the same time.
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let spin = if cores > 1 { Duration::from_micros(u64::from(config.spin_us)) } else { Duration::ZERO };
        Ok(Self {
            tls: Arc::new(tls),
            verifier,
            members: RwLock::new(members),
            started: Instant::now(),
            due: AtomicU64::new(0),
            revision: AtomicU64::new(0),
            head: Mutex::new(None),
            cluster_id: Mutex::new(config.cluster_id.clone()),
            in_flight: Arc::new(AtomicUsize::new(0)),
            was_connected: AtomicBool::new(false),
            max_data: AtomicU64::new(0),
            is_fips: AtomicBool::new(false),
            spin,
            login: RwLock::new(None),
            log,
            config,
        })
    }

    pub(crate) fn config(&self) -> &ClusterConfig {
        &self.config
    }

    /// The login that new connections carry.
    pub(crate) fn login(&self) -> Option<Arc<Login>> {
        self.login.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts another login in place; gives the one before.
    pub(crate) fn set_login(&self, login: Option<Arc<Login>>) -> Option<Arc<Login>> {
        std::mem::replace(&mut *self.login.write().unwrap_or_else(PoisonError::into_inner), login)
    }

    /// Forgets a login that an HSM does not know any more; false when it is not this one.
    pub(crate) fn drop_login(&self, login: &Arc<Login>) -> bool {
        let mut current = self.login.write().unwrap_or_else(PoisonError::into_inner);
        current.take_if(|current| Arc::ptr_eq(current, login)).is_some()
    }

    /// The newest revision seen.
    pub(crate) fn revision(&self) -> u64 {
        self.revision.load(Ordering::Acquire)
    }

    pub(crate) fn saw_revision(&self, revision: u64) {
        self.revision.fetch_max(revision, Ordering::AcqRel);
    }

    pub(crate) fn cluster_id(&self) -> Option<String> {
        lock(&self.cluster_id).clone()
    }

    pub(crate) fn max_data(&self) -> Option<u64> {
        Some(self.max_data.load(Ordering::Relaxed)).filter(|max_data| *max_data > 0)
    }

    pub(crate) fn is_fips(&self) -> bool {
        self.is_fips.load(Ordering::Relaxed)
    }

    pub(crate) fn members(&self) -> Vec<Arc<Member>> {
        self.members.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A live connection: of two random ones the first, unless it is clearly busier. Not `avoid`, nor one whose HSM has
    /// fallen silent or refuses, unless there is no other.
    pub(crate) fn choose(&self, avoid: Option<&Arc<Connection>>) -> Option<Arc<Connection>> {
        let live = self.live();
        let avoided =
            |connection: &Arc<Connection>| avoid.is_some_and(|avoid| Arc::ptr_eq(avoid, connection));
        pick(&live, |connection| !avoided(connection) && connection.is_preferred())
            .or_else(|| pick(&live, |connection| !avoided(connection)))
            .or_else(|| live.first().cloned())
    }

    /// A second HSM for a call whose answer is late: one that answers and where the login is attached already.
    pub(crate) fn choose_second(&self, first: &Arc<Connection>, login_id: u64) -> Option<Arc<Connection>> {
        pick(&self.live(), |connection| {
            !Arc::ptr_eq(first, connection)
                && connection.is_preferred()
                && connection.attached.load(Ordering::Acquire) == login_id
        })
    }

    /// An answer of this HSM is late: other HSMs get the calls until it gives a sign of life.
    pub(crate) fn suspect(&self, connection: &Connection) {
        if connection.suspect() {
            self.log.write(Level::Info, &format!("{} is slow to answer", connection.peer.hsm_id));
            self.hurry();
        }
    }

    fn live(&self) -> Vec<Arc<Connection>> {
        let members = self.members.read().unwrap_or_else(PoisonError::into_inner);
        members.iter().filter_map(|member| member.live()).collect()
    }

    /// The live connection to one HSM.
    pub(crate) fn to_hsm(&self, hsm_id: &str) -> Option<Arc<Connection>> {
        self.members()
            .iter()
            .filter_map(|member| member.live())
            .find(|connection| &*connection.peer.hsm_id == hsm_id)
    }

    /// Waits until some HSM can be called, or `hsm_id` can.
    pub(crate) fn wait_for(&self, hsm_id: Option<&str>, deadline: Instant) -> Result<Arc<Connection>> {
        let since: Vec<(Arc<Member>, u32)> = self
            .members()
            .into_iter()
            .filter(|member| hsm_id.is_none_or(|hsm_id| member.is(hsm_id)))
            .map(|member| {
                let mut probe = lock(&member.probe);
                probe.next_at = probe.next_at.min(Instant::now());
                let failures = probe.failures;
                drop(probe);
                (member, failures)
            })
            .collect();
        loop {
            self.maintain(Instant::now(), true);
            let found = match hsm_id {
                None => self.choose(None),
                Some(hsm_id) => self.to_hsm(hsm_id),
            };
            if let Some(connection) = found {
                return Ok(connection);
            }
            let now = Instant::now();
            let all_failed = since.iter().all(|(member, failures)| lock(&member.probe).failures > *failures);
            let patient = hsm_id.is_none() && self.was_connected.load(Ordering::Relaxed);
            if now >= deadline || (all_failed && (!patient || self.all_untrusted())) {
                return Err(self.unreachable());
            }
            self.wait_for_sockets(deadline.saturating_duration_since(now));
        }
    }

    fn wait_for_sockets(&self, longest: Duration) {
        let members = self.members();
        let probes: Vec<_> = members.iter().filter_map(|member| member.probe.try_lock().ok()).collect();
        let sockets: Vec<_> =
            probes.iter().filter_map(|probe| probe.connecting.as_ref().map(Connecting::awaits)).collect();
        // A failed poll is a wait that was too short.
        let _ = crate::poll::poll(&sockets, longest.min(Duration::from_millis(20)));
    }

    fn all_untrusted(&self) -> bool {
        self.members()
            .iter()
            .all(|member| lock(&member.probe).last_failure.as_ref().is_some_and(|(_, check)| *check))
    }

    fn unreachable(&self) -> Error {
        let mut reasons = Vec::new();
        let mut untrusted = false;
        for member in self.members() {
            if let Some((reason, by_server_check)) = &lock(&member.probe).last_failure {
                untrusted |= *by_server_check;
                reasons.push(format!("{}:{}: {reason}", member.server.hostname, member.server.port));
            }
        }
        let reasons = reasons.join("; ");
        if untrusted {
            return Error::server_check(format!(
                "no HSM passed the server check ({reasons}); check hsm_ca_file {} and cluster_id",
                self.config.trust_anchor_path.display()
            ));
        }
        Error::network(format!(
            "no HSM can be reached ({reasons}); check that the cluster runs and the addresses"
        ))
    }

    /// Pushes connections in the making, starts new attempts. Cheap when there is nothing to do; never waits.
    pub(crate) fn maintain(&self, now: Instant, force: bool) {
        let elapsed = micros(now.saturating_duration_since(self.started));
        let due = self.due.load(Ordering::Relaxed);
        let next = elapsed + micros(STEP_INTERVAL);
        if !force
            && (elapsed < due
                || self.due.compare_exchange(due, next, Ordering::Relaxed, Ordering::Relaxed).is_err())
        {
            return;
        }
        let mut next_due = elapsed + 1_000_000;
        for member in self.members() {
            if let Some(connection) = member.live() {
                if connection.is_suspect() {
                    self.look(&connection);
                    next_due = next;
                }
                continue;
            }
            let Ok(mut probe) = member.probe.try_lock() else {
                next_due = next;
                continue;
            };
            self.step(&member, &mut probe, now);
            next_due = next_due.min(match &probe.connecting {
                Some(_) => next,
                None => micros(probe.next_at.saturating_duration_since(self.started)),
            });
        }
        self.due.store(next_due, Ordering::Relaxed);
    }

    /// Something happened that makes an attempt worth while.
    fn hurry(&self) {
        self.due.store(0, Ordering::Relaxed);
    }

    /// Asks a silent HSM for a sign of life, and leaves it when there was none for too long.
    fn look(&self, connection: &Arc<Connection>) {
        connection.look();
        if let Some(reason) = connection.failure() {
            self.lost(connection, &reason);
        }
    }

    fn step(&self, member: &Arc<Member>, probe: &mut Probe, now: Instant) {
        if member.live().is_some() {
            return;
        }
        let mut connecting = match probe.connecting.take() {
            Some(connecting) => connecting,
            None if now < probe.next_at => return,
            None => match Connecting::start(&member.server, &self.tls) {
                Ok(connecting) => connecting,
                Err(reason) => return self.probe_failed(member, probe, reason),
            },
        };
        match connecting.step(self) {
            Ok(false) => probe.connecting = Some(connecting),
            Ok(true) => match connecting.finish(Arc::clone(&self.in_flight), self.spin) {
                Ok((connection, hello)) => {
                    probe.succeeded();
                    self.connected(member, connection, hello);
                }
                Err(reason) => self.probe_failed(member, probe, reason),
            },
            Err(reason) => self.probe_failed(member, probe, reason),
        }
    }

    fn probe_failed(&self, member: &Member, probe: &mut Probe, reason: String) {
        let refusal = self.verifier.take_refusal();
        let by_server_check = refusal.is_some();
        let reason = refusal.map_or(reason, |refusal| refusal.to_string());
        let level = if probe.failures == 0 { Level::Warn } else { Level::Debug };
        self.log.write(
            level,
            &format!("no connection to {}:{}: {reason}", member.server.hostname, member.server.port),
        );
        probe.failed(reason, by_server_check);
    }

    fn connected(&self, member: &Arc<Member>, connection: Connection, hello: HelloResponse) {
        self.log.write(
            Level::Info,
            &format!("connected to {} at {}:{}", hello.hsm_id, member.server.hostname, member.server.port),
        );
        self.was_connected.store(true, Ordering::Relaxed);
        self.max_data.store(hello.max_data, Ordering::Relaxed);
        self.is_fips.store(hello.mode == "FIPS", Ordering::Relaxed);
        self.saw_revision(hello.revision);
        member.set_connection(Some(Arc::new(connection)));
        self.merge(&hello.members.0);
    }

    /// Takes over the cluster's own list. Members with a connection stay until it ends; those from the configuration
    /// that are not listed under their address go when listed ones are there.
    fn merge(&self, listed: &[MemberView]) {
        if listed.is_empty() {
            return;
        }
        let reachable: Vec<(Server, &str)> = listed
            .iter()
            .filter_map(|view| {
                let port = u16::try_from(view.port).ok()?;
                Some((Server { hostname: view.address.clone(), port }, view.hsm_id.as_str()))
            })
            .collect();
        let mut members = self.members.write().unwrap_or_else(PoisonError::into_inner);
        let live_ids: Vec<String> = members
            .iter()
            .filter_map(|member| member.live().map(|connection| connection.peer.hsm_id.to_string()))
            .collect();
        members.retain(|member| {
            member.live().is_some() || reachable.iter().any(|(server, _)| *server == member.server)
        });
        for (server, hsm_id) in reachable {
            let known = members.iter().any(|member| member.server == server);
            if !known && !live_ids.iter().any(|live_id| live_id == hsm_id) {
                members.push(Arc::new(Member::new(server)));
            }
        }
        drop(members);
        self.hurry();
    }

    /// Does what an HSM said without being asked.
    pub(crate) fn take_notices(&self, connection: &Arc<Connection>) {
        for Notice { kind, members } in connection.take_notices() {
            match kind {
                NOTICE_MEMBERS => {
                    self.log.write(Level::Info, "the cluster's members have changed");
                    self.merge(&members.0);
                    for member in self.members() {
                        if member.live().is_none() {
                            lock(&member.probe).hurry();
                        }
                    }
                    self.hurry();
                }
                NOTICE_DRAINING => {
                    self.log.write(Level::Info, &format!("{} is about to stop", connection.peer.hsm_id));
                    connection.drain();
                    for member in self.members().iter().filter(|member| member.is(&connection.peer.hsm_id)) {
                        lock(&member.probe).defer();
                    }
                }
                _ => {}
            }
        }
    }

    /// A connection failed: leaves it, and tries to get a new one.
    pub(crate) fn lost(&self, connection: &Arc<Connection>, reason: &str) {
        for member in self.members() {
            if member.forget(connection) {
                self.log.write(Level::Warn, &format!("lost {}: {reason}", connection.peer.hsm_id));
                lock(&member.probe).hurry();
                self.hurry();
            }
        }
        self.keep_seeds();
    }

    /// When the cluster's list has led nowhere, the configured addresses are tried again.
    fn keep_seeds(&self) {
        let mut members = self.members.write().unwrap_or_else(PoisonError::into_inner);
        if members.iter().any(|member| member.live().is_some()) {
            return;
        }
        for server in &self.config.servers {
            if !members.iter().any(|member| member.server == *server) {
                members.push(Arc::new(Member::new(server.clone())));
            }
        }
    }

    /// Ends every connection with a goodbye.
    pub(crate) fn close(&self) {
        for member in self.members() {
            if let Some(connection) = member.any() {
                connection.close();
            }
            member.set_connection(None);
        }
    }
}

impl Context for Pool {
    fn hello(&self) -> HelloRequest {
        let head = lock(&self.head).clone();
        HelloRequest {
            version_min: 1,
            version_max: 1,
            client: CLIENT_NAME.to_owned(),
            cluster_id: self.cluster_id(),
            revision: head.as_ref().map_or(0, |(revision, _)| *revision),
            head: head.map(|(_, head)| head),
        }
    }

    fn check(&self, hello: &HelloResponse) -> std::result::Result<(), String> {
        let mut cluster_id = lock(&self.cluster_id);
        match cluster_id.as_deref() {
            Some(expected) if expected != hello.cluster_id => {
                return Err(format!("it belongs to cluster {}, not to {expected}", hello.cluster_id));
            }
            Some(_) => {}
            None => *cluster_id = Some(hello.cluster_id.clone()),
        }
        drop(cluster_id);
        let mut head = lock(&self.head);
        match &*head {
            Some((revision, known)) if *revision == hello.revision && *known != hello.head => {
                return Err(format!(
                    "it shows another history at revision {revision}: its store was replaced"
                ));
            }
            Some((revision, _)) if *revision >= hello.revision => {}
            _ => *head = Some((hello.revision, hello.head.clone())),
        }
        Ok(())
    }

    fn attach(&self, exporter: &[u8; EXPORTER_LENGTH]) -> Option<(u64, Vec<u8>)> {
        let login = self.login()?;
        Some((login.view.login_id, login.attach_request(exporter).to_bytes()))
    }
}

/// Of two random ones of those that may be picked the first, unless it is clearly busier.
fn pick(live: &[Arc<Connection>], may_be: impl Fn(&Arc<Connection>) -> bool) -> Option<Arc<Connection>> {
    let usable: Vec<&Arc<Connection>> = live.iter().filter(|connection| may_be(connection)).collect();
    match usable.len() {
        0 => None,
        1 => Some(Arc::clone(usable[0])),
        count => {
            let random = quick_random();
            #[allow(clippy::cast_possible_truncation)] // reduced by the count
            let (first, step) = (random as u32 as usize % count, (random >> 32) as usize % (count - 1));
            let (one, other) = (usable[first], usable[(first + 1 + step) % count]);
            let busier = one.in_flight() > other.in_flight() + SLACK;
            Some(Arc::clone(if busier { other } else { one }))
        }
    }
}
