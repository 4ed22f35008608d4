//! A connection in the making: TCP, TLS, HELLO, in steps that never wait.
//!
//! A caller that passes by pushes it one step further, so an HSM that is slow to come back costs nobody a pause.

use std::io::{ErrorKind, Read};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};
use socket2::{Domain, Protocol, Socket, Type};
use strongroom_wire::messages::{EXPORTER_LABEL, EXPORTER_LENGTH, ErrorReply, HelloRequest, HelloResponse};
use strongroom_wire::{FrameDecoder, FrameType, Header, Message, Operation, encode_frame, frame};

use crate::config::Server;
use crate::connection::{Connection, Peer, decrypt, send};
use crate::fork::Registration;
use crate::poll::Interest;

/// How long an address may take to answer to TCP.
const TCP_PATIENCE: Duration = Duration::from_millis(300);
/// How long TLS and HELLO may take after that.
const HANDSHAKE_PATIENCE: Duration = Duration::from_secs(3);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Tcp,
    Tls,
    Hello,
    Attach,
}

pub(crate) struct Connecting {
    stream: TcpStream,
    tls: ClientConnection,
    decoder: FrameDecoder,
    registration: Registration,
    stage: Stage,
    started: Instant,
    hello: Option<HelloResponse>,
    /// The login that is being attached, or was.
    login_id: u64,
}

/// What a connection in the making asks of the pool.
pub(crate) trait Context {
    /// Its side of HELLO.
    fn hello(&self) -> HelloRequest;
    /// Refuses an HSM by its side of HELLO.
    fn check(&self, hello: &HelloResponse) -> Result<(), String>;
    /// The login's id and the body of its attach, if there is a login.
    fn attach(&self, exporter: &[u8; EXPORTER_LENGTH]) -> Option<(u64, Vec<u8>)>;
}

impl std::fmt::Debug for Connecting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connecting").field("stage", &self.stage).finish_non_exhaustive()
    }
}

impl Connecting {
    /// Starts it.
    pub(crate) fn start(server: &Server, config: &Arc<ClientConfig>) -> Result<Self, String> {
        let address = resolve(server)?;
        let stream = connect(address).map_err(|error| error.to_string())?;
        let registration = Registration::new(stream.as_fd());
        // SNI is off and the certificate's names are not looked at: this name only keeps session tickets apart.
        let name: String =
            address.to_string().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        let name = ServerName::try_from(format!("hsm{name}x")).map_err(|error| error.to_string())?;
        let mut tls = ClientConnection::new(Arc::clone(config), name).map_err(|error| error.to_string())?;
        tls.set_buffer_limit(None);
        Ok(Self {
            stream,
            tls,
            decoder: FrameDecoder::new(),
            registration,
            stage: Stage::Tcp,
            started: Instant::now(),
            hello: None,
            login_id: 0,
        })
    }

    /// What to wait for before the next step.
    pub(crate) fn awaits(&self) -> (BorrowedFd<'_>, Interest) {
        let interest = match self.stage {
            Stage::Tcp => Interest::Write,
            _ if self.tls.wants_write() => Interest::Both,
            _ => Interest::Read,
        };
        (self.stream.as_fd(), interest)
    }

    /// Goes as far as it can without waiting; true: finished. A login is attached on the way, so that no call has to
    /// wait for that.
    pub(crate) fn step(&mut self, context: &impl Context) -> Result<bool, String> {
        let patience =
            if self.stage == Stage::Tcp { TCP_PATIENCE } else { TCP_PATIENCE + HANDSHAKE_PATIENCE };
        if self.started.elapsed() > patience {
            return Err(format!("no answer within {} ms", patience.as_millis()));
        }
        if self.stage == Stage::Tcp {
            if let Some(error) = self.stream.take_error().map_err(|error| error.to_string())? {
                return Err(error.to_string());
            }
            match self.stream.peer_addr() {
                Ok(_) => self.stage = Stage::Tls,
                Err(error) if error.kind() == ErrorKind::NotConnected => return Ok(false),
                Err(error) => return Err(error.to_string()),
            }
        }
        send(&mut self.tls, &self.stream, &[])?;
        self.read()?;
        send(&mut self.tls, &self.stream, &[])?;
        if self.stage == Stage::Tls {
            if self.tls.is_handshaking() {
                return Ok(false);
            }
            if self.tls.alpn_protocol() != Some(frame::ALPN) {
                return Err("the server does not speak this protocol: it is not an HSM".into());
            }
            self.request(Operation::Hello, &context.hello().to_bytes())?;
            self.stage = Stage::Hello;
        }
        self.take_answers(context)
    }

    fn request(&mut self, operation: Operation, body: &[u8]) -> Result<(), String> {
        let header = Header {
            frame_type: FrameType::Request,
            operation: operation.code(),
            request_id: u64::from(operation.code()), // below those of the connection
            login_id: 0,
            revision: 0,
            deadline_ms: 3_000,
            trace_id: 0,
        };
        let mut bytes = Vec::new();
        encode_frame(&header, body, &mut bytes).map_err(|error| error.to_string())?;
        send(&mut self.tls, &self.stream, &bytes)?;
        self.read()
    }

    fn take_answers(&mut self, context: &impl Context) -> Result<bool, String> {
        while let Some(answer) = self.decoder.next_frame().map_err(|error| error.to_string())? {
            let is_error = answer.header.frame_type == FrameType::Error;
            match (self.stage, answer.header.request_id) {
                (Stage::Hello, id) if id == u64::from(Operation::Hello.code()) => {
                    if is_error {
                        let reply =
                            ErrorReply::from_bytes(&answer.body).map_err(|error| error.to_string())?;
                        return Err(format!("the HSM refused HELLO: {}", reply.text));
                    }
                    let hello = HelloResponse::from_bytes(&answer.body).map_err(|error| error.to_string())?;
                    if hello.version != 1 {
                        return Err(format!(
                            "the HSM chose protocol version {}, which was not offered",
                            hello.version
                        ));
                    }
                    context.check(&hello)?;
                    self.hello = Some(hello);
                    let Some((login_id, body)) = context.attach(&self.exporter()?) else { return Ok(true) };
                    self.login_id = login_id;
                    self.stage = Stage::Attach;
                    self.request(Operation::Attach, &body)?;
                }
                (Stage::Attach, id) if id == u64::from(Operation::Attach.code()) => {
                    if is_error {
                        // The next call attaches again, and is told what is wrong with the login.
                        self.login_id = 0;
                    }
                    return Ok(true);
                }
                // A notice this early tells nothing that HELLO does not.
                _ => {}
            }
        }
        Ok(false)
    }

    fn exporter(&self) -> Result<[u8; EXPORTER_LENGTH], String> {
        self.tls
            .export_keying_material([0; EXPORTER_LENGTH], EXPORTER_LABEL, None)
            .map_err(|error| error.to_string())
    }

    /// The connection with the HSM's HELLO, once [`Connecting::step`] has said that it is finished.
    pub(crate) fn finish(
        self,
        in_flight: Arc<AtomicUsize>,
        spin: Duration,
    ) -> Result<(Connection, HelloResponse), String> {
        let exporter = self.exporter()?;
        let hello = self.hello.ok_or("the HSM has not said HELLO")?;
        let peer = Peer { hsm_id: hello.hsm_id.as_str().into(), exporter };
        let connection =
            Connection::new(self.stream, self.tls, self.decoder, peer, self.registration, in_flight, spin);
        connection.attached.store(self.login_id, Ordering::Release);
        Ok((connection, hello))
    }

    fn read(&mut self) -> Result<(), String> {
        let mut buffer = [0; 16 * 1024];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => return Err("the HSM closed the connection while it was being set up".into()),
                Ok(length) => {
                    let outcome = decrypt(&mut self.tls, &buffer[..length], &mut self.decoder);
                    if outcome.is_err() {
                        // The alert tells the HSM why; the connection ends either way.
                        let _ = send(&mut self.tls, &self.stream, &[]);
                    }
                    outcome?;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.to_string()),
            }
        }
    }
}

fn resolve(server: &Server) -> Result<SocketAddr, String> {
    (server.hostname.as_str(), server.port)
        .to_socket_addrs()
        .map_err(|error| error.to_string())?
        .next()
        .ok_or_else(|| "the name has no address".to_owned())
}

/// A TCP connection that may still be under way.
fn connect(address: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    socket.set_tcp_nodelay(true)?;
    match socket.connect(&address.into()) {
        Ok(()) => {}
        Err(error) if error.raw_os_error() == Some(libc::EINPROGRESS) => {}
        Err(error) => return Err(error),
    }
    Ok(socket.into())
}
