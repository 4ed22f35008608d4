//! A load on one HSM's data plane over loopback TLS: `load [seconds] [spin in µs]`. Prints operations per second: of the
//! boundary without a network, of one connection with frames in flight, and of threads that share one client; and the CPU
//! time that one took on both sides, which a busy machine changes less.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../tests/data_plane/support.rs"]
mod support;

use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use strongroom_client::{Client, ClusterConfig, Level, Log, Server};
use strongroom_engine::{Engine, Settings};
use strongroom_wire::messages::{CryptRequest, CryptResponse, LoginRequest, LoginResponse};
use strongroom_wire::tables::Lane;
use strongroom_wire::{Field, MechanismType, Message, Operation, Role, Secret};
use support::{Hsm, Login, Peer};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let seconds = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(3.0);
    let time = Duration::from_secs_f64(seconds);
    let mut settings = Settings::default();
    if let Some(spin) = arguments.next().and_then(|text| text.parse().ok()) {
        settings.spin = Duration::from_micros(spin);
    }
    let hsm = Hsm::with(settings);
    let login = hsm.login(7, Role::CryptoUser);
    // The client brings a login of its own; token keys serve both.
    let client = logged_in_client(&hsm, &hsm.login(8, Role::CryptoUser));
    let keys = [
        ("P-256", MechanismType::Ecdsa, hsm.p256(&login, true)),
        ("RSA-2048", MechanismType::RsaPkcs, hsm.rsa(&login, true)),
    ];
    for (name, mechanism, key) in keys {
        let request = CryptRequest { key, mechanism: mechanism.code(), parameters: None, data: vec![7; 32] };
        let boundary = || {
            hsm.boundary.objects.sign(&login.caller, key, mechanism, None, &request.data).unwrap();
        };
        let through_client = || {
            client.call::<_, CryptResponse>(Operation::Sign, &request).unwrap();
        };
        for threads in [1, 2] {
            measure(&format!("{name} boundary, {threads} threads"), || in_threads(threads, time, &boundary));
        }
        for in_flight in [1, 16] {
            let mut peer = hsm.logged_in(&login);
            measure(&format!("{name} frames, {in_flight} in flight"), || {
                in_flight_on_one(&mut peer, &login, &request.to_bytes(), in_flight, time)
            });
        }
        for threads in [1, 16] {
            measure(&format!("{name} client, {threads} threads"), || {
                in_threads(threads, time, &through_client)
            });
        }
    }
}

/// Prints what `work` did per second, and the CPU time of this process for one.
fn measure(name: &str, work: impl FnOnce() -> u32) {
    let cpu_time = || {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap())
    };
    let (cpu, began) = (cpu_time(), Instant::now());
    let done = f64::from(work());
    let rate = done / began.elapsed().as_secs_f64();
    let each = (cpu_time() - cpu).as_secs_f64() * 1e6 / done;
    println!("{name:<30} {rate:>8.0}/s {each:>7.1} us CPU each");
}

/// A client whose login is `login`, by a brain that says yes.
fn logged_in_client(hsm: &Hsm, login: &Login) -> Client {
    let config = ClusterConfig {
        trust_anchor_pem: support::trust_anchor().into_bytes(),
        trust_anchor_path: "anchor".into(),
        cluster_id: Some(support::CLUSTER.into()),
        client_certificate: None,
        servers: vec![Server { hostname: "127.0.0.1".into(), port: hsm.port }],
        profile: strongroom_client::Profile::Standard,
        checks_key_availability: true,
        max_sessions: None,
        deadline_ms: 10_000,
        spin_us: 80,
        retries: true,
    };
    let client = Client::new(config, Arc::new(Log::to_standard_error(Level::Warn))).unwrap();
    let engine = Arc::clone(&hsm.engine);
    let caller = login.caller.clone();
    let brain = std::thread::spawn(move || say_yes(&engine, caller));
    client.login("ann", Role::CryptoUser, Secret::new(b"password".to_vec())).unwrap();
    brain.join().unwrap();
    client
}

fn say_yes(engine: &Engine, caller: strongroom_boundary::Caller) {
    let request = engine.next_request(Lane::Login, Duration::from_secs(10)).unwrap();
    let wanted = LoginRequest::from_value(&request.body.clone());
    let client_key = wanted.map(|login| login.client_key).unwrap();
    let (login_id, username, role) = (caller.login_id, caller.username.to_string(), caller.role);
    engine.apply_login(caller, 2, client_key);
    engine.attach_login(request.token, login_id).unwrap();
    let role = u64::from(role.code());
    let response =
        LoginResponse { login_id, username, role, ticket: b"unused".to_vec(), lifetime_seconds: 600 };
    engine.respond(request.token, &response.to_bytes(), 0);
}

fn in_threads(threads: u32, time: Duration, operation: &(impl Fn() + Sync)) -> u32 {
    let began = Instant::now();
    let work = || {
        let mut done = 0_u32;
        while began.elapsed() < time {
            operation();
            done += 1;
        }
        done
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).sum()
    })
}

fn in_flight_on_one(peer: &mut Peer, login: &Login, body: &[u8], in_flight: u32, time: Duration) -> u32 {
    let began = Instant::now();
    let mut done = 0;
    let mut open = in_flight;
    let first: Vec<u8> = (0..open).flat_map(|_| peer.encode(Operation::Sign, login.id(), body)).collect();
    peer.stream.write_all(&first).unwrap();
    while open > 0 {
        support::answer(&peer.receive().expect("an answer")).unwrap();
        done += 1;
        open -= 1;
        if began.elapsed() < time {
            let bytes = peer.encode(Operation::Sign, login.id(), body);
            peer.stream.write_all(&bytes).unwrap();
            open += 1;
        }
    }
    done
}
