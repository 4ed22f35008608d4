//! The library against an HSM look-alike whose objects are the real ones of the boundary.

#![allow(dead_code, non_snake_case, clippy::unwrap_used, clippy::macro_metavars_in_unsafe)]

#[path = "../../../client/tests/support/mod.rs"]
pub mod hsm;
pub mod module;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use strongroom_boundary::keys::{Config, Installation};
use strongroom_boundary::objects::{Objects, Options, Staged};
use strongroom_boundary::{Caller, Keys};
use strongroom_wire::codec::List;
use strongroom_wire::messages::{
    AttributesRequest, CreateObjectRequest, CryptRequest, CryptResponse, DeriveKeyRequest,
    DestroyObjectRequest, Empty, FindRequest, GenerateKeyPairRequest, GenerateKeyRequest, ObjectsResponse,
    RandomRequest, RandomResponse, SetAttributesRequest, UnwrapKeyRequest, VerifyRequest, WrapKeyRequest,
};
use strongroom_wire::{Header, MechanismType, Message, Operation, RetryClass, Role, Rv, Secret};

use hsm::{Answer, Authority, Shared, TestHsm};

pub const PIN: &str = "alice:correct horse";

/// The boundary's objects, with what the brain would do around them left out.
struct Token {
    objects: Objects,
    revision: Arc<AtomicU64>,
}

impl Token {
    fn new() -> Self {
        let root_key = Secret::new(vec![7; 32]);
        let installation = Installation::create(&root_key).unwrap();
        let config =
            Config { cluster_id: hsm::CLUSTER.into(), hsm_id: "hsm-one".into(), root_key, installation };
        let keys = Keys::open(config).unwrap();
        keys.create_cluster_keys().unwrap();
        let options = Options { fips: false, allow_unlocked_memory: true, ..Options::default() };
        Self {
            objects: Objects::new(Arc::new(keys), options).unwrap(),
            revision: Arc::new(AtomicU64::new(1)),
        }
    }

    fn commit(&self, staged: Vec<Staged>) -> Vec<u8> {
        let references: Vec<u64> = staged.iter().map(|staged| staged.reference).collect();
        self.objects.publish(&references);
        self.revision.fetch_add(1, Ordering::SeqCst);
        ObjectsResponse { objects: List(staged.into_iter().map(|staged| staged.view).collect()) }.to_bytes()
    }

    fn handle(
        &self,
        operation: Operation,
        header: &Header,
        body: &[u8],
    ) -> strongroom_boundary::Result<Vec<u8>> {
        let caller = Caller {
            username: "alice".into(),
            role: Role::CryptoUser,
            login_id: header.login_id,
            approvals: Box::default(),
        };
        let mechanism = |code| MechanismType::from_code(code).unwrap();
        let objects = &self.objects;
        Ok(match operation {
            Operation::Sign => {
                let r = CryptRequest::from_bytes(body).unwrap();
                let data =
                    objects.sign(&caller, r.key, mechanism(r.mechanism), r.parameters.as_ref(), &r.data)?;
                CryptResponse { data, iv: None }.to_bytes()
            }
            Operation::Verify => {
                let r = VerifyRequest::from_bytes(body).unwrap();
                let (key, mechanism) = (r.key, mechanism(r.mechanism));
                objects.verify(&caller, key, mechanism, r.parameters.as_ref(), &r.data, &r.signature)?;
                Empty {}.to_bytes()
            }
            Operation::SignRecover => {
                let r = CryptRequest::from_bytes(body).unwrap();
                let data = objects.sign_recover(&caller, r.key, mechanism(r.mechanism), &r.data)?;
                CryptResponse { data, iv: None }.to_bytes()
            }
            Operation::VerifyRecover => {
                let r = CryptRequest::from_bytes(body).unwrap();
                let data = objects.verify_recover(&caller, r.key, mechanism(r.mechanism), &r.data)?;
                CryptResponse { data, iv: None }.to_bytes()
            }
            Operation::Encrypt => {
                let r = CryptRequest::from_bytes(body).unwrap();
                objects
                    .encrypt(&caller, r.key, mechanism(r.mechanism), r.parameters.as_ref(), &r.data)?
                    .to_bytes()
            }
            Operation::Decrypt => {
                let r = CryptRequest::from_bytes(body).unwrap();
                objects
                    .decrypt(&caller, r.key, mechanism(r.mechanism), r.parameters.as_ref(), &r.data)?
                    .to_bytes()
            }
            Operation::Random => {
                let r = RandomRequest::from_bytes(body).unwrap();
                RandomResponse { data: objects.random(usize::try_from(r.length).unwrap())? }.to_bytes()
            }
            Operation::Find => objects.find(&caller, &FindRequest::from_bytes(body).unwrap())?.to_bytes(),
            Operation::Attributes => {
                let r = AttributesRequest::from_bytes(body).unwrap();
                objects.attributes(&caller, &r.references.0)?.to_bytes()
            }
            Operation::GenerateKey => {
                let r = GenerateKeyRequest::from_bytes(body).unwrap();
                self.commit(vec![objects.generate_key(&caller, mechanism(r.mechanism), r.template)?])
            }
            Operation::GenerateKeyPair => {
                let r = GenerateKeyPairRequest::from_bytes(body).unwrap();
                let (public, private) = objects.generate_key_pair(
                    &caller,
                    mechanism(r.mechanism),
                    r.public_template,
                    r.private_template,
                )?;
                self.commit(vec![public, private])
            }
            Operation::CreateObject => {
                let r = CreateObjectRequest::from_bytes(body).unwrap();
                self.commit(vec![objects.create_object(&caller, r.template)?])
            }
            Operation::SetAttributes => {
                let r = SetAttributesRequest::from_bytes(body).unwrap();
                self.commit(vec![objects.set_attributes(&caller, r.reference, r.template)?])
            }
            Operation::DestroyObject => {
                let r = DestroyObjectRequest::from_bytes(body).unwrap();
                objects.check_destroy(&caller, r.reference)?;
                objects.remove(&[r.reference]);
                self.revision.fetch_add(1, Ordering::SeqCst);
                Empty {}.to_bytes()
            }
            Operation::WrapKey => {
                let r = WrapKeyRequest::from_bytes(body).unwrap();
                let (key, mechanism) = (r.wrapping_key, mechanism(r.mechanism));
                objects.wrap_key(&caller, key, mechanism, r.parameters.as_ref(), r.key)?.to_bytes()
            }
            Operation::UnwrapKey => {
                let r = UnwrapKeyRequest::from_bytes(body).unwrap();
                let (key, mechanism) = (r.unwrapping_key, mechanism(r.mechanism));
                let parameters = r.parameters.as_ref();
                self.commit(vec![objects.unwrap_key(
                    &caller,
                    key,
                    mechanism,
                    parameters,
                    &r.wrapped_key,
                    r.template,
                )?])
            }
            Operation::DeriveKey => {
                let r = DeriveKeyRequest::from_bytes(body).unwrap();
                let (key, mechanism) = (r.base_key, mechanism(r.mechanism));
                let parameters = r.parameters.as_ref();
                self.commit(vec![objects.derive_key(&caller, key, mechanism, parameters, r.template)?])
            }
            _ => {
                return Err(strongroom_boundary::Error::refused(
                    Rv::FUNCTION_NOT_SUPPORTED,
                    "not in this test",
                ));
            }
        })
    }
}

/// An HSM, and a configuration file that leads to it.
pub struct Fixture {
    pub hsm: TestHsm,
    pub directory: PathBuf,
    pub configuration: PathBuf,
}

impl Fixture {
    pub fn start(name: &str) -> Self {
        let token = Token::new();
        let shared =
            Shared::with_revision(Arc::clone(&token.revision), move |operation, header, body| -> Answer {
                token.handle(operation, header, body).map_err(|error| {
                    if std::env::var_os("SHOW_REFUSALS").is_some() {
                        eprintln!("{} {error}", operation.name());
                    }
                    (error.rv, RetryClass::Never)
                })
            });
        let authority = Authority::new();
        let hsm = TestHsm::start("hsm-one", &authority.issue(hsm::CLUSTER, (2020, 2040)), &shared);
        let directory = std::env::temp_dir().join(format!("strongroom-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join("customerCA.crt"), &authority.pem).unwrap();
        let configuration = directory.join("client.json");
        let text = format!(
            r#"{{"clusters":[{{"type":"hsm1","cluster":{{"hsm_ca_file":"customerCA.crt","cluster_id":"{}",
            "servers":[{{"hostname":"{}","port":{},"enable":true}}]}}}}],"logging":{{"log_level":"off"}}}}"#,
            hsm::CLUSTER,
            hsm.address.ip(),
            hsm.address.port()
        );
        std::fs::write(&configuration, text).unwrap();
        Self { hsm, directory, configuration }
    }

    /// The one of this test program, with the library initialised and logged in.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Fixture> = OnceLock::new();
        SHARED.get_or_init(|| {
            let fixture = Self::start("shared");
            fixture.name_in_environment();
            module::initialize().unwrap();
            let session = module::Session::open(true).unwrap();
            session.log_in(PIN).unwrap();
            std::mem::forget(session); // with the last session the login would end
            fixture
        })
    }

    pub fn name_in_environment(&self) {
        // SAFETY: test programs call this before they start threads that read the environment.
        unsafe { std::env::set_var("STRONGROOM_CONFIG", &self.configuration) };
    }
}
