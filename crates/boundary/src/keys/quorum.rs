//! Users' keys for quorum approvals: RSA-2048 keys whose private halves the users keep (aws-cloudhsm.md 3.5).
//!
//! A public key is sealed and bound to its user when the user registers it, so that the boundary knows by itself whose
//! approval a signature is. An approval is RSASSA-PKCS1-v1_5 with SHA-256 over a token's approval data. Whether the
//! registration is the user's newest, and the token unspent, is for the caller to check.

use strongroom_wire::Rv;
use zeroize::Zeroizing;

use super::Keys;
use super::second_factor::{check_second_factor, verify_second_factor};
use crate::{Error, Result};

/// What a sealed key is bound to beside its user: no rule record has a public part.
const PUBLIC_PART: &[u8] = b"quorum key";
/// A key is sealed for its user and not for a place in the store, so it has no version of its own.
const VERSION: [u8; 8] = [0; 8];

impl Keys {
    /// Seals a user's public key, after its private half has signed these bytes.
    ///
    /// # Errors
    /// `Refused`: it is no RSA key of 2048 bits, or did not sign them (`CKR_SIGNATURE_INVALID`).
    pub fn seal_quorum_key(
        &self,
        username: &str,
        public_key: &[u8],
        signed: &[u8],
        signature: &[u8],
    ) -> Result<Vec<u8>> {
        check_second_factor(public_key)?;
        if !verify_second_factor(Some(public_key), signed, signature) {
            let text = "the token was not signed by the private key of the public key that was given";
            return Err(Error::refused(Rv::SIGNATURE_INVALID, text));
        }
        let name = name_of(username);
        self.cluster()?.rule.seal(&self.record_parts(&name, &VERSION, PUBLIC_PART), public_key)
    }

    /// Checks a user's approval, by the key that was sealed for this user.
    ///
    /// # Errors
    /// `Integrity`: it was sealed for another user, or altered. `CKR_SIGNATURE_INVALID`.
    pub fn verify_approval(
        &self,
        username: &str,
        sealed_key: &[u8],
        approval_data: &[u8],
        signature: &[u8],
    ) -> Result<()> {
        self.approving_key(username, sealed_key, approval_data, signature).map(drop)
    }

    /// As [`Self::verify_approval`]; gives the public key that the approval is by.
    pub(crate) fn approving_key(
        &self,
        username: &str,
        sealed_key: &[u8],
        approval_data: &[u8],
        signature: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>> {
        let name = name_of(username);
        let parts = self.record_parts(&name, &VERSION, PUBLIC_PART);
        let public_key = self.cluster()?.rule.open(&parts, sealed_key, &name)?;
        if verify_second_factor(Some(&public_key), approval_data, signature) {
            return Ok(public_key);
        }
        let text = format!(
            "Invalid username-signature pair for quorum authorization: the signature of {username} is not one over this \
             token by the key that is registered"
        );
        Err(Error::refused(Rv::SIGNATURE_INVALID, text))
    }
}

fn name_of(username: &str) -> String {
    format!("quorum-key/{username}")
}
