//! The client's log: lines to standard error or to a file, as the configuration says. No secrets, no request bodies.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// How much is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Nothing.
    Off,
    /// What makes calls fail.
    Error,
    /// What was overcome: a lost connection, a refused certificate.
    Warn,
    /// Connections and logins.
    Info,
    /// Each retry.
    Debug,
    /// Each call.
    Trace,
}

impl Level {
    /// From the word in a configuration file.
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "off" => Self::Off,
            "error" => Self::Error,
            "warn" => Self::Warn,
            "info" => Self::Info,
            "debug" => Self::Debug,
            "trace" => Self::Trace,
            _ => return None,
        })
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Off => "OFF",
            Self::Error => "ERROR",
            Self::Warn => "WARN",
            Self::Info => "INFO",
            Self::Debug => "DEBUG",
            Self::Trace => "TRACE",
        }
    }
}

/// When a log file is left for a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// One file for ever.
    Never,
    /// The file's name ends in the date.
    Daily,
    /// The file's name ends in date and hour.
    Hourly,
}

#[derive(Debug)]
enum Sink {
    StandardError,
    File { path: PathBuf, rotation: Rotation, open: Mutex<Option<(String, File)>> },
}

/// Where lines go.
#[derive(Debug)]
pub struct Log {
    level: Level,
    sink: Sink,
}

impl Log {
    /// Lines of `level` and above it, to standard error.
    pub const fn to_standard_error(level: Level) -> Self {
        Self { level, sink: Sink::StandardError }
    }

    /// Lines of `level` and above it, to a file that is opened with the first line.
    pub const fn to_file(level: Level, path: PathBuf, rotation: Rotation) -> Self {
        Self { level, sink: Sink::File { path, rotation, open: Mutex::new(None) } }
    }

    /// Whether a line of this level would be written.
    pub fn takes(&self, level: Level) -> bool {
        level <= self.level
    }

    /// Writes a line.
    pub fn write(&self, level: Level, text: &str) {
        if !self.takes(level) {
            return;
        }
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let line =
            format!("{} {:5} [strongroom {}] {text}\n", timestamp(seconds), level.name(), std::process::id());
        // A log line that cannot be written must not make the application's call fail.
        let _ = match &self.sink {
            Sink::StandardError => std::io::stderr().write_all(line.as_bytes()),
            Sink::File { path, rotation, open } => {
                let suffix = match rotation {
                    Rotation::Never => String::new(),
                    Rotation::Daily => format!(".{}", &timestamp(seconds)[..10]),
                    Rotation::Hourly => format!(".{}", timestamp(seconds)[..13].replace('T', "-")),
                };
                let mut open = open.lock().unwrap_or_else(PoisonError::into_inner);
                if open.as_ref().is_none_or(|(current, _)| *current != suffix) {
                    let mut name = path.clone().into_os_string();
                    name.push(&suffix);
                    *open = OpenOptions::new()
                        .create(true)
                        .append(true)
                        .open(name)
                        .ok()
                        .map(|file| (suffix, file));
                }
                match open.as_mut() {
                    Some((_, file)) => file.write_all(line.as_bytes()),
                    None => std::io::stderr().write_all(line.as_bytes()),
                }
            }
        };
    }
}

/// `2026-01-31T12:34:56Z` (days to a civil date by H. Hinnant's algorithm).
fn timestamp(unix_seconds: u64) -> String {
    let (days, second) = (unix_seconds / 86_400, unix_seconds % 86_400);
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_index = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_index + 2) / 5 + 1;
    let month = if month_index < 10 { month_index + 3 } else { month_index - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", second / 3600, second / 60 % 60, second % 60)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_timestamp_is_the_civil_date() {
        assert_eq!(timestamp(0), "1970-01-01T00:00:00Z");
        assert_eq!(timestamp(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(timestamp(1_798_761_599), "2026-12-31T23:59:59Z");
    }

    #[test]
    fn a_daily_file_carries_its_date_and_only_lines_that_matter() {
        let path = std::env::temp_dir().join(format!("strongroom-log-{}", std::process::id()));
        let log = Log::to_file(Level::Warn, path.clone(), Rotation::Daily);
        log.write(Level::Info, "not this");
        log.write(Level::Error, "but this");
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let file = format!("{}.{}", path.display(), &timestamp(seconds)[..10]);
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::remove_file(file).unwrap();
        assert!(text.contains("ERROR") && text.ends_with("but this\n") && !text.contains("not this"));
    }
}
