//! Heads and the index digest.

use super::super::HeadWrite;
use super::*;

fn write(key: &str, old: Option<u64>, new: Option<u64>) -> HeadWrite {
    HeadWrite { key: key.into(), old_version: old, new_version: new, digest: [9; 32] }
}

fn entries(list: &[(&str, u64)]) -> Vec<(String, u64)> {
    list.iter().map(|(key, version)| ((*key).into(), *version)).collect()
}

#[test]
fn a_head_follows_from_the_one_before_on_every_hsm() {
    let (one, two) = (keyed(CLUSTER, HSM), keyed(CLUSTER, OTHER_HSM));
    let writes = [write("user/alice", None, Some(1)), write("object/1", None, Some(1))];
    let first = one.advance_head(None, &writes).unwrap();
    two.verify_head(None, &writes, &first).unwrap();
    assert_eq!(two.head_revision(&first).unwrap(), 1);
    let later = [write("user/alice", Some(1), Some(2)), write("object/1", Some(1), None)];
    let second = two.advance_head(Some(&first), &later).unwrap();
    one.verify_head(Some(&first), &later, &second).unwrap();
    assert_eq!(one.head_revision(&second).unwrap(), 2);
    assert!(one.verify_index(&second, &entries(&[("user/alice", 2)])).unwrap());
}

#[test]
fn a_changed_dropped_or_reordered_commit_is_noticed() {
    let keys = keyed(CLUSTER, HSM);
    let writes = [write("user/alice", None, Some(1)), write("user/bob", None, Some(1))];
    let head = keys.advance_head(None, &writes).unwrap();
    let text = "the head does not follow from the head before it and the commit's writes";
    let mut other_record = writes.clone();
    other_record[0].digest[0] ^= 1;
    assert_eq!(integrity(keys.verify_head(None, &other_record, &head)), text);
    assert_eq!(integrity(keys.verify_head(None, &writes[..1], &head)), text);
    let reordered = [writes[1].clone(), writes[0].clone()];
    assert_eq!(integrity(keys.verify_head(None, &reordered, &head)), text);
    let next = [write("user/carol", None, Some(1))];
    let second = keys.advance_head(Some(&head), &next).unwrap();
    assert_eq!(integrity(keys.verify_head(None, &next, &second)), text);
    let other_past = keys.advance_head(None, &[write("user/mallory", None, Some(1))]).unwrap();
    assert_eq!(integrity(keys.verify_head(Some(&other_past), &next, &second)), text);
}

#[test]
fn a_head_that_was_altered_or_is_of_another_cluster_is_refused() {
    let keys = keyed(CLUSTER, HSM);
    let head = keys.advance_head(None, &[write("user/alice", None, Some(1))]).unwrap();
    assert_eq!(head.len(), 117);
    for altered in flipped(&head) {
        integrity(keys.head_revision(&altered));
        integrity(keys.advance_head(Some(&altered), &[]));
        integrity(keys.verify_index(&altered, &[]));
    }
    for length in 0..head.len() {
        integrity(keys.head_revision(&head[..length]));
    }
    let text = "the head was altered or is of another cluster: its MAC is wrong";
    assert_eq!(integrity(keyed(OTHER_CLUSTER, HSM).head_revision(&head)), text);
    assert_eq!(integrity(with_masking_key(bare(CLUSTER, HSM), [0; 32]).head_revision(&head)), text);
}

#[test]
fn the_index_notices_a_deleted_a_resurrected_a_rolled_back_and_a_doubled_record() {
    let keys = keyed(CLUSTER, HSM);
    let first = keys
        .advance_head(
            None,
            &[
                write("user/alice", None, Some(1)),
                write("user/bob", None, Some(1)),
                write("user/carol", None, Some(1)),
            ],
        )
        .unwrap();
    let head = keys
        .advance_head(
            Some(&first),
            &[write("user/alice", Some(1), Some(2)), write("user/carol", Some(1), None)],
        )
        .unwrap();
    let is = |list: &[(&str, u64)]| keys.verify_index(&head, &entries(list)).unwrap();
    assert!(is(&[("user/alice", 2), ("user/bob", 1)]));
    assert!(is(&[("user/bob", 1), ("user/alice", 2)]), "in any order");
    assert!(!is(&[("user/alice", 2)]), "deleted");
    assert!(!is(&[("user/alice", 2), ("user/bob", 1), ("user/carol", 1)]), "resurrected");
    assert!(!is(&[("user/alice", 1), ("user/bob", 1)]), "rolled back");
    assert!(!is(&[("user/alice", 2), ("user/bob", 1), ("user/bob", 1)]), "doubled");
    assert!(!is(&[("user/alice", 1), ("user/bob", 2)]), "versions swapped");
    assert!(!is(&[]));
}

#[test]
fn heads_do_not_show_the_summands_of_records() {
    // Adding the same record to two histories changes the digest by different amounts.
    let keys = keyed(CLUSTER, HSM);
    let difference = |past: &str| {
        let first = keys.advance_head(None, &[write(past, None, Some(1))]).unwrap();
        let second = keys.advance_head(Some(&first), &[write("user/bob", None, Some(1))]).unwrap();
        second[21..53].iter().zip(&first[21..53]).map(|(two, one)| two.wrapping_sub(*one)).collect::<Vec<_>>()
    };
    assert_ne!(difference("user/alice"), difference("user/carol"));
}

#[test]
fn the_same_commit_gives_the_same_head() {
    let keys = keyed(CLUSTER, HSM);
    let writes = [write("user/alice", None, Some(1))];
    assert_eq!(keys.advance_head(None, &writes).unwrap(), keys.advance_head(None, &writes).unwrap());
}

#[test]
fn a_write_that_cannot_be_is_refused_by_name() {
    let keys = keyed(CLUSTER, HSM);
    let head = keys.advance_head(None, &[write("user/alice", None, Some(2))]).unwrap();
    let text = |writes: &[HeadWrite]| refused(keys.advance_head(Some(&head), writes)).text.into_owned();
    assert_eq!(
        text(&[write("user/bob", None, None)]),
        "the write to user/bob has neither an old nor a new version"
    );
    assert_eq!(
        text(&[write("user/alice", Some(2), Some(2))]),
        "the write to user/alice does not raise the version: 2 to 2"
    );
    assert_eq!(
        text(&[write("user/alice", Some(2), None), write("user/bob", Some(1), None)]),
        "the write to user/bob deletes more than there is"
    );
}

#[test]
fn a_sum_carries_and_borrows_through_all_limbs() {
    use super::super::head::Sum;
    let largest = Sum::from_bytes(&[0xff; 32]);
    let mut one = [0; 32];
    one[31] = 1;
    let mut sum = largest;
    sum.add(&Sum::from_bytes(&one));
    assert_eq!(sum.to_bytes(), [0; 32]);
    sum.subtract(&Sum::from_bytes(&one));
    assert_eq!(sum.to_bytes(), [0xff; 32]);
    let mut order = [0; 32];
    order[0] = 1;
    order[31] = 2;
    assert_eq!(Sum::from_bytes(&order).to_bytes(), order);
}
