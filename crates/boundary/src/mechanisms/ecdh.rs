//! Elliptic-curve Diffie-Hellman (SP 800-56A section 5.7.1.2) with the derivation function of ANSI X9.63 section 5.6.3.

use aws_lc_rs::digest::Context;
use strongroom_wire::messages::MechanismParameters;
use zeroize::Zeroizing;

use super::{key_size, parameters, wanted};
use crate::Result;
use crate::ffi::{EcKey, Hash};

/// `CKD_NULL`: the shared secret itself, without a derivation function.
pub const CKD_NULL: u64 = 1;

/// Derives from a private key and the other party's point, which is uncompressed and bare.
pub fn derive(key: &EcKey, given: &MechanismParameters, length: Option<usize>) -> Result<Zeroizing<Vec<u8>>> {
    let point = given.public_data.as_deref().unwrap_or_default();
    let info = given.info.as_deref().unwrap_or_default();
    let hash = kdf_hash(given.kdf)?;
    let shared = key.agree(point).map_err(|_| {
        parameters::invalid("the other party's public key is not a point of the base key's curve")
    })?;
    match hash {
        Some(hash) => Ok(x963(hash, &shared, info, wanted(length)?)),
        None if info.is_empty() => truncated(shared, length),
        None => Err(parameters::invalid("CKD_NULL takes no shared data")),
    }
}

/// None for [`CKD_NULL`].
fn kdf_hash(number: Option<u64>) -> Result<Option<Hash>> {
    match number {
        Some(CKD_NULL) => Ok(None),
        Some(2) => Ok(Some(Hash::Sha1)),
        Some(5) => Ok(Some(Hash::Sha224)),
        Some(6) => Ok(Some(Hash::Sha256)),
        Some(7) => Ok(Some(Hash::Sha384)),
        Some(8) => Ok(Some(Hash::Sha512)),
        _ => {
            Err(parameters::invalid("the derivation function must be CKD_NULL or X9.63 with SHA-1 or SHA-2"))
        }
    }
}

/// Bytes are removed from the leading end (PKCS #11 2.40 section 2.3.8).
fn truncated(shared: Zeroizing<Vec<u8>>, length: Option<usize>) -> Result<Zeroizing<Vec<u8>>> {
    let length = length.unwrap_or(shared.len());
    let start = shared
        .len()
        .checked_sub(length)
        .ok_or_else(|| key_size(format!("keys of this curve share {} bytes", shared.len())))?;
    Ok(Zeroizing::new(shared[start..].to_vec()))
}

/// The derivation function of ANSI X9.63 section 5.6.3 (SEC 1 section 3.6.1).
pub fn x963(hash: Hash, shared: &[u8], info: &[u8], length: usize) -> Zeroizing<Vec<u8>> {
    let mut out = Zeroizing::new(Vec::with_capacity(length + hash.length()));
    let mut counter = 1_u32;
    while out.len() < length {
        let mut context = Context::new(hash.algorithm());
        context.update(shared);
        context.update(&counter.to_be_bytes());
        context.update(info);
        out.extend_from_slice(context.finish().as_ref());
        counter += 1;
    }
    out.truncate(length);
    out
}
