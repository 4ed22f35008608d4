"""The PKCS #11 return codes that a refusal may carry, and what a caller can do about them."""

from __future__ import annotations

from enum import IntEnum
from typing import Final


class ReturnCode(IntEnum):
    """A ``CKR_*`` code (PKCS #11 2.40 section 11.1); the same as in ``crates/wire/src/rv.rs``."""

    OK = 0x000
    CANCEL = 0x001
    HOST_MEMORY = 0x002
    SLOT_ID_INVALID = 0x003
    GENERAL_ERROR = 0x005
    FUNCTION_FAILED = 0x006
    ARGUMENTS_BAD = 0x007
    NO_EVENT = 0x008
    CANT_LOCK = 0x00A
    ATTRIBUTE_READ_ONLY = 0x010
    ATTRIBUTE_SENSITIVE = 0x011
    ATTRIBUTE_TYPE_INVALID = 0x012
    ATTRIBUTE_VALUE_INVALID = 0x013
    ACTION_PROHIBITED = 0x01B
    DATA_INVALID = 0x020
    DATA_LEN_RANGE = 0x021
    DEVICE_ERROR = 0x030
    DEVICE_MEMORY = 0x031
    DEVICE_REMOVED = 0x032
    ENCRYPTED_DATA_INVALID = 0x040
    ENCRYPTED_DATA_LEN_RANGE = 0x041
    AEAD_DECRYPT_FAILED = 0x042
    FUNCTION_CANCELED = 0x050
    FUNCTION_NOT_PARALLEL = 0x051
    FUNCTION_NOT_SUPPORTED = 0x054
    KEY_HANDLE_INVALID = 0x060
    KEY_SIZE_RANGE = 0x062
    KEY_TYPE_INCONSISTENT = 0x063
    KEY_NOT_NEEDED = 0x064
    KEY_INDIGESTIBLE = 0x067
    KEY_FUNCTION_NOT_PERMITTED = 0x068
    KEY_NOT_WRAPPABLE = 0x069
    KEY_UNEXTRACTABLE = 0x06A
    MECHANISM_INVALID = 0x070
    MECHANISM_PARAM_INVALID = 0x071
    OBJECT_HANDLE_INVALID = 0x082
    OPERATION_ACTIVE = 0x090
    OPERATION_NOT_INITIALIZED = 0x091
    PIN_INCORRECT = 0x0A0
    PIN_INVALID = 0x0A1
    PIN_LEN_RANGE = 0x0A2
    PIN_LOCKED = 0x0A4
    SESSION_CLOSED = 0x0B0
    SESSION_COUNT = 0x0B1
    SESSION_HANDLE_INVALID = 0x0B3
    SESSION_PARALLEL_NOT_SUPPORTED = 0x0B4
    SESSION_READ_ONLY = 0x0B5
    SESSION_EXISTS = 0x0B6
    SESSION_READ_ONLY_EXISTS = 0x0B7
    SESSION_READ_WRITE_SO_EXISTS = 0x0B8
    SIGNATURE_INVALID = 0x0C0
    SIGNATURE_LEN_RANGE = 0x0C1
    TEMPLATE_INCOMPLETE = 0x0D0
    TEMPLATE_INCONSISTENT = 0x0D1
    TOKEN_NOT_PRESENT = 0x0E0
    TOKEN_NOT_RECOGNIZED = 0x0E1
    TOKEN_WRITE_PROTECTED = 0x0E2
    UNWRAPPING_KEY_HANDLE_INVALID = 0x0F0
    UNWRAPPING_KEY_SIZE_RANGE = 0x0F1
    UNWRAPPING_KEY_TYPE_INCONSISTENT = 0x0F2
    USER_ALREADY_LOGGED_IN = 0x100
    USER_NOT_LOGGED_IN = 0x101
    USER_PIN_NOT_INITIALIZED = 0x102
    USER_TYPE_INVALID = 0x103
    USER_ANOTHER_ALREADY_LOGGED_IN = 0x104
    WRAPPED_KEY_INVALID = 0x110
    WRAPPED_KEY_LEN_RANGE = 0x112
    WRAPPING_KEY_HANDLE_INVALID = 0x113
    WRAPPING_KEY_SIZE_RANGE = 0x114
    WRAPPING_KEY_TYPE_INCONSISTENT = 0x115
    RANDOM_SEED_NOT_SUPPORTED = 0x120
    RANDOM_NO_RNG = 0x121
    DOMAIN_PARAMS_INVALID = 0x130
    CURVE_NOT_SUPPORTED = 0x140
    BUFFER_TOO_SMALL = 0x150
    SAVED_STATE_INVALID = 0x160
    STATE_UNSAVEABLE = 0x180
    CRYPTOKI_NOT_INITIALIZED = 0x190
    CRYPTOKI_ALREADY_INITIALIZED = 0x191
    FIPS_SELF_TEST_FAILED = 0x1A2
    SESSION_ASYNC_NOT_SUPPORTED = 0x205
    PARAMETER_SET_NOT_SUPPORTED = 0x209


_OTHER_ROLE: Final = "Admins manage users, crypto-users have keys: log in with the other role."
HINTS: Final = {
    ReturnCode.ACTION_PROHIBITED: "A key is its owner's to change, wrap, derive from, share and destroy, and only "
    "while its attributes allow it.",
    ReturnCode.ATTRIBUTE_READ_ONLY: "Some attributes are given at creation, some change one way only; "
    "docs/reference/object-classes.md lists them.",
    ReturnCode.CRYPTOKI_NOT_INITIALIZED: "A connection does not survive os.fork(): connect in the child.",
    ReturnCode.DEVICE_ERROR: "`strongroom status` shows how the HSMs are.",
    ReturnCode.KEY_FUNCTION_NOT_PERMITTED: "The key was made without this usage; its owner changes that with "
    "key.update(usage=…).",
    ReturnCode.KEY_UNEXTRACTABLE: "Only a key made with extractable=True can be wrapped; this cannot be changed later.",
    ReturnCode.MECHANISM_INVALID: "A cluster of Mode FIPS refuses some mechanisms; "
    "docs/reference/mechanisms.md lists them.",
    ReturnCode.OBJECT_HANDLE_INVALID: "The object was destroyed, belongs to somebody else, or was a session object.",
    ReturnCode.PIN_INCORRECT: "Check name, role and password; an admin sets a new password with "
    "session.users.change_password.",
    ReturnCode.PIN_LOCKED: "An admin unlocks the user with session.users.change_password.",
    ReturnCode.USER_ALREADY_LOGGED_IN: "A cluster has one login at a time: log out first, or connect() once more.",
    ReturnCode.USER_NOT_LOGGED_IN: "The login is over: by logout, by a change of its password, or after a long time "
    "without a connection. Log in again.",
    ReturnCode.USER_TYPE_INVALID: _OTHER_ROLE,
}
"""What to do about a refusal, for the codes where there is something that its text may not say."""
