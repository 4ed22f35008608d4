// Generated from tables/roles.toml by tables/generate.py; edit that file, then run `make tables`.

/// The role of an HSM user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Role {
    /// Number 0x0000.
    None = 0x0000,
    /// Number 0x0001.
    CryptoUser = 0x0001,
    /// Number 0x0002.
    Admin = 0x0002,
    /// Number 0x0005.
    ApplianceUser = 0x0005,
    /// Number 0x0006.
    UnactivatedAdmin = 0x0006,
}

impl Role {
    /// Every member, in the order of the table.
    pub const ALL: &'static [Self] =
        &[Self::None, Self::CryptoUser, Self::Admin, Self::ApplianceUser, Self::UnactivatedAdmin];

    /// The member with this number, if there is one.
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            0x0000 => Some(Self::None),
            0x0001 => Some(Self::CryptoUser),
            0x0002 => Some(Self::Admin),
            0x0005 => Some(Self::ApplianceUser),
            0x0006 => Some(Self::UnactivatedAdmin),
            _ => None,
        }
    }

    /// The number of this member.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The name in `cloudhsm-cli`.
    pub const fn cli_name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::CryptoUser => "crypto-user",
            Self::Admin => "admin",
            Self::ApplianceUser => "internal(APPLIANCE_USER)",
            Self::UnactivatedAdmin => "unactivated-admin",
        }
    }
}
