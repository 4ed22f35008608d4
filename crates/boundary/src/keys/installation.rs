//! The installation's own keys: two roots, a host key that each of them certified, and the keys for backups and for the
//! service's secrets. One sealed bundle holds them all.
//!
//! ```text
//! 0       format version, 1
//! 1..17   root-key check: tells a wrong root key from an altered bundle
//! 17..    sealed record, purpose "installation": the bundle's members
//! ```
//!
//! The private halves of the roots are sealed once more, under a key of their own: an HSM opens the bundle at each start
//! and has no use for them, so they are never in its memory. They are there to enrol another host.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use strongroom_wire::message;
use strongroom_wire::{Message, Secret};
use zeroize::Zeroizing;

use super::certificates::{CertifyingKey, Host, host_certificate, pem, root_certificate};
use super::derive::SecretKey;
use super::root::{CHECK_LENGTH, RootKeys};
use super::sealing::{Purpose, SealingKey};
use super::{encode_secret, random};
use crate::{Error, Result};

const FORMAT: u8 = 1;
const WRONG_ROOT_KEY: &str = "the root key does not open this installation";
const ALTERED: &str = "the installation's bundle";

message! {
    /// What a bundle holds. Certificates are DER, private keys are P-384 scalars, public keys uncompressed points.
    pub struct Bundle {
        1 => manufacturer_root_certificate: Vec<u8>,
        2 => hardware_root_certificate: Vec<u8>,
        3 => host_name: String,
        4 => host_private: Secret,
        5 => host_public: Vec<u8>,
        6 => /** By the hardware root. */ hardware_certificate: Vec<u8>,
        7 => /** By the manufacturer root. */ manufacturer_certificate: Vec<u8>,
        8 => /** AES-256: seals recovery envelopes. */ backup_wrapping_key: Secret,
        9 => /** Seals the service's secrets. */ service_key: Secret,
        10 => /** [`RootPrivateKeys`], sealed under a purpose of their own. */ roots: Vec<u8>,
    }

    /// The private halves of the roots.
    pub struct RootPrivateKeys {
        1 => manufacturer: Secret,
        2 => hardware: Secret,
    }
}

/// An installation whose bundle is open.
pub struct Installation {
    pub(super) host: Host,
    manufacturer_root_certificate: Vec<u8>,
    pub(super) hardware_root_certificate: Vec<u8>,
    pub(super) hardware_certificate: Vec<u8>,
    pub(super) manufacturer_certificate: Vec<u8>,
    pub(super) recovery: SealingKey,
    service: SealingKey,
}

impl std::fmt::Debug for Installation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Installation").field("host", &self.host.name).finish_non_exhaustive()
    }
}

impl Installation {
    /// Makes both roots, the host key with its two certificates, the backup wrapping key and the service key; gives the
    /// sealed bundle.
    ///
    /// # Errors
    /// The root key is not 32 bytes long.
    pub fn create(root_key: &Secret) -> Result<Vec<u8>> {
        let root = RootKeys::new(&root_key.0)?;
        let mut id = [0; 4];
        random(&mut id)?;
        let id = u32::from_be_bytes(id);
        let manufacturer_name = format!("Strongroom Manufacturer Root {id:08x}");
        let hardware_name = format!("Strongroom Hardware Root {id:08x}");
        let host_name = format!("Strongroom Host {id:08x}");
        let manufacturer = CertifyingKey::generate()?;
        let hardware = CertifyingKey::generate()?;
        let host = CertifyingKey::generate()?;
        let private =
            RootPrivateKeys { manufacturer: manufacturer.private()?, hardware: hardware.private()? };
        let bundle = Bundle {
            manufacturer_root_certificate: root_certificate(&manufacturer_name, &manufacturer)?,
            hardware_root_certificate: root_certificate(&hardware_name, &hardware)?,
            hardware_certificate: host_certificate(&host_name, &host, &hardware_name, &hardware)?,
            manufacturer_certificate: host_certificate(&host_name, &host, &manufacturer_name, &manufacturer)?,
            host_private: host.private()?,
            host_public: host.public().to_vec(),
            host_name,
            backup_wrapping_key: Secret::new(SecretKey::generate()?.expose().to_vec()),
            service_key: Secret::new(SecretKey::generate()?.expose().to_vec()),
            roots: root.installation_roots.seal(&[], &encode_secret(&private))?,
        };
        let mut out = vec![FORMAT];
        out.extend_from_slice(&root.check());
        out.extend_from_slice(&root.installation.seal(&[], &encode_secret(&bundle))?);
        Ok(out)
    }

    /// Opens a bundle.
    ///
    /// # Errors
    /// `Integrity`: the root key is another, or the bundle was altered; the text says which.
    pub fn open(root_key: &Secret, bundle: &[u8]) -> Result<Self> {
        Self::open_with(&RootKeys::new(&root_key.0)?, bundle)
    }

    pub(super) fn open_with(root: &RootKeys, bundle: &[u8]) -> Result<Self> {
        let members = open_bundle(root, bundle)?;
        let backup = SecretKey::from_slice(&members.backup_wrapping_key.0, "the backup wrapping key")?;
        let service = SecretKey::from_slice(&members.service_key.0, "the service key")?;
        Ok(Self {
            host: Host {
                key: CertifyingKey::from_parts(&members.host_private, &members.host_public, "the host key")?,
                name: members.host_name,
            },
            manufacturer_root_certificate: members.manufacturer_root_certificate,
            hardware_root_certificate: members.hardware_root_certificate,
            hardware_certificate: members.hardware_certificate,
            manufacturer_certificate: members.manufacturer_certificate,
            recovery: SealingKey::derive(&backup, Purpose::RecoveryEnvelope, 0)?,
            service: SealingKey::derive(&service, Purpose::ServiceSecret, 0)?,
        })
    }

    /// Seals a secret of the service; `context` (which secret it is) is bound to it.
    ///
    /// # Errors
    /// The crypto library failed.
    pub fn seal(&self, context: &str, plaintext: &[u8]) -> Result<Vec<u8>> {
        self.service.seal(&[context.as_bytes()], plaintext)
    }

    /// Opens a secret of the service.
    ///
    /// # Errors
    /// `Integrity`: altered, sealed for another context, or by another installation.
    pub fn open_sealed(&self, context: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        self.service.open(&[context.as_bytes()], sealed, &format!("the sealed secret {context}"))
    }

    /// The root of the manufacturer chain, in PEM.
    pub fn manufacturer_root_certificate(&self) -> String {
        pem("CERTIFICATE", &self.manufacturer_root_certificate)
    }

    /// The root of the hardware chain, in PEM.
    pub fn hardware_root_certificate(&self) -> String {
        pem("CERTIFICATE", &self.hardware_root_certificate)
    }
}

fn open_bundle(root: &RootKeys, bundle: &[u8]) -> Result<Bundle> {
    if bundle.len() <= 1 + CHECK_LENGTH {
        return Err(Error::integrity(format!("{ALTERED} is truncated")));
    }
    if bundle[0] != FORMAT {
        return Err(Error::integrity(format!(
            "{ALTERED} has format {}, which this version does not know",
            bundle[0]
        )));
    }
    let (check, sealed) = bundle[1..].split_at(CHECK_LENGTH);
    verify_slices_are_equal(check, &root.check()).map_err(|_| Error::integrity(WRONG_ROOT_KEY))?;
    let plaintext = root.installation.open(&[], sealed, ALTERED)?;
    Bundle::from_bytes(&plaintext)
        .map_err(|error| Error::integrity(format!("{ALTERED} does not decode: {error}")))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::ErrorKind;

    fn root_key(byte: u8) -> Secret {
        Secret::new(vec![byte; 32])
    }

    #[test]
    fn a_bundle_opens_under_its_root_key_only() {
        let bundle = Installation::create(&root_key(1)).unwrap();
        Installation::open(&root_key(1), &bundle).unwrap();
        let error = Installation::open(&root_key(2), &bundle).unwrap_err();
        assert_eq!((error.kind, error.text.as_ref()), (ErrorKind::Integrity, WRONG_ROOT_KEY));
        let short = Secret::new(vec![1; 31]);
        assert!(Installation::open(&short, &bundle).unwrap_err().text.contains("31 bytes instead of 32"));
    }

    #[test]
    fn an_altered_or_truncated_bundle_is_refused_as_such() {
        let bundle = Installation::create(&root_key(1)).unwrap();
        for at in 0..bundle.len() {
            let mut altered = bundle.clone();
            altered[at] ^= 1;
            let error = Installation::open(&root_key(1), &altered).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Integrity);
            assert_eq!(error.text == WRONG_ROOT_KEY, (1..17).contains(&at), "byte {at}: {error}");
        }
        for length in (0..80).chain([bundle.len() - 1]) {
            Installation::open(&root_key(1), &bundle[..length]).unwrap_err();
        }
    }

    #[test]
    fn the_private_halves_of_the_roots_are_kept_for_enrolling_hosts() {
        let root = RootKeys::new(&root_key(1).0).unwrap();
        let members = open_bundle(&root, &Installation::create(&root_key(1)).unwrap()).unwrap();
        let plaintext = root.installation_roots.open(&[], &members.roots, "roots").unwrap();
        let private = RootPrivateKeys::from_bytes(&plaintext).unwrap();
        let certificate =
            super::super::certificates::parse(&members.hardware_root_certificate, "root").unwrap();
        let public = certificate.public_key().subject_public_key.data.to_vec();
        CertifyingKey::from_parts(&private.hardware, &public, "the hardware root").unwrap();
        assert!(CertifyingKey::from_parts(&private.manufacturer, &public, "the hardware root").is_err());
    }

    #[test]
    fn a_service_secret_opens_in_its_context_and_installation_only() {
        let bundle = Installation::create(&root_key(1)).unwrap();
        let installation = Installation::open(&root_key(1), &bundle).unwrap();
        let sealed = installation.seal("access-key/A", b"secret").unwrap();
        assert_eq!(*installation.open_sealed("access-key/A", &sealed).unwrap(), b"secret");
        let error = installation.open_sealed("access-key/B", &sealed).unwrap_err();
        assert!(error.text.starts_with("the sealed secret access-key/B was altered"), "{error}");
        let other = Installation::open(&root_key(1), &Installation::create(&root_key(1)).unwrap()).unwrap();
        assert!(other.open_sealed("access-key/A", &sealed).is_err());
    }

    #[test]
    fn printing_an_installation_shows_no_key() {
        let bundle = Installation::create(&root_key(1)).unwrap();
        let printed = format!("{:?}", Installation::open(&root_key(1), &bundle).unwrap());
        assert!(printed.starts_with("Installation { host: \"Strongroom Host "), "{printed}");
        assert!(printed.ends_with("\", .. }"), "{printed}");
    }
}
