//! One client connection: its socket, its TLS state, the frames that come in, and who reads it.
//!
//! The socket is registered once, edge-triggered. [`Connection::claim`] makes one thread its reader; an event that comes
//! meanwhile makes that thread look again. The answers' side is in [`crate::output`].

use std::collections::HashMap;
use std::io::{BufRead, Read};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

use parking_lot::{Mutex, RwLock};
use rustls::ServerConnection;
use strongroom_wiping::wipe;
use strongroom_wire::messages::{EXPORTER_LABEL, EXPORTER_LENGTH};
use strongroom_wire::{Frame, FrameDecoder, FrameError, frame};

use crate::client_trust::ClientVerifier;
use crate::listener::Door;
use crate::logins::Login;
use crate::output::Output;
use crate::records::RecordBounds;
use crate::settings::Settings;

/// Nobody reads.
const IDLE: u8 = 0;
/// A thread reads.
const READING: u8 = 1;
/// A thread reads, and more has come since it looked.
const AGAIN: u8 = 2;
/// Nobody reads until answers have gone out.
const PAUSED: u8 = 3;

/// Bytes that one turn of reading takes before others get theirs.
const TURN_BYTES: usize = 256 * 1024;
/// Incomplete bodies in bytes before a login is attached: HELLO, attach and login are short.
const UNKNOWN_PEER_BYTES: usize = 32 * 1024;
/// Logins of one connection.
const MAX_LOGINS: usize = 1024;

/// How a turn of reading ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Nothing more is there.
    Drained,
    /// There may be more; others first.
    More,
    /// The peer closed, or broke TLS or the framing: the connection cannot go on.
    Over,
}

impl Turn {
    /// This one, or the other when this one has drained what it had.
    pub(crate) fn or(self, other: Self) -> Self {
        if self == Self::Drained { other } else { self }
    }
}

/// A connection.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) id: u64,
    pub(crate) peer: SocketAddr,
    pub(crate) socket: TcpStream,
    pub(crate) tls: Mutex<ServerConnection>,
    pub(crate) output: Mutex<Output>,
    /// Who said whether the peer may have a connection.
    let_in_by: Arc<ClientVerifier>,
    inbound: Mutex<Inbound>,
    reading: AtomicU8,
    /// The peer has closed its side: reading goes on to the end of what it sent.
    hung_up: AtomicBool,
    closed: AtomicBool,
    handshaken: AtomicBool,
    greeted: AtomicBool,
    logins: RwLock<HashMap<u64, Arc<Login>>>,
    requests_in_work: AtomicUsize,
    bytes_in_work: AtomicUsize,
    opened: Instant,
    /// Milliseconds after `opened` + 1 at which an incomplete record, frame or body began; 0 = none is incomplete.
    frame_began_ms: AtomicU64,
    limits: Limits,
}

/// What has come and is not given out.
#[derive(Debug)]
struct Inbound {
    records: RecordBounds,
    decoder: FrameDecoder,
    /// The body that was incomplete for longest when a frame was last asked for.
    oldest_body: Option<u64>,
}

/// The settings that a connection looks at for each request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) requests: usize,
    pub(crate) bytes: usize,
    pub(crate) output_pause: usize,
    pub(crate) output_max: usize,
}

impl From<&Settings> for Limits {
    fn from(settings: &Settings) -> Self {
        Self {
            requests: settings.max_requests_in_work,
            bytes: settings.max_bytes_in_work,
            output_pause: settings.output_pause,
            output_max: settings.output_max,
        }
    }
}

/// Wipes the buffer that it should read into.
struct NothingButZeros;

impl Read for NothingButZeros {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        wipe(buffer);
        Err(std::io::ErrorKind::WouldBlock.into())
    }
}

impl Connection {
    /// Takes over an accepted, non-blocking socket.
    ///
    /// # Errors
    /// The TLS library refuses.
    pub(crate) fn new(
        id: u64,
        socket: TcpStream,
        peer: SocketAddr,
        door: Door,
        limits: Limits,
    ) -> Result<Self, rustls::Error> {
        let mut tls = ServerConnection::new(door.config)?;
        tls.set_buffer_limit(None); // the output is bounded here
        Ok(Self {
            id,
            peer,
            socket,
            tls: Mutex::new(tls),
            output: Mutex::new(Output::default()),
            let_in_by: door.clients,
            inbound: Mutex::new(Inbound {
                records: RecordBounds::default(),
                decoder: FrameDecoder::with_limit(UNKNOWN_PEER_BYTES),
                oldest_body: None,
            }),
            reading: AtomicU8::new(IDLE),
            hung_up: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            handshaken: AtomicBool::new(false),
            greeted: AtomicBool::new(false),
            logins: RwLock::new(HashMap::new()),
            requests_in_work: AtomicUsize::new(0),
            bytes_in_work: AtomicUsize::new(0),
            opened: Instant::now(),
            frame_began_ms: AtomicU64::new(0),
            limits,
        })
    }

    // -- who reads ------------------------------------------------------------------------------------------------

    /// An event says that there is something to read; true makes the caller the reader.
    pub(crate) fn claim(&self, hung_up: bool) -> bool {
        if hung_up {
            self.hung_up.store(true, Ordering::Release);
        }
        let claimed =
            self.reading.fetch_update(Ordering::AcqRel, Ordering::Acquire, |reading| match reading {
                IDLE => Some(READING),
                READING => Some(AGAIN),
                _ => None,
            });
        claimed == Ok(IDLE)
    }

    /// The reader has drained the socket; false = more has come, it must go on.
    pub(crate) fn release(&self) -> bool {
        if self.reading.compare_exchange(READING, IDLE, Ordering::AcqRel, Ordering::Acquire).is_ok() {
            return true;
        }
        self.reading.store(READING, Ordering::Release);
        false
    }

    /// The reader stops when too much is in work; false = it may go on.
    pub(crate) fn pause(&self) -> bool {
        if !self.is_overloaded() {
            return false;
        }
        self.reading.store(PAUSED, Ordering::SeqCst);
        !self.unpause()
    }

    /// Makes the caller the reader of a paused connection that may go on.
    pub(crate) fn unpause(&self) -> bool {
        !self.is_overloaded()
            && self.reading.compare_exchange(PAUSED, READING, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }

    /// Whether no further frame is taken into work before answers have gone out.
    pub(crate) fn is_overloaded(&self) -> bool {
        self.requests_in_work.load(Ordering::SeqCst) >= self.limits.requests
            || self.bytes_in_work.load(Ordering::SeqCst) >= self.limits.bytes
            || self.output.lock().queued() >= self.limits.output_pause
    }

    /// Counts a request that was taken into work.
    pub(crate) fn work_begun(&self, bytes: usize) {
        self.requests_in_work.fetch_add(1, Ordering::SeqCst);
        self.bytes_in_work.fetch_add(bytes, Ordering::SeqCst);
    }

    /// Counts more bytes of a request in work: those of its answer.
    pub(crate) fn work_grew(&self, bytes: usize) {
        self.bytes_in_work.fetch_add(bytes, Ordering::SeqCst);
    }

    /// Counts a request that was answered; true = the connection was paused and its caller should resume it.
    pub(crate) fn work_ended(&self, bytes: usize) -> bool {
        self.requests_in_work.fetch_sub(1, Ordering::SeqCst);
        self.bytes_in_work.fetch_sub(bytes, Ordering::SeqCst);
        self.is_paused()
    }

    pub(crate) fn is_paused(&self) -> bool {
        self.reading.load(Ordering::SeqCst) == PAUSED
    }

    pub(crate) fn requests_in_work(&self) -> usize {
        self.requests_in_work.load(Ordering::Acquire)
    }

    // -- reading --------------------------------------------------------------------------------------------------

    /// Reads what is there; [`Connection::next_frame`] gives it out. For the reader only.
    pub(crate) fn receive(&self, buffer: &mut [u8]) -> Turn {
        let mut taken = 0;
        loop {
            let length = match (&self.socket).read(buffer) {
                Ok(0) => return Turn::Over,
                Ok(length) => length,
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return Turn::Drained,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(_) => return Turn::Over,
            };
            if self.decrypt(&buffer[..length]).is_none() {
                return Turn::Over;
            }
            taken += length;
            // A read that did not fill the buffer has emptied the socket (epoll(7), question 9), unless the end of the
            // stream stands behind it.
            if length < buffer.len() && !self.hung_up.load(Ordering::Acquire) {
                return Turn::Drained;
            }
            if taken >= TURN_BYTES {
                return Turn::More;
            }
        }
    }

    /// Bytes from the socket through TLS into the frame decoder; none when the peer broke TLS.
    fn decrypt(&self, mut bytes: &[u8]) -> Option<()> {
        let mut inbound = self.inbound.lock();
        inbound.records.follow(bytes);
        let mut tls = self.tls.lock();
        while !bytes.is_empty() {
            let Ok(1..) = tls.read_tls(&mut bytes) else { return None };
            if tls.process_new_packets().is_err() {
                drop(tls);
                self.flush(); // the alert that says why
                return None;
            }
            let mut reader = tls.reader();
            // Nothing where the record is not whole, or where the peer said goodbye.
            while let Ok(plaintext @ [_, ..]) = reader.fill_buf() {
                inbound.decoder.push(plaintext);
                let length = plaintext.len();
                reader.consume(length);
            }
        }
        // The TLS library decrypts in place and keeps its buffer, which may have held a password: it is wiped by reading
        // nothing into it.
        let _ = tls.read_tls(&mut NothingButZeros);
        let wants_write = tls.wants_write();
        drop(tls);
        if wants_write {
            self.flush();
        }
        Some(())
    }

    /// The next whole frame of what was read; none when there is no further one. For the reader only.
    ///
    /// # Errors
    /// The peer broke the framing: the connection cannot go on.
    pub(crate) fn next_frame(&self) -> Result<Option<Frame>, FrameError> {
        let mut inbound = self.inbound.lock();
        let frame = inbound.decoder.next_frame()?;
        self.note_incomplete(&mut inbound, frame.is_some());
        Ok(frame)
    }

    /// Notes since when something is incomplete. A whole frame is progress, but not for a body that was begun before it.
    fn note_incomplete(&self, inbound: &mut Inbound, given_out: bool) {
        let began = self.frame_began_ms.load(Ordering::Relaxed);
        let oldest = inbound.decoder.oldest_open_body();
        let is_incomplete = if given_out {
            oldest.is_some()
        } else {
            inbound.decoder.is_mid_frame() || inbound.records.is_mid_record()
        };
        let goes_on = began != 0 && (!given_out || oldest == inbound.oldest_body);
        inbound.oldest_body = oldest;
        if !is_incomplete {
            if began != 0 {
                self.frame_began_ms.store(0, Ordering::Relaxed);
            }
        } else if !goes_on {
            #[allow(clippy::cast_possible_truncation)] // half a billion years
            let now = self.opened.elapsed().as_millis() as u64 + 1;
            self.frame_began_ms.store(now, Ordering::Relaxed);
        }
    }

    /// Whether the TLS handshake is over; notes it. For the reader only.
    pub(crate) fn is_handshaken(&self) -> bool {
        if self.handshaken.load(Ordering::Acquire) {
            return true;
        }
        let done = !self.tls.lock().is_handshaking();
        if done {
            self.handshaken.store(true, Ordering::Release);
        }
        done
    }

    /// Whether the reader has noted that the TLS handshake is over.
    pub(crate) fn is_known_handshaken(&self) -> bool {
        self.handshaken.load(Ordering::Acquire)
    }

    /// Whether the peer chose our protocol (ALPN).
    pub(crate) fn speaks_our_protocol(&self) -> bool {
        self.tls.lock().alpn_protocol() == Some(frame::ALPN)
    }

    /// Whether the peer has shown a certificate that was accepted (mutual TLS). Known once the handshake is over.
    pub(crate) fn is_mutual(&self) -> bool {
        self.tls.lock().peer_certificates().is_some()
    }

    /// Whether the peer, whose handshake is over, would be let in by these rules.
    pub(crate) fn is_accepted(&self, clients: &Arc<ClientVerifier>) -> bool {
        Arc::ptr_eq(&self.let_in_by, clients) || clients.accepts(self.tls.lock().peer_certificates())
    }

    /// The TLS exporter value that an attach is tied to.
    pub(crate) fn exporter(&self) -> Option<[u8; EXPORTER_LENGTH]> {
        self.tls.lock().export_keying_material([0; EXPORTER_LENGTH], EXPORTER_LABEL, None).ok()
    }

    // -- what it may do -------------------------------------------------------------------------------------------

    pub(crate) fn greet(&self) {
        self.greeted.store(true, Ordering::Release);
    }

    pub(crate) fn is_greeted(&self) -> bool {
        self.greeted.load(Ordering::Acquire)
    }

    /// Lets the connection use a login; false when it is closed or has too many.
    pub(crate) fn attach(&self, login: &Arc<Login>) -> bool {
        let mut logins = self.logins.write();
        if self.is_closed() {
            return false;
        }
        let id = login.caller.login_id;
        if let Some(known) = logins.get(&id)
            && Arc::ptr_eq(known, login)
        {
            return true;
        }
        if logins.len() >= MAX_LOGINS {
            logins.retain(|_, login| !login.is_ended());
        }
        if logins.len() >= MAX_LOGINS {
            return false;
        }
        login.connection_opened();
        if let Some(replaced) = logins.insert(id, Arc::clone(login)) {
            replaced.connection_closed(self.id, Instant::now());
        }
        drop(logins);
        self.inbound.lock().decoder.set_limit(4 * frame::MAX_BODY_LENGTH);
        true
    }

    /// The login of this number, if it is attached here and not ended.
    pub(crate) fn login(&self, login_id: u64) -> Option<Arc<Login>> {
        self.logins.read().get(&login_id).filter(|login| !login.is_ended()).cloned()
    }

    pub(crate) fn has_login(&self) -> bool {
        !self.logins.read().is_empty()
    }

    /// Gives back the memory that nothing is kept in; for now and then, so that idle connections are cheap.
    pub(crate) fn give_back_room(&self) {
        if let Some(mut inbound) = self.inbound.try_lock() {
            inbound.decoder.give_back_room();
        }
        if let Some(mut output) = self.output.try_lock() {
            output.give_back_room();
        }
    }

    // -- its end --------------------------------------------------------------------------------------------------

    /// Closes the socket and detaches the logins; true for the call that did it.
    pub(crate) fn close(&self) -> bool {
        if self.closed.swap(true, Ordering::AcqRel) {
            return false;
        }
        // An error says that the peer was faster.
        let _ = self.socket.shutdown(Shutdown::Both);
        let now = Instant::now();
        for (_, login) in self.logins.write().drain() {
            login.connection_closed(self.id, now);
        }
        true
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Why the connection should be cut now, if it should.
    pub(crate) fn overdue(&self, settings: &Settings) -> Option<&'static str> {
        let age = self.opened.elapsed();
        if !self.is_greeted() && age > settings.handshake_timeout {
            return Some("no handshake and HELLO in time");
        }
        let began = u128::from(self.frame_began_ms.load(Ordering::Relaxed));
        if began != 0 && age.as_millis() + 1 > began + settings.frame_timeout.as_millis() {
            return Some("a frame was not whole in time");
        }
        let stalled =
            self.output.lock().stalled_since().is_some_and(|at| at.elapsed() > settings.output_timeout);
        stalled.then_some("the peer does not read its answers")
    }

    pub(crate) fn output_limit(&self) -> usize {
        self.limits.output_max
    }
}
