//! Kinds of keys, by the names that `use:…` has for them, and making them.

use cryptoki_sys as p11;

use crate::session::{Key, Session, plain};
use crate::template::Template;

/// Object identifiers of curves.
const P256: [u8; 10] = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const ED25519: [u8; 5] = [0x06, 0x03, 0x2b, 0x65, 0x70];
const X25519: [u8; 5] = [0x06, 0x03, 0x2b, 0x65, 0x6e];

/// A kind of secret keys.
pub struct Secret {
    pub mechanism: p11::CK_MECHANISM_TYPE,
    length: p11::CK_ULONG,
    uses: &'static [p11::CK_ATTRIBUTE_TYPE],
}

impl Secret {
    /// For a new key.
    pub fn template(&self) -> Template {
        let numbers: &[_] = if self.length == 0 { &[] } else { &[(p11::CKA_VALUE_LEN, self.length)] };
        Template::new(numbers, self.uses)
    }
}

const CRYPT: &[p11::CK_ATTRIBUTE_TYPE] = &[
    p11::CKA_ENCRYPT,
    p11::CKA_DECRYPT,
    p11::CKA_SIGN,
    p11::CKA_VERIFY,
    p11::CKA_WRAP,
    p11::CKA_UNWRAP,
    p11::CKA_EXTRACTABLE,
];
const MAC: &[p11::CK_ATTRIBUTE_TYPE] = &[p11::CKA_SIGN, p11::CKA_VERIFY, p11::CKA_DERIVE];

/// By its name in [`crate::mechanisms::Use`].
pub fn secret_kind(name: &str) -> Option<Secret> {
    Some(match name {
        "token-aes32" => {
            Secret { mechanism: p11::CKM_AES_KEY_GEN, length: 32, uses: &[p11::CKA_TOKEN, p11::CKA_ENCRYPT] }
        }
        "aes32" => Secret { mechanism: p11::CKM_AES_KEY_GEN, length: 32, uses: CRYPT },
        "xts64" => Secret { mechanism: p11::CKM_AES_XTS_KEY_GEN, length: 64, uses: &CRYPT[..2] },
        "des3" => Secret { mechanism: p11::CKM_DES3_KEY_GEN, length: 0, uses: &CRYPT[..4] },
        "generic64" => Secret { mechanism: p11::CKM_GENERIC_SECRET_KEY_GEN, length: 64, uses: MAC },
        _ => return None,
    })
}

/// A new key of a kind.
pub fn generate(session: &Session<'_>, secret: Secret) -> Result<Key, String> {
    session.generate(&mut plain(secret.mechanism), &mut secret.template())
}

/// A secret of 32 bytes, which a derivation or an encapsulation makes.
pub fn secret_template() -> Template {
    Template::new(
        &[
            (p11::CKA_CLASS, p11::CKO_SECRET_KEY),
            (p11::CKA_KEY_TYPE, p11::CKK_GENERIC_SECRET),
            (p11::CKA_VALUE_LEN, 32),
        ],
        &[p11::CKA_SIGN],
    )
}

/// An AES key, which is unwrapped.
pub fn unwrapped_template() -> Template {
    Template::new(
        &[(p11::CKA_CLASS, p11::CKO_SECRET_KEY), (p11::CKA_KEY_TYPE, p11::CKK_AES)],
        &[p11::CKA_ENCRYPT],
    )
}

/// A new key pair of a kind, by that kind's mechanism or another one.
pub fn generate_pair(
    session: &Session<'_>,
    kind: &str,
    other: Option<p11::CK_MECHANISM_TYPE>,
) -> Result<(Key, Key), String> {
    const SIGN: &[p11::CK_ATTRIBUTE_TYPE] = &[p11::CKA_SIGN];
    const DERIVE: &[p11::CK_ATTRIBUTE_TYPE] = &[p11::CKA_DERIVE];
    let verifying = |numbers| Template::new(numbers, &[p11::CKA_VERIFY]);
    let (mechanism, mut public, uses) = match kind {
        "rsa2048" => {
            let numbers = [(p11::CKA_MODULUS_BITS, 2048)];
            let public = Template::new(&numbers, &[p11::CKA_VERIFY, p11::CKA_ENCRYPT, p11::CKA_WRAP])
                .with_bytes(p11::CKA_PUBLIC_EXPONENT, &[1, 0, 1]);
            (p11::CKM_RSA_PKCS_KEY_PAIR_GEN, public, &[p11::CKA_SIGN, p11::CKA_DECRYPT, p11::CKA_UNWRAP][..])
        }
        "p256" => {
            let public = verifying(&[]).with_bytes(p11::CKA_EC_PARAMS, &P256);
            (p11::CKM_EC_KEY_PAIR_GEN, public, &[p11::CKA_SIGN, p11::CKA_DERIVE][..])
        }
        "ed25519" => {
            let public = verifying(&[]).with_bytes(p11::CKA_EC_PARAMS, &ED25519);
            (p11::CKM_EC_EDWARDS_KEY_PAIR_GEN, public, SIGN)
        }
        "x25519" => {
            let public = Template::new(&[], &[]).with_bytes(p11::CKA_EC_PARAMS, &X25519);
            (p11::CKM_EC_MONTGOMERY_KEY_PAIR_GEN, public, DERIVE)
        }
        "ml-dsa-65" => (p11::CKM_ML_DSA_KEY_PAIR_GEN, verifying(&[(p11::CKA_PARAMETER_SET, 2)]), SIGN),
        "ml-kem-768" => {
            let public = Template::new(&[(p11::CKA_PARAMETER_SET, 2)], &[p11::CKA_ENCAPSULATE]);
            (p11::CKM_ML_KEM_KEY_PAIR_GEN, public, &[p11::CKA_DECAPSULATE][..])
        }
        unknown => return Err(format!("{unknown:?} is no kind of key")),
    };
    let mut private = Template::new(&[], uses);
    session.generate_pair(&mut plain(other.unwrap_or(mechanism)), &mut public, &mut private)
}
