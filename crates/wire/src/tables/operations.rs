// Generated from tables/operations.toml by tables/generate.py; edit that file, then run `make tables`.

use crate::tables::{Lane, RetryClass, Role};

/// An operation of the data plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u16)]
pub enum Operation {
    /// Number 0x0001.
    Hello = 0x0001,
    /// Number 0x0002.
    Ping = 0x0002,
    /// Number 0x0003.
    Attach = 0x0003,
    /// Number 0x0004.
    RenewTicket = 0x0004,
    /// Number 0x0005.
    Members = 0x0005,
    /// Number 0x0010.
    Sign = 0x0010,
    /// Number 0x0011.
    Verify = 0x0011,
    /// Number 0x0012.
    Encrypt = 0x0012,
    /// Number 0x0013.
    Decrypt = 0x0013,
    /// Number 0x0014.
    Random = 0x0014,
    /// Number 0x0015.
    Find = 0x0015,
    /// Number 0x0016.
    Attributes = 0x0016,
    /// Number 0x0017.
    Digest = 0x0017,
    /// Number 0x0018.
    SignRecover = 0x0018,
    /// Number 0x0019.
    VerifyRecover = 0x0019,
    /// Number 0x0100.
    Login = 0x0100,
    /// Number 0x0101.
    Logout = 0x0101,
    /// Number 0x0102.
    Activate = 0x0102,
    /// Number 0x0103.
    UserCreate = 0x0103,
    /// Number 0x0104.
    UserDelete = 0x0104,
    /// Number 0x0105.
    UserList = 0x0105,
    /// Number 0x0106.
    ChangePassword = 0x0106,
    /// Number 0x0107.
    HsmInfo = 0x0107,
    /// Number 0x0108.
    LoginToken = 0x0108,
    /// Number 0x0109.
    LoginWithToken = 0x0109,
    /// Number 0x010a.
    MfaToken = 0x010a,
    /// Number 0x010b.
    ChangeMfa = 0x010b,
    /// Number 0x0110.
    QuorumToken = 0x0110,
    /// Number 0x0111.
    QuorumTokens = 0x0111,
    /// Number 0x0112.
    DeleteQuorumTokens = 0x0112,
    /// Number 0x0113.
    QuorumValues = 0x0113,
    /// Number 0x0114.
    SetQuorumValue = 0x0114,
    /// Number 0x0115.
    RegisterQuorum = 0x0115,
    /// Number 0x0116.
    QuorumTimeouts = 0x0116,
    /// Number 0x0117.
    SetQuorumTimeout = 0x0117,
    /// Number 0x0120.
    MtlsList = 0x0120,
    /// Number 0x0121.
    MtlsRegister = 0x0121,
    /// Number 0x0122.
    MtlsDeregister = 0x0122,
    /// Number 0x0123.
    MtlsSetEnforcement = 0x0123,
    /// Number 0x0200.
    GenerateKey = 0x0200,
    /// Number 0x0201.
    GenerateKeyPair = 0x0201,
    /// Number 0x0202.
    CreateObject = 0x0202,
    /// Number 0x0203.
    DestroyObject = 0x0203,
    /// Number 0x0204.
    SetAttributes = 0x0204,
    /// Number 0x0205.
    WrapKey = 0x0205,
    /// Number 0x0206.
    UnwrapKey = 0x0206,
    /// Number 0x0207.
    DeriveKey = 0x0207,
    /// Number 0x0210.
    EncapsulateKey = 0x0210,
    /// Number 0x0211.
    DecapsulateKey = 0x0211,
    /// Number 0x0208.
    ShareKey = 0x0208,
    /// Number 0x0209.
    UnshareKey = 0x0209,
    /// Number 0x0220.
    SignWithApproval = 0x0220,
    /// Number 0x0221.
    WrapWithApproval = 0x0221,
    /// Number 0x0212.
    CopyObject = 0x0212,
    /// Number 0x0230.
    StreamOpen = 0x0230,
    /// Number 0x0231.
    StreamUpdate = 0x0231,
    /// Number 0x0232.
    StreamFinish = 0x0232,
    /// Number 0x0233.
    StreamRepeat = 0x0233,
    /// Number 0x0234.
    StreamClose = 0x0234,
}

impl Operation {
    /// Every member, in the order of the table.
    pub const ALL: &'static [Self] = &[
        Self::Hello,
        Self::Ping,
        Self::Attach,
        Self::RenewTicket,
        Self::Members,
        Self::Sign,
        Self::Verify,
        Self::Encrypt,
        Self::Decrypt,
        Self::Random,
        Self::Find,
        Self::Attributes,
        Self::Digest,
        Self::SignRecover,
        Self::VerifyRecover,
        Self::Login,
        Self::Logout,
        Self::Activate,
        Self::UserCreate,
        Self::UserDelete,
        Self::UserList,
        Self::ChangePassword,
        Self::HsmInfo,
        Self::LoginToken,
        Self::LoginWithToken,
        Self::MfaToken,
        Self::ChangeMfa,
        Self::QuorumToken,
        Self::QuorumTokens,
        Self::DeleteQuorumTokens,
        Self::QuorumValues,
        Self::SetQuorumValue,
        Self::RegisterQuorum,
        Self::QuorumTimeouts,
        Self::SetQuorumTimeout,
        Self::MtlsList,
        Self::MtlsRegister,
        Self::MtlsDeregister,
        Self::MtlsSetEnforcement,
        Self::GenerateKey,
        Self::GenerateKeyPair,
        Self::CreateObject,
        Self::DestroyObject,
        Self::SetAttributes,
        Self::WrapKey,
        Self::UnwrapKey,
        Self::DeriveKey,
        Self::EncapsulateKey,
        Self::DecapsulateKey,
        Self::ShareKey,
        Self::UnshareKey,
        Self::SignWithApproval,
        Self::WrapWithApproval,
        Self::CopyObject,
        Self::StreamOpen,
        Self::StreamUpdate,
        Self::StreamFinish,
        Self::StreamRepeat,
        Self::StreamClose,
    ];

    /// The member with this number, if there is one.
    pub const fn from_code(code: u16) -> Option<Self> {
        match code {
            0x0001 => Some(Self::Hello),
            0x0002 => Some(Self::Ping),
            0x0003 => Some(Self::Attach),
            0x0004 => Some(Self::RenewTicket),
            0x0005 => Some(Self::Members),
            0x0010 => Some(Self::Sign),
            0x0011 => Some(Self::Verify),
            0x0012 => Some(Self::Encrypt),
            0x0013 => Some(Self::Decrypt),
            0x0014 => Some(Self::Random),
            0x0015 => Some(Self::Find),
            0x0016 => Some(Self::Attributes),
            0x0017 => Some(Self::Digest),
            0x0018 => Some(Self::SignRecover),
            0x0019 => Some(Self::VerifyRecover),
            0x0100 => Some(Self::Login),
            0x0101 => Some(Self::Logout),
            0x0102 => Some(Self::Activate),
            0x0103 => Some(Self::UserCreate),
            0x0104 => Some(Self::UserDelete),
            0x0105 => Some(Self::UserList),
            0x0106 => Some(Self::ChangePassword),
            0x0107 => Some(Self::HsmInfo),
            0x0108 => Some(Self::LoginToken),
            0x0109 => Some(Self::LoginWithToken),
            0x010a => Some(Self::MfaToken),
            0x010b => Some(Self::ChangeMfa),
            0x0110 => Some(Self::QuorumToken),
            0x0111 => Some(Self::QuorumTokens),
            0x0112 => Some(Self::DeleteQuorumTokens),
            0x0113 => Some(Self::QuorumValues),
            0x0114 => Some(Self::SetQuorumValue),
            0x0115 => Some(Self::RegisterQuorum),
            0x0116 => Some(Self::QuorumTimeouts),
            0x0117 => Some(Self::SetQuorumTimeout),
            0x0120 => Some(Self::MtlsList),
            0x0121 => Some(Self::MtlsRegister),
            0x0122 => Some(Self::MtlsDeregister),
            0x0123 => Some(Self::MtlsSetEnforcement),
            0x0200 => Some(Self::GenerateKey),
            0x0201 => Some(Self::GenerateKeyPair),
            0x0202 => Some(Self::CreateObject),
            0x0203 => Some(Self::DestroyObject),
            0x0204 => Some(Self::SetAttributes),
            0x0205 => Some(Self::WrapKey),
            0x0206 => Some(Self::UnwrapKey),
            0x0207 => Some(Self::DeriveKey),
            0x0210 => Some(Self::EncapsulateKey),
            0x0211 => Some(Self::DecapsulateKey),
            0x0208 => Some(Self::ShareKey),
            0x0209 => Some(Self::UnshareKey),
            0x0220 => Some(Self::SignWithApproval),
            0x0221 => Some(Self::WrapWithApproval),
            0x0212 => Some(Self::CopyObject),
            0x0230 => Some(Self::StreamOpen),
            0x0231 => Some(Self::StreamUpdate),
            0x0232 => Some(Self::StreamFinish),
            0x0233 => Some(Self::StreamRepeat),
            0x0234 => Some(Self::StreamClose),
            _ => None,
        }
    }

    /// The number of this member.
    pub const fn code(self) -> u16 {
        self as u16
    }

    /// The brain's lane for it; none for a hot operation.
    pub const fn lane(self) -> Option<Lane> {
        match self {
            Self::Login => Some(Lane::Login),
            Self::Logout => Some(Lane::General),
            Self::Activate => Some(Lane::Login),
            Self::UserCreate => Some(Lane::Login),
            Self::UserDelete => Some(Lane::General),
            Self::UserList => Some(Lane::General),
            Self::ChangePassword => Some(Lane::Login),
            Self::HsmInfo => Some(Lane::General),
            Self::LoginToken => Some(Lane::General),
            Self::LoginWithToken => Some(Lane::Login),
            Self::MfaToken => Some(Lane::General),
            Self::ChangeMfa => Some(Lane::Login),
            Self::QuorumToken => Some(Lane::General),
            Self::QuorumTokens => Some(Lane::General),
            Self::DeleteQuorumTokens => Some(Lane::General),
            Self::QuorumValues => Some(Lane::General),
            Self::SetQuorumValue => Some(Lane::General),
            Self::RegisterQuorum => Some(Lane::General),
            Self::QuorumTimeouts => Some(Lane::General),
            Self::SetQuorumTimeout => Some(Lane::General),
            Self::MtlsList => Some(Lane::General),
            Self::MtlsRegister => Some(Lane::General),
            Self::MtlsDeregister => Some(Lane::General),
            Self::MtlsSetEnforcement => Some(Lane::General),
            Self::GenerateKey => Some(Lane::General),
            Self::GenerateKeyPair => Some(Lane::Slow),
            Self::CreateObject => Some(Lane::General),
            Self::DestroyObject => Some(Lane::General),
            Self::SetAttributes => Some(Lane::General),
            Self::WrapKey => Some(Lane::Slow),
            Self::UnwrapKey => Some(Lane::Slow),
            Self::DeriveKey => Some(Lane::General),
            Self::EncapsulateKey => Some(Lane::General),
            Self::DecapsulateKey => Some(Lane::General),
            Self::ShareKey => Some(Lane::General),
            Self::UnshareKey => Some(Lane::General),
            Self::SignWithApproval => Some(Lane::Slow),
            Self::WrapWithApproval => Some(Lane::Slow),
            Self::CopyObject => Some(Lane::General),
            _ => None,
        }
    }

    /// Whether and how a client may repeat it.
    pub const fn retry_class(self) -> RetryClass {
        match self {
            Self::Hello => RetryClass::Pure,
            Self::Ping => RetryClass::Pure,
            Self::Attach => RetryClass::Pure,
            Self::RenewTicket => RetryClass::Pure,
            Self::Members => RetryClass::Pure,
            Self::Sign => RetryClass::Pure,
            Self::Verify => RetryClass::Pure,
            Self::Encrypt => RetryClass::Pure,
            Self::Decrypt => RetryClass::Pure,
            Self::Random => RetryClass::Pure,
            Self::Find => RetryClass::Pure,
            Self::Attributes => RetryClass::Pure,
            Self::Digest => RetryClass::Pure,
            Self::SignRecover => RetryClass::Pure,
            Self::VerifyRecover => RetryClass::Pure,
            Self::Login => RetryClass::Pure,
            Self::Logout => RetryClass::Change,
            Self::Activate => RetryClass::Change,
            Self::UserCreate => RetryClass::Create,
            Self::UserDelete => RetryClass::Change,
            Self::UserList => RetryClass::Pure,
            Self::ChangePassword => RetryClass::Change,
            Self::HsmInfo => RetryClass::Pure,
            Self::LoginToken => RetryClass::Pure,
            Self::LoginWithToken => RetryClass::Never,
            Self::MfaToken => RetryClass::Pure,
            Self::ChangeMfa => RetryClass::Change,
            Self::QuorumToken => RetryClass::Create,
            Self::QuorumTokens => RetryClass::Pure,
            Self::DeleteQuorumTokens => RetryClass::Change,
            Self::QuorumValues => RetryClass::Pure,
            Self::SetQuorumValue => RetryClass::Change,
            Self::RegisterQuorum => RetryClass::Change,
            Self::QuorumTimeouts => RetryClass::Pure,
            Self::SetQuorumTimeout => RetryClass::Change,
            Self::MtlsList => RetryClass::Pure,
            Self::MtlsRegister => RetryClass::Change,
            Self::MtlsDeregister => RetryClass::Change,
            Self::MtlsSetEnforcement => RetryClass::Change,
            Self::GenerateKey => RetryClass::Create,
            Self::GenerateKeyPair => RetryClass::Create,
            Self::CreateObject => RetryClass::Create,
            Self::DestroyObject => RetryClass::Change,
            Self::SetAttributes => RetryClass::Change,
            Self::WrapKey => RetryClass::Pure,
            Self::UnwrapKey => RetryClass::Create,
            Self::DeriveKey => RetryClass::Create,
            Self::EncapsulateKey => RetryClass::Create,
            Self::DecapsulateKey => RetryClass::Create,
            Self::ShareKey => RetryClass::Change,
            Self::UnshareKey => RetryClass::Change,
            Self::SignWithApproval => RetryClass::Change,
            Self::WrapWithApproval => RetryClass::Change,
            Self::CopyObject => RetryClass::Create,
            Self::StreamOpen => RetryClass::Pure,
            Self::StreamUpdate => RetryClass::Never,
            Self::StreamFinish => RetryClass::Never,
            Self::StreamRepeat => RetryClass::Never,
            Self::StreamClose => RetryClass::Never,
        }
    }

    /// The roles that may call it; `Role::None` where no login is needed.
    pub const fn roles(self) -> &'static [Role] {
        match self {
            Self::Hello => &[Role::None],
            Self::Ping => &[Role::None],
            Self::Attach => &[Role::None],
            Self::RenewTicket => &[Role::CryptoUser, Role::Admin, Role::UnactivatedAdmin],
            Self::Members => &[Role::None],
            Self::Sign => &[Role::CryptoUser],
            Self::Verify => &[Role::CryptoUser],
            Self::Encrypt => &[Role::CryptoUser],
            Self::Decrypt => &[Role::CryptoUser],
            Self::Random => &[Role::None],
            Self::Find => &[Role::CryptoUser, Role::Admin],
            Self::Attributes => &[Role::CryptoUser, Role::Admin],
            Self::Digest => &[Role::CryptoUser],
            Self::SignRecover => &[Role::CryptoUser],
            Self::VerifyRecover => &[Role::CryptoUser],
            Self::Login => &[Role::None],
            Self::Logout => &[Role::CryptoUser, Role::Admin, Role::UnactivatedAdmin],
            Self::Activate => &[Role::None],
            Self::UserCreate => &[Role::Admin],
            Self::UserDelete => &[Role::Admin],
            Self::UserList => &[Role::None],
            Self::ChangePassword => &[Role::CryptoUser, Role::Admin],
            Self::HsmInfo => &[Role::None],
            Self::LoginToken => &[Role::None],
            Self::LoginWithToken => &[Role::None],
            Self::MfaToken => &[Role::CryptoUser, Role::Admin],
            Self::ChangeMfa => &[Role::CryptoUser, Role::Admin],
            Self::QuorumToken => &[Role::CryptoUser, Role::Admin],
            Self::QuorumTokens => &[Role::CryptoUser, Role::Admin],
            Self::DeleteQuorumTokens => &[Role::Admin],
            Self::QuorumValues => &[Role::None],
            Self::SetQuorumValue => &[Role::Admin],
            Self::RegisterQuorum => &[Role::CryptoUser, Role::Admin],
            Self::QuorumTimeouts => &[Role::None],
            Self::SetQuorumTimeout => &[Role::Admin],
            Self::MtlsList => &[Role::None],
            Self::MtlsRegister => &[Role::Admin],
            Self::MtlsDeregister => &[Role::Admin],
            Self::MtlsSetEnforcement => &[Role::Admin],
            Self::GenerateKey => &[Role::CryptoUser],
            Self::GenerateKeyPair => &[Role::CryptoUser],
            Self::CreateObject => &[Role::CryptoUser],
            Self::DestroyObject => &[Role::CryptoUser],
            Self::SetAttributes => &[Role::CryptoUser, Role::Admin],
            Self::WrapKey => &[Role::CryptoUser],
            Self::UnwrapKey => &[Role::CryptoUser],
            Self::DeriveKey => &[Role::CryptoUser],
            Self::EncapsulateKey => &[Role::CryptoUser],
            Self::DecapsulateKey => &[Role::CryptoUser],
            Self::ShareKey => &[Role::CryptoUser],
            Self::UnshareKey => &[Role::CryptoUser],
            Self::SignWithApproval => &[Role::CryptoUser],
            Self::WrapWithApproval => &[Role::CryptoUser],
            Self::CopyObject => &[Role::CryptoUser],
            Self::StreamOpen => &[Role::CryptoUser],
            Self::StreamUpdate => &[Role::CryptoUser],
            Self::StreamFinish => &[Role::CryptoUser],
            Self::StreamRepeat => &[Role::CryptoUser],
            Self::StreamClose => &[Role::CryptoUser],
        }
    }

    /// Its name in messages to people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hello => "hello",
            Self::Ping => "ping",
            Self::Attach => "attach",
            Self::RenewTicket => "renew_ticket",
            Self::Members => "members",
            Self::Sign => "sign",
            Self::Verify => "verify",
            Self::Encrypt => "encrypt",
            Self::Decrypt => "decrypt",
            Self::Random => "random",
            Self::Find => "find",
            Self::Attributes => "attributes",
            Self::Digest => "digest",
            Self::SignRecover => "sign_recover",
            Self::VerifyRecover => "verify_recover",
            Self::Login => "login",
            Self::Logout => "logout",
            Self::Activate => "activate",
            Self::UserCreate => "user_create",
            Self::UserDelete => "user_delete",
            Self::UserList => "user_list",
            Self::ChangePassword => "change_password",
            Self::HsmInfo => "hsm_info",
            Self::LoginToken => "login_token",
            Self::LoginWithToken => "login_with_token",
            Self::MfaToken => "mfa_token",
            Self::ChangeMfa => "change_mfa",
            Self::QuorumToken => "quorum_token",
            Self::QuorumTokens => "quorum_tokens",
            Self::DeleteQuorumTokens => "delete_quorum_tokens",
            Self::QuorumValues => "quorum_values",
            Self::SetQuorumValue => "set_quorum_value",
            Self::RegisterQuorum => "register_quorum",
            Self::QuorumTimeouts => "quorum_timeouts",
            Self::SetQuorumTimeout => "set_quorum_timeout",
            Self::MtlsList => "mtls_list",
            Self::MtlsRegister => "mtls_register",
            Self::MtlsDeregister => "mtls_deregister",
            Self::MtlsSetEnforcement => "mtls_set_enforcement",
            Self::GenerateKey => "generate_key",
            Self::GenerateKeyPair => "generate_key_pair",
            Self::CreateObject => "create_object",
            Self::DestroyObject => "destroy_object",
            Self::SetAttributes => "set_attributes",
            Self::WrapKey => "wrap_key",
            Self::UnwrapKey => "unwrap_key",
            Self::DeriveKey => "derive_key",
            Self::EncapsulateKey => "encapsulate_key",
            Self::DecapsulateKey => "decapsulate_key",
            Self::ShareKey => "share_key",
            Self::UnshareKey => "unshare_key",
            Self::SignWithApproval => "sign_with_approval",
            Self::WrapWithApproval => "wrap_with_approval",
            Self::CopyObject => "copy_object",
            Self::StreamOpen => "stream_open",
            Self::StreamUpdate => "stream_update",
            Self::StreamFinish => "stream_finish",
            Self::StreamRepeat => "stream_repeat",
            Self::StreamClose => "stream_close",
        }
    }
}
