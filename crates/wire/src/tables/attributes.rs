// Generated from tables/attributes.toml by tables/generate.py; edit that file, then run `make tables`.

use crate::tables::Kind;

/// A PKCS #11 attribute type (`CKA_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u64)]
pub enum AttributeType {
    /// Number 0x0000.
    Class = 0x0000,
    /// Number 0x0001.
    Token = 0x0001,
    /// Number 0x0002.
    Private = 0x0002,
    /// Number 0x0003.
    Label = 0x0003,
    /// Number 0x0010.
    Application = 0x0010,
    /// Number 0x0011.
    Value = 0x0011,
    /// Number 0x0012.
    ObjectId = 0x0012,
    /// Number 0x0080.
    CertificateType = 0x0080,
    /// Number 0x0081.
    Issuer = 0x0081,
    /// Number 0x0082.
    SerialNumber = 0x0082,
    /// Number 0x0086.
    Trusted = 0x0086,
    /// Number 0x0087.
    CertificateCategory = 0x0087,
    /// Number 0x0089.
    Url = 0x0089,
    /// Number 0x0090.
    CheckValue = 0x0090,
    /// Number 0x0100.
    KeyType = 0x0100,
    /// Number 0x0101.
    Subject = 0x0101,
    /// Number 0x0102.
    Id = 0x0102,
    /// Number 0x0103.
    Sensitive = 0x0103,
    /// Number 0x0104.
    Encrypt = 0x0104,
    /// Number 0x0105.
    Decrypt = 0x0105,
    /// Number 0x0106.
    Wrap = 0x0106,
    /// Number 0x0107.
    Unwrap = 0x0107,
    /// Number 0x0108.
    Sign = 0x0108,
    /// Number 0x0109.
    SignRecover = 0x0109,
    /// Number 0x010a.
    Verify = 0x010a,
    /// Number 0x010b.
    VerifyRecover = 0x010b,
    /// Number 0x010c.
    Derive = 0x010c,
    /// Number 0x0110.
    StartDate = 0x0110,
    /// Number 0x0111.
    EndDate = 0x0111,
    /// Number 0x0120.
    Modulus = 0x0120,
    /// Number 0x0121.
    ModulusBits = 0x0121,
    /// Number 0x0122.
    PublicExponent = 0x0122,
    /// Number 0x0123.
    PrivateExponent = 0x0123,
    /// Number 0x0124.
    Prime1 = 0x0124,
    /// Number 0x0125.
    Prime2 = 0x0125,
    /// Number 0x0126.
    Exponent1 = 0x0126,
    /// Number 0x0127.
    Exponent2 = 0x0127,
    /// Number 0x0128.
    Coefficient = 0x0128,
    /// Number 0x0129.
    PublicKeyInfo = 0x0129,
    /// Number 0x0161.
    ValueLen = 0x0161,
    /// Number 0x0162.
    Extractable = 0x0162,
    /// Number 0x0163.
    Local = 0x0163,
    /// Number 0x0164.
    NeverExtractable = 0x0164,
    /// Number 0x0165.
    AlwaysSensitive = 0x0165,
    /// Number 0x0166.
    KeyGenMechanism = 0x0166,
    /// Number 0x0170.
    Modifiable = 0x0170,
    /// Number 0x0171.
    Copyable = 0x0171,
    /// Number 0x0172.
    Destroyable = 0x0172,
    /// Number 0x0180.
    EcParams = 0x0180,
    /// Number 0x0181.
    EcPoint = 0x0181,
    /// Number 0x0202.
    AlwaysAuthenticate = 0x0202,
    /// Number 0x0210.
    WrapWithTrusted = 0x0210,
    /// Number 0x061d.
    ParameterSet = 0x061d,
    /// Number 0x062a.
    EncapsulateTemplate = 0x062a,
    /// Number 0x062b.
    DecapsulateTemplate = 0x062b,
    /// Number 0x0633.
    Encapsulate = 0x0633,
    /// Number 0x0634.
    Decapsulate = 0x0634,
    /// Number 0x0637.
    Seed = 0x0637,
    /// Number 0x40000211.
    WrapTemplate = 0x40000211,
    /// Number 0x40000212.
    UnwrapTemplate = 0x40000212,
    /// Number 0x40000213.
    DeriveTemplate = 0x40000213,
    /// Number 0x40000600.
    AllowedMechanisms = 0x40000600,
    /// Number 0x80005301.
    WrappingOnly = 0x80005301,
    /// Number 0x80005302.
    EverCopied = 0x80005302,
}

impl AttributeType {
    /// Every member, in the order of the table.
    pub const ALL: &'static [Self] = &[
        Self::Class,
        Self::Token,
        Self::Private,
        Self::Label,
        Self::Application,
        Self::Value,
        Self::ObjectId,
        Self::CertificateType,
        Self::Issuer,
        Self::SerialNumber,
        Self::Trusted,
        Self::CertificateCategory,
        Self::Url,
        Self::CheckValue,
        Self::KeyType,
        Self::Subject,
        Self::Id,
        Self::Sensitive,
        Self::Encrypt,
        Self::Decrypt,
        Self::Wrap,
        Self::Unwrap,
        Self::Sign,
        Self::SignRecover,
        Self::Verify,
        Self::VerifyRecover,
        Self::Derive,
        Self::StartDate,
        Self::EndDate,
        Self::Modulus,
        Self::ModulusBits,
        Self::PublicExponent,
        Self::PrivateExponent,
        Self::Prime1,
        Self::Prime2,
        Self::Exponent1,
        Self::Exponent2,
        Self::Coefficient,
        Self::PublicKeyInfo,
        Self::ValueLen,
        Self::Extractable,
        Self::Local,
        Self::NeverExtractable,
        Self::AlwaysSensitive,
        Self::KeyGenMechanism,
        Self::Modifiable,
        Self::Copyable,
        Self::Destroyable,
        Self::EcParams,
        Self::EcPoint,
        Self::AlwaysAuthenticate,
        Self::WrapWithTrusted,
        Self::ParameterSet,
        Self::EncapsulateTemplate,
        Self::DecapsulateTemplate,
        Self::Encapsulate,
        Self::Decapsulate,
        Self::Seed,
        Self::WrapTemplate,
        Self::UnwrapTemplate,
        Self::DeriveTemplate,
        Self::AllowedMechanisms,
        Self::WrappingOnly,
        Self::EverCopied,
    ];

    /// The member with this number, if there is one.
    pub const fn from_code(code: u64) -> Option<Self> {
        match code {
            0x0000 => Some(Self::Class),
            0x0001 => Some(Self::Token),
            0x0002 => Some(Self::Private),
            0x0003 => Some(Self::Label),
            0x0010 => Some(Self::Application),
            0x0011 => Some(Self::Value),
            0x0012 => Some(Self::ObjectId),
            0x0080 => Some(Self::CertificateType),
            0x0081 => Some(Self::Issuer),
            0x0082 => Some(Self::SerialNumber),
            0x0086 => Some(Self::Trusted),
            0x0087 => Some(Self::CertificateCategory),
            0x0089 => Some(Self::Url),
            0x0090 => Some(Self::CheckValue),
            0x0100 => Some(Self::KeyType),
            0x0101 => Some(Self::Subject),
            0x0102 => Some(Self::Id),
            0x0103 => Some(Self::Sensitive),
            0x0104 => Some(Self::Encrypt),
            0x0105 => Some(Self::Decrypt),
            0x0106 => Some(Self::Wrap),
            0x0107 => Some(Self::Unwrap),
            0x0108 => Some(Self::Sign),
            0x0109 => Some(Self::SignRecover),
            0x010a => Some(Self::Verify),
            0x010b => Some(Self::VerifyRecover),
            0x010c => Some(Self::Derive),
            0x0110 => Some(Self::StartDate),
            0x0111 => Some(Self::EndDate),
            0x0120 => Some(Self::Modulus),
            0x0121 => Some(Self::ModulusBits),
            0x0122 => Some(Self::PublicExponent),
            0x0123 => Some(Self::PrivateExponent),
            0x0124 => Some(Self::Prime1),
            0x0125 => Some(Self::Prime2),
            0x0126 => Some(Self::Exponent1),
            0x0127 => Some(Self::Exponent2),
            0x0128 => Some(Self::Coefficient),
            0x0129 => Some(Self::PublicKeyInfo),
            0x0161 => Some(Self::ValueLen),
            0x0162 => Some(Self::Extractable),
            0x0163 => Some(Self::Local),
            0x0164 => Some(Self::NeverExtractable),
            0x0165 => Some(Self::AlwaysSensitive),
            0x0166 => Some(Self::KeyGenMechanism),
            0x0170 => Some(Self::Modifiable),
            0x0171 => Some(Self::Copyable),
            0x0172 => Some(Self::Destroyable),
            0x0180 => Some(Self::EcParams),
            0x0181 => Some(Self::EcPoint),
            0x0202 => Some(Self::AlwaysAuthenticate),
            0x0210 => Some(Self::WrapWithTrusted),
            0x061d => Some(Self::ParameterSet),
            0x062a => Some(Self::EncapsulateTemplate),
            0x062b => Some(Self::DecapsulateTemplate),
            0x0633 => Some(Self::Encapsulate),
            0x0634 => Some(Self::Decapsulate),
            0x0637 => Some(Self::Seed),
            0x40000211 => Some(Self::WrapTemplate),
            0x40000212 => Some(Self::UnwrapTemplate),
            0x40000213 => Some(Self::DeriveTemplate),
            0x40000600 => Some(Self::AllowedMechanisms),
            0x80005301 => Some(Self::WrappingOnly),
            0x80005302 => Some(Self::EverCopied),
            _ => None,
        }
    }

    /// The number of this member.
    pub const fn code(self) -> u64 {
        self as u64
    }

    /// What values it takes.
    pub const fn kind(self) -> Kind {
        match self {
            Self::Class => Kind::Ulong,
            Self::Token => Kind::Bool,
            Self::Private => Kind::Bool,
            Self::Label => Kind::Text,
            Self::Application => Kind::Text,
            Self::Value => Kind::Bytes,
            Self::ObjectId => Kind::Bytes,
            Self::CertificateType => Kind::Ulong,
            Self::Issuer => Kind::Bytes,
            Self::SerialNumber => Kind::Bytes,
            Self::Trusted => Kind::Bool,
            Self::CertificateCategory => Kind::Ulong,
            Self::Url => Kind::Text,
            Self::CheckValue => Kind::Bytes,
            Self::KeyType => Kind::Ulong,
            Self::Subject => Kind::Bytes,
            Self::Id => Kind::Bytes,
            Self::Sensitive => Kind::Bool,
            Self::Encrypt => Kind::Bool,
            Self::Decrypt => Kind::Bool,
            Self::Wrap => Kind::Bool,
            Self::Unwrap => Kind::Bool,
            Self::Sign => Kind::Bool,
            Self::SignRecover => Kind::Bool,
            Self::Verify => Kind::Bool,
            Self::VerifyRecover => Kind::Bool,
            Self::Derive => Kind::Bool,
            Self::StartDate => Kind::Date,
            Self::EndDate => Kind::Date,
            Self::Modulus => Kind::Bigint,
            Self::ModulusBits => Kind::Ulong,
            Self::PublicExponent => Kind::Bigint,
            Self::PrivateExponent => Kind::Bigint,
            Self::Prime1 => Kind::Bigint,
            Self::Prime2 => Kind::Bigint,
            Self::Exponent1 => Kind::Bigint,
            Self::Exponent2 => Kind::Bigint,
            Self::Coefficient => Kind::Bigint,
            Self::PublicKeyInfo => Kind::Bytes,
            Self::ValueLen => Kind::Ulong,
            Self::Extractable => Kind::Bool,
            Self::Local => Kind::Bool,
            Self::NeverExtractable => Kind::Bool,
            Self::AlwaysSensitive => Kind::Bool,
            Self::KeyGenMechanism => Kind::Ulong,
            Self::Modifiable => Kind::Bool,
            Self::Copyable => Kind::Bool,
            Self::Destroyable => Kind::Bool,
            Self::EcParams => Kind::Bytes,
            Self::EcPoint => Kind::Bytes,
            Self::AlwaysAuthenticate => Kind::Bool,
            Self::WrapWithTrusted => Kind::Bool,
            Self::ParameterSet => Kind::Ulong,
            Self::EncapsulateTemplate => Kind::Template,
            Self::DecapsulateTemplate => Kind::Template,
            Self::Encapsulate => Kind::Bool,
            Self::Decapsulate => Kind::Bool,
            Self::Seed => Kind::Bytes,
            Self::WrapTemplate => Kind::Template,
            Self::UnwrapTemplate => Kind::Template,
            Self::DeriveTemplate => Kind::Template,
            Self::AllowedMechanisms => Kind::Mechanisms,
            Self::WrappingOnly => Kind::Bool,
            Self::EverCopied => Kind::Bool,
        }
    }

    /// Key material: never readable and never in a record in clear.
    pub const fn is_secret(self) -> bool {
        match self {
            Self::Value => true,
            Self::PrivateExponent => true,
            Self::Prime1 => true,
            Self::Prime2 => true,
            Self::Exponent1 => true,
            Self::Exponent2 => true,
            Self::Coefficient => true,
            Self::Seed => true,
            _ => false,
        }
    }

    /// The PKCS #11 name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Class => "CKA_CLASS",
            Self::Token => "CKA_TOKEN",
            Self::Private => "CKA_PRIVATE",
            Self::Label => "CKA_LABEL",
            Self::Application => "CKA_APPLICATION",
            Self::Value => "CKA_VALUE",
            Self::ObjectId => "CKA_OBJECT_ID",
            Self::CertificateType => "CKA_CERTIFICATE_TYPE",
            Self::Issuer => "CKA_ISSUER",
            Self::SerialNumber => "CKA_SERIAL_NUMBER",
            Self::Trusted => "CKA_TRUSTED",
            Self::CertificateCategory => "CKA_CERTIFICATE_CATEGORY",
            Self::Url => "CKA_URL",
            Self::CheckValue => "CKA_CHECK_VALUE",
            Self::KeyType => "CKA_KEY_TYPE",
            Self::Subject => "CKA_SUBJECT",
            Self::Id => "CKA_ID",
            Self::Sensitive => "CKA_SENSITIVE",
            Self::Encrypt => "CKA_ENCRYPT",
            Self::Decrypt => "CKA_DECRYPT",
            Self::Wrap => "CKA_WRAP",
            Self::Unwrap => "CKA_UNWRAP",
            Self::Sign => "CKA_SIGN",
            Self::SignRecover => "CKA_SIGN_RECOVER",
            Self::Verify => "CKA_VERIFY",
            Self::VerifyRecover => "CKA_VERIFY_RECOVER",
            Self::Derive => "CKA_DERIVE",
            Self::StartDate => "CKA_START_DATE",
            Self::EndDate => "CKA_END_DATE",
            Self::Modulus => "CKA_MODULUS",
            Self::ModulusBits => "CKA_MODULUS_BITS",
            Self::PublicExponent => "CKA_PUBLIC_EXPONENT",
            Self::PrivateExponent => "CKA_PRIVATE_EXPONENT",
            Self::Prime1 => "CKA_PRIME_1",
            Self::Prime2 => "CKA_PRIME_2",
            Self::Exponent1 => "CKA_EXPONENT_1",
            Self::Exponent2 => "CKA_EXPONENT_2",
            Self::Coefficient => "CKA_COEFFICIENT",
            Self::PublicKeyInfo => "CKA_PUBLIC_KEY_INFO",
            Self::ValueLen => "CKA_VALUE_LEN",
            Self::Extractable => "CKA_EXTRACTABLE",
            Self::Local => "CKA_LOCAL",
            Self::NeverExtractable => "CKA_NEVER_EXTRACTABLE",
            Self::AlwaysSensitive => "CKA_ALWAYS_SENSITIVE",
            Self::KeyGenMechanism => "CKA_KEY_GEN_MECHANISM",
            Self::Modifiable => "CKA_MODIFIABLE",
            Self::Copyable => "CKA_COPYABLE",
            Self::Destroyable => "CKA_DESTROYABLE",
            Self::EcParams => "CKA_EC_PARAMS",
            Self::EcPoint => "CKA_EC_POINT",
            Self::AlwaysAuthenticate => "CKA_ALWAYS_AUTHENTICATE",
            Self::WrapWithTrusted => "CKA_WRAP_WITH_TRUSTED",
            Self::ParameterSet => "CKA_PARAMETER_SET",
            Self::EncapsulateTemplate => "CKA_ENCAPSULATE_TEMPLATE",
            Self::DecapsulateTemplate => "CKA_DECAPSULATE_TEMPLATE",
            Self::Encapsulate => "CKA_ENCAPSULATE",
            Self::Decapsulate => "CKA_DECAPSULATE",
            Self::Seed => "CKA_SEED",
            Self::WrapTemplate => "CKA_WRAP_TEMPLATE",
            Self::UnwrapTemplate => "CKA_UNWRAP_TEMPLATE",
            Self::DeriveTemplate => "CKA_DERIVE_TEMPLATE",
            Self::AllowedMechanisms => "CKA_ALLOWED_MECHANISMS",
            Self::WrappingOnly => "CKA_WRAPPING_ONLY",
            Self::EverCopied => "CKA_EVER_COPIED",
        }
    }

    /// The name in `cloudhsm-cli`.
    pub const fn cli_name(self) -> &'static str {
        match self {
            Self::Class => "class",
            Self::Token => "token",
            Self::Private => "private",
            Self::Label => "label",
            Self::Application => "application",
            Self::Value => "value",
            Self::ObjectId => "object-id",
            Self::CertificateType => "certificate-type",
            Self::Issuer => "issuer",
            Self::SerialNumber => "serial-number",
            Self::Trusted => "trusted",
            Self::CertificateCategory => "certificate-category",
            Self::Url => "url",
            Self::CheckValue => "check-value",
            Self::KeyType => "key-type",
            Self::Subject => "subject",
            Self::Id => "id",
            Self::Sensitive => "sensitive",
            Self::Encrypt => "encrypt",
            Self::Decrypt => "decrypt",
            Self::Wrap => "wrap",
            Self::Unwrap => "unwrap",
            Self::Sign => "sign",
            Self::SignRecover => "sign-recover",
            Self::Verify => "verify",
            Self::VerifyRecover => "verify-recover",
            Self::Derive => "derive",
            Self::StartDate => "start-date",
            Self::EndDate => "end-date",
            Self::Modulus => "modulus",
            Self::ModulusBits => "modulus-size-bits",
            Self::PublicExponent => "public-exponent",
            Self::PrivateExponent => "private-exponent",
            Self::Prime1 => "prime-1",
            Self::Prime2 => "prime-2",
            Self::Exponent1 => "exponent-1",
            Self::Exponent2 => "exponent-2",
            Self::Coefficient => "coefficient",
            Self::PublicKeyInfo => "public-key-info",
            Self::ValueLen => "key-length-bytes",
            Self::Extractable => "extractable",
            Self::Local => "local",
            Self::NeverExtractable => "never-extractable",
            Self::AlwaysSensitive => "always-sensitive",
            Self::KeyGenMechanism => "key-gen-mechanism",
            Self::Modifiable => "modifiable",
            Self::Copyable => "copyable",
            Self::Destroyable => "destroyable",
            Self::EcParams => "curve",
            Self::EcPoint => "ec-point",
            Self::AlwaysAuthenticate => "always-authenticate",
            Self::WrapWithTrusted => "wrap-with-trusted",
            Self::ParameterSet => "parameter-set",
            Self::EncapsulateTemplate => "encapsulate-template",
            Self::DecapsulateTemplate => "decapsulate-template",
            Self::Encapsulate => "encapsulate",
            Self::Decapsulate => "decapsulate",
            Self::Seed => "seed",
            Self::WrapTemplate => "wrap-template",
            Self::UnwrapTemplate => "unwrap-template",
            Self::DeriveTemplate => "derive-template",
            Self::AllowedMechanisms => "allowed-mechanisms",
            Self::WrappingOnly => "wrapping-only",
            Self::EverCopied => "ever-copied",
        }
    }
}
