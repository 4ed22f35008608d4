//! Hot requests: who may ask, how many at once, and until when.

use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use strongroom_engine::Settings;
use strongroom_wire::messages::*;
use strongroom_wire::*;

use crate::support::{Hsm, answer, rv, sign_request};

#[test]
fn a_signature_is_made_and_verified() {
    let hsm = Hsm::start();
    let login = hsm.login(7, Role::CryptoUser);
    let key = hsm.p256_key(&login);
    let mut peer = hsm.logged_in(&login);
    let body = peer.call(Operation::Sign, 7, &sign_request(key)).unwrap();
    assert_eq!(CryptResponse::from_bytes(&body).unwrap().data.len(), 64);
}

#[test]
fn a_thousand_requests_at_once_are_each_answered_once() {
    let hsm = Hsm::start();
    let login = Arc::new(hsm.login(7, Role::CryptoUser));
    let key = hsm.p256_key(&login);
    let peers: Vec<_> = (0..4).map(|_| hsm.logged_in(&login)).collect();
    let threads: Vec<_> = peers
        .into_iter()
        .map(|mut peer| {
            let login = Arc::clone(&login);
            std::thread::spawn(move || {
                let body = sign_request(key).to_bytes();
                let first = peer.send(Operation::Ping, 0, &Empty {}.to_bytes());
                let bytes: Vec<u8> =
                    (0..250).flat_map(|_| peer.encode(Operation::Sign, login.id(), &body)).collect();
                peer.stream.write_all(&bytes).unwrap();
                let mut ids: Vec<u64> = (0..251)
                    .map(|_| {
                        let frame = peer.receive().unwrap();
                        answer(&frame).unwrap();
                        frame.header.request_id
                    })
                    .collect();
                ids.sort_unstable();
                assert_eq!(ids, (first..first + 251).collect::<Vec<_>>());
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(hsm.statistic("requests_in_work"), 0);
}

#[test]
fn more_than_may_be_in_work_is_read_later_and_still_answered() {
    let settings = Settings { max_requests_in_work: 4, ..Settings::default() };
    let hsm = Hsm::with(settings);
    let login = hsm.login(7, Role::CryptoUser);
    let key = hsm.p256_key(&login);
    let mut peer = hsm.logged_in(&login);
    let body = sign_request(key).to_bytes();
    for _ in 0..20 {
        let bytes: Vec<u8> = (0..20).flat_map(|_| peer.encode(Operation::Sign, 7, &body)).collect();
        peer.stream.write_all(&bytes).unwrap();
    }
    for _ in 0..400 {
        answer(&peer.receive().unwrap()).unwrap();
    }
}

#[test]
fn short_work_does_not_wait_for_rsa() {
    let hsm = Hsm::start();
    let login = hsm.login(7, Role::CryptoUser);
    let (rsa, p256) = (hsm.rsa_key(&login), hsm.p256_key(&login));
    let mut peer = hsm.logged_in(&login);
    let long = CryptRequest { mechanism: MechanismType::RsaPkcs.code(), ..sign_request(rsa) }.to_bytes();
    let mut bytes: Vec<u8> = (0..300).flat_map(|_| peer.encode(Operation::Sign, 7, &long)).collect();
    bytes.extend(peer.encode(Operation::Sign, 7, &sign_request(p256).to_bytes()));
    peer.stream.write_all(&bytes).unwrap();
    let order: Vec<usize> = (0..301)
        .map(|_| CryptResponse::from_bytes(&answer(&peer.receive().unwrap()).unwrap()).unwrap().data.len())
        .collect();
    let place = order.iter().position(|length| *length == 64).unwrap();
    assert!(place < 150, "the P-256 signature came as number {place}");
}

#[test]
fn the_role_table_is_enforced_for_every_hot_operation() {
    let hsm = Hsm::start();
    let admin = hsm.login(8, Role::Admin);
    let mut peer = hsm.logged_in(&admin);
    for operation in [
        Operation::Sign,
        Operation::Verify,
        Operation::SignRecover,
        Operation::VerifyRecover,
        Operation::Encrypt,
        Operation::Decrypt,
    ] {
        assert_eq!(rv(peer.call(operation, 8, &sign_request(1))), Rv::USER_TYPE_INVALID, "{operation:?}");
        assert_eq!(rv(peer.call(operation, 0, &sign_request(1))), Rv::USER_NOT_LOGGED_IN, "{operation:?}");
    }
    for (login, length, expected) in
        [(8, 2000, Rv::OK), (0, 1024, Rv::OK), (0, 1025, Rv::ARGUMENTS_BAD), (9, 8, Rv::USER_NOT_LOGGED_IN)]
    {
        assert_eq!(
            rv(peer.call(Operation::Random, login, &RandomRequest { length })),
            expected,
            "{login} {length}"
        );
    }
}

#[test]
fn random_bytes_differ_and_have_a_limit() {
    let hsm = Hsm::start();
    hsm.login(7, Role::CryptoUser);
    let login = hsm.login(7, Role::CryptoUser);
    let mut peer = hsm.logged_in(&login);
    let mut random = |length| peer.call(Operation::Random, 7, &RandomRequest { length });
    assert_ne!(random(32).unwrap(), random(32).unwrap());
    let most = HelloResponse::from_bytes(&hsm_hello(&hsm)).unwrap().max_data;
    assert_eq!(RandomResponse::from_bytes(&random(most).unwrap()).unwrap().data.0.len() as u64, most);
    assert_eq!(rv(random(most + 1)), Rv::ARGUMENTS_BAD);
    assert_eq!(rv(random(u64::MAX)), Rv::ARGUMENTS_BAD);
}

fn hsm_hello(hsm: &Hsm) -> Vec<u8> {
    hsm.connect().call(Operation::Hello, 0, &crate::support::hello_request()).unwrap()
}

#[test]
fn a_lease_that_has_run_out_stops_managed_requests_and_after_the_grace_hot_ones() {
    let hsm = Hsm::start();
    let login = hsm.login(7, Role::CryptoUser);
    let key = hsm.p256_key(&login);
    let mut peer = hsm.logged_in(&login);
    hsm.engine.set_offline_grace(60_000);
    hsm.engine.extend_lease(0);
    let refused = peer.call(Operation::HsmInfo, 0, &Empty {}).unwrap_err();
    assert_eq!((refused.rv, refused.retry), (Rv::DEVICE_ERROR.0, RetryClass::Pure as u64));
    assert_eq!(rv(peer.call(Operation::Sign, 7, &sign_request(key))), Rv::OK);
    let find = FindRequest { template: Template::new(), after: 0, limit: 10, with_attributes: false };
    assert_eq!(rv(peer.call(Operation::Find, 7, &find)), Rv::OK, "it serves what it holds");
    hsm.engine.set_offline_grace(0);
    let refused = peer.call(Operation::Sign, 7, &sign_request(key)).unwrap_err();
    assert_eq!((refused.rv, refused.retry), (Rv::DEVICE_ERROR.0, RetryClass::Pure as u64));
    assert_eq!(rv(peer.call(Operation::Ping, 0, &Empty {})), Rv::OK);
    hsm.engine.extend_lease(60_000);
    assert_eq!(rv(peer.call(Operation::Sign, 7, &sign_request(key))), Rv::OK);
}

#[test]
fn shutdown_answers_what_is_in_work() {
    let hsm = Arc::new(Hsm::start());
    let login = hsm.login(7, Role::CryptoUser);
    let key = hsm.rsa_key(&login);
    let mut peer = hsm.logged_in(&login);
    let body = CryptRequest { mechanism: MechanismType::RsaPkcs.code(), ..sign_request(key) }.to_bytes();
    let bytes: Vec<u8> = (0..100).flat_map(|_| peer.encode(Operation::Sign, 7, &body)).collect();
    peer.stream.write_all(&bytes).unwrap();
    let began = Instant::now();
    while hsm.statistic("requests_hot") < 100 {
        assert!(began.elapsed() < Duration::from_secs(10));
    }
    let stopping = Arc::clone(&hsm);
    let stopper = std::thread::spawn(move || stopping.engine.shutdown(Duration::from_secs(10)));
    let mut signatures = 0;
    while let Some(frame) = peer.receive() {
        if frame.header.frame_type == FrameType::Response {
            signatures += 1;
        }
    }
    stopper.join().unwrap();
    assert_eq!(signatures, 100);
}
