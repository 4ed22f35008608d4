//! Operations per second inside the boundary: what is left once sockets, frames and Python are taken away.
//!
//! `cargo run --release -p strongroom-boundary --example speed [seconds per line]`
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use strongroom_boundary::keys::{Config, Installation};
use strongroom_boundary::{Caller, Keys, Objects, Options, Staged};
use strongroom_wire::messages::{FindRequest, MechanismParameters};
use strongroom_wire::{
    AttributeType as A, AttributeValue as V, MechanismType as M, Message, Role, Secret, Template,
};

const KEYS: usize = 100_000;
const P256: &[u8] = b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07";
const P384: &[u8] = b"\x06\x05\x2b\x81\x04\x00\x22";
const ED25519: &[u8] = b"\x06\x03\x2b\x65\x70";

fn main() {
    let seconds = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(1.0);
    let time = Duration::from_secs_f64(seconds);
    let start = Instant::now();
    let objects =
        Objects::new(keys(), Options { fips: false, allow_unlocked_memory: true, ..Options::default() })
            .unwrap();
    println!(
        "self-tests passed: {}, memory locked: {}",
        objects.failure().is_none(),
        objects.memory_locked()
    );
    println!("{:<34} {:>10.1} ms", "start, with cluster keys", start.elapsed().as_secs_f64() * 1e3);
    let alice =
        Caller { username: "alice".into(), role: Role::CryptoUser, login_id: 1, approvals: Box::default() };
    signatures(&objects, &alice, time);
    symmetric(&objects, &alice, time);
    many_keys(&objects, &alice, time);
}

fn keys() -> Arc<Keys> {
    let root_key = Secret::new(vec![7; 32]);
    let installation = Installation::create(&root_key).unwrap();
    let config = Config { cluster_id: "cluster-1".into(), hsm_id: "hsm-1".into(), root_key, installation };
    let keys = Keys::open(config).unwrap();
    keys.create_cluster_keys().unwrap();
    Arc::new(keys)
}

fn signatures(objects: &Objects, alice: &Caller, time: Duration) {
    let rsa =
        Template::new().with(A::ModulusBits, V::Ulong(2048)).with(A::PublicExponent, V::Bytes(vec![1, 0, 1]));
    let pairs = [
        ("P-256 sign", M::EcKeyPairGen, params(P256), M::Ecdsa),
        ("P-384 sign", M::EcKeyPairGen, params(P384), M::Ecdsa),
        ("Ed25519 sign", M::EcEdwardsKeyPairGen, params(ED25519), M::Eddsa),
        ("RSA-2048 PKCS #1 sign", M::RsaPkcsKeyPairGen, rsa, M::RsaPkcs),
    ];
    for (name, generate, public, sign) in pairs {
        let (_, private) =
            objects.generate_key_pair(alice, generate, public, flags(&[A::Token, A::Sign])).unwrap();
        let key = published(objects, &private);
        measure(name, time, || drop(objects.sign(alice, key, sign, None, &[7; 32]).unwrap()));
    }
}

fn symmetric(objects: &Objects, alice: &Caller, time: Duration) {
    let template = flags(&[A::Token, A::Encrypt]).with(A::ValueLen, V::Ulong(32));
    let key = published(objects, &objects.generate_key(alice, M::AesKeyGen, template).unwrap());
    let mut gcm = MechanismParameters::from_bytes(&[0x80]).unwrap();
    gcm.tag_bits = Some(128);
    let mut cbc = gcm.clone();
    cbc.iv = Some(vec![0; 16]);
    for (name, length) in [("1 KiB", 1024), ("16 KiB", 16 * 1024)] {
        let data = vec![7; length];
        for (mechanism, parameters) in [(M::AesGcm, &gcm), (M::AesCbc, &cbc)] {
            let name = format!("{} {name}", mechanism.name());
            measure(&name, time, || {
                drop(objects.encrypt(alice, key, mechanism, Some(parameters), &data).unwrap())
            });
        }
    }
    let template = flags(&[A::Token]).with(A::ValueLen, V::Ulong(32));
    let key = published(objects, &objects.generate_key(alice, M::GenericSecretKeyGen, template).unwrap());
    let data = vec![7; 1024];
    measure("HMAC-SHA-256 1 KiB", time, || {
        drop(objects.sign(alice, key, M::Sha256Hmac, None, &data).unwrap())
    });
    measure("random 32 bytes", time, || drop(objects.random(32).unwrap()));
}

fn many_keys(objects: &Objects, alice: &Caller, time: Duration) {
    let before = resident();
    let start = Instant::now();
    for n in 0..KEYS {
        let template =
            flags(&[A::Token]).with(A::ValueLen, V::Ulong(32)).with(A::Label, V::Text(format!("key {n}")));
        published(objects, &objects.generate_key(alice, M::AesKeyGen, template).unwrap());
    }
    println!(
        "{:<34} {:>10.0} /s",
        "AES keys generated and sealed",
        KEYS as f64 / start.elapsed().as_secs_f64()
    );
    println!("{:<34} {:>10.1} MiB", "memory of 100,000 AES keys", (resident() - before) / 1024.0);
    let find = |template: Template| {
        let request = FindRequest { template, after: 0, limit: 100, with_attributes: true };
        objects.find(alice, &request).unwrap()
    };
    let next = AtomicU64::new(0);
    measure("find by label among 100,000", time, || {
        let label = format!("key {}", next.fetch_add(1, Ordering::Relaxed) % KEYS as u64);
        assert_eq!(find(Template::new().with(A::Label, V::Text(label))).objects.0.len(), 1);
    });
    measure("find by class, first 100", time, || drop(find(Template::new().with(A::Class, V::Ulong(4)))));
}

/// One thread, then two: operations per second, and the processor's time for one, which other work does not disturb.
fn measure(name: &str, time: Duration, work: impl Fn() + Sync) {
    let run = |threads: usize| {
        let done = AtomicU64::new(0);
        let (start, cpu) = (Instant::now(), processor_seconds());
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    let mut count = 0;
                    while start.elapsed() < time {
                        (0..8).for_each(|_| work());
                        count += 8;
                    }
                    done.fetch_add(count, Ordering::Relaxed);
                });
            }
        });
        let done = done.load(Ordering::Relaxed) as f64;
        (done / start.elapsed().as_secs_f64(), (processor_seconds() - cpu) / done * 1e6)
    };
    let ((one, cpu), (two, cpu_two)) = (run(1), run(2));
    println!(
        "{name:<34} {one:>10.0} /s {cpu:>8.2} us of a core; two threads {two:>10.0} /s {cpu_two:>8.2} us"
    );
}

/// User and system time of the process (proc(5), fields 14 and 15, in hundredths of a second).
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<_> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    [fields[11], fields[12]].iter().map(|ticks| ticks.parse::<f64>().unwrap() / 100.0).sum()
}

/// Resident memory, KiB.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn params(oid: &[u8]) -> Template {
    Template::new().with(A::EcParams, V::Bytes(oid.to_vec()))
}

fn flags(set: &[A]) -> Template {
    set.iter().map(|attribute| (*attribute, V::Bool(true))).collect()
}

fn published(objects: &Objects, staged: &Staged) -> u64 {
    objects.publish(&[staged.reference]);
    staged.reference
}
