//! The configuration file, in the shape that AWS's `configure-*` tools write (aws-cloudhsm.md 4.4).
//!
//! ```json
//! {"clusters": [{"type": "hsm1", "cluster": {"hsm_ca_file": "customerCA.crt", "cluster_id": "cluster-…",
//!    "servers": [{"hostname": "127.0.1.5", "port": 2223, "enable": true}]}}],
//!  "logging": {"log_type": "file", "log_file": "pkcs11.log", "log_level": "info", "log_interval": "daily"},
//!  "options": {"deadline_ms": 10000, "spin_us": 0, "retry_mode": "standard"}}
//! ```
//! For mutual TLS a cluster has `client_cert_hsm_tls_file` and `client_key_hsm_tls_file` too.
//! Beside "type" a cluster may have "profile", beside "servers" AWS's "options".
//!
//! Relative paths are taken from the directory of the file. Members that are unknown here are ignored, so that a file
//! written by AWS's tools works.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use strongroom_wire::Rv;
use strongroom_wire::frame::DEFAULT_PORT;

use crate::error::{Error, Result};
use crate::log::{Level, Log, Rotation};

/// The environment variable that names the file.
pub const CONFIG_VARIABLE: &str = "STRONGROOM_CONFIG";
/// The files for all users of a machine, ours first and then the one that AWS's `configure-pkcs11` writes.
pub const SYSTEM_PATHS: [&str; 2] = ["/etc/strongroom/client.json", "/opt/cloudhsm/etc/cloudhsm-pkcs11.cfg"];

/// A whole configuration.
#[derive(Debug)]
pub struct Config {
    /// At least one.
    pub clusters: Vec<ClusterConfig>,
    /// Where the log goes.
    pub log: Log,
}

/// Whose behaviour a slot of the PKCS #11 library has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// The standard's.
    #[default]
    Standard,
    /// That of AWS's library.
    Aws,
}

/// One cluster.
#[derive(Clone, Debug)]
pub struct ClusterConfig {
    /// The trust anchor, PEM.
    pub trust_anchor_pem: Vec<u8>,
    /// Where it came from, for messages.
    pub trust_anchor_path: PathBuf,
    /// The cluster that must answer.
    pub cluster_id: Option<String>,
    /// For mutual TLS.
    pub client_certificate: Option<ClientCertificateFiles>,
    /// HSMs to ask first; the cluster tells the rest. At least one.
    pub servers: Vec<Server>,
    /// For the PKCS #11 library.
    pub profile: Profile,
    /// Whether, in the profile of AWS, token keys need two HSMs.
    pub checks_key_availability: bool,
    /// Sessions that a program may have open at once, where that is not the profile's number.
    pub max_sessions: Option<usize>,
    /// How long a call may take, with all its repetitions.
    pub deadline_ms: u32,
    /// How long a lone caller polls for its answer before it sleeps.
    pub spin_us: u32,
    /// Whether a call that one HSM does not answer goes to another, within the deadline.
    pub retries: bool,
}

/// PEM files of the client's own certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificateFiles {
    /// The certificate, and those between it and the trust anchor.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// One address of an HSM.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Server {
    /// An address or a name.
    pub hostname: String,
    /// Its port.
    pub port: u16,
}

#[derive(Deserialize)]
struct FileForm {
    #[serde(default)]
    clusters: Vec<ClusterEntry>,
    #[serde(default)]
    logging: LoggingForm,
    #[serde(default)]
    options: OptionsForm,
}

#[derive(Deserialize)]
struct ClusterEntry {
    profile: Option<String>,
    cluster: ClusterForm,
}

#[derive(Deserialize)]
struct ClusterForm {
    hsm_ca_file: PathBuf,
    cluster_id: Option<String>,
    client_cert_hsm_tls_file: Option<PathBuf>,
    client_key_hsm_tls_file: Option<PathBuf>,
    #[serde(default)]
    servers: Vec<ServerForm>,
    #[serde(default)]
    options: ClusterOptionsForm,
}

#[derive(Default, Deserialize)]
struct ClusterOptionsForm {
    #[serde(default)]
    disable_key_availability_check: bool,
    max_sessions: Option<usize>,
}

#[derive(Deserialize)]
struct ServerForm {
    hostname: String,
    port: Option<u16>,
    enable: Option<bool>,
}

#[derive(Default, Deserialize)]
struct LoggingForm {
    log_type: Option<String>,
    log_file: Option<PathBuf>,
    log_level: Option<String>,
    log_interval: Option<String>,
}

#[derive(Default, Deserialize)]
struct OptionsForm {
    deadline_ms: Option<u32>,
    spin_us: Option<u32>,
    retry_mode: Option<String>,
}

impl Config {
    /// Reads the file that the environment or the default paths name: `STRONGROOM_CONFIG`, then
    /// `$XDG_CONFIG_HOME/strongroom/client.json` (`~/.config` where the variable is unset), then [`SYSTEM_PATHS`].
    ///
    /// # Errors
    /// No file, or a broken one; the text says which path and what to do.
    pub fn find() -> Result<Self> {
        if let Some(path) = std::env::var_os(CONFIG_VARIABLE).filter(|value| !value.is_empty()) {
            return Self::from_file(Path::new(&path));
        }
        let user_directory = std::env::var_os("XDG_CONFIG_HOME")
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
            .or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".config")));
        let mut candidates = Vec::new();
        candidates.extend(user_directory.map(|directory| directory.join("strongroom/client.json")));
        candidates.extend(SYSTEM_PATHS.map(PathBuf::from));
        if let Some(path) = candidates.iter().find(|path| path.exists()) {
            return Self::from_file(path);
        }
        let names: Vec<String> = candidates.iter().map(|path| path.display().to_string()).collect();
        Err(refused(format!(
            "no configuration: {CONFIG_VARIABLE} is not set and there is no {}; set {CONFIG_VARIABLE} to the path of a \
             configuration file (`strongroom env` prints it)",
            names.join(" and no ")
        )))
    }

    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read or is broken; the text says which path and what to do.
    pub fn from_file(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            refused(format!("configuration file {} cannot be read: {error}; check the path", path.display()))
        })?;
        let directory = path.parent().unwrap_or(Path::new(""));
        Self::parse(&text, directory)
            .map_err(|error| refused(format!("configuration file {}: {}", path.display(), error.text)))
    }

    /// From JSON text; relative paths are taken from `directory`.
    ///
    /// # Errors
    /// The text is not a configuration, or a trust anchor cannot be read.
    pub fn parse(text: &str, directory: &Path) -> Result<Self> {
        let form: FileForm = serde_json::from_str(text).map_err(|error| {
            refused(format!("not the JSON of a configuration: {error}; correct that line"))
        })?;
        if form.clusters.is_empty() {
            return Err(refused(
                "\"clusters\" names no cluster; add one with hsm_ca_file and servers".into(),
            ));
        }
        let log = parse_logging(form.logging, directory)?;
        let clusters = form
            .clusters
            .into_iter()
            .map(|entry| {
                let profile = parse_profile(entry.profile.as_deref())?;
                parse_cluster(entry.cluster, profile, &form.options, directory)
            })
            .collect::<Result<_>>()?;
        Ok(Self { clusters, log })
    }
}

fn refused(text: String) -> Error {
    Error::local(Rv::GENERAL_ERROR, text)
}

fn parse_profile(name: Option<&str>) -> Result<Profile> {
    match name {
        None | Some("standard") => Ok(Profile::Standard),
        Some("aws") => Ok(Profile::Aws),
        Some(name) => Err(refused(format!("profile {name:?} is unknown; use standard or aws"))),
    }
}

fn parse_cluster(
    form: ClusterForm,
    profile: Profile,
    options: &OptionsForm,
    directory: &Path,
) -> Result<ClusterConfig> {
    let trust_anchor_path = directory.join(form.hsm_ca_file);
    let trust_anchor_pem = std::fs::read(&trust_anchor_path).map_err(|error| {
        refused(format!(
            "hsm_ca_file {} cannot be read: {error}; copy the certificate there that signed the cluster's CSR",
            trust_anchor_path.display()
        ))
    })?;
    let servers: Vec<Server> = form
        .servers
        .into_iter()
        .filter(|server| server.enable != Some(false))
        .map(|server| Server { hostname: server.hostname, port: server.port.unwrap_or(DEFAULT_PORT) })
        .collect();
    if let Some(server) =
        servers.iter().find(|server| server.hostname.is_empty() || server.hostname.contains('%'))
    {
        return Err(refused(format!(
            "server hostname {:?} is a placeholder; put an HSM's address there",
            server.hostname
        )));
    }
    let retries = match options.retry_mode.as_deref() {
        None | Some("standard") => true,
        Some("off") => false,
        Some(name) => {
            return Err(refused(format!("retry_mode {name:?} is unknown; use standard or off")));
        }
    };
    if servers.is_empty() {
        return Err(refused("\"servers\" names no enabled server; add an HSM's address".into()));
    }
    let client_certificate = match (form.client_cert_hsm_tls_file, form.client_key_hsm_tls_file) {
        (None, None) => None,
        (Some(certificate), Some(key)) => Some(ClientCertificateFiles {
            certificate: directory.join(certificate),
            key: directory.join(key),
        }),
        _ => {
            return Err(refused(
                "mutual TLS needs both client_cert_hsm_tls_file and client_key_hsm_tls_file; add the other"
                    .into(),
            ));
        }
    };
    Ok(ClusterConfig {
        trust_anchor_pem,
        trust_anchor_path,
        cluster_id: form.cluster_id.filter(|id| !id.is_empty()),
        client_certificate,
        servers,
        profile,
        checks_key_availability: !form.options.disable_key_availability_check,
        max_sessions: form.options.max_sessions.map(|most| most.max(1)),
        deadline_ms: options.deadline_ms.unwrap_or(10_000).max(100),
        spin_us: options.spin_us.unwrap_or(0).min(10_000),
        retries,
    })
}

fn parse_logging(form: LoggingForm, directory: &Path) -> Result<Log> {
    let level = match form.log_level.as_deref() {
        None => Level::Error,
        Some(name) => Level::from_name(name).ok_or_else(|| {
            refused(format!("log_level {name:?} is unknown; use off, error, warn, info, debug or trace"))
        })?,
    };
    let rotation = match form.log_interval.as_deref() {
        None | Some("never") => Rotation::Never,
        Some("daily") => Rotation::Daily,
        Some("hourly") => Rotation::Hourly,
        Some(name) => {
            return Err(refused(format!("log_interval {name:?} is unknown; use never, daily or hourly")));
        }
    };
    match (form.log_type.as_deref(), form.log_file) {
        (None | Some("term"), _) => Ok(Log::to_standard_error(level)),
        (Some("file"), Some(path)) => Ok(Log::to_file(level, directory.join(path), rotation)),
        (Some("file"), None) => Err(refused("log_type \"file\" needs log_file; add its path".into())),
        (Some(name), _) => Err(refused(format!("log_type {name:?} is unknown; use term or file"))),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn anchor_directory(test: &str) -> PathBuf {
        let directory = std::env::temp_dir().join(format!("strongroom-config-{test}-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join("ca.crt"), "pem").unwrap();
        directory
    }

    #[test]
    fn a_file_in_aws_shape_is_read() {
        let text = r#"{"clusters":[{"type":"hsm1","cluster":{"hsm_ca_file":"ca.crt","cluster_id":"cluster-a",
            "servers":[{"hostname":"10.0.0.5","port":2224,"enable":true},{"hostname":"10.0.0.6","enable":false},
            {"hostname":"10.0.0.7"}]}}],
            "logging":{"log_type":"file","log_file":"x.log","log_level":"info","log_interval":"daily"},"more":1}"#;
        let config = Config::parse(text, &anchor_directory("shape")).unwrap();
        let cluster = &config.clusters[0];
        assert_eq!(cluster.cluster_id.as_deref(), Some("cluster-a"));
        assert_eq!(cluster.servers[0], Server { hostname: "10.0.0.5".into(), port: 2224 });
        assert_eq!(cluster.servers[1], Server { hostname: "10.0.0.7".into(), port: 2223 });
        assert_eq!((cluster.trust_anchor_pem.as_slice(), cluster.deadline_ms), (&b"pem"[..], 10_000));
    }

    #[test]
    fn a_cluster_has_the_profile_that_is_named_and_awss_options() {
        let parse = |entry: &str, cluster: &str| {
            let text = format!(
                r#"{{"clusters":[{{{entry}"cluster":{{"hsm_ca_file":"ca.crt",{cluster}"servers":[{{"hostname":"h"}}]}}}}]}}"#
            );
            let config = Config::parse(&text, &anchor_directory("profile")).unwrap();
            let cluster = &config.clusters[0];
            (cluster.profile, cluster.checks_key_availability, cluster.max_sessions)
        };
        assert_eq!(parse("", ""), (Profile::Standard, true, None));
        assert_eq!(parse(r#""profile":"standard","#, ""), (Profile::Standard, true, None));
        let options = r#""options":{"disable_key_availability_check":true,"max_sessions":5},"#;
        assert_eq!(parse(r#""profile":"aws","#, options), (Profile::Aws, false, Some(5)));
    }

    #[test]
    fn each_broken_file_says_what_is_wrong_and_what_to_do() {
        let directory = anchor_directory("broken");
        for (text, words) in [
            ("{", "not the JSON"),
            ("{}", "names no cluster"),
            (
                r#"{"clusters":[{"cluster":{"hsm_ca_file":"none.crt","servers":[{"hostname":"h"}]}}]}"#,
                "none.crt",
            ),
            (r#"{"clusters":[{"cluster":{"hsm_ca_file":"ca.crt","servers":[]}}]}"#, "no enabled server"),
            (
                r#"{"clusters":[{"cluster":{"hsm_ca_file":"ca.crt","client_key_hsm_tls_file":"k","servers":[{"hostname":"h"}]}}]}"#,
                "needs both",
            ),
            (
                r#"{"clusters":[{"cluster":{"hsm_ca_file":"ca.crt","servers":[{"hostname":"%%HSM_IP_ADDRESS%%"}]}}]}"#,
                "placeholder",
            ),
            (
                r#"{"clusters":[{"cluster":{"hsm_ca_file":"ca.crt","servers":[{"hostname":"h"}]}}],
                "logging":{"log_level":"loud"}}"#,
                "log_level",
            ),
            (
                r#"{"clusters":[{"cluster":{"hsm_ca_file":"ca.crt","servers":[{"hostname":"h"}]}}],
                "options":{"retry_mode":"fast"}}"#,
                "retry_mode",
            ),
            (
                r#"{"clusters":[{"profile":"amazon","cluster":{"hsm_ca_file":"ca.crt",
                "servers":[{"hostname":"h"}]}}]}"#,
                "use standard or aws",
            ),
        ] {
            let error = Config::parse(text, &directory).unwrap_err();
            assert!(error.text.contains(words), "{}", error.text);
        }
        let error = Config::from_file(Path::new("/nonexistent/pkcs11.json")).unwrap_err();
        assert!(error.text.contains("/nonexistent/pkcs11.json"));
    }
}
