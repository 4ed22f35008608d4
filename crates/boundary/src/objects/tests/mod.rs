//! Tests of objects with the real keys behind them.
#![allow(clippy::unwrap_used)]

mod allowed_mechanisms;
mod attacks;
mod certificates;
mod changes;
mod data;
mod derivation;
mod digests;
mod find;
mod generation;
mod hmac_keys;
mod imports;
mod key_rules;
mod lifecycle;
mod ml_dsa;
mod ml_kem;
mod quorum;
mod records;
mod recovery;
mod refusals;
mod sharing;
mod streams;
mod visibility;
mod wrapping;

use std::sync::{Arc, OnceLock};

use strongroom_wire::messages::FindRequest;
use strongroom_wire::{
    AttributeType as A, AttributeValue as V, MechanismType as M, Role, Rv, Secret, Template,
};

use super::{Objects, Options, Staged};
use crate::keys::Config;
use crate::{Caller, Keys, Result};

pub const P256: &[u8] = b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07";
pub const CURVES: [&[u8]; 5] = [
    b"\x06\x05\x2b\x81\x04\x00\x21",
    P256,
    b"\x06\x05\x2b\x81\x04\x00\x22",
    b"\x06\x05\x2b\x81\x04\x00\x23",
    b"\x06\x05\x2b\x81\x04\x00\x0a",
];

pub fn hex(text: &str) -> Vec<u8> {
    let digits: String = text.split_whitespace().collect();
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

/// The cluster keys of the golden files: making new ones takes longer than all the tests.
pub fn keys() -> Arc<Keys> {
    static KEYS: OnceLock<Arc<Keys>> = OnceLock::new();
    let made = KEYS.get_or_init(|| {
        let config = Config {
            cluster_id: "cluster-aaaaaaaaaaa".into(),
            hsm_id: "hsm-ccccccccccc".into(),
            root_key: Secret::new(vec![0x52; 32]),
            installation: hex(include_str!("../../../tests/golden/installation.hex")),
        };
        let keys = Keys::open(config).unwrap();
        keys.open_recovery_envelope(&hex(include_str!("../../../tests/golden/recovery-envelope.hex")))
            .unwrap();
        Arc::new(keys)
    });
    Arc::clone(made)
}

/// An HSM's objects.
pub fn objects() -> Objects {
    Objects::new(keys(), Options { fips: false, allow_unlocked_memory: true, ..Options::default() }).unwrap()
}

/// A crypto-user with a login of its own.
pub fn user(name: &str) -> Caller {
    let login_id = name.bytes().fold(1, |id, byte| id * 31 + u64::from(byte));
    Caller { username: name.into(), role: Role::CryptoUser, login_id, approvals: Box::default() }
}

/// An admin.
pub fn admin() -> Caller {
    Caller { username: "admin".into(), role: Role::Admin, login_id: 99, approvals: Box::default() }
}

/// A template of flags.
pub fn flags(set: &[A]) -> Template {
    set.iter().map(|attribute| (*attribute, V::Bool(true))).collect()
}

/// One attribute.
pub fn only(attribute: A, value: V) -> Template {
    Template::new().with(attribute, value)
}

/// The code of a refusal, or OK.
pub fn code<T>(result: Result<T>) -> Rv {
    result.map_or_else(|error| error.rv, |_| Rv::OK)
}

/// Publishes what was staged and gives its reference.
pub fn published(objects: &Objects, staged: &Staged) -> u64 {
    objects.publish(&[staged.reference]);
    staged.reference
}

/// A published AES-256 token key that may do everything.
pub fn aes_key(objects: &Objects, caller: &Caller) -> u64 {
    let template =
        flags(&[A::Token, A::Encrypt, A::Decrypt, A::Wrap, A::Unwrap]).with(A::ValueLen, V::Ulong(32));
    published(objects, &objects.generate_key(caller, M::AesKeyGen, template).unwrap())
}

/// A published key pair on P-256 that may sign: public and private reference.
pub fn ec_pair(objects: &Objects, caller: &Caller) -> (u64, u64) {
    let public = flags(&[A::Token, A::Verify]).with(A::EcParams, V::Bytes(P256.to_vec()));
    let (public, private) =
        objects.generate_key_pair(caller, M::EcKeyPairGen, public, flags(&[A::Token, A::Sign])).unwrap();
    (published(objects, &public), published(objects, &private))
}

/// A published RSA-2048 key pair that may do everything; made once per process and imported.
pub fn rsa_pair(objects: &Objects, caller: &Caller) -> (u64, u64) {
    let public = imports::rsa_public().with(A::Token, V::Bool(true));
    let public =
        public.with(A::Encrypt, V::Bool(true)).with(A::Wrap, V::Bool(true)).with(A::Verify, V::Bool(true));
    let private = imports::rsa_private().with(A::Token, V::Bool(true));
    let private =
        private.with(A::Decrypt, V::Bool(true)).with(A::Unwrap, V::Bool(true)).with(A::Sign, V::Bool(true));
    let [public, private] =
        [public, private].map(|template| objects.create_object(caller, template).unwrap());
    (published(objects, &public), published(objects, &private))
}

/// The readable attributes of an object.
pub fn read(objects: &Objects, caller: &Caller, reference: u64) -> Template {
    objects.attributes(caller, &[reference]).unwrap().objects.0[0].attributes.clone()
}

/// The references that a search finds.
pub fn find(objects: &Objects, caller: &Caller, template: Template) -> Vec<u64> {
    let request = FindRequest { template, after: 0, limit: 1000, with_attributes: false };
    objects.find(caller, &request).unwrap().objects.0.iter().map(|view| view.reference).collect()
}
