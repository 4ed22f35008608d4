//! CKA_EC_PARAMS and CKA_EC_POINT (PKCS #11 2.40 section 2.3.3; for Edwards curves 3.0 section 2.3.5).

use strongroom_wire::Rv;

use crate::attributes::{ED25519_PARAMS, X25519_PARAMS};
use crate::ffi::Curve;
use crate::{Error, Result};

/// OIDs in DER.
const CURVES: [(Curve, &[u8]); 5] = [
    (Curve::P224, b"\x06\x05\x2b\x81\x04\x00\x21"),
    (Curve::P256, b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"),
    (Curve::P384, b"\x06\x05\x2b\x81\x04\x00\x22"),
    (Curve::P521, b"\x06\x05\x2b\x81\x04\x00\x23"),
    (Curve::Secp256k1, b"\x06\x05\x2b\x81\x04\x00\x0a"),
];
/// Bytes of an Ed25519 or X25519 public key.
pub const ED25519_LENGTH: usize = 32;

/// The curve that CKA_EC_PARAMS names.
///
/// # Errors
/// `CKR_CURVE_NOT_SUPPORTED`, `CKR_DOMAIN_PARAMS_INVALID` for what names no curve.
pub fn curve(params: &[u8]) -> Result<Curve> {
    if let Some((curve, _)) = CURVES.iter().find(|(_, oid)| *oid == params) {
        return Ok(*curve);
    }
    Err(refused(params, "the curve is not one of secp224r1, secp256r1, secp384r1, secp521r1 and secp256k1"))
}

/// The refusal of a curve that is not here, or of what names none: PKCS #11 has an object identifier for it, or a name as a
/// PrintableString.
fn refused(params: &[u8], text: &'static str) -> Error {
    match params {
        [0x06 | 0x13, length, name @ ..] if !name.is_empty() && usize::from(*length) == name.len() => {
            Error::refused(Rv::CURVE_NOT_SUPPORTED, text)
        }
        _ => Error::refused(
            Rv::DOMAIN_PARAMS_INVALID,
            "CKA_EC_PARAMS must be the DER of a curve's object identifier or name",
        ),
    }
}

/// The CKA_EC_PARAMS of a curve.
pub fn params(curve: Curve) -> &'static [u8] {
    CURVES.iter().find(|(known, _)| *known == curve).map_or(&[], |(_, oid)| oid)
}

/// Checks that CKA_EC_PARAMS names Ed25519.
///
/// # Errors
/// As [`curve`].
pub fn check_ed25519(params: &[u8]) -> Result<()> {
    if ED25519_PARAMS.contains(&params) {
        return Ok(());
    }
    let text = "CKA_EC_PARAMS of an Edwards key must be the OID 1.3.101.112 or the name edwards25519";
    Err(refused(params, text))
}

/// Checks that CKA_EC_PARAMS names X25519.
///
/// # Errors
/// As [`curve`].
pub fn check_x25519(params: &[u8]) -> Result<()> {
    if X25519_PARAMS.contains(&params) {
        return Ok(());
    }
    let text = "CKA_EC_PARAMS of a Montgomery key must be the OID 1.3.101.110 or the name curve25519";
    Err(refused(params, text))
}

/// The DER OCTET STRING of a point.
pub fn encode_point(point: &[u8]) -> Vec<u8> {
    let mut out = vec![0x04];
    if point.len() >= 0x80 {
        out.push(0x81); // points have at most 133 bytes
    }
    #[allow(clippy::cast_possible_truncation)]
    out.push(point.len() as u8);
    out.extend_from_slice(point);
    out
}

/// The point of a DER OCTET STRING, or of its bare bytes when they have the length of a point.
///
/// # Errors
/// `CKR_ATTRIBUTE_VALUE_INVALID`.
pub fn decode_point(value: &[u8], length: usize) -> Result<&[u8]> {
    if value.len() == length {
        return Ok(value);
    }
    let point = match value {
        [0x04, 0x81, short, point @ ..] | [0x04, short, point @ ..] if usize::from(*short) == point.len() => {
            point
        }
        _ => &[],
    };
    if point.len() == length {
        return Ok(point);
    }
    Err(Error::refused(
        Rv::ATTRIBUTE_VALUE_INVALID,
        format!("CKA_EC_POINT must be the DER of an OCTET STRING with the point's {length} bytes"),
    ))
}
