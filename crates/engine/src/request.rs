//! A request in work: it is answered exactly once, and counts against its connection until then.

use std::sync::Arc;
use std::time::{Duration, Instant};

use strongroom_wire::{Frame, FrameType, Header, Message, Operation, Role};

use crate::attempts::{self, Attempt, Room};
use crate::connection::Connection;
use crate::hot::{Answer, HotRequest};
use crate::logins::Login;
use crate::refusal::Refusal;
use crate::shared::Shared;

/// A request that has no answer yet. Dropped without one (a panic, the end of the HSM) it is answered with
/// `CKR_GENERAL_ERROR`.
pub(crate) struct Request {
    pub(crate) shared: Arc<Shared>,
    pub(crate) connection: Arc<Connection>,
    pub(crate) header: Header,
    pub(crate) body: Vec<u8>,
    pub(crate) operation: Operation,
    pub(crate) login: Option<Arc<Login>>,
    /// The message, once it was decoded; of hot requests only.
    pub(crate) hot: Option<HotRequest>,
    pub(crate) arrived: Instant,
    /// Whether a catch-up began and ended since it came.
    pub(crate) is_checked: bool,
    counted_bytes: usize,
    /// Counts as an attempt of its address to log in.
    pub(crate) attempt: Option<Attempt>,
    answered: bool,
}

/// Whether answers are counted: always, but in a build that measures what counting costs.
const COUNTS: bool = cfg!(not(feature = "uncounted"));

impl Request {
    /// Takes a frame into work.
    pub(crate) fn new(
        shared: Arc<Shared>,
        connection: Arc<Connection>,
        frame: Frame,
        operation: Operation,
    ) -> Self {
        let counted_bytes = frame.body.len() + strongroom_wire::frame::HEADER_LENGTH;
        connection.work_begun(counted_bytes);
        if COUNTS {
            shared.metrics.bytes_received.add(counted_bytes as u64);
        }
        Self {
            shared,
            connection,
            header: frame.header,
            body: frame.body,
            operation,
            login: None,
            hot: None,
            arrived: Instant::now(),
            is_checked: false,
            counted_bytes,
            attempt: None,
            answered: false,
        }
    }

    /// Whether it is an attempt to log in, with one factor or two.
    pub(crate) fn is_to_log_in(&self) -> bool {
        attempts::is_to_log_in(self.operation)
    }

    /// Counts it as an attempt to log in until it is answered.
    pub(crate) fn count_attempt(&mut self) -> Room {
        let (most, address) = (self.shared.settings.max_attempts_of_address, self.connection.peer.ip());
        let room = self.shared.attempts.begun(address, most);
        if room != Room::Nothing {
            self.attempt = Some(Attempt::new(self.shared.allowance.origin(address)));
        }
        room
    }

    /// Counts the bytes that its answer may have, so that the answers in work are bounded before they are made.
    pub(crate) fn expect_answer(&mut self, bytes: usize) {
        self.counted_bytes += bytes;
        self.connection.work_grew(bytes);
    }

    /// Until when its client waits.
    pub(crate) fn deadline(&self) -> Instant {
        let wait = match self.header.deadline_ms {
            0 => self.shared.settings.default_deadline,
            milliseconds => Duration::from_millis(u64::from(milliseconds)),
        };
        self.arrived + wait
    }

    /// The role that it is made with.
    pub(crate) fn role(&self) -> Role {
        self.login.as_ref().map_or(Role::None, |login| login.caller.role)
    }

    /// Queues the answer of a hot request; someone must flush the connection then.
    pub(crate) fn answer(mut self, answer: &Answer) {
        self.answered = true;
        let header = self.answer_header(FrameType::Response, self.shared.revision());
        let sent = self.connection.queue_frame_with(&header, |out| answer.encode(out));
        self.count(false, sent);
    }

    /// Queues an encoded answer with the revision that it stands for; someone must flush the connection then.
    pub(crate) fn answer_bytes(mut self, body: &[u8], revision: u64) {
        self.queue(FrameType::Response, body, revision);
    }

    /// Queues a refusal; someone must flush the connection then.
    pub(crate) fn refuse(mut self, refusal: &Refusal) {
        self.shared.statistics.requests_refused.add(1);
        let revision = self.shared.revision();
        self.queue(FrameType::Error, &refusal.reply().to_bytes(), revision);
    }

    fn queue(&mut self, frame_type: FrameType, body: &[u8], revision: u64) {
        self.answered = true;
        let header = self.answer_header(frame_type, revision);
        let sent = self.connection.queue_frame(&header, body);
        self.count(frame_type == FrameType::Error, sent);
    }

    fn count(&self, is_refusal: bool, sent: usize) {
        if !COUNTS {
            return;
        }
        let metrics = &self.shared.metrics;
        metrics.answered(self.operation, self.hot.as_ref(), self.arrived.elapsed(), is_refusal);
        metrics.bytes_sent.add(sent as u64);
    }

    fn answer_header(&self, frame_type: FrameType, revision: u64) -> Header {
        Header { frame_type, revision, deadline_ms: 0, ..self.header }
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        if !self.answered {
            let revision = self.shared.revision();
            self.queue(FrameType::Error, &Refusal::broken().reply().to_bytes(), revision);
            self.connection.flush();
        }
        if self.attempt.is_some() {
            self.shared.attempts.ended(self.connection.peer.ip());
        }
        if self.connection.work_ended(self.counted_bytes) {
            self.shared.workers.resume(&self.connection);
        }
    }
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Request({} {})", self.operation.name(), self.header.request_id)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;
    use crate::support::{Hsm, answer};
    use strongroom_wire::Rv;
    use strongroom_wire::messages::Empty;

    #[test]
    fn a_request_whose_handler_panics_is_answered_and_the_hsm_goes_on() {
        let hsm = Hsm::start();
        let mut peer = hsm.greeted();
        let shared = hsm.engine.shared();
        let connection = shared.connections.read().values().next().cloned().unwrap();
        let header = Header {
            frame_type: FrameType::Request,
            operation: Operation::Sign.code(),
            request_id: 99,
            login_id: 0,
            revision: 0,
            deadline_ms: 0,
            trace_id: 0,
        };
        let request =
            Request::new(shared, connection, Frame { header, body: b"secret".to_vec() }, Operation::Sign);
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            let _in_work = request;
            panic!("of a handler")
        }));
        assert!(outcome.is_err());
        let frame = peer.receive().unwrap();
        assert_eq!(frame.header.request_id, 99);
        assert_eq!(answer(&frame).unwrap_err().rv, Rv::GENERAL_ERROR.0);
        peer.call(Operation::Ping, 0, &Empty {}).unwrap();
        assert_eq!(hsm.statistic("requests_in_work"), 0);
    }
}
