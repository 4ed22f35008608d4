//! The tables of `tables/*.toml` in Rust: attributes, mechanisms, operations and roles.

#[allow(clippy::match_like_matches_macro)] // one form for every column
mod attributes;
#[allow(clippy::match_like_matches_macro)]
mod mechanism_rules;
mod mechanisms;
mod operations;
mod roles;

pub use attributes::AttributeType;
pub use mechanisms::MechanismType;
pub use operations::Operation;
pub use roles::Role;

impl MechanismType {
    /// Whether this mechanism, by whichever of its numbers, is among these.
    pub fn is_among(self, numbers: &[u64]) -> bool {
        let is_same =
            |number: &u64| Self::from_code(*number).is_some_and(|it| it.standard() == self.standard());
        numbers.iter().any(is_same)
    }
}

/// What values an attribute takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `CK_BBOOL`.
    Bool,
    /// `CK_ULONG`.
    Ulong,
    /// Bytes without further meaning here.
    Bytes,
    /// UTF-8 text.
    Text,
    /// An unsigned number, big-endian, without leading zeros.
    Bigint,
    /// `CK_DATE`: eight ASCII digits, or empty.
    Date,
    /// A template.
    Template,
    /// A set of mechanisms.
    Mechanisms,
}

/// What a mechanism does; `Sign` includes verify, `Recover` both ways, `Encrypt` decrypt, `Wrap` unwrap and `Encapsulate` decapsulate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// Makes a secret key.
    Generate,
    /// Makes a key pair.
    GeneratePair,
    /// Signs and verifies, or makes and checks a MAC.
    Sign,
    /// Signs so that the signature holds the data, and takes it out again.
    Recover,
    /// Encrypts and decrypts a user's data.
    Encrypt,
    /// Wraps and unwraps keys.
    Wrap,
    /// Derives keys.
    Derive,
    /// Makes a secret key out of a public key, and out of its private key and a ciphertext.
    Encapsulate,
    /// Digests; answered by the client library.
    Digest,
}

/// The kind of key, finer than `CKK_*`: Edwards and Montgomery keys are told apart from Weierstrass keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum KeyKind {
    /// `CKK_RSA`.
    Rsa = 1,
    /// `CKK_EC`.
    Ec = 2,
    /// `CKK_EC_EDWARDS` with Ed25519.
    Ed25519 = 3,
    /// `CKK_AES`.
    Aes = 4,
    /// `CKK_GENERIC_SECRET`.
    GenericSecret = 5,
    /// `CKK_DES3`.
    Des3 = 6,
    /// `CKK_AES_XTS`: two keys of AES-256.
    AesXts = 7,
    /// `CKK_EC_MONTGOMERY` with X25519.
    X25519 = 8,
    /// `CKK_ML_DSA`.
    MlDsa = 9,
    /// `CKK_ML_KEM`.
    MlKem = 10,
    /// `CKK_SHA_1_HMAC`.
    Sha1Hmac = 11,
    /// `CKK_SHA224_HMAC`.
    Sha224Hmac = 12,
    /// `CKK_SHA256_HMAC`.
    Sha256Hmac = 13,
    /// `CKK_SHA384_HMAC`.
    Sha384Hmac = 14,
    /// `CKK_SHA512_HMAC`.
    Sha512Hmac = 15,
    /// `CKK_SHA3_224_HMAC`.
    Sha3224Hmac = 16,
    /// `CKK_SHA3_256_HMAC`.
    Sha3256Hmac = 17,
    /// `CKK_SHA3_384_HMAC`.
    Sha3384Hmac = 18,
    /// `CKK_SHA3_512_HMAC`.
    Sha3512Hmac = 19,
}

impl KeyKind {
    /// The kind of the keys with this `CKA_KEY_TYPE`, if there are such.
    pub const fn from_key_type(number: u64) -> Option<Self> {
        Some(match number {
            0x00 => Self::Rsa,
            0x03 => Self::Ec,
            0x10 => Self::GenericSecret,
            0x15 => Self::Des3,
            0x1F => Self::Aes,
            0x28 => Self::Sha1Hmac,
            0x2B => Self::Sha256Hmac,
            0x2C => Self::Sha384Hmac,
            0x2D => Self::Sha512Hmac,
            0x2E => Self::Sha224Hmac,
            0x35 => Self::AesXts,
            0x36 => Self::Sha3224Hmac,
            0x37 => Self::Sha3256Hmac,
            0x38 => Self::Sha3384Hmac,
            0x39 => Self::Sha3512Hmac,
            0x40 => Self::Ed25519,
            0x41 => Self::X25519,
            0x49 => Self::MlKem,
            0x4A => Self::MlDsa,
            _ => return None,
        })
    }

    /// Whether it serves one HMAC and nothing else.
    pub const fn is_of_one_hmac(self) -> bool {
        matches!(
            self,
            Self::Sha1Hmac
                | Self::Sha224Hmac
                | Self::Sha256Hmac
                | Self::Sha384Hmac
                | Self::Sha512Hmac
                | Self::Sha3224Hmac
                | Self::Sha3256Hmac
                | Self::Sha3384Hmac
                | Self::Sha3512Hmac
        )
    }

    /// Whether a key is whatever bytes: a generic secret, or the key of one HMAC.
    pub const fn is_any_bytes(self) -> bool {
        matches!(self, Self::GenericSecret) || self.is_of_one_hmac()
    }
}

/// Which members of [`crate::messages::MechanismParameters`] a mechanism reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParameterKind {
    /// None at all.
    None,
    /// `iv`, a block of the cipher.
    Iv,
    /// `iv` (the counter block) and `counter_bits`.
    Ctr,
    /// `aad`, `tag_bits`, and for decryption and verification `iv`.
    Gcm,
    /// `iv` (the nonce), `aad`, `tag_bits`.
    Ccm,
    /// `tag_bits`.
    MacLength,
    /// `hash`, `mgf`, `salt_length`.
    Pss,
    /// `hash`, `mgf`, `label`.
    Oaep,
    /// `iv`, absent or the standard one.
    WrapIv,
    /// `key_bits`, `hash`, `mgf`, `label`.
    RsaAes,
    /// `prehash`, `context`.
    Eddsa,
    /// `hedge`, `context`.
    MlDsa,
    /// `hash`, `hedge`, `context`.
    HashMlDsa,
    /// `kdf`, `public_data`, `info`.
    Ecdh,
    /// `hash`, `extract`, `expand`, `salt`, `info`.
    Hkdf,
    /// `prf`, `prf_inputs`.
    CounterKdf,
    /// `prf`, `prf_inputs`, `iv`.
    FeedbackKdf,
    /// `prf` (`CKP_PKCS5_PBKD2_*`), `salt`, `iterations`; the password is a member of the request.
    Pbkdf2,
}

/// Which of the brain's workers takes a managed operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Lane {
    /// Password hashing: few at a time, so that it never starves the rest.
    Login,
    /// Work that may take long (key pair generation, wrapping).
    Slow,
    /// Everything else.
    General,
}

/// Whether a client may repeat a request whose answer it did not get.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum RetryClass {
    /// Repeat at once on another HSM.
    Pure = 1,
    /// Repeat with the same request id: makes something.
    Create = 2,
    /// Repeat with the same request id: changes something.
    Change = 3,
    /// Report the failure.
    Never = 4,
}
