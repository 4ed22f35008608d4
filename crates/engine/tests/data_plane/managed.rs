//! Managed requests: queued for the brain, answered once, refused when they cannot be.

use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use strongroom_engine::{ManagedRequest, Settings};
use strongroom_wire::codec::List;
use strongroom_wire::messages::*;
use strongroom_wire::tables::Lane;
use strongroom_wire::*;

use crate::support::{Hsm, answer, rv};

const SOON: Duration = Duration::from_secs(5);

fn member<'a>(request: &'a ManagedRequest, name: &str) -> &'a Value {
    let Value::Record(members) = &request.body else { panic!("a record") };
    &members.iter().find(|(known, _)| *known == name).unwrap().1
}

fn destroy(reference: u64, request_id: u8) -> DestroyObjectRequest {
    DestroyObjectRequest { reference, request_id: Some(vec![request_id; 16]) }
}

#[test]
fn a_managed_request_makes_its_round_through_the_brain() {
    let hsm = Hsm::start();
    let login = hsm.login(7, Role::CryptoUser);
    let mut peer = hsm.logged_in(&login);
    peer.send(Operation::DestroyObject, 7, &destroy(5, 1).to_bytes());
    let request = hsm.engine.next_request(Lane::General, SOON).unwrap();
    assert_eq!(request.operation, Operation::DestroyObject);
    assert_eq!((request.login_id, request.username.as_str(), request.role), (7, "ann", Role::CryptoUser));
    assert_eq!(request.request_id, Some(vec![1; 16]));
    assert_eq!(member(&request, "reference"), &Value::Unsigned(5));
    assert!(request.peer.starts_with("127.0.0.1:"));
    let left = request.deadline.duration_since(Instant::now());
    assert!(left > Duration::from_secs(8) && left <= Duration::from_secs(10), "{left:?}");
    hsm.engine.respond(request.token, &Empty {}.to_bytes(), 17);
    hsm.engine.respond(request.token, &Empty {}.to_bytes(), 18);
    let frame = peer.receive().unwrap();
    assert_eq!((rv(answer(&frame)), frame.header.revision), (Rv::OK, 17));
    assert_eq!(rv(peer.call(Operation::Ping, 0, &Empty {})), Rv::OK, "the second answer went nowhere");
}

#[test]
fn the_brains_refusal_reaches_the_client_word_for_word() {
    let hsm = Hsm::start();
    let mut peer = hsm.greeted();
    peer.send(Operation::HsmInfo, 0, &Empty {}.to_bytes());
    let request = hsm.engine.next_request(Lane::General, SOON).unwrap();
    assert_eq!((request.login_id, request.username.as_str(), request.role), (0, "", Role::None));
    hsm.engine.respond_error(request.token, Rv::PIN_LOCKED, "Locked.".into(), RetryClass::Never);
    let refused = answer(&peer.receive().unwrap()).unwrap_err();
    assert_eq!(refused, ErrorReply { rv: Rv::PIN_LOCKED.0, text: "Locked.".into(), retry: 4 });
}

#[test]
fn a_login_is_usable_on_its_connection_as_soon_as_it_is_answered() {
    let hsm = Hsm::start();
    let mut peer = hsm.greeted();
    let request = LoginRequest {
        username: "ann".into(),
        role: 1,
        password: Secret::new(b"secret".to_vec()),
        client_key: vec![1; 32],
    };
    peer.send(Operation::Login, 0, &request.to_bytes());
    let request = hsm.engine.next_request(Lane::Login, SOON).unwrap();
    assert_eq!(member(&request, "password"), &Value::Secret(Secret::new(b"secret".to_vec())));
    assert!(!format!("{request:?}").contains("secret\""));
    assert_eq!(hsm.engine.attach_login(request.token, 7).unwrap_err().rv, Rv::USER_NOT_LOGGED_IN);
    hsm.login(7, Role::CryptoUser);
    hsm.engine.attach_login(request.token, 7).unwrap();
    hsm.engine.respond(request.token, &Empty {}.to_bytes(), 1);
    answer(&peer.receive().unwrap()).unwrap();
    assert_eq!(rv(peer.call(Operation::Random, 7, &RandomRequest { length: 8 })), Rv::OK);
}

#[test]
fn repeats_have_one_digest_and_other_requests_another() {
    let hsm = Hsm::start();
    let login = hsm.login(7, Role::CryptoUser);
    let mut peer = hsm.logged_in(&login);
    let mut digest = |request: &DestroyObjectRequest| {
        peer.send(Operation::DestroyObject, 7, &request.to_bytes());
        hsm.engine.next_request(Lane::General, SOON).unwrap().digest
    };
    let first = digest(&destroy(5, 1));
    assert_eq!(first, digest(&destroy(5, 2)));
    assert_ne!(first, digest(&destroy(6, 1)));
}

#[test]
fn what_the_brain_must_not_get_is_refused_before_it() {
    let hsm = Hsm::start();
    let login = hsm.login(7, Role::CryptoUser);
    let mut peer = hsm.logged_in(&login);
    let short_id = DestroyObjectRequest { reference: 5, request_id: Some(vec![1; 15]) };
    assert_eq!(rv(peer.call(Operation::DestroyObject, 7, &short_id)), Rv::ARGUMENTS_BAD);
    let template =
        Template::new().with(AttributeType::Value, AttributeValue::Secret(Secret::new(vec![1; 16])));
    let generate = GenerateKeyRequest {
        mechanism: MechanismType::AesKeyGen.code(),
        template,
        shared_users: List(Vec::new()),
        parameters: None,
        password: None,
        request_id: None,
    };
    assert_eq!(rv(peer.call(Operation::GenerateKey, 7, &generate)), Rv::TEMPLATE_INCONSISTENT);
    // A login that the connection does not have.
    assert_eq!(rv(peer.call(Operation::DestroyObject, 9, &destroy(5, 1))), Rv::USER_NOT_LOGGED_IN);
    assert_eq!(hsm.statistic("managed_waiting"), 0);
}

/// The brain refuses them from the same table, with an audit entry.
#[test]
fn a_managed_request_of_another_role_or_of_nobody_goes_to_the_brain() {
    let hsm = Hsm::start();
    let login = hsm.login(7, Role::CryptoUser);
    let mut peer = hsm.logged_in(&login);
    let create = UserRequest {
        username: "bob".into(),
        role: 1,
        password: Secret::new(b"secret".to_vec()),
        request_id: Some(vec![1; 16]),
    };
    for (login_id, role) in [(7, Role::CryptoUser), (0, Role::None)] {
        peer.send(Operation::UserCreate, login_id, &create.to_bytes());
        let request = hsm.engine.next_request(Lane::Login, SOON).unwrap();
        assert_eq!((request.operation, request.role), (Operation::UserCreate, role));
        hsm.engine.respond_error(request.token, Rv::USER_TYPE_INVALID, "Refused.".into(), RetryClass::Never);
        assert_eq!(rv(answer(&peer.receive().unwrap())), Rv::USER_TYPE_INVALID);
    }
}

#[test]
fn a_key_from_a_password_keeps_no_short_work_waiting() {
    let hsm = Hsm::start();
    let login = hsm.login(7, Role::CryptoUser);
    let mut peer = hsm.logged_in(&login);
    for (password, lane) in [(None, Lane::General), (Some(Secret::new(b"secret".to_vec())), Lane::Slow)] {
        let generate = GenerateKeyRequest {
            mechanism: MechanismType::Pkcs5Pbkd2.code(),
            template: Template::new(),
            shared_users: List(Vec::new()),
            parameters: None,
            password,
            request_id: None,
        };
        peer.send(Operation::GenerateKey, 7, &generate.to_bytes());
        assert!(hsm.engine.next_request(lane, SOON).is_some());
    }
}

#[test]
fn a_full_lane_says_so_and_another_hsm_may_answer() {
    let hsm = Hsm::with(Settings { lane_capacity: 2, ..Settings::default() });
    let mut peer = hsm.greeted();
    for _ in 0..3 {
        peer.send(Operation::HsmInfo, 0, &Empty {}.to_bytes());
    }
    let refused = answer(&peer.receive().unwrap()).unwrap_err();
    assert_eq!((refused.rv, refused.retry), (Rv::FUNCTION_FAILED.0, RetryClass::Pure as u64));
    assert_eq!(refused.text, "The HSM could not queue the request for processing.");
    assert_eq!(hsm.statistic("managed_waiting"), 2);
}

#[test]
fn a_request_that_waited_past_its_deadline_is_not_begun() {
    let hsm = Hsm::start();
    let mut peer = hsm.greeted();
    peer.deadline_ms = 30;
    peer.send(Operation::HsmInfo, 0, &Empty {}.to_bytes());
    std::thread::sleep(Duration::from_millis(60));
    assert!(hsm.engine.next_request(Lane::General, Duration::from_millis(10)).is_none());
    let refused = answer(&peer.receive().unwrap()).unwrap_err();
    assert_eq!(refused.retry, RetryClass::Pure as u64);
}

#[test]
fn each_lane_has_its_own_queue() {
    let hsm = Hsm::start();
    let mut peer = hsm.greeted();
    peer.send(Operation::HsmInfo, 0, &Empty {}.to_bytes());
    assert!(hsm.engine.next_request(Lane::Login, Duration::from_millis(20)).is_none());
    assert!(hsm.engine.next_request(Lane::Slow, Duration::ZERO).is_none());
    assert!(hsm.engine.next_request(Lane::General, SOON).is_some());
}

#[test]
fn an_answer_to_a_closed_connection_is_dropped() {
    let hsm = Hsm::start();
    let mut peer = hsm.greeted();
    peer.send(Operation::HsmInfo, 0, &Empty {}.to_bytes());
    let request = hsm.engine.next_request(Lane::General, SOON).unwrap();
    drop(peer);
    let began = Instant::now();
    while hsm.statistic("connections") > 0 {
        assert!(began.elapsed() < SOON);
    }
    hsm.engine.respond(request.token, &Empty {}.to_bytes(), 1);
    hsm.greeted();
}

#[test]
fn stopping_refuses_what_the_brain_has_not_answered_and_wakes_the_brain() {
    let hsm = Hsm::start();
    let mut peer = hsm.greeted();
    peer.send(Operation::HsmInfo, 0, &Empty {}.to_bytes());
    let engine = Arc::clone(&hsm.engine);
    let brain = std::thread::spawn(move || engine.next_request(Lane::Login, Duration::from_secs(60)));
    while hsm.statistic("managed_waiting") == 0 {}
    hsm.engine.shutdown(Duration::ZERO);
    assert!(brain.join().unwrap().is_none());
    let mut frames = std::iter::from_fn(|| peer.receive());
    let refused = frames.find(|frame| frame.header.frame_type == FrameType::Error).unwrap();
    assert_eq!(rv(answer(&refused)), Rv::DEVICE_REMOVED);
}

fn login_request(username: &str) -> LoginRequest {
    LoginRequest {
        username: username.into(),
        role: 1,
        password: Secret::new(b"secret".to_vec()),
        client_key: vec![1; 32],
    }
}

#[test]
fn a_login_refused_at_once_and_one_refused_after_a_write_are_answered_at_the_same_time() {
    let hsm = Hsm::start();
    let engine = Arc::clone(&hsm.engine);
    let brain = std::thread::spawn(move || {
        for work in [0, 100] {
            let request = engine.next_request(Lane::Login, SOON).unwrap();
            std::thread::sleep(Duration::from_millis(work));
            engine.respond_error(request.token, Rv::PIN_INCORRECT, "No.".into(), RetryClass::Never);
        }
    });
    let mut peer = hsm.greeted();
    let [at_once, after_a_write] = ["unknown", "known"].map(|name| {
        let began = Instant::now();
        assert_eq!(rv(peer.call(Operation::Login, 0, &login_request(name))), Rv::PIN_INCORRECT);
        began.elapsed()
    });
    brain.join().unwrap();
    let earliest = Settings::default().refused_attempt_time;
    assert!(at_once >= earliest && after_a_write >= earliest, "{at_once:?} {after_a_write:?}");
    assert!(at_once.abs_diff(after_a_write) < Duration::from_millis(90), "{at_once:?} {after_a_write:?}");
}

#[test]
fn one_address_has_few_attempts_in_work_and_further_ones_do_not_reach_the_brain() {
    let hsm = Hsm::with(Settings { max_attempts_of_address: 3, ..Settings::default() });
    let mut peer = hsm.greeted();
    for _ in 0..5 {
        peer.send(Operation::Login, 0, &login_request("ann").to_bytes());
    }
    for _ in 0..2 {
        let refused = answer(&peer.receive().unwrap()).unwrap_err();
        assert_eq!((refused.rv, refused.retry), (Rv::FUNCTION_FAILED.0, RetryClass::Pure as u64));
    }
    assert_eq!(hsm.statistic("managed_waiting"), 3);
    for _ in 0..3 {
        let request = hsm.engine.next_request(Lane::Login, SOON).unwrap();
        hsm.engine.respond_error(request.token, Rv::PIN_INCORRECT, "No.".into(), RetryClass::Never);
    }
    (0..3).for_each(|_| assert_eq!(rv(answer(&peer.receive().unwrap())), Rv::PIN_INCORRECT));
    peer.send(Operation::Login, 0, &login_request("ann").to_bytes());
    assert!(hsm.engine.next_request(Lane::Login, SOON).is_some(), "there is room again");
}

#[test]
fn an_attempt_for_which_there_is_no_room_is_refused_no_sooner_than_a_wrong_one_and_too_many_cut_their_connection()
 {
    let hsm = Hsm::with(Settings { max_attempts_of_address: 0, ..Settings::default() });
    let mut peer = hsm.greeted();
    let began = Instant::now();
    let refused = peer.call(Operation::Login, 0, &login_request("ann"));
    assert_eq!(rv(refused), Rv::FUNCTION_FAILED);
    assert!(began.elapsed() >= Settings::default().refused_attempt_time);
    let attempts: Vec<u8> =
        (0..300).flat_map(|_| peer.encode(Operation::Login, 0, &login_request("ann").to_bytes())).collect();
    peer.stream.write_all(&attempts).unwrap();
    assert!(std::iter::from_fn(|| peer.receive()).count() < 300);
    std::thread::sleep(2 * Settings::default().refused_attempt_time); // now the refusals of the old connection are over
    assert_eq!(rv(hsm.greeted().call(Operation::Login, 0, &login_request("ann"))), Rv::FUNCTION_FAILED);
}

#[test]
fn a_login_with_a_token_is_counted_and_its_refusal_held_as_one_with_a_password_alone() {
    let hsm = Hsm::with(Settings { max_attempts_of_address: 1, ..Settings::default() });
    let mut peer = hsm.greeted();
    let request = LoginWithTokenRequest {
        username: "ann".into(),
        role: u64::from(Role::CryptoUser.code()),
        password: Secret::new(b"password".to_vec()),
        client_key: vec![1; 32],
        token: vec![2; 40],
        signature: vec![3; 256],
    };
    let began = Instant::now();
    for _ in 0..2 {
        peer.send(Operation::LoginWithToken, 0, &request.to_bytes());
    }
    let managed = hsm.engine.next_request(Lane::Login, SOON).unwrap();
    let Value::Record(members) = &managed.body else { panic!("it has members") };
    assert!(members.iter().any(|(name, value)| *name == "password" && matches!(value, Value::Secret(_))));
    hsm.engine.respond_error(managed.token, Rv::PIN_INCORRECT, "No.".into(), RetryClass::Never);
    let refusals: Vec<Rv> = (0..2).map(|_| rv(answer(&peer.receive().unwrap()))).collect();
    assert!(refusals.contains(&Rv::PIN_INCORRECT) && refusals.contains(&Rv::FUNCTION_FAILED), "{refusals:?}");
    assert!(began.elapsed() >= Settings::default().refused_attempt_time);
}

#[test]
fn stopping_gives_out_refusals_that_are_held() {
    let hsm = Hsm::with(Settings { refused_attempt_time: Duration::from_secs(600), ..Settings::default() });
    let mut peer = hsm.greeted();
    peer.send(Operation::Login, 0, &login_request("ann").to_bytes());
    let request = hsm.engine.next_request(Lane::Login, SOON).unwrap();
    hsm.engine.respond_error(request.token, Rv::PIN_INCORRECT, "No.".into(), RetryClass::Never);
    hsm.engine.shutdown(Duration::ZERO);
    let mut frames = std::iter::from_fn(|| peer.receive());
    assert!(frames.any(|frame| frame.header.frame_type == FrameType::Error));
}

/// Takes an attempt to log in and says that its check took a second.
fn check(hsm: &Hsm) -> u64 {
    let request = hsm.engine.next_request(Lane::Login, SOON).unwrap();
    assert_eq!(request.operation, Operation::Login);
    hsm.engine.attempt_took(request.token, Duration::from_secs(1));
    request.token
}

fn nobody_may_try(hsm: &Hsm) -> bool {
    hsm.engine.next_request(Lane::Login, Duration::from_millis(50)).is_none()
}

#[test]
fn attempts_wait_once_failed_ones_have_used_their_cpu_time_and_a_right_one_gives_its_time_back() {
    let settings = Settings { attempts_cores: 0.0, attempts_burst: Duration::ZERO, ..Settings::default() };
    let hsm = Hsm::with(settings);
    let login = hsm.login(7, Role::CryptoUser);
    let mut peer = hsm.greeted();
    let mut send = |operation, body: &[u8]| peer.send(operation, 0, body);
    let attempt = login_request("ann").to_bytes();
    send(Operation::Login, &attempt);
    let right = check(&hsm);
    send(Operation::Login, &attempt);
    assert!(nobody_may_try(&hsm), "its second was not given back yet");
    let activate = ActivateRequest {
        username: "admin".into(),
        password: Secret::new(b"secret".to_vec()),
        request_id: None,
    };
    send(Operation::Activate, &activate.to_bytes());
    let other = hsm.engine.next_request(Lane::Login, SOON).unwrap();
    assert_eq!(other.operation, Operation::Activate, "waits for no attempts");

    let engine = Arc::clone(&hsm.engine);
    let brain = std::thread::spawn(move || engine.next_request(Lane::Login, SOON));
    hsm.engine.attach_login(right, login.id()).unwrap();
    let second = brain.join().unwrap().unwrap();
    hsm.engine.attempt_took(second.token, Duration::from_secs(1));
    hsm.engine.respond_error(second.token, Rv::PIN_INCORRECT, "No.".into(), RetryClass::Never);

    // The address is familiar from now on: strangers' failures keep it waiting no more, its own do.
    send(Operation::Login, &attempt);
    check(&hsm);
    send(Operation::Login, &attempt);
    assert!(nobody_may_try(&hsm));
    assert_eq!(hsm.statistic("managed_waiting"), 1);
}

#[test]
fn an_allowance_that_fills_up_lets_the_next_attempt_go_on_by_itself() {
    let settings = Settings { attempts_cores: 10.0, attempts_burst: Duration::ZERO, ..Settings::default() };
    let hsm = Hsm::with(settings);
    let mut peer = hsm.greeted();
    for _ in 0..2 {
        peer.send(Operation::Login, 0, &login_request("ann").to_bytes());
    }
    let began = Instant::now();
    check(&hsm);
    check(&hsm);
    assert!(began.elapsed() >= Duration::from_millis(100), "a second at ten cores");
}

#[test]
fn an_attempt_whose_client_is_gone_is_not_begun() {
    let hsm = Hsm::start();
    let mut peer = hsm.greeted();
    peer.send(Operation::Login, 0, &login_request("ann").to_bytes());
    while hsm.statistic("managed_waiting") == 0 {}
    drop(peer);
    let began = Instant::now();
    while hsm.statistic("connections") > 0 {
        assert!(began.elapsed() < SOON);
    }
    assert!(nobody_may_try(&hsm));
    assert_eq!((hsm.statistic("managed_waiting"), hsm.statistic("requests_in_work")), (0, 0));
}
