//! The open port: accepts connections and hands them to the workers.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use rustix::net::sockopt;
use rustls::ServerConfig;

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
    config: Arc<ServerConfig>,
}

impl Listener {
    pub(crate) fn bind(address: &str, port: u16, config: Arc<ServerConfig>) -> std::io::Result<Self> {
        let socket = TcpListener::bind((address, port))?;
        socket.set_nonblocking(true)?;
        let stop = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Self { socket, stop, config })
    }

    pub(crate) fn port(&self) -> std::io::Result<u16> {
        Ok(self.socket.local_addr()?.port())
    }

    /// Makes [`Listener::run`] return.
    pub(crate) fn stop(&self) {
        let _ = rustix::io::write(&self.stop, &1_u64.to_ne_bytes()); // an eventfd takes this write
    }

    /// Accepts until the HSM drains.
    pub(crate) fn run(&self, shared: &Arc<Shared>) {
        let mut next_id = 1;
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
                    self.take(shared, next_id, socket, peer);
                    next_id += 1;
                }
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(_) => std::thread::sleep(REST),
            }
        }
    }

    fn take(&self, shared: &Arc<Shared>, id: u64, socket: TcpStream, peer: SocketAddr) {
        let statistics = &shared.statistics;
        if shared.connections.read().len() >= shared.settings.max_connections || prepare(&socket).is_err() {
            statistics.connections_refused.add(1);
            return;
        }
        let limits = Limits::from(&shared.settings);
        let Ok(connection) = Connection::new(id, socket, peer, Arc::clone(&self.config), limits) else {
            statistics.connections_refused.add(1);
            return;
        };
        statistics.connections_accepted.add(1);
        let connection = Arc::new(connection);
        shared.connections.write().insert(id, Arc::clone(&connection));
        if shared.workers.watch(id, &connection.socket).is_err() {
            shared.drop_connection(&connection);
        }
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
