//! Signatures over data of any length by keys that are bound to a mechanism that hashes, and not to the one that signs a hash
//! (ADR 0123): for all other keys the client hashes. The HSM hashes the data as they come, and then does what it does with
//! a client's hash.

use std::sync::Arc;

use strongroom_wire::MechanismType;
use strongroom_wire::messages::MechanismParameters;
use strongroom_wire::ml_dsa::PreHash;

use super::streams::Purpose;
use super::{KeyHandle, hash_of, internal, ml_dsa, parameters, rsa_pkcs1, sign, verify};
use crate::Result;
use crate::ffi::{DigestStream, Hash, MU_LENGTH, Shake};

/// A signature under way, or its verification.
#[derive(Debug)]
pub struct Hashed {
    key: Arc<KeyHandle>,
    is_checked: bool,
    /// What signs the hash.
    raw: MechanismType,
    parameters: Option<MechanismParameters>,
    hash: DigestStream,
    /// Bytes of the hash, where it gives any length.
    length: Option<usize>,
    form: Form,
}

/// What becomes of the hash before it is signed.
#[derive(Debug)]
enum Form {
    Bare,
    /// Its `DigestInfo`.
    Info(Hash),
    /// mu of ML-DSA, which begins with this.
    Mu(Vec<u8>),
}

/// Whether a mechanism hashes before it signs.
pub fn hashes(mechanism: MechanismType) -> bool {
    mechanism.hash().is_some() || PreHash::of(mechanism).is_some() || mechanism == MechanismType::MlDsa
}

impl Hashed {
    /// Starts one.
    ///
    /// # Errors
    /// `CKR_MECHANISM_PARAM_INVALID`.
    pub fn new(
        key: Arc<KeyHandle>,
        purpose: Purpose,
        mechanism: MechanismType,
        given: Option<&MechanismParameters>,
    ) -> Result<Self> {
        let raw = mechanism.raw().ok_or_else(|| internal("a hash that nothing signs"))?;
        let mut parameters = given.cloned();
        let (hash, length, form) = if let KeyHandle::MlDsa(key) = &*key {
            let prehash = PreHash::of(mechanism);
            let begun = ml_dsa::begin(key, given, prehash)?;
            if let Some(parameters) = &mut parameters {
                parameters.context = None; // it is in mu
            }
            match prehash {
                None => {
                    let mut mu = DigestStream::shake(Shake::Shake256)?;
                    mu.update(&begun)?;
                    (mu, Some(MU_LENGTH), Form::Bare)
                }
                Some(PreHash::Shake128) => (DigestStream::shake(Shake::Shake128)?, Some(32), Form::Mu(begun)),
                Some(PreHash::Shake256) => (DigestStream::shake(Shake::Shake256)?, Some(64), Form::Mu(begun)),
                Some(PreHash::Digest(digest)) => (DigestStream::new(named(digest)?)?, None, Form::Mu(begun)),
            }
        } else {
            let digest = mechanism.hash().ok_or_else(|| internal("a mechanism without a hash"))?;
            if given.and_then(|given| given.hash).is_some_and(|hash| hash != digest.code()) {
                return Err(parameters::invalid("the hash of the parameter is not that of the mechanism"));
            }
            let hash = named(digest)?;
            let form = if raw == MechanismType::RsaPkcs { Form::Info(hash) } else { Form::Bare };
            (DigestStream::new(hash)?, None, form)
        };
        let is_checked = purpose == Purpose::Verify;
        Ok(Self { key, is_checked, raw, parameters, hash, length, form })
    }

    /// Takes data.
    pub fn take(&mut self, data: &[u8]) -> Result<()> {
        Ok(self.hash.update(data)?)
    }

    /// The signature, or nothing when the one that is given is right.
    ///
    /// # Errors
    /// As of all signatures.
    pub fn finish(self, signature: Option<&[u8]>) -> Result<Vec<u8>> {
        let hash = match self.length {
            None => self.hash.finish()?.as_ref().to_vec(),
            Some(length) => {
                let mut bytes = vec![0; length];
                self.hash.finish_into(&mut bytes)?;
                bytes
            }
        };
        let input = match self.form {
            Form::Bare => hash,
            Form::Info(of) => rsa_pkcs1::digest_info(of, &hash),
            Form::Mu(begun) => Shake::Shake256.hash::<MU_LENGTH>(&[&begun, &hash])?.to_vec(),
        };
        let parameters = self.parameters.as_ref();
        if !self.is_checked {
            return sign(&self.key, self.raw, parameters, &input);
        }
        verify(&self.key, self.raw, parameters, &input, signature.unwrap_or_default())?;
        Ok(Vec::new())
    }
}

fn named(digest: MechanismType) -> Result<Hash> {
    hash_of(digest).ok_or_else(|| internal("a digest that is none"))
}
