//! What a connection begins with, and how a login gets onto it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use strongroom_boundary::keys::{LoginGrant, TICKET_LIFETIME_SECONDS};
use strongroom_wire::codec::List;
use strongroom_wire::messages::{AttachRequest, Empty, HelloRequest, HelloResponse, TicketResponse};
use strongroom_wire::{Message, Rv};

use crate::clock::unix_seconds;
use crate::connection::Connection;
use crate::hot::Stop;
use crate::logins::Login;
use crate::parking::Need;
use crate::refusal::Refusal;
use crate::request::Request;
use crate::shared::Shared;

/// The protocol's version.
const VERSION: u64 = 1;

pub(crate) fn hello(
    shared: &Shared,
    connection: &Connection,
    message: &HelloRequest,
) -> Result<Vec<u8>, Stop> {
    if shared.draining.load(Ordering::Acquire) {
        return Err(Refusal::stopping().into());
    }
    if !(message.version_min..=message.version_max).contains(&VERSION) {
        let text = "This HSM speaks version 1 of the protocol only.";
        return Err(Refusal::of_request(Rv::FUNCTION_NOT_SUPPORTED, text).into());
    }
    let identity = &shared.identity;
    if message.cluster_id.as_ref().is_some_and(|wanted| *wanted != identity.cluster_id) {
        let text =
            format!("This HSM belongs to {}, another cluster than the configured.", identity.cluster_id);
        return Err(Refusal::of_request(Rv::TOKEN_NOT_RECOGNIZED, text).into());
    }
    let (revision, head) = shared.head();
    check_history(shared, message, revision, &head)?;
    connection.greet();
    let response = HelloResponse {
        version: VERSION,
        cluster_id: identity.cluster_id.clone(),
        hsm_id: identity.hsm_id.clone(),
        revision,
        head,
        members: List(shared.members().to_vec()),
        mode: identity.mode.clone(),
        max_data: shared.settings.max_data,
    };
    Ok(response.to_bytes())
}

/// A head that the cluster made for this very revision and that is not ours: one of the two HSMs that the client talked
/// to reads a store that was set back.
fn check_history(shared: &Shared, message: &HelloRequest, revision: u64, head: &[u8]) -> Result<(), Refusal> {
    let Some(seen) = &message.head else { return Ok(()) };
    let is_same_history = message.revision != revision || head.is_empty() || seen == head;
    if is_same_history || shared.boundary.keys.head_revision(seen).is_err() {
        return Ok(());
    }
    let text = format!("The client has seen another history of the cluster at revision {revision}.");
    Err(Refusal::of_hsm(Rv::DEVICE_ERROR, text))
}

/// Lets the connection use the login of a ticket, after a proof by the login's client key over this very connection.
pub(crate) fn attach(shared: &Shared, request: &Request, message: &AttachRequest) -> Result<Vec<u8>, Stop> {
    let keys = &shared.boundary.keys;
    let grant = keys.open_ticket(&message.ticket)?;
    if shared.tickets.has_expired(grant.expires_at) {
        return Err(Refusal::of_request(
            Rv::USER_NOT_LOGGED_IN,
            "The login ticket has expired; log in again.",
        )
        .into());
    }
    let exporter = request.connection.exporter().ok_or_else(Refusal::broken)?;
    keys.verify_attach(&grant, &exporter, &message.ticket, &message.signature)?;
    let login = match shared.logins.find(grant.login_id) {
        Some(login) => login,
        None if request.is_checked => return Err(Refusal::not_logged_in().into()),
        None if shared.lease.is_live() => return Err(Stop::Park(Need::Lookup)),
        // It may have been made since this HSM was cut off.
        None => return Err(Refusal::lease().into()),
    };
    if login.epoch != grant.epoch || login.client_key != grant.client_key {
        return Err(Refusal::not_logged_in().into());
    }
    if !request.connection.attach(&login) {
        let text = "The connection has too many logins.";
        return Err(Refusal::of_request(Rv::SESSION_COUNT, text).into());
    }
    Ok(Empty {}.to_bytes())
}

/// A new ticket for a login that is attached here.
pub(crate) fn renew_ticket(shared: &Shared, login: &Arc<Login>) -> Result<Vec<u8>, Stop> {
    let grant = LoginGrant {
        login_id: login.caller.login_id,
        username: login.caller.username.to_string(),
        role: login.caller.role,
        epoch: login.epoch,
        client_key: login.client_key.clone(),
        expires_at: unix_seconds() + TICKET_LIFETIME_SECONDS,
    };
    let ticket = shared.boundary.keys.issue_ticket(&grant)?;
    login.renewed();
    Ok(TicketResponse { ticket, lifetime_seconds: TICKET_LIFETIME_SECONDS }.to_bytes())
}
