//! Objects that come in from outside: keys in clear, certificates, data.

use strongroom_wire::{AttributeType, AttributeValue, Rv, Template};
use x509_parser::prelude::{FromDer, X509Certificate};
use zeroize::Zeroizing;

use super::generate::{Origin, check_rsa_bits, checked_exponent};
use super::made::{self, Made};
use super::{Objects, Staged, curves, der, ml_dsa, ml_kem};
use crate::attributes::{
    CKO_CERTIFICATE, CKO_DATA, CKO_PRIVATE_KEY, CKO_PUBLIC_KEY, ClassRules, Way, check_template, class_of,
    value_bytes,
};
use crate::ffi::{EcKey, Hash, RsaKey};
use crate::{Caller, Error, Result, mechanisms};

/// The numbers of an `RSAPrivateKey`, in its order.
const RSA_NUMBERS: [AttributeType; 8] = [
    AttributeType::Modulus,
    AttributeType::PublicExponent,
    AttributeType::PrivateExponent,
    AttributeType::Prime1,
    AttributeType::Prime2,
    AttributeType::Exponent1,
    AttributeType::Exponent2,
    AttributeType::Coefficient,
];
/// `CKC_X_509`.
const CKC_X_509: u64 = 0;

impl Objects {
    /// Makes an object of what the template holds.
    ///
    /// # Errors
    /// The codes of templates, `CKR_CURVE_NOT_SUPPORTED`, `CKR_USER_NOT_LOGGED_IN`.
    pub fn create_object(&self, caller: &Caller, template: Template) -> Result<Staged> {
        self.ready()?;
        Self::check_maker(caller)?;
        let class = class_of(&template)?;
        check_template(class, Way::Create, &template)?;
        let made = match class.object_class {
            CKO_DATA => data(&template),
            CKO_CERTIFICATE => certificate(&template)?,
            CKO_PUBLIC_KEY => public_key(class, &template)?,
            CKO_PRIVATE_KEY => private_key(class, &template)?,
            _ => {
                let value = Zeroizing::new(bytes(&template, AttributeType::Value).to_vec());
                made::secret(class.secret_kind(), value, Rv::ATTRIBUTE_VALUE_INVALID)?
            }
        };
        self.stage_made(caller, class, Origin::Created, template, made)
    }
}

fn bytes(template: &Template, attribute: AttributeType) -> &[u8] {
    template.get(attribute).and_then(value_bytes).unwrap_or_default()
}

fn public_key(class: &ClassRules, template: &Template) -> Result<Made> {
    let params = bytes(template, AttributeType::EcParams);
    match class.key_type {
        Some(0x00) => {
            let exponent = checked_exponent(bytes(template, AttributeType::PublicExponent))?;
            let key = RsaKey::public(bytes(template, AttributeType::Modulus), exponent)
                .map_err(|_| invalid("CKA_MODULUS and CKA_PUBLIC_EXPONENT are not those of an RSA key"))?;
            checked_rsa(&key, false)
        }
        Some(0x03) => {
            let curve = curves::curve(params)?;
            let length = made::point_length(curve.length());
            let point = curves::decode_point(bytes(template, AttributeType::EcPoint), length)?;
            let key = EcKey::public(curve, point)
                .map_err(|_| invalid("CKA_EC_POINT is not a point of the curve"))?;
            made::ec(&key, false)
        }
        Some(0x49) => ml_kem::public(template),
        Some(0x4A) => ml_dsa::public(template),
        kind => {
            let point =
                || curves::decode_point(bytes(template, AttributeType::EcPoint), curves::ED25519_LENGTH);
            if kind == Some(0x41) {
                curves::check_x25519(params)?;
                return made::x25519_public(point()?, params);
            }
            curves::check_ed25519(params)?;
            made::ed25519_public(point()?, params)
        }
    }
}

fn private_key(class: &ClassRules, template: &Template) -> Result<Made> {
    let params = bytes(template, AttributeType::EcParams);
    let value = bytes(template, AttributeType::Value);
    match class.key_type {
        Some(0x00) => {
            checked_exponent(bytes(template, AttributeType::PublicExponent))?;
            let key = RsaKey::from_der(&rsa_private_key(template))
                .map_err(|_| invalid("the numbers of the RSA private key do not fit each other"))?;
            checked_rsa(&key, true)
        }
        Some(0x03) => {
            let key = EcKey::private(curves::curve(params)?, value)
                .map_err(|_| invalid("CKA_VALUE is not a private key of the curve"))?;
            made::ec(&key, true)
        }
        Some(0x41) => {
            curves::check_x25519(params)?;
            made::x25519(value, params)
        }
        Some(0x49) => ml_kem::private(template),
        Some(0x4A) => ml_dsa::private(template),
        _ => {
            curves::check_ed25519(params)?;
            made::ed25519(value, params)
        }
    }
}

fn checked_rsa(key: &RsaKey, private: bool) -> Result<Made> {
    let made = made::rsa(key, private)?;
    check_rsa_bits(made.computed.ulong(AttributeType::ModulusBits).unwrap_or(0))?;
    Ok(made)
}

/// `RSAPrivateKey` (RFC 8017 appendix A.1.2).
fn rsa_private_key(template: &Template) -> Zeroizing<Vec<u8>> {
    let mut numbers = Zeroizing::new(vec![0x02, 0x01, 0x00]); // version two-prime
    for attribute in RSA_NUMBERS {
        let number = bytes(template, attribute);
        let start = number.iter().position(|byte| *byte != 0).unwrap_or(number.len());
        let digits = &number[start..];
        let padded = digits.first().is_none_or(|first| *first >= 0x80);
        der::header(0x02, digits.len() + usize::from(padded), &mut numbers);
        if padded {
            numbers.push(0);
        }
        numbers.extend_from_slice(digits);
    }
    let mut out = Zeroizing::new(Vec::with_capacity(numbers.len() + 4));
    der::header(0x30, numbers.len(), &mut out);
    out.extend_from_slice(&numbers);
    out
}

/// An X.509 certificate: a public object without key material (aws-cloudhsm 6.5).
fn certificate(template: &Template) -> Result<Made> {
    if template.ulong(AttributeType::CertificateType) != Some(CKC_X_509) {
        return Err(invalid("CKA_CERTIFICATE_TYPE must be CKC_X_509"));
    }
    let value = bytes(template, AttributeType::Value);
    let (rest, parsed) = X509Certificate::from_der(value)
        .map_err(|_| invalid("CKA_VALUE is not the DER of an X.509 certificate"))?;
    if !rest.is_empty() {
        return Err(invalid("CKA_VALUE has bytes after the certificate"));
    }
    let serial = parsed.tbs_certificate.raw_serial();
    let mut serial_number = Vec::with_capacity(serial.len() + 2);
    der::header(0x02, serial.len(), &mut serial_number);
    serial_number.extend_from_slice(serial);
    let check_value = mechanisms::digest(Hash::Sha1, value)?.as_ref()[..3].to_vec();
    let attributes = [
        (AttributeType::Subject, parsed.subject().as_raw().to_vec()),
        (AttributeType::Issuer, parsed.issuer().as_raw().to_vec()),
        (AttributeType::SerialNumber, serial_number),
        (AttributeType::PublicKeyInfo, parsed.public_key().raw.to_vec()),
        (AttributeType::CheckValue, check_value),
    ];
    let computed = attributes.into_iter().map(|(attribute, value)| (attribute, AttributeValue::Bytes(value)));
    Ok(Made { computed: computed.collect(), material: None })
}

/// Bytes of an application's, which nothing here is computed with.
fn data(template: &Template) -> Made {
    let value = Zeroizing::new(bytes(template, AttributeType::Value).to_vec());
    Made { computed: Template::new(), material: Some(value).filter(|value| !value.is_empty()) }
}

fn invalid(text: &'static str) -> Error {
    Error::refused(Rv::ATTRIBUTE_VALUE_INVALID, text)
}
