//! The open port: accepts connections and hands them to the workers.

use std::collections::VecDeque;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use parking_lot::RwLock;
use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use rustix::net::sockopt;
use rustls::ServerConfig;

use crate::client_trust::ClientVerifier;
use crate::connection::{Connection, Limits};
use crate::shared::Shared;

/// A connection whose peer is gone is noticed after this time, so that its logins' session objects are.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(30);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
const KEEPALIVE_PROBES: u32 = 3;
/// After a failed accept (no descriptor is free, mostly) the listener rests.
const REST: Duration = Duration::from_millis(50);

/// An open port.
#[derive(Debug)]
pub(crate) struct Listener {
    socket: TcpListener,
    stop: OwnedFd,
    door: RwLock<Door>,
}

/// How a connection is let in.
#[derive(Clone, Debug)]
pub(crate) struct Door {
    pub(crate) config: Arc<ServerConfig>,
    pub(crate) clients: Arc<ClientVerifier>,
}

impl Listener {
    pub(crate) fn bind(address: &str, port: u16, door: Door) -> std::io::Result<Self> {
        let socket = TcpListener::bind((address, port))?;
        socket.set_nonblocking(true)?;
        let stop = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Self { socket, stop, door: RwLock::new(door) })
    }

    pub(crate) fn port(&self) -> std::io::Result<u16> {
        Ok(self.socket.local_addr()?.port())
    }

    /// Lets connections that come from now on in by other rules.
    pub(crate) fn set_door(&self, door: Door) {
        *self.door.write() = door;
    }

    /// Makes [`Listener::run`] return.
    pub(crate) fn stop(&self) {
        let _ = rustix::io::write(&self.stop, &1_u64.to_ne_bytes()); // an eventfd takes this write
    }

    /// Accepts until the HSM drains.
    pub(crate) fn run(&self, shared: &Arc<Shared>) {
        let mut next_id = 1;
        let mut newcomers = Newcomers::default();
        loop {
            let mut waits =
                [PollFd::new(&self.socket, PollFlags::IN), PollFd::new(&self.stop, PollFlags::IN)];
            // Interrupted by a signal: accept says that there is nothing.
            let _ = poll(&mut waits, None);
            if shared.draining.load(Ordering::Acquire) {
                return;
            }
            match self.socket.accept() {
                Ok((socket, peer)) => {
                    self.take(shared, &mut newcomers, next_id, socket, peer);
                    next_id += 1;
                }
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(_) => std::thread::sleep(REST),
            }
        }
    }

    fn take(
        &self,
        shared: &Arc<Shared>,
        newcomers: &mut Newcomers,
        id: u64,
        socket: TcpStream,
        peer: SocketAddr,
    ) {
        let statistics = &shared.statistics;
        if !newcomers.make_room(shared) || prepare(&socket).is_err() {
            statistics.connections_refused.add(1);
            return;
        }
        let limits = Limits::from(&shared.settings);
        let door = self.door.read().clone();
        let Ok(connection) = Connection::new(id, socket, peer, door, limits) else {
            statistics.connections_refused.add(1);
            return;
        };
        statistics.connections_accepted.add(1);
        let connection = Arc::new(connection);
        shared.connections.write().insert(id, Arc::clone(&connection));
        newcomers.add(shared, id);
        if shared.workers.watch(id, &connection.socket).is_err() {
            shared.drop_connection(&connection);
        }
    }
}

/// Connections in the order in which they came, less some of those that got a login or ended: whoever holds connections
/// without logging in makes room for others.
#[derive(Debug, Default)]
struct Newcomers(VecDeque<u64>);

impl Newcomers {
    fn add(&mut self, shared: &Shared, id: u64) {
        if self.0.len() >= 2 * shared.settings.max_connections {
            let connections = shared.connections.read();
            self.0.retain(|id| connections.get(id).is_some_and(|connection| !connection.has_login()));
        }
        self.0.push_back(id);
    }

    /// Whether there is room for a connection; closes the oldest one without a login for it where that is needed.
    fn make_room(&mut self, shared: &Shared) -> bool {
        if shared.connections.read().len() < shared.settings.max_connections {
            return true;
        }
        while let Some(id) = self.0.pop_front() {
            let connection = shared.connections.read().get(&id).cloned();
            if let Some(connection) = connection.filter(|connection| !connection.has_login()) {
                shared.statistics.connections_displaced.add(1);
                shared.drop_connection(&connection);
                return true;
            }
        }
        false
    }
}

fn prepare(socket: &TcpStream) -> std::io::Result<()> {
    socket.set_nonblocking(true)?;
    socket.set_nodelay(true)?;
    sockopt::set_socket_keepalive(socket, true)?;
    sockopt::set_tcp_keepidle(socket, KEEPALIVE_IDLE)?;
    sockopt::set_tcp_keepintvl(socket, KEEPALIVE_INTERVAL)?;
    sockopt::set_tcp_keepcnt(socket, KEEPALIVE_PROBES)?;
    Ok(())
}
