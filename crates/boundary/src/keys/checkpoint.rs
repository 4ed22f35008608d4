//! Checkpoints: an HSM's word on its audit log, signed by its identity key, and the certificates to check it with.
//!
//! A MAC proves an entry to the HSMs of the cluster only; a signature proves it to everybody. The context before the
//! signed bytes keeps a checkpoint from being taken for anything else that the identity key signs.

use super::Keys;
use crate::Result;

const SIGNATURE_CONTEXT: &[u8] = b"strongroom checkpoint 1\0";

impl Keys {
    /// ECDSA P-384 with SHA-384, in DER, by the identity key over `strongroom checkpoint 1`, a zero byte, and the
    /// checkpoint.
    ///
    /// # Errors
    /// `Refused`: there is no identity yet.
    pub fn sign_checkpoint(&self, checkpoint: &[u8]) -> Result<Vec<u8>> {
        self.identity()?.signing.sign(&[SIGNATURE_CONTEXT, checkpoint].concat())
    }

    /// What a checkpoint's signature is verified with, in DER: the certificate of the identity, of its host, and of the
    /// hardware root. Public.
    ///
    /// # Errors
    /// `Refused`: there is no identity yet.
    pub fn identity_certificates(&self) -> Result<[Vec<u8>; 3]> {
        let identity = self.identity()?;
        Ok([
            identity.certificate.clone(),
            identity.host_certificate.clone(),
            self.installation.hardware_root_certificate.clone(),
        ])
    }
}
