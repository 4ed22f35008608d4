//! RSA keys.

use aws_lc_sys::{EVP_PKEY, EVP_PKEY_CTX, RSA, RSA_NO_PADDING, RSA_PKCS1_OAEP_PADDING, RSA_PKCS1_PADDING};
use zeroize::Zeroizing;

use super::owned::{Owned, number_bytes, take_buffer};
use super::{CryptoError, Hash, Result, check};

/// An RSA key, private or public, with the state that makes repeated use fast.
#[derive(Debug)]
pub struct RsaKey(Owned<RSA>);

type PkeyInit = unsafe extern "C" fn(*mut EVP_PKEY_CTX) -> std::os::raw::c_int;

impl RsaKey {
    /// Makes a key of `bits` with this public exponent (big-endian).
    pub fn generate(bits: u32, exponent: &[u8]) -> Result<Self> {
        let bits = i32::try_from(bits).map_err(|_| CryptoError)?;
        // SAFETY: no preconditions.
        let key = unsafe { Owned::take(aws_lc_sys::RSA_new())? };
        let number = Owned::number(exponent)?;
        // SAFETY: the key is fresh and ours alone; the number is valid; no callback is given.
        check(unsafe {
            if exponent == [1, 0, 1] {
                aws_lc_sys::RSA_generate_key_fips(key.as_ptr(), bits, std::ptr::null_mut())
            } else {
                aws_lc_sys::RSA_generate_key_ex(key.as_ptr(), bits, number.as_ptr(), std::ptr::null_mut())
            }
        })?;
        Ok(Self(key))
    }

    /// A public key from modulus and exponent, big-endian.
    pub fn public(modulus: &[u8], exponent: &[u8]) -> Result<Self> {
        let (modulus, exponent) = (Owned::number(modulus)?, Owned::number(exponent)?);
        // SAFETY: both numbers are valid and are copied.
        unsafe { Owned::take(aws_lc_sys::RSA_new_public_key(modulus.as_ptr(), exponent.as_ptr())) }.map(Self)
    }

    /// A private key from its `RSAPrivateKey` (RFC 8017 appendix A.1.2); its numbers are checked.
    pub fn from_der(der: &[u8]) -> Result<Self> {
        // SAFETY: the slice is valid for its length.
        unsafe { Owned::take(aws_lc_sys::RSA_private_key_from_bytes(der.as_ptr(), der.len())) }.map(Self)
    }

    /// Takes a reference of the key in an `EVP_PKEY`.
    ///
    /// # Safety
    /// `key` is null or a valid RSA object whose reference the caller gives away.
    pub(super) unsafe fn take(key: *mut RSA) -> Result<Self> {
        // SAFETY: as promised by the caller.
        unsafe { Owned::take(key) }.map(Self)
    }

    /// The `RSAPrivateKey` of a private key.
    pub fn to_der(&self) -> Result<Zeroizing<Vec<u8>>> {
        let (mut buffer, mut length) = (std::ptr::null_mut(), 0);
        // SAFETY: the out pointers are valid; the buffer is taken over at once.
        unsafe {
            check(aws_lc_sys::RSA_private_key_to_bytes(&raw mut buffer, &raw mut length, self.0.as_ptr()))?;
            take_buffer(buffer, length)
        }
    }

    /// The modulus, big-endian.
    pub fn modulus(&self) -> Result<Vec<u8>> {
        // SAFETY: the number lives as long as the key.
        unsafe { number_bytes(aws_lc_sys::RSA_get0_n(self.0.as_ptr())) }
    }

    /// The public exponent, big-endian.
    pub fn public_exponent(&self) -> Result<Vec<u8>> {
        // SAFETY: the number lives as long as the key.
        unsafe { number_bytes(aws_lc_sys::RSA_get0_e(self.0.as_ptr())) }
    }

    /// Bytes of the modulus.
    pub fn size(&self) -> usize {
        // SAFETY: the key is valid and has a modulus.
        unsafe { aws_lc_sys::RSA_size(self.0.as_ptr()) as usize }
    }

    /// RSASSA-PKCS1-v1_5 over a block of at most `size() - 11` bytes.
    pub fn sign_pkcs1(&self, block: &[u8]) -> Result<Vec<u8>> {
        self.raw(aws_lc_sys::RSA_sign_raw, block, RSA_PKCS1_PADDING)
    }

    /// Whether a PKCS #1 v1.5 signature is over this block.
    pub fn verify_pkcs1(&self, block: &[u8], signature: &[u8]) -> Result<()> {
        let found = self.recover_pkcs1(signature)?;
        if found == block { Ok(()) } else { Err(CryptoError) }
    }

    /// The block in a PKCS #1 v1.5 signature, whose padding must be right.
    pub fn recover_pkcs1(&self, signature: &[u8]) -> Result<Vec<u8>> {
        self.raw(aws_lc_sys::RSA_verify_raw, signature, RSA_PKCS1_PADDING)
    }

    /// RSASSA-PSS over a digest.
    pub fn sign_pss(&self, digest: &[u8], hash: Hash, mgf: Hash, salt_length: usize) -> Result<Vec<u8>> {
        let salt_length = i32::try_from(salt_length).map_err(|_| CryptoError)?;
        let (mut out, mut length) = (vec![0; self.size()], 0);
        // SAFETY: buffers are valid for the lengths given; digests are static.
        check(unsafe {
            aws_lc_sys::RSA_sign_pss_mgf1(
                self.0.as_ptr(),
                &raw mut length,
                out.as_mut_ptr(),
                out.len(),
                digest.as_ptr(),
                digest.len(),
                hash.md(),
                mgf.md(),
                salt_length,
            )
        })?;
        out.truncate(length);
        Ok(out)
    }

    /// Whether a PSS signature is over this digest.
    pub fn verify_pss(
        &self,
        digest: &[u8],
        hash: Hash,
        mgf: Hash,
        salt_length: usize,
        signature: &[u8],
    ) -> Result<()> {
        let salt_length = i32::try_from(salt_length).map_err(|_| CryptoError)?;
        // SAFETY: buffers are valid for the lengths given; digests are static.
        check(unsafe {
            aws_lc_sys::RSA_verify_pss_mgf1(
                self.0.as_ptr(),
                digest.as_ptr(),
                digest.len(),
                hash.md(),
                mgf.md(),
                salt_length,
                signature.as_ptr(),
                signature.len(),
            )
        })
    }

    /// RSAES-PKCS1-v1_5.
    pub fn encrypt_pkcs1(&self, data: &[u8]) -> Result<Vec<u8>> {
        self.raw(aws_lc_sys::RSA_encrypt, data, RSA_PKCS1_PADDING)
    }

    /// RSAEP (RFC 8017 section 5.1.1) of a block of `size()` bytes, a number below the modulus.
    pub fn encrypt_block(&self, block: &[u8]) -> Result<Vec<u8>> {
        self.raw(aws_lc_sys::RSA_encrypt, block, RSA_NO_PADDING)
    }

    /// RSASP1 (RFC 8017 section 5.2.1) of a block of `size()` bytes, a number below the modulus.
    pub fn sign_block(&self, block: &[u8]) -> Result<Vec<u8>> {
        self.raw(aws_lc_sys::RSA_sign_raw, block, RSA_NO_PADDING)
    }

    /// RSAVP1 (RFC 8017 section 5.2.2): the block that was signed, with whatever padding it has.
    pub fn recover_block(&self, signature: &[u8]) -> Result<Vec<u8>> {
        self.raw(aws_lc_sys::RSA_verify_raw, signature, RSA_NO_PADDING)
    }

    /// RSADP (RFC 8017 section 5.1.2): the whole block.
    ///
    /// What is done with a wrong padding in it is for the caller to decide without telling.
    pub fn decrypt_block(&self, data: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        self.raw(aws_lc_sys::RSA_decrypt, data, RSA_NO_PADDING).map(Zeroizing::new)
    }

    /// RSAES-OAEP.
    pub fn encrypt_oaep(&self, data: &[u8], hash: Hash, mgf: Hash, label: &[u8]) -> Result<Vec<u8>> {
        let context = self.oaep(aws_lc_sys::EVP_PKEY_encrypt_init, hash, mgf, label)?;
        let (mut out, mut length) = (vec![0; self.size()], self.size());
        // SAFETY: the context is initialised for encryption; buffers are valid for the lengths given.
        check(unsafe {
            aws_lc_sys::EVP_PKEY_encrypt(
                context.as_ptr(),
                out.as_mut_ptr(),
                &raw mut length,
                data.as_ptr(),
                data.len(),
            )
        })?;
        out.truncate(length);
        Ok(out)
    }

    /// The inverse of RSAES-OAEP.
    pub fn decrypt_oaep(
        &self,
        data: &[u8],
        hash: Hash,
        mgf: Hash,
        label: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>> {
        let context = self.oaep(aws_lc_sys::EVP_PKEY_decrypt_init, hash, mgf, label)?;
        let (mut out, mut length) = (Zeroizing::new(vec![0; self.size()]), self.size());
        // SAFETY: the context is initialised for decryption; buffers are valid for the lengths given.
        check(unsafe {
            aws_lc_sys::EVP_PKEY_decrypt(
                context.as_ptr(),
                out.as_mut_ptr(),
                &raw mut length,
                data.as_ptr(),
                data.len(),
            )
        })?;
        out.truncate(length);
        Ok(out)
    }

    /// The key as an `EVP_PKEY` that shares it.
    pub(super) fn pkey(&self) -> Result<Owned<EVP_PKEY>> {
        // SAFETY: no preconditions; set1 takes a reference of its own.
        unsafe {
            let pkey = Owned::take(aws_lc_sys::EVP_PKEY_new())?;
            check(aws_lc_sys::EVP_PKEY_set1_RSA(pkey.as_ptr(), self.0.as_ptr()))?;
            Ok(pkey)
        }
    }

    fn oaep(&self, init: PkeyInit, hash: Hash, mgf: Hash, label: &[u8]) -> Result<Owned<EVP_PKEY_CTX>> {
        let pkey = self.pkey()?;
        // SAFETY: the context takes a reference to the key, and owns the copy of the label once set0 succeeded.
        unsafe {
            let context = Owned::take(aws_lc_sys::EVP_PKEY_CTX_new(pkey.as_ptr(), std::ptr::null_mut()))?;
            check(init(context.as_ptr()))?;
            check(aws_lc_sys::EVP_PKEY_CTX_set_rsa_padding(context.as_ptr(), RSA_PKCS1_OAEP_PADDING))?;
            check(aws_lc_sys::EVP_PKEY_CTX_set_rsa_oaep_md(context.as_ptr(), hash.md()))?;
            check(aws_lc_sys::EVP_PKEY_CTX_set_rsa_mgf1_md(context.as_ptr(), mgf.md()))?;
            if !label.is_empty() {
                let copy = aws_lc_sys::OPENSSL_memdup(label.as_ptr().cast(), label.len());
                let set =
                    aws_lc_sys::EVP_PKEY_CTX_set0_rsa_oaep_label(context.as_ptr(), copy.cast(), label.len());
                if check(set).is_err() {
                    aws_lc_sys::OPENSSL_free(copy);
                    return Err(CryptoError);
                }
            }
            Ok(context)
        }
    }

    fn raw(&self, function: RawFunction, data: &[u8], padding: i32) -> Result<Vec<u8>> {
        let (mut out, mut length) = (vec![0; self.size()], 0);
        // SAFETY: buffers are valid for the lengths given.
        check(unsafe {
            function(
                self.0.as_ptr(),
                &raw mut length,
                out.as_mut_ptr(),
                out.len(),
                data.as_ptr(),
                data.len(),
                padding,
            )
        })?;
        out.truncate(length);
        Ok(out)
    }
}

/// The shape that `RSA_sign_raw`, `RSA_verify_raw`, `RSA_encrypt` and `RSA_decrypt` share.
type RawFunction = unsafe extern "C" fn(
    *mut RSA,
    *mut usize,
    *mut u8,
    usize,
    *const u8,
    usize,
    std::os::raw::c_int,
) -> std::os::raw::c_int;
