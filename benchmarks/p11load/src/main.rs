//! `p11load`: a load of one kind of work through any PKCS #11 module.
//!
//! ```text
//! P11LOAD_PIN=… p11load MODULE TOKEN_LABEL WORK THREADS WARM_UP_SECONDS SECONDS
//! ```
//!
//! `WORK` is explained at [`work::Work`]. Every thread has a session of its own. All start together; calls that end
//! within the measured time count. Prints one JSON object: `operations`, `seconds`, `failed`, `p50_us`, `p99_us`,
//! `max_us`, and `samples`: what each thread gave in and got last (`input`, `iv`, `output`), in hexadecimal.

mod keys;
mod mechanisms;
mod module;
mod parameters;
mod session;
mod template;
mod work;

use std::env;
use std::fmt::Write as _;
use std::process::ExitCode;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use module::Module;
use work::{Work, Worker};

struct Settings {
    module: String,
    token: String,
    work: Work,
    threads: usize,
    warm_up: Duration,
    measured: Duration,
}

/// What one thread did in the measured time.
struct Count {
    latencies_us: Vec<u32>,
    failed: u64,
    ended: Instant,
    sample: Option<String>,
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
    let [module, token, work, threads, warm_up, measured] = arguments.as_slice() else {
        return Err("usage: p11load MODULE TOKEN_LABEL WORK THREADS WARM_UP_SECONDS SECONDS".to_owned());
    };
    let seconds = |text: &str| {
        let number = text.parse::<f64>().map_err(|_| format!("{text:?} is not a number"))?;
        Duration::try_from_secs_f64(number).map_err(|error| error.to_string())
    };
    Ok(Settings {
        module: module.clone(),
        token: token.clone(),
        work: work.parse()?,
        threads: threads.parse().map_err(|_| format!("{threads:?} is not a number of threads"))?,
        warm_up: seconds(warm_up)?,
        measured: seconds(measured)?,
    })
}

fn run(settings: &Settings) -> Result<String, String> {
    let pin = env::var("P11LOAD_PIN").map_err(|_| "P11LOAD_PIN must hold the PIN".to_owned())?;
    let module = Module::load(&settings.module)?;
    let slot = module.slot_of_token(&settings.token)?;
    let login = module.open_session(slot)?;
    login.login(&pin)?;
    let threads = settings.threads as u64;
    let workers: Vec<Worker<'_>> = (0..threads)
        .map(|index| Worker::new(&settings.work, module.open_session(slot)?, index, threads))
        .collect::<Result<_, String>>()?;

    let start = Barrier::new(settings.threads);
    let began = Instant::now();
    let counts: Vec<Count> = thread::scope(|scope| {
        let running: Vec<_> = workers
            .into_iter()
            .map(|worker| scope.spawn(|| work_until_the_end(settings, worker, &start)))
            .collect();
        running
            .into_iter()
            .map(|thread| thread.join().map_err(|_| "a thread panicked".to_owned()))
            .collect::<Result<_, String>>()
    })?;
    Ok(report(settings, began, &counts))
}

fn work_until_the_end(settings: &Settings, mut worker: Worker<'_>, start: &Barrier) -> Count {
    let mut latencies_us = Vec::with_capacity(1 << 18);
    let mut failed = 0;
    start.wait();
    let measured_from = Instant::now() + settings.warm_up;
    let end = measured_from + settings.measured;
    let mut ended = measured_from;
    for round in 0_u64.. {
        let before = Instant::now();
        let outcome = worker.step(round);
        let after = Instant::now();
        if after > end || matches!(outcome, Ok(false)) {
            break;
        }
        match outcome {
            Ok(_) if after > measured_from => {
                latencies_us.push(u32::try_from((after - before).as_micros()).unwrap_or(u32::MAX));
                ended = after;
            }
            Ok(_) => {}
            Err(message) => {
                if failed == 0 {
                    eprintln!("p11load: {message}");
                }
                failed += 1;
            }
        }
    }
    if let Err(message) = worker.clean_up() {
        eprintln!("p11load: {message}");
        failed += 1;
    }
    let sample = worker.sample().map(|(input, iv, output)| {
        format!(r#"{{"input":"{}","iv":"{}","output":"{}"}}"#, hex(input), hex(iv), hex(output))
    });
    Count { latencies_us, failed, ended, sample }
}

fn report(settings: &Settings, began: Instant, counts: &[Count]) -> String {
    let mut latencies: Vec<u32> =
        counts.iter().flat_map(|count| count.latencies_us.iter().copied()).collect();
    latencies.sort_unstable();
    let at = |per_mille: usize| {
        latencies.get((latencies.len() * per_mille / 1000).min(latencies.len().saturating_sub(1)))
    };
    let failed: u64 = counts.iter().map(|count| count.failed).sum();
    let samples: Vec<&str> = counts.iter().filter_map(|count| count.sample.as_deref()).collect();
    format!(
        r#"{{"operations":{},"seconds":{},"failed":{failed},"p50_us":{},"p99_us":{},"max_us":{},"samples":[{}]}}"#,
        latencies.len(),
        measured_seconds(settings, began, counts),
        at(500).copied().unwrap_or(0),
        at(990).copied().unwrap_or(0),
        latencies.last().copied().unwrap_or(0),
        samples.join(",")
    )
}

/// The time asked for; for counted work the time that it took.
fn measured_seconds(settings: &Settings, began: Instant, counts: &[Count]) -> f64 {
    match &settings.work {
        Work::GenerateAes { count: Some(_), .. } => {
            let last = counts.iter().map(|count| count.ended).max().unwrap_or(began);
            last.saturating_duration_since(began).as_secs_f64()
        }
        _ => settings.measured.as_secs_f64(),
    }
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}
