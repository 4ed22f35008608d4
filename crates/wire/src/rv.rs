//! The return codes of PKCS #11 that cross the wire (`CK_RV`, PKCS #11 2.40 section 11.1).

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal,)*) => {
        impl Rv {
            $(#[doc = concat!("`CKR_", stringify!($name), "`")] pub const $name: Self = Self($code);)*

            /// The standard's name, or `CKR_?` for a number that has none here.
            pub fn name(self) -> &'static str {
                match self.0 {
                    $($code => concat!("CKR_", stringify!($name)),)*
                    _ => "CKR_?",
                }
            }
        }
    };
}

/// A PKCS #11 return code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rv(pub u64);

codes! {
    OK = 0x000,
    CANCEL = 0x001,
    HOST_MEMORY = 0x002,
    SLOT_ID_INVALID = 0x003,
    GENERAL_ERROR = 0x005,
    FUNCTION_FAILED = 0x006,
    ARGUMENTS_BAD = 0x007,
    NO_EVENT = 0x008,
    CANT_LOCK = 0x00A,
    ATTRIBUTE_READ_ONLY = 0x010,
    ATTRIBUTE_SENSITIVE = 0x011,
    ATTRIBUTE_TYPE_INVALID = 0x012,
    ATTRIBUTE_VALUE_INVALID = 0x013,
    ACTION_PROHIBITED = 0x01B,
    DATA_INVALID = 0x020,
    DATA_LEN_RANGE = 0x021,
    DEVICE_ERROR = 0x030,
    DEVICE_MEMORY = 0x031,
    DEVICE_REMOVED = 0x032,
    ENCRYPTED_DATA_INVALID = 0x040,
    ENCRYPTED_DATA_LEN_RANGE = 0x041,
    AEAD_DECRYPT_FAILED = 0x042,
    FUNCTION_CANCELED = 0x050,
    FUNCTION_NOT_PARALLEL = 0x051,
    FUNCTION_NOT_SUPPORTED = 0x054,
    KEY_HANDLE_INVALID = 0x060,
    KEY_SIZE_RANGE = 0x062,
    KEY_TYPE_INCONSISTENT = 0x063,
    KEY_NOT_NEEDED = 0x064,
    KEY_INDIGESTIBLE = 0x067,
    KEY_NOT_WRAPPABLE = 0x069,
    KEY_UNEXTRACTABLE = 0x06A,
    KEY_FUNCTION_NOT_PERMITTED = 0x068,
    MECHANISM_INVALID = 0x070,
    MECHANISM_PARAM_INVALID = 0x071,
    OBJECT_HANDLE_INVALID = 0x082,
    OPERATION_ACTIVE = 0x090,
    OPERATION_NOT_INITIALIZED = 0x091,
    PIN_INCORRECT = 0x0A0,
    PIN_INVALID = 0x0A1,
    PIN_LEN_RANGE = 0x0A2,
    PIN_LOCKED = 0x0A4,
    SESSION_CLOSED = 0x0B0,
    SESSION_COUNT = 0x0B1,
    SESSION_HANDLE_INVALID = 0x0B3,
    SESSION_PARALLEL_NOT_SUPPORTED = 0x0B4,
    SESSION_READ_ONLY = 0x0B5,
    SESSION_EXISTS = 0x0B6,
    SESSION_READ_ONLY_EXISTS = 0x0B7,
    SESSION_READ_WRITE_SO_EXISTS = 0x0B8,
    SIGNATURE_INVALID = 0x0C0,
    SIGNATURE_LEN_RANGE = 0x0C1,
    TEMPLATE_INCOMPLETE = 0x0D0,
    TEMPLATE_INCONSISTENT = 0x0D1,
    TOKEN_NOT_PRESENT = 0x0E0,
    TOKEN_NOT_RECOGNIZED = 0x0E1,
    TOKEN_WRITE_PROTECTED = 0x0E2,
    UNWRAPPING_KEY_HANDLE_INVALID = 0x0F0,
    UNWRAPPING_KEY_SIZE_RANGE = 0x0F1,
    UNWRAPPING_KEY_TYPE_INCONSISTENT = 0x0F2,
    USER_ALREADY_LOGGED_IN = 0x100,
    USER_NOT_LOGGED_IN = 0x101,
    USER_PIN_NOT_INITIALIZED = 0x102,
    USER_TYPE_INVALID = 0x103,
    USER_ANOTHER_ALREADY_LOGGED_IN = 0x104,
    WRAPPED_KEY_INVALID = 0x110,
    WRAPPED_KEY_LEN_RANGE = 0x112,
    WRAPPING_KEY_HANDLE_INVALID = 0x113,
    WRAPPING_KEY_SIZE_RANGE = 0x114,
    WRAPPING_KEY_TYPE_INCONSISTENT = 0x115,
    RANDOM_SEED_NOT_SUPPORTED = 0x120,
    RANDOM_NO_RNG = 0x121,
    DOMAIN_PARAMS_INVALID = 0x130,
    CURVE_NOT_SUPPORTED = 0x140,
    BUFFER_TOO_SMALL = 0x150,
    SAVED_STATE_INVALID = 0x160,
    STATE_UNSAVEABLE = 0x180,
    CRYPTOKI_NOT_INITIALIZED = 0x190,
    CRYPTOKI_ALREADY_INITIALIZED = 0x191,
    FIPS_SELF_TEST_FAILED = 0x1A2,
    SESSION_ASYNC_NOT_SUPPORTED = 0x205,
    PARAMETER_SET_NOT_SUPPORTED = 0x209,
}

impl std::fmt::Display for Rv {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} (0x{:x})", self.name(), self.0)
    }
}
