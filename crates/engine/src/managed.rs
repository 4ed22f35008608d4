//! The queue between the data plane and the brain: one lane for each of the brain's worker pools.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use strongroom_wire::bodies;
use strongroom_wire::tables::Lane;
use strongroom_wire::{AttributeValue, Operation, Role, Rv, Template, Value, codec};

use crate::allowance::{Allowance, Origin};
use crate::attempts::{Room, is_to_log_in};
use crate::fair_queue::FairQueue;
use crate::refusal::Refusal;
use crate::request::Request;
use crate::shared::Shared;

/// Length of a request id in bytes.
const REQUEST_ID_LENGTH: usize = 16;

/// A managed request as the brain gets it. Secrets in it are held here and wiped when it is dropped.
#[derive(Debug)]
pub struct ManagedRequest {
    /// Names the request in the answer.
    pub token: u64,
    /// What is asked for.
    pub operation: Operation,
    /// 0 without a login.
    pub login_id: u64,
    /// Empty without a login.
    pub username: String,
    /// [`Role::None`] without a login.
    pub role: Role,
    /// The connection's number.
    pub session: u64,
    /// The connection's remote address.
    pub peer: String,
    /// Whether the connection's peer has shown a certificate (mutual TLS).
    pub is_mutual: bool,
    /// Of a create or change.
    pub request_id: Option<Vec<u8>>,
    /// Keyed digest of the request without its request id.
    pub digest: [u8; 32],
    /// The message by member names.
    pub body: Value,
    /// Of `create_object`: the whole template with its secrets; the one in `body` has the public attributes only.
    pub template_ticket: Option<Template>,
    /// What is left of the time that the client waits.
    pub deadline: Instant,
    /// For correlation in logs and traces.
    pub trace_id: u64,
}

/// The lanes, and the requests that the brain has not answered.
#[derive(Debug)]
pub(crate) struct ManagedQueue {
    lanes: [LaneQueue; 3],
    capacity: usize,
    unanswered: Mutex<HashMap<u64, Request>>,
    next_token: AtomicU64,
    closed: AtomicBool,
}

#[derive(Debug, Default)]
struct LaneQueue {
    waiting: Mutex<Waiting>,
    wake: Condvar,
}

/// What waits in a lane: attempts to log in by their origins, and apart from both what waits for no allowance. They take
/// turns, as the addresses of each do.
#[derive(Debug, Default)]
struct Waiting {
    queues: [FairQueue<ManagedRequest>; 3],
    turn: usize,
}

impl Waiting {
    const ORIGINS: [Option<Origin>; 3] = [None, Some(Origin::Familiar), Some(Origin::Strange)];

    fn queue(&mut self, origin: Option<Origin>) -> &mut FairQueue<ManagedRequest> {
        match origin {
            None => &mut self.queues[0],
            Some(Origin::Familiar) => &mut self.queues[1],
            Some(Origin::Strange) => &mut self.queues[2],
        }
    }

    /// The next one that need not wait for an allowance; else how long the next one must, if there is one.
    fn pop(&mut self, allowance: &Allowance, now: Instant) -> Result<ManagedRequest, Option<Duration>> {
        let mut shortest: Option<Duration> = None;
        for place in 0..Self::ORIGINS.len() {
            let turn = (self.turn + place) % Self::ORIGINS.len();
            let origin = Self::ORIGINS[turn];
            let queue = self.queue(origin);
            if queue.len() == 0 {
                continue;
            }
            let wait = origin.map_or(Duration::ZERO, |origin| allowance.wait(origin, now));
            if wait.is_zero()
                && let Some(managed) = queue.pop()
            {
                self.turn = turn + 1;
                return Ok(managed);
            }
            shortest = Some(shortest.map_or(wait, |shortest| shortest.min(wait)));
        }
        Err(shortest)
    }

    fn len(&self) -> usize {
        self.queues.iter().map(FairQueue::len).sum()
    }

    fn clear(&mut self) {
        self.queues.iter_mut().for_each(FairQueue::clear);
    }
}

impl ManagedQueue {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            lanes: Default::default(),
            capacity,
            unanswered: Mutex::new(HashMap::new()),
            next_token: AtomicU64::new(1),
            closed: AtomicBool::new(false),
        }
    }

    pub(crate) fn new_token(&self) -> u64 {
        self.next_token.fetch_add(1, Ordering::Relaxed)
    }

    /// Queues a request; gives it back when its lane is full or the HSM stops.
    pub(crate) fn push(&self, lane: Lane, managed: ManagedRequest, request: Request) -> Option<Request> {
        let queue = self.lane(lane);
        let mut waiting = queue.waiting.lock();
        let own = waiting.queue(request.attempt.as_ref().map(|attempt| attempt.origin));
        if own.len() >= self.capacity || self.closed.load(Ordering::Acquire) {
            return Some(request);
        }
        let address = request.connection.peer.ip();
        self.unanswered.lock().insert(managed.token, request);
        own.push(address, managed);
        drop(waiting);
        queue.wake.notify_one();
        None
    }

    /// The next request of a lane; attempts to log in wait for their allowance. Those whose client has stopped waiting are
    /// put into `late`: nothing was done for them.
    pub(crate) fn next(
        &self,
        lane: Lane,
        timeout: Duration,
        allowance: &Allowance,
        late: &mut Vec<Request>,
    ) -> Option<ManagedRequest> {
        let until = Instant::now() + timeout;
        let queue = self.lane(lane);
        let mut waiting = queue.waiting.lock();
        loop {
            let now = Instant::now();
            let allowed_in = loop {
                match waiting.pop(allowance, now) {
                    Ok(managed) if self.is_awaited(&managed, now) => return Some(managed),
                    Ok(managed) => late.extend(self.take(managed.token)),
                    Err(allowed_in) => break allowed_in,
                }
            };
            if !late.is_empty() || self.closed.load(Ordering::Acquire) || now >= until {
                return None;
            }
            let allowed_at = allowed_in.and_then(|wait| now.checked_add(wait));
            queue.wake.wait_until(&mut waiting, allowed_at.map_or(until, |at| at.min(until)));
        }
    }

    /// Whether somebody waits for the answer. A request other than a login may count although its client is gone.
    fn is_awaited(&self, managed: &ManagedRequest, now: Instant) -> bool {
        let is_gone = is_to_log_in(managed.operation)
            && self.with(managed.token, |request| request.connection.is_closed()) != Some(false);
        managed.deadline > now && !is_gone
    }

    /// The allowance of attempts to log in has grown.
    pub(crate) fn look_again(&self) {
        self.lane(Lane::Login).wake.notify_all();
    }

    /// Takes an unanswered request by its token.
    pub(crate) fn take(&self, token: u64) -> Option<Request> {
        self.unanswered.lock().remove(&token)
    }

    /// Looks at an unanswered request.
    pub(crate) fn with<T>(&self, token: u64, look: impl FnOnce(&Request) -> T) -> Option<T> {
        self.unanswered.lock().get(&token).map(look)
    }

    /// Requests that the brain has not taken yet.
    pub(crate) fn waiting(&self) -> usize {
        self.lanes.iter().map(|lane| lane.waiting.lock().len()).sum()
    }

    /// Wakes the brain for the last time; gives the requests without an answer.
    pub(crate) fn close(&self) -> Vec<Request> {
        self.closed.store(true, Ordering::Release);
        for lane in &self.lanes {
            lane.waiting.lock().clear();
            lane.wake.notify_all();
        }
        self.unanswered.lock().drain().map(|(_, request)| request).collect()
    }

    fn lane(&self, lane: Lane) -> &LaneQueue {
        match lane {
            Lane::Login => &self.lanes[0],
            Lane::Slow => &self.lanes[1],
            Lane::General => &self.lanes[2],
        }
    }
}

/// Decodes a managed request and queues it for the brain; gives it back with the reason when that cannot be.
pub(crate) fn submit(shared: &Shared, lane: Lane, mut request: Request) -> Option<(Request, Refusal)> {
    let room = if request.is_to_log_in() { request.count_attempt() } else { Room::Work };
    if room != Room::Work {
        codec::wipe(&mut request.body);
        if room == Room::Nothing {
            shared.statistics.connections_cut.add(1);
            request.connection.close();
        }
        return Some((request, Refusal::busy()));
    }
    match decode(shared, &mut request) {
        Ok(managed) => {
            let back = shared.managed.push(lane_of(lane, &managed), managed, request);
            back.map(|request| (request, Refusal::busy()))
        }
        Err(refusal) => Some((request, refusal)),
    }
}

fn decode(shared: &Shared, request: &mut Request) -> Result<ManagedRequest, Refusal> {
    let operation = request.operation;
    let decoded = bodies::request_to_value(operation, &request.body);
    codec::wipe(&mut request.body);
    let mut body = decoded?;
    let request_id = take_request_id(&mut body);
    if request_id.as_ref().is_some_and(|id| id.len() != REQUEST_ID_LENGTH) {
        return Err(Refusal::of_request(Rv::ARGUMENTS_BAD, "A request id has 16 bytes."));
    }
    // Encoded again without the request id, equal requests have equal bytes.
    let mut canonical = bodies::request_from_value(operation, &body).ok_or_else(Refusal::broken)?;
    let digest = shared.boundary.keys.request_digest(operation.code(), &canonical);
    codec::wipe(&mut canonical);
    let template_ticket = take_secrets(operation, &mut body)?;
    let caller = request.login.as_ref().map(|login| &login.caller);
    Ok(ManagedRequest {
        token: shared.managed.new_token(),
        operation,
        login_id: request.header.login_id,
        username: caller.map_or_else(String::new, |caller| caller.username.to_string()),
        role: request.role(),
        session: request.connection.id,
        peer: request.connection.peer.to_string(),
        is_mutual: request.connection.is_mutual(),
        request_id,
        digest: digest?,
        body,
        template_ticket,
        deadline: request.deadline(),
        trace_id: request.header.trace_id,
    })
}

fn take_request_id(request: &mut Value) -> Option<Vec<u8>> {
    let Value::Record(members) = request else { return None };
    let index = members.iter().position(|(name, _)| *name == "request_id")?;
    if let Value::Bytes(id) = members.remove(index).1 { Some(id) } else { None }
}

/// Making a key from a password takes up to a second, and must not keep short work waiting.
fn lane_of(lane: Lane, managed: &ManagedRequest) -> Lane {
    let Value::Record(members) = &managed.body else { return lane };
    let stretches = managed.operation == Operation::GenerateKey
        && members.iter().any(|(name, value)| *name == "password" && matches!(value, Value::Secret(_)));
    if stretches { Lane::Slow } else { lane }
}

/// Only a template of an object that comes in, or of one that there is, may hold what is secret: there the whole template goes
/// under a ticket and the brain sees what is public of it.
fn take_secrets(operation: Operation, body: &mut Value) -> Result<Option<Template>, Refusal> {
    let Value::Record(members) = body else { return Ok(None) };
    let goes_under_ticket =
        matches!(operation, Operation::CreateObject | Operation::SetAttributes | Operation::CopyObject);
    let mut ticket = None;
    for (_, value) in members {
        let Value::Template(template) = value else { continue };
        if goes_under_ticket {
            let public = template.iter().filter(|(_, value)| !matches!(value, AttributeValue::Secret(_)));
            let public: Template = public.map(|(attribute, value)| (attribute, value.clone())).collect();
            ticket = Some(std::mem::replace(template, public));
        } else if template.iter().any(|(attribute, _)| attribute.is_secret()) {
            let text = "The template has key material although the HSM is to make the key.";
            return Err(Refusal::of_request(Rv::TEMPLATE_INCONSISTENT, text));
        }
    }
    Ok(ticket)
}

#[cfg(test)]
mod tests {
    use super::*;
    use strongroom_wire::messages::DestroyObjectRequest;
    use strongroom_wire::{AttributeType, Message, Secret};

    fn with_key_material() -> Value {
        let template = Template::new()
            .with(AttributeType::Class, AttributeValue::Ulong(4))
            .with(AttributeType::Value, AttributeValue::Secret(Secret::new(vec![7; 32])));
        Value::Record(vec![("template", Value::Template(template))])
    }

    #[test]
    fn without_its_request_id_a_request_is_the_same_for_every_repeat() {
        let request = |request_id| DestroyObjectRequest { reference: 7, request_id };
        let body = request(Some(vec![1; 16])).to_bytes();
        let Ok(mut value) = bodies::request_to_value(Operation::DestroyObject, &body) else {
            panic!("it is well-formed")
        };
        assert_eq!(take_request_id(&mut value), Some(vec![1; 16]));
        let stripped = bodies::request_from_value(Operation::DestroyObject, &value);
        assert_eq!(stripped, Some(request(None).to_bytes()));
    }

    #[test]
    fn what_comes_in_or_changes_an_object_leaves_the_brain_the_public_attributes_only() {
        for operation in [Operation::CreateObject, Operation::SetAttributes, Operation::CopyObject] {
            let mut body = with_key_material();
            let ticket = take_secrets(operation, &mut body);
            assert_eq!(ticket.ok().flatten().map(|ticket| ticket.len()), Some(2));
            let public = Template::new().with(AttributeType::Class, AttributeValue::Ulong(4));
            assert_eq!(body, Value::Record(vec![("template", Value::Template(public))]));
        }
    }

    #[test]
    fn key_material_where_the_hsm_makes_the_key_is_refused() {
        let refused = |operation| take_secrets(operation, &mut with_key_material()).err().map(|it| it.rv);
        assert_eq!(refused(Operation::GenerateKey), Some(Rv::TEMPLATE_INCONSISTENT));
        assert_eq!(refused(Operation::UnwrapKey), Some(Rv::TEMPLATE_INCONSISTENT));
        assert_eq!(refused(Operation::DeriveKey), Some(Rv::TEMPLATE_INCONSISTENT));
    }
}
