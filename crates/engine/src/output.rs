//! The answers' side of a connection: writers combine. Whoever sends takes what others queue meanwhile along.

use std::io::{ErrorKind, Write};
use std::time::Instant;

use strongroom_wiping::wipe;
use strongroom_wire::{FrameError, Header, encode_frame, encode_frame_with};

use crate::connection::Connection;

/// Answers that are not sent yet.
#[derive(Debug, Default)]
pub(crate) struct Output {
    /// Frames that are not encrypted yet.
    pending: Vec<u8>,
    /// Since when the first of them waits.
    pending_since: Option<Instant>,
    /// TLS records of which the socket took no more than `sent` bytes.
    records: Vec<u8>,
    sent: usize,
    sending: bool,
    /// Someone flushed while another was sending.
    again: bool,
    /// The connection is to be closed by whoever sends last.
    ends: bool,
    stalled_since: Option<Instant>,
}

impl Output {
    /// Bytes that wait.
    pub(crate) fn queued(&self) -> usize {
        self.pending.len() + self.records.len() - self.sent
    }

    /// Since when a frame waits to be flushed.
    pub(crate) fn pending_since(&self) -> Option<Instant> {
        self.pending_since
    }

    /// Gives back the room of empty buffers. One that is being sent from is not here and keeps its room.
    pub(crate) fn give_back_room(&mut self) {
        for buffer in [&mut self.pending, &mut self.records] {
            buffer.shrink_to_fit();
        }
    }

    /// Since when the socket has taken nothing although something waits.
    pub(crate) fn stalled_since(&self) -> Option<Instant> {
        self.stalled_since
    }
}

impl Connection {
    /// Queues a frame; [`Connection::flush`] sends it. Over the limit the connection is closed instead. Gives its bytes.
    pub(crate) fn queue_frame(&self, header: &Header, body: &[u8]) -> usize {
        self.queue(|pending| encode_frame(header, body, pending))
    }

    /// As [`Connection::queue_frame`], for a body that `write` appends.
    pub(crate) fn queue_frame_with(&self, header: &Header, write: impl FnOnce(&mut Vec<u8>)) -> usize {
        self.queue(|pending| encode_frame_with(header, pending, write))
    }

    fn queue(&self, encode: impl FnOnce(&mut Vec<u8>) -> Result<(), FrameError>) -> usize {
        if self.is_closed() {
            return 0;
        }
        let mut output = self.output.lock();
        let before = output.pending.len();
        let refused = encode(&mut output.pending).is_err();
        if refused || output.queued() > self.output_limit() {
            drop(output);
            self.close();
            return 0;
        }
        if before == 0 {
            output.pending_since = Some(Instant::now());
        }
        output.pending.len() - before
    }

    /// Sends what is queued as far as the socket takes it; the rest goes out when the socket is writable again.
    pub(crate) fn flush(&self) {
        let mut output = self.output.lock();
        if output.sending {
            output.again = true;
            return;
        }
        output.sending = true;
        loop {
            output.again = false;
            let mut pending = std::mem::take(&mut output.pending);
            output.pending_since = None;
            let mut records = std::mem::take(&mut output.records);
            let before = std::mem::take(&mut output.sent);
            let mut sent = before;
            drop(output);

            self.encrypt(&mut pending, &mut records);
            let outcome = self.send(&records, &mut sent);

            output = self.output.lock();
            if sent == records.len() {
                records.clear();
                sent = 0;
                output.stalled_since = None;
            } else if before != sent || output.stalled_since.is_none() {
                output.stalled_since = Some(Instant::now());
            }
            if output.pending.is_empty() {
                output.pending = pending; // empty; keeps its room
            }
            output.records = records;
            output.sent = sent;
            let goes_on = match outcome {
                Ok(()) => output.again || !output.pending.is_empty(),
                Err(ErrorKind::WouldBlock) => output.again,
                Err(_) => {
                    output.sending = false;
                    drop(output);
                    self.close();
                    return;
                }
            };
            if !goes_on && output.ends {
                // `sending` stays: nobody sends anything after the end.
                let is_all_sent = output.queued() == 0;
                drop(output);
                self.end(is_all_sent);
                return;
            }
            if !goes_on {
                output.sending = false;
                return;
            }
        }
    }

    /// Encrypts frames behind the records that are there; leaves `pending` wiped and empty.
    fn encrypt(&self, pending: &mut Vec<u8>, records: &mut Vec<u8>) {
        let mut tls = self.tls.lock();
        // Neither writer fails: the buffer limit is off, and a vector takes every write.
        let _ = tls.writer().write_all(pending);
        while tls.wants_write() {
            if tls.write_tls(records).is_err() {
                break;
            }
        }
        drop(tls);
        // The buffer is kept and may be much longer than what was in it, so only that is wiped.
        wipe(pending);
        pending.clear();
    }

    fn send(&self, records: &[u8], sent: &mut usize) -> Result<(), ErrorKind> {
        while *sent < records.len() {
            match (&self.socket).write(&records[*sent..]) {
                Ok(length) => *sent += length,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.kind()),
            }
        }
        Ok(())
    }

    /// Sends what is queued, tells the peer that nothing more comes, and closes. Where another thread is sending, that one
    /// does it: what it has in hand must not be cut off.
    pub(crate) fn close_gracefully(&self) {
        self.output.lock().ends = true;
        self.flush();
    }

    fn end(&self, is_all_sent: bool) {
        if is_all_sent {
            let mut records = Vec::new();
            self.tls.lock().send_close_notify();
            self.encrypt(&mut Vec::new(), &mut records);
            // A peer whose socket takes no more sees the connection end without it.
            let _ = self.send(&records, &mut 0);
        }
        self.close();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use strongroom_wire::FrameType;

    use super::*;
    use crate::support::Hsm;

    #[test]
    fn a_connection_that_ends_while_a_thread_sends_is_closed_by_that_thread_after_what_was_queued() {
        let hsm = Hsm::start();
        let mut peer = hsm.greeted();
        let connection = hsm.engine.shared().connections.read().values().next().cloned().unwrap();
        while connection.output.lock().sending {}
        connection.output.lock().sending = true;
        let header = Header {
            frame_type: FrameType::Response,
            operation: 1,
            request_id: 99,
            login_id: 0,
            revision: 0,
            deadline_ms: 0,
            trace_id: 0,
        };
        connection.queue_frame(&header, &[]);
        connection.close_gracefully();
        assert!(!connection.is_closed());
        connection.output.lock().sending = false;
        connection.flush();
        assert!(connection.is_closed());
        assert_eq!(peer.receive().unwrap().header.request_id, 99);
        assert!(peer.receive().is_none());
    }
}
