//! Signatures over checkpoints, checked along the certificates that are shown with them.

use super::super::certificates::{parse, verify_p384};
use super::*;

const CONTEXT: &[u8] = b"strongroom checkpoint 1\0";

#[test]
fn a_checkpoint_verifies_along_the_certificates_up_to_the_hardware_root() {
    let keys = member();
    let signature = keys.sign_checkpoint(b"checkpoint").unwrap();
    let [identity, host, root] = keys.identity_certificates().unwrap();
    let (identity, host) = (parse(&identity, "identity").unwrap(), parse(&host, "host").unwrap());
    let root = parse(&root, "root").unwrap();
    host.verify_signature(Some(root.public_key())).unwrap();
    identity.verify_signature(Some(host.public_key())).unwrap();
    root.verify_signature(None).unwrap();
    let public = &identity.public_key().subject_public_key.data;
    assert!(verify_p384(public, &[CONTEXT, b"checkpoint"].concat(), &signature));
    assert!(!verify_p384(public, &[CONTEXT, b"another"].concat(), &signature));
    assert!(!verify_p384(public, b"checkpoint", &signature));
}

#[test]
fn a_signed_checkpoint_is_no_statement_and_no_envelope() {
    let keys = member();
    let identity = &keys.identity().unwrap().signing;
    for context in [&b"strongroom identity statement 1\0"[..], b"strongroom envelope 1\0"] {
        let signature = keys.sign_checkpoint(b"body").unwrap();
        assert!(!verify_p384(identity.public(), &[context, b"body"].concat(), &signature));
    }
}

#[test]
fn without_an_identity_there_is_nothing_to_sign_with() {
    let keys = keyed(CLUSTER, HSM);
    for error in [keys.sign_checkpoint(b"").unwrap_err(), keys.identity_certificates().unwrap_err()] {
        assert_eq!(error.kind, ErrorKind::Refused);
        assert!(error.text.starts_with("this HSM has no identity yet"), "{error}");
    }
}
