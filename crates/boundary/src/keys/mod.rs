//! The keys that protect keys, and everything that is done with them: sealing, envelopes, certificates, heads, password
//! verifiers, login tickets.
//!
//! [`Keys`] is one HSM's; [`Installation`] is what the service uses of the installation's keys. Bytes go in and come out;
//! keys do not. Each module has its part of [`Keys`] at its top. A refusal names what is wrong:
//! [`ErrorKind::Integrity`](crate::ErrorKind::Integrity) for bytes that were altered or belong elsewhere, `Refused` for a
//! call that cannot be.

mod certificates;
mod checkpoint;
mod cluster;
mod cluster_certificate;
mod derive;
mod envelope;
mod head;
mod identity;
mod installation;
mod password;
mod quorum;
mod records;
mod root;
mod sealing;
mod second_factor;
#[cfg(test)]
mod tests;
mod ticket;

use std::sync::{OnceLock, RwLock};

use strongroom_wire::{Message, Secret};
use zeroize::Zeroizing;

use cluster::ClusterKeys;
use identity::Identity;
use root::RootKeys;

pub use cluster_certificate::TlsSignature;
pub use head::HeadWrite;
pub use installation::Installation;
pub use second_factor::{check_second_factor, verify_second_factor};
pub use ticket::{LoginGrant, TICKET_LIFETIME_SECONDS};

use crate::{Error, Result};

/// Which HSM this is, and what opens its keys.
#[derive(Debug)]
pub struct Config {
    /// `cluster-…`: bound to everything that is sealed.
    pub cluster_id: String,
    /// `hsm-…`: bound to the identity, envelopes and anchors.
    pub hsm_id: String,
    /// 32 bytes from the unseal provider.
    pub root_key: Secret,
    /// The installation's sealed bundle.
    pub installation: Vec<u8>,
}

/// The keys of one HSM. An identity and cluster keys come once and never change while it lives.
pub struct Keys {
    cluster_id: String,
    hsm_id: String,
    root: RootKeys,
    installation: Installation,
    identity: OnceLock<Identity>,
    cluster: OnceLock<ClusterKeys>,
    /// The leaf certificate that InitializeCluster brought, DER.
    certificate: RwLock<Option<Vec<u8>>>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys")
            .field("cluster_id", &self.cluster_id)
            .field("hsm_id", &self.hsm_id)
            .field("has_identity", &self.identity.get().is_some())
            .field("has_cluster_keys", &self.has_cluster_keys())
            .finish_non_exhaustive()
    }
}

impl Keys {
    /// Opens the installation's bundle with the root key, which is wiped afterwards.
    ///
    /// # Errors
    /// `Integrity`: "the root key does not open this installation", or the bundle was altered.
    pub fn open(config: Config) -> Result<Self> {
        let root = RootKeys::new(&config.root_key.0)?;
        let installation = Installation::open_with(&root, &config.installation)?;
        Ok(Self {
            cluster_id: config.cluster_id,
            hsm_id: config.hsm_id,
            root,
            installation,
            identity: OnceLock::new(),
            cluster: OnceLock::new(),
            certificate: RwLock::new(None),
        })
    }
}

/// Fills a buffer from the crypto library's random generator.
fn random(buffer: &mut [u8]) -> Result<()> {
    aws_lc_rs::rand::fill(buffer).map_err(|_| Error::failed("the random generator failed"))
}

/// A message with secrets in it, encoded into one allocation that is wiped on drop.
fn encode_secret(message: &impl Message) -> Zeroizing<Vec<u8>> {
    // Larger than any of ours, so that the vector never moves and leaves a copy behind.
    let mut encoded = Zeroizing::new(Vec::with_capacity(16 * 1024));
    message.encode(&mut encoded);
    encoded
}
