//! The threads of the data plane and what they take their work from.
//!
//! *Workers* read connections and do short work. At most one of them is the poller: it looks at the epoll set, spins
//! there for a moment when there is nothing, and then sleeps in it; the others sleep on the queue. Whoever finds events
//! gives the poller's place up, takes the first connection and leaves the rest to the queue, so a second thread is woken
//! only when there is work for two. *Long workers* do what would keep short work waiting: RSA private keys, searches, long
//! data. *Handshake workers* read connections until their handshake is over: that costs an RSA signature, and anybody may
//! ask for it, so the scheduler prefers all others.

use std::collections::VecDeque;
use std::mem::MaybeUninit;
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::event::{EventfdFlags, Timespec, eventfd};
use strongroom_wiping::scrub;

use crate::connection::{Connection, Turn};
use crate::dispatch;
use crate::request::Request;
use crate::shared::Shared;

/// The waker's number in the epoll set; connections have numbers from 1 on.
const WAKER: u64 = 0;
/// Events taken at once.
const EVENTS: usize = 64;
/// The buffer that a worker reads into: four full TLS records.
const READ_BUFFER: usize = 64 * 1024 + 512;

/// How long a long worker holds an answer back while much else waits: sending several at once, and their callers' next
/// requests coming in at once, costs about half of what one by one does.
const HOLD: Duration = Duration::from_millis(3);

/// Something to do.
#[derive(Debug)]
pub(crate) enum Work {
    /// Read a connection that the pusher has claimed.
    Read(Arc<Connection>),
    /// Look at a request from the start.
    Route(Request),
    /// Compute the answer of a request that was looked at.
    Compute(Request),
}

/// A queue with sleepers.
#[derive(Debug, Default)]
struct Queue {
    work: Mutex<VecDeque<Work>>,
    length: AtomicUsize,
    sleepers: AtomicUsize,
    wake: Condvar,
}

impl Queue {
    fn push(&self, work: Work) {
        let mut queue = self.work.lock();
        queue.push_back(work);
        self.length.store(queue.len(), Ordering::SeqCst);
    }

    fn pop(&self) -> Option<Work> {
        if self.length.load(Ordering::SeqCst) == 0 {
            return None;
        }
        let mut queue = self.work.lock();
        let work = queue.pop_front();
        self.length.store(queue.len(), Ordering::SeqCst);
        work
    }

    fn len(&self) -> usize {
        self.length.load(Ordering::SeqCst)
    }

    /// Wakes one sleeper, if there is one.
    fn wake_one(&self) -> bool {
        self.sleepers.load(Ordering::SeqCst) > 0 && self.wake.notify_one()
    }

    /// Sleeps until there is work, or until someone wakes it for another reason.
    fn sleep(&self, stopping: &AtomicBool) {
        let mut queue = self.work.lock();
        self.sleepers.fetch_add(1, Ordering::SeqCst);
        if queue.is_empty() && !stopping.load(Ordering::SeqCst) {
            self.wake.wait(&mut queue);
        }
        self.sleepers.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Queues, the epoll set, and the poller's place.
#[derive(Debug)]
pub(crate) struct Workers {
    epoll: OwnedFd,
    waker: OwnedFd,
    short: Queue,
    long: Queue,
    handshakes: Queue,
    /// Long workers that compute.
    long_in_work: AtomicUsize,
    poller: Mutex<()>,
    poller_sleeps: AtomicBool,
    stopping: AtomicBool,
    spin: Duration,
}

impl Workers {
    pub(crate) fn new(spin: Duration) -> std::io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let waker = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        epoll::add(&epoll, &waker, EventData::new_u64(WAKER), EventFlags::IN | EventFlags::ET)?;
        Ok(Self {
            epoll,
            waker,
            short: Queue::default(),
            long: Queue::default(),
            handshakes: Queue::default(),
            long_in_work: AtomicUsize::new(0),
            poller: Mutex::new(()),
            poller_sleeps: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
            spin,
        })
    }

    /// Watches a connection's socket from now on.
    pub(crate) fn watch(&self, id: u64, socket: &TcpStream) -> std::io::Result<()> {
        let flags = EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP | EventFlags::ET;
        Ok(epoll::add(&self.epoll, socket, EventData::new_u64(id), flags)?)
    }

    /// Queues short work and wakes someone for it.
    pub(crate) fn push_short(&self, work: Work) {
        self.short.push(work);
        self.wake_worker();
    }

    /// Queues short work for the workers that are awake.
    fn push_surplus(&self, work: Work) {
        self.short.push(work);
    }

    /// Queues long work.
    pub(crate) fn push_long(&self, work: Work) {
        self.long.push(work);
        self.long.wake_one();
    }

    fn push_handshake(&self, work: Work) {
        self.handshakes.push(work);
        self.handshakes.wake_one();
    }

    /// What waits for workers, for long workers and for handshake workers.
    pub(crate) fn waiting(&self) -> [usize; 3] {
        [self.short.len(), self.long.len(), self.handshakes.len()]
    }

    /// Reads a paused connection again, if it may go on.
    pub(crate) fn resume(&self, connection: &Arc<Connection>) {
        if connection.unpause() {
            self.push_short(Work::Read(Arc::clone(connection)));
        }
    }

    fn wake_worker(&self) {
        if !self.short.wake_one() && self.poller_sleeps.load(Ordering::SeqCst) {
            // The counter of the eventfd is never read; it would take 2^64 wake-ups to fill it.
            let _ = rustix::io::write(&self.waker, &1_u64.to_ne_bytes());
        }
    }

    /// Makes all threads end once their queues are empty.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        let _ = rustix::io::write(&self.waker, &1_u64.to_ne_bytes());
        for queue in [&self.short, &self.long, &self.handshakes] {
            let _guard = queue.work.lock();
            queue.wake.notify_all();
        }
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    /// The poller's work: events, or none when something else is to be done. Spins, then sleeps.
    fn poll(&self, events: &mut Vec<(u64, EventFlags)>) {
        let began = Instant::now();
        loop {
            self.collect(events, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }));
            if !events.is_empty() || self.short.len() > 0 || self.is_stopping() {
                return;
            }
            // Long work needs the cores more than a short wait does.
            if began.elapsed() >= self.spin || self.long_in_work.load(Ordering::Relaxed) > 0 {
                break;
            }
            std::thread::yield_now();
        }
        self.poller_sleeps.store(true, Ordering::SeqCst);
        if self.short.len() == 0 && !self.is_stopping() {
            self.collect(events, None);
        }
        self.poller_sleeps.store(false, Ordering::SeqCst);
    }

    fn collect(&self, events: &mut Vec<(u64, EventFlags)>, timeout: Option<&Timespec>) {
        let mut buffer = [MaybeUninit::<epoll::Event>::uninit(); EVENTS];
        // Interrupted by a signal: the caller looks again.
        if let Ok((ready, _)) = epoll::wait(&self.epoll, &mut buffer, timeout) {
            events.extend(ready.iter().map(|event| (event.data.u64(), event.flags)));
        }
    }
}

/// What a thread keeps between two pieces of work.
pub(crate) struct Desk {
    buffer: Vec<u8>,
    short: Vec<Request>,
    unflushed: Option<Unflushed>,
    answers_per_write: usize,
}

/// A connection with answers that are not flushed yet.
struct Unflushed {
    connection: Arc<Connection>,
    answers: usize,
}

impl Desk {
    fn new(shared: &Shared) -> Self {
        Self {
            buffer: vec![0; READ_BUFFER],
            short: Vec::new(),
            unflushed: None,
            answers_per_write: shared.settings.answers_per_write,
        }
    }

    /// An answer was queued on this connection.
    pub(crate) fn answered(&mut self, connection: &Arc<Connection>) {
        match &mut self.unflushed {
            Some(unflushed) if Arc::ptr_eq(&unflushed.connection, connection) => unflushed.answers += 1,
            _ => {
                self.flush();
                let connection = Arc::clone(connection);
                self.unflushed = Some(Unflushed { connection, answers: 1 });
            }
        }
        if self.unflushed.as_ref().is_some_and(|unflushed| unflushed.answers >= self.answers_per_write) {
            self.flush();
        }
    }

    fn flush(&mut self) {
        if let Some(unflushed) = self.unflushed.take() {
            unflushed.connection.flush();
        }
    }

    /// Flushes what has been held back for long; whoever flushes a connection sends what others held back with it.
    fn flush_overdue(&mut self) {
        let Some(unflushed) = &self.unflushed else { return };
        let since = unflushed.connection.output.lock().pending_since();
        match since {
            None => self.unflushed = None,
            Some(since) if since.elapsed() >= HOLD => self.flush(),
            Some(_) => {}
        }
    }
}

/// A worker: reads connections and does short work until the HSM stops.
pub(crate) fn run_worker(shared: &Arc<Shared>) {
    let workers = &shared.workers;
    let mut desk = Desk::new(shared);
    let mut events = Vec::new();
    loop {
        while let Some(work) = workers.short.pop() {
            perform(shared, &mut desk, work);
        }
        desk.flush();
        scrub(); // parts of keys: the answers are out, so nobody waits for this
        if workers.is_stopping() {
            return;
        }
        if let Some(place) = workers.poller.try_lock() {
            workers.poll(&mut events);
            drop(place);
            take_events(shared, &mut desk, &mut events);
        } else {
            workers.short.sleep(&workers.stopping);
        }
    }
}

/// A long worker.
pub(crate) fn run_long_worker(shared: &Arc<Shared>) {
    let workers = &shared.workers;
    let mut desk = Desk::new(shared);
    loop {
        while let Some(work) = workers.long.pop() {
            workers.long_in_work.fetch_add(1, Ordering::Relaxed);
            perform(shared, &mut desk, work);
            // Twice the workers: while the answers' callers make their next requests, nobody runs out of work.
            if workers.long.len() >= 2 * shared.settings.long_workers {
                desk.flush_overdue();
            } else {
                desk.flush();
            }
            workers.long_in_work.fetch_sub(1, Ordering::Relaxed);
        }
        desk.flush();
        scrub();
        if workers.is_stopping() {
            return;
        }
        workers.long.sleep(&workers.stopping);
    }
}

/// A handshake worker.
pub(crate) fn run_handshake_worker(shared: &Arc<Shared>) {
    crate::priority::lower();
    let workers = &shared.workers;
    let mut desk = Desk::new(shared);
    loop {
        while let Some(work) = workers.handshakes.pop() {
            perform(shared, &mut desk, work);
            desk.flush();
        }
        scrub();
        if workers.is_stopping() {
            return;
        }
        workers.handshakes.sleep(&workers.stopping);
    }
}

/// Claims the connections that events are for; does the first itself and leaves the rest to the queue.
fn take_events(shared: &Arc<Shared>, desk: &mut Desk, events: &mut Vec<(u64, EventFlags)>) {
    let mut first = None;
    let mut surplus = 0;
    for (id, flags) in events.drain(..).filter(|(id, _)| *id != WAKER) {
        let Some(connection) = shared.connections.read().get(&id).cloned() else { continue };
        if flags.contains(EventFlags::OUT) && connection.output.lock().queued() > 0 {
            connection.flush();
            if connection.is_paused() {
                shared.workers.resume(&connection);
            }
        }
        let hung_up = flags.intersects(EventFlags::RDHUP | EventFlags::HUP | EventFlags::ERR);
        if !(hung_up || flags.contains(EventFlags::IN)) || !connection.claim(hung_up) {
            continue;
        }
        if !connection.is_handshaken() {
            shared.workers.push_handshake(Work::Read(connection));
        } else if first.is_none() {
            first = Some(connection);
        } else {
            shared.workers.push_surplus(Work::Read(connection));
            surplus += 1;
        }
    }
    for _ in 0..surplus {
        if !shared.workers.short.wake_one() {
            break;
        }
    }
    if let Some(connection) = first {
        perform(shared, desk, Work::Read(connection));
    }
}

/// Does a piece of work. A panic in it costs that request alone, which is answered as it is dropped; a panic while
/// reading costs the connection. In a frame of its own, so that what it leaves on the stack is wiped.
#[inline(never)]
fn perform(shared: &Arc<Shared>, desk: &mut Desk, work: Work) {
    let read_connection =
        if let Work::Read(connection) = &work { Some(Arc::clone(connection)) } else { None };
    let outcome = std::panic::catch_unwind(AssertUnwindSafe(|| match work {
        Work::Read(connection) => read(shared, desk, &connection),
        Work::Route(request) => route(shared, desk, request),
        Work::Compute(request) => compute(desk, request),
    }));
    if outcome.is_err() {
        shared.statistics.panics.add(1);
        if let Some(connection) = read_connection {
            shared.drop_connection(&connection);
        }
    }
}

/// Routes a request; computes its answer here when it is short.
fn route(shared: &Arc<Shared>, desk: &mut Desk, request: Request) {
    if let Some(request) = dispatch::route(shared, desk, request) {
        compute(desk, request);
    }
}

fn compute(desk: &mut Desk, request: Request) {
    let connection = Arc::clone(&request.connection);
    dispatch::compute(request);
    desk.answered(&connection);
}

/// One turn of reading a claimed connection; then the first short request is done here, the surplus goes to the queue.
fn read(shared: &Arc<Shared>, desk: &mut Desk, connection: &Arc<Connection>) {
    if connection.pause() {
        return;
    }
    let was_handshaken = connection.is_handshaken();
    let mut short = std::mem::take(&mut desk.short);
    // What an overload left from an earlier turn comes first.
    let mut turn = take_frames(shared, desk, connection, &mut short);
    if turn == Turn::Drained {
        turn = connection.receive(&mut desk.buffer);
        let taken = take_frames(shared, desk, connection, &mut short);
        turn = if turn == Turn::Over { turn } else { taken.or(turn) };
    }
    let has_ended = turn == Turn::Over
        || connection.is_closed()
        || (!was_handshaken && !dispatch::handshake_is_right(shared, connection));
    if has_ended {
        shared.drop_connection(connection);
    } else if !connection.pause() && (turn == Turn::More || !connection.release()) {
        shared.workers.push_short(Work::Read(Arc::clone(connection)));
    }
    let mut requests = short.drain(..);
    let first = requests.next();
    let surplus = requests.len();
    for request in requests {
        shared.workers.push_surplus(Work::Compute(request));
    }
    desk.short = short;
    if surplus >= shared.settings.help_from {
        shared.workers.wake_worker();
    }
    if let Some(request) = first {
        compute(desk, request);
    }
}

/// Takes the frames that were read into work until there is none or too much is in work.
fn take_frames(
    shared: &Arc<Shared>,
    desk: &mut Desk,
    connection: &Arc<Connection>,
    short: &mut Vec<Request>,
) -> Turn {
    while !connection.is_overloaded() {
        match connection.next_frame() {
            Ok(Some(frame)) => {
                let admitted = dispatch::admit(shared, connection, frame);
                short.extend(admitted.and_then(|request| dispatch::route(shared, desk, request)));
            }
            Ok(None) => return Turn::Drained,
            Err(_) => {
                shared.statistics.frames_refused.add(1);
                return Turn::Over;
            }
        }
    }
    Turn::More
}
