//! Streams: whose they are, how they end, and how many there may be.

use std::time::Duration;

use strongroom_engine::Settings;
use strongroom_wire::messages::*;
use strongroom_wire::*;

use crate::support::{Answer, Hsm, Login, Peer, rv};

/// A session AES key that encrypts, decrypts and signs.
fn aes_key(hsm: &Hsm, login: &Login) -> u64 {
    let template =
        [AttributeType::Encrypt, AttributeType::Decrypt, AttributeType::Sign, AttributeType::Verify]
            .into_iter()
            .fold(Template::new(), |template, usage| template.with(usage, AttributeValue::Bool(true)))
            .with(AttributeType::ValueLen, AttributeValue::Ulong(32));
    let objects = &hsm.boundary.objects;
    let made = objects.generate_key(&login.caller, MechanismType::AesKeyGen, template).unwrap();
    objects.publish(&[made.reference]);
    made.reference
}

fn open_request(key: u64, operation: Operation, iv: Option<Vec<u8>>) -> StreamOpenRequest {
    let is_gcm = matches!(operation, Operation::Encrypt | Operation::Decrypt);
    let mechanism = if is_gcm { MechanismType::AesGcm } else { MechanismType::AesCmac };
    let parameters = MechanismParameters { iv, tag_bits: Some(128), ..NO_PARAMETERS };
    let operation = u64::from(operation.code());
    StreamOpenRequest {
        key,
        mechanism: mechanism.code(),
        parameters: Some(parameters),
        operation,
        signature: None,
    }
}

fn open(peer: &mut Peer, key: u64, operation: Operation) -> StreamOpenResponse {
    let body = peer.call(Operation::StreamOpen, 7, &open_request(key, operation, None)).unwrap();
    StreamOpenResponse::from_bytes(&body).unwrap()
}

fn update(peer: &mut Peer, stream: u64, offset: u64, data: &[u8]) -> Answer {
    let request = StreamUpdateRequest { stream, offset, data: data.to_vec() };
    peer.call(Operation::StreamUpdate, 7, &request)
}

fn finish(peer: &mut Peer, stream: u64, offset: u64, signature: Option<Vec<u8>>) -> Answer {
    let request = StreamFinishRequest { stream, offset, data: b"last".to_vec(), signature };
    peer.call(Operation::StreamFinish, 7, &request)
}

fn data(answer: Answer) -> Vec<u8> {
    CryptResponse::from_bytes(&answer.unwrap()).unwrap().data
}

/// Gives the clock's thread time to look after the streams.
fn until_open(hsm: &Hsm, count: u64) {
    for _ in 0..500 {
        if hsm.statistic("streams") == count {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("{} streams are open, not {count}", hsm.statistic("streams"));
}

#[test]
fn what_is_encrypted_in_a_stream_is_decrypted_in_one() {
    let hsm = Hsm::start();
    let login = hsm.login(7, Role::CryptoUser);
    let key = aes_key(&hsm, &login);
    let mut peer = hsm.logged_in(&login);
    let plaintext = vec![5; 200_000];
    let made = open(&mut peer, key, Operation::Encrypt);
    let mut sealed = data(update(&mut peer, made.stream, 0, &plaintext));
    sealed.extend(data(finish(&mut peer, made.stream, 200_000, None)));
    assert_eq!(sealed.len(), 200_000 + 4 + 16);
    assert_eq!(rv(finish(&mut peer, made.stream, 200_004, None)), Rv::OPERATION_NOT_INITIALIZED);

    let (encrypted, tag) = sealed.split_at(200_004);
    let request = open_request(key, Operation::Decrypt, made.iv);
    let body = peer.call(Operation::StreamOpen, 7, &request).unwrap();
    let stream = StreamOpenResponse::from_bytes(&body).unwrap().stream;
    let first = data(update(&mut peer, stream, 0, &encrypted[..200_000]));
    let reveal = |offset: u64, part: &[u8], mark: &[u8]| StreamRepeatRequest {
        stream,
        offset,
        data: part.to_vec(),
        mark: mark.to_vec(),
    };
    let request = StreamFinishRequest {
        stream,
        offset: 200_000,
        data: encrypted[200_000..].to_vec(),
        signature: Some(tag.to_vec()),
    };
    let second = data(peer.call(Operation::StreamFinish, 7, &request));
    let shown = peer.call(Operation::StreamRepeat, 7, &reveal(0, &encrypted[..200_000], &first));
    assert!(data(shown) == plaintext);
    let shown = peer.call(Operation::StreamRepeat, 7, &reveal(200_000, &encrypted[200_000..], &second));
    assert_eq!(data(shown), b"last");
    assert_eq!(hsm.statistic("streams"), 0, "all was shown");
}

#[test]
fn a_stream_is_one_connections_and_one_logins() {
    let hsm = Hsm::start();
    let (ann, other) = (hsm.login(7, Role::CryptoUser), hsm.login(9, Role::CryptoUser));
    let key = aes_key(&hsm, &ann);
    let mut peer = hsm.logged_in(&ann);
    let stream = open(&mut peer, key, Operation::Encrypt).stream;

    let mut elsewhere = hsm.logged_in(&ann);
    assert_eq!(rv(update(&mut elsewhere, stream, 0, b"data")), Rv::OPERATION_NOT_INITIALIZED);
    let close = StreamCloseRequest { stream };
    assert_eq!(rv(elsewhere.call(Operation::StreamClose, 7, &close)), Rv::OK, "is not there, and stays here");

    let ticket = hsm.ticket(&other, 1, 600);
    peer.attach(&other, &ticket).unwrap();
    let request = StreamUpdateRequest { stream, offset: 0, data: b"data".to_vec() };
    assert_eq!(rv(peer.call(Operation::StreamUpdate, 9, &request)), Rv::OPERATION_NOT_INITIALIZED);
    assert_eq!(rv(peer.call(Operation::StreamUpdate, 0, &request)), Rv::USER_NOT_LOGGED_IN);
    assert_eq!(rv(update(&mut peer, stream + 1, 0, b"data")), Rv::OPERATION_NOT_INITIALIZED);

    assert_eq!(rv(update(&mut peer, stream, 0, b"data")), Rv::OK);
    assert_eq!(rv(peer.call(Operation::StreamClose, 7, &close)), Rv::OK);
    assert_eq!(rv(update(&mut peer, stream, 4, b"data")), Rv::OPERATION_NOT_INITIALIZED);
    assert_eq!(rv(peer.call(Operation::StreamClose, 7, &close)), Rv::OK, "once more is no error");
}

#[test]
fn a_stream_ends_with_its_connection_and_its_login() {
    let hsm = Hsm::start();
    let login = hsm.login(7, Role::CryptoUser);
    let key = aes_key(&hsm, &login);
    let (mut peer, mut other) = (hsm.logged_in(&login), hsm.logged_in(&login));
    open(&mut peer, key, Operation::Encrypt);
    open(&mut peer, key, Operation::Sign);
    let stream = open(&mut other, key, Operation::Encrypt).stream;
    assert_eq!(hsm.statistic("streams"), 3);
    drop(peer);
    until_open(&hsm, 1);
    assert_eq!(rv(update(&mut other, stream, 0, b"data")), Rv::OK);
    hsm.engine.remove_login(7);
    assert_eq!(hsm.statistic("streams"), 0);
    assert_eq!(rv(update(&mut other, stream, 4, b"data")), Rv::USER_NOT_LOGGED_IN);
}

#[test]
fn a_destroyed_key_ends_its_streams_whether_they_are_used_or_not() {
    let hsm = Hsm::start();
    let login = hsm.login(7, Role::CryptoUser);
    let key = aes_key(&hsm, &login);
    let mut peer = hsm.logged_in(&login);
    let (used, unused) = (open(&mut peer, key, Operation::Encrypt), open(&mut peer, key, Operation::Sign));
    hsm.boundary.objects.remove(&[key]);
    assert_eq!(rv(update(&mut peer, used.stream, 0, b"data")), Rv::KEY_HANDLE_INVALID);
    assert_eq!(rv(update(&mut peer, used.stream, 0, b"data")), Rv::OPERATION_NOT_INITIALIZED);
    until_open(&hsm, 0);
    let told = rv(update(&mut peer, unused.stream, 0, b"data"));
    assert_eq!(told, Rv::KEY_HANDLE_INVALID, "the next step is told why");
}

#[test]
fn whatever_refuses_a_step_ends_the_stream() {
    let hsm = Hsm::start();
    let login = hsm.login(7, Role::CryptoUser);
    let key = aes_key(&hsm, &login);
    let mut peer = hsm.logged_in(&login);
    let stream = open(&mut peer, key, Operation::Encrypt).stream;
    assert_eq!(rv(update(&mut peer, stream, 1, b"data")), Rv::ARGUMENTS_BAD, "another place");
    assert_eq!(rv(update(&mut peer, stream, 0, b"data")), Rv::OPERATION_NOT_INITIALIZED);
    let stream = open(&mut peer, key, Operation::Verify).stream;
    assert_eq!(rv(finish(&mut peer, stream, 0, Some(vec![0; 16]))), Rv::SIGNATURE_INVALID);
    assert_eq!(rv(finish(&mut peer, stream, 0, Some(vec![0; 16]))), Rv::OPERATION_NOT_INITIALIZED);
    let stream = open(&mut peer, key, Operation::Sign).stream;
    let reveal = StreamRepeatRequest { stream, offset: 0, data: vec![1], mark: vec![0; 32] };
    assert_eq!(rv(peer.call(Operation::StreamRepeat, 7, &reveal)), Rv::OPERATION_NOT_INITIALIZED);
    for operation in [Operation::Random, Operation::StreamOpen] {
        let request = StreamOpenRequest {
            operation: u64::from(operation.code()),
            ..open_request(key, Operation::Encrypt, None)
        };
        assert_eq!(rv(peer.call(Operation::StreamOpen, 7, &request)), Rv::ARGUMENTS_BAD);
    }
    assert_eq!(hsm.statistic("streams"), 0);
}

#[test]
fn bodies_that_are_cut_off_are_refused_and_leave_the_stream() {
    let hsm = Hsm::start();
    let login = hsm.login(7, Role::CryptoUser);
    let key = aes_key(&hsm, &login);
    let mut peer = hsm.logged_in(&login);
    let stream = open(&mut peer, key, Operation::Encrypt).stream;
    let bodies = [
        (Operation::StreamOpen, open_request(key, Operation::Encrypt, None).to_bytes()),
        (Operation::StreamUpdate, StreamUpdateRequest { stream, offset: 0, data: vec![1] }.to_bytes()),
        (
            Operation::StreamFinish,
            StreamFinishRequest { stream, offset: 0, data: vec![1], signature: None }.to_bytes(),
        ),
        (
            Operation::StreamRepeat,
            StreamRepeatRequest { stream, offset: 0, data: vec![1], mark: vec![1] }.to_bytes(),
        ),
        (Operation::StreamClose, StreamCloseRequest { stream }.to_bytes()),
    ];
    for (operation, body) in bodies {
        for length in 0..body.len() {
            let id = peer.send(operation, 7, &body[..length]);
            let frame = peer.receive().unwrap();
            assert_eq!(frame.header.request_id, id);
            let refused = rv(crate::support::answer(&frame));
            assert_eq!(refused, Rv::ARGUMENTS_BAD, "{operation:?} cut at {length}");
        }
    }
    assert_eq!(rv(update(&mut peer, stream, 0, b"data")), Rv::OK);
}

#[test]
fn streams_have_a_limit_for_a_login_and_for_the_hsm() {
    let settings = Settings { max_streams_of_login: 3, max_streams: 4, ..Settings::default() };
    let hsm = Hsm::with(settings);
    let (ann, other) = (hsm.login(7, Role::CryptoUser), hsm.login(9, Role::CryptoUser));
    let key = aes_key(&hsm, &ann);
    let mut peer = hsm.logged_in(&ann);
    let request = open_request(key, Operation::Sign, None);
    let first = open(&mut peer, key, Operation::Sign).stream;
    for _ in 0..2 {
        open(&mut peer, key, Operation::Sign);
    }
    assert_eq!(rv(peer.call(Operation::StreamOpen, 7, &request)), Rv::OPERATION_ACTIVE);
    let mut stranger = hsm.logged_in(&other);
    let request = open_request(aes_key(&hsm, &other), Operation::Sign, None);
    assert_eq!(rv(stranger.call(Operation::StreamOpen, 9, &request)), Rv::OK);
    assert_eq!(rv(stranger.call(Operation::StreamOpen, 9, &request)), Rv::DEVICE_MEMORY);
    assert_eq!(rv(finish(&mut peer, first, 0, None)), Rv::OK);
    assert_eq!(rv(stranger.call(Operation::StreamOpen, 9, &request)), Rv::OK);
    drop((peer, stranger));
    until_open(&hsm, 0);
}

#[test]
fn requests_at_once_on_one_stream_are_done_one_at_a_time_or_refused() {
    use std::io::Write;
    let hsm = Hsm::start();
    let login = hsm.login(7, Role::CryptoUser);
    let key = aes_key(&hsm, &login);
    let mut peer = hsm.logged_in(&login);
    for _ in 0..20 {
        let stream = open(&mut peer, key, Operation::Encrypt).stream;
        let body = StreamUpdateRequest { stream, offset: 0, data: vec![1; 70_000] }.to_bytes();
        let bytes: Vec<u8> = (0..8).flat_map(|_| peer.encode(Operation::StreamUpdate, 7, &body)).collect();
        peer.stream.write_all(&bytes).unwrap();
        let codes: Vec<Rv> = (0..8).map(|_| rv(crate::support::answer(&peer.receive().unwrap()))).collect();
        assert_eq!(codes.iter().filter(|code| **code == Rv::OK).count(), 1, "{codes:?}");
        let refusals = [Rv::OPERATION_ACTIVE, Rv::ARGUMENTS_BAD, Rv::OPERATION_NOT_INITIALIZED];
        assert!(codes.iter().all(|code| *code == Rv::OK || refusals.contains(code)), "{codes:?}");
        peer.call(Operation::StreamClose, 7, &StreamCloseRequest { stream }).unwrap();
    }
    assert_eq!(hsm.statistic("streams"), 0);
}

#[test]
fn an_operators_limit_to_the_data_of_one_operation_holds() {
    let hsm = Hsm::with(Settings { max_data: 16_000, ..Settings::default() });
    let login = hsm.login(7, Role::CryptoUser);
    let key = aes_key(&hsm, &login);
    let mut peer = hsm.logged_in(&login);
    let request = open_request(key, Operation::Sign, None);
    assert_eq!(rv(peer.call(Operation::StreamOpen, 7, &request)), Rv::DATA_LEN_RANGE);
}
