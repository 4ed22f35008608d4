//! From a frame to its answer: who may ask, whether this HSM may answer now, and which thread does it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use strongroom_wire::tables::Lane;
use strongroom_wire::{Frame, FrameType, Header, Message, Operation, Role, Rv};

use crate::connection::Connection;
use crate::hot::{self, HotRequest, Stop};
use crate::managed;
use crate::parking::Need;
use crate::refusal::Refusal;
use crate::request::Request;
use crate::shared::Shared;
use crate::workers::{Desk, Work};

/// Where a request goes on.
enum Way {
    /// The thread that looked at it computes the answer.
    Here,
    /// A long worker computes it.
    Long,
    /// It waits until the HSM has caught up.
    Park(Need),
    /// The brain decides.
    Brain(Lane),
}

/// Whether a connection whose handshake may just have ended can be used.
pub(crate) fn handshake_is_right(shared: &Shared, connection: &Connection) -> bool {
    if !connection.is_handshaken() {
        return true;
    }
    shared.statistics.handshakes.add(1);
    // The rules may have changed during the handshake.
    connection.speaks_our_protocol() && connection.is_accepted(&shared.clients())
}

/// Takes a frame into work. A frame that no client may send closes the connection; an unknown operation is answered.
pub(crate) fn admit(shared: &Arc<Shared>, connection: &Arc<Connection>, frame: Frame) -> Option<Request> {
    if shared.draining.load(Ordering::Relaxed) {
        *shared.last_frame.lock() = Instant::now();
    }
    if frame.header.frame_type != FrameType::Request {
        shared.statistics.frames_refused.add(1);
        connection.close();
        return None;
    }
    let Some(operation) = Operation::from_code(frame.header.operation) else {
        let text = "This HSM does not know the operation; it may be older than the client.";
        let reply = Refusal::of_request(Rv::FUNCTION_NOT_SUPPORTED, text).reply();
        let header = Header { frame_type: FrameType::Error, revision: shared.revision(), ..frame.header };
        connection.queue_frame(&header, &reply.to_bytes());
        connection.flush();
        return None;
    };
    Some(Request::new(Arc::clone(shared), Arc::clone(connection), frame, operation))
}

/// Looks at a request: answers it, sends it on its way, or gives it back to be computed by the caller.
pub(crate) fn route(shared: &Arc<Shared>, desk: &mut Desk, mut request: Request) -> Option<Request> {
    loop {
        match decide(shared, &mut request) {
            Ok(Way::Here) => return Some(request),
            Ok(Way::Long) => {
                shared.workers.push_long(Work::Compute(request));
                return None;
            }
            Ok(Way::Park(need)) => request = park(shared, request, need)?,
            Ok(Way::Brain(lane)) => {
                shared.statistics.requests_managed.add(1);
                match managed::submit(shared, lane, request) {
                    // An attempt to log in waits for its refusal, or it would be repeated as fast as the wire allows.
                    Some((request, refusal)) if request.is_to_log_in() => {
                        shared.refuse(request, refusal);
                    }
                    Some((request, refusal)) => refuse(desk, request, &refusal),
                    None => {}
                }
                return None;
            }
            Err(refusal) => {
                refuse(desk, request, &refusal);
                return None;
            }
        }
    }
}

/// Computes the answer of a hot request and queues it.
pub(crate) fn compute(mut request: Request) {
    let shared = Arc::clone(&request.shared);
    loop {
        match hot::answer(&shared, &request) {
            Ok(answer) => return request.answer(&answer),
            Err(Stop::Refuse(refusal)) => return request.refuse(&refusal),
            Err(Stop::Park(need)) => match park(&shared, request, need) {
                Some(back) => request = back,
                None => return,
            },
        }
    }
}

fn refuse(desk: &mut Desk, request: Request, refusal: &Refusal) {
    let connection = Arc::clone(&request.connection);
    request.refuse(refusal);
    desk.answered(&connection);
}

/// Parks a request; gives it back when there is nothing to wait for any more.
fn park(shared: &Shared, request: Request, need: Need) -> Option<Request> {
    let deadline = request.deadline();
    let back = shared.parking.park(request, need, deadline);
    if back.is_none() {
        shared.statistics.requests_parked.add(1);
    }
    back
}

fn decide(shared: &Shared, request: &mut Request) -> Result<Way, Refusal> {
    if let Some(failure) = shared.boundary.objects.failure() {
        return Err(Refusal::of_hsm(Rv::DEVICE_ERROR, format!("The HSM is in its error state: {failure}.")));
    }
    let operation = request.operation;
    if operation != Operation::Hello && !request.connection.is_greeted() {
        return Err(Refusal::of_request(Rv::OPERATION_NOT_INITIALIZED, "A connection begins with hello."));
    }
    authorise(request)?;
    let lane = operation.lane();
    if lane.is_some() && !shared.lease.is_live() {
        return Err(Refusal::lease());
    }
    if matches!(operation, Operation::Hello | Operation::Ping | Operation::Members) {
        request.hot = Some(HotRequest::decode(operation, &request.body)?);
        return Ok(Way::Here);
    }
    if lane.is_none() && !shared.lease.allows_hot() {
        return Err(Refusal::lease());
    }
    if request.header.revision > shared.revision() {
        return Ok(Way::Park(Need::Revision(request.header.revision)));
    }
    if let Some(lane) = lane {
        return Ok(Way::Brain(lane));
    }
    let hot = HotRequest::decode(operation, &request.body)?;
    // An HSM that is cut off from its store serves what it holds.
    if operation == Operation::Find && !request.is_checked && shared.lease.is_live() {
        return Ok(Way::Park(Need::Check));
    }
    shared.statistics.requests_hot.add(1);
    request.expect_answer(hot.answer_bytes());
    let way = if hot.is_long(operation) { Way::Long } else { Way::Here };
    request.hot = Some(hot);
    Ok(way)
}

/// A login must be attached to this connection. A hot operation is refused here to a role that the operation table does not
/// name. A managed one is refused by the brain, from the same table, because its refusal has an audit entry.
fn authorise(request: &mut Request) -> Result<(), Refusal> {
    let operation = request.operation;
    if matches!(operation, Operation::Hello | Operation::Ping | Operation::Members | Operation::Attach) {
        return Ok(());
    }
    if request.header.login_id != 0 {
        let login = request.connection.login(request.header.login_id);
        request.login = Some(login.ok_or_else(Refusal::not_logged_in)?);
    }
    let (roles, role) = (operation.roles(), request.role());
    if operation.lane().is_some() || roles.contains(&Role::None) || roles.contains(&role) {
        return Ok(());
    }
    if role == Role::None {
        return Err(Refusal::not_logged_in());
    }
    let names: Vec<&str> = roles.iter().map(|role| role.cli_name()).collect();
    let text = format!(
        "This operation needs the role {}; you are logged in as {}.",
        names.join(" or "),
        role.cli_name()
    );
    Err(Refusal::of_request(Rv::USER_TYPE_INVALID, text))
}
