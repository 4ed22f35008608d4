//! Streams: operations over data of any length on one HSM (`docs/adr/0126`). The HSM that opened a stream is the only one
//! that has it: when it is lost, or refuses a step, the operation has failed and its caller begins again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use strongroom_wire::messages::{
    MechanismParameters, StreamCloseRequest, StreamOpenRequest, StreamOpenResponse,
};
use strongroom_wire::{FrameType, Header, MechanismType, Message, Operation, Rv, bulk, codec};

use crate::connection::Connection;
use crate::error::{Error, Result};
use crate::fork;
use crate::login::Login;

use super::{Attempt, Call, Client, unreadable};

/// How long the end of a stream that nobody needs is waited for.
const CLOSE_PATIENCE: Duration = Duration::from_millis(500);

/// An operation under way on one HSM. Dropped before its end it is closed there.
#[derive(Debug)]
pub struct Stream {
    connection: Arc<Connection>,
    login: Arc<Login>,
    number: u64,
    /// Where the next data belong.
    offset: u64,
    /// The HSM does not have it any more.
    is_over: bool,
    epoch: u64,
}

impl Client {
    /// Opens a stream for `sign`, `verify`, `encrypt` or `decrypt`; gives the IV that the HSM made for it.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub fn open_stream(
        &self,
        operation: Operation,
        key: u64,
        mechanism: MechanismType,
        parameters: Option<&MechanismParameters>,
    ) -> Result<(Stream, Option<Vec<u8>>)> {
        self.open(operation, key, mechanism, parameters, None)
    }

    /// Opens a stream that verifies a signature of Ed25519, which it begins with.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub fn open_verification(
        &self,
        key: u64,
        mechanism: MechanismType,
        parameters: Option<&MechanismParameters>,
        signature: &[u8],
    ) -> Result<Stream> {
        Ok(self.open(Operation::Verify, key, mechanism, parameters, Some(signature))?.0)
    }

    fn open(
        &self,
        operation: Operation,
        key: u64,
        mechanism: MechanismType,
        parameters: Option<&MechanismParameters>,
        signature: Option<&[u8]>,
    ) -> Result<(Stream, Option<Vec<u8>>)> {
        let login = self.login_for(Operation::StreamOpen)?;
        let login = login.ok_or_else(|| Error::local(Rv::USER_NOT_LOGGED_IN, "log in first"))?;
        let request = StreamOpenRequest {
            key,
            mechanism: mechanism.code(),
            parameters: parameters.cloned(),
            operation: u64::from(operation.code()),
            signature: signature.map(<[u8]>::to_vec),
        };
        let (frame, connection) =
            self.perform(Operation::StreamOpen, &request.to_bytes(), Some(&login), self.deadline())?;
        let response = StreamOpenResponse::from_bytes(&frame.body)
            .map_err(|error| unreadable(Operation::StreamOpen, &error))?;
        let (number, epoch) = (response.stream, self.epoch);
        Ok((Stream { connection, login, number, offset: 0, is_over: false, epoch }, response.iv))
    }

    /// Gives the next data, at most [`Client::max_data`]; their ciphertext or mark comes back.
    ///
    /// # Errors
    /// The HSM's refusal, or `CKR_DEVICE_ERROR` when it was lost. The stream is over then.
    pub fn update_stream(&self, stream: &mut Stream, data: &[u8]) -> Result<Vec<u8>> {
        let result = self.step(stream, Operation::StreamUpdate, data, None)?;
        stream.offset += data.len() as u64;
        Ok(result)
    }

    /// Gives the last data, and the MAC or tag to check; what is left of the result comes back.
    ///
    /// # Errors
    /// As [`Client::update_stream`].
    pub fn finish_stream(
        &self,
        stream: &mut Stream,
        data: &[u8],
        signature: Option<&[u8]>,
    ) -> Result<Vec<u8>> {
        let result = self.step(stream, Operation::StreamFinish, data, signature)?;
        stream.is_over = true;
        Ok(result)
    }

    /// Gives the last data of those that come twice, and the tag to check; gives their mark. The first data come next.
    ///
    /// # Errors
    /// As [`Client::update_stream`].
    pub fn turn_stream(&self, stream: &mut Stream, data: &[u8], tag: Option<&[u8]>) -> Result<Vec<u8>> {
        let mark = self.step(stream, Operation::StreamFinish, data, tag)?;
        stream.offset = 0;
        Ok(mark)
    }

    /// Gives data again, with their mark; plaintext comes back, or a signature with the last.
    ///
    /// # Errors
    /// As [`Client::update_stream`].
    pub fn repeat_stream(
        &self,
        stream: &mut Stream,
        data: &[u8],
        mark: &[u8],
        is_last: bool,
    ) -> Result<Vec<u8>> {
        let result = self.step(stream, Operation::StreamRepeat, data, Some(mark))?;
        stream.offset += data.len() as u64;
        stream.is_over = is_last;
        Ok(result)
    }

    /// Gives all data of a stream that wants them twice, and the tag to check; gives what came back.
    pub(super) fn give_twice(
        &self,
        stream: &mut Stream,
        data: &[u8],
        longest: usize,
        tag: Option<&[u8]>,
    ) -> Result<Vec<u8>> {
        let mut marks = Vec::with_capacity(data.len() / longest + 1);
        let mut pieces = data.chunks(longest).peekable();
        while let Some(piece) = pieces.next() {
            marks.push(if pieces.peek().is_some() {
                self.update_stream(stream, piece)?
            } else {
                self.turn_stream(stream, piece, tag)?
            });
        }
        let (mut all, count) = (Vec::with_capacity(data.len()), marks.len());
        for (number, (piece, mark)) in data.chunks(longest).zip(&marks).enumerate() {
            let result = self.repeat_stream(stream, piece, mark, number + 1 == count);
            let mut result = result.inspect_err(|_| codec::wipe(&mut all))?;
            all.extend_from_slice(&result);
            codec::wipe(&mut result);
        }
        Ok(all)
    }

    /// The most data of a request, once an HSM has told it.
    pub(super) fn longest(&self) -> Option<usize> {
        self.max_data().and_then(|longest| usize::try_from(longest).ok())
    }

    fn step(
        &self,
        stream: &mut Stream,
        operation: Operation,
        data: &[u8],
        proof: Option<&[u8]>,
    ) -> Result<Vec<u8>> {
        self.check_process()?;
        self.renew_ticket_if_due(&stream.login);
        let body = bulk::stream_step(stream.number, stream.offset, data, proof);
        let login_id = stream.login.view.login_id;
        let call = Call { operation, body: &body, login_id, deadline: self.deadline() };
        let outcome = self.exchange(&stream.connection, &call);
        self.pool.take_notices(&stream.connection);
        let frame = outcome.map_err(|attempt| match attempt {
            Attempt::Final(error) | Attempt::TryAnother(error) | Attempt::NotLoggedIn(error) => error,
            Attempt::ConnectionLost(reason) => {
                stream.is_over = true;
                self.pool.lost(&stream.connection, &reason);
                let hsm_id = &stream.connection.peer.hsm_id;
                Error::network(format!("{hsm_id}, which had the data so far, was lost: {reason}"))
            }
        })?;
        let response = bulk::crypt_response(frame.body).map_err(|error| unreadable(operation, &error))?;
        Ok(response.data)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if self.is_over || !self.connection.is_live() || self.epoch != fork::epoch() {
            return;
        }
        let header = Header {
            frame_type: FrameType::Request,
            operation: Operation::StreamClose.code(),
            request_id: 0, // the connection's
            login_id: self.login.view.login_id,
            revision: 0,
            deadline_ms: 0,
            trace_id: 0,
        };
        let request = StreamCloseRequest { stream: self.number }.to_bytes();
        // Without an answer the stream ends with the connection or the login.
        if let Ok(pending) = self.connection.begin(&header, &request, false) {
            pending.wait(Instant::now() + CLOSE_PATIENCE);
        }
    }
}
