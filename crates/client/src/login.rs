//! A login: who it is for, its ticket, and the key that makes the ticket usable on a connection.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use strongroom_wire::messages::{AttachRequest, EXPORTER_LENGTH, LoginResponse, attach_message};
use strongroom_wire::{Role, Rv};

use crate::connection::lock;
use crate::error::{Error, Result};

/// Who is logged in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginView {
    /// The login's number; session objects belong to it.
    pub login_id: u64,
    /// The user's name as the HSM writes it.
    pub username: String,
    /// The user's role.
    pub role: Role,
}

struct Ticket {
    bytes: Vec<u8>,
    renew_at: Instant,
}

/// The key of one login.
pub(crate) type ClientKey = Ed25519KeyPair;

/// What a user with a second factor signs for one login, with the key of that login.
pub struct LoginToken {
    /// The signature is RSASSA-PKCS1-v1_5 with SHA-256 over these bytes.
    pub token: Vec<u8>,
    pub(crate) key: ClientKey,
    pub(crate) client_key: Vec<u8>,
}

impl std::fmt::Debug for LoginToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LoginToken").finish_non_exhaustive()
    }
}

pub(crate) struct Login {
    pub view: LoginView,
    key: ClientKey,
    ticket: Mutex<Ticket>,
    renewing: AtomicBool,
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login").field("view", &self.view).finish_non_exhaustive()
    }
}

/// A key made for one login.
pub(crate) fn new_client_key() -> Result<(ClientKey, Vec<u8>)> {
    let key = Ed25519KeyPair::generate()
        .map_err(|_| Error::local(Rv::GENERAL_ERROR, "no random numbers for the login's key"))?;
    let public = key.public_key().as_ref().to_vec();
    Ok((key, public))
}

/// Half the life from now.
fn renewal_time(lifetime_seconds: u64) -> Instant {
    Instant::now() + Duration::from_millis(lifetime_seconds.min(86_400) * 500)
}

impl Login {
    pub(crate) fn new(response: LoginResponse, key: ClientKey) -> Result<Self> {
        let role = u8::try_from(response.role).ok().and_then(Role::from_code).ok_or_else(|| {
            Error::hsm(Rv::DEVICE_ERROR, "the HSM gave a role that this client does not know")
        })?;
        if response.login_id == 0 {
            return Err(Error::hsm(Rv::DEVICE_ERROR, "the HSM gave login id 0"));
        }
        let view = LoginView { login_id: response.login_id, username: response.username, role };
        let ticket = Ticket { bytes: response.ticket, renew_at: renewal_time(response.lifetime_seconds) };
        Ok(Self { view, key, ticket: Mutex::new(ticket), renewing: AtomicBool::new(false) })
    }

    /// What attaches it to the connection with this exporter value.
    pub(crate) fn attach_request(&self, exporter: &[u8; EXPORTER_LENGTH]) -> AttachRequest {
        let ticket = lock(&self.ticket).bytes.clone();
        let signature = self.key.sign(&attach_message(exporter, &ticket)).as_ref().to_vec();
        AttachRequest { ticket, signature }
    }

    /// True for the one caller that should renew the ticket now; it calls [`Login::renewed`] afterwards.
    pub(crate) fn wants_renewal(&self, now: Instant) -> bool {
        // A ticket that somebody is just reading is looked at by the next call.
        self.ticket.try_lock().is_ok_and(|ticket| now >= ticket.renew_at)
            && !self.renewing.swap(true, Ordering::AcqRel)
    }

    /// A new ticket, or none: tried again in a second.
    pub(crate) fn renewed(&self, ticket: Option<(Vec<u8>, u64)>) {
        let mut current = lock(&self.ticket);
        *current = match ticket {
            Some((bytes, lifetime_seconds)) => Ticket { bytes, renew_at: renewal_time(lifetime_seconds) },
            None => Ticket {
                bytes: std::mem::take(&mut current.bytes),
                renew_at: Instant::now() + Duration::from_secs(1),
            },
        };
        self.renewing.store(false, Ordering::Release);
    }
}
