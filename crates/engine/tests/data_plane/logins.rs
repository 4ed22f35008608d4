//! Logins: attached with a proof, used by number, ended everywhere.

use std::time::{Duration, Instant};

use aws_lc_rs::signature::Ed25519KeyPair;
use strongroom_engine::Settings;
use strongroom_wire::messages::*;
use strongroom_wire::*;

use crate::support::{Hsm, Login, rv, sign_request};

const RANDOM: RandomRequest = RandomRequest { length: 8 };

#[test]
fn a_login_is_used_only_where_it_is_attached() {
    let hsm = Hsm::start();
    let login = hsm.login(7, Role::CryptoUser);
    let mut attached = hsm.logged_in(&login);
    let mut other = hsm.greeted();
    assert_eq!(rv(attached.call(Operation::Random, 7, &RANDOM)), Rv::OK);
    assert_eq!(rv(attached.call(Operation::Random, 8, &RANDOM)), Rv::USER_NOT_LOGGED_IN);
    assert_eq!(rv(other.call(Operation::Random, 7, &RANDOM)), Rv::USER_NOT_LOGGED_IN);
    assert_eq!(rv(other.call(Operation::HsmInfo, 7, &Empty {})), Rv::USER_NOT_LOGGED_IN);
}

#[test]
fn a_ticket_needs_its_own_key_this_connection_and_its_time() {
    let hsm = Hsm::start();
    let login = hsm.login(7, Role::CryptoUser);
    let mut peer = hsm.greeted();
    let thief = Login { caller: login.caller.clone(), key: Ed25519KeyPair::generate().unwrap() };
    let ticket = hsm.ticket(&login, 1, 600);
    assert_eq!(rv(peer.attach(&thief, &ticket)), Rv::USER_NOT_LOGGED_IN, "a stolen ticket");
    assert_eq!(rv(peer.attach(&thief, &hsm.ticket(&thief, 1, 600))), Rv::USER_NOT_LOGGED_IN, "another key");
    assert_eq!(rv(peer.attach(&login, &hsm.ticket(&login, 1, -1))), Rv::USER_NOT_LOGGED_IN, "expired");
    assert_eq!(rv(peer.attach(&login, &hsm.ticket(&login, 2, 600))), Rv::USER_NOT_LOGGED_IN, "epoch");
    let mut altered = ticket.clone();
    *altered.last_mut().unwrap() ^= 1;
    assert_eq!(rv(peer.attach(&login, &altered)), Rv::USER_NOT_LOGGED_IN, "altered");
    let elsewhere = hsm.greeted();
    let signature = login.key.sign(&attach_message(&elsewhere.exporter(), &ticket)).as_ref().to_vec();
    let replayed = AttachRequest { ticket: ticket.clone(), signature };
    assert_eq!(rv(peer.call(Operation::Attach, 0, &replayed)), Rv::USER_NOT_LOGGED_IN, "replayed");
    assert_eq!(rv(peer.attach(&login, &ticket)), Rv::OK);
}

#[test]
fn a_renewed_ticket_attaches_elsewhere() {
    let hsm = Hsm::start();
    let login = hsm.login(7, Role::CryptoUser);
    let mut peer = hsm.logged_in(&login);
    let body = peer.call(Operation::RenewTicket, 7, &Empty {}).unwrap();
    let renewed = TicketResponse::from_bytes(&body).unwrap();
    assert_eq!(renewed.lifetime_seconds, 600);
    assert_eq!(rv(hsm.greeted().attach(&login, &renewed.ticket)), Rv::OK);
    assert_eq!(rv(peer.call(Operation::RenewTicket, 0, &Empty {})), Rv::USER_NOT_LOGGED_IN);
}

#[test]
fn a_removed_login_is_refused_at_once_and_its_session_objects_are_gone() {
    let hsm = Hsm::start();
    let login = hsm.login(7, Role::CryptoUser);
    let key = hsm.p256_key(&login);
    let mut peers = [hsm.logged_in(&login), hsm.logged_in(&login)];
    assert_eq!(hsm.boundary.objects.session_object_count(), 2);
    hsm.engine.remove_login(7);
    for peer in &mut peers {
        assert_eq!(rv(peer.call(Operation::Sign, 7, &sign_request(key))), Rv::USER_NOT_LOGGED_IN);
    }
    assert_eq!(hsm.boundary.objects.session_object_count(), 0);
}

#[test]
fn session_objects_outlive_their_last_connection_for_the_linger_time_only() {
    let linger = Duration::from_millis(200);
    let hsm = Hsm::with(Settings { login_linger: linger, ..Settings::default() });
    let login = hsm.login(7, Role::CryptoUser);
    let key = hsm.p256_key(&login);
    drop(hsm.logged_in(&login));
    let mut again = hsm.logged_in(&login);
    std::thread::sleep(2 * linger);
    assert_eq!(rv(again.call(Operation::Sign, 7, &sign_request(key))), Rv::OK, "it came back in time");
    drop(again);
    let began = Instant::now();
    while hsm.boundary.objects.session_object_count() > 0 {
        assert!(began.elapsed() < Duration::from_secs(5));
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(began.elapsed() >= linger / 2);
    assert_eq!(hsm.engine.ended_logins(), [7]);
    assert_eq!(hsm.engine.ended_logins(), [0; 0], "said once");
    let mut late = hsm.logged_in(&login);
    assert_eq!(rv(late.call(Operation::Sign, 7, &sign_request(key))), Rv::KEY_HANDLE_INVALID);
    let key = hsm.p256_key(&login);
    assert_eq!(rv(late.call(Operation::Sign, 7, &sign_request(key))), Rv::OK, "the login goes on");
}

#[test]
fn another_login_does_not_see_the_session_objects() {
    let hsm = Hsm::start();
    let (mine, other) = (hsm.login(7, Role::CryptoUser), hsm.login(8, Role::CryptoUser));
    let key = hsm.p256_key(&mine);
    let mut peer = hsm.logged_in(&mine);
    let ticket = hsm.ticket(&other, 1, 600);
    peer.attach(&other, &ticket).unwrap();
    assert_eq!(rv(peer.call(Operation::Sign, 7, &sign_request(key))), Rv::OK);
    assert_eq!(rv(peer.call(Operation::Sign, 8, &sign_request(key))), Rv::KEY_HANDLE_INVALID);
}

#[test]
fn active_logins_are_those_in_use_or_lately_confirmed() {
    let hsm = Hsm::start();
    let login = hsm.login(7, Role::CryptoUser);
    assert!(hsm.engine.active_logins().is_empty());
    let peer = hsm.logged_in(&login);
    assert_eq!(hsm.engine.active_logins(), [7]);
    drop(peer);
    assert_eq!(hsm.engine.active_logins(), [7]);
    hsm.engine.remove_login(7);
    assert!(hsm.engine.active_logins().is_empty());
}
