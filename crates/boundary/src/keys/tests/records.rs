//! Rule and key records, anchors, audit MACs, request digests.

use super::*;

#[test]
fn a_rule_record_opens_at_its_key_and_version_in_its_cluster_only() {
    let sealed = keyed(CLUSTER, HSM).seal_rule("user/alice", 3, b"rules").unwrap();
    let other_hsm = keyed(CLUSTER, OTHER_HSM);
    assert_eq!(*other_hsm.open_rule("user/alice", 3, &sealed).unwrap(), b"rules");
    assert!(
        integrity(other_hsm.open_rule("user/mallory", 3, &sealed)).starts_with("user/mallory was altered")
    );
    assert!(integrity(other_hsm.open_rule("user/alice", 2, &sealed)).starts_with("user/alice was altered"));
    integrity(keyed(OTHER_CLUSTER, HSM).open_rule("user/alice", 3, &sealed));
    integrity(with_masking_key(bare(CLUSTER, HSM), [0; 32]).open_rule("user/alice", 3, &sealed));
}

#[test]
fn a_key_record_opens_with_its_reference_version_and_public_part_only() {
    let keys = keyed(CLUSTER, HSM);
    let sealed = keys.seal_object(0xab, 1, b"public", b"material").unwrap();
    assert_eq!(*keys.open_object(0xab, 1, b"public", &sealed).unwrap(), b"material");
    let text = integrity(keys.open_object(0xac, 1, b"public", &sealed));
    assert!(text.starts_with("object/00000000000000ac was altered"), "{text}");
    integrity(keys.open_object(0xab, 2, b"public", &sealed));
    integrity(keys.open_object(0xab, 1, b"Public", &sealed));
    integrity(keys.open_object(0xab, 1, b"", &sealed));
    for altered in flipped(&sealed) {
        integrity(keys.open_object(0xab, 1, b"public", &altered));
    }
}

#[test]
fn a_rule_record_is_never_a_key_record() {
    let keys = keyed(CLUSTER, HSM);
    let key_record = keys.seal_object(1, 1, b"", b"material").unwrap();
    let text = integrity(keys.open_rule("object/0000000000000001", 1, &key_record));
    assert_eq!(text, "object/0000000000000001 was sealed for another purpose");
    let rule_record = keys.seal_rule("object/0000000000000001", 1, b"material").unwrap();
    integrity(keys.open_object(1, 1, b"", &rule_record));
}

#[test]
fn an_anchor_is_of_one_hsm_of_one_cluster() {
    let keys = bare(CLUSTER, HSM);
    let sealed = keys.seal_anchor(7, b"head").unwrap();
    assert_eq!(keys.open_anchor(&sealed).unwrap(), (7, b"head".to_vec()));
    let text = integrity(bare(CLUSTER, OTHER_HSM).open_anchor(&sealed));
    assert!(text.starts_with("the anchor of hsm-bbbbbbbbbbb in cluster-aaaaaaaaaaa was altered"), "{text}");
    integrity(bare(OTHER_CLUSTER, HSM).open_anchor(&sealed));
    for altered in flipped(&sealed) {
        integrity(keys.open_anchor(&altered));
    }
    for length in 0..sealed.len() {
        integrity(keys.open_anchor(&sealed[..length]));
    }
}

#[test]
fn audit_macs_and_request_digests_are_keyed_and_the_same_on_every_hsm() {
    let (one, two) = (keyed(CLUSTER, HSM), keyed(CLUSTER, OTHER_HSM));
    let foreign = with_masking_key(bare(CLUSTER, HSM), [0; 32]);
    assert_eq!(one.audit_mac(b"entry").unwrap(), two.audit_mac(b"entry").unwrap());
    assert_ne!(one.audit_mac(b"entry").unwrap(), one.audit_mac(b"entrY").unwrap());
    assert_ne!(one.audit_mac(b"entry").unwrap(), foreign.audit_mac(b"entry").unwrap());
    assert_eq!(one.request_digest(5, b"body").unwrap(), two.request_digest(5, b"body").unwrap());
    assert_ne!(one.request_digest(5, b"body").unwrap(), one.request_digest(6, b"body").unwrap());
    assert_ne!(one.request_digest(5, b"body").unwrap(), foreign.request_digest(5, b"body").unwrap());
}
