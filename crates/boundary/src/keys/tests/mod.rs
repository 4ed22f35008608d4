//! Tests of [`Keys`] as a whole, a file per subject. The fixtures share one installation and one RSA key, because making
//! them takes longer than all the tests.
#![allow(clippy::unwrap_used)]

mod certificates;
mod checkpoint;
mod envelope;
mod golden;
mod head;
mod identity;
mod password;
mod quorum;
mod records;
mod second_factor;
mod ticket;

use std::fmt::Debug;
use std::sync::LazyLock;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use strongroom_wire::Secret;

use super::cluster::ClusterKeys;
use super::derive::SecretKey;
use super::{Config, Installation, Keys};
use crate::{Error, ErrorKind, Result};

const CLUSTER: &str = "cluster-aaaaaaaaaaa";
const HSM: &str = "hsm-aaaaaaaaaaa";
const OTHER_CLUSTER: &str = "cluster-bbbbbbbbbbb";
const OTHER_HSM: &str = "hsm-bbbbbbbbbbb";
/// The masking key of the golden files, and of every test cluster.
const MASKING_KEY: [u8; 32] = *b"strongroom test masking key only";

static BUNDLE: LazyLock<Vec<u8>> = LazyLock::new(|| Installation::create(&root_key()).unwrap());
static RSA_PKCS8: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let pkcs8: Pkcs8V1Der<'_> = KeyPair::generate(KeySize::Rsa2048).unwrap().as_der().unwrap();
    pkcs8.as_ref().to_vec()
});

fn root_key() -> Secret {
    Secret::new(vec![0x52; 32])
}

/// An HSM without identity and cluster keys.
fn bare(cluster_id: &str, hsm_id: &str) -> Keys {
    bare_in(&BUNDLE, cluster_id, hsm_id)
}

fn bare_in(bundle: &[u8], cluster_id: &str, hsm_id: &str) -> Keys {
    Keys::open(Config {
        cluster_id: cluster_id.into(),
        hsm_id: hsm_id.into(),
        root_key: root_key(),
        installation: bundle.to_vec(),
    })
    .unwrap()
}

/// Gives an HSM the fixed cluster keys.
fn with_masking_key(keys: Keys, masking_key: [u8; 32]) -> Keys {
    let masking_key = SecretKey::from_slice(&masking_key, "test").unwrap();
    let certificate_key = KeyPair::from_pkcs8(&RSA_PKCS8).unwrap();
    let cluster = ClusterKeys::new(masking_key, 1, certificate_key).unwrap();
    assert!(keys.cluster.set(cluster).is_ok());
    keys
}

/// An HSM with the fixed cluster keys and no identity.
fn keyed(cluster_id: &str, hsm_id: &str) -> Keys {
    with_masking_key(bare(cluster_id, hsm_id), MASKING_KEY)
}

/// An HSM with an identity and the fixed cluster keys.
fn member() -> Keys {
    let keys = keyed(CLUSTER, HSM);
    keys.create_identity().unwrap();
    keys
}

/// The text of a refusal for integrity.
fn integrity<T: Debug>(result: Result<T>) -> String {
    let error = result.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Integrity, "{error}");
    error.text.into_owned()
}

/// A refusal that is not for integrity.
fn refused<T: Debug>(result: Result<T>) -> Error {
    let error = result.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Refused, "{error}");
    error
}

/// Every copy of the bytes with one bit flipped.
fn flipped(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> + '_ {
    (0..bytes.len() * 8).map(|bit| {
        let mut copy = bytes.to_vec();
        copy[bit / 8] ^= 1 << (bit % 8);
        copy
    })
}

#[test]
fn what_needs_an_identity_or_cluster_keys_says_so_without_them() {
    let keys = bare(CLUSTER, HSM);
    assert!(refused(keys.serial_number()).text.contains("no identity yet"));
    assert!(refused(keys.identity_statement()).text.contains("no identity yet"));
    assert!(refused(keys.seal_envelope(OTHER_HSM, b"")).text.contains("no identity yet"));
    assert!(!keys.has_cluster_keys());
    assert!(refused(keys.seal_rule("user/alice", 1, b"")).text.contains("no cluster keys yet"));
    assert!(refused(keys.seal_recovery_envelope()).text.contains("no cluster keys yet"));
    assert!(refused(keys.make_verifier(b"password")).text.contains("no cluster keys yet"));
    assert!(refused(keys.advance_head(None, &[])).text.contains("no cluster keys yet"));
}

#[test]
fn an_identity_and_cluster_keys_come_once() {
    let keys = bare(CLUSTER, HSM);
    let sealed = keys.create_identity().unwrap();
    assert!(refused(keys.create_identity()).text.contains("has an identity already"));
    assert!(refused(keys.open_identity(&sealed)).text.contains("has an identity already"));
    keys.create_cluster_keys().unwrap();
    assert!(keys.has_cluster_keys());
    assert!(refused(keys.create_cluster_keys()).text.contains("holds cluster keys already"));
}

#[test]
fn a_wrong_root_key_is_refused_by_name() {
    let result = Keys::open(Config {
        cluster_id: CLUSTER.into(),
        hsm_id: HSM.into(),
        root_key: Secret::new(vec![0; 32]),
        installation: BUNDLE.clone(),
    });
    assert_eq!(integrity(result), "the root key does not open this installation");
}

#[test]
fn printing_keys_shows_no_key() {
    assert_eq!(
        format!("{:?}", keyed(CLUSTER, HSM)),
        "Keys { cluster_id: \"cluster-aaaaaaaaaaa\", hsm_id: \"hsm-aaaaaaaaaaa\", has_identity: false, \
         has_cluster_keys: true, .. }"
    );
}
