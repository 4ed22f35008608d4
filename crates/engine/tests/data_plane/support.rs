//! An HSM with real keys on a real port, and a client that speaks frames over real TLS.
#![allow(dead_code, missing_docs)] // each test program uses its part

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme, StreamOwned};
use strongroom_boundary::keys::{Config, Installation, LoginGrant};
use strongroom_boundary::objects::Options;
use strongroom_boundary::{Boundary, Caller, Keys, Objects};
use strongroom_engine::{Engine, Identity, Settings};
use strongroom_wire::messages::*;
use strongroom_wire::*;

pub const CLUSTER: &str = "cluster-aaaaaaaaaaa";
pub const HSM: &str = "hsm-aaaaaaaaaaa";

/// Made once for all tests: RSA keys take long.
struct Seed {
    bundle: Vec<u8>,
    envelope: Vec<u8>,
    certificate: String,
    anchor: String,
}

static SEED: LazyLock<Seed> = LazyLock::new(|| {
    let bundle = Installation::create(&root_key()).unwrap();
    let keys = open_keys(&bundle);
    keys.create_identity().unwrap();
    keys.create_cluster_keys().unwrap();
    let certificates = keys.certificates("NON_FIPS").unwrap();
    let own = &certificates.iter().find(|(name, _)| *name == "HsmCertificate").unwrap().1;
    let (anchor, certificate) = sign_for_customer(own);
    Seed { envelope: keys.seal_recovery_envelope().unwrap(), bundle, certificate, anchor }
});

/// A customer CA, and a certificate by it for the key that `certified` is for; both PEM.
fn sign_for_customer(certified: &str) -> (String, String) {
    let der = pem::parse(certified).unwrap();
    let (_, parsed) = x509_parser::parse_x509_certificate(der.contents()).unwrap();
    let cluster_key = ClusterKey(parsed.public_key().subject_public_key.data.to_vec());
    let ca_key = rcgen::KeyPair::generate().unwrap();
    let mut ca = rcgen::CertificateParams::new(Vec::new()).unwrap();
    ca.distinguished_name.push(rcgen::DnType::CommonName, "customer");
    ca.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let anchor = ca.self_signed(&ca_key).unwrap().pem();
    let mut leaf = rcgen::CertificateParams::new(Vec::new()).unwrap();
    leaf.distinguished_name.push(rcgen::DnType::OrganizationalUnitName, CLUSTER);
    let issuer = rcgen::Issuer::new(ca, ca_key);
    (anchor, leaf.signed_by(&cluster_key, &issuer).unwrap().pem())
}

struct ClusterKey(Vec<u8>);

impl rcgen::PublicKeyData for ClusterKey {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        &rcgen::PKCS_RSA_SHA256
    }
}

/// The certificate that signed the HSM's, PEM.
pub fn trust_anchor() -> String {
    SEED.anchor.clone()
}

fn root_key() -> Secret {
    Secret::new(vec![0x52; 32])
}

fn open_keys(bundle: &[u8]) -> Keys {
    let config = Config {
        cluster_id: CLUSTER.into(),
        hsm_id: HSM.into(),
        root_key: root_key(),
        installation: bundle.to_vec(),
    };
    Keys::open(config).unwrap()
}

/// A boundary with cluster keys and an installed certificate.
pub fn boundary() -> Arc<Boundary> {
    let keys = open_keys(&SEED.bundle);
    keys.create_identity().unwrap();
    keys.open_recovery_envelope(&SEED.envelope).unwrap();
    keys.install_certificate(&SEED.certificate).unwrap();
    let keys = Arc::new(keys);
    let options = Options { fips: false, allow_unlocked_memory: true, ..Options::default() };
    let objects = Objects::new(Arc::clone(&keys), options).unwrap();
    Arc::new(Boundary { keys, objects })
}

/// An engine whose boundary has cluster keys and no certificate yet.
pub fn engine_without_certificate() -> Engine {
    let keys = open_keys(&SEED.bundle);
    keys.create_identity().unwrap();
    keys.open_recovery_envelope(&SEED.envelope).unwrap();
    let keys = Arc::new(keys);
    let options = Options { fips: false, allow_unlocked_memory: true, ..Options::default() };
    let objects = Objects::new(Arc::clone(&keys), options).unwrap();
    Engine::new(Arc::new(Boundary { keys, objects }), identity(), Settings::default()).unwrap()
}

fn identity() -> Identity {
    Identity { cluster_id: CLUSTER.into(), hsm_id: HSM.into(), mode: "NON_FIPS".into() }
}

/// A running HSM; stops when dropped.
pub struct Hsm {
    pub engine: Arc<Engine>,
    pub boundary: Arc<Boundary>,
    pub port: u16,
}

impl Hsm {
    /// With the product's settings and a lease of an hour.
    pub fn start() -> Self {
        Self::with(Settings::default())
    }

    pub fn with(settings: Settings) -> Self {
        let boundary = boundary();
        let identity = Identity { cluster_id: CLUSTER.into(), hsm_id: HSM.into(), mode: "NON_FIPS".into() };
        let engine = Arc::new(Engine::new(Arc::clone(&boundary), identity, settings).unwrap());
        let port = engine.listen("127.0.0.1", 0).unwrap();
        engine.extend_lease(3_600_000);
        Self { engine, boundary, port }
    }

    /// A login that the brain has applied.
    pub fn login(&self, login_id: u64, role: Role) -> Login {
        let key = Ed25519KeyPair::generate().unwrap();
        let caller = Caller { username: "ann".into(), role, login_id, approvals: Box::default() };
        let login = Login { caller: caller.clone(), key };
        self.engine.apply_login(caller, 1, login.client_key());
        login
    }

    pub fn ticket(&self, login: &Login, epoch: u64, lifetime_seconds: i64) -> Vec<u8> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let grant = LoginGrant {
            login_id: login.caller.login_id,
            username: login.caller.username.to_string(),
            role: login.caller.role,
            epoch,
            client_key: login.client_key(),
            expires_at: now.saturating_add_signed(lifetime_seconds),
        };
        self.boundary.keys.issue_ticket(&grant).unwrap()
    }

    /// A connection after the TLS handshake.
    pub fn connect(&self) -> Peer {
        Peer::connect(self.port, b"strongroom/1").unwrap()
    }

    /// A connection that said hello.
    pub fn greeted(&self) -> Peer {
        let mut peer = self.connect();
        peer.hello().unwrap();
        peer
    }

    /// A connection with this login attached.
    pub fn logged_in(&self, login: &Login) -> Peer {
        let mut peer = self.greeted();
        let ticket = self.ticket(login, 1, 600);
        peer.attach(login, &ticket).unwrap();
        peer
    }

    /// A published P-256 key pair of this login, session objects; gives the private key.
    pub fn p256_key(&self, login: &Login) -> u64 {
        self.p256(login, false)
    }

    /// As [`Hsm::p256_key`]; a token object where asked for, which has no record in any store.
    pub fn p256(&self, login: &Login, token: bool) -> u64 {
        let params = vec![0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
        let public = Template::new().with(AttributeType::EcParams, AttributeValue::Bytes(params));
        self.key_pair(login, MechanismType::EcKeyPairGen, public, token)
    }

    /// As [`Hsm::p256_key`], for RSA-2048.
    pub fn rsa_key(&self, login: &Login) -> u64 {
        self.rsa(login, false)
    }

    /// As [`Hsm::p256`], for RSA-2048.
    pub fn rsa(&self, login: &Login, token: bool) -> u64 {
        let public = Template::new()
            .with(AttributeType::ModulusBits, AttributeValue::Ulong(2048))
            .with(AttributeType::PublicExponent, AttributeValue::Bytes(vec![1, 0, 1]));
        self.key_pair(login, MechanismType::RsaPkcsKeyPairGen, public, token)
    }

    fn key_pair(&self, login: &Login, mechanism: MechanismType, public: Template, token: bool) -> u64 {
        let token = AttributeValue::Bool(token);
        let public = public
            .with(AttributeType::Verify, AttributeValue::Bool(true))
            .with(AttributeType::Token, token.clone());
        let private = Template::new()
            .with(AttributeType::Sign, AttributeValue::Bool(true))
            .with(AttributeType::Token, token);
        let objects = &self.boundary.objects;
        let made = objects.generate_key_pair(&login.caller, mechanism, public, private).unwrap();
        objects.publish(&[made.0.reference, made.1.reference]);
        made.1.reference
    }

    /// A token AES key's record, staged here; gives reference, version and record.
    pub fn token_key(&self, login: &Login) -> (u64, u64, Vec<u8>) {
        let template = Template::new()
            .with(AttributeType::Token, AttributeValue::Bool(true))
            .with(AttributeType::Encrypt, AttributeValue::Bool(true))
            .with(AttributeType::ValueLen, AttributeValue::Ulong(32));
        let objects = &self.boundary.objects;
        let staged = objects.generate_key(&login.caller, MechanismType::AesKeyGen, template).unwrap();
        objects.discard(&[staged.reference]);
        (staged.reference, staged.version, staged.record)
    }

    pub fn statistic(&self, name: &str) -> u64 {
        self.engine.statistics().into_iter().find(|(known, _)| *known == name).unwrap().1
    }
}

impl Drop for Hsm {
    fn drop(&mut self) {
        self.engine.shutdown(Duration::ZERO);
    }
}

pub struct Login {
    pub caller: Caller,
    pub key: Ed25519KeyPair,
}

impl Login {
    pub fn id(&self) -> u64 {
        self.caller.login_id
    }

    pub fn client_key(&self) -> Vec<u8> {
        self.key.public_key().as_ref().to_vec()
    }
}

pub fn sign_request(key: u64) -> CryptRequest {
    CryptRequest { key, mechanism: MechanismType::Ecdsa.code(), parameters: None, data: vec![7; 32] }
}

/// A client that does one thing at a time.
pub struct Peer {
    pub stream: StreamOwned<ClientConnection, TcpStream>,
    decoder: FrameDecoder,
    next_id: u64,
    /// Sent as the newest revision seen.
    pub revision: u64,
    pub deadline_ms: u32,
}

impl Peer {
    pub fn connect(port: u16, alpn: &[u8]) -> std::io::Result<Self> {
        Self::connect_with(port, client_config(alpn))
    }

    pub fn connect_with(port: u16, config: Arc<ClientConfig>) -> std::io::Result<Self> {
        let socket = TcpStream::connect(("127.0.0.1", port))?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(Duration::from_secs(10)))?;
        let name = ServerName::try_from("hsm.example").unwrap();
        let tls = ClientConnection::new(config, name).unwrap();
        let mut stream = StreamOwned::new(tls, socket);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock)?;
        }
        Ok(Self { stream, decoder: FrameDecoder::new(), next_id: 1, revision: 0, deadline_ms: 0 })
    }

    /// Sends a request; gives its number.
    pub fn send(&mut self, operation: Operation, login_id: u64, body: &[u8]) -> u64 {
        let bytes = self.encode(operation, login_id, body);
        self.stream.write_all(&bytes).unwrap();
        self.stream.flush().unwrap();
        self.next_id - 1
    }

    pub fn encode(&mut self, operation: Operation, login_id: u64, body: &[u8]) -> Vec<u8> {
        let header = Header {
            frame_type: FrameType::Request,
            operation: operation.code(),
            request_id: self.next_id,
            login_id,
            revision: self.revision,
            deadline_ms: self.deadline_ms,
            trace_id: 0,
        };
        self.next_id += 1;
        let mut bytes = Vec::new();
        encode_frame(&header, body, &mut bytes).unwrap();
        bytes
    }

    /// The next frame; none when the HSM has closed the connection.
    pub fn receive(&mut self) -> Option<Frame> {
        let mut buffer = [0; 32 * 1024];
        loop {
            if let Some(frame) = self.decoder.next_frame().unwrap() {
                return Some(frame);
            }
            match self.stream.read(&mut buffer) {
                Ok(0) => return None,
                Ok(length) => self.decoder.push(&buffer[..length]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => panic!("no answer came in time"),
                Err(_) => return None,
            }
        }
    }

    /// The answer to one request, sent on its own.
    pub fn call(&mut self, operation: Operation, login_id: u64, request: &impl Message) -> Answer {
        let id = self.send(operation, login_id, &request.to_bytes());
        let frame = self.receive().expect("an answer");
        assert_eq!(frame.header.request_id, id);
        answer(&frame)
    }

    pub fn hello(&mut self) -> Result<HelloResponse, ErrorReply> {
        let body = self.call(Operation::Hello, 0, &hello_request())?;
        Ok(HelloResponse::from_bytes(&body).unwrap())
    }

    pub fn exporter(&self) -> [u8; EXPORTER_LENGTH] {
        self.stream.conn.export_keying_material([0; EXPORTER_LENGTH], EXPORTER_LABEL, None).unwrap()
    }

    pub fn attach(&mut self, login: &Login, ticket: &[u8]) -> Answer {
        let signature = login.key.sign(&attach_message(&self.exporter(), ticket)).as_ref().to_vec();
        self.call(Operation::Attach, 0, &AttachRequest { ticket: ticket.to_vec(), signature })
    }

    /// Whether the HSM closes the connection within ten seconds.
    pub fn is_closed(&mut self) -> bool {
        self.receive().is_none()
    }
}

pub type Answer = Result<Vec<u8>, ErrorReply>;

pub fn answer(frame: &Frame) -> Answer {
    match frame.header.frame_type {
        FrameType::Response => Ok(frame.body.clone()),
        FrameType::Error => Err(ErrorReply::from_bytes(&frame.body).unwrap()),
        other => panic!("{other:?} is no answer"),
    }
}

pub fn rv(answer: Answer) -> Rv {
    Rv(answer.map(|_| 0).unwrap_or_else(|error| error.rv))
}

pub fn hello_request() -> HelloRequest {
    HelloRequest {
        version_min: 1,
        version_max: 1,
        client: "test".into(),
        cluster_id: Some(CLUSTER.into()),
        revision: 0,
        head: None,
    }
}

pub fn client_config(alpn: &[u8]) -> Arc<ClientConfig> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyServer))
        .with_no_client_auth();
    config.alpn_protocols = vec![alpn.to_vec()];
    Arc::new(config)
}

/// The server check is the client crate's; here it is in the way.
#[derive(Debug)]
struct AnyServer;

impl ServerCertVerifier for AnyServer {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        unreachable!("TLS 1.3 only")
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = rustls::crypto::aws_lc_rs::default_provider().signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, &algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::RSA_PSS_SHA256, SignatureScheme::RSA_PSS_SHA384]
    }
}
