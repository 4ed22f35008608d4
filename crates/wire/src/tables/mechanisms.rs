// Generated from tables/mechanisms.toml by tables/generate.py; edit that file, then run `make tables`.

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
    /// Number 0x1056.
    EcMontgomeryKeyPairGen = 0x1056,
    /// Number 0x001c.
    MlDsaKeyPairGen = 0x001c,
    /// Number 0x000f.
    MlKemKeyPairGen = 0x000f,
    /// Number 0x1080.
    AesKeyGen = 0x1080,
    /// Number 0x1072.
    AesXtsKeyGen = 0x1072,
    /// Number 0x0131.
    Des3KeyGen = 0x0131,
    /// Number 0x0350.
    GenericSecretKeyGen = 0x0350,
    /// Number 0x4003.
    Sha1KeyGen = 0x4003,
    /// Number 0x4004.
    Sha224KeyGen = 0x4004,
    /// Number 0x4005.
    Sha256KeyGen = 0x4005,
    /// Number 0x4006.
    Sha384KeyGen = 0x4006,
    /// Number 0x4007.
    Sha512KeyGen = 0x4007,
    /// Number 0x02b8.
    Sha3224KeyGen = 0x02b8,
    /// Number 0x02b3.
    Sha3256KeyGen = 0x02b3,
    /// Number 0x02c3.
    Sha3384KeyGen = 0x02c3,
    /// Number 0x02d3.
    Sha3512KeyGen = 0x02d3,
    /// Number 0x03b0.
    Pkcs5Pbkd2 = 0x03b0,
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
    /// Number 0x80001057.
    CloudhsmEddsa = 0x80001057,
    /// Number 0x001d.
    MlDsa = 0x001d,
    /// Number 0x8000001d.
    CloudhsmExtMuMlDsa = 0x8000001d,
    /// Number 0x001f.
    HashMlDsa = 0x001f,
    /// Number 0x0023.
    HashMlDsaSha224 = 0x0023,
    /// Number 0x0024.
    HashMlDsaSha256 = 0x0024,
    /// Number 0x0025.
    HashMlDsaSha384 = 0x0025,
    /// Number 0x0026.
    HashMlDsaSha512 = 0x0026,
    /// Number 0x0027.
    HashMlDsaSha3224 = 0x0027,
    /// Number 0x0028.
    HashMlDsaSha3256 = 0x0028,
    /// Number 0x0029.
    HashMlDsaSha3384 = 0x0029,
    /// Number 0x002a.
    HashMlDsaSha3512 = 0x002a,
    /// Number 0x002b.
    HashMlDsaShake128 = 0x002b,
    /// Number 0x002c.
    HashMlDsaShake256 = 0x002c,
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
    /// Number 0x1088.
    AesCcm = 0x1088,
    /// Number 0x1071.
    AesXts = 0x1071,
    /// Number 0x108e.
    AesGmac = 0x108e,
    /// Number 0x108a.
    AesCmac = 0x108a,
    /// Number 0x108b.
    AesCmacGeneral = 0x108b,
    /// Number 0x2109.
    AesKeyWrap = 0x2109,
    /// Number 0x210b.
    AesKeyWrapKwp = 0x210b,
    /// Number 0x80002109.
    CloudhsmAesKeyWrapNoPad = 0x80002109,
    /// Number 0x8000210a.
    CloudhsmAesKeyWrapPkcs5Pad = 0x8000210a,
    /// Number 0x8000216f.
    CloudhsmAesKeyWrapZeroPad = 0x8000216f,
    /// Number 0x0132.
    Des3Ecb = 0x0132,
    /// Number 0x0133.
    Des3Cbc = 0x0133,
    /// Number 0x0136.
    Des3CbcPad = 0x0136,
    /// Number 0x0138.
    Des3Cmac = 0x0138,
    /// Number 0x0137.
    Des3CmacGeneral = 0x0137,
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
    /// Number 0x0222.
    Sha1HmacGeneral = 0x0222,
    /// Number 0x0257.
    Sha224HmacGeneral = 0x0257,
    /// Number 0x0252.
    Sha256HmacGeneral = 0x0252,
    /// Number 0x0262.
    Sha384HmacGeneral = 0x0262,
    /// Number 0x0272.
    Sha512HmacGeneral = 0x0272,
    /// Number 0x02b7.
    Sha3224HmacGeneral = 0x02b7,
    /// Number 0x02b2.
    Sha3256HmacGeneral = 0x02b2,
    /// Number 0x02c2.
    Sha3384HmacGeneral = 0x02c2,
    /// Number 0x02d2.
    Sha3512HmacGeneral = 0x02d2,
    /// Number 0x1050.
    Ecdh1Derive = 0x1050,
    /// Number 0x1051.
    Ecdh1CofactorDerive = 0x1051,
    /// Number 0x402a.
    HkdfDerive = 0x402a,
    /// Number 0x03ac.
    Sp800108CounterKdf = 0x03ac,
    /// Number 0x80000001.
    CloudhsmSp800108CounterKdf = 0x80000001,
    /// Number 0x03ad.
    Sp800108FeedbackKdf = 0x03ad,
    /// Number 0x0017.
    MlKem = 0x0017,
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
        Self::EcMontgomeryKeyPairGen,
        Self::MlDsaKeyPairGen,
        Self::MlKemKeyPairGen,
        Self::AesKeyGen,
        Self::AesXtsKeyGen,
        Self::Des3KeyGen,
        Self::GenericSecretKeyGen,
        Self::Sha1KeyGen,
        Self::Sha224KeyGen,
        Self::Sha256KeyGen,
        Self::Sha384KeyGen,
        Self::Sha512KeyGen,
        Self::Sha3224KeyGen,
        Self::Sha3256KeyGen,
        Self::Sha3384KeyGen,
        Self::Sha3512KeyGen,
        Self::Pkcs5Pbkd2,
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
        Self::CloudhsmEddsa,
        Self::MlDsa,
        Self::CloudhsmExtMuMlDsa,
        Self::HashMlDsa,
        Self::HashMlDsaSha224,
        Self::HashMlDsaSha256,
        Self::HashMlDsaSha384,
        Self::HashMlDsaSha512,
        Self::HashMlDsaSha3224,
        Self::HashMlDsaSha3256,
        Self::HashMlDsaSha3384,
        Self::HashMlDsaSha3512,
        Self::HashMlDsaShake128,
        Self::HashMlDsaShake256,
        Self::AesEcb,
        Self::AesCbc,
        Self::AesCbcPad,
        Self::AesCtr,
        Self::AesGcm,
        Self::CloudhsmAesGcm,
        Self::AesCcm,
        Self::AesXts,
        Self::AesGmac,
        Self::AesCmac,
        Self::AesCmacGeneral,
        Self::AesKeyWrap,
        Self::AesKeyWrapKwp,
        Self::CloudhsmAesKeyWrapNoPad,
        Self::CloudhsmAesKeyWrapPkcs5Pad,
        Self::CloudhsmAesKeyWrapZeroPad,
        Self::Des3Ecb,
        Self::Des3Cbc,
        Self::Des3CbcPad,
        Self::Des3Cmac,
        Self::Des3CmacGeneral,
        Self::Sha1Hmac,
        Self::Sha224Hmac,
        Self::Sha256Hmac,
        Self::Sha384Hmac,
        Self::Sha512Hmac,
        Self::Sha3224Hmac,
        Self::Sha3256Hmac,
        Self::Sha3384Hmac,
        Self::Sha3512Hmac,
        Self::Sha1HmacGeneral,
        Self::Sha224HmacGeneral,
        Self::Sha256HmacGeneral,
        Self::Sha384HmacGeneral,
        Self::Sha512HmacGeneral,
        Self::Sha3224HmacGeneral,
        Self::Sha3256HmacGeneral,
        Self::Sha3384HmacGeneral,
        Self::Sha3512HmacGeneral,
        Self::Ecdh1Derive,
        Self::Ecdh1CofactorDerive,
        Self::HkdfDerive,
        Self::Sp800108CounterKdf,
        Self::CloudhsmSp800108CounterKdf,
        Self::Sp800108FeedbackKdf,
        Self::MlKem,
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
            0x1056 => Some(Self::EcMontgomeryKeyPairGen),
            0x001c => Some(Self::MlDsaKeyPairGen),
            0x000f => Some(Self::MlKemKeyPairGen),
            0x1080 => Some(Self::AesKeyGen),
            0x1072 => Some(Self::AesXtsKeyGen),
            0x0131 => Some(Self::Des3KeyGen),
            0x0350 => Some(Self::GenericSecretKeyGen),
            0x4003 => Some(Self::Sha1KeyGen),
            0x4004 => Some(Self::Sha224KeyGen),
            0x4005 => Some(Self::Sha256KeyGen),
            0x4006 => Some(Self::Sha384KeyGen),
            0x4007 => Some(Self::Sha512KeyGen),
            0x02b8 => Some(Self::Sha3224KeyGen),
            0x02b3 => Some(Self::Sha3256KeyGen),
            0x02c3 => Some(Self::Sha3384KeyGen),
            0x02d3 => Some(Self::Sha3512KeyGen),
            0x03b0 => Some(Self::Pkcs5Pbkd2),
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
            0x80001057 => Some(Self::CloudhsmEddsa),
            0x001d => Some(Self::MlDsa),
            0x8000001d => Some(Self::CloudhsmExtMuMlDsa),
            0x001f => Some(Self::HashMlDsa),
            0x0023 => Some(Self::HashMlDsaSha224),
            0x0024 => Some(Self::HashMlDsaSha256),
            0x0025 => Some(Self::HashMlDsaSha384),
            0x0026 => Some(Self::HashMlDsaSha512),
            0x0027 => Some(Self::HashMlDsaSha3224),
            0x0028 => Some(Self::HashMlDsaSha3256),
            0x0029 => Some(Self::HashMlDsaSha3384),
            0x002a => Some(Self::HashMlDsaSha3512),
            0x002b => Some(Self::HashMlDsaShake128),
            0x002c => Some(Self::HashMlDsaShake256),
            0x1081 => Some(Self::AesEcb),
            0x1082 => Some(Self::AesCbc),
            0x1085 => Some(Self::AesCbcPad),
            0x1086 => Some(Self::AesCtr),
            0x1087 => Some(Self::AesGcm),
            0x80001087 => Some(Self::CloudhsmAesGcm),
            0x1088 => Some(Self::AesCcm),
            0x1071 => Some(Self::AesXts),
            0x108e => Some(Self::AesGmac),
            0x108a => Some(Self::AesCmac),
            0x108b => Some(Self::AesCmacGeneral),
            0x2109 => Some(Self::AesKeyWrap),
            0x210b => Some(Self::AesKeyWrapKwp),
            0x80002109 => Some(Self::CloudhsmAesKeyWrapNoPad),
            0x8000210a => Some(Self::CloudhsmAesKeyWrapPkcs5Pad),
            0x8000216f => Some(Self::CloudhsmAesKeyWrapZeroPad),
            0x0132 => Some(Self::Des3Ecb),
            0x0133 => Some(Self::Des3Cbc),
            0x0136 => Some(Self::Des3CbcPad),
            0x0138 => Some(Self::Des3Cmac),
            0x0137 => Some(Self::Des3CmacGeneral),
            0x0221 => Some(Self::Sha1Hmac),
            0x0256 => Some(Self::Sha224Hmac),
            0x0251 => Some(Self::Sha256Hmac),
            0x0261 => Some(Self::Sha384Hmac),
            0x0271 => Some(Self::Sha512Hmac),
            0x02b6 => Some(Self::Sha3224Hmac),
            0x02b1 => Some(Self::Sha3256Hmac),
            0x02c1 => Some(Self::Sha3384Hmac),
            0x02d1 => Some(Self::Sha3512Hmac),
            0x0222 => Some(Self::Sha1HmacGeneral),
            0x0257 => Some(Self::Sha224HmacGeneral),
            0x0252 => Some(Self::Sha256HmacGeneral),
            0x0262 => Some(Self::Sha384HmacGeneral),
            0x0272 => Some(Self::Sha512HmacGeneral),
            0x02b7 => Some(Self::Sha3224HmacGeneral),
            0x02b2 => Some(Self::Sha3256HmacGeneral),
            0x02c2 => Some(Self::Sha3384HmacGeneral),
            0x02d2 => Some(Self::Sha3512HmacGeneral),
            0x1050 => Some(Self::Ecdh1Derive),
            0x1051 => Some(Self::Ecdh1CofactorDerive),
            0x402a => Some(Self::HkdfDerive),
            0x03ac => Some(Self::Sp800108CounterKdf),
            0x80000001 => Some(Self::CloudhsmSp800108CounterKdf),
            0x03ad => Some(Self::Sp800108FeedbackKdf),
            0x0017 => Some(Self::MlKem),
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
            Self::HashMlDsaSha224 => Some(Self::Sha224),
            Self::HashMlDsaSha256 => Some(Self::Sha256),
            Self::HashMlDsaSha384 => Some(Self::Sha384),
            Self::HashMlDsaSha512 => Some(Self::Sha512),
            Self::HashMlDsaSha3224 => Some(Self::Sha3224),
            Self::HashMlDsaSha3256 => Some(Self::Sha3256),
            Self::HashMlDsaSha3384 => Some(Self::Sha3384),
            Self::HashMlDsaSha3512 => Some(Self::Sha3512),
            _ => None,
        }
    }

    /// The mechanism that signs that digest, or that it is another name for.
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
            Self::CloudhsmEddsa => Some(Self::Eddsa),
            Self::MlDsa => Some(Self::CloudhsmExtMuMlDsa),
            Self::HashMlDsa => Some(Self::CloudhsmExtMuMlDsa),
            Self::HashMlDsaSha224 => Some(Self::CloudhsmExtMuMlDsa),
            Self::HashMlDsaSha256 => Some(Self::CloudhsmExtMuMlDsa),
            Self::HashMlDsaSha384 => Some(Self::CloudhsmExtMuMlDsa),
            Self::HashMlDsaSha512 => Some(Self::CloudhsmExtMuMlDsa),
            Self::HashMlDsaSha3224 => Some(Self::CloudhsmExtMuMlDsa),
            Self::HashMlDsaSha3256 => Some(Self::CloudhsmExtMuMlDsa),
            Self::HashMlDsaSha3384 => Some(Self::CloudhsmExtMuMlDsa),
            Self::HashMlDsaSha3512 => Some(Self::CloudhsmExtMuMlDsa),
            Self::HashMlDsaShake128 => Some(Self::CloudhsmExtMuMlDsa),
            Self::HashMlDsaShake256 => Some(Self::CloudhsmExtMuMlDsa),
            _ => None,
        }
    }

    /// The mechanism that it is another number for, or itself.
    pub const fn standard(self) -> Self {
        match self {
            Self::CloudhsmEddsa => Self::Eddsa,
            Self::CloudhsmAesGcm => Self::AesGcm,
            Self::CloudhsmAesKeyWrapNoPad => Self::AesKeyWrap,
            Self::CloudhsmAesKeyWrapZeroPad => Self::AesKeyWrapKwp,
            Self::CloudhsmSp800108CounterKdf => Self::Sp800108CounterKdf,
            _ => self,
        }
    }

    /// The PKCS #11 name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RsaPkcsKeyPairGen => "CKM_RSA_PKCS_KEY_PAIR_GEN",
            Self::RsaX931KeyPairGen => "CKM_RSA_X9_31_KEY_PAIR_GEN",
            Self::EcKeyPairGen => "CKM_EC_KEY_PAIR_GEN",
            Self::EcEdwardsKeyPairGen => "CKM_EC_EDWARDS_KEY_PAIR_GEN",
            Self::EcMontgomeryKeyPairGen => "CKM_EC_MONTGOMERY_KEY_PAIR_GEN",
            Self::MlDsaKeyPairGen => "CKM_ML_DSA_KEY_PAIR_GEN",
            Self::MlKemKeyPairGen => "CKM_ML_KEM_KEY_PAIR_GEN",
            Self::AesKeyGen => "CKM_AES_KEY_GEN",
            Self::AesXtsKeyGen => "CKM_AES_XTS_KEY_GEN",
            Self::Des3KeyGen => "CKM_DES3_KEY_GEN",
            Self::GenericSecretKeyGen => "CKM_GENERIC_SECRET_KEY_GEN",
            Self::Sha1KeyGen => "CKM_SHA_1_KEY_GEN",
            Self::Sha224KeyGen => "CKM_SHA224_KEY_GEN",
            Self::Sha256KeyGen => "CKM_SHA256_KEY_GEN",
            Self::Sha384KeyGen => "CKM_SHA384_KEY_GEN",
            Self::Sha512KeyGen => "CKM_SHA512_KEY_GEN",
            Self::Sha3224KeyGen => "CKM_SHA3_224_KEY_GEN",
            Self::Sha3256KeyGen => "CKM_SHA3_256_KEY_GEN",
            Self::Sha3384KeyGen => "CKM_SHA3_384_KEY_GEN",
            Self::Sha3512KeyGen => "CKM_SHA3_512_KEY_GEN",
            Self::Pkcs5Pbkd2 => "CKM_PKCS5_PBKD2",
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
            Self::CloudhsmEddsa => "CKM_CLOUDHSM_EDDSA",
            Self::MlDsa => "CKM_ML_DSA",
            Self::CloudhsmExtMuMlDsa => "CKM_CLOUDHSM_EXT_MU_ML_DSA",
            Self::HashMlDsa => "CKM_HASH_ML_DSA",
            Self::HashMlDsaSha224 => "CKM_HASH_ML_DSA_SHA224",
            Self::HashMlDsaSha256 => "CKM_HASH_ML_DSA_SHA256",
            Self::HashMlDsaSha384 => "CKM_HASH_ML_DSA_SHA384",
            Self::HashMlDsaSha512 => "CKM_HASH_ML_DSA_SHA512",
            Self::HashMlDsaSha3224 => "CKM_HASH_ML_DSA_SHA3_224",
            Self::HashMlDsaSha3256 => "CKM_HASH_ML_DSA_SHA3_256",
            Self::HashMlDsaSha3384 => "CKM_HASH_ML_DSA_SHA3_384",
            Self::HashMlDsaSha3512 => "CKM_HASH_ML_DSA_SHA3_512",
            Self::HashMlDsaShake128 => "CKM_HASH_ML_DSA_SHAKE128",
            Self::HashMlDsaShake256 => "CKM_HASH_ML_DSA_SHAKE256",
            Self::AesEcb => "CKM_AES_ECB",
            Self::AesCbc => "CKM_AES_CBC",
            Self::AesCbcPad => "CKM_AES_CBC_PAD",
            Self::AesCtr => "CKM_AES_CTR",
            Self::AesGcm => "CKM_AES_GCM",
            Self::CloudhsmAesGcm => "CKM_CLOUDHSM_AES_GCM",
            Self::AesCcm => "CKM_AES_CCM",
            Self::AesXts => "CKM_AES_XTS",
            Self::AesGmac => "CKM_AES_GMAC",
            Self::AesCmac => "CKM_AES_CMAC",
            Self::AesCmacGeneral => "CKM_AES_CMAC_GENERAL",
            Self::AesKeyWrap => "CKM_AES_KEY_WRAP",
            Self::AesKeyWrapKwp => "CKM_AES_KEY_WRAP_KWP",
            Self::CloudhsmAesKeyWrapNoPad => "CKM_CLOUDHSM_AES_KEY_WRAP_NO_PAD",
            Self::CloudhsmAesKeyWrapPkcs5Pad => "CKM_CLOUDHSM_AES_KEY_WRAP_PKCS5_PAD",
            Self::CloudhsmAesKeyWrapZeroPad => "CKM_CLOUDHSM_AES_KEY_WRAP_ZERO_PAD",
            Self::Des3Ecb => "CKM_DES3_ECB",
            Self::Des3Cbc => "CKM_DES3_CBC",
            Self::Des3CbcPad => "CKM_DES3_CBC_PAD",
            Self::Des3Cmac => "CKM_DES3_CMAC",
            Self::Des3CmacGeneral => "CKM_DES3_CMAC_GENERAL",
            Self::Sha1Hmac => "CKM_SHA_1_HMAC",
            Self::Sha224Hmac => "CKM_SHA224_HMAC",
            Self::Sha256Hmac => "CKM_SHA256_HMAC",
            Self::Sha384Hmac => "CKM_SHA384_HMAC",
            Self::Sha512Hmac => "CKM_SHA512_HMAC",
            Self::Sha3224Hmac => "CKM_SHA3_224_HMAC",
            Self::Sha3256Hmac => "CKM_SHA3_256_HMAC",
            Self::Sha3384Hmac => "CKM_SHA3_384_HMAC",
            Self::Sha3512Hmac => "CKM_SHA3_512_HMAC",
            Self::Sha1HmacGeneral => "CKM_SHA_1_HMAC_GENERAL",
            Self::Sha224HmacGeneral => "CKM_SHA224_HMAC_GENERAL",
            Self::Sha256HmacGeneral => "CKM_SHA256_HMAC_GENERAL",
            Self::Sha384HmacGeneral => "CKM_SHA384_HMAC_GENERAL",
            Self::Sha512HmacGeneral => "CKM_SHA512_HMAC_GENERAL",
            Self::Sha3224HmacGeneral => "CKM_SHA3_224_HMAC_GENERAL",
            Self::Sha3256HmacGeneral => "CKM_SHA3_256_HMAC_GENERAL",
            Self::Sha3384HmacGeneral => "CKM_SHA3_384_HMAC_GENERAL",
            Self::Sha3512HmacGeneral => "CKM_SHA3_512_HMAC_GENERAL",
            Self::Ecdh1Derive => "CKM_ECDH1_DERIVE",
            Self::Ecdh1CofactorDerive => "CKM_ECDH1_COFACTOR_DERIVE",
            Self::HkdfDerive => "CKM_HKDF_DERIVE",
            Self::Sp800108CounterKdf => "CKM_SP800_108_COUNTER_KDF",
            Self::CloudhsmSp800108CounterKdf => "CKM_CLOUDHSM_SP800_108_COUNTER_KDF",
            Self::Sp800108FeedbackKdf => "CKM_SP800_108_FEEDBACK_KDF",
            Self::MlKem => "CKM_ML_KEM",
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
