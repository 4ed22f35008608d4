//! Keys as the crypto library wants them, built from material or public attributes and kept while they are in use.

use std::sync::{Arc, OnceLock};

use aws_lc_rs::cipher::{AES_128, AES_192, AES_256, UnboundCipherKey};
use aws_lc_rs::hmac;
use aws_lc_rs::signature::Ed25519KeyPair;
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::internal;
use crate::Result;
use crate::arena::Material;
use crate::ffi::{EcKey, GcmKey, Hash, MlDsaKey, MlKemKey, RsaKey};

/// Why a computation refuses a handle; the checks made before it leave no way here.
pub const OTHER_KEY: &str = "the mechanism does not work with this key";

/// A key ready for use.
#[derive(Debug)]
pub enum KeyHandle {
    /// AES.
    Aes(AesHandle),
    /// AES-XTS: 64 bytes.
    AesXts(Arc<Material>),
    /// Triple DES: 24 bytes.
    Des3(Arc<Material>),
    /// A generic secret.
    Secret(SecretHandle),
    /// RSA, private or public.
    Rsa(RsaHandle),
    /// A Weierstrass curve, private or public.
    Ec(EcKey),
    /// Ed25519, private.
    Ed25519(Ed25519Handle),
    /// Ed25519, public: 32 bytes.
    Ed25519Public(Vec<u8>),
    /// X25519, private: 32 bytes.
    X25519(Arc<Material>),
    /// ML-DSA, private or public.
    MlDsa(MlDsaKey),
    /// ML-KEM, private or public.
    MlKem(MlKemKey),
}

/// An AES key; what GCM needs is expanded once.
#[derive(Debug)]
pub struct AesHandle {
    pub(super) material: Arc<Material>,
    gcm: OnceLock<GcmKey>,
}

/// A generic secret, and its HMAC states by hash (SHA-1 and SHA-2).
#[derive(Debug)]
pub struct SecretHandle {
    pub(super) material: Arc<Material>,
    pub(super) prepared: [OnceLock<Box<hmac::Key>>; 5],
}

/// An Ed25519 key pair, and the seed that Ed25519ph and Ed25519ctx start from.
pub struct Ed25519Handle {
    pub(super) pair: Ed25519KeyPair,
    pub(super) seed: Arc<Material>,
}

/// An RSA key, and the secret behind implicit rejection (zero for a public key).
pub struct RsaHandle {
    pub(super) key: RsaKey,
    pub(super) rejection: [u8; 32],
}

impl KeyHandle {
    /// An AES key.
    pub const fn aes(material: Arc<Material>) -> Self {
        Self::Aes(AesHandle { material, gcm: OnceLock::new() })
    }

    /// A generic secret.
    pub fn secret(material: Arc<Material>) -> Self {
        Self::Secret(SecretHandle { material, prepared: Default::default() })
    }

    /// An RSA private key from its `RSAPrivateKey`.
    pub fn rsa_private(der: &[u8]) -> Result<Self> {
        let mut rejection = [0; 32];
        rejection.copy_from_slice(super::digest(Hash::Sha256, der)?.as_ref());
        Ok(Self::Rsa(RsaHandle { key: RsaKey::from_der(der)?, rejection }))
    }

    /// An RSA public key.
    pub const fn rsa_public(key: RsaKey) -> Self {
        Self::Rsa(RsaHandle { key, rejection: [0; 32] })
    }

    /// An Ed25519 private key from its seed.
    pub fn ed25519(seed: Arc<Material>) -> Result<Self> {
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed)
            .map_err(|_| internal("the crypto library refused the key"))?;
        Ok(Self::Ed25519(Ed25519Handle { pair, seed }))
    }
}

impl AesHandle {
    /// For GCM with the full tag.
    pub(super) fn gcm(&self) -> Result<&GcmKey> {
        if let Some(key) = self.gcm.get() {
            return Ok(key);
        }
        let built = GcmKey::new(&self.material, 16)?;
        Ok(self.gcm.get_or_init(|| built))
    }

    /// For the modes of `aws_lc_rs::cipher`.
    pub(super) fn unbound(&self) -> Result<UnboundCipherKey> {
        let algorithm = match self.material.len() {
            16 => &AES_128,
            24 => &AES_192,
            _ => &AES_256,
        };
        UnboundCipherKey::new(algorithm, &self.material)
            .map_err(|_| internal("the crypto library refused the key"))
    }
}

impl std::fmt::Debug for Ed25519Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ed25519Handle")
    }
}

impl std::fmt::Debug for RsaHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RsaHandle({} bits)", 8 * self.key.size())
    }
}

impl Drop for RsaHandle {
    fn drop(&mut self) {
        self.rejection.zeroize();
    }
}

impl ZeroizeOnDrop for RsaHandle {}
