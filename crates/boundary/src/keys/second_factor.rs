//! A user's second factor: an RSA-2048 key whose private half is kept by the user and signs a token for each login
//! (aws-cloudhsm.md 3.4).
//!
//! A signature is RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017 section 8.2) over a token. People sign the token's digest, which
//! is the same. What a token is bound to is for the caller to check.

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rsa::PublicEncryptingKey;
use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use strongroom_wire::Rv;

use crate::{Error, Result};

const BITS: usize = 2048;
/// The `AlgorithmIdentifier` of rsaEncryption (RFC 8017 appendix A.1).
const RSA_ENCRYPTION: [u8; 15] =
    [0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];
/// A key of which nobody has the private half: made with `openssl genrsa 2048`, whose output was deleted.
pub(super) const NOBODYS: &[u8] = include_bytes!("nobodys_second_factor.der");

/// Checks that a public key can be a second factor.
///
/// # Errors
/// `Refused`: it is no `SubjectPublicKeyInfo` of an RSA key (`CKR_KEY_TYPE_INCONSISTENT`), or of one of another size
/// (`CKR_KEY_SIZE_RANGE`).
pub fn check_second_factor(public_key: &[u8]) -> Result<()> {
    // The header before it has two to four bytes, by the length of the key.
    if !(2..=4).any(|at| public_key.get(at..).is_some_and(|rest| rest.starts_with(&RSA_ENCRYPTION))) {
        return Err(Error::refused(
            Rv::KEY_TYPE_INCONSISTENT,
            "a key that signs tokens is an RSA key of 2048 bits: give its public key",
        ));
    }
    match PublicEncryptingKey::from_der(public_key) {
        Ok(key) if key.key_size_bits() == BITS && is_whole(&key, public_key) => Ok(()),
        _ => Err(Error::refused(Rv::KEY_SIZE_RANGE, "a key that signs tokens is an RSA key of 2048 bits")),
    }
}

/// Whether the bytes are the key and nothing else, in DER.
fn is_whole(key: &PublicEncryptingKey, public_key: &[u8]) -> bool {
    let encoded: std::result::Result<PublicKeyX509Der<'_>, _> = key.as_der();
    encoded.is_ok_and(|encoded| encoded.as_ref() == public_key)
}

/// Whether a signature is over this token by this key's private half. No key: the same work, and `false`.
pub fn verify_second_factor(public_key: Option<&[u8]>, token: &[u8], signature: &[u8]) -> bool {
    let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public_key.unwrap_or(NOBODYS));
    let is_right = key.verify(token, signature).is_ok();
    is_right & public_key.is_some()
}
