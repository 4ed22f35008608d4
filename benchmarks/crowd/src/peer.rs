//! One connection that does one thing at a time, and the login that many of them carry.

use std::error::Error;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme, StreamOwned};
use strongroom_wire::messages::{
    AttachRequest, EXPORTER_LABEL, EXPORTER_LENGTH, ErrorReply, HelloRequest, LoginRequest, LoginResponse,
    attach_message,
};
use strongroom_wire::{FrameDecoder, FrameType, Header, Message, Operation, Role, Secret, encode_frame};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const PATIENCE: Duration = Duration::from_secs(20);

/// A login and its ticket.
pub struct Login {
    key: Ed25519KeyPair,
    granted: LoginResponse,
}

impl Login {
    /// Logs a crypto-user in, over a connection that carries the login from then on.
    pub fn new(peer: &mut Peer, username: &str, password: &str) -> Result<Self> {
        let key = Ed25519KeyPair::generate()?;
        let request = LoginRequest {
            username: username.into(),
            role: u64::from(Role::CryptoUser.code()),
            password: Secret::new(password.as_bytes().to_vec()),
            client_key: key.public_key().as_ref().to_vec(),
        };
        let granted = LoginResponse::from_bytes(&peer.call(Operation::Login, 0, &request.to_bytes())?)?;
        Ok(Self { key, granted })
    }

    /// Its number.
    pub const fn id(&self) -> u64 {
        self.granted.login_id
    }

    /// Lets a connection carry it.
    pub fn attach(&self, peer: &mut Peer) -> Result<()> {
        let exporter = peer.stream.conn.export_keying_material([0; EXPORTER_LENGTH], EXPORTER_LABEL, None)?;
        let ticket = self.granted.ticket.clone();
        let signature = self.key.sign(&attach_message(&exporter, &ticket)).as_ref().to_vec();
        peer.call(Operation::Attach, 0, &AttachRequest { ticket, signature }.to_bytes())?;
        Ok(())
    }
}

/// A connection.
pub struct Peer {
    stream: StreamOwned<ClientConnection, TcpStream>,
    decoder: FrameDecoder,
    next_id: u64,
}

impl Peer {
    /// Connects and says HELLO.
    pub fn connect(address: (&str, u16), config: &Arc<ClientConfig>) -> Result<Self> {
        let socket = TcpStream::connect(address)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        let tls = ClientConnection::new(Arc::clone(config), ServerName::try_from("hsm.example")?)?;
        let mut peer =
            Self { stream: StreamOwned::new(tls, socket), decoder: FrameDecoder::new(), next_id: 1 };
        let hello = HelloRequest {
            version_min: 1,
            version_max: 1,
            client: "crowd".into(),
            cluster_id: None,
            revision: 0,
            head: None,
        };
        peer.call(Operation::Hello, 0, &hello.to_bytes())?;
        Ok(peer)
    }

    /// The body of the answer to a request.
    pub fn call(&mut self, operation: Operation, login_id: u64, body: &[u8]) -> Result<Vec<u8>> {
        let header = Header {
            frame_type: FrameType::Request,
            operation: operation.code(),
            request_id: self.next_id,
            login_id,
            revision: 0,
            deadline_ms: 0,
            trace_id: 0,
        };
        self.next_id += 1;
        let mut bytes = Vec::new();
        encode_frame(&header, body, &mut bytes)?;
        self.stream.write_all(&bytes)?;
        self.stream.flush()?;
        loop {
            while let Some(frame) = self.decoder.next_frame()? {
                match frame.header.frame_type {
                    FrameType::Response => return Ok(frame.body),
                    FrameType::Error => return Err(ErrorReply::from_bytes(&frame.body)?.text.into()),
                    _ => {}
                }
            }
            let mut buffer = [0; 4096];
            match self.stream.read(&mut buffer)? {
                0 => return Err("the HSM closed the connection".into()),
                length => self.decoder.push(&buffer[..length]),
            }
        }
    }
}

/// TLS 1.3 without a check of the server's certificate.
pub fn config() -> Result<Arc<ClientConfig>> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyServer(provider)))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"strongroom/1".to_vec()];
    // Tickets of TLS sessions would make later handshakes cheaper than those of separate programs.
    config.resumption = rustls::client::Resumption::disabled();
    Ok(Arc::new(config))
}

#[derive(Debug)]
struct AnyServer(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyServer {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        Err(rustls::Error::General("TLS 1.3 only".into()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
