//! What exists from C_Initialize to C_Finalize: slots (one per cluster), sessions, the log.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use cryptoki_sys::{CK_SESSION_HANDLE, CK_SLOT_ID};
use strongroom_client::{Client, ClusterConfig, Config, Level, Log, Profile};
use strongroom_wire::{Role, Rv};

use crate::edge::{Failure, Result, failure};
use crate::gcm_iv::LeftOver;
use crate::object_cache::ObjectCache;
use crate::profile::AWS_SESSIONS;
use crate::session::Session;

/// The first slot's number, as in AWS's SDK 5 (aws-cloudhsm.md 6.1).
pub const FIRST_SLOT: CK_SLOT_ID = 0x2000_0000_0000_0001;
/// Of all slots together: sessions are local and cost only memory.
const MAX_SESSIONS: usize = 65_536;
/// How long C_Finalize waits for an HSM to confirm the logout.
const LOGOUT_PATIENCE: Duration = Duration::from_secs(2);

/// One cluster.
#[derive(Debug)]
pub struct Slot {
    /// `CK_SLOT_ID`.
    pub id: CK_SLOT_ID,
    /// The way to the HSMs.
    pub client: Client,
    /// Where that begins.
    pub cluster: ClusterConfig,
    /// The handles given out.
    pub objects: ObjectCache,
    /// The cluster's id where the configuration has it.
    pub cluster_id: Option<String>,
    /// Whose behaviour it has.
    pub profile: Profile,
    /// Whether, in the profile of AWS, token keys need two HSMs.
    pub checks_key_availability: bool,
    /// Sessions that may be open at once.
    pub max_sessions: usize,
    /// Whether the cluster was once seen to be active and to have a crypto-user.
    pub had_users: AtomicBool,
    /// Whether a security officer is about to log in.
    officer_comes: AtomicBool,
    /// The IVs of AES-GCM that are not chosen when they come again.
    pub left_over: LeftOver,
}

impl Slot {
    /// Whether a security officer is logged in or about to be.
    fn has_officer(&self) -> bool {
        self.officer_comes.load(Ordering::Acquire) || self.client.role() == Some(Role::Admin)
    }
}

/// A security officer's login that is under way.
#[derive(Debug)]
pub struct Expected<'slot>(&'slot Slot);

impl Drop for Expected<'_> {
    fn drop(&mut self) {
        self.0.officer_comes.store(false, Ordering::Release);
    }
}

/// The library of this process.
#[derive(Debug)]
pub struct Library {
    /// One per cluster, in the order of the configuration.
    pub slots: Vec<Arc<Slot>>,
    /// The log that the configuration asks for.
    pub log: Arc<Log>,
    sessions: RwLock<HashMap<CK_SESSION_HANDLE, Arc<Session>>>,
    next_session: AtomicU64,
    logging_in: Mutex<()>,
}

impl Library {
    /// From a configuration. Nothing is connected.
    ///
    /// # Errors
    /// A trust anchor is not usable.
    pub fn new(config: Config) -> Result<Self> {
        let log = Arc::new(config.log);
        let slots = (FIRST_SLOT..)
            .zip(config.clusters)
            .map(|(id, cluster)| {
                let cluster_id = cluster.cluster_id.clone();
                let (profile, checks_key_availability) = (cluster.profile, cluster.checks_key_availability);
                let of_the_profile = if profile == Profile::Aws { AWS_SESSIONS } else { MAX_SESSIONS };
                let max_sessions = cluster.max_sessions.unwrap_or(of_the_profile).min(MAX_SESSIONS);
                let client = Client::new(cluster.clone(), Arc::clone(&log))?;
                let objects = ObjectCache::new();
                Ok(Arc::new(Slot {
                    id,
                    client,
                    cluster,
                    objects,
                    cluster_id,
                    profile,
                    checks_key_availability,
                    max_sessions,
                    had_users: AtomicBool::new(false),
                    officer_comes: AtomicBool::new(false),
                    left_over: LeftOver::default(),
                }))
            })
            .collect::<Result<_>>()?;
        Ok(Self {
            slots,
            log,
            sessions: RwLock::default(),
            next_session: AtomicU64::new(1),
            logging_in: Mutex::new(()),
        })
    }

    /// The slot with this number.
    pub fn slot(&self, id: CK_SLOT_ID) -> Result<&Arc<Slot>> {
        self.slots.iter().find(|slot| slot.id == id).ok_or_else(|| Rv::SLOT_ID_INVALID.into())
    }

    /// The session with this handle.
    pub fn session(&self, handle: CK_SESSION_HANDLE) -> Result<Arc<Session>> {
        let sessions = self.sessions.read().unwrap_or_else(PoisonError::into_inner);
        sessions.get(&handle).map(Arc::clone).ok_or_else(|| Rv::SESSION_HANDLE_INVALID.into())
    }

    /// The session with this handle, for a function that AWS's library does not have.
    pub fn standard_session(&self, handle: CK_SESSION_HANDLE) -> Result<Arc<Session>> {
        let session = self.session(handle)?;
        session.slot.check_offered()?;
        Ok(session)
    }

    /// Makes a session.
    pub fn open_session(&self, slot: &Arc<Slot>, is_read_write: bool) -> Result<CK_SESSION_HANDLE> {
        let slot = Arc::clone(slot);
        let mut sessions = self.sessions.write().unwrap_or_else(PoisonError::into_inner);
        if !is_read_write && slot.has_officer() {
            return failure(Rv::SESSION_READ_WRITE_SO_EXISTS, "a security officer is logged in");
        }
        let of_slot = || sessions.values().filter(|session| session.slot.id == slot.id).count();
        if sessions.len() >= slot.max_sessions && of_slot() >= slot.max_sessions {
            return failure(
                Rv::SESSION_COUNT,
                format!("{} sessions are open; close some", slot.max_sessions),
            );
        }
        if sessions.len() >= MAX_SESSIONS {
            return failure(Rv::SESSION_COUNT, format!("{MAX_SESSIONS} sessions are open; close some"));
        }
        let handle = self.next_session.fetch_add(1, Ordering::Relaxed);
        sessions.insert(handle, Arc::new(Session::new(slot, is_read_write)));
        Ok(handle)
    }

    /// Ends a session; with the last of a slot the login ends too (PKCS #11 2.40 section 5.6, C_CloseSession).
    pub fn close_session(&self, handle: CK_SESSION_HANDLE) -> Result {
        let mut sessions = self.sessions.write().unwrap_or_else(PoisonError::into_inner);
        let session = sessions.remove(&handle).ok_or(Failure::from(Rv::SESSION_HANDLE_INVALID))?;
        let was_last = !sessions.values().any(|other| other.slot.id == session.slot.id);
        drop(sessions);
        if was_last {
            // With the login all its session objects end.
            self.end_login(&session.slot);
        } else {
            session.end_objects();
        }
        Ok(())
    }

    /// Ends all sessions of a slot and its login.
    pub fn close_all_sessions(&self, slot: CK_SLOT_ID) -> Result {
        let slot = self.slot(slot)?;
        let mut sessions = self.sessions.write().unwrap_or_else(PoisonError::into_inner);
        sessions.retain(|_, session| session.slot.id != slot.id);
        drop(sessions);
        self.end_login(slot);
        Ok(())
    }

    /// How many sessions a slot has: all, and those that may change token objects.
    pub fn session_counts(&self, slot: CK_SLOT_ID) -> (usize, usize) {
        let sessions = self.sessions.read().unwrap_or_else(PoisonError::into_inner);
        let of_slot = || sessions.values().filter(|session| session.slot.id == slot);
        (of_slot().count(), of_slot().filter(|session| session.is_read_write).count())
    }

    /// Keeps read-only sessions of a slot from being opened until a security officer is logged in.
    ///
    /// # Errors
    /// `CKR_SESSION_READ_ONLY_EXISTS`.
    pub fn expect_officer<'slot>(&self, slot: &'slot Slot) -> Result<Expected<'slot>> {
        let sessions = self.sessions.write().unwrap_or_else(PoisonError::into_inner);
        if sessions.values().any(|session| session.slot.id == slot.id && !session.is_read_write) {
            return failure(Rv::SESSION_READ_ONLY_EXISTS, "close the slot's read-only sessions first");
        }
        slot.officer_comes.store(true, Ordering::Release);
        drop(sessions);
        Ok(Expected(slot))
    }

    /// Held by the caller that logs in or out.
    pub fn login_lock(&self) -> MutexGuard<'_, ()> {
        self.logging_in.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends everything.
    pub fn close(&self) {
        self.sessions.write().unwrap_or_else(PoisonError::into_inner).clear();
        for slot in &self.slots {
            self.end_login(slot);
            slot.client.close();
        }
    }

    fn end_login(&self, slot: &Slot) {
        let _changing = self.login_lock();
        if slot.client.logged_in().is_some()
            && let Err(error) = slot.client.logout_within(LOGOUT_PATIENCE)
        {
            self.log.write(Level::Warn, &format!("logout: {error}"));
        }
        slot.objects.forget_private();
    }
}
