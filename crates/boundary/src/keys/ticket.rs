//! Login tickets: a login grant sealed under the ticket key, so that every HSM of the cluster can read it after a
//! reconnect and nobody else can make one.
//!
//! A ticket alone opens nothing. To use it on a connection the client signs, with the login's own Ed25519 key, the TLS
//! exporter of that connection and the ticket: a stolen ticket, or a whole recorded attach message, is useless elsewhere.
//! Whether the login still stands (its epoch, its record, its expiry) is for the caller to check.

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use strongroom_wire::message;
use strongroom_wire::messages::{EXPORTER_LENGTH, attach_message};
use strongroom_wire::{Message, Role, Rv};

use super::sealing::SealingKey;
use super::{Keys, random};
use crate::{Error, Result};

/// How long a ticket lives; a connected client has it renewed.
pub const TICKET_LIFETIME_SECONDS: u64 = 600;

/// What a ticket grants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginGrant {
    /// The login.
    pub login_id: u64,
    /// The user's name, in lower case.
    pub username: String,
    /// The user's role.
    pub role: Role,
    /// The user's credential epoch: a password change raises it and ends the login.
    pub epoch: u64,
    /// The login's Ed25519 public key, 32 bytes.
    pub client_key: Vec<u8>,
    /// Seconds since 1970.
    pub expires_at: u64,
}

impl Keys {
    /// A new login id: random, not zero, bit 63 clear.
    ///
    /// # Errors
    /// The random generator failed.
    pub fn new_login_id(&self) -> Result<u64> {
        loop {
            let mut bytes = [0; 8];
            random(&mut bytes)?;
            let id = u64::from_be_bytes(bytes) >> 1;
            if id != 0 {
                return Ok(id);
            }
        }
    }

    /// A ticket that grants a login on every HSM of the cluster.
    ///
    /// # Errors
    /// `Refused`: this HSM holds no cluster keys.
    pub fn issue_ticket(&self, grant: &LoginGrant) -> Result<Vec<u8>> {
        issue(&self.cluster()?.ticket, &self.cluster_id, grant)
    }

    /// What a ticket grants. The caller checks `expires_at` with its clock.
    ///
    /// # Errors
    /// `Refused` (`CKR_USER_NOT_LOGGED_IN`): altered, or of another cluster.
    pub fn open_ticket(&self, ticket: &[u8]) -> Result<LoginGrant> {
        open(&self.cluster()?.ticket, &self.cluster_id, ticket)
    }

    /// Checks a client's signature over [`attach_message`](strongroom_wire::messages::attach_message).
    ///
    /// # Errors
    /// `Refused` (`CKR_USER_NOT_LOGGED_IN`): it is by another key, or for another connection or ticket.
    pub fn verify_attach(
        &self,
        grant: &LoginGrant,
        exporter: &[u8; EXPORTER_LENGTH],
        ticket: &[u8],
        signature: &[u8],
    ) -> Result<()> {
        verify_attach(grant, exporter, ticket, signature)
    }
}

message! {
    /// A grant as it is sealed.
    pub struct StoredGrant {
        1 => login_id: u64,
        2 => username: String,
        3 => role: u64,
        4 => epoch: u64,
        5 => client_key: Vec<u8>,
        6 => expires_at: u64,
    }
}

/// Seals a grant for a cluster.
pub(super) fn issue(key: &SealingKey, cluster_id: &str, grant: &LoginGrant) -> Result<Vec<u8>> {
    let stored = StoredGrant {
        login_id: grant.login_id,
        username: grant.username.clone(),
        role: u64::from(grant.role.code()),
        epoch: grant.epoch,
        client_key: grant.client_key.clone(),
        expires_at: grant.expires_at,
    };
    key.seal(&[cluster_id.as_bytes()], &stored.to_bytes())
}

/// Opens a ticket of this cluster. A client shows it, so a bad one is the client's fault.
pub(super) fn open(key: &SealingKey, cluster_id: &str, ticket: &[u8]) -> Result<LoginGrant> {
    let refused = || {
        Error::refused(
            Rv::USER_NOT_LOGGED_IN,
            "the login ticket is not one of this cluster, or was altered; log in again",
        )
    };
    let plaintext = key.open(&[cluster_id.as_bytes()], ticket, "the login ticket").map_err(|_| refused())?;
    let stored = StoredGrant::from_bytes(&plaintext).map_err(|_| refused())?;
    let role = u8::try_from(stored.role).ok().and_then(Role::from_code).ok_or_else(refused)?;
    Ok(LoginGrant {
        login_id: stored.login_id,
        username: stored.username,
        role,
        epoch: stored.epoch,
        client_key: stored.client_key,
        expires_at: stored.expires_at,
    })
}

/// Checks that the holder of the login's client key wants to use it on the connection with this TLS exporter.
pub(super) fn verify_attach(
    grant: &LoginGrant,
    exporter: &[u8; EXPORTER_LENGTH],
    ticket: &[u8],
    signature: &[u8],
) -> Result<()> {
    UnparsedPublicKey::new(&ED25519, &grant.client_key)
        .verify(&attach_message(exporter, ticket), signature)
        .map_err(|_| {
            Error::refused(
                Rv::USER_NOT_LOGGED_IN,
                "the attach signature is not by the login's client key over this connection; log in again",
            )
        })
}
