//! What happens by the clock: overdue connections are cut and idle ones give memory back, parked requests end, refused
//! logins are answered, lapsed logins lose their session objects, streams of keys that may not be used any more end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use crate::refusal::Refusal;
use crate::shared::Shared;

/// How often parked requests and held refusals are looked at.
const SHORT_TICK: Duration = Duration::from_millis(20);
/// How often everything else is looked at, unless a shorter time is set.
const TICK: Duration = Duration::from_millis(500);

/// Ended logins kept for the brain to ask for.
const MAX_ENDED: usize = 10_000;

/// The clock's thread, and how to end it.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    stopping: Mutex<bool>,
    wake: Condvar,
}

impl Clock {
    pub(crate) fn stop(&self) {
        *self.stopping.lock() = true;
        self.wake.notify_all();
    }

    pub(crate) fn run(&self, shared: &Arc<Shared>) {
        let settings = &shared.settings;
        let shortest = [
            settings.handshake_timeout,
            settings.frame_timeout,
            settings.output_timeout,
            settings.login_linger,
        ];
        let tick = shortest.into_iter().map(|time| time / 4).fold(TICK, Duration::min).max(SHORT_TICK);
        let mut next = Instant::now() + tick;
        let mut stopping = self.stopping.lock();
        while !*stopping {
            let soon = Instant::now() + SHORT_TICK;
            let somebody_waits = shared.parking.len() > 0 || shared.attempts.holds();
            let until = if somebody_waits { soon.min(next) } else { next };
            self.wake.wait_until(&mut stopping, until);
            let now = Instant::now();
            let expired = shared.parking.expired(now);
            shared.refuse_all(expired, &Refusal::behind());
            shared.refuse_due(Some(now));
            if now >= next {
                shared.tickets.look();
                look_after_connections(shared);
                end_lapsed(shared, now);
                look_after_streams(shared);
                next = now + tick;
            }
        }
    }
}

fn look_after_connections(shared: &Shared) {
    let connections: Vec<_> = shared.connections.read().values().cloned().collect();
    for connection in connections {
        if connection.is_closed() {
            shared.drop_connection(&connection);
        } else if connection.overdue(&shared.settings).is_some() {
            shared.statistics.connections_cut.add(1);
            shared.drop_connection(&connection);
        } else {
            connection.give_back_room();
            if connection.is_paused() {
                shared.workers.resume(&connection);
            }
        }
    }
}

/// Ends the streams that a step would be refused to, so that no more is left of a key that was destroyed.
fn look_after_streams(shared: &Shared) {
    if shared.streams.open() == 0 {
        return;
    }
    for login in shared.logins.all() {
        let objects = &shared.boundary.objects;
        login
            .streams
            .end_those(|stream| objects.check_stream(&login.caller, stream).err().map(Refusal::from));
    }
}

fn end_lapsed(shared: &Shared, now: Instant) {
    for login_id in shared.logins.take_lapsed(now, shared.settings.login_linger) {
        let objects = &shared.boundary.objects;
        let before = objects.session_object_count();
        objects.remove_session_objects(login_id);
        let mut ended = shared.ended_logins.lock();
        if objects.session_object_count() < before && ended.len() < MAX_ENDED {
            ended.push(login_id);
        }
    }
}
