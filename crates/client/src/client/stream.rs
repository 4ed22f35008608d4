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
        let login = self.login_for(Operation::StreamOpen)?;
        let login = login.ok_or_else(|| Error::local(Rv::USER_NOT_LOGGED_IN, "log in first"))?;
        let request = StreamOpenRequest {
            key,
            mechanism: mechanism.code(),
            parameters: parameters.cloned(),
            operation: u64::from(operation.code()),
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

    /// Decrypts AES-GCM or AES-CCM ciphertext of any length with its tag behind it, in place: it is sent twice, and the HSM gives
    /// plaintext once it has checked the tag over all of it. After a refusal the data is gone.
    ///
    /// # Errors
    /// As [`Client::update_stream`].
    pub fn decrypt_long(
        &self,
        key: u64,
        mechanism: MechanismType,
        parameters: Option<&MechanismParameters>,
        data: &mut Vec<u8>,
    ) -> Result<()> {
        let outcome = self.decrypt_in_place(key, mechanism, parameters, data);
        if outcome.is_err() {
            codec::wipe(data);
        }
        outcome
    }

    fn decrypt_in_place(
        &self,
        key: u64,
        mechanism: MechanismType,
        parameters: Option<&MechanismParameters>,
        data: &mut Vec<u8>,
    ) -> Result<()> {
        let bits = parameters.and_then(|parameters| parameters.tag_bits).unwrap_or(0);
        let length = usize::try_from(bits / 8).ok().and_then(|tag_length| data.len().checked_sub(tag_length));
        let short = || Error::local(Rv::ENCRYPTED_DATA_LEN_RANGE, "the data is shorter than its tag");
        let tag = data.split_off(length.ok_or_else(short)?);
        let (mut stream, _) = self.open_stream(Operation::Decrypt, key, mechanism, parameters)?;
        let longest = self.longest().unwrap_or(1);
        let mut marks = Vec::with_capacity(data.len() / longest + 1);
        let mut pieces = data.chunks(longest).peekable();
        while let Some(piece) = pieces.next() {
            marks.push(if pieces.peek().is_some() {
                self.update_stream(&mut stream, piece)?
            } else {
                self.step(&mut stream, Operation::StreamFinish, piece, Some(&tag))?
            });
        }
        stream.offset = 0;
        for (piece, mark) in data.chunks_mut(longest).zip(&marks) {
            let mut plaintext = self.step(&mut stream, Operation::StreamReveal, piece, Some(mark))?;
            if plaintext.len() != piece.len() {
                return Err(Error::hsm(Rv::DEVICE_ERROR, "the HSM gave plaintext of a wrong length"));
            }
            piece.copy_from_slice(&plaintext);
            codec::wipe(&mut plaintext);
            stream.offset += piece.len() as u64;
        }
        stream.is_over = true;
        Ok(())
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
