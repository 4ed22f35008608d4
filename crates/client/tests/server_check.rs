//! The server check, with certificates from rcgen and from AWS's published `openssl` commands.

#![allow(clippy::unwrap_used)]

mod support;

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use strongroom_client::{Client, Level, Log, Origin, TrustAnchor};
use strongroom_wire::{Operation, Role, Secret};
use support::{Authority, Identity, Shared, TestHsm, config};

/// Logs in at an HSM with this certificate; gives the refusal and how many logins reached it.
fn try_login(anchor_pem: &str, identity: &Identity) -> (Option<strongroom_client::Error>, u64) {
    let shared = Shared::new(|_, _, _| Ok(vec![0x80]));
    let hsm = TestHsm::start("hsm-one", identity, &shared);
    let log = Arc::new(Log::to_standard_error(Level::Off));
    let client = Client::new(config(anchor_pem, vec![hsm.server()]), log).unwrap();
    let outcome = client.login("alice", Role::CryptoUser, Secret::new(b"correct horse".to_vec()));
    (outcome.err(), hsm.count(Operation::Login))
}

fn assert_refused(anchor_pem: &str, identity: &Identity, words: &str) {
    let (error, logins) = try_login(anchor_pem, identity);
    let error = error.unwrap();
    assert_eq!((error.origin, logins), (Origin::ServerCheck, 0), "{error}");
    assert!(error.text.contains(words), "{error}");
}

#[test]
fn a_certificate_signed_by_the_anchor_for_the_cluster_is_accepted() {
    let authority = Authority::new();
    let (error, logins) = try_login(&authority.pem, &authority.issue(support::CLUSTER, (2020, 2040)));
    assert_eq!((error, logins), (None, 1));
}

#[test]
fn a_wrong_anchor_is_refused_before_a_pin_is_sent() {
    // The same name and another key: only the signature tells them apart.
    let (ours, theirs) = (Authority::new(), Authority::new());
    assert_refused(&ours.pem, &theirs.issue(support::CLUSTER, (2020, 2040)), "not signed by the configured");
}

#[test]
fn an_expired_and_a_future_certificate_are_refused() {
    let authority = Authority::new();
    assert_refused(&authority.pem, &authority.issue(support::CLUSTER, (2000, 2001)), "expired");
    assert_refused(&authority.pem, &authority.issue(support::CLUSTER, (2090, 2091)), "valid only from");
}

#[test]
fn another_cluster_of_the_same_customer_ca_is_refused() {
    let authority = Authority::new();
    assert_refused(
        &authority.pem,
        &authority.issue("cluster-other", (2020, 2040)),
        "not for the configured cluster",
    );
}

fn openssl(directory: &Path, arguments: &str) {
    let output = Command::new("openssl").args(arguments.split(' ')).current_dir(directory).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_version_1_certificate_made_by_awss_commands_is_accepted_and_a_small_anchor_is_not() {
    let directory = std::env::temp_dir().join(format!("strongroom-check-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    openssl(&directory, "genrsa -out customerCA.key 2048");
    openssl(
        &directory,
        "req -new -x509 -days 3652 -key customerCA.key -out customerCA.crt -subj /CN=customer",
    );
    openssl(&directory, "genrsa -out hsm.key 2048");
    let subject = format!("-subj /CN=HSM/OU={}", support::CLUSTER);
    openssl(&directory, &format!("req -new -key hsm.key -out hsm.csr {subject}"));
    openssl(
        &directory,
        "x509 -req -days 3652 -in hsm.csr -CA customerCA.crt -CAkey customerCA.key -CAcreateserial -out hsm.crt",
    );
    openssl(&directory, "x509 -in hsm.crt -outform DER -out hsm.der");
    openssl(&directory, "pkcs8 -topk8 -nocrypt -in hsm.key -outform DER -out hsm.p8");
    let identity = Identity {
        certificate: std::fs::read(directory.join("hsm.der")).unwrap(),
        key: std::fs::read(directory.join("hsm.p8")).unwrap(),
    };
    let pem = std::fs::read_to_string(directory.join("customerCA.crt")).unwrap();
    let (error, logins) = try_login(&pem, &identity);
    assert_eq!((error, logins), (None, 1));

    let not_self_signed =
        TrustAnchor::from_pem(&std::fs::read(directory.join("hsm.crt")).unwrap()).unwrap_err();
    assert!(not_self_signed.0.contains("self-signed"), "{not_self_signed}");
    openssl(&directory, "genrsa -out small.key 1024");
    openssl(&directory, "req -new -x509 -sha256 -days 9 -key small.key -out small.crt -subj /CN=small");
    let small = TrustAnchor::from_pem(&std::fs::read(directory.join("small.crt")).unwrap()).unwrap_err();
    assert!(small.0.contains("signed by itself") || small.0.contains("2048"), "{small}");
    assert!(TrustAnchor::from_pem(b"no certificate").is_err());
    std::fs::remove_dir_all(directory).unwrap();
}
