//! Keys on the Weierstrass curves, ECDSA over data of any length, and ECDH.

use aws_lc_sys::{EC_KEY, EVP_PKEY, point_conversion_form_t};
use zeroize::Zeroizing;

use super::owned::{Owned, take_buffer};
use super::{CryptoError, Result, check, refused};

/// The curves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Curve {
    /// secp224r1.
    P224,
    /// secp256r1, also called prime256v1.
    P256,
    /// secp384r1.
    P384,
    /// secp521r1.
    P521,
    /// secp256k1.
    Secp256k1,
}

impl Curve {
    /// Every curve.
    pub const ALL: [Self; 5] = [Self::P224, Self::P256, Self::P384, Self::P521, Self::Secp256k1];

    const fn nid(self) -> i32 {
        match self {
            Self::P224 => aws_lc_sys::NID_secp224r1,
            Self::P256 => aws_lc_sys::NID_X9_62_prime256v1,
            Self::P384 => aws_lc_sys::NID_secp384r1,
            Self::P521 => aws_lc_sys::NID_secp521r1,
            Self::Secp256k1 => aws_lc_sys::NID_secp256k1,
        }
    }

    /// Bytes of a field element; on these curves also of the group's order, and of half a signature.
    pub const fn length(self) -> usize {
        match self {
            Self::P224 => 28,
            Self::P256 | Self::Secp256k1 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }
}

/// An EC key, private or public.
#[derive(Debug)]
pub struct EcKey {
    key: Owned<EC_KEY>,
    curve: Curve,
}

impl EcKey {
    /// Makes a key pair.
    pub fn generate(curve: Curve) -> Result<Self> {
        let key = Self::empty(curve)?;
        // SAFETY: the key is ours alone and has a group.
        check(unsafe { aws_lc_sys::EC_KEY_generate_key(key.key.as_ptr()) })?;
        Ok(key)
    }

    /// A public key from its encoded point (SEC 1 section 2.3.3), which must be on the curve.
    pub fn public(curve: Curve, point: &[u8]) -> Result<Self> {
        let key = Self::empty(curve)?;
        // SAFETY: group and point are valid; set_public_key copies the point.
        unsafe {
            let group = aws_lc_sys::EC_KEY_get0_group(key.key.as_ptr());
            let decoded = Owned::take(aws_lc_sys::EC_POINT_new(group))?;
            let no_context = std::ptr::null_mut();
            check(aws_lc_sys::EC_POINT_oct2point(
                group,
                decoded.as_ptr(),
                point.as_ptr(),
                point.len(),
                no_context,
            ))?;
            check(aws_lc_sys::EC_KEY_set_public_key(key.key.as_ptr(), decoded.as_ptr()))?;
        }
        Ok(key)
    }

    /// A key pair from both halves, which the caller knows to belong together.
    pub fn pair(curve: Curve, scalar: &[u8], point: &[u8]) -> Result<Self> {
        let key = Self::public(curve, point)?;
        key.set_scalar(scalar)?;
        Ok(key)
    }

    /// A key pair from its private number, which must be in the group's range.
    pub fn private(curve: Curve, scalar: &[u8]) -> Result<Self> {
        let key = Self::empty(curve)?;
        key.set_scalar(scalar)?;
        // SAFETY: group, point and numbers are valid; set_public_key copies the point.
        unsafe {
            let group = aws_lc_sys::EC_KEY_get0_group(key.key.as_ptr());
            let number = aws_lc_sys::EC_KEY_get0_private_key(key.key.as_ptr());
            let point = Owned::take(aws_lc_sys::EC_POINT_new(group))?;
            let none = std::ptr::null();
            check(aws_lc_sys::EC_POINT_mul(
                group,
                point.as_ptr(),
                number,
                none,
                none.cast(),
                std::ptr::null_mut(),
            ))?;
            check(aws_lc_sys::EC_KEY_set_public_key(key.key.as_ptr(), point.as_ptr()))?;
            check(aws_lc_sys::EC_KEY_check_key(key.key.as_ptr()))?;
        }
        Ok(key)
    }

    /// Takes over the key of an `EVP_PKEY`.
    ///
    /// # Safety
    /// `key` is null or a valid EC key whose reference the caller gives away.
    pub(super) unsafe fn take(key: *mut EC_KEY) -> Result<Self> {
        // SAFETY: as promised by the caller; the group lives as long as the key.
        unsafe {
            let key = Owned::take(key)?;
            let nid = aws_lc_sys::EC_GROUP_get_curve_name(aws_lc_sys::EC_KEY_get0_group(key.as_ptr()));
            let curve = Curve::ALL.into_iter().find(|curve| curve.nid() == nid).ok_or(CryptoError)?;
            check(aws_lc_sys::EC_KEY_check_key(key.as_ptr()))?;
            Ok(Self { key, curve })
        }
    }

    /// Its curve.
    pub const fn curve(&self) -> Curve {
        self.curve
    }

    /// The uncompressed point.
    pub fn point(&self) -> Result<Vec<u8>> {
        let mut buffer = std::ptr::null_mut();
        let form = point_conversion_form_t::POINT_CONVERSION_UNCOMPRESSED;
        // SAFETY: the key has a public half; the buffer is taken over at once.
        unsafe {
            let length =
                aws_lc_sys::EC_KEY_key2buf(self.key.as_ptr(), form, &raw mut buffer, std::ptr::null_mut());
            take_buffer(buffer, length).map(|bytes| bytes.to_vec())
        }
    }

    /// The private number, big-endian, of the curve's length.
    pub fn scalar(&self) -> Result<Zeroizing<Vec<u8>>> {
        let mut bytes = Zeroizing::new(vec![0; self.curve.length()]);
        // SAFETY: the number lives as long as the key; the buffer has the length given.
        unsafe {
            let number = aws_lc_sys::EC_KEY_get0_private_key(self.key.as_ptr());
            if number.is_null() {
                return Err(CryptoError);
            }
            check(aws_lc_sys::BN_bn2bin_padded(bytes.as_mut_ptr(), bytes.len(), number))?;
        }
        Ok(bytes)
    }

    /// ECDSA over the left-most bits of `data`: r and s, each of the curve's length.
    pub fn sign(&self, data: &[u8]) -> Result<Vec<u8>> {
        let length = self.curve.length();
        let mut signature = vec![0; 2 * length];
        let (mut r, mut s) = (std::ptr::null(), std::ptr::null());
        // SAFETY: data is valid for its length; r and s live as long as the signature object; each half of the
        // buffer has the length given.
        unsafe {
            let made = Owned::take(aws_lc_sys::ECDSA_do_sign(data.as_ptr(), data.len(), self.key.as_ptr()))?;
            aws_lc_sys::ECDSA_SIG_get0(made.as_ptr(), &raw mut r, &raw mut s);
            let (left, right) = signature.split_at_mut(length);
            check(aws_lc_sys::BN_bn2bin_padded(left.as_mut_ptr(), length, r))?;
            check(aws_lc_sys::BN_bn2bin_padded(right.as_mut_ptr(), length, s))?;
        }
        Ok(signature)
    }

    /// Whether `signature` (r and s, each of half its length) is over the left-most bits of `data`.
    pub fn verify(&self, data: &[u8], signature: &[u8]) -> Result<()> {
        let (r, s) = signature.split_at(signature.len() / 2);
        let (r, s) = (Owned::number(r)?, Owned::number(s)?);
        // SAFETY: the signature object takes r and s over once set0 succeeded; data is valid for its length.
        unsafe {
            let given = Owned::take(aws_lc_sys::ECDSA_SIG_new())?;
            check(aws_lc_sys::ECDSA_SIG_set0(given.as_ptr(), r.into_raw(), s.into_raw()))?;
            check(aws_lc_sys::ECDSA_do_verify(data.as_ptr(), data.len(), given.as_ptr(), self.key.as_ptr()))
        }
    }

    /// The x coordinate of this private number times the other party's point, of the field's length; the point must be
    /// on this key's curve (SP 800-56A section 5.7.1.2).
    pub fn agree(&self, point: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let other = Self::public(self.curve, point)?;
        let mut shared = Zeroizing::new(vec![0; self.curve.length()]);
        // SAFETY: both keys are valid; the buffer has the length given; without a function the coordinate is copied.
        let length = unsafe {
            let point = aws_lc_sys::EC_KEY_get0_public_key(other.key.as_ptr());
            aws_lc_sys::ECDH_compute_key(
                shared.as_mut_ptr().cast(),
                shared.len(),
                point,
                self.key.as_ptr(),
                None,
            )
        };
        if usize::try_from(length) == Ok(shared.len()) {
            return Ok(shared);
        }
        Err(refused())
    }

    /// The key as an `EVP_PKEY` that shares it.
    pub(super) fn pkey(&self) -> Result<Owned<EVP_PKEY>> {
        // SAFETY: no preconditions; set1 takes a reference of its own.
        unsafe {
            let pkey = Owned::take(aws_lc_sys::EVP_PKEY_new())?;
            check(aws_lc_sys::EVP_PKEY_set1_EC_KEY(pkey.as_ptr(), self.key.as_ptr()))?;
            Ok(pkey)
        }
    }

    fn empty(curve: Curve) -> Result<Self> {
        // SAFETY: no preconditions.
        let key = unsafe { Owned::take(aws_lc_sys::EC_KEY_new_by_curve_name(curve.nid()))? };
        Ok(Self { key, curve })
    }

    fn set_scalar(&self, scalar: &[u8]) -> Result<()> {
        let number = Owned::number(scalar)?;
        // SAFETY: the key is ours alone while it is built; the number is copied and checked against the order.
        check(unsafe { aws_lc_sys::EC_KEY_set_private_key(self.key.as_ptr(), number.as_ptr()) })
    }
}
