//! A load on one HSM's data plane over loopback TLS: `load [seconds]`. Prints signatures per second for one thread with
//! one request in flight, and for one connection with sixteen in flight.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../tests/data_plane/support.rs"]
mod support;

use std::io::Write;
use std::time::{Duration, Instant};

use strongroom_wire::messages::CryptRequest;
use strongroom_wire::{MechanismType, Message, Operation, Role};
use support::{Hsm, Login, Peer};

fn main() {
    let seconds = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(3.0);
    let time = Duration::from_secs_f64(seconds);
    let hsm = Hsm::start();
    let login = hsm.login(7, Role::CryptoUser);
    let keys = [
        ("P-256", MechanismType::Ecdsa, hsm.p256_key(&login)),
        ("RSA-2048", MechanismType::RsaPkcs, hsm.rsa_key(&login)),
    ];
    for (name, mechanism, key) in keys {
        let request = CryptRequest { key, mechanism: mechanism.code(), parameters: None, data: vec![7; 32] };
        let body = request.to_bytes();
        for in_flight in [1, 16] {
            let mut peer = hsm.logged_in(&login);
            run(&mut peer, &login, &body, in_flight, time / 5);
            let rate = run(&mut peer, &login, &body, in_flight, time);
            println!("{name} {in_flight:>2} in flight: {rate:>8.0}/s");
        }
    }
}

fn run(peer: &mut Peer, login: &Login, body: &[u8], in_flight: usize, time: Duration) -> f64 {
    let began = Instant::now();
    let mut done = 0;
    let mut bytes = Vec::new();
    for _ in 0..in_flight {
        bytes.extend(peer.encode(Operation::Sign, login.id(), body));
    }
    peer.stream.write_all(&bytes).unwrap();
    let mut open = in_flight;
    while open > 0 {
        let frame = peer.receive().expect("an answer");
        support::answer(&frame).unwrap();
        done += 1;
        open -= 1;
        if began.elapsed() < time {
            let bytes = peer.encode(Operation::Sign, login.id(), body);
            peer.stream.write_all(&bytes).unwrap();
            open += 1;
        }
    }
    f64::from(done) / began.elapsed().as_secs_f64()
}
