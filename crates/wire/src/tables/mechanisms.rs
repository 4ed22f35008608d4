// Generated from tables/mechanisms.toml by tables/generate.py; edit that file, then run `make tables`.

use crate::tables::{Function, KeyKind, ParameterKind};

/// A PKCS #11 mechanism type (`CKM_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u64)]
pub enum MechanismType {
    /// Number 0x0000.
    RsaPkcsKeyPairGen = 0x0000,
    /// Number 0x000a.
    RsaX931KeyPairGen = 0x000a,
    /// Number 0x1040.
    EcKeyPairGen = 0x1040,
    /// Number 0x1055.
    EcEdwardsKeyPairGen = 0x1055,
    /// Number 0x1080.
    AesKeyGen = 0x1080,
    /// Number 0x0131.
    Des3KeyGen = 0x0131,
    /// Number 0x0350.
    GenericSecretKeyGen = 0x0350,
    /// Number 0x0001.
    RsaPkcs = 0x0001,
    /// Number 0x0003.
    RsaX509 = 0x0003,
    /// Number 0x0009.
    RsaPkcsOaep = 0x0009,
    /// Number 0x1054.
    RsaAesKeyWrap = 0x1054,
    /// Number 0x000d.
    RsaPkcsPss = 0x000d,
    /// Number 0x0006.
    Sha1RsaPkcs = 0x0006,
    /// Number 0x0046.
    Sha224RsaPkcs = 0x0046,
    /// Number 0x0040.
    Sha256RsaPkcs = 0x0040,
    /// Number 0x0041.
    Sha384RsaPkcs = 0x0041,
    /// Number 0x0042.
    Sha512RsaPkcs = 0x0042,
    /// Number 0x0066.
    Sha3224RsaPkcs = 0x0066,
    /// Number 0x0060.
    Sha3256RsaPkcs = 0x0060,
    /// Number 0x0061.
    Sha3384RsaPkcs = 0x0061,
    /// Number 0x0062.
    Sha3512RsaPkcs = 0x0062,
    /// Number 0x000e.
    Sha1RsaPkcsPss = 0x000e,
    /// Number 0x0047.
    Sha224RsaPkcsPss = 0x0047,
    /// Number 0x0043.
    Sha256RsaPkcsPss = 0x0043,
    /// Number 0x0044.
    Sha384RsaPkcsPss = 0x0044,
    /// Number 0x0045.
    Sha512RsaPkcsPss = 0x0045,
    /// Number 0x0067.
    Sha3224RsaPkcsPss = 0x0067,
    /// Number 0x0063.
    Sha3256RsaPkcsPss = 0x0063,
    /// Number 0x0064.
    Sha3384RsaPkcsPss = 0x0064,
    /// Number 0x0065.
    Sha3512RsaPkcsPss = 0x0065,
    /// Number 0x1041.
    Ecdsa = 0x1041,
    /// Number 0x1042.
    EcdsaSha1 = 0x1042,
    /// Number 0x1043.
    EcdsaSha224 = 0x1043,
    /// Number 0x1044.
    EcdsaSha256 = 0x1044,
    /// Number 0x1045.
    EcdsaSha384 = 0x1045,
    /// Number 0x1046.
    EcdsaSha512 = 0x1046,
    /// Number 0x1047.
    EcdsaSha3224 = 0x1047,
    /// Number 0x1048.
    EcdsaSha3256 = 0x1048,
    /// Number 0x1049.
    EcdsaSha3384 = 0x1049,
    /// Number 0x104a.
    EcdsaSha3512 = 0x104a,
    /// Number 0x1057.
    Eddsa = 0x1057,
    /// Number 0x1081.
    AesEcb = 0x1081,
    /// Number 0x1082.
    AesCbc = 0x1082,
    /// Number 0x1085.
    AesCbcPad = 0x1085,
    /// Number 0x1086.
    AesCtr = 0x1086,
    /// Number 0x1087.
    AesGcm = 0x1087,
    /// Number 0x80001087.
    CloudhsmAesGcm = 0x80001087,
    /// Number 0x108a.
    AesCmac = 0x108a,
    /// Number 0x2109.
    AesKeyWrap = 0x2109,
    /// Number 0x210b.
    AesKeyWrapKwp = 0x210b,
    /// Number 0x80002109.
    CloudhsmAesKeyWrapNoPad = 0x80002109,
    /// Number 0x8000216f.
    CloudhsmAesKeyWrapZeroPad = 0x8000216f,
    /// Number 0x0132.
    Des3Ecb = 0x0132,
    /// Number 0x0133.
    Des3Cbc = 0x0133,
    /// Number 0x0136.
    Des3CbcPad = 0x0136,
    /// Number 0x0221.
    Sha1Hmac = 0x0221,
    /// Number 0x0256.
    Sha224Hmac = 0x0256,
    /// Number 0x0251.
    Sha256Hmac = 0x0251,
    /// Number 0x0261.
    Sha384Hmac = 0x0261,
    /// Number 0x0271.
    Sha512Hmac = 0x0271,
    /// Number 0x02b6.
    Sha3224Hmac = 0x02b6,
    /// Number 0x02b1.
    Sha3256Hmac = 0x02b1,
    /// Number 0x02c1.
    Sha3384Hmac = 0x02c1,
    /// Number 0x02d1.
    Sha3512Hmac = 0x02d1,
    /// Number 0x1050.
    Ecdh1Derive = 0x1050,
    /// Number 0x402a.
    HkdfDerive = 0x402a,
    /// Number 0x03ac.
    Sp800108CounterKdf = 0x03ac,
    /// Number 0x80000001.
    CloudhsmSp800108CounterKdf = 0x80000001,
    /// Number 0x0220.
    Sha1 = 0x0220,
    /// Number 0x0255.
    Sha224 = 0x0255,
    /// Number 0x0250.
    Sha256 = 0x0250,
    /// Number 0x0260.
    Sha384 = 0x0260,
    /// Number 0x0270.
    Sha512 = 0x0270,
    /// Number 0x02b5.
    Sha3224 = 0x02b5,
    /// Number 0x02b0.
    Sha3256 = 0x02b0,
    /// Number 0x02c0.
    Sha3384 = 0x02c0,
    /// Number 0x02d0.
    Sha3512 = 0x02d0,
}

impl MechanismType {
    /// Every member, in the order of the table.
    pub const ALL: &'static [Self] = &[
        Self::RsaPkcsKeyPairGen,
        Self::RsaX931KeyPairGen,
        Self::EcKeyPairGen,
        Self::EcEdwardsKeyPairGen,
        Self::AesKeyGen,
        Self::Des3KeyGen,
        Self::GenericSecretKeyGen,
        Self::RsaPkcs,
        Self::RsaX509,
        Self::RsaPkcsOaep,
        Self::RsaAesKeyWrap,
        Self::RsaPkcsPss,
        Self::Sha1RsaPkcs,
        Self::Sha224RsaPkcs,
        Self::Sha256RsaPkcs,
        Self::Sha384RsaPkcs,
        Self::Sha512RsaPkcs,
        Self::Sha3224RsaPkcs,
        Self::Sha3256RsaPkcs,
        Self::Sha3384RsaPkcs,
        Self::Sha3512RsaPkcs,
        Self::Sha1RsaPkcsPss,
        Self::Sha224RsaPkcsPss,
        Self::Sha256RsaPkcsPss,
        Self::Sha384RsaPkcsPss,
        Self::Sha512RsaPkcsPss,
        Self::Sha3224RsaPkcsPss,
        Self::Sha3256RsaPkcsPss,
        Self::Sha3384RsaPkcsPss,
        Self::Sha3512RsaPkcsPss,
        Self::Ecdsa,
        Self::EcdsaSha1,
        Self::EcdsaSha224,
        Self::EcdsaSha256,
        Self::EcdsaSha384,
        Self::EcdsaSha512,
        Self::EcdsaSha3224,
        Self::EcdsaSha3256,
        Self::EcdsaSha3384,
        Self::EcdsaSha3512,
        Self::Eddsa,
        Self::AesEcb,
        Self::AesCbc,
        Self::AesCbcPad,
        Self::AesCtr,
        Self::AesGcm,
        Self::CloudhsmAesGcm,
        Self::AesCmac,
        Self::AesKeyWrap,
        Self::AesKeyWrapKwp,
        Self::CloudhsmAesKeyWrapNoPad,
        Self::CloudhsmAesKeyWrapZeroPad,
        Self::Des3Ecb,
        Self::Des3Cbc,
        Self::Des3CbcPad,
        Self::Sha1Hmac,
        Self::Sha224Hmac,
        Self::Sha256Hmac,
        Self::Sha384Hmac,
        Self::Sha512Hmac,
        Self::Sha3224Hmac,
        Self::Sha3256Hmac,
        Self::Sha3384Hmac,
        Self::Sha3512Hmac,
        Self::Ecdh1Derive,
        Self::HkdfDerive,
        Self::Sp800108CounterKdf,
        Self::CloudhsmSp800108CounterKdf,
        Self::Sha1,
        Self::Sha224,
        Self::Sha256,
        Self::Sha384,
        Self::Sha512,
        Self::Sha3224,
        Self::Sha3256,
        Self::Sha3384,
        Self::Sha3512,
    ];

    /// The member with this number, if there is one.
    pub const fn from_code(code: u64) -> Option<Self> {
        match code {
            0x0000 => Some(Self::RsaPkcsKeyPairGen),
            0x000a => Some(Self::RsaX931KeyPairGen),
            0x1040 => Some(Self::EcKeyPairGen),
            0x1055 => Some(Self::EcEdwardsKeyPairGen),
            0x1080 => Some(Self::AesKeyGen),
            0x0131 => Some(Self::Des3KeyGen),
            0x0350 => Some(Self::GenericSecretKeyGen),
            0x0001 => Some(Self::RsaPkcs),
            0x0003 => Some(Self::RsaX509),
            0x0009 => Some(Self::RsaPkcsOaep),
            0x1054 => Some(Self::RsaAesKeyWrap),
            0x000d => Some(Self::RsaPkcsPss),
            0x0006 => Some(Self::Sha1RsaPkcs),
            0x0046 => Some(Self::Sha224RsaPkcs),
            0x0040 => Some(Self::Sha256RsaPkcs),
            0x0041 => Some(Self::Sha384RsaPkcs),
            0x0042 => Some(Self::Sha512RsaPkcs),
            0x0066 => Some(Self::Sha3224RsaPkcs),
            0x0060 => Some(Self::Sha3256RsaPkcs),
            0x0061 => Some(Self::Sha3384RsaPkcs),
            0x0062 => Some(Self::Sha3512RsaPkcs),
            0x000e => Some(Self::Sha1RsaPkcsPss),
            0x0047 => Some(Self::Sha224RsaPkcsPss),
            0x0043 => Some(Self::Sha256RsaPkcsPss),
            0x0044 => Some(Self::Sha384RsaPkcsPss),
            0x0045 => Some(Self::Sha512RsaPkcsPss),
            0x0067 => Some(Self::Sha3224RsaPkcsPss),
            0x0063 => Some(Self::Sha3256RsaPkcsPss),
            0x0064 => Some(Self::Sha3384RsaPkcsPss),
            0x0065 => Some(Self::Sha3512RsaPkcsPss),
            0x1041 => Some(Self::Ecdsa),
            0x1042 => Some(Self::EcdsaSha1),
            0x1043 => Some(Self::EcdsaSha224),
            0x1044 => Some(Self::EcdsaSha256),
            0x1045 => Some(Self::EcdsaSha384),
            0x1046 => Some(Self::EcdsaSha512),
            0x1047 => Some(Self::EcdsaSha3224),
            0x1048 => Some(Self::EcdsaSha3256),
            0x1049 => Some(Self::EcdsaSha3384),
            0x104a => Some(Self::EcdsaSha3512),
            0x1057 => Some(Self::Eddsa),
            0x1081 => Some(Self::AesEcb),
            0x1082 => Some(Self::AesCbc),
            0x1085 => Some(Self::AesCbcPad),
            0x1086 => Some(Self::AesCtr),
            0x1087 => Some(Self::AesGcm),
            0x80001087 => Some(Self::CloudhsmAesGcm),
            0x108a => Some(Self::AesCmac),
            0x2109 => Some(Self::AesKeyWrap),
            0x210b => Some(Self::AesKeyWrapKwp),
            0x80002109 => Some(Self::CloudhsmAesKeyWrapNoPad),
            0x8000216f => Some(Self::CloudhsmAesKeyWrapZeroPad),
            0x0132 => Some(Self::Des3Ecb),
            0x0133 => Some(Self::Des3Cbc),
            0x0136 => Some(Self::Des3CbcPad),
            0x0221 => Some(Self::Sha1Hmac),
            0x0256 => Some(Self::Sha224Hmac),
            0x0251 => Some(Self::Sha256Hmac),
            0x0261 => Some(Self::Sha384Hmac),
            0x0271 => Some(Self::Sha512Hmac),
            0x02b6 => Some(Self::Sha3224Hmac),
            0x02b1 => Some(Self::Sha3256Hmac),
            0x02c1 => Some(Self::Sha3384Hmac),
            0x02d1 => Some(Self::Sha3512Hmac),
            0x1050 => Some(Self::Ecdh1Derive),
            0x402a => Some(Self::HkdfDerive),
            0x03ac => Some(Self::Sp800108CounterKdf),
            0x80000001 => Some(Self::CloudhsmSp800108CounterKdf),
            0x0220 => Some(Self::Sha1),
            0x0255 => Some(Self::Sha224),
            0x0250 => Some(Self::Sha256),
            0x0260 => Some(Self::Sha384),
            0x0270 => Some(Self::Sha512),
            0x02b5 => Some(Self::Sha3224),
            0x02b0 => Some(Self::Sha3256),
            0x02c0 => Some(Self::Sha3384),
            0x02d0 => Some(Self::Sha3512),
            _ => None,
        }
    }

    /// The number of this member.
    pub const fn code(self) -> u64 {
        self as u64
    }

    /// What it can do.
    pub const fn functions(self) -> &'static [Function] {
        match self {
            Self::RsaPkcsKeyPairGen => &[Function::GeneratePair],
            Self::RsaX931KeyPairGen => &[Function::GeneratePair],
            Self::EcKeyPairGen => &[Function::GeneratePair],
            Self::EcEdwardsKeyPairGen => &[Function::GeneratePair],
            Self::AesKeyGen => &[Function::Generate],
            Self::Des3KeyGen => &[Function::Generate],
            Self::GenericSecretKeyGen => &[Function::Generate],
            Self::RsaPkcs => &[Function::Sign, Function::Encrypt, Function::Wrap],
            Self::RsaX509 => &[Function::Sign, Function::Encrypt],
            Self::RsaPkcsOaep => &[Function::Encrypt, Function::Wrap],
            Self::RsaAesKeyWrap => &[Function::Wrap],
            Self::RsaPkcsPss => &[Function::Sign],
            Self::Sha1RsaPkcs => &[Function::Sign],
            Self::Sha224RsaPkcs => &[Function::Sign],
            Self::Sha256RsaPkcs => &[Function::Sign],
            Self::Sha384RsaPkcs => &[Function::Sign],
            Self::Sha512RsaPkcs => &[Function::Sign],
            Self::Sha3224RsaPkcs => &[Function::Sign],
            Self::Sha3256RsaPkcs => &[Function::Sign],
            Self::Sha3384RsaPkcs => &[Function::Sign],
            Self::Sha3512RsaPkcs => &[Function::Sign],
            Self::Sha1RsaPkcsPss => &[Function::Sign],
            Self::Sha224RsaPkcsPss => &[Function::Sign],
            Self::Sha256RsaPkcsPss => &[Function::Sign],
            Self::Sha384RsaPkcsPss => &[Function::Sign],
            Self::Sha512RsaPkcsPss => &[Function::Sign],
            Self::Sha3224RsaPkcsPss => &[Function::Sign],
            Self::Sha3256RsaPkcsPss => &[Function::Sign],
            Self::Sha3384RsaPkcsPss => &[Function::Sign],
            Self::Sha3512RsaPkcsPss => &[Function::Sign],
            Self::Ecdsa => &[Function::Sign],
            Self::EcdsaSha1 => &[Function::Sign],
            Self::EcdsaSha224 => &[Function::Sign],
            Self::EcdsaSha256 => &[Function::Sign],
            Self::EcdsaSha384 => &[Function::Sign],
            Self::EcdsaSha512 => &[Function::Sign],
            Self::EcdsaSha3224 => &[Function::Sign],
            Self::EcdsaSha3256 => &[Function::Sign],
            Self::EcdsaSha3384 => &[Function::Sign],
            Self::EcdsaSha3512 => &[Function::Sign],
            Self::Eddsa => &[Function::Sign],
            Self::AesEcb => &[Function::Encrypt],
            Self::AesCbc => &[Function::Encrypt],
            Self::AesCbcPad => &[Function::Encrypt],
            Self::AesCtr => &[Function::Encrypt],
            Self::AesGcm => &[Function::Encrypt, Function::Wrap],
            Self::CloudhsmAesGcm => &[Function::Encrypt, Function::Wrap],
            Self::AesCmac => &[Function::Sign],
            Self::AesKeyWrap => &[Function::Wrap],
            Self::AesKeyWrapKwp => &[Function::Wrap],
            Self::CloudhsmAesKeyWrapNoPad => &[Function::Wrap],
            Self::CloudhsmAesKeyWrapZeroPad => &[Function::Wrap],
            Self::Des3Ecb => &[Function::Encrypt],
            Self::Des3Cbc => &[Function::Encrypt],
            Self::Des3CbcPad => &[Function::Encrypt],
            Self::Sha1Hmac => &[Function::Sign],
            Self::Sha224Hmac => &[Function::Sign],
            Self::Sha256Hmac => &[Function::Sign],
            Self::Sha384Hmac => &[Function::Sign],
            Self::Sha512Hmac => &[Function::Sign],
            Self::Sha3224Hmac => &[Function::Sign],
            Self::Sha3256Hmac => &[Function::Sign],
            Self::Sha3384Hmac => &[Function::Sign],
            Self::Sha3512Hmac => &[Function::Sign],
            Self::Ecdh1Derive => &[Function::Derive],
            Self::HkdfDerive => &[Function::Derive],
            Self::Sp800108CounterKdf => &[Function::Derive],
            Self::CloudhsmSp800108CounterKdf => &[Function::Derive],
            Self::Sha1 => &[Function::Digest],
            Self::Sha224 => &[Function::Digest],
            Self::Sha256 => &[Function::Digest],
            Self::Sha384 => &[Function::Digest],
            Self::Sha512 => &[Function::Digest],
            Self::Sha3224 => &[Function::Digest],
            Self::Sha3256 => &[Function::Digest],
            Self::Sha3384 => &[Function::Digest],
            Self::Sha3512 => &[Function::Digest],
        }
    }

    /// The keys it works on.
    pub const fn key_kinds(self) -> &'static [KeyKind] {
        match self {
            Self::RsaPkcsKeyPairGen => &[KeyKind::Rsa],
            Self::RsaX931KeyPairGen => &[KeyKind::Rsa],
            Self::EcKeyPairGen => &[KeyKind::Ec],
            Self::EcEdwardsKeyPairGen => &[KeyKind::Ed25519],
            Self::AesKeyGen => &[KeyKind::Aes],
            Self::Des3KeyGen => &[KeyKind::Des3],
            Self::GenericSecretKeyGen => &[KeyKind::GenericSecret],
            Self::RsaPkcs => &[KeyKind::Rsa],
            Self::RsaX509 => &[KeyKind::Rsa],
            Self::RsaPkcsOaep => &[KeyKind::Rsa],
            Self::RsaAesKeyWrap => &[KeyKind::Rsa],
            Self::RsaPkcsPss => &[KeyKind::Rsa],
            Self::Sha1RsaPkcs => &[KeyKind::Rsa],
            Self::Sha224RsaPkcs => &[KeyKind::Rsa],
            Self::Sha256RsaPkcs => &[KeyKind::Rsa],
            Self::Sha384RsaPkcs => &[KeyKind::Rsa],
            Self::Sha512RsaPkcs => &[KeyKind::Rsa],
            Self::Sha3224RsaPkcs => &[KeyKind::Rsa],
            Self::Sha3256RsaPkcs => &[KeyKind::Rsa],
            Self::Sha3384RsaPkcs => &[KeyKind::Rsa],
            Self::Sha3512RsaPkcs => &[KeyKind::Rsa],
            Self::Sha1RsaPkcsPss => &[KeyKind::Rsa],
            Self::Sha224RsaPkcsPss => &[KeyKind::Rsa],
            Self::Sha256RsaPkcsPss => &[KeyKind::Rsa],
            Self::Sha384RsaPkcsPss => &[KeyKind::Rsa],
            Self::Sha512RsaPkcsPss => &[KeyKind::Rsa],
            Self::Sha3224RsaPkcsPss => &[KeyKind::Rsa],
            Self::Sha3256RsaPkcsPss => &[KeyKind::Rsa],
            Self::Sha3384RsaPkcsPss => &[KeyKind::Rsa],
            Self::Sha3512RsaPkcsPss => &[KeyKind::Rsa],
            Self::Ecdsa => &[KeyKind::Ec],
            Self::EcdsaSha1 => &[KeyKind::Ec],
            Self::EcdsaSha224 => &[KeyKind::Ec],
            Self::EcdsaSha256 => &[KeyKind::Ec],
            Self::EcdsaSha384 => &[KeyKind::Ec],
            Self::EcdsaSha512 => &[KeyKind::Ec],
            Self::EcdsaSha3224 => &[KeyKind::Ec],
            Self::EcdsaSha3256 => &[KeyKind::Ec],
            Self::EcdsaSha3384 => &[KeyKind::Ec],
            Self::EcdsaSha3512 => &[KeyKind::Ec],
            Self::Eddsa => &[KeyKind::Ed25519],
            Self::AesEcb => &[KeyKind::Aes],
            Self::AesCbc => &[KeyKind::Aes],
            Self::AesCbcPad => &[KeyKind::Aes],
            Self::AesCtr => &[KeyKind::Aes],
            Self::AesGcm => &[KeyKind::Aes],
            Self::CloudhsmAesGcm => &[KeyKind::Aes],
            Self::AesCmac => &[KeyKind::Aes],
            Self::AesKeyWrap => &[KeyKind::Aes],
            Self::AesKeyWrapKwp => &[KeyKind::Aes],
            Self::CloudhsmAesKeyWrapNoPad => &[KeyKind::Aes],
            Self::CloudhsmAesKeyWrapZeroPad => &[KeyKind::Aes],
            Self::Des3Ecb => &[KeyKind::Des3],
            Self::Des3Cbc => &[KeyKind::Des3],
            Self::Des3CbcPad => &[KeyKind::Des3],
            Self::Sha1Hmac => &[KeyKind::GenericSecret],
            Self::Sha224Hmac => &[KeyKind::GenericSecret],
            Self::Sha256Hmac => &[KeyKind::GenericSecret],
            Self::Sha384Hmac => &[KeyKind::GenericSecret],
            Self::Sha512Hmac => &[KeyKind::GenericSecret],
            Self::Sha3224Hmac => &[KeyKind::GenericSecret],
            Self::Sha3256Hmac => &[KeyKind::GenericSecret],
            Self::Sha3384Hmac => &[KeyKind::GenericSecret],
            Self::Sha3512Hmac => &[KeyKind::GenericSecret],
            Self::Ecdh1Derive => &[KeyKind::Ec],
            Self::HkdfDerive => &[KeyKind::GenericSecret],
            Self::Sp800108CounterKdf => &[KeyKind::GenericSecret, KeyKind::Aes],
            Self::CloudhsmSp800108CounterKdf => &[KeyKind::GenericSecret, KeyKind::Aes],
            Self::Sha1 => &[],
            Self::Sha224 => &[],
            Self::Sha256 => &[],
            Self::Sha384 => &[],
            Self::Sha512 => &[],
            Self::Sha3224 => &[],
            Self::Sha3256 => &[],
            Self::Sha3384 => &[],
            Self::Sha3512 => &[],
        }
    }

    /// The parameters it takes.
    pub const fn parameter_kind(self) -> ParameterKind {
        match self {
            Self::RsaPkcsOaep => ParameterKind::Oaep,
            Self::RsaAesKeyWrap => ParameterKind::RsaAes,
            Self::RsaPkcsPss => ParameterKind::Pss,
            Self::Sha1RsaPkcsPss => ParameterKind::Pss,
            Self::Sha224RsaPkcsPss => ParameterKind::Pss,
            Self::Sha256RsaPkcsPss => ParameterKind::Pss,
            Self::Sha384RsaPkcsPss => ParameterKind::Pss,
            Self::Sha512RsaPkcsPss => ParameterKind::Pss,
            Self::Sha3224RsaPkcsPss => ParameterKind::Pss,
            Self::Sha3256RsaPkcsPss => ParameterKind::Pss,
            Self::Sha3384RsaPkcsPss => ParameterKind::Pss,
            Self::Sha3512RsaPkcsPss => ParameterKind::Pss,
            Self::AesCbc => ParameterKind::Iv,
            Self::AesCbcPad => ParameterKind::Iv,
            Self::AesCtr => ParameterKind::Ctr,
            Self::AesGcm => ParameterKind::Gcm,
            Self::CloudhsmAesGcm => ParameterKind::Gcm,
            Self::AesKeyWrap => ParameterKind::WrapIv,
            Self::AesKeyWrapKwp => ParameterKind::WrapIv,
            Self::CloudhsmAesKeyWrapNoPad => ParameterKind::WrapIv,
            Self::Des3Cbc => ParameterKind::Iv,
            Self::Des3CbcPad => ParameterKind::Iv,
            Self::Ecdh1Derive => ParameterKind::Ecdh,
            Self::HkdfDerive => ParameterKind::Hkdf,
            Self::Sp800108CounterKdf => ParameterKind::CounterKdf,
            Self::CloudhsmSp800108CounterKdf => ParameterKind::CounterKdf,
            _ => ParameterKind::None,
        }
    }

    /// The digest that it runs over the data first.
    pub const fn hash(self) -> Option<Self> {
        match self {
            Self::Sha1RsaPkcs => Some(Self::Sha1),
            Self::Sha224RsaPkcs => Some(Self::Sha224),
            Self::Sha256RsaPkcs => Some(Self::Sha256),
            Self::Sha384RsaPkcs => Some(Self::Sha384),
            Self::Sha512RsaPkcs => Some(Self::Sha512),
            Self::Sha3224RsaPkcs => Some(Self::Sha3224),
            Self::Sha3256RsaPkcs => Some(Self::Sha3256),
            Self::Sha3384RsaPkcs => Some(Self::Sha3384),
            Self::Sha3512RsaPkcs => Some(Self::Sha3512),
            Self::Sha1RsaPkcsPss => Some(Self::Sha1),
            Self::Sha224RsaPkcsPss => Some(Self::Sha224),
            Self::Sha256RsaPkcsPss => Some(Self::Sha256),
            Self::Sha384RsaPkcsPss => Some(Self::Sha384),
            Self::Sha512RsaPkcsPss => Some(Self::Sha512),
            Self::Sha3224RsaPkcsPss => Some(Self::Sha3224),
            Self::Sha3256RsaPkcsPss => Some(Self::Sha3256),
            Self::Sha3384RsaPkcsPss => Some(Self::Sha3384),
            Self::Sha3512RsaPkcsPss => Some(Self::Sha3512),
            Self::EcdsaSha1 => Some(Self::Sha1),
            Self::EcdsaSha224 => Some(Self::Sha224),
            Self::EcdsaSha256 => Some(Self::Sha256),
            Self::EcdsaSha384 => Some(Self::Sha384),
            Self::EcdsaSha512 => Some(Self::Sha512),
            Self::EcdsaSha3224 => Some(Self::Sha3224),
            Self::EcdsaSha3256 => Some(Self::Sha3256),
            Self::EcdsaSha3384 => Some(Self::Sha3384),
            Self::EcdsaSha3512 => Some(Self::Sha3512),
            _ => None,
        }
    }

    /// The mechanism that signs that digest.
    pub const fn raw(self) -> Option<Self> {
        match self {
            Self::Sha1RsaPkcs => Some(Self::RsaPkcs),
            Self::Sha224RsaPkcs => Some(Self::RsaPkcs),
            Self::Sha256RsaPkcs => Some(Self::RsaPkcs),
            Self::Sha384RsaPkcs => Some(Self::RsaPkcs),
            Self::Sha512RsaPkcs => Some(Self::RsaPkcs),
            Self::Sha3224RsaPkcs => Some(Self::RsaPkcs),
            Self::Sha3256RsaPkcs => Some(Self::RsaPkcs),
            Self::Sha3384RsaPkcs => Some(Self::RsaPkcs),
            Self::Sha3512RsaPkcs => Some(Self::RsaPkcs),
            Self::Sha1RsaPkcsPss => Some(Self::RsaPkcsPss),
            Self::Sha224RsaPkcsPss => Some(Self::RsaPkcsPss),
            Self::Sha256RsaPkcsPss => Some(Self::RsaPkcsPss),
            Self::Sha384RsaPkcsPss => Some(Self::RsaPkcsPss),
            Self::Sha512RsaPkcsPss => Some(Self::RsaPkcsPss),
            Self::Sha3224RsaPkcsPss => Some(Self::RsaPkcsPss),
            Self::Sha3256RsaPkcsPss => Some(Self::RsaPkcsPss),
            Self::Sha3384RsaPkcsPss => Some(Self::RsaPkcsPss),
            Self::Sha3512RsaPkcsPss => Some(Self::RsaPkcsPss),
            Self::EcdsaSha1 => Some(Self::Ecdsa),
            Self::EcdsaSha224 => Some(Self::Ecdsa),
            Self::EcdsaSha256 => Some(Self::Ecdsa),
            Self::EcdsaSha384 => Some(Self::Ecdsa),
            Self::EcdsaSha512 => Some(Self::Ecdsa),
            Self::EcdsaSha3224 => Some(Self::Ecdsa),
            Self::EcdsaSha3256 => Some(Self::Ecdsa),
            Self::EcdsaSha3384 => Some(Self::Ecdsa),
            Self::EcdsaSha3512 => Some(Self::Ecdsa),
            _ => None,
        }
    }

    /// Whether it takes no Update calls.
    pub const fn is_single_part(self) -> bool {
        match self {
            Self::RsaPkcs => true,
            Self::RsaX509 => true,
            Self::RsaPkcsOaep => true,
            Self::RsaPkcsPss => true,
            Self::Ecdsa => true,
            Self::Eddsa => true,
            Self::AesGcm => true,
            Self::CloudhsmAesGcm => true,
            _ => false,
        }
    }

    /// `ulMinKeySize` and `ulMaxKeySize` of `CK_MECHANISM_INFO`.
    pub const fn key_sizes(self) -> (u64, u64) {
        match self {
            Self::RsaPkcsKeyPairGen => (2048, 4096),
            Self::RsaX931KeyPairGen => (2048, 4096),
            Self::EcKeyPairGen => (224, 521),
            Self::EcEdwardsKeyPairGen => (256, 256),
            Self::AesKeyGen => (16, 32),
            Self::Des3KeyGen => (24, 24),
            Self::GenericSecretKeyGen => (1, 800),
            Self::RsaPkcs => (2048, 4096),
            Self::RsaX509 => (2048, 4096),
            Self::RsaPkcsOaep => (2048, 4096),
            Self::RsaAesKeyWrap => (2048, 4096),
            Self::RsaPkcsPss => (2048, 4096),
            Self::Sha1RsaPkcs => (2048, 4096),
            Self::Sha224RsaPkcs => (2048, 4096),
            Self::Sha256RsaPkcs => (2048, 4096),
            Self::Sha384RsaPkcs => (2048, 4096),
            Self::Sha512RsaPkcs => (2048, 4096),
            Self::Sha3224RsaPkcs => (2048, 4096),
            Self::Sha3256RsaPkcs => (2048, 4096),
            Self::Sha3384RsaPkcs => (2048, 4096),
            Self::Sha3512RsaPkcs => (2048, 4096),
            Self::Sha1RsaPkcsPss => (2048, 4096),
            Self::Sha224RsaPkcsPss => (2048, 4096),
            Self::Sha256RsaPkcsPss => (2048, 4096),
            Self::Sha384RsaPkcsPss => (2048, 4096),
            Self::Sha512RsaPkcsPss => (2048, 4096),
            Self::Sha3224RsaPkcsPss => (2048, 4096),
            Self::Sha3256RsaPkcsPss => (2048, 4096),
            Self::Sha3384RsaPkcsPss => (2048, 4096),
            Self::Sha3512RsaPkcsPss => (2048, 4096),
            Self::Ecdsa => (224, 521),
            Self::EcdsaSha1 => (224, 521),
            Self::EcdsaSha224 => (224, 521),
            Self::EcdsaSha256 => (224, 521),
            Self::EcdsaSha384 => (224, 521),
            Self::EcdsaSha512 => (224, 521),
            Self::EcdsaSha3224 => (224, 521),
            Self::EcdsaSha3256 => (224, 521),
            Self::EcdsaSha3384 => (224, 521),
            Self::EcdsaSha3512 => (224, 521),
            Self::Eddsa => (256, 256),
            Self::AesEcb => (16, 32),
            Self::AesCbc => (16, 32),
            Self::AesCbcPad => (16, 32),
            Self::AesCtr => (16, 32),
            Self::AesGcm => (16, 32),
            Self::CloudhsmAesGcm => (16, 32),
            Self::AesCmac => (16, 32),
            Self::AesKeyWrap => (16, 32),
            Self::AesKeyWrapKwp => (16, 32),
            Self::CloudhsmAesKeyWrapNoPad => (16, 32),
            Self::CloudhsmAesKeyWrapZeroPad => (16, 32),
            Self::Des3Ecb => (24, 24),
            Self::Des3Cbc => (24, 24),
            Self::Des3CbcPad => (24, 24),
            Self::Sha1Hmac => (1, 800),
            Self::Sha224Hmac => (1, 800),
            Self::Sha256Hmac => (1, 800),
            Self::Sha384Hmac => (1, 800),
            Self::Sha512Hmac => (1, 800),
            Self::Sha3224Hmac => (1, 800),
            Self::Sha3256Hmac => (1, 800),
            Self::Sha3384Hmac => (1, 800),
            Self::Sha3512Hmac => (1, 800),
            Self::Ecdh1Derive => (224, 521),
            Self::HkdfDerive => (1, 800),
            Self::Sp800108CounterKdf => (1, 800),
            Self::CloudhsmSp800108CounterKdf => (1, 800),
            Self::Sha1 => (0, 0),
            Self::Sha224 => (0, 0),
            Self::Sha256 => (0, 0),
            Self::Sha384 => (0, 0),
            Self::Sha512 => (0, 0),
            Self::Sha3224 => (0, 0),
            Self::Sha3256 => (0, 0),
            Self::Sha3384 => (0, 0),
            Self::Sha3512 => (0, 0),
        }
    }

    /// What a cluster of Mode FIPS refuses of it.
    pub const fn fips_refused(self) -> &'static [Function] {
        match self {
            Self::EcEdwardsKeyPairGen => &[Function::GeneratePair],
            Self::Des3KeyGen => &[Function::Generate],
            Self::RsaPkcs => &[Function::Encrypt, Function::Wrap],
            Self::Eddsa => &[Function::Sign],
            _ => &[],
        }
    }

    /// Whether a cluster of Mode FIPS decrypts with it and does not encrypt.
    pub const fn fips_decrypts_only(self) -> bool {
        match self {
            Self::Des3Ecb => true,
            Self::Des3Cbc => true,
            Self::Des3CbcPad => true,
            _ => false,
        }
    }

    /// The PKCS #11 name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RsaPkcsKeyPairGen => "CKM_RSA_PKCS_KEY_PAIR_GEN",
            Self::RsaX931KeyPairGen => "CKM_RSA_X9_31_KEY_PAIR_GEN",
            Self::EcKeyPairGen => "CKM_EC_KEY_PAIR_GEN",
            Self::EcEdwardsKeyPairGen => "CKM_EC_EDWARDS_KEY_PAIR_GEN",
            Self::AesKeyGen => "CKM_AES_KEY_GEN",
            Self::Des3KeyGen => "CKM_DES3_KEY_GEN",
            Self::GenericSecretKeyGen => "CKM_GENERIC_SECRET_KEY_GEN",
            Self::RsaPkcs => "CKM_RSA_PKCS",
            Self::RsaX509 => "CKM_RSA_X_509",
            Self::RsaPkcsOaep => "CKM_RSA_PKCS_OAEP",
            Self::RsaAesKeyWrap => "CKM_RSA_AES_KEY_WRAP",
            Self::RsaPkcsPss => "CKM_RSA_PKCS_PSS",
            Self::Sha1RsaPkcs => "CKM_SHA1_RSA_PKCS",
            Self::Sha224RsaPkcs => "CKM_SHA224_RSA_PKCS",
            Self::Sha256RsaPkcs => "CKM_SHA256_RSA_PKCS",
            Self::Sha384RsaPkcs => "CKM_SHA384_RSA_PKCS",
            Self::Sha512RsaPkcs => "CKM_SHA512_RSA_PKCS",
            Self::Sha3224RsaPkcs => "CKM_SHA3_224_RSA_PKCS",
            Self::Sha3256RsaPkcs => "CKM_SHA3_256_RSA_PKCS",
            Self::Sha3384RsaPkcs => "CKM_SHA3_384_RSA_PKCS",
            Self::Sha3512RsaPkcs => "CKM_SHA3_512_RSA_PKCS",
            Self::Sha1RsaPkcsPss => "CKM_SHA1_RSA_PKCS_PSS",
            Self::Sha224RsaPkcsPss => "CKM_SHA224_RSA_PKCS_PSS",
            Self::Sha256RsaPkcsPss => "CKM_SHA256_RSA_PKCS_PSS",
            Self::Sha384RsaPkcsPss => "CKM_SHA384_RSA_PKCS_PSS",
            Self::Sha512RsaPkcsPss => "CKM_SHA512_RSA_PKCS_PSS",
            Self::Sha3224RsaPkcsPss => "CKM_SHA3_224_RSA_PKCS_PSS",
            Self::Sha3256RsaPkcsPss => "CKM_SHA3_256_RSA_PKCS_PSS",
            Self::Sha3384RsaPkcsPss => "CKM_SHA3_384_RSA_PKCS_PSS",
            Self::Sha3512RsaPkcsPss => "CKM_SHA3_512_RSA_PKCS_PSS",
            Self::Ecdsa => "CKM_ECDSA",
            Self::EcdsaSha1 => "CKM_ECDSA_SHA1",
            Self::EcdsaSha224 => "CKM_ECDSA_SHA224",
            Self::EcdsaSha256 => "CKM_ECDSA_SHA256",
            Self::EcdsaSha384 => "CKM_ECDSA_SHA384",
            Self::EcdsaSha512 => "CKM_ECDSA_SHA512",
            Self::EcdsaSha3224 => "CKM_ECDSA_SHA3_224",
            Self::EcdsaSha3256 => "CKM_ECDSA_SHA3_256",
            Self::EcdsaSha3384 => "CKM_ECDSA_SHA3_384",
            Self::EcdsaSha3512 => "CKM_ECDSA_SHA3_512",
            Self::Eddsa => "CKM_EDDSA",
            Self::AesEcb => "CKM_AES_ECB",
            Self::AesCbc => "CKM_AES_CBC",
            Self::AesCbcPad => "CKM_AES_CBC_PAD",
            Self::AesCtr => "CKM_AES_CTR",
            Self::AesGcm => "CKM_AES_GCM",
            Self::CloudhsmAesGcm => "CKM_CLOUDHSM_AES_GCM",
            Self::AesCmac => "CKM_AES_CMAC",
            Self::AesKeyWrap => "CKM_AES_KEY_WRAP",
            Self::AesKeyWrapKwp => "CKM_AES_KEY_WRAP_KWP",
            Self::CloudhsmAesKeyWrapNoPad => "CKM_CLOUDHSM_AES_KEY_WRAP_NO_PAD",
            Self::CloudhsmAesKeyWrapZeroPad => "CKM_CLOUDHSM_AES_KEY_WRAP_ZERO_PAD",
            Self::Des3Ecb => "CKM_DES3_ECB",
            Self::Des3Cbc => "CKM_DES3_CBC",
            Self::Des3CbcPad => "CKM_DES3_CBC_PAD",
            Self::Sha1Hmac => "CKM_SHA_1_HMAC",
            Self::Sha224Hmac => "CKM_SHA224_HMAC",
            Self::Sha256Hmac => "CKM_SHA256_HMAC",
            Self::Sha384Hmac => "CKM_SHA384_HMAC",
            Self::Sha512Hmac => "CKM_SHA512_HMAC",
            Self::Sha3224Hmac => "CKM_SHA3_224_HMAC",
            Self::Sha3256Hmac => "CKM_SHA3_256_HMAC",
            Self::Sha3384Hmac => "CKM_SHA3_384_HMAC",
            Self::Sha3512Hmac => "CKM_SHA3_512_HMAC",
            Self::Ecdh1Derive => "CKM_ECDH1_DERIVE",
            Self::HkdfDerive => "CKM_HKDF_DERIVE",
            Self::Sp800108CounterKdf => "CKM_SP800_108_COUNTER_KDF",
            Self::CloudhsmSp800108CounterKdf => "CKM_CLOUDHSM_SP800_108_COUNTER_KDF",
            Self::Sha1 => "CKM_SHA_1",
            Self::Sha224 => "CKM_SHA224",
            Self::Sha256 => "CKM_SHA256",
            Self::Sha384 => "CKM_SHA384",
            Self::Sha512 => "CKM_SHA512",
            Self::Sha3224 => "CKM_SHA3_224",
            Self::Sha3256 => "CKM_SHA3_256",
            Self::Sha3384 => "CKM_SHA3_384",
            Self::Sha3512 => "CKM_SHA3_512",
        }
    }
}
