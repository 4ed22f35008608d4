//! Handshakes, frames that are none, slow peers, and the end.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use strongroom_engine::Settings;
use strongroom_wire::messages::*;
use strongroom_wire::*;

use crate::support::{Hsm, Peer, answer, hello_request, rv, sign_request};

fn impatient() -> Settings {
    let time = Duration::from_millis(200);
    Settings { handshake_timeout: time, frame_timeout: time, output_timeout: time, ..Settings::default() }
}

#[test]
fn hello_tells_who_answers_and_how_far_it_is() {
    let hsm = Hsm::start();
    hsm.engine.set_revision(5, b"head");
    hsm.engine.set_members(vec![Member { hsm_id: "hsm-x".into(), address: "10.0.0.1".into(), port: 2223 }]);
    let answer = hsm.connect().hello().unwrap();
    assert_eq!((answer.version, answer.revision, answer.head), (1, 5, b"head".to_vec()));
    assert_eq!((answer.hsm_id.as_str(), answer.mode.as_str()), (crate::support::HSM, "NON_FIPS"));
    assert_eq!(answer.members.0[0].hsm_id, "hsm-x");
}

#[test]
fn a_client_of_another_cluster_or_version_is_refused() {
    let hsm = Hsm::start();
    let mut peer = hsm.connect();
    let other = HelloRequest { cluster_id: Some("cluster-bbbbbbbbbbb".into()), ..hello_request() };
    assert_eq!(rv(peer.call(Operation::Hello, 0, &other)), Rv::TOKEN_NOT_RECOGNIZED);
    let newer = HelloRequest { version_min: 2, version_max: 3, ..hello_request() };
    assert_eq!(rv(peer.call(Operation::Hello, 0, &newer)), Rv::FUNCTION_NOT_SUPPORTED);
    assert_eq!(rv(peer.call(Operation::Members, 0, &Empty {})), Rv::OPERATION_NOT_INITIALIZED);
    peer.hello().unwrap();
    assert_eq!(rv(peer.call(Operation::Members, 0, &Empty {})), Rv::OK);
}

#[test]
fn a_client_that_saw_another_head_of_this_revision_is_turned_away() {
    let hsm = Hsm::start();
    let keys = &hsm.boundary.keys;
    let ours = keys.advance_head(None, &[]).unwrap();
    hsm.engine.set_revision(1, &ours);
    let seen = |head: Vec<u8>| HelloRequest { revision: 1, head: Some(head), ..hello_request() };
    assert_eq!(rv(hsm.connect().call(Operation::Hello, 0, &seen(ours))), Rv::OK);
    assert_eq!(rv(hsm.connect().call(Operation::Hello, 0, &seen(b"forged".to_vec()))), Rv::OK);
    let write = strongroom_boundary::keys::HeadWrite {
        key: "user/ann".into(),
        old_version: None,
        new_version: Some(1),
        digest: [0; 32],
    };
    let theirs = keys.advance_head(None, &[write]).unwrap();
    let refused = hsm.connect().call(Operation::Hello, 0, &seen(theirs)).unwrap_err();
    assert_eq!((refused.rv, refused.retry), (Rv::DEVICE_ERROR.0, RetryClass::Pure as u64));
}

#[test]
fn a_peer_that_speaks_another_protocol_is_cut() {
    let hsm = Hsm::start();
    assert!(Peer::connect(hsm.port, b"http/1.1").map_or(true, |mut peer| peer.is_closed()));
    let mut plain = TcpStream::connect(("127.0.0.1", hsm.port)).unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    assert!(plain.read_to_end(&mut Vec::new()).is_ok());
    hsm.connect().hello().unwrap();
}

#[test]
fn a_session_is_resumed_with_its_ticket() {
    let hsm = Hsm::start();
    let config = crate::support::client_config(b"strongroom/1");
    let mut first = Peer::connect_with(hsm.port, config.clone()).unwrap();
    first.hello().unwrap();
    let mut second = Peer::connect_with(hsm.port, config).unwrap();
    second.hello().unwrap();
    assert_eq!(second.stream.conn.handshake_kind(), Some(rustls::HandshakeKind::Resumed));
    assert_ne!(first.exporter(), second.exporter(), "an attach is tied to one connection");
}

#[test]
fn frames_that_are_none_cost_their_connection_alone() {
    let hsm = Hsm::start();
    let mut bystander = hsm.greeted();
    let mut oversize = (20_000_u32).to_be_bytes().to_vec();
    oversize.resize(100, 1);
    let mut notice = Vec::new();
    let header = Header {
        frame_type: FrameType::Notice,
        operation: 0,
        request_id: 0,
        login_id: 0,
        revision: 0,
        deadline_ms: 0,
        trace_id: 0,
    };
    encode_frame(&header, b"", &mut notice).unwrap();
    let mut stray = Vec::new();
    encode_frame(&Header { frame_type: FrameType::Continuation, ..header }, b"x", &mut stray).unwrap();
    let random: Vec<u8> = (0..4096_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    for garbage in [vec![0; 64], vec![0xff; 64], oversize, notice, stray, random] {
        let mut peer = hsm.greeted();
        peer.stream.write_all(&garbage).unwrap();
        assert!(peer.is_closed());
    }
    assert_eq!(rv(bystander.call(Operation::Ping, 0, &Empty {})), Rv::OK);
}

#[test]
fn without_a_login_no_long_body_is_taken() {
    let hsm = Hsm::start();
    let mut peer = hsm.greeted();
    let bytes = peer.encode(Operation::Login, 0, &vec![0; 200_000]);
    let _ = peer.stream.write_all(&bytes); // it may be cut before the end
    assert!(peer.is_closed());
}

#[test]
fn bodies_that_are_no_message_and_unknown_operations_are_answered() {
    let hsm = Hsm::start();
    let login = hsm.login(7, Role::CryptoUser);
    let mut peer = hsm.logged_in(&login);
    for body in [&b""[..], b"\x01", b"\x81", b"\xdf\xff\xff\xff\xff", &[0x81; 5000]] {
        for operation in [Operation::Sign, Operation::Find, Operation::GenerateKey, Operation::Hello] {
            peer.send(operation, login.id(), body);
            assert_eq!(rv(answer(&peer.receive().unwrap())), Rv::ARGUMENTS_BAD, "{operation:?} {body:?}");
        }
    }
    let mut bytes = peer.encode(Operation::Ping, 0, b"");
    bytes[6..8].copy_from_slice(&0x7777_u16.to_be_bytes());
    peer.stream.write_all(&bytes).unwrap();
    assert_eq!(rv(answer(&peer.receive().unwrap())), Rv::FUNCTION_NOT_SUPPORTED);
    assert_eq!(rv(peer.call(Operation::Ping, 0, &Empty {})), Rv::OK);
}

#[test]
fn a_peer_without_handshake_or_hello_is_cut_in_time() {
    let hsm = Hsm::with(impatient());
    let began = Instant::now();
    let mut silent = TcpStream::connect(("127.0.0.1", hsm.port)).unwrap();
    let mut mute = hsm.connect();
    let mut polite = hsm.greeted();
    assert!(matches!(silent.read(&mut [0; 1]), Ok(0) | Err(_)));
    assert!(mute.is_closed());
    assert!(began.elapsed() >= Duration::from_millis(200));
    assert_eq!(rv(polite.call(Operation::Ping, 0, &Empty {})), Rv::OK);
    assert_eq!(hsm.statistic("connections_cut"), 2);
}

#[test]
fn a_frame_that_is_not_whole_in_time_is_cut_and_a_slow_one_is_not() {
    let hsm = Hsm::with(impatient());
    let mut slow = hsm.greeted();
    let bytes = slow.encode(Operation::Ping, 0, &Empty {}.to_bytes());
    let (head, tail) = bytes.split_at(10);
    slow.stream.write_all(head).unwrap();
    std::thread::sleep(Duration::from_millis(50));
    slow.stream.write_all(tail).unwrap();
    assert_eq!(rv(answer(&slow.receive().unwrap())), Rv::OK);
    std::thread::sleep(Duration::from_millis(400));
    assert_eq!(rv(slow.call(Operation::Ping, 0, &Empty {})), Rv::OK, "idle is not slow");
    slow.stream.write_all(head).unwrap();
    assert!(slow.is_closed());
}

#[test]
fn a_peer_that_does_not_read_is_paused_and_then_cut() {
    let hsm = Hsm::with(Settings { output_pause: 64 * 1024, ..impatient() });
    let login = hsm.login(7, Role::CryptoUser);
    let mut peer = hsm.logged_in(&login);
    let body = RandomRequest { length: 60_000 }.to_bytes();
    let ask = peer.encode(Operation::Random, login.id(), &body);
    peer.stream.sock.set_write_timeout(Some(Duration::from_secs(5))).unwrap();
    let began = Instant::now();
    while hsm.statistic("connections_cut") == 0 {
        let _ = peer.stream.write_all(&ask); // fails once the connection is cut
        assert!(
            began.elapsed() < Duration::from_secs(10),
            "it should have been cut: {:?}",
            hsm.engine.statistics()
        );
    }
    assert!(hsm.statistic("requests_hot") < 5_000, "reading must pause");
}

#[test]
fn a_connection_above_the_limit_takes_the_place_of_the_oldest_without_a_login() {
    let hsm = Hsm::with(Settings { max_connections: 3, ..Settings::default() });
    let login = hsm.login(7, Role::CryptoUser);
    let mut first = hsm.logged_in(&login);
    let mut idle = hsm.greeted();
    let mut other = hsm.greeted();
    let mut late = hsm.greeted();
    assert!(idle.is_closed());
    for peer in [&mut first, &mut other, &mut late] {
        assert_eq!(rv(peer.call(Operation::Ping, 0, &Empty {})), Rv::OK);
    }
    assert_eq!((hsm.statistic("connections_displaced"), hsm.statistic("connections_refused")), (1, 0));
}

#[test]
fn where_all_have_a_login_a_connection_above_the_limit_is_closed_at_once() {
    let hsm = Hsm::with(Settings { max_connections: 2, ..Settings::default() });
    let login = hsm.login(7, Role::CryptoUser);
    let mut first = hsm.logged_in(&login);
    let _second = hsm.logged_in(&login);
    assert!(Peer::connect(hsm.port, b"strongroom/1").is_err());
    assert_eq!(rv(first.call(Operation::Ping, 0, &Empty {})), Rv::OK);
    assert_eq!(hsm.statistic("connections_refused"), 1);
    drop(first);
    let began = Instant::now();
    while Peer::connect(hsm.port, b"strongroom/1").is_err() {
        assert!(began.elapsed() < Duration::from_secs(5), "a closed connection makes room");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_body_that_is_not_whole_in_time_is_cut_although_whole_frames_come_between() {
    let hsm = Hsm::with(impatient());
    let login = hsm.login(7, Role::CryptoUser);
    let mut peer = hsm.logged_in(&login);
    let begun = peer.encode(Operation::Sign, login.id(), &vec![0; frame::CHUNK_LENGTH + 1]);
    let last_chunk = frame::HEADER_LENGTH + 1;
    peer.stream.write_all(&begun[..begun.len() - last_chunk]).unwrap();
    let ping = peer.encode(Operation::Ping, 0, &Empty {}.to_bytes());
    let began = Instant::now();
    while hsm.statistic("connections_cut") == 0 {
        let _ = peer.stream.write_all(&ping); // fails once the connection is cut
        std::thread::sleep(Duration::from_millis(20));
        assert!(began.elapsed() < Duration::from_secs(10), "it should have been cut");
    }
}

#[test]
fn a_tls_record_that_is_not_whole_in_time_is_cut() {
    let hsm = Hsm::with(impatient());
    let mut peer = hsm.greeted();
    peer.stream.sock.write_all(&[23, 3, 3, 0x40]).unwrap();
    assert!(peer.is_closed());
    assert_eq!(hsm.statistic("connections_cut"), 1);
}

#[test]
fn a_connection_dropped_with_work_in_flight_leaves_nothing_behind() {
    let hsm = Hsm::start();
    let login = hsm.login(7, Role::CryptoUser);
    let key = hsm.p256_key(&login);
    for _ in 0..20 {
        let mut peer = hsm.logged_in(&login);
        let body = sign_request(key).to_bytes();
        let bytes: Vec<u8> = (0..100).flat_map(|_| peer.encode(Operation::Sign, login.id(), &body)).collect();
        peer.stream.write_all(&bytes).unwrap();
    }
    let began = Instant::now();
    while hsm.statistic("connections") > 0 || hsm.statistic("requests_in_work") > 0 {
        assert!(began.elapsed() < Duration::from_secs(10));
        std::thread::sleep(Duration::from_millis(5));
    }
    hsm.greeted();
}

#[test]
fn members_are_told_and_draining_is_announced() {
    let hsm = Hsm::start();
    let mut peer = hsm.greeted();
    hsm.engine.set_members(vec![Member { hsm_id: "hsm-x".into(), address: "10.0.0.1".into(), port: 2223 }]);
    let notice = |frame: Frame| {
        assert_eq!(frame.header.frame_type, FrameType::Notice);
        Notice::from_bytes(&frame.body).unwrap()
    };
    let told = notice(peer.receive().unwrap());
    assert_eq!((told.kind, told.members.0.len()), (1, 1));
    hsm.engine.shutdown(Duration::from_secs(5));
    assert_eq!(notice(peer.receive().unwrap()).kind, 2);
    assert!(peer.is_closed());
    assert!(TcpStream::connect(("127.0.0.1", hsm.port)).is_err());
}

#[test]
fn the_port_opens_once_and_only_with_a_certificate() {
    let hsm = Hsm::start();
    assert!(hsm.engine.listen("127.0.0.1", 0).unwrap_err().to_string().contains("open already"));
    let bare = crate::support::engine_without_certificate();
    assert!(bare.listen("127.0.0.1", 0).unwrap_err().to_string().contains("no cluster certificate"));
}
