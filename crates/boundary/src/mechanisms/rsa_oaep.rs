//! RSAES-OAEP (RFC 8017 section 7.1). The hash is free and MGF1 uses the same one, as on AWS (aws-cloudhsm 6.3).

use strongroom_wire::Rv;
use strongroom_wire::messages::MechanismParameters;

use super::handle::RsaHandle;
use super::rsa_pkcs1::{encrypted_invalid, encrypted_length};
use super::{Direction, parameters};
use crate::{Error, Result};

/// Encrypts or decrypts.
pub fn crypt(
    key: &RsaHandle,
    direction: Direction,
    given: Option<&MechanismParameters>,
    data: &[u8],
) -> Result<Vec<u8>> {
    let given = parameters::required(given)?;
    let (hash, mgf) = (parameters::hash(given.hash)?, parameters::mgf(given.mgf)?);
    if hash != mgf {
        return Err(parameters::invalid("the mask generation function must use the hash of the parameter"));
    }
    let label = given.label.as_deref().unwrap_or_default();
    let size = key.key.size();
    if direction == Direction::Encrypt {
        let limit = size - 2 * hash.length() - 2;
        if data.len() > limit {
            return Err(Error::refused(
                Rv::DATA_LEN_RANGE,
                format!("at most {limit} bytes with this key and hash"),
            ));
        }
        return Ok(key.key.encrypt_oaep(data, hash, mgf, label)?);
    }
    if data.len() != size {
        return Err(encrypted_length(size));
    }
    let mut plaintext = key.key.decrypt_oaep(data, hash, mgf, label).map_err(|_| encrypted_invalid())?;
    Ok(std::mem::take(&mut *plaintext))
}
