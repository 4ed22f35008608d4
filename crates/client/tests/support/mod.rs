//! A small HSM look-alike for tests: real TLS, real frames, and a closure for the operations.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used)]

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ServerConfig, ServerConnection};
use strongroom_client::{ClusterConfig, Server};
use strongroom_wire::codec::List;
use strongroom_wire::messages::{
    AttachRequest, EXPORTER_LABEL, Empty, ErrorReply, HelloResponse, LoginRequest, LoginResponse, Member,
    TicketResponse, attach_message,
};
use strongroom_wire::{
    Frame, FrameDecoder, FrameType, Header, Message, Operation, RetryClass, Rv, encode_frame, frame,
};

pub const CLUSTER: &str = "cluster-abcdefghijk";

/// A customer CA made for one test.
pub struct Authority {
    pub pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, "Test customer CA");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    /// A certificate for a cluster, valid for the given years.
    pub fn issue(&self, cluster_id: &str, years: (i32, i32)) -> Identity {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::OrganizationalUnitName, cluster_id);
        params.not_before = rcgen::date_time_ymd(years.0, 1, 1);
        params.not_after = rcgen::date_time_ymd(years.1, 1, 1);
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Identity { certificate: certificate.der().to_vec(), key: key.serialize_der() }
    }
}

/// What a server shows.
#[derive(Clone)]
pub struct Identity {
    pub certificate: Vec<u8>,
    pub key: Vec<u8>,
}

/// An answer: a body, or an error.
pub type Answer = Result<Vec<u8>, (Rv, RetryClass)>;
pub type Handler = dyn Fn(Operation, &Header, &[u8]) -> Answer + Send + Sync;

/// What all HSMs of a test cluster share.
pub struct Shared {
    pub handler: Box<Handler>,
    pub revision: Arc<AtomicU64>,
    pub members: Mutex<Vec<Member>>,
    /// Client keys by login id.
    pub logins: Mutex<HashMap<u64, Vec<u8>>>,
    pub password: String,
    pub ticket_seconds: AtomicU64,
}

impl Shared {
    pub fn new(handler: impl Fn(Operation, &Header, &[u8]) -> Answer + Send + Sync + 'static) -> Arc<Self> {
        Self::with_revision(Arc::new(AtomicU64::new(1)), handler)
    }

    /// With a revision that the handler counts up.
    pub fn with_revision(
        revision: Arc<AtomicU64>,
        handler: impl Fn(Operation, &Header, &[u8]) -> Answer + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            handler: Box::new(handler),
            revision,
            members: Mutex::new(Vec::new()),
            logins: Mutex::new(HashMap::new()),
            password: "correct horse".into(),
            ticket_seconds: AtomicU64::new(600),
        })
    }
}

/// One HSM.
pub struct TestHsm {
    pub hsm_id: String,
    pub address: SocketAddr,
    pub calls: Arc<AtomicU64>,
    pub operations: Arc<Mutex<HashMap<u16, u64>>>,
    /// Takes bytes and answers nothing while true.
    pub hung: Arc<AtomicBool>,
    /// Sends every call, and every login to attach, to another HSM while true.
    pub refuses: Arc<AtomicBool>,
    stopped: Arc<AtomicBool>,
    connections: Arc<Mutex<Vec<TcpStream>>>,
    shared: Arc<Shared>,
}

impl TestHsm {
    pub fn start(hsm_id: &str, identity: &Identity, shared: &Arc<Shared>) -> Self {
        Self::start_at(hsm_id, identity, shared, "127.0.0.1:0".parse().unwrap())
    }

    pub fn start_at(hsm_id: &str, identity: &Identity, shared: &Arc<Shared>, address: SocketAddr) -> Self {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let chain = vec![CertificateDer::from(identity.certificate.clone())];
        let key = PrivateKeyDer::try_from(identity.key.clone()).unwrap();
        // Not with_single_cert: that refuses version 1 certificates.
        let key = provider.key_provider.load_private_key(key).unwrap();
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(CertifiedKey::new(chain, key))));
        config.alpn_protocols = vec![frame::ALPN.to_vec()];
        let config = Arc::new(config);
        let listener = bind(address);
        let hsm = Self {
            hsm_id: hsm_id.into(),
            address: listener.local_addr().unwrap(),
            calls: Arc::default(),
            operations: Arc::default(),
            hung: Arc::default(),
            refuses: Arc::default(),
            stopped: Arc::default(),
            connections: Arc::default(),
            shared: Arc::clone(shared),
        };
        let mut members = shared.members.lock().unwrap();
        if !members.iter().any(|member| member.hsm_id == hsm_id) {
            members.push(Member {
                hsm_id: hsm_id.into(),
                address: hsm.address.ip().to_string(),
                port: u64::from(hsm.address.port()),
            });
        }
        drop(members);
        let (stopped, connections) = (Arc::clone(&hsm.stopped), Arc::clone(&hsm.connections));
        let session = Session {
            hsm_id: hsm_id.into(),
            calls: Arc::clone(&hsm.calls),
            operations: Arc::clone(&hsm.operations),
            hung: Arc::clone(&hsm.hung),
            refuses: Arc::clone(&hsm.refuses),
            shared: Arc::clone(shared),
            attached: Vec::new(),
        };
        thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { return };
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                stream.set_nodelay(true).unwrap();
                connections.lock().unwrap().push(stream.try_clone().unwrap());
                let (config, session) = (Arc::clone(&config), session.clone());
                thread::spawn(move || session.serve(stream, ServerConnection::new(config).unwrap()));
            }
        });
        hsm
    }

    pub fn server(&self) -> Server {
        Server { hostname: self.address.ip().to_string(), port: self.address.port() }
    }

    pub fn count(&self, operation: Operation) -> u64 {
        self.operations.lock().unwrap().get(&operation.code()).copied().unwrap_or(0)
    }

    /// All requests so far, HELLO included.
    pub fn frames(&self) -> u64 {
        self.operations.lock().unwrap().values().sum()
    }

    /// As kill -9: every socket is gone at once.
    pub fn kill(&self) {
        self.stopped.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        self.cut();
    }

    /// Ends the connections; new ones are taken.
    pub fn cut(&self) {
        for stream in self.connections.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for TestHsm {
    fn drop(&mut self) {
        self.kill();
    }
}

fn bind(address: SocketAddr) -> TcpListener {
    for _ in 0..200 {
        if let Ok(listener) = TcpListener::bind(address) {
            return listener;
        }
        thread::sleep(std::time::Duration::from_millis(10));
    }
    TcpListener::bind(address).unwrap()
}

#[derive(Clone)]
struct Session {
    hsm_id: String,
    calls: Arc<AtomicU64>,
    operations: Arc<Mutex<HashMap<u16, u64>>>,
    hung: Arc<AtomicBool>,
    refuses: Arc<AtomicBool>,
    shared: Arc<Shared>,
    attached: Vec<u64>,
}

impl Session {
    fn serve(mut self, mut stream: TcpStream, mut tls: ServerConnection) {
        let mut decoder = FrameDecoder::new();
        let mut buffer = vec![0; 64 * 1024];
        loop {
            while tls.wants_write() {
                if tls.write_tls(&mut stream).is_err() {
                    return;
                }
            }
            let Ok(length @ 1..) = stream.read(&mut buffer) else { return };
            while self.hung.load(Ordering::SeqCst) {
                thread::sleep(std::time::Duration::from_millis(5));
            }
            let mut bytes = &buffer[..length];
            while !bytes.is_empty() {
                if tls.read_tls(&mut bytes).is_err() {
                    return;
                }
                let Ok(state) = tls.process_new_packets() else {
                    let _ = tls.write_tls(&mut stream);
                    return;
                };
                let mut plaintext = vec![0; state.plaintext_bytes_to_read()];
                tls.reader().read_exact(&mut plaintext).unwrap();
                decoder.push(&plaintext);
            }
            let mut out = Vec::new();
            while let Ok(Some(frame)) = decoder.next_frame() {
                self.answer(&frame, &tls, &mut out);
            }
            tls.writer().write_all(&out).unwrap();
        }
    }

    fn answer(&mut self, frame: &Frame, tls: &ServerConnection, out: &mut Vec<u8>) {
        let operation = Operation::from_code(frame.header.operation).unwrap();
        *self.operations.lock().unwrap().entry(operation.code()).or_default() += 1;
        let answer = self.own_operation(operation, frame, tls).unwrap_or_else(|| {
            let login = frame.header.login_id;
            if !operation.roles().contains(&strongroom_wire::Role::None) && !self.attached.contains(&login) {
                return Err((Rv::USER_NOT_LOGGED_IN, RetryClass::Never));
            }
            if self.refuses.load(Ordering::SeqCst) {
                return Err((Rv::DEVICE_ERROR, RetryClass::Pure));
            }
            self.calls.fetch_add(1, Ordering::Relaxed);
            (self.shared.handler)(operation, &frame.header, &frame.body)
        });
        let (frame_type, body) = match answer {
            Ok(body) => (FrameType::Response, body),
            Err((rv, retry)) => {
                let reply = ErrorReply { rv: rv.0, text: "refused by the test".into(), retry: retry as u64 };
                (FrameType::Error, reply.to_bytes())
            }
        };
        let revision = self.shared.revision.load(Ordering::SeqCst);
        let header = Header { frame_type, revision, ..frame.header };
        encode_frame(&header, &body, out).unwrap();
    }

    fn own_operation(
        &mut self,
        operation: Operation,
        frame: &Frame,
        tls: &ServerConnection,
    ) -> Option<Answer> {
        let shared = &self.shared;
        let ticket = |login_id: u64| login_id.to_be_bytes().to_vec();
        Some(match operation {
            Operation::Ping => Ok(Empty {}.to_bytes()),
            Operation::Hello => Ok(HelloResponse {
                version: 1,
                cluster_id: CLUSTER.into(),
                hsm_id: self.hsm_id.clone(),
                revision: shared.revision.load(Ordering::SeqCst),
                head: vec![1],
                members: List(shared.members.lock().unwrap().clone()),
                mode: "NON_FIPS".into(),
                max_data: 16 * 1024,
            }
            .to_bytes()),
            Operation::Login => {
                let request = LoginRequest::from_bytes(&frame.body).unwrap();
                if request.password.0.as_slice() != shared.password.as_bytes() {
                    return Some(Err((Rv::PIN_INCORRECT, RetryClass::Never)));
                }
                let mut logins = shared.logins.lock().unwrap();
                let login_id = logins.len() as u64 + 1;
                logins.insert(login_id, request.client_key);
                self.attached.push(login_id);
                Ok(LoginResponse {
                    login_id,
                    username: request.username,
                    role: request.role,
                    ticket: ticket(login_id),
                    lifetime_seconds: shared.ticket_seconds.load(Ordering::SeqCst),
                }
                .to_bytes())
            }
            Operation::Attach if self.refuses.load(Ordering::SeqCst) => {
                Err((Rv::DEVICE_ERROR, RetryClass::Pure))
            }
            Operation::Attach => {
                let request = AttachRequest::from_bytes(&frame.body).unwrap();
                let exporter = tls.export_keying_material([0; 32], EXPORTER_LABEL, None).unwrap();
                let login_id = u64::from_be_bytes(request.ticket.as_slice().try_into().unwrap());
                let logins = shared.logins.lock().unwrap();
                let Some(key) = logins.get(&login_id) else {
                    return Some(Err((Rv::USER_NOT_LOGGED_IN, RetryClass::Never)));
                };
                let key = aws_lc_rs::signature::UnparsedPublicKey::new(&aws_lc_rs::signature::ED25519, key);
                key.verify(&attach_message(&exporter, &request.ticket), &request.signature).unwrap();
                self.attached.push(login_id);
                Ok(Empty {}.to_bytes())
            }
            Operation::RenewTicket => Ok(TicketResponse {
                ticket: ticket(frame.header.login_id),
                lifetime_seconds: shared.ticket_seconds.load(Ordering::SeqCst),
            }
            .to_bytes()),
            Operation::Logout => {
                shared.logins.lock().unwrap().remove(&frame.header.login_id);
                self.attached.retain(|login| *login != frame.header.login_id);
                Ok(Empty {}.to_bytes())
            }
            _ => return None,
        })
    }
}

/// A configuration for these servers.
pub fn config(authority_pem: &str, servers: Vec<Server>) -> ClusterConfig {
    ClusterConfig {
        trust_anchor_pem: authority_pem.as_bytes().to_vec(),
        trust_anchor_path: PathBuf::from("test-ca.crt"),
        cluster_id: Some(CLUSTER.into()),
        client_certificate: None,
        servers,
        profile: strongroom_client::Profile::Standard,
        checks_key_availability: true,
        max_sessions: None,
        deadline_ms: 10_000,
        spin_us: 80,
        retries: true,
    }
}
