//! The few functions of the crypto library that `aws-lc-rs` has no safe form for: digests and HMAC with SHA-3, SHAKE, RSA on raw
//! blocks, PSS and OAEP with free hashes, ECDSA over data of any length, ECDH with static keys, the halves of HKDF,
//! AES-GCM with short tags, AES key wrap, triple DES, AES-XTS and AES-CCM, X25519, Ed25519ph and Ed25519ctx, ML-DSA, ML-KEM,
//! PBKDF2, PKCS #8, and HMAC, CMAC, AES-GCM, AES-CCM and AES-XTS over data that comes in parts.
//!
//! The only `unsafe` code of the boundary besides the arena. Pointers of the library never leave this folder: each
//! file wraps one kind of object, owns it, and offers functions over slices.
#![allow(unsafe_code)]

mod aead;
mod ccm_stream;
mod cipher;
mod cmac;
mod curve25519;
mod digest;
mod ec;
mod hkdf;
mod key_wrap;
mod ml_dsa;
mod ml_kem;
mod owned;
mod pbkdf2;
mod pkey;
mod rsa;
mod streams;
mod xts_stream;

pub use aead::GcmKey;
pub use ccm_stream::{CcmParameters, CcmStream};
pub use cipher::{CcmKey, Cipher};
pub use cmac::CmacStream;
pub use curve25519::{Ed25519Message, KEY_LENGTH as CURVE25519_LENGTH, x25519, x25519_public};
pub use digest::{Digest, DigestStream, Shake, digest, digest_of, hmac};
pub use ec::{Curve, EcKey};
pub use hkdf::{hkdf_expand, hkdf_extract};
pub use key_wrap::WrapKey;
pub use ml_dsa::{MU_LENGTH, MlDsaKey, MlDsaSet, SEED_LENGTH as ML_DSA_SEED_LENGTH};
pub use ml_kem::{MlKemKey, MlKemSet, SEED_LENGTH as ML_KEM_SEED_LENGTH};
pub use pbkdf2::pbkdf2;
pub use pkey::PrivateKey;
pub use rsa::RsaKey;
pub use streams::{GcmStream, HmacStream};
pub use xts_stream::XtsStream;

/// The library refused; its reason is not passed on, since for secret inputs it could tell too much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CryptoError;

/// The library and its version, as it names itself.
pub fn library() -> String {
    // SAFETY: the text is static and ends with a zero.
    let text = unsafe { std::ffi::CStr::from_ptr(aws_lc_sys::OpenSSL_version(aws_lc_sys::OPENSSL_VERSION)) };
    text.to_string_lossy().into_owned()
}

/// Result of every function here.
pub type Result<T> = std::result::Result<T, CryptoError>;

/// The digests that mechanisms name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    /// SHA-1.
    Sha1,
    /// SHA-224.
    Sha224,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
    /// SHA3-224.
    Sha3224,
    /// SHA3-256.
    Sha3256,
    /// SHA3-384.
    Sha3384,
    /// SHA3-512.
    Sha3512,
}

impl Hash {
    fn md(self) -> *const aws_lc_sys::EVP_MD {
        // SAFETY: these functions have no preconditions and give pointers to static data.
        unsafe {
            match self {
                Self::Sha1 => aws_lc_sys::EVP_sha1(),
                Self::Sha224 => aws_lc_sys::EVP_sha224(),
                Self::Sha256 => aws_lc_sys::EVP_sha256(),
                Self::Sha384 => aws_lc_sys::EVP_sha384(),
                Self::Sha512 => aws_lc_sys::EVP_sha512(),
                Self::Sha3224 => aws_lc_sys::EVP_sha3_224(),
                Self::Sha3256 => aws_lc_sys::EVP_sha3_256(),
                Self::Sha3384 => aws_lc_sys::EVP_sha3_384(),
                Self::Sha3512 => aws_lc_sys::EVP_sha3_512(),
            }
        }
    }
}

/// Turns the library's 1 for success into a result, and leaves nothing in its error queue.
fn check(result: std::os::raw::c_int) -> Result<()> {
    if result == 1 { Ok(()) } else { Err(refused()) }
}

/// Leaves nothing in the library's error queue.
fn refused() -> CryptoError {
    // SAFETY: works on this thread's queue only.
    unsafe { aws_lc_sys::ERR_clear_error() };
    CryptoError
}
