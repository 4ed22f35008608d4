//! Samples that were sealed once and must open for ever: `tests/golden/*.hex`, made by the ignored test below.

use std::path::PathBuf;

use super::super::{HeadWrite, LoginGrant};
use super::*;
use strongroom_wire::Role;

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(format!("{name}.hex"))
}

fn sample(name: &str) -> Vec<u8> {
    let text: String = std::fs::read_to_string(path(name)).unwrap().split_whitespace().collect();
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn grant() -> LoginGrant {
    LoginGrant {
        login_id: 0x0123_4567_89ab_cdef,
        username: "alice".into(),
        role: Role::CryptoUser,
        epoch: 3,
        client_key: vec![4; 32],
        expires_at: 1_800_000_000,
    }
}

fn writes() -> [HeadWrite; 2] {
    [
        HeadWrite { key: "user/alice".into(), old_version: None, new_version: Some(1), digest: [1; 32] },
        HeadWrite {
            key: "object/0123456789abcdef".into(),
            old_version: None,
            new_version: Some(2),
            digest: [2; 32],
        },
    ]
}

#[test]
fn records_sealed_by_the_first_version_still_open() {
    let keys = keyed(CLUSTER, HSM);
    assert_eq!(*keys.open_rule("user/alice", 7, &sample("rule")).unwrap(), b"a rule record");
    let object = keys.open_object(0x0123_4567_89ab_cdef, 2, b"public attributes", &sample("object")).unwrap();
    assert_eq!(*object, b"key material");
    assert_eq!(keys.open_ticket(&sample("ticket")).unwrap(), grant());
    assert_eq!(keys.open_anchor(&sample("anchor")).unwrap(), (9, b"a head".to_vec()));
}

#[test]
fn a_password_verifier_of_the_first_version_still_takes_its_password() {
    assert!(keyed(CLUSTER, HSM).verify_password(b"defaultpassword", Some(&sample("verifier"))).unwrap());
}

#[test]
fn a_head_is_the_same_bytes_as_in_the_first_version() {
    let keys = keyed(CLUSTER, HSM);
    let first = keys.advance_head(None, &writes()[..1]).unwrap();
    let second = keys.advance_head(Some(&first), &writes()[1..]).unwrap();
    assert_eq!([first, second].concat(), sample("heads"));
}

#[test]
fn an_installation_identity_and_envelope_of_the_first_version_still_open() {
    let keys = bare_in(&sample("installation"), CLUSTER, HSM);
    keys.open_identity(&sample("identity")).unwrap();
    keys.open_envelope(&sample("envelope")).unwrap();
    assert_eq!(*keys.open_rule("user/alice", 7, &sample("rule")).unwrap(), b"a rule record");
    let restored = bare_in(&sample("installation"), CLUSTER, OTHER_HSM);
    restored.open_recovery_envelope(&sample("recovery-envelope")).unwrap();
    assert_eq!(*restored.open_rule("user/alice", 7, &sample("rule")).unwrap(), b"a rule record");
    let secret = keys.installation.open_sealed("access-key/A", &sample("service-secret")).unwrap();
    assert_eq!(*secret, b"a secret");
}

#[test]
fn a_keyed_digest_is_the_same_as_in_the_first_version() {
    let keys = keyed(CLUSTER, HSM);
    let digests = [keys.audit_mac(b"entry").unwrap(), keys.request_digest(5, b"body").unwrap()];
    assert_eq!(digests.concat(), sample("digests"));
}

/// Run by hand when a format is added: `cargo test --release -p strongroom-boundary golden -- --ignored`. It writes only
/// what is not there yet, so that it cannot thaw what is frozen.
#[test]
#[ignore = "writes missing golden files"]
fn missing_golden_files_are_written() {
    let keys = keyed(CLUSTER, HSM);
    let put = |name: &str, bytes: Vec<u8>| {
        if !path(name).exists() {
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            let lines: Vec<_> = hex.as_bytes().chunks(96).map(|line| String::from_utf8_lossy(line)).collect();
            std::fs::write(path(name), lines.join("\n") + "\n").unwrap();
        }
    };
    put("rule", keys.seal_rule("user/alice", 7, b"a rule record").unwrap());
    put("object", keys.seal_object(0x0123_4567_89ab_cdef, 2, b"public attributes", b"key material").unwrap());
    put("ticket", keys.issue_ticket(&grant()).unwrap());
    put("anchor", keys.seal_anchor(9, b"a head").unwrap());
    put("verifier", keys.make_verifier(b"defaultpassword").unwrap());
    let first = keys.advance_head(None, &writes()[..1]).unwrap();
    let second = keys.advance_head(Some(&first), &writes()[1..]).unwrap();
    put("heads", [first, second].concat());
    put("digests", [keys.audit_mac(b"entry").unwrap(), keys.request_digest(5, b"body").unwrap()].concat());
    let identity = keys.create_identity().unwrap();
    put("installation", BUNDLE.clone());
    put("identity", identity);
    put("envelope", keys.seal_envelope(HSM, &keys.identity_statement().unwrap()).unwrap());
    put("recovery-envelope", keys.seal_recovery_envelope().unwrap());
    put("service-secret", keys.installation.seal("access-key/A", b"a secret").unwrap());
}
