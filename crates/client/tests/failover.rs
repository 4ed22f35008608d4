//! A client against one or two HSMs that fail in all the ways that matter.

#![allow(clippy::unwrap_used)]

mod support;

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use strongroom_client::{Client, Level, Log, Origin};
use strongroom_wire::codec::List;
use strongroom_wire::messages::{
    CryptRequest, CryptResponse, DestroyObjectRequest, Empty, FindRequest, FindResponse, GenerateKeyRequest,
    ObjectView, ObjectsResponse, SESSION_OBJECT_BIT, StreamOpenResponse, TokenResponse, WrapKeyRequest,
};
use strongroom_wire::{MechanismType, Message, Operation, RetryClass, Role, Rv, Secret, Template, Value};
use support::{Answer, Authority, Shared, TestHsm, config};

fn sign_request(key: u64) -> CryptRequest {
    CryptRequest { key, mechanism: 0x1041, parameters: None, data: vec![7; 32] }
}

fn signature() -> Answer {
    Ok(CryptResponse { data: vec![9; 64], iv: None }.to_bytes())
}

fn client(authority: &Authority, hsms: &[&TestHsm]) -> Client {
    let servers = hsms.iter().map(|hsm| hsm.server()).collect();
    Client::new(config(&authority.pem, servers), Arc::new(Log::to_standard_error(Level::Off))).unwrap()
}

fn log_in(client: &Client) {
    client.login("alice", Role::CryptoUser, Secret::new(b"correct horse".to_vec())).unwrap();
}

fn two_hsms(shared: &Arc<Shared>) -> (Authority, TestHsm, TestHsm) {
    let authority = Authority::new();
    let identity = authority.issue(support::CLUSTER, (2020, 2040));
    let one = TestHsm::start("hsm-one", &identity, shared);
    let two = TestHsm::start("hsm-two", &identity, shared);
    (authority, one, two)
}

fn sign(client: &Client) -> strongroom_client::Result<CryptResponse> {
    client.call(Operation::Sign, &sign_request(1))
}

/// Eight threads sign, and none fails, while something happens; gives the longest call in milliseconds.
fn longest_call_during(client: &Client, event: impl FnOnce()) -> u64 {
    let longest = AtomicU64::new(0);
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                while !over.load(Ordering::SeqCst) {
                    let started = Instant::now();
                    sign(client).unwrap();
                    longest.fetch_max(started.elapsed().as_millis() as u64, Ordering::SeqCst);
                }
            });
        }
        thread::sleep(Duration::from_millis(200));
        // Also when it fails: the threads must end for the failure to be told.
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(event));
        over.store(true, Ordering::SeqCst);
        outcome.unwrap_or_else(|failure| std::panic::resume_unwind(failure));
    });
    longest.into_inner()
}

#[test]
fn login_is_needed_and_a_wrong_password_is_refused() {
    let shared = Shared::new(|_, _, _| signature());
    let (authority, one, _two) = two_hsms(&shared);
    let client = client(&authority, &[&one]);
    assert_eq!(sign(&client).unwrap_err().rv, Rv::USER_NOT_LOGGED_IN);
    let refused = client.login("alice", Role::CryptoUser, Secret::new(b"wrong".to_vec())).unwrap_err();
    assert_eq!((refused.rv, refused.origin), (Rv::PIN_INCORRECT, Origin::Hsm));
    log_in(&client);
    assert_eq!(sign(&client).unwrap().data.len(), 64);
    let again = client.login("alice", Role::CryptoUser, Secret::new(b"correct horse".to_vec())).unwrap_err();
    assert_eq!(again.rv, Rv::USER_ALREADY_LOGGED_IN);
    client.logout().unwrap();
    assert_eq!(sign(&client).unwrap_err().rv, Rv::USER_NOT_LOGGED_IN);
}

#[test]
fn threads_share_one_connection_per_hsm_and_both_hsms_get_work() {
    let shared = Shared::new(|_, _, _| {
        // As long as a signature takes: an HSM that answers at once has no share that says anything.
        thread::sleep(Duration::from_micros(200));
        signature()
    });
    let (authority, one, two) = two_hsms(&shared);
    let client = client(&authority, &[&one]);
    log_in(&client);
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| (0..500).for_each(|_| assert_eq!(sign(&client).unwrap().data.len(), 64)));
        }
    });
    let (a, b) = (one.calls.load(Ordering::SeqCst), two.calls.load(Ordering::SeqCst));
    assert_eq!(a + b, 8_000);
    assert!(a.min(b) > 2_400, "{a} {b}");
    assert_eq!((one.count(Operation::Hello), two.count(Operation::Hello)), (1, 1));
}

#[test]
fn losing_one_of_two_hsms_under_load_fails_no_call_and_it_gets_its_share_when_it_is_back() {
    let shared = Shared::new(|_, _, _| signature());
    let (authority, one, two) = two_hsms(&shared);
    let identity = authority.issue(support::CLUSTER, (2020, 2040));
    let client = client(&authority, &[&one, &two]);
    log_in(&client);
    let longest = longest_call_during(&client, || {
        one.kill();
        thread::sleep(Duration::from_millis(700));
        let back = TestHsm::start_at("hsm-one", &identity, &shared, one.address);
        // What a busy machine makes of the first moments says nothing: its share must come, and soon.
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let (before_back, before_two) =
                (back.calls.load(Ordering::SeqCst), two.calls.load(Ordering::SeqCst));
            thread::sleep(Duration::from_millis(300));
            let (calls, others) = (
                back.calls.load(Ordering::SeqCst) - before_back,
                two.calls.load(Ordering::SeqCst) - before_two,
            );
            if calls * 10 >= (calls + others) * 3 {
                break;
            }
            assert!(Instant::now() < deadline, "{calls} of {}", calls + others);
        }
    });
    assert!(longest <= 500, "{longest} ms");
}

/// Signs until both HSMs have had calls.
fn meet_both(client: &Client, one: &TestHsm, two: &TestHsm) {
    while one.calls.load(Ordering::SeqCst) == 0 || two.calls.load(Ordering::SeqCst) == 0 {
        sign(client).unwrap();
    }
}

#[test]
fn a_hung_hsm_costs_one_late_call_is_left_and_is_taken_again_when_it_answers() {
    let shared = Shared::new(|_, _, _| signature());
    let (authority, one, two) = two_hsms(&shared);
    let client = client(&authority, &[&one, &two]);
    log_in(&client);
    meet_both(&client, &one, &two);
    one.hung.store(true, Ordering::SeqCst);
    let started = Instant::now();
    let mut late = 0;
    while client.members().iter().any(|member| member.hsm_id == "hsm-one") {
        let called = Instant::now();
        sign(&client).unwrap();
        late += u32::from(called.elapsed() > Duration::from_millis(90));
        assert!(started.elapsed() < Duration::from_secs(10), "it is not left");
        thread::sleep(Duration::from_millis(1));
    }
    // A busy machine may make further calls late, but far from each second one, as without the suspicion.
    assert!(late <= 5, "{late} late calls");
    one.hung.store(false, Ordering::SeqCst);
    let before = one.calls.load(Ordering::SeqCst);
    let started = Instant::now();
    while one.calls.load(Ordering::SeqCst) < before + 10 {
        sign(&client).unwrap();
        assert!(started.elapsed() < Duration::from_secs(15), "it is not taken again");
    }
}

#[test]
fn a_hung_hsm_under_load_fails_no_call() {
    let shared = Shared::new(|_, _, _| signature());
    let (authority, one, two) = two_hsms(&shared);
    let client = client(&authority, &[&one, &two]);
    log_in(&client);
    let longest = longest_call_during(&client, || {
        one.hung.store(true, Ordering::SeqCst);
        thread::sleep(Duration::from_millis(2_000));
    });
    one.hung.store(false, Ordering::SeqCst);
    println!("longest call {longest} ms");
    assert!(longest < 2_500, "{longest} ms");
}

#[test]
fn an_hsm_that_sends_calls_elsewhere_fails_none_and_is_tried_again() {
    let shared = Shared::new(|_, _, _| signature());
    let (authority, one, two) = two_hsms(&shared);
    let client = client(&authority, &[&one, &two]);
    log_in(&client);
    meet_both(&client, &one, &two);
    one.refuses.store(true, Ordering::SeqCst);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| (0..3_000).for_each(|_| assert_eq!(sign(&client).unwrap().data.len(), 64)));
        }
    });
    one.refuses.store(false, Ordering::SeqCst);
    let (before, started) = (one.calls.load(Ordering::SeqCst), Instant::now());
    while one.calls.load(Ordering::SeqCst) < before + 10 {
        sign(&client).unwrap();
        assert!(started.elapsed() < Duration::from_secs(10), "it is not tried again");
    }
}

#[test]
fn an_hsm_that_cannot_take_a_login_just_now_does_not_end_it() {
    let shared = Shared::new(|_, _, _| signature());
    let (authority, one, two) = two_hsms(&shared);
    let client = client(&authority, &[&one, &two]);
    log_in(&client);
    meet_both(&client, &one, &two);
    one.refuses.store(true, Ordering::SeqCst); // the attach too
    for _ in 0..3 {
        one.cut();
        (0..200).for_each(|_| assert_eq!(sign(&client).unwrap().data.len(), 64));
        thread::sleep(Duration::from_millis(100));
    }
    assert!(client.logged_in().is_some());
    one.refuses.store(false, Ordering::SeqCst);
    meet_both(&client, &one, &two);
}

#[test]
fn the_first_of_two_answers_counts_and_both_hsms_stay() {
    let slow = Arc::new(AtomicBool::new(false));
    let is_slow = Arc::clone(&slow);
    let shared = Shared::new(move |_, _, _| {
        if is_slow.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_millis(250));
        }
        signature()
    });
    let (authority, one, two) = two_hsms(&shared);
    let client = client(&authority, &[&one, &two]);
    log_in(&client);
    meet_both(&client, &one, &two);
    let before = one.calls.load(Ordering::SeqCst) + two.calls.load(Ordering::SeqCst);
    slow.store(true, Ordering::SeqCst);
    let started = Instant::now();
    assert_eq!(sign(&client).unwrap().data.len(), 64);
    assert!(started.elapsed() < Duration::from_secs(5));
    slow.store(false, Ordering::SeqCst);
    while one.calls.load(Ordering::SeqCst) + two.calls.load(Ordering::SeqCst) < before + 2 {
        thread::sleep(Duration::from_millis(5));
    }
    (0..100).for_each(|_| assert!(sign(&client).is_ok()));
    assert_eq!((one.count(Operation::Hello), two.count(Operation::Hello)), (1, 1), "nobody was left");
}

#[test]
fn what_changes_something_and_logins_are_given_to_one_hsm_however_late_it_is() {
    let shared = Shared::new(|operation, _, _| match operation {
        Operation::GenerateKey => {
            thread::sleep(Duration::from_millis(400));
            Ok(ObjectsResponse { objects: List(vec![]) }.to_bytes())
        }
        Operation::WrapKey => {
            thread::sleep(Duration::from_millis(400));
            signature()
        }
        _ => signature(),
    });
    let (authority, one, two) = two_hsms(&shared);
    let client = client(&authority, &[&one, &two]);
    log_in(&client);
    meet_both(&client, &one, &two);
    let request = generate_key();
    let _: ObjectsResponse = client.call(Operation::GenerateKey, &request).unwrap();
    let request = WrapKeyRequest { wrapping_key: 1, mechanism: 0x2109, parameters: None, key: 2 };
    let _: CryptResponse = client.call(Operation::WrapKey, &request).unwrap();
    for operation in [Operation::GenerateKey, Operation::WrapKey, Operation::Login] {
        assert_eq!(one.count(operation) + two.count(operation), 1, "{}", operation.name());
    }
}

fn generate_key() -> GenerateKeyRequest {
    GenerateKeyRequest {
        mechanism: 0x1080,
        template: Template::new(),
        shared_users: List(vec![]),
        parameters: None,
        password: None,
        quorum: None,
        request_id: None,
    }
}

#[test]
fn without_retries_a_call_is_sent_once_and_its_failure_is_told() {
    let tried = Arc::new(AtomicU64::new(0));
    let seen = Arc::clone(&tried);
    let shared = Shared::new(move |_, _, _| match seen.fetch_add(1, Ordering::SeqCst) {
        0 => Err((Rv::FUNCTION_FAILED, RetryClass::Pure)),
        _ => signature(),
    });
    let (authority, one, two) = two_hsms(&shared);
    let mut settings = config(&authority.pem, vec![one.server(), two.server()]);
    settings.retries = false;
    let client = Client::new(settings, Arc::new(Log::to_standard_error(Level::Off))).unwrap();
    log_in(&client);
    assert_eq!(sign(&client).unwrap_err().rv, Rv::FUNCTION_FAILED);
    assert_eq!(tried.load(Ordering::SeqCst), 1);
    sign(&client).unwrap();
    one.kill();
    two.kill();
    assert_eq!(sign(&client).unwrap_err().origin, Origin::Network);
}

#[test]
fn a_create_is_repeated_with_the_same_request_id() {
    let ids: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
    let seen = Arc::clone(&ids);
    let shared = Shared::new(move |operation, _, body| {
        if operation == Operation::GenerateKey {
            let request = GenerateKeyRequest::from_bytes(body).unwrap();
            seen.lock().unwrap().push(request.request_id.unwrap());
            if seen.lock().unwrap().len() == 1 {
                return Err((Rv::DEVICE_ERROR, RetryClass::Pure));
            }
        }
        Ok(ObjectsResponse { objects: List(vec![]) }.to_bytes())
    });
    let (authority, one, two) = two_hsms(&shared);
    let client = client(&authority, &[&one, &two]);
    log_in(&client);
    let request = generate_key();
    let _: ObjectsResponse = client.call(Operation::GenerateKey, &request).unwrap();
    let _: ObjectsResponse = client.call(Operation::GenerateKey, &request).unwrap();
    let ids = ids.lock().unwrap();
    assert_eq!(ids.len(), 3);
    assert_eq!((ids[0].len(), &ids[0]), (16, &ids[1]));
    assert_ne!(ids[1], ids[2]);
}

#[test]
fn a_login_with_a_token_is_repeated_where_nothing_was_done_and_not_when_its_answer_is_lost() {
    let is_first = AtomicBool::new(true);
    let shared = Shared::new(move |operation, _, _| match operation {
        Operation::LoginToken => Ok(TokenResponse { token: vec![7; 40], lifetime_seconds: 600 }.to_bytes()),
        Operation::LoginWithToken if is_first.swap(false, Ordering::SeqCst) => {
            Err((Rv::DEVICE_ERROR, RetryClass::Pure))
        }
        Operation::LoginWithToken => {
            thread::sleep(Duration::from_millis(1_500));
            Err((Rv::PIN_INCORRECT, RetryClass::Never))
        }
        _ => signature(),
    });
    let (authority, one, two) = two_hsms(&shared);
    let client = client(&authority, &[&one, &two]);
    let token = client.login_token("alice", Role::CryptoUser).unwrap();
    assert_eq!(token.token, [7; 40]);
    let lost = thread::scope(|scope| {
        let login = scope.spawn(|| {
            let password = Secret::new(b"correct horse".to_vec());
            client.login_with_token("alice", Role::CryptoUser, password, token, vec![1; 256])
        });
        thread::sleep(Duration::from_millis(700));
        one.cut();
        two.cut();
        login.join().unwrap()
    });
    assert_eq!(lost.unwrap_err().origin, Origin::Network);
    assert_eq!(one.count(Operation::LoginWithToken) + two.count(Operation::LoginWithToken), 2);
    assert_eq!(client.logged_in(), None);
}

#[test]
fn a_final_refusal_is_not_repeated() {
    let shared = Shared::new(|_, _, _| Err((Rv::KEY_HANDLE_INVALID, RetryClass::Never)));
    let (authority, one, two) = two_hsms(&shared);
    let client = client(&authority, &[&one, &two]);
    log_in(&client);
    assert_eq!(sign(&client).unwrap_err().rv, Rv::KEY_HANDLE_INVALID);
    assert_eq!(one.calls.load(Ordering::SeqCst) + two.calls.load(Ordering::SeqCst), 1);
}

#[test]
fn session_objects_are_used_where_they_were_made() {
    let shared = Shared::new(move |operation, _, _| match operation {
        Operation::GenerateKey => {
            let view = ObjectView {
                reference: SESSION_OBJECT_BIT | 77,
                attributes: Template::new(),
                version: 1,
                owner: "alice".into(),
                shared_users: List(vec![]),
                quorum: None,
            };
            Ok(ObjectsResponse { objects: List(vec![view]) }.to_bytes())
        }
        Operation::Find => Ok(FindResponse { objects: List(vec![]), more: false, total: 0 }.to_bytes()),
        Operation::DestroyObject => Ok(Empty {}.to_bytes()),
        _ => signature(),
    });
    let (authority, one, two) = two_hsms(&shared);
    let client = client(&authority, &[&one, &two]);
    log_in(&client);
    while one.calls.load(Ordering::SeqCst) == 0 || two.calls.load(Ordering::SeqCst) == 0 {
        sign(&client).unwrap();
    }
    let request = generate_key();
    let made: ObjectsResponse = client.call(Operation::GenerateKey, &request).unwrap();
    let home = if one.count(Operation::GenerateKey) == 1 { &one } else { &two };
    let before = home.calls.load(Ordering::SeqCst);
    for _ in 0..20 {
        let request = sign_request(made.objects.0[0].reference);
        let _: CryptResponse = client.call(Operation::Sign, &request).unwrap();
        let request = FindRequest { template: Template::new(), after: 0, limit: 1, with_attributes: false };
        let _: FindResponse = client.call(Operation::Find, &request).unwrap();
    }
    assert_eq!(home.calls.load(Ordering::SeqCst) - before, 40);
    home.kill();
    let request = DestroyObjectRequest { reference: made.objects.0[0].reference, request_id: None };
    let started = Instant::now();
    assert!(client.call::<_, Empty>(Operation::DestroyObject, &request).is_err());
    assert!(started.elapsed() < Duration::from_secs(1));
    let request = FindRequest { template: Template::new(), after: 0, limit: 1, with_attributes: false };
    let _: FindResponse = client.call(Operation::Find, &request).unwrap();
}

#[test]
fn a_login_survives_a_cut_connection_and_its_ticket_is_renewed() {
    let shared = Shared::new(|_, _, _| signature());
    shared.ticket_seconds.store(1, Ordering::SeqCst);
    let (authority, one, two) = two_hsms(&shared);
    let client = client(&authority, &[&one, &two]);
    log_in(&client);
    for _ in 0..5 {
        sign(&client).unwrap();
        one.cut();
        two.cut();
    }
    thread::sleep(Duration::from_millis(550));
    sign(&client).unwrap();
    assert_eq!(one.count(Operation::RenewTicket) + two.count(Operation::RenewTicket), 1);
}

#[test]
fn a_login_that_the_hsms_have_forgotten_ends_once_and_a_logout_of_it_does_not_hang() {
    let shared = Shared::new(|_, _, _| signature());
    let (authority, one, two) = two_hsms(&shared);
    let client = client(&authority, &[&one, &two]);
    log_in(&client);
    shared.logins.lock().unwrap().clear();
    one.cut();
    two.cut();
    assert_eq!(sign(&client).unwrap_err().rv, Rv::USER_NOT_LOGGED_IN);
    assert_eq!(client.logged_in(), None);
    log_in(&client);
    shared.logins.lock().unwrap().clear();
    one.cut();
    two.cut();
    client.logout().unwrap();
    assert_eq!(client.logout().unwrap_err().rv, Rv::USER_NOT_LOGGED_IN);
}

#[test]
fn requests_carry_the_newest_revision_that_an_answer_showed() {
    let revisions: Arc<Mutex<HashSet<u64>>> = Arc::default();
    let seen = Arc::clone(&revisions);
    let shared = Shared::new(move |_, header, _| {
        seen.lock().unwrap().insert(header.revision);
        signature()
    });
    let (authority, one, _two) = two_hsms(&shared);
    let client = client(&authority, &[&one]);
    log_in(&client);
    sign(&client).unwrap();
    shared.revision.store(42, Ordering::SeqCst);
    sign(&client).unwrap();
    sign(&client).unwrap();
    assert_eq!(client.revision(), 42);
    assert_eq!(*revisions.lock().unwrap(), HashSet::from([1, 42]));
}

#[test]
fn a_call_by_name_takes_text_for_a_password() {
    let shared = Shared::new(|_, _, _| {
        Ok(strongroom_wire::messages::UserResponse { username: "bob".into(), role: 1 }.to_bytes())
    });
    let (authority, one, _two) = two_hsms(&shared);
    let client = client(&authority, &[&one]);
    log_in(&client);
    let request = Value::Named(vec![
        ("username".into(), Value::Text("bob".into())),
        ("role".into(), Value::Unsigned(1)),
        ("password".into(), Value::Text("secret word".into())),
    ]);
    let Value::Record(members) = client.call_value(Operation::UserCreate, request).unwrap() else { panic!() };
    assert_eq!(members[0], ("username", Value::Text("bob".into())));
    let incomplete = client.call_value(Operation::UserCreate, Value::Named(vec![])).unwrap_err();
    assert_eq!(incomplete.rv, Rv::ARGUMENTS_BAD);
}

#[test]
fn nothing_to_reach_is_said_at_once_and_names_the_address() {
    let authority = Authority::new();
    let server = strongroom_client::Server { hostname: "127.0.0.1".into(), port: 1 };
    let log = Arc::new(Log::to_standard_error(Level::Off));
    let client = Client::new(config(&authority.pem, vec![server]), log).unwrap();
    let started = Instant::now();
    let error = client.connect().unwrap_err();
    assert_eq!(error.origin, Origin::Network);
    assert!(error.text.contains("127.0.0.1:1") && started.elapsed() < Duration::from_secs(1), "{error}");
}

/// Two HSMs that take streams, and a client that is logged in.
fn with_streams() -> (TestHsm, TestHsm, Client) {
    let shared = Shared::new(|operation, _, _| match operation {
        Operation::StreamOpen => Ok(StreamOpenResponse { stream: 1, iv: None }.to_bytes()),
        Operation::StreamUpdate | Operation::StreamFinish => {
            Ok(CryptResponse { data: vec![1], iv: None }.to_bytes())
        }
        Operation::StreamClose => Ok(Empty {}.to_bytes()),
        _ => signature(),
    });
    let (authority, one, two) = two_hsms(&shared);
    let client = client(&authority, &[&one, &two]);
    log_in(&client);
    (one, two, client)
}

fn open_mac(client: &Client) -> strongroom_client::Result<strongroom_client::Stream> {
    client.open_stream(Operation::Sign, 1, MechanismType::AesCmac, None).map(|(stream, _)| stream)
}

#[test]
fn a_stream_goes_on_where_it_began_and_is_lost_with_that_hsm() {
    let (one, two, client) = with_streams();
    let mut stream = open_mac(&client).unwrap();
    for _ in 0..20 {
        client.update_stream(&mut stream, b"data").unwrap();
    }
    let counts = [one.count(Operation::StreamUpdate), two.count(Operation::StreamUpdate)];
    assert!(counts.contains(&20) && counts.contains(&0), "{counts:?}");
    let (home, other) = if counts[0] == 20 { (&one, &two) } else { (&two, &one) };
    home.kill();
    let lost = client.update_stream(&mut stream, b"data").unwrap_err();
    assert_eq!((lost.rv, lost.origin), (Rv::DEVICE_ERROR, Origin::Network));
    assert_eq!(other.count(Operation::StreamUpdate), 0, "no other HSM goes on");
    drop(stream);
    let mut again = open_mac(&client).unwrap();
    client.finish_stream(&mut again, b"data", None).unwrap();
    assert_eq!((other.count(Operation::StreamFinish), other.count(Operation::StreamClose)), (1, 0));
}

#[test]
fn a_stream_that_nobody_needs_is_closed_also_when_a_step_was_refused_before_the_hsm_looked_at_it() {
    let (one, two, client) = with_streams();
    let closed = || one.count(Operation::StreamClose) + two.count(Operation::StreamClose);
    let mut stream = open_mac(&client).unwrap();
    client.update_stream(&mut stream, b"data").unwrap();
    drop(stream);
    assert_eq!(closed(), 1);
    let mut stream = open_mac(&client).unwrap();
    for hsm in [&one, &two] {
        hsm.refuses.store(true, Ordering::SeqCst);
    }
    assert_eq!(client.finish_stream(&mut stream, b"data", None).unwrap_err().origin, Origin::Hsm);
    drop(stream);
    assert_eq!(closed(), 2);
}

#[test]
fn a_stream_is_not_opened_twice_because_an_hsm_is_slow() {
    let (one, two, client) = with_streams();
    one.hung.store(true, Ordering::SeqCst);
    two.hung.store(true, Ordering::SeqCst);
    thread::scope(|scope| {
        let opened = scope.spawn(|| open_mac(&client));
        thread::sleep(Duration::from_millis(1_500));
        one.hung.store(false, Ordering::SeqCst);
        two.hung.store(false, Ordering::SeqCst);
        opened.join().unwrap().unwrap();
    });
    assert_eq!(one.count(Operation::StreamOpen) + two.count(Operation::StreamOpen), 1);
}
