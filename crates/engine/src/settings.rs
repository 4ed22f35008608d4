//! The limits of the data plane. The defaults are what an HSM runs with; tests shorten the times.

use std::time::Duration;

/// Limits and sizes.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Threads that read connections and do short work.
    pub workers: usize,
    /// Threads for RSA private keys, searches and long data.
    pub long_workers: usize,
    /// Threads for handshakes, of lower priority: a flood of them must not slow what is in work.
    pub handshake_workers: usize,
    /// Connections at once. A further one takes the place of the oldest without a login; where all have one it is closed.
    pub max_connections: usize,
    /// From accept to the answered HELLO.
    pub handshake_timeout: Duration,
    /// From a frame's first byte to its last.
    pub frame_timeout: Duration,
    /// How long a peer may leave its answers unread.
    pub output_timeout: Duration,
    /// Of a request whose frame names none.
    pub default_deadline: Duration,
    /// Attempts to log in that one address has in work at once; further ones are refused.
    pub max_attempts_of_address: usize,
    /// From an attempt to log in to its refusal.
    pub refused_attempt_time: Duration,
    /// What failed attempts from strange addresses may take of the processors, in cores; familiar ones half of it more.
    pub attempts_cores: f64,
    /// CPU time that they may take at once after a quiet time.
    pub attempts_burst: Duration,
    /// How long session objects live after the last connection of their login closed.
    pub login_linger: Duration,
    /// How long one idle worker looks for more work before it sleeps; zero = not at all.
    pub spin: Duration,
    /// The longest data of one operation, in bytes.
    pub max_data: u64,
    /// Certificates that are read in a second; 0 = as many as are asked for.
    pub certificate_reads_per_second: u32,
    /// Managed requests waiting in one lane.
    pub lane_capacity: usize,
    /// Requests of one connection that are not answered yet; reading pauses at this number.
    pub max_requests_in_work: usize,
    /// Bytes of such requests; reading pauses at this number.
    pub max_bytes_in_work: usize,
    /// Unsent answers of one connection in bytes at which reading pauses.
    pub output_pause: usize,
    /// Unsent answers of one connection in bytes at which it is closed.
    pub output_max: usize,
    /// Answers that one worker gathers before it sends them.
    pub answers_per_write: usize,
    /// Operations over long data that a login has under way at once.
    pub max_streams_of_login: usize,
    /// Operations over long data that the HSM has under way at once; each holds a few kilobytes.
    pub max_streams: usize,
    /// Surplus requests of one read from which on another worker is woken to help.
    pub help_from: usize,
}

impl Default for Settings {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        Self {
            workers: cores.clamp(2, 16),
            long_workers: cores.clamp(2, 64),
            handshake_workers: cores.clamp(1, 16),
            max_connections: 10_000,
            handshake_timeout: Duration::from_secs(10),
            frame_timeout: Duration::from_secs(30),
            output_timeout: Duration::from_secs(30),
            default_deadline: Duration::from_secs(10),
            max_attempts_of_address: 64,
            refused_attempt_time: Duration::from_millis(250),
            attempts_cores: cores as f64 / 16.0,
            attempts_burst: Duration::from_millis(150),
            login_linger: Duration::from_secs(60),
            spin: Duration::from_micros(50),
            max_data: strongroom_boundary::MAX_DATA as u64,
            certificate_reads_per_second: 0,
            lane_capacity: 1024,
            max_requests_in_work: 1024,
            max_bytes_in_work: 4 * 1024 * 1024,
            output_pause: 1024 * 1024,
            output_max: 16 * 1024 * 1024,
            answers_per_write: 8,
            max_streams_of_login: 1024,
            max_streams: 16_384,
            help_from: 2,
        }
    }
}

/// Which HSM this is, as HELLO says it.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The cluster's id.
    pub cluster_id: String,
    /// This HSM's id.
    pub hsm_id: String,
    /// `FIPS` or `NON_FIPS`.
    pub mode: String,
}
