//! Requests that wait until the HSM has caught up.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use strongroom_engine::Settings;
use strongroom_wire::messages::*;
use strongroom_wire::*;

use crate::support::{Hsm, answer, rv, sign_request};

const FIND: FindRequest =
    FindRequest { template: Template::new(), after: 0, limit: 10, with_attributes: false };

/// A brain that catches up with `catch_up` whenever it is asked to, until dropped.
struct CatchUp {
    stopping: Arc<AtomicBool>,
    times: Arc<AtomicUsize>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl CatchUp {
    fn start(hsm: &Hsm, catch_up: impl Fn() -> u64 + Send + 'static) -> Self {
        let (engine, stopping, times) = (Arc::clone(&hsm.engine), Arc::default(), Arc::default());
        let (stop, count) = (Arc::<AtomicBool>::clone(&stopping), Arc::<AtomicUsize>::clone(&times));
        let thread = std::thread::spawn(move || {
            while !stop.load(Ordering::SeqCst) {
                if engine.wait_behind(Duration::from_millis(10)) {
                    count.fetch_add(1, Ordering::SeqCst);
                    engine.set_revision(catch_up(), b"head");
                }
            }
        });
        Self { stopping, times, thread: Some(thread) }
    }

    fn times(&self) -> usize {
        self.times.load(Ordering::SeqCst)
    }
}

impl Drop for CatchUp {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::SeqCst);
        self.thread.take().unwrap().join().unwrap();
    }
}

#[test]
fn a_request_above_the_applied_revision_waits_for_it() {
    let hsm = Hsm::start();
    let login = hsm.login(7, Role::CryptoUser);
    let key = hsm.p256_key(&login);
    let mut peer = hsm.logged_in(&login);
    peer.revision = 3;
    peer.send(Operation::Sign, 7, &sign_request(key).to_bytes());
    assert!(hsm.engine.wait_behind(Duration::from_secs(5)));
    hsm.engine.set_revision(2, b"two");
    assert_eq!(hsm.statistic("parked"), 1);
    hsm.engine.set_revision(3, b"three");
    let frame = peer.receive().unwrap();
    assert_eq!((rv(answer(&frame)), frame.header.revision), (Rv::OK, 3));
}

#[test]
fn a_key_that_another_hsm_made_is_usable_after_a_catch_up() {
    let hsm = Hsm::start();
    let login = hsm.login(7, Role::CryptoUser);
    let (reference, version, record) = hsm.token_key(&login);
    let boundary = Arc::clone(&hsm.boundary);
    let brain = CatchUp::start(&hsm, move || {
        boundary.objects.load(reference, version, &record).unwrap();
        1
    });
    let mut peer = hsm.logged_in(&login);
    let request = CryptRequest {
        key: reference,
        mechanism: MechanismType::AesEcb.code(),
        parameters: None,
        data: vec![0; 16],
    };
    assert_eq!(rv(peer.call(Operation::Encrypt, 7, &request)), Rv::OK);
    assert_eq!(brain.times(), 1);
    assert_eq!(rv(peer.call(Operation::Encrypt, 7, &request)), Rv::OK);
    assert_eq!(brain.times(), 1, "what is known needs no catch-up");
}

#[test]
fn a_catch_up_that_found_nothing_lets_the_request_go_on() {
    let hsm = Hsm::start();
    let login = hsm.login(7, Role::CryptoUser);
    let brain = CatchUp::start(&hsm, || 0);
    let mut peer = hsm.logged_in(&login);
    assert_eq!(rv(peer.call(Operation::Sign, 7, &sign_request(99))), Rv::KEY_HANDLE_INVALID);
    assert_eq!(rv(peer.call(Operation::Find, 7, &FIND)), Rv::OK);
    let asked = AttributesRequest { references: codec::List(vec![99]) };
    let body = peer.call(Operation::Attributes, 7, &asked).unwrap();
    assert!(ObjectsResponse::from_bytes(&body).unwrap().objects.0.is_empty());
    assert_eq!(brain.times(), 3);
}

#[test]
fn an_attach_of_a_login_made_elsewhere_waits_for_it() {
    let hsm = Hsm::start();
    let login = hsm.login(7, Role::CryptoUser);
    hsm.engine.remove_login(7);
    let (engine, caller, key) = (Arc::clone(&hsm.engine), login.caller.clone(), login.client_key());
    let brain = CatchUp::start(&hsm, move || {
        engine.apply_login(caller.clone(), 1, key.clone());
        1
    });
    hsm.logged_in(&login);
    assert_eq!(brain.times(), 1);
    let unknown = hsm.login(9, Role::CryptoUser);
    hsm.engine.remove_login(9);
    let ticket = hsm.ticket(&unknown, 1, 600);
    assert_eq!(rv(hsm.greeted().attach(&unknown, &ticket)), Rv::USER_NOT_LOGGED_IN);
}

#[test]
fn one_catch_up_serves_all_that_wait() {
    let hsm = Hsm::start();
    let login = hsm.login(7, Role::CryptoUser);
    let mut peer = hsm.logged_in(&login);
    for _ in 0..50 {
        peer.send(Operation::Find, 7, &FIND.to_bytes());
    }
    let began = Instant::now();
    while hsm.statistic("parked") < 50 {
        assert!(began.elapsed() < Duration::from_secs(5));
    }
    let brain = CatchUp::start(&hsm, || 0);
    for _ in 0..50 {
        answer(&peer.receive().unwrap()).unwrap();
    }
    assert_eq!(brain.times(), 1);
}

#[test]
fn a_request_parked_past_its_deadline_goes_to_another_hsm() {
    let hsm = Hsm::start();
    let login = hsm.login(7, Role::CryptoUser);
    let mut peer = hsm.logged_in(&login);
    peer.deadline_ms = 100;
    peer.revision = 1_000;
    let began = Instant::now();
    let refused = peer.call(Operation::Random, 7, &RandomRequest { length: 8 }).unwrap_err();
    assert_eq!((refused.rv, refused.retry), (Rv::DEVICE_ERROR.0, RetryClass::Pure as u64));
    assert!(began.elapsed() >= Duration::from_millis(100));
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_frame_without_deadline_has_the_default_one() {
    let hsm = Hsm::with(Settings { default_deadline: Duration::from_millis(50), ..Settings::default() });
    let login = hsm.login(7, Role::CryptoUser);
    let mut peer = hsm.logged_in(&login);
    assert_eq!(rv(peer.call(Operation::Find, 7, &FIND)), Rv::DEVICE_ERROR);
}

#[test]
fn an_older_revision_reported_late_changes_nothing() {
    let hsm = Hsm::start();
    hsm.engine.set_revision(5, b"five");
    hsm.engine.set_revision(4, b"four");
    let hello = hsm.connect().hello().unwrap();
    assert_eq!((hello.revision, hello.head), (5, b"five".to_vec()));
}

/// Made-up references from one login cost a bounded number of catch-ups, one at a time, and others go on signing.
#[test]
fn a_flood_of_unknown_references_costs_one_catch_up_at_a_time_and_not_the_others_signatures() {
    let hsm = Hsm::start();
    let login = hsm.login(7, Role::CryptoUser);
    let key = hsm.p256_key(&login);
    let in_work = Arc::new(AtomicUsize::new(0));
    let at_once = Arc::new(AtomicUsize::new(0));
    let (working, most) = (Arc::clone(&in_work), Arc::clone(&at_once));
    let brain = CatchUp::start(&hsm, move || {
        most.fetch_max(working.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(1)); // a read of the store
        working.fetch_sub(1, Ordering::SeqCst);
        1
    });
    let other = hsm.login(8, Role::CryptoUser);
    let began = Instant::now();
    let signed = std::thread::scope(|scope| {
        let floods: Vec<_> = (0..4_u64)
            .map(|number| {
                let (hsm, other) = (&hsm, &other);
                scope.spawn(move || {
                    let mut peer = hsm.logged_in(other);
                    for round in 0..20_u64 {
                        let made_up =
                            |n: u64| sign_request((number << 32 | round << 16 | n) + 1_000).to_bytes();
                        for n in 0..100 {
                            peer.send(Operation::Sign, 8, &made_up(n));
                        }
                        for _ in 0..100 {
                            let refused = answer(&peer.receive().unwrap()).unwrap_err();
                            assert_eq!(Rv(refused.rv), Rv::KEY_HANDLE_INVALID);
                        }
                    }
                })
            })
            .collect();
        let mut peer = hsm.logged_in(&login);
        let mut signed = 0;
        while floods.iter().any(|flood| !flood.is_finished()) {
            assert_eq!(rv(peer.call(Operation::Sign, 7, &sign_request(key))), Rv::OK);
            signed += 1;
        }
        signed
    });
    let (catch_ups, milliseconds) = (brain.times() as u128, began.elapsed().as_millis());
    println!(
        "8,000 unknown references: {catch_ups} catch-ups in {milliseconds} ms, {signed} signatures meanwhile"
    );
    assert_eq!(at_once.load(Ordering::SeqCst), 1);
    assert!(catch_ups <= milliseconds / 5 + 2, "{catch_ups} in {milliseconds} ms");
    assert!(signed > 0);
}

#[test]
fn made_up_revisions_cost_no_more_catch_ups_than_made_up_references() {
    let hsm = Hsm::start();
    let login = hsm.login(7, Role::CryptoUser);
    let key = hsm.p256_key(&login);
    let brain = CatchUp::start(&hsm, || 1);
    let mut peer = hsm.logged_in(&login);
    peer.revision = u64::MAX;
    peer.deadline_ms = 200;
    let began = Instant::now();
    for _ in 0..500 {
        peer.send(Operation::Sign, 7, &sign_request(key).to_bytes());
    }
    for _ in 0..500 {
        assert!(answer(&peer.receive().unwrap()).is_err());
    }
    assert!(brain.times() as u128 <= began.elapsed().as_millis() / 5 + 2, "{} catch-ups", brain.times());
}
