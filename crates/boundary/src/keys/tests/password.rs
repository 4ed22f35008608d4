//! Password verifiers.

use std::num::NonZeroU32;

use super::super::password::{WORK_DONE, verify, verify_as};
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

/// Nanoseconds of CPU that this thread has used: other programs cannot disturb it much.
fn cpu_nanoseconds() -> i64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a local.
    assert_eq!(unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut now) }, 0);
    now.tv_sec * 1_000_000_000 + now.tv_nsec
}

/// The statistic of Mann and Whitney's U test of two samples of the same size, as a standard normal variable.
fn mann_whitney(one: &[i64], other: &[i64]) -> f64 {
    let count = one.len() as f64;
    let above = |value: &i64| {
        other.iter().map(|against| f64::from(value.cmp(against) as i8) / 2.0 + 0.5).sum::<f64>()
    };
    let u: f64 = one.iter().map(above).sum();
    (u - count * count / 2.0) / (count * count * (2.0 * count + 1.0) / 12.0).sqrt()
}

/// Whether 1,000 tries tell something wrong, such as a password, from an unknown user at the level of 1 %. A check that does the same work for both
/// is told apart by chance in one run of a hundred, so only three runs that all do count: one in a million.
pub(super) fn can_be_told_apart(check: impl Fn(Option<&[u8]>), known: &[u8]) -> bool {
    let run = || {
        let time = |stored: Option<&[u8]>| {
            let before = cpu_nanoseconds();
            check(stored);
            cpu_nanoseconds() - before
        };
        let (mut wrong, mut unknown) = (Vec::new(), Vec::new());
        for pair in 0..500 {
            // Each goes first in turn, so that being second is no difference.
            if pair % 2 == 0 {
                wrong.push(time(Some(known)));
                unknown.push(time(None));
            } else {
                unknown.push(time(None));
                wrong.push(time(Some(known)));
            }
        }
        let statistic = mann_whitney(&wrong, &unknown);
        println!("something wrong against nothing there: z = {statistic:.2}");
        statistic.abs() > 2.576
    };
    (0..3).all(|_| run())
}

#[test]
fn the_time_of_a_check_does_not_tell_an_unknown_user_from_a_wrong_password() {
    // Few iterations, so that whatever else the two ways do is a larger part of the time.
    let iterations = NonZeroU32::new(1_000).unwrap();
    let keys = keyed(CLUSTER, HSM);
    let mut known = keys.make_verifier(b"password").unwrap();
    known[5..9].copy_from_slice(&iterations.get().to_be_bytes());
    let cluster = keys.cluster().unwrap();
    let (pepper, epoch) = (&cluster.password_pepper, cluster.epoch);
    let ours = |stored: Option<&[u8]>| {
        assert!(!verify_as(iterations, pepper, epoch, b"wrong", stored).unwrap());
    };
    assert!(!can_be_told_apart(ours, &known));
    let in_a_hurry = |stored: Option<&[u8]>| {
        if stored.is_some() {
            ours(stored);
        }
    };
    assert!(can_be_told_apart(in_a_hurry, &known), "the test would not notice a short cut");
}

#[test]
fn a_check_costs_what_the_decision_says() {
    let keys = keyed(CLUSTER, HSM);
    let cluster = keys.cluster().unwrap();
    let taken = (0..3).map(|_| {
        let before = cpu_nanoseconds();
        assert!(!verify(&cluster.password_pepper, cluster.epoch, b"wrong", None).unwrap());
        cpu_nanoseconds() - before
    });
    let best = taken.min().unwrap() as f64 / 1e6;
    println!("a password check takes {best:.1} ms of CPU; the aim is at most 50");
    assert!((1.0..1_000.0).contains(&best), "{best} ms");
}
