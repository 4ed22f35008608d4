//! Ed25519 (RFC 8032 section 5.1), without context or pre-hash.

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, UnparsedPublicKey};
use strongroom_wire::Rv;

use super::internal;
use crate::{Error, Result};

const SIGNATURE_LENGTH: usize = 64;

/// Signs.
pub fn sign(key: &Ed25519KeyPair, data: &[u8]) -> Result<Vec<u8>> {
    let signature = key.try_sign(data).map_err(|_| internal("the crypto library refused to sign"))?;
    Ok(signature.as_ref().to_vec())
}

/// Verifies, with a public key of 32 bytes.
pub fn verify(key: &[u8], data: &[u8], signature: &[u8]) -> Result<()> {
    if signature.len() != SIGNATURE_LENGTH {
        return Err(Error::refused(Rv::SIGNATURE_LEN_RANGE, "an Ed25519 signature has 64 bytes"));
    }
    UnparsedPublicKey::new(&ED25519, key)
        .verify(data, signature)
        .map_err(|_| Error::refused(Rv::SIGNATURE_INVALID, "the signature is not over this data by this key"))
}
