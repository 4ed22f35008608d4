//! Tests of objects with the real keys behind them.
#![allow(clippy::unwrap_used)]

mod lifecycle;

use std::sync::{Arc, OnceLock};

use strongroom_wire::{AttributeType as A, AttributeValue as V, MechanismType as M, Role, Secret, Template};

use super::{Objects, Options, Staged};
use crate::keys::{Config, Installation};
use crate::{Caller, Keys};

pub const P256: &[u8] = b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07";

/// One cluster's keys for all tests of the process: making them takes a while.
pub fn keys() -> Arc<Keys> {
    static KEYS: OnceLock<Arc<Keys>> = OnceLock::new();
    let made = KEYS.get_or_init(|| {
        let root_key = Secret::new(vec![7; 32]);
        let installation = Installation::create(&root_key).unwrap();
        let config =
            Config { cluster_id: "cluster-1".into(), hsm_id: "hsm-1".into(), root_key, installation };
        let keys = Keys::open(config).unwrap();
        keys.create_cluster_keys().unwrap();
        Arc::new(keys)
    });
    Arc::clone(made)
}

/// An HSM's objects.
pub fn objects() -> Objects {
    Objects::new(keys(), Options { fips: false, allow_unlocked_memory: true }).unwrap()
}

/// A crypto-user with a login of its own.
pub fn user(name: &str) -> Caller {
    let login_id = name.bytes().fold(1, |id, byte| id * 31 + u64::from(byte));
    Caller { username: name.into(), role: Role::CryptoUser, login_id }
}

/// An admin.
#[allow(dead_code)]
pub fn admin() -> Caller {
    Caller { username: "admin".into(), role: Role::Admin, login_id: 99 }
}

/// A template of flags.
pub fn flags(set: &[A]) -> Template {
    set.iter().map(|attribute| (*attribute, V::Bool(true))).collect()
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
    let private = flags(&[A::Token, A::Sign]);
    let (public, private) = objects.generate_key_pair(caller, M::EcKeyPairGen, public, private).unwrap();
    (published(objects, &public), published(objects, &private))
}
