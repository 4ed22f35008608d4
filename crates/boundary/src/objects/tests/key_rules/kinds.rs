//! Kinds of keys, and which of the named attributes each has.

use std::sync::OnceLock;

use strongroom_wire::{AttributeType as A, AttributeValue as V, MechanismType as M, Template};

use super::super::P256;
use super::NAMED;
use super::world::DEMANDS;
use crate::ffi::{Curve, EcKey, RsaKey};
use crate::objects::made::{self, Made};

/// RSA keys of a world. They are slow to make: every world has the same, each once.
pub const RSA_KEYS: usize = 2;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Aes,
    Secret,
    Rsa,
    /// Of an RSA key; it wraps.
    RsaPublic,
    Ec,
}

impl Kind {
    /// Whether a key of this kind has an attribute that its owner may choose.
    pub fn has(self, attribute: A) -> bool {
        let lacks: &[A] = match self {
            Self::Aes => &[A::SignRecover, A::VerifyRecover],
            Self::Secret => &[A::SignRecover, A::VerifyRecover, A::Wrap, A::Unwrap],
            Self::Rsa => &[A::Encrypt, A::Verify, A::VerifyRecover, A::Wrap],
            Self::RsaPublic => &[
                A::Decrypt,
                A::Sign,
                A::SignRecover,
                A::Unwrap,
                A::Derive,
                A::Extractable,
                A::Sensitive,
                A::WrapWithTrusted,
            ],
            Self::Ec => {
                &[A::Encrypt, A::Decrypt, A::Verify, A::SignRecover, A::VerifyRecover, A::Wrap, A::Unwrap]
            }
        };
        !lacks.contains(&attribute)
    }

    /// Whether it has a template for keys that are wrapped, unwrapped or derived.
    pub const fn has_demand(self, attribute: A) -> bool {
        match self {
            Self::Aes => true,
            Self::Secret => matches!(attribute, A::DeriveTemplate),
            Self::Rsa => matches!(attribute, A::UnwrapTemplate),
            Self::RsaPublic => matches!(attribute, A::WrapTemplate),
            Self::Ec => matches!(attribute, A::UnwrapTemplate | A::DeriveTemplate),
        }
    }

    pub const fn is_secret(self) -> bool {
        matches!(self, Self::Aes | Self::Secret)
    }

    /// Whether an admin can trust it.
    pub const fn can_be_trusted(self) -> bool {
        matches!(self, Self::Aes | Self::RsaPublic)
    }

    /// What of a template this kind has.
    pub fn part_of(self, template: &Template) -> Template {
        let lacks = |name: &A| {
            NAMED.contains(name) && !self.has(*name) || DEMANDS.contains(name) && !self.has_demand(*name)
        };
        let kept = template.iter().filter(|(name, _)| !lacks(name));
        kept.map(|(name, value)| (name, value.clone())).collect()
    }

    /// With the class and the type of a key that comes in.
    pub fn of_class(self, template: &Template) -> Template {
        let (class, key_type) = match self {
            Self::Aes => (4, 0x1F),
            Self::Secret => (4, 0x10),
            Self::Rsa => (3, 0),
            Self::RsaPublic => (2, 0),
            Self::Ec => (3, 3),
        };
        template.clone().with(A::Class, V::Ulong(class)).with(A::KeyType, V::Ulong(key_type))
    }

    /// Whether what was wrapped, of another kind perhaps, can become a key of this one.
    pub fn holds(self, wrapped: Self) -> bool {
        match self {
            Self::Aes => wrapped.is_secret(),
            // The encoding of a private key is as good a secret as other bytes; that of RSA is too long.
            Self::Secret => wrapped.is_secret() || wrapped == Self::Ec,
            _ => self == wrapped,
        }
    }

    /// The mechanism that wraps a key of a kind under one of this kind, the one way or the other.
    pub const fn wrapping(self, target: Self, second: bool) -> M {
        match (self, second) {
            (Self::Rsa | Self::RsaPublic, true) => M::RsaPkcsOaep,
            (Self::Rsa | Self::RsaPublic, false) => M::RsaAesKeyWrap,
            (_, true) => M::AesGcm,
            (_, false) if target.is_secret() => M::AesKeyWrap,
            // The encoding of a private key has any length.
            (_, false) => M::AesKeyWrapKwp,
        }
    }

    /// The mechanism that derives from such a key.
    pub const fn deriving(self) -> M {
        match self {
            Self::Secret => M::HkdfDerive,
            Self::Ec => M::Ecdh1Derive,
            _ => M::Sp800108CounterKdf,
        }
    }

    /// The mechanism that signs with such a key.
    pub const fn signing(self) -> M {
        match self {
            Self::Secret => M::Sha256Hmac,
            Self::Rsa => M::RsaPkcs,
            Self::Ec => M::Ecdsa,
            _ => M::AesCmac,
        }
    }
}

/// A generated RSA key pair.
pub fn rsa(number: usize) -> Made {
    static PAIRS: OnceLock<Vec<RsaKey>> = OnceLock::new();
    let make = || (0..RSA_KEYS).map(|_| RsaKey::generate(2048, &[1, 0, 1]).unwrap()).collect();
    made::rsa(&PAIRS.get_or_init(make)[number], true).unwrap()
}

/// What is said of an EC public key, and of an RSA public key.
pub fn public_template(kind: Kind) -> Template {
    match kind {
        Kind::Ec => Template::new().with(A::EcParams, V::Bytes(P256.to_vec())),
        _ => Template::new()
            .with(A::ModulusBits, V::Ulong(2048))
            .with(A::PublicExponent, V::Bytes(vec![1, 0, 1])),
    }
}

/// The public point of somebody outside, whom all agree with.
pub fn outside_point() -> Vec<u8> {
    static POINT: OnceLock<Vec<u8>> = OnceLock::new();
    let make = || {
        let made = made::ec(&EcKey::generate(Curve::P256).unwrap(), true).unwrap();
        made.computed.bytes(A::EcPoint).unwrap().to_vec()
    };
    POINT.get_or_init(make).clone()
}
