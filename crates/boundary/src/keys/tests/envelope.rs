//! Member and recovery envelopes.

use super::super::envelope::{Envelope, EnvelopeBody};
use super::*;
use strongroom_wire::Message;

/// A joiner with an identity.
fn joiner(cluster_id: &str, hsm_id: &str) -> Keys {
    let keys = bare(cluster_id, hsm_id);
    keys.create_identity().unwrap();
    keys
}

/// The joiner's identity once more, without cluster keys.
fn restarted(keys: &Keys, sealed: &[u8]) -> Keys {
    let again = bare(&keys.cluster_id, &keys.hsm_id);
    again.open_identity(sealed).unwrap();
    again
}

#[test]
fn a_joiner_gets_the_cluster_keys() {
    let member = member();
    let joiner = joiner(CLUSTER, OTHER_HSM);
    let envelope = member.seal_envelope(OTHER_HSM, &joiner.identity_statement().unwrap()).unwrap();
    joiner.open_envelope(&envelope).unwrap();
    let sealed = member.seal_object(1, 1, b"public", b"material").unwrap();
    assert_eq!(*joiner.open_object(1, 1, b"public", &sealed).unwrap(), b"material");
    assert_eq!(
        member.certificates("FIPS").unwrap()[0].1.len(),
        joiner.certificates("FIPS").unwrap()[0].1.len(),
        "the same cluster certificate key"
    );
    assert!(refused(joiner.open_envelope(&envelope)).text.contains("holds cluster keys already"));
}

#[test]
fn a_member_makes_an_envelope_for_itself_and_restarts_from_it() {
    let keys = keyed(CLUSTER, HSM);
    let identity = keys.create_identity().unwrap();
    let envelope = keys.seal_envelope(HSM, &keys.identity_statement().unwrap()).unwrap();
    let again = restarted(&keys, &identity);
    again.open_envelope(&envelope).unwrap();
    let sealed = keys.seal_rule("user/alice", 1, b"rules").unwrap();
    assert_eq!(*again.open_rule("user/alice", 1, &sealed).unwrap(), b"rules");
}

#[test]
fn a_joiner_that_is_not_who_was_asked_for_gets_nothing() {
    let member = member();
    let statement = joiner(CLUSTER, OTHER_HSM).identity_statement().unwrap();
    assert_eq!(
        integrity(member.seal_envelope("hsm-ccccccccccc", &statement)),
        "the statement is of HSM \"hsm-bbbbbbbbbbb\", not of hsm-ccccccccccc"
    );
    let statement = joiner(OTHER_CLUSTER, OTHER_HSM).identity_statement().unwrap();
    assert_eq!(
        integrity(member.seal_envelope(OTHER_HSM, &statement)),
        "the statement is for cluster \"cluster-bbbbbbbbbbb\", not for cluster-aaaaaaaaaaa"
    );
    let foreign = bare_in(&Installation::create(&root_key()).unwrap(), CLUSTER, OTHER_HSM);
    foreign.create_identity().unwrap();
    assert_eq!(
        integrity(member.seal_envelope(OTHER_HSM, &foreign.identity_statement().unwrap())),
        "the identity certificate was not issued by this installation"
    );
    assert!(
        integrity(member.seal_envelope(OTHER_HSM, b"")).starts_with("the identity statement is malformed")
    );
}

#[test]
fn an_envelope_opens_for_its_hsm_cluster_and_identity_only() {
    let member = member();
    let joiner_keys = joiner(CLUSTER, OTHER_HSM);
    let envelope = member.seal_envelope(OTHER_HSM, &joiner_keys.identity_statement().unwrap()).unwrap();
    assert_eq!(
        integrity(joiner(CLUSTER, "hsm-ccccccccccc").open_envelope(&envelope)),
        "the envelope is for another HSM: \"hsm-bbbbbbbbbbb\""
    );
    assert_eq!(
        integrity(joiner(OTHER_CLUSTER, OTHER_HSM).open_envelope(&envelope)),
        "the envelope is for another cluster: \"cluster-aaaaaaaaaaa\""
    );
    assert_eq!(
        integrity(joiner(CLUSTER, OTHER_HSM).open_envelope(&envelope)),
        "the envelope is for another identity of this HSM; ask a member for a new one"
    );
}

#[test]
fn a_relabelled_envelope_is_refused() {
    let member = member();
    let (one, two) = (joiner(CLUSTER, OTHER_HSM), joiner(CLUSTER, "hsm-ccccccccccc"));
    let envelope = member.seal_envelope(OTHER_HSM, &one.identity_statement().unwrap()).unwrap();
    let mut envelope = Envelope::from_bytes(&envelope).unwrap();
    let mut body = EnvelopeBody::from_bytes(&envelope.body).unwrap();
    body.hsm_id = "hsm-ccccccccccc".into();
    body.recipient_public = two.identity.get().unwrap().wrapping_public.clone();
    envelope.body = body.to_bytes();
    let altered = "the envelope was altered: its signature is not by the HSM that it names";
    assert_eq!(integrity(two.open_envelope(&envelope.to_bytes())), altered);
}

#[test]
fn keys_of_an_attackers_choice_are_refused() {
    // An outsider knows the joiner's public statement, the member's too, and can write the store.
    let joiner = joiner(CLUSTER, OTHER_HSM);
    let statement = joiner.identity_statement().unwrap();
    let member_statement = member().identity_statement().unwrap();
    let outsider =
        with_masking_key(bare_in(&Installation::create(&root_key()).unwrap(), CLUSTER, HSM), [0; 32]);
    outsider.create_identity().unwrap();
    let mut accepting = outsider;
    accepting.installation.hardware_root_certificate =
        bare(CLUSTER, HSM).installation.hardware_root_certificate.clone();
    let envelope = accepting.seal_envelope(OTHER_HSM, &statement).unwrap();
    assert_eq!(
        integrity(joiner.open_envelope(&envelope)),
        "the envelope's sealer is not a member: the identity certificate was not issued by this installation"
    );
    let mut relabelled = Envelope::from_bytes(&envelope).unwrap();
    relabelled.sealer = member_statement;
    let altered = "the envelope was altered: its signature is not by the HSM that it names";
    assert_eq!(integrity(joiner.open_envelope(&relabelled.to_bytes())), altered);
    // An HSM of another cluster of the same installation has no say either.
    let mut neighbour = with_masking_key(bare(OTHER_CLUSTER, HSM), [0; 32]);
    neighbour.create_identity().unwrap();
    let own = neighbour.identity_statement().unwrap();
    neighbour.cluster_id = CLUSTER.into();
    let mut envelope =
        Envelope::from_bytes(&neighbour.seal_envelope(OTHER_HSM, &statement).unwrap()).unwrap();
    assert!(
        integrity(joiner.open_envelope(&envelope.to_bytes())).contains("issued for another HSM or cluster")
    );
    envelope.sealer = own;
    assert_eq!(
        integrity(joiner.open_envelope(&envelope.to_bytes())),
        "the envelope was sealed by an HSM of another cluster"
    );
}

#[test]
fn keys_that_are_no_points_of_the_curve_are_refused() {
    let member = member();
    let mut joiner_keys = joiner(CLUSTER, OTHER_HSM);
    let envelope = member.seal_envelope(OTHER_HSM, &joiner_keys.identity_statement().unwrap()).unwrap();
    for no_point in [vec![4; 97], vec![0], vec![]] {
        let envelope = resigned(&member, &envelope, |body| body.ephemeral_public = no_point.clone());
        let text = "the envelope's ephemeral key is not a point of P-384";
        assert_eq!(integrity(joiner_keys.open_envelope(&envelope)), text);
    }
    for no_point in [vec![4; 97], vec![0], vec![]] {
        joiner_keys.identity.get_mut().unwrap().wrapping_public = no_point;
        assert_eq!(
            integrity(member.seal_envelope(OTHER_HSM, &joiner_keys.identity_statement().unwrap())),
            "the statement's wrapping key is not a point of P-384"
        );
    }
}

#[test]
fn what_a_member_signed_must_still_be_sealed_to_the_joiner() {
    let member = member();
    let joiner_keys = joiner(CLUSTER, OTHER_HSM);
    let envelope = member.seal_envelope(OTHER_HSM, &joiner_keys.identity_statement().unwrap()).unwrap();
    let other = member.seal_envelope(OTHER_HSM, &joiner_keys.identity_statement().unwrap()).unwrap();
    let other = EnvelopeBody::from_bytes(&Envelope::from_bytes(&other).unwrap().body).unwrap();
    let mixed = resigned(&member, &envelope, |body| body.sealed = other.sealed.clone());
    assert!(integrity(joiner_keys.open_envelope(&mixed)).starts_with("the envelope was altered"));
    let mixed = resigned(&member, &envelope, |body| body.ephemeral_public = other.ephemeral_public.clone());
    assert!(integrity(joiner_keys.open_envelope(&mixed)).starts_with("the envelope was altered"));
    joiner_keys.open_envelope(&resigned(&member, &envelope, |_| {})).unwrap();
}

/// The envelope with an edited body, signed by the member anew.
fn resigned(member: &Keys, envelope: &[u8], edit: impl FnOnce(&mut EnvelopeBody)) -> Vec<u8> {
    let envelope = Envelope::from_bytes(envelope).unwrap();
    let mut body = EnvelopeBody::from_bytes(&envelope.body).unwrap();
    edit(&mut body);
    let body = body.to_bytes();
    let signature =
        member.identity().unwrap().signing.sign(&[&b"strongroom envelope 1\0"[..], &body].concat()).unwrap();
    Envelope { body, signature, sealer: envelope.sealer }.to_bytes()
}

#[test]
fn a_damaged_envelope_is_refused_at_every_byte() {
    let member = member();
    let joiner = joiner(CLUSTER, OTHER_HSM);
    let envelope = member.seal_envelope(OTHER_HSM, &joiner.identity_statement().unwrap()).unwrap();
    for at in (0..envelope.len()).step_by(3) {
        let mut altered = envelope.clone();
        altered[at] ^= 1;
        integrity(joiner.open_envelope(&altered));
        integrity(joiner.open_envelope(&envelope[..at]));
    }
    assert!(!joiner.has_cluster_keys());
}

#[test]
fn a_recovery_envelope_opens_in_its_cluster_and_installation_only() {
    let keys = keyed(CLUSTER, HSM);
    let envelope = keys.seal_recovery_envelope().unwrap();
    let restored = bare(CLUSTER, OTHER_HSM);
    restored.open_recovery_envelope(&envelope).unwrap();
    let sealed = keys.seal_rule("user/alice", 1, b"rules").unwrap();
    assert_eq!(*restored.open_rule("user/alice", 1, &sealed).unwrap(), b"rules");
    let text = integrity(bare(OTHER_CLUSTER, HSM).open_recovery_envelope(&envelope));
    assert!(text.starts_with("the recovery envelope of cluster-bbbbbbbbbbb was altered"), "{text}");
    let foreign = bare_in(&Installation::create(&root_key()).unwrap(), CLUSTER, HSM);
    integrity(foreign.open_recovery_envelope(&envelope));
    for at in (0..envelope.len()).step_by(3) {
        let mut altered = envelope.clone();
        altered[at] ^= 1;
        integrity(bare_in(&BUNDLE, CLUSTER, HSM).open_recovery_envelope(&altered));
    }
}
