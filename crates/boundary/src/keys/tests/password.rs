//! Password verifiers.

use super::super::password::WORK_DONE;
use super::*;

#[test]
fn a_verifier_takes_its_password_on_every_hsm_of_the_cluster_only() {
    let keys = keyed(CLUSTER, HSM);
    let verifier = keys.make_verifier(b"correct horse").unwrap();
    assert_eq!(verifier.len(), 89);
    let other_hsm = keyed(CLUSTER, OTHER_HSM);
    assert!(other_hsm.verify_password(b"correct horse", Some(&verifier)).unwrap());
    assert!(!other_hsm.verify_password(b"correct horsf", Some(&verifier)).unwrap());
    assert!(!other_hsm.verify_password(b"", Some(&verifier)).unwrap());
    let foreign = with_masking_key(bare(CLUSTER, HSM), [0; 32]);
    assert!(!foreign.verify_password(b"correct horse", Some(&verifier)).unwrap(), "the pepper is another");
}

#[test]
fn the_same_password_has_another_verifier_each_time() {
    let keys = keyed(CLUSTER, HSM);
    let (one, two) = (keys.make_verifier(b"password").unwrap(), keys.make_verifier(b"password").unwrap());
    assert_ne!(one[9..25], two[9..25]);
    assert_ne!(one[25..], two[25..]);
}

#[test]
fn no_verifier_costs_the_same_work_and_takes_no_password() {
    let keys = keyed(CLUSTER, HSM);
    let verifier = keys.make_verifier(b"password").unwrap();
    let work = |verifier: Option<&[u8]>| {
        let before = WORK_DONE.get();
        assert!(!keys.verify_password(b"wrong", verifier).unwrap());
        WORK_DONE.get() - before
    };
    let known = work(Some(&verifier));
    assert!(known > 0);
    assert_eq!(work(None), known);
}

#[test]
fn a_verifier_that_is_not_one_of_ours_is_refused_before_any_work() {
    let keys = keyed(CLUSTER, HSM);
    let verifier = keys.make_verifier(b"password").unwrap();
    let altered = |at: usize, value: u8| {
        let mut copy = verifier.clone();
        copy[at] = value;
        integrity(keys.verify_password(b"password", Some(&copy)))
    };
    assert!(altered(0, 2).contains("a format that this version does not know"));
    assert!(altered(4, 2).contains("another masking-key epoch"));
    assert!(altered(5, 0xff).contains("an impossible number of iterations"));
    integrity(keys.verify_password(b"password", Some(&verifier[..88])));
    integrity(keys.verify_password(b"password", Some(&[])));
}

#[test]
fn a_verifier_with_fewer_iterations_is_still_checked_with_its_own() {
    let keys = keyed(CLUSTER, HSM);
    let mut verifier = keys.make_verifier(b"password").unwrap();
    verifier[5..9].copy_from_slice(&1000_u32.to_be_bytes());
    assert!(!keys.verify_password(b"password", Some(&verifier)).unwrap());
}
