//! RSASSA-PSS (RFC 8017 section 8.1), with free choice of hash, MGF1 hash and salt length.

use strongroom_wire::messages::MechanismParameters;
use strongroom_wire::{MechanismType, Rv};

use super::handle::RsaHandle;
use super::rsa_pkcs1::{check_signature_length, signature_invalid};
use super::{digest, hash_of, parameters};
use crate::ffi::Hash;
use crate::{Error, Result};

struct Pss {
    hash: Hash,
    mgf: Hash,
    salt_length: usize,
    digest: Vec<u8>,
}

/// Signs the digest that the client made (`CKM_RSA_PKCS_PSS`), or digests and signs.
pub fn sign(
    key: &RsaHandle,
    mechanism: MechanismType,
    parameters: Option<&MechanismParameters>,
    data: &[u8],
) -> Result<Vec<u8>> {
    let pss = read(key, mechanism, parameters, data)?;
    Ok(key.key.sign_pss(&pss.digest, pss.hash, pss.mgf, pss.salt_length)?)
}

/// The inverse of [`sign`].
pub fn verify(
    key: &RsaHandle,
    mechanism: MechanismType,
    parameters: Option<&MechanismParameters>,
    data: &[u8],
    signature: &[u8],
) -> Result<()> {
    let pss = read(key, mechanism, parameters, data)?;
    check_signature_length(key, signature)?;
    key.key
        .verify_pss(&pss.digest, pss.hash, pss.mgf, pss.salt_length, signature)
        .map_err(|_| signature_invalid())
}

fn read(
    key: &RsaHandle,
    mechanism: MechanismType,
    given: Option<&MechanismParameters>,
    data: &[u8],
) -> Result<Pss> {
    let given = parameters::required(given)?;
    let (hash, mgf) = (parameters::hash(given.hash)?, parameters::mgf(given.mgf)?);
    let combined = mechanism.hash().and_then(hash_of);
    if combined.is_some_and(|combined| combined != hash) {
        return Err(parameters::invalid("the hash of the parameter is not that of the mechanism"));
    }
    // RFC 8017 section 9.1.1: the encoded message has one bit less than the modulus, which has whole bytes here.
    let limit = key.key.size() - hash.length() - 2;
    let salt_length = given.salt_length.and_then(|length| usize::try_from(length).ok()).unwrap_or(usize::MAX);
    if salt_length > limit {
        let text = format!("the salt length must be given, and at most {limit} bytes with this key and hash");
        return Err(parameters::invalid(text));
    }
    let digest = if combined.is_some() { digest(hash, data)?.as_ref().to_vec() } else { data.to_vec() };
    if digest.len() != hash.length() {
        let text = format!("the data must be a digest of {} bytes", hash.length());
        return Err(Error::refused(Rv::DATA_LEN_RANGE, text));
    }
    Ok(Pss { hash, mgf, salt_length, digest })
}
