//! Private keys in PKCS #8 (RFC 5208) and public keys in SubjectPublicKeyInfo (RFC 5280 section 4.1).

use std::mem::MaybeUninit;

use aws_lc_sys::{CBB, CBS, EVP_PKEY};
use zeroize::Zeroizing;

use super::curve25519::KEY_LENGTH as CURVE25519_LENGTH;
use super::ec::EcKey;
use super::ml_dsa::MlDsaKey;
use super::ml_kem::MlKemKey;
use super::owned::{Owned, take_buffer};
use super::rsa::RsaKey;
use super::{CryptoError, Result, check};

/// A private key of any type that can be wrapped.
#[derive(Debug)]
pub enum PrivateKey {
    /// RSA.
    Rsa(RsaKey),
    /// A Weierstrass curve.
    Ec(EcKey),
    /// Ed25519: its seed, 32 bytes.
    Ed25519(Zeroizing<Vec<u8>>),
    /// X25519: its number, 32 bytes.
    X25519(Zeroizing<Vec<u8>>),
    /// ML-DSA.
    MlDsa(MlDsaKey),
    /// ML-KEM.
    MlKem(MlKemKey),
}

impl PrivateKey {
    /// Its `PrivateKeyInfo`.
    ///
    /// Refused for an ML-DSA key whose seed is not known: the library writes seeds only.
    pub fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>> {
        let made = match self {
            Self::Rsa(key) => key.pkey()?,
            Self::Ec(key) => key.pkey()?,
            Self::Ed25519(seed) => from_raw_private(aws_lc_sys::EVP_PKEY_ED25519, seed)?,
            Self::X25519(number) => from_raw_private(aws_lc_sys::EVP_PKEY_X25519, number)?,
            Self::MlDsa(key) => return marshal(aws_lc_sys::EVP_marshal_private_key, key.pkey()),
            Self::MlKem(key) => return marshal(aws_lc_sys::EVP_marshal_private_key, key.pkey()),
        };
        marshal(aws_lc_sys::EVP_marshal_private_key, &made)
    }

    /// From a `PrivateKeyInfo`; bytes after it are refused, and so is a key of another type.
    pub fn from_pkcs8(info: &[u8]) -> Result<Self> {
        let mut input = MaybeUninit::<CBS>::uninit();
        // SAFETY: CBS_init fills the reader, which then points into `info` while we use it.
        let (pkey, rest) = unsafe {
            aws_lc_sys::CBS_init(input.as_mut_ptr(), info.as_ptr(), info.len());
            let mut input = input.assume_init();
            let pkey = Owned::take(aws_lc_sys::EVP_parse_private_key(&raw mut input))?;
            (pkey, aws_lc_sys::CBS_len(&raw const input))
        };
        if rest != 0 {
            return Err(CryptoError);
        }
        // SAFETY: the key is valid; get1 gives a reference of its own, which `take` takes over.
        unsafe {
            match aws_lc_sys::EVP_PKEY_id(pkey.as_ptr()) {
                aws_lc_sys::EVP_PKEY_RSA => {
                    RsaKey::take(aws_lc_sys::EVP_PKEY_get1_RSA(pkey.as_ptr())).map(Self::Rsa)
                }
                aws_lc_sys::EVP_PKEY_EC => {
                    EcKey::take(aws_lc_sys::EVP_PKEY_get1_EC_KEY(pkey.as_ptr())).map(Self::Ec)
                }
                aws_lc_sys::EVP_PKEY_ED25519 => raw_private(&pkey, CURVE25519_LENGTH).map(Self::Ed25519),
                aws_lc_sys::EVP_PKEY_X25519 => raw_private(&pkey, CURVE25519_LENGTH).map(Self::X25519),
                aws_lc_sys::EVP_PKEY_PQDSA => MlDsaKey::take(pkey).map(Self::MlDsa),
                aws_lc_sys::EVP_PKEY_KEM => MlKemKey::take(pkey).map(Self::MlKem),
                _ => Err(CryptoError),
            }
        }
    }
}

/// The public key of a type that has it as bytes, and of this length.
pub(super) fn raw_public(pkey: &Owned<EVP_PKEY>, length: usize) -> Result<Vec<u8>> {
    let mut key = vec![0; length];
    fill(&mut key, aws_lc_sys::EVP_PKEY_get_raw_public_key, pkey)?;
    Ok(key)
}

/// The private key of such a type.
pub(super) fn raw_private(pkey: &Owned<EVP_PKEY>, length: usize) -> Result<Zeroizing<Vec<u8>>> {
    let mut key = Zeroizing::new(vec![0; length]);
    fill(&mut key, aws_lc_sys::EVP_PKEY_get_raw_private_key, pkey)?;
    Ok(key)
}

/// Bytes of the public key of such a type.
pub(super) fn public_length(pkey: &Owned<EVP_PKEY>) -> Result<usize> {
    let mut length = 0;
    // SAFETY: the key is valid; a null buffer asks for the length.
    check(unsafe {
        aws_lc_sys::EVP_PKEY_get_raw_public_key(pkey.as_ptr(), std::ptr::null_mut(), &raw mut length)
    })?;
    Ok(length)
}

/// The seed that a private key of such a type was made from; refused where it is not known.
#[cfg(not(feature = "fips"))]
pub(super) fn seed(pkey: &Owned<EVP_PKEY>, length: usize) -> Result<Zeroizing<Vec<u8>>> {
    let mut seed = Zeroizing::new(vec![0; length]);
    fill(&mut seed, aws_lc_sys::EVP_PKEY_get_private_seed, pkey)?;
    Ok(seed)
}

/// The same with the FIPS module, which forgets the seeds of ML-KEM keys. ML-DSA keys it writes as theirs, which stand at the
/// end (RFC 9881).
#[cfg(feature = "fips")]
pub(super) fn seed(pkey: &Owned<EVP_PKEY>, length: usize) -> Result<Zeroizing<Vec<u8>>> {
    // SAFETY: the key is valid.
    if unsafe { aws_lc_sys::EVP_PKEY_id(pkey.as_ptr()) } != aws_lc_sys::EVP_PKEY_PQDSA {
        return Err(CryptoError);
    }
    let info = marshal(aws_lc_sys::EVP_marshal_private_key, pkey)?;
    let start = info.len().checked_sub(length).ok_or(CryptoError)?;
    Ok(Zeroizing::new(info[start..].to_vec()))
}

type Read = unsafe extern "C" fn(*const EVP_PKEY, *mut u8, *mut usize) -> std::os::raw::c_int;

/// Lets a function fill a buffer to its end.
fn fill(buffer: &mut [u8], read: Read, pkey: &Owned<EVP_PKEY>) -> Result<()> {
    let mut length = buffer.len();
    // SAFETY: the key is valid; the buffer has the length given.
    check(unsafe { read(pkey.as_ptr(), buffer.as_mut_ptr(), &raw mut length) })?;
    if length == buffer.len() { Ok(()) } else { Err(CryptoError) }
}

fn from_raw_private(kind: std::os::raw::c_int, key: &[u8]) -> Result<Owned<EVP_PKEY>> {
    // SAFETY: the key is valid for its length and is copied.
    unsafe {
        Owned::take(aws_lc_sys::EVP_PKEY_new_raw_private_key(
            kind,
            std::ptr::null_mut(),
            key.as_ptr(),
            key.len(),
        ))
    }
}

impl RsaKey {
    /// The `SubjectPublicKeyInfo` of its public half.
    pub fn public_key_info(&self) -> Result<Vec<u8>> {
        marshal(aws_lc_sys::EVP_marshal_public_key, &self.pkey()?).map(|bytes| bytes.to_vec())
    }
}

impl EcKey {
    /// The `SubjectPublicKeyInfo` of its public half.
    pub fn public_key_info(&self) -> Result<Vec<u8>> {
        marshal(aws_lc_sys::EVP_marshal_public_key, &self.pkey()?).map(|bytes| bytes.to_vec())
    }
}

impl MlDsaKey {
    /// The `SubjectPublicKeyInfo` of its public half (RFC 9881).
    pub fn public_key_info(&self) -> Result<Vec<u8>> {
        marshal(aws_lc_sys::EVP_marshal_public_key, self.pkey()).map(|bytes| bytes.to_vec())
    }
}

impl MlKemKey {
    /// The `SubjectPublicKeyInfo` of its public half (RFC 9935).
    pub fn public_key_info(&self) -> Result<Vec<u8>> {
        marshal(aws_lc_sys::EVP_marshal_public_key, self.pkey()).map(|bytes| bytes.to_vec())
    }
}

type Marshal = unsafe extern "C" fn(*mut CBB, *const EVP_PKEY) -> std::os::raw::c_int;

fn marshal(function: Marshal, pkey: &Owned<EVP_PKEY>) -> Result<Zeroizing<Vec<u8>>> {
    let mut writer = MaybeUninit::<CBB>::zeroed();
    let (mut buffer, mut length) = (std::ptr::null_mut(), 0);
    // SAFETY: CBB_init prepares the writer, which is cleaned up on failure; the buffer is taken over at once.
    unsafe {
        check(aws_lc_sys::CBB_init(writer.as_mut_ptr(), 512))?;
        let made = check(function(writer.as_mut_ptr(), pkey.as_ptr())).and_then(|()| {
            check(aws_lc_sys::CBB_finish(writer.as_mut_ptr(), &raw mut buffer, &raw mut length))
        });
        if made.is_err() {
            aws_lc_sys::CBB_cleanup(writer.as_mut_ptr());
            return Err(CryptoError);
        }
        take_buffer(buffer, length)
    }
}
