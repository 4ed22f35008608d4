//! The streams of a login: operations under way over data that comes in parts (ADR 0126).
//!
//! A stream belongs to the login and the connection that opened it and ends with either. While a request works on a stream
//! it is not in the table, so that no lock is held meanwhile; a second request finds it in work and is refused. Whatever
//! refuses a step ends the stream.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use parking_lot::Mutex;
use strongroom_boundary::Stream;
use strongroom_wire::Rv;

use crate::connection::Connection;
use crate::logins::Login;
use crate::refusal::Refusal;

/// The streams of one login.
#[derive(Debug, Default)]
pub(crate) struct Streams(Mutex<HashMap<u64, Entry>>);

#[derive(Debug)]
struct Entry {
    connection: u64,
    state: State,
    /// None when nothing is left of it but the reason.
    place: Option<Place>,
}

#[derive(Debug)]
enum State {
    /// It waits for its next step.
    Idle(Stream),
    /// A request works on it.
    InWork,
    /// It ended by itself, for this reason, which its next step is told.
    Over(Refusal),
}

/// How many streams an HSM has, and their numbers.
#[derive(Debug, Default)]
pub(crate) struct StreamCount {
    open: AtomicUsize,
    numbers: AtomicU64,
}

/// A stream's place among those of the HSM.
#[derive(Debug)]
struct Place(Arc<StreamCount>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

impl StreamCount {
    pub(crate) fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    fn take_place(self: &Arc<Self>, most: usize) -> Option<Place> {
        let below = |open| (open < most).then_some(open + 1);
        self.open.fetch_update(Ordering::Relaxed, Ordering::Relaxed, below).ok()?;
        Some(Place(Arc::clone(self)))
    }
}

/// The most streams of a login and of the HSM.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MostStreams {
    pub(crate) of_login: usize,
    pub(crate) of_hsm: usize,
}

/// A stream that a request works on. Dropped before [`Working::give_back`] it is over.
#[derive(Debug)]
pub(crate) struct Working<'a> {
    streams: &'a Streams,
    number: u64,
    goes_on: Option<Stream>,
}

impl Streams {
    /// Keeps a new stream; gives its number.
    ///
    /// # Errors
    /// There are too many, or login or connection have ended meanwhile.
    pub(crate) fn keep(
        &self,
        login: &Login,
        connection: &Connection,
        stream: Stream,
        count: &Arc<StreamCount>,
        most: MostStreams,
    ) -> Result<u64, Refusal> {
        let number = count.numbers.fetch_add(1, Ordering::Relaxed) + 1;
        let mut table = self.0.lock();
        // Whoever ends a login or a connection says so before it ends the streams.
        if login.is_ended() || connection.is_closed() {
            return Err(Refusal::not_logged_in());
        }
        if table.len() >= most.of_login {
            let text =
                format!("The login has {} operations over long data under way; end some.", table.len());
            return Err(Refusal::of_request(Rv::OPERATION_ACTIVE, text));
        }
        let Some(place) = count.take_place(most.of_hsm) else {
            let text = "The HSM has too many operations over long data under way; try again later.";
            return Err(Refusal::of_hsm(Rv::DEVICE_MEMORY, text));
        };
        table.insert(
            number,
            Entry { connection: connection.id, state: State::Idle(stream), place: Some(place) },
        );
        Ok(number)
    }

    /// Takes a stream out for a step.
    ///
    /// # Errors
    /// It is not there, ended by itself, or another request works on it.
    pub(crate) fn take(
        &self,
        number: u64,
        connection: &Connection,
    ) -> Result<(Stream, Working<'_>), Refusal> {
        let mut table = self.0.lock();
        let entry = table.get_mut(&number).filter(|entry| entry.connection == connection.id);
        let Some(entry) = entry else {
            let text = "There is no such stream on this connection; begin the operation again.";
            return Err(Refusal::of_request(Rv::OPERATION_NOT_INITIALIZED, text));
        };
        match std::mem::replace(&mut entry.state, State::InWork) {
            State::Idle(stream) => Ok((stream, Working { streams: self, number, goes_on: None })),
            State::InWork => {
                let text = "Another request works on this stream.";
                Err(Refusal::of_request(Rv::OPERATION_ACTIVE, text))
            }
            State::Over(refusal) => {
                table.remove(&number);
                Err(refusal)
            }
        }
    }

    /// Ends a stream of this connection.
    pub(crate) fn end(&self, number: u64, connection: &Connection) {
        let mut table = self.0.lock();
        let is_its = table.get(&number).is_some_and(|entry| entry.connection == connection.id);
        let ended = if is_its { table.remove(&number) } else { None };
        drop(table);
        drop(ended); // wiping needs no lock
    }

    /// Ends all of a connection.
    pub(crate) fn end_of(&self, connection: u64) {
        let ended: Vec<_> = self.0.lock().extract_if(|_, entry| entry.connection == connection).collect();
        drop(ended);
    }

    /// Ends all.
    pub(crate) fn end_all(&self) {
        let ended = std::mem::take(&mut *self.0.lock());
        drop(ended);
    }

    /// Ends those that may not go on, such as those of a key that was destroyed.
    pub(crate) fn end_those(&self, why: impl Fn(&Stream) -> Option<Refusal>) {
        for entry in self.0.lock().values_mut() {
            if let State::Idle(stream) = &entry.state
                && let Some(refusal) = why(stream)
            {
                entry.state = State::Over(refusal);
                entry.place = None;
            }
        }
    }
}

impl Working<'_> {
    /// The stream waits for its next step.
    pub(crate) fn give_back(mut self, stream: Stream) {
        self.goes_on = Some(stream);
    }
}

impl Drop for Working<'_> {
    fn drop(&mut self) {
        let mut table = self.streams.0.lock();
        match self.goes_on.take() {
            None => drop(table.remove(&self.number)),
            Some(stream) => {
                // Gone when its login or connection ended meanwhile.
                if let Some(entry) = table.get_mut(&self.number) {
                    entry.state = State::Idle(stream);
                }
            }
        }
    }
}
