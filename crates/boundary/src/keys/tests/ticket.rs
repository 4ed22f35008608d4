//! Login ids, tickets and attaching.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use strongroom_wire::messages::attach_message;
use strongroom_wire::{Role, Rv};

use super::super::{LoginGrant, TICKET_LIFETIME_SECONDS};
use super::*;

fn grant(client_key: &[u8]) -> LoginGrant {
    LoginGrant {
        login_id: 42,
        username: "alice".into(),
        role: Role::CryptoUser,
        epoch: 3,
        client_key: client_key.to_vec(),
        expires_at: 1_800_000_000 + TICKET_LIFETIME_SECONDS,
    }
}

#[test]
fn a_ticket_opens_on_every_hsm_of_the_cluster() {
    let ticket = keyed(CLUSTER, HSM).issue_ticket(&grant(&[1; 32])).unwrap();
    assert_eq!(keyed(CLUSTER, OTHER_HSM).open_ticket(&ticket).unwrap(), grant(&[1; 32]));
}

#[test]
fn an_altered_truncated_or_foreign_ticket_is_no_login() {
    let keys = keyed(CLUSTER, HSM);
    let ticket = keys.issue_ticket(&grant(&[1; 32])).unwrap();
    let no_login = |keys: &Keys, ticket: &[u8]| {
        assert_eq!(refused(keys.open_ticket(ticket)).rv, Rv::USER_NOT_LOGGED_IN);
    };
    for altered in flipped(&ticket) {
        no_login(&keys, &altered);
    }
    for length in 0..ticket.len() {
        no_login(&keys, &ticket[..length]);
    }
    no_login(&keyed(OTHER_CLUSTER, HSM), &ticket);
    no_login(&with_masking_key(bare(CLUSTER, HSM), [0; 32]), &ticket);
    no_login(&keys, &keys.seal_rule("login/42", 1, b"rules").unwrap());
}

#[test]
fn a_login_is_attached_by_its_client_key_to_one_connection_only() {
    let keys = keyed(CLUSTER, HSM);
    let client = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
    let other = Ed25519KeyPair::from_seed_unchecked(&[8; 32]).unwrap();
    let grant = grant(client.public_key().as_ref());
    let exporter = [5; 32];
    let signature = client.sign(&attach_message(&exporter, b"ticket"));
    keys.verify_attach(&grant, &exporter, b"ticket", signature.as_ref()).unwrap();
    let no_login = |exporter: &[u8; 32], ticket: &[u8], signature: &[u8]| {
        let error = refused(keys.verify_attach(&grant, exporter, ticket, signature));
        assert_eq!(error.rv, Rv::USER_NOT_LOGGED_IN);
    };
    no_login(&[6; 32], b"ticket", signature.as_ref());
    no_login(&exporter, b"another", signature.as_ref());
    no_login(&exporter, b"ticket", other.sign(&attach_message(&exporter, b"ticket")).as_ref());
    no_login(&exporter, b"ticket", b"");
    for altered in flipped(signature.as_ref()) {
        no_login(&exporter, b"ticket", &altered);
    }
}

#[test]
fn a_grant_with_a_client_key_that_is_none_attaches_nothing() {
    let keys = keyed(CLUSTER, HSM);
    refused(keys.verify_attach(&grant(b""), &[0; 32], b"ticket", &[0; 64]));
    refused(keys.verify_attach(&grant(&[0; 32]), &[0; 32], b"ticket", &[0; 64]));
}

#[test]
fn login_ids_are_positive_and_differ() {
    let keys = bare(CLUSTER, HSM);
    let ids: std::collections::HashSet<u64> = (0..100).map(|_| keys.new_login_id().unwrap()).collect();
    assert_eq!(ids.len(), 100);
    assert!(ids.iter().all(|id| *id != 0 && id >> 63 == 0));
}
