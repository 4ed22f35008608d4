//! `p11load`: a load of signatures through any PKCS #11 module.
//!
//! ```text
//! P11LOAD_PIN=… p11load MODULE TOKEN_LABEL KEY_LABEL ecdsa|rsa-pkcs THREADS WARM_UP_SECONDS SECONDS
//! ```
//!
//! Every thread has a session of its own and signs a new SHA-256 value each time. All start together; calls that end
//! within the measured time count. Prints one JSON object: `signatures`, `seconds`, `failed`, `p50_us`, `p99_us`,
//! `max_us`, and `samples`: the last signature of each thread with what was signed, in hexadecimal, for checking.

mod module;

use std::env;
use std::fmt::Write as _;
use std::process::ExitCode;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use module::{Key, Module, Session};

/// DigestInfo of SHA-256 up to the digest (RFC 8017 section 9.2, note 1).
const SHA256_DIGEST_INFO: [u8; 19] = [
    0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00,
    0x04, 0x20,
];

struct Settings {
    module: String,
    token: String,
    key: String,
    mechanism: cryptoki_sys::CK_MECHANISM_TYPE,
    threads: usize,
    warm_up: Duration,
    measured: Duration,
}

/// What one thread did in the measured time.
struct Count {
    latencies_us: Vec<u32>,
    failed: u64,
    signed: Vec<u8>,
    signature: Vec<u8>,
}

fn main() -> ExitCode {
    match settings().and_then(|settings| run(&settings)) {
        Ok(report) => {
            println!("{report}");
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("p11load: {message}");
            ExitCode::FAILURE
        }
    }
}

fn settings() -> Result<Settings, String> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [module, token, key, mechanism, threads, warm_up, measured] = arguments.as_slice() else {
        return Err(
            "usage: p11load MODULE TOKEN_LABEL KEY_LABEL ecdsa|rsa-pkcs THREADS WARM_UP_SECONDS SECONDS"
                .to_owned(),
        );
    };
    let number = |text: &str| text.parse::<f64>().map_err(|_| format!("{text:?} is not a number"));
    Ok(Settings {
        module: module.clone(),
        token: token.clone(),
        key: key.clone(),
        mechanism: match mechanism.as_str() {
            "ecdsa" => cryptoki_sys::CKM_ECDSA,
            "rsa-pkcs" => cryptoki_sys::CKM_RSA_PKCS,
            other => return Err(format!("{other:?} is neither ecdsa nor rsa-pkcs")),
        },
        threads: threads.parse().map_err(|_| format!("{threads:?} is not a number of threads"))?,
        warm_up: Duration::try_from_secs_f64(number(warm_up)?).map_err(|error| error.to_string())?,
        measured: Duration::try_from_secs_f64(number(measured)?).map_err(|error| error.to_string())?,
    })
}

fn run(settings: &Settings) -> Result<String, String> {
    let pin = env::var("P11LOAD_PIN").map_err(|_| "P11LOAD_PIN must hold the PIN".to_owned())?;
    let module = Module::load(&settings.module)?;
    let slot = module.slot_of_token(&settings.token)?;
    let login = module.open_session(slot)?;
    login.login(&pin)?;
    let sessions: Vec<(Session, Key)> = (0..settings.threads)
        .map(|_| {
            let session = module.open_session(slot)?;
            let key = session.private_key(&settings.key)?;
            Ok((session, key))
        })
        .collect::<Result<_, String>>()?;

    let start = Barrier::new(settings.threads);
    let counts: Vec<Count> = thread::scope(|scope| {
        let workers: Vec<_> = sessions
            .iter()
            .enumerate()
            .map(|(index, (session, key))| {
                let start = &start;
                scope.spawn(move || sign_until_the_end(settings, index, session, *key, start))
            })
            .collect();
        workers
            .into_iter()
            .map(|worker| worker.join().map_err(|_| "a thread panicked".to_owned()))
            .collect::<Result<_, String>>()
    })?;
    Ok(report(settings, &counts))
}

fn sign_until_the_end(
    settings: &Settings,
    index: usize,
    session: &Session,
    key: Key,
    start: &Barrier,
) -> Count {
    let mut data =
        if settings.mechanism == cryptoki_sys::CKM_RSA_PKCS { SHA256_DIGEST_INFO.to_vec() } else { vec![] };
    let digest = data.len();
    data.resize(digest + 32, 0xa5);
    data[digest..digest + 8].copy_from_slice(&(index as u64).to_be_bytes());

    let mut count =
        Count { latencies_us: Vec::with_capacity(1 << 18), failed: 0, signed: vec![], signature: vec![] };
    let mut signature = vec![0; 1024];
    start.wait();
    let measured_from = Instant::now() + settings.warm_up;
    let end = measured_from + settings.measured;
    for round in 0_u64.. {
        data[digest + 8..digest + 16].copy_from_slice(&round.to_be_bytes());
        let before = Instant::now();
        let outcome = session.sign(settings.mechanism, key, &data, &mut signature);
        let after = Instant::now();
        if after > end {
            break;
        }
        match outcome {
            Ok(length) => {
                count.signed.clone_from(&data);
                count.signature.clear();
                count.signature.extend_from_slice(&signature[..length]);
                if after > measured_from {
                    count.latencies_us.push(u32::try_from((after - before).as_micros()).unwrap_or(u32::MAX));
                }
            }
            Err(message) => {
                if count.failed == 0 {
                    eprintln!("p11load: thread {index}: {message}");
                }
                count.failed += 1;
            }
        }
    }
    count
}

fn report(settings: &Settings, counts: &[Count]) -> String {
    let mut latencies: Vec<u32> =
        counts.iter().flat_map(|count| count.latencies_us.iter().copied()).collect();
    latencies.sort_unstable();
    let at = |per_mille: usize| {
        latencies.get((latencies.len() * per_mille / 1000).min(latencies.len().saturating_sub(1)))
    };
    let failed: u64 = counts.iter().map(|count| count.failed).sum();
    let samples: Vec<String> = counts
        .iter()
        .filter(|count| !count.signature.is_empty())
        .map(|count| {
            format!(r#"{{"signed":"{}","signature":"{}"}}"#, hex(&count.signed), hex(&count.signature))
        })
        .collect();
    format!(
        r#"{{"signatures":{},"seconds":{},"failed":{failed},"p50_us":{},"p99_us":{},"max_us":{},"samples":[{}]}}"#,
        latencies.len(),
        settings.measured.as_secs_f64(),
        at(500).copied().unwrap_or(0),
        at(990).copied().unwrap_or(0),
        latencies.last().copied().unwrap_or(0),
        samples.join(",")
    )
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}
