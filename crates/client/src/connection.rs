//! One TLS connection to an HSM, shared by all threads of the process.
//!
//! There is no thread behind it. A caller appends its frame to the outgoing queue; one of the callers, the *leader*,
//! reads the socket for all, gives each answer to its waiter and wakes exactly that one; when its own answer has come
//! it hands the lead to another waiter. Whoever writes takes everything that others have queued with it.
//!
//! Locks, in the order in which they may be taken: `inbound` (the leader's), `tls`, `queue`. None is held while
//! a thread sleeps, except `inbound` by the sleeping leader.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::{BufRead, ErrorKind, Read};
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering, fence};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread::Thread;
use std::time::{Duration, Instant};

use rustls::{AlertDescription, ClientConnection};
use strongroom_wire::codec::wipe;
use strongroom_wire::messages::{EXPORTER_LENGTH, Notice};
use strongroom_wire::{Frame, FrameDecoder, FrameType, Header, Message, Operation, encode_frame};

use crate::fork::Registration;
use crate::poll::{Interest, poll};

/// Calls wait and nothing has come for this long: a ping is sent.
const SILENCE_BEFORE_PING: Duration = Duration::from_millis(500);
/// After a ping without any answer the socket is looked at so often, with this pause between: a second in all. Looks are
/// counted instead of time, so that a machine that stood still does not take its own pause for the HSM's.
const LOOKS_AFTER_PING: u32 = 10;
const PAUSE_BETWEEN_LOOKS: Duration = Duration::from_millis(100);
const READ_LENGTH: usize = 64 * 1024;
/// A buffer for requests is kept up to this length: growing anew for each burst of long data is dear.
const KEPT_LENGTH: usize = 512 * 1024;

const WAITING: u8 = 0;
const LEADING: u8 = 1;
const DONE: u8 = 2;

/// Nobody will flush for others: there is no leader, or it sleeps or is still to be scheduled.
const ASLEEP: u8 = 0;
/// The leader flushes the queue before it sleeps.
const AWAKE: u8 = 1;

/// Why a call got no answer.
#[derive(Clone, Debug)]
pub(crate) enum Lost {
    /// The connection failed; whether the HSM did the work is unknown.
    Failed(Arc<str>),
    /// The deadline passed.
    TimedOut,
    /// The request cannot be sent at all.
    TooLong,
}

struct Slot {
    state: AtomicU8,
    /// Its thread does not wait here at the moment, so it cannot lead. Changed under the queue's lock.
    away: AtomicBool,
    thread: Thread,
    answer: Mutex<Option<Result<Frame, Arc<str>>>>,
}

struct Queue {
    outgoing: Vec<u8>,
    /// Empty, with room: `outgoing` while the other is sent.
    spare: Vec<u8>,
    holds_secret: bool,
    waiters: BTreeMap<u64, Arc<Slot>>,
    next_id: u64,
    has_leader: bool,
    failure: Option<Arc<str>>,
}

struct Ping {
    sent: Instant,
    looks: u32,
    next_look: Instant,
}

struct Inbound {
    decoder: FrameDecoder,
    buffer: Vec<u8>,
    heard: Instant,
    pinged: Option<Ping>,
}

/// What HELLO told about the HSM at the other end.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    pub hsm_id: Arc<str>,
    pub exporter: [u8; EXPORTER_LENGTH],
}

pub(crate) struct Connection {
    stream: TcpStream,
    tls: Mutex<ClientConnection>,
    queue: Mutex<Queue>,
    inbound: Mutex<Inbound>,
    duty: AtomicU8,
    queued: AtomicBool,
    backlog: AtomicBool,
    failed: AtomicBool,
    /// An answer is late and nothing has come since: no new calls while another HSM can take them.
    suspect: AtomicBool,
    made: Instant,
    /// Microseconds after `made` until which others get the calls.
    rests_until: AtomicU64,
    draining: AtomicBool,
    noticed: AtomicBool,
    notices: Mutex<Vec<Notice>>,
    in_flight: AtomicUsize,
    in_flight_everywhere: Arc<AtomicUsize>,
    spin: Duration,
    /// The login that this connection carries; 0 = none.
    pub attached: AtomicU64,
    /// Held by the caller that attaches.
    pub attaching: Mutex<()>,
    pub peer: Peer,
    _registration: Registration,
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What a lock guards here is consistent between any two statements, so a panic elsewhere does not spoil it.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").field("hsm_id", &self.peer.hsm_id).finish_non_exhaustive()
    }
}

impl Connection {
    pub(crate) fn new(
        stream: TcpStream,
        tls: ClientConnection,
        decoder: FrameDecoder,
        peer: Peer,
        registration: Registration,
        in_flight_everywhere: Arc<AtomicUsize>,
        spin: Duration,
    ) -> Self {
        let queue = Queue {
            outgoing: Vec::new(),
            spare: Vec::new(),
            holds_secret: false,
            waiters: BTreeMap::new(),
            next_id: 1 << 32, // below: the ids used while connecting
            has_leader: false,
            failure: None,
        };
        let inbound = Inbound { decoder, buffer: vec![0; READ_LENGTH], heard: Instant::now(), pinged: None };
        Self {
            stream,
            tls: Mutex::new(tls),
            queue: Mutex::new(queue),
            inbound: Mutex::new(inbound),
            duty: AtomicU8::new(ASLEEP),
            queued: AtomicBool::new(false),
            backlog: AtomicBool::new(false),
            failed: AtomicBool::new(false),
            suspect: AtomicBool::new(false),
            made: Instant::now(),
            rests_until: AtomicU64::new(0),
            draining: AtomicBool::new(false),
            noticed: AtomicBool::new(false),
            notices: Mutex::new(Vec::new()),
            in_flight: AtomicUsize::new(0),
            in_flight_everywhere,
            spin,
            attached: AtomicU64::new(0),
            attaching: Mutex::new(()),
            peer,
            _registration: registration,
        }
    }

    /// Whether new calls may be given to it.
    pub(crate) fn is_live(&self) -> bool {
        !self.failed.load(Ordering::Acquire) && !self.draining.load(Ordering::Relaxed)
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// What the HSM said without being asked, since the last call of this.
    pub(crate) fn take_notices(&self) -> Vec<Notice> {
        if self.noticed.swap(false, Ordering::AcqRel) {
            std::mem::take(&mut *lock(&self.notices))
        } else {
            Vec::new()
        }
    }

    /// No new calls: the HSM is about to close.
    pub(crate) fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Ends it with a TLS goodbye; calls in flight fail.
    pub(crate) fn close(&self) {
        let mut tls = lock(&self.tls);
        tls.send_close_notify();
        // The goodbye is a courtesy: whether it arrives changes nothing.
        let _ = tls.write_tls(&mut &self.stream);
        drop(tls);
        self.fail("closed");
    }

    /// Queues a request; [`Pending::wait`] sends it.
    pub(crate) fn begin(
        &self,
        header: &Header,
        body: &[u8],
        holds_secret: bool,
    ) -> Result<Pending<'_>, Lost> {
        let slot = Arc::new(Slot {
            state: AtomicU8::new(WAITING),
            away: AtomicBool::new(false),
            thread: std::thread::current(),
            answer: Mutex::new(None),
        });
        let mut queue = lock(&self.queue);
        if let Some(failure) = &queue.failure {
            return Err(Lost::Failed(Arc::clone(failure)));
        }
        let id = queue.next_id;
        queue.next_id += 1;
        let header = Header { request_id: id, ..*header };
        encode_frame(&header, body, &mut queue.outgoing).map_err(|_| Lost::TooLong)?;
        queue.holds_secret |= holds_secret;
        // Nobody has listened, so the silence until now says nothing.
        let ends_idleness = queue.waiters.is_empty() && !self.is_suspect();
        queue.waiters.insert(id, Arc::clone(&slot));
        if !queue.has_leader {
            queue.has_leader = true;
            slot.state.store(LEADING, Ordering::Release);
        }
        self.queued.store(true, Ordering::SeqCst);
        drop(queue);
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        self.in_flight_everywhere.fetch_add(1, Ordering::Relaxed);
        Ok(Pending { connection: self, id, slot, ends_idleness: Cell::new(ends_idleness) })
    }

    /// An answer is late: until something comes, other HSMs get the calls and [`Connection::look`] asks for a sign of
    /// life. False when it was suspect already.
    pub(crate) fn suspect(&self) -> bool {
        !self.suspect.swap(true, Ordering::AcqRel)
    }

    pub(crate) fn is_suspect(&self) -> bool {
        self.suspect.load(Ordering::Acquire)
    }

    /// The HSM said that another may answer: for so long others get the calls.
    pub(crate) fn rest(&self, pause: Duration) {
        self.rests_until.store(micros(self.made.elapsed() + pause), Ordering::Relaxed);
    }

    /// Whether it is to get calls where several can.
    pub(crate) fn is_preferred(&self) -> bool {
        let rests_until = self.rests_until.load(Ordering::Relaxed);
        !self.is_suspect() && (rests_until == 0 || micros(self.made.elapsed()) >= rests_until)
    }

    /// Why it failed, if it did.
    pub(crate) fn failure(&self) -> Option<Arc<str>> {
        lock(&self.queue).failure.clone()
    }

    /// One look at a suspect, for a caller that passes by: takes what has come, sends the ping that is due, gives up
    /// after too long a silence. Where somebody leads, that one does it.
    pub(crate) fn look(&self) {
        let mut queue = lock(&self.queue);
        if queue.has_leader || queue.failure.is_some() {
            return;
        }
        queue.has_leader = true;
        drop(queue);
        self.lead(None, Instant::now(), false);
    }

    /// Waits until the answer or the lead has come (true), or until the time is over.
    fn follow(&self, slot: &Slot, until: Instant) -> bool {
        while slot.state.load(Ordering::Acquire) == WAITING {
            let now = Instant::now();
            if now >= until {
                return false;
            }
            std::thread::park_timeout(until - now);
        }
        true
    }

    /// Reads for everybody until the caller's own answer has come or its time is over; then another leads, if one waits.
    fn lead(&self, own: Option<&Slot>, until: Instant, ends_idleness: bool) {
        let mut inbound = lock(&self.inbound);
        self.duty.store(AWAKE, Ordering::SeqCst);
        if ends_idleness {
            inbound.heard = Instant::now();
            inbound.pinged = None;
        }
        let outcome = self.read_for_all(own, until, &mut inbound);
        drop(inbound);
        match outcome {
            Ok(()) => {
                let mut queue = lock(&self.queue);
                if let Some(own) = own {
                    own.step_aside();
                }
                self.hand_over(&mut queue);
            }
            Err(reason) => self.fail(&reason),
        }
    }

    fn hand_over(&self, queue: &mut Queue) {
        self.duty.store(ASLEEP, Ordering::SeqCst);
        // The newest waits longest, so the lead changes least often.
        let is_there = |slot: &&Arc<Slot>| {
            !slot.away.load(Ordering::Relaxed) && slot.state.load(Ordering::Relaxed) == WAITING
        };
        match queue.waiters.values().rev().find(is_there) {
            Some(next) => {
                next.state.store(LEADING, Ordering::Release);
                next.thread.unpark();
            }
            None => queue.has_leader = false,
        }
    }

    fn read_for_all(&self, own: Option<&Slot>, until: Instant, inbound: &mut Inbound) -> Result<(), String> {
        let mut spinning_since = None;
        loop {
            self.flush(None)?;
            if own.is_some_and(Slot::is_done) {
                return Ok(());
            }
            match (&self.stream).read(&mut inbound.buffer) {
                Ok(0) => return Err("the HSM closed the connection".into()),
                Ok(length) => {
                    if self.absorb(length, inbound)? > 1 {
                        // Their next requests go out in one write with each other.
                        std::thread::yield_now();
                    }
                    continue;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(format!("reading failed: {error}")),
            }
            let now = Instant::now();
            let alone = self.in_flight_everywhere.load(Ordering::Relaxed) == 1;
            if alone && now < until && now < *spinning_since.get_or_insert(now) + self.spin {
                std::hint::spin_loop();
                continue;
            }
            let wake = self.watch_silence(now, inbound)?.min(until);
            if now >= until {
                return self.flush(None);
            }
            self.sleep(wake.saturating_duration_since(now))?;
        }
    }

    /// Sends a ping after silence, gives up after silence that follows a ping; says when to look again.
    fn watch_silence(&self, now: Instant, inbound: &mut Inbound) -> Result<Instant, String> {
        match &mut inbound.pinged {
            Some(ping) if inbound.heard < ping.sent => {
                if now >= ping.next_look {
                    ping.looks += 1;
                    ping.next_look = now + PAUSE_BETWEEN_LOOKS;
                }
                if ping.looks > LOOKS_AFTER_PING {
                    return Err("no answer to a ping for a second".into());
                }
                Ok(ping.next_look)
            }
            _ if now < inbound.heard + SILENCE_BEFORE_PING && !self.is_suspect() => {
                Ok(inbound.heard + SILENCE_BEFORE_PING)
            }
            _ => {
                let mut queue = lock(&self.queue);
                let id = queue.next_id;
                queue.next_id += 1;
                let header = Header {
                    frame_type: FrameType::Request,
                    operation: Operation::Ping.code(),
                    request_id: id,
                    login_id: 0,
                    revision: 0,
                    deadline_ms: 1_000,
                    trace_id: 0,
                };
                encode_frame(&header, &strongroom_wire::messages::Empty {}.to_bytes(), &mut queue.outgoing)
                    .map_err(|error| error.to_string())?;
                drop(queue);
                self.queued.store(true, Ordering::SeqCst);
                inbound.pinged = Some(Ping { sent: now, looks: 0, next_look: now + PAUSE_BETWEEN_LOOKS });
                Ok(now)
            }
        }
    }

    fn sleep(&self, longest: Duration) -> Result<(), String> {
        self.duty.store(ASLEEP, Ordering::SeqCst);
        // A caller that queued before this line saw AWAKE and left its frame to us; later ones flush themselves.
        if !self.queued.load(Ordering::SeqCst) {
            let interest = if self.backlog.load(Ordering::SeqCst) { Interest::Both } else { Interest::Read };
            poll(&[(self.stream.as_fd(), interest)], longest).map_err(|error| error.to_string())?;
        }
        self.duty.store(AWAKE, Ordering::SeqCst);
        Ok(())
    }

    /// Decrypts what was read, gives the answers out; how many there were.
    fn absorb(&self, length: usize, inbound: &mut Inbound) -> Result<usize, String> {
        inbound.heard = Instant::now();
        self.suspect.store(false, Ordering::Release);
        let mut tls = lock(&self.tls);
        let outcome = decrypt(&mut tls, &inbound.buffer[..length], &mut inbound.decoder);
        drop(tls);
        // Answers before a goodbye still count.
        let mut answers = Vec::new();
        while let Some(frame) = inbound.decoder.next_frame().map_err(|error| error.to_string())? {
            if frame.header.frame_type == FrameType::Notice {
                let notice = Notice::from_bytes(&frame.body).map_err(|error| error.to_string())?;
                lock(&self.notices).push(notice);
                self.noticed.store(true, Ordering::Release);
            } else {
                answers.push(frame);
            }
        }
        let mut queue = lock(&self.queue);
        let matched: Vec<(Arc<Slot>, Frame)> = answers
            .into_iter()
            .filter_map(|frame| queue.waiters.remove(&frame.header.request_id).map(|slot| (slot, frame)))
            .collect();
        drop(queue);
        let answered = matched.len();
        for (slot, frame) in matched {
            slot.finish(Ok(frame));
        }
        outcome.map(|()| answered)
    }

    /// Encrypts and sends everything that is queued. With `patience` it waits so long for a full socket, else the leader
    /// does.
    fn flush(&self, patience: Option<Instant>) -> Result<(), String> {
        while self.queued.load(Ordering::SeqCst) || self.backlog.load(Ordering::SeqCst) {
            let mut tls = match self.tls.try_lock() {
                Ok(tls) => tls,
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
                // The holder looks at the queue again after it has let go.
                Err(TryLockError::WouldBlock) if patience.is_some() => {
                    fence(Ordering::SeqCst);
                    return Ok(());
                }
                Err(TryLockError::WouldBlock) => lock(&self.tls),
            };
            let mut queue = lock(&self.queue);
            let spare = std::mem::take(&mut queue.spare);
            let mut outgoing = std::mem::replace(&mut queue.outgoing, spare);
            let holds_secret = std::mem::take(&mut queue.holds_secret);
            self.queued.store(false, Ordering::SeqCst);
            drop(queue);
            let sent = send(&mut tls, &self.stream, &outgoing);
            self.backlog.store(tls.wants_write(), Ordering::SeqCst);
            drop(tls);
            fence(Ordering::SeqCst);
            if holds_secret {
                wipe(&mut outgoing);
            }
            self.give_back(outgoing);
            sent?;
            if self.backlog.load(Ordering::SeqCst) {
                let Some(deadline) = patience else { return Ok(()) };
                let left = deadline.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    return Ok(());
                }
                poll(&[(self.stream.as_fd(), Interest::Write)], left).map_err(|error| error.to_string())?;
            }
        }
        Ok(())
    }

    /// Keeps a buffer for the next frames.
    fn give_back(&self, mut buffer: Vec<u8>) {
        if buffer.capacity() <= KEPT_LENGTH {
            buffer.clear();
            let mut queue = lock(&self.queue);
            if queue.spare.capacity() < buffer.capacity() {
                queue.spare = buffer;
            }
        }
    }

    /// Ends it: every caller that waits gets the reason.
    pub(crate) fn fail(&self, reason: &str) {
        self.failed.store(true, Ordering::Release);
        let mut queue = lock(&self.queue);
        let reason = Arc::clone(queue.failure.get_or_insert_with(|| reason.into()));
        let waiters = std::mem::take(&mut queue.waiters);
        drop(queue);
        // Wakes a leader that sleeps in poll; an error means that the socket is gone already.
        let _ = self.stream.shutdown(Shutdown::Both);
        for slot in waiters.into_values() {
            slot.finish(Err(Arc::clone(&reason)));
        }
    }
}

/// A request whose answer has not been taken. Dropped, it is withdrawn: nobody waits for its answer any more.
pub(crate) struct Pending<'a> {
    connection: &'a Connection,
    id: u64,
    slot: Arc<Slot>,
    ends_idleness: Cell<bool>,
}

impl Pending<'_> {
    /// Sends the request if it is not sent yet and waits for its answer, reading for all others meanwhile where nobody
    /// else does. True: [`Pending::finish`] has an outcome. False: the time is over; it may be waited for again.
    pub(crate) fn wait(&self, until: Instant) -> bool {
        let Self { connection, slot, .. } = self;
        self.come_back();
        if slot.state.load(Ordering::Acquire) == WAITING {
            if connection.duty.load(Ordering::SeqCst) == ASLEEP
                && let Err(reason) = connection.flush(Some(until))
            {
                connection.fail(&reason);
            }
            if !connection.follow(slot, until) {
                self.go_away();
            }
        }
        if slot.state.load(Ordering::Acquire) == LEADING {
            connection.lead(Some(slot), until, self.ends_idleness.take());
        }
        slot.is_done()
    }

    /// Takes the lead again where it was left without one.
    fn come_back(&self) {
        if !self.slot.away.load(Ordering::Relaxed) {
            return;
        }
        let mut queue = lock(&self.connection.queue);
        self.slot.away.store(false, Ordering::Relaxed);
        if !queue.has_leader && self.slot.state.load(Ordering::Acquire) == WAITING {
            queue.has_leader = true;
            self.slot.state.store(LEADING, Ordering::Release);
        }
    }

    /// Stops waiting for now; a lead that came at the last moment goes on to another.
    fn go_away(&self) {
        let mut queue = lock(&self.connection.queue);
        if self.slot.step_aside() {
            self.connection.hand_over(&mut queue);
        }
    }

    /// The outcome of a wait; [`Lost::TimedOut`] where there is none yet.
    pub(crate) fn finish(self) -> Result<Frame, Lost> {
        match lock(&self.slot.answer).take() {
            Some(Ok(frame)) => Ok(frame),
            Some(Err(reason)) => Err(Lost::Failed(reason)),
            None => Err(Lost::TimedOut),
        }
    }
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        let connection = self.connection;
        connection.in_flight_everywhere.fetch_sub(1, Ordering::Relaxed);
        connection.in_flight.fetch_sub(1, Ordering::Relaxed);
        if self.slot.is_done() {
            return;
        }
        let mut queue = lock(&connection.queue);
        queue.waiters.remove(&self.id);
        if self.slot.step_aside() {
            connection.hand_over(&mut queue);
        }
    }
}

impl Slot {
    fn is_done(&self) -> bool {
        self.state.load(Ordering::Acquire) == DONE
    }

    /// Leads no more and cannot be given the lead; whether it had it. For the holder of the queue's lock.
    fn step_aside(&self) -> bool {
        self.away.store(true, Ordering::Relaxed);
        self.state.compare_exchange(LEADING, WAITING, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    fn finish(&self, answer: Result<Frame, Arc<str>>) {
        *lock(&self.answer) = Some(answer);
        self.state.store(DONE, Ordering::Release);
        self.thread.unpark();
    }
}

pub(crate) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// Feeds ciphertext to rustls and plaintext to the decoder.
pub(crate) fn decrypt(
    tls: &mut ClientConnection,
    mut ciphertext: &[u8],
    decoder: &mut FrameDecoder,
) -> Result<(), String> {
    while !ciphertext.is_empty() {
        tls.read_tls(&mut ciphertext).map_err(|error| error.to_string())?;
        let state = tls.process_new_packets().map_err(|error| explained(&error))?;
        let mut reader = tls.reader();
        // Nothing where the record is not whole, or where the peer said goodbye.
        while let Ok(plaintext @ [_, ..]) = reader.fill_buf() {
            decoder.push(plaintext);
            let length = plaintext.len();
            reader.consume(length);
        }
        if state.peer_has_closed() {
            return Err("the HSM closed the connection".into());
        }
    }
    Ok(())
}

fn explained(error: &rustls::Error) -> String {
    match error {
        rustls::Error::AlertReceived(AlertDescription::CertificateRequired) => {
            "the HSM wants a certificate of the client (mutual TLS): configure client_cert_hsm_tls_file and \
             client_key_hsm_tls_file"
                .into()
        }
        rustls::Error::AlertReceived(
            AlertDescription::UnknownCA
            | AlertDescription::BadCertificate
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::DecryptError,
        ) => format!(
            "the HSM does not accept the client's certificate (client_cert_hsm_tls_file): {error}; it must be valid and \
             signed by a trust anchor that is registered in the cluster"
        ),
        _ => error.to_string(),
    }
}

/// Encrypts and sends until the socket is full.
pub(crate) fn send(tls: &mut ClientConnection, stream: &TcpStream, plaintext: &[u8]) -> Result<(), String> {
    use std::io::Write;
    if !plaintext.is_empty() {
        tls.writer().write_all(plaintext).map_err(|error| error.to_string())?;
    }
    while tls.wants_write() {
        match tls.write_tls(&mut &*stream) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(format!("writing failed: {error}")),
        }
    }
    Ok(())
}
