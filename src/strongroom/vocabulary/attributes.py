"""Attribute types of PKCS #11 and their spellings.

Generated from tables/attributes.toml by tables/generate.py; edit that file, then run ``make tables``.
"""

from __future__ import annotations

from enum import IntEnum


class Attribute(IntEnum):
    """A PKCS #11 attribute type (``CKA_*``)."""

    CLASS = 0x0
    TOKEN = 0x1
    PRIVATE = 0x2
    LABEL = 0x3
    APPLICATION = 0x10
    VALUE = 0x11
    OBJECT_ID = 0x12
    CERTIFICATE_TYPE = 0x80
    ISSUER = 0x81
    SERIAL_NUMBER = 0x82
    TRUSTED = 0x86
    CERTIFICATE_CATEGORY = 0x87
    URL = 0x89
    CHECK_VALUE = 0x90
    KEY_TYPE = 0x100
    SUBJECT = 0x101
    ID = 0x102
    SENSITIVE = 0x103
    ENCRYPT = 0x104
    DECRYPT = 0x105
    WRAP = 0x106
    UNWRAP = 0x107
    SIGN = 0x108
    SIGN_RECOVER = 0x109
    VERIFY = 0x10A
    VERIFY_RECOVER = 0x10B
    DERIVE = 0x10C
    START_DATE = 0x110
    END_DATE = 0x111
    MODULUS = 0x120
    MODULUS_BITS = 0x121
    PUBLIC_EXPONENT = 0x122
    PRIVATE_EXPONENT = 0x123
    PRIME_1 = 0x124
    PRIME_2 = 0x125
    EXPONENT_1 = 0x126
    EXPONENT_2 = 0x127
    COEFFICIENT = 0x128
    PUBLIC_KEY_INFO = 0x129
    VALUE_LEN = 0x161
    EXTRACTABLE = 0x162
    LOCAL = 0x163
    NEVER_EXTRACTABLE = 0x164
    ALWAYS_SENSITIVE = 0x165
    KEY_GEN_MECHANISM = 0x166
    MODIFIABLE = 0x170
    COPYABLE = 0x171
    DESTROYABLE = 0x172
    EC_PARAMS = 0x180
    EC_POINT = 0x181
    ALWAYS_AUTHENTICATE = 0x202
    WRAP_WITH_TRUSTED = 0x210
    PARAMETER_SET = 0x61D
    ENCAPSULATE_TEMPLATE = 0x62A
    DECAPSULATE_TEMPLATE = 0x62B
    ENCAPSULATE = 0x633
    DECAPSULATE = 0x634
    SEED = 0x637
    WRAP_TEMPLATE = 0x40000211
    UNWRAP_TEMPLATE = 0x40000212
    DERIVE_TEMPLATE = 0x40000213
    ALLOWED_MECHANISMS = 0x40000600
    WRAPPING_ONLY = 0x80005301
    EVER_COPIED = 0x80005302


CLI_NAMES: dict[Attribute, str] = {
    Attribute.CLASS: "class",
    Attribute.TOKEN: "token",
    Attribute.PRIVATE: "private",
    Attribute.LABEL: "label",
    Attribute.APPLICATION: "application",
    Attribute.VALUE: "value",
    Attribute.OBJECT_ID: "object-id",
    Attribute.CERTIFICATE_TYPE: "certificate-type",
    Attribute.ISSUER: "issuer",
    Attribute.SERIAL_NUMBER: "serial-number",
    Attribute.TRUSTED: "trusted",
    Attribute.CERTIFICATE_CATEGORY: "certificate-category",
    Attribute.URL: "url",
    Attribute.CHECK_VALUE: "check-value",
    Attribute.KEY_TYPE: "key-type",
    Attribute.SUBJECT: "subject",
    Attribute.ID: "id",
    Attribute.SENSITIVE: "sensitive",
    Attribute.ENCRYPT: "encrypt",
    Attribute.DECRYPT: "decrypt",
    Attribute.WRAP: "wrap",
    Attribute.UNWRAP: "unwrap",
    Attribute.SIGN: "sign",
    Attribute.SIGN_RECOVER: "sign-recover",
    Attribute.VERIFY: "verify",
    Attribute.VERIFY_RECOVER: "verify-recover",
    Attribute.DERIVE: "derive",
    Attribute.START_DATE: "start-date",
    Attribute.END_DATE: "end-date",
    Attribute.MODULUS: "modulus",
    Attribute.MODULUS_BITS: "modulus-size-bits",
    Attribute.PUBLIC_EXPONENT: "public-exponent",
    Attribute.PRIVATE_EXPONENT: "private-exponent",
    Attribute.PRIME_1: "prime-1",
    Attribute.PRIME_2: "prime-2",
    Attribute.EXPONENT_1: "exponent-1",
    Attribute.EXPONENT_2: "exponent-2",
    Attribute.COEFFICIENT: "coefficient",
    Attribute.PUBLIC_KEY_INFO: "public-key-info",
    Attribute.VALUE_LEN: "key-length-bytes",
    Attribute.EXTRACTABLE: "extractable",
    Attribute.LOCAL: "local",
    Attribute.NEVER_EXTRACTABLE: "never-extractable",
    Attribute.ALWAYS_SENSITIVE: "always-sensitive",
    Attribute.KEY_GEN_MECHANISM: "key-gen-mechanism",
    Attribute.MODIFIABLE: "modifiable",
    Attribute.COPYABLE: "copyable",
    Attribute.DESTROYABLE: "destroyable",
    Attribute.EC_PARAMS: "curve",
    Attribute.EC_POINT: "ec-point",
    Attribute.ALWAYS_AUTHENTICATE: "always-authenticate",
    Attribute.WRAP_WITH_TRUSTED: "wrap-with-trusted",
    Attribute.PARAMETER_SET: "parameter-set",
    Attribute.ENCAPSULATE_TEMPLATE: "encapsulate-template",
    Attribute.DECAPSULATE_TEMPLATE: "decapsulate-template",
    Attribute.ENCAPSULATE: "encapsulate",
    Attribute.DECAPSULATE: "decapsulate",
    Attribute.SEED: "seed",
    Attribute.WRAP_TEMPLATE: "wrap-template",
    Attribute.UNWRAP_TEMPLATE: "unwrap-template",
    Attribute.DERIVE_TEMPLATE: "derive-template",
    Attribute.ALLOWED_MECHANISMS: "allowed-mechanisms",
    Attribute.WRAPPING_ONLY: "wrapping-only",
    Attribute.EVER_COPIED: "ever-copied",
}
"""The spelling of ``cloudhsm-cli``."""

KINDS: dict[Attribute, str] = {
    Attribute.CLASS: "ulong",
    Attribute.TOKEN: "bool",
    Attribute.PRIVATE: "bool",
    Attribute.LABEL: "text",
    Attribute.APPLICATION: "text",
    Attribute.VALUE: "bytes",
    Attribute.OBJECT_ID: "bytes",
    Attribute.CERTIFICATE_TYPE: "ulong",
    Attribute.ISSUER: "bytes",
    Attribute.SERIAL_NUMBER: "bytes",
    Attribute.TRUSTED: "bool",
    Attribute.CERTIFICATE_CATEGORY: "ulong",
    Attribute.URL: "text",
    Attribute.CHECK_VALUE: "bytes",
    Attribute.KEY_TYPE: "ulong",
    Attribute.SUBJECT: "bytes",
    Attribute.ID: "bytes",
    Attribute.SENSITIVE: "bool",
    Attribute.ENCRYPT: "bool",
    Attribute.DECRYPT: "bool",
    Attribute.WRAP: "bool",
    Attribute.UNWRAP: "bool",
    Attribute.SIGN: "bool",
    Attribute.SIGN_RECOVER: "bool",
    Attribute.VERIFY: "bool",
    Attribute.VERIFY_RECOVER: "bool",
    Attribute.DERIVE: "bool",
    Attribute.START_DATE: "date",
    Attribute.END_DATE: "date",
    Attribute.MODULUS: "bigint",
    Attribute.MODULUS_BITS: "ulong",
    Attribute.PUBLIC_EXPONENT: "bigint",
    Attribute.PRIVATE_EXPONENT: "bigint",
    Attribute.PRIME_1: "bigint",
    Attribute.PRIME_2: "bigint",
    Attribute.EXPONENT_1: "bigint",
    Attribute.EXPONENT_2: "bigint",
    Attribute.COEFFICIENT: "bigint",
    Attribute.PUBLIC_KEY_INFO: "bytes",
    Attribute.VALUE_LEN: "ulong",
    Attribute.EXTRACTABLE: "bool",
    Attribute.LOCAL: "bool",
    Attribute.NEVER_EXTRACTABLE: "bool",
    Attribute.ALWAYS_SENSITIVE: "bool",
    Attribute.KEY_GEN_MECHANISM: "ulong",
    Attribute.MODIFIABLE: "bool",
    Attribute.COPYABLE: "bool",
    Attribute.DESTROYABLE: "bool",
    Attribute.EC_PARAMS: "bytes",
    Attribute.EC_POINT: "bytes",
    Attribute.ALWAYS_AUTHENTICATE: "bool",
    Attribute.WRAP_WITH_TRUSTED: "bool",
    Attribute.PARAMETER_SET: "ulong",
    Attribute.ENCAPSULATE_TEMPLATE: "template",
    Attribute.DECAPSULATE_TEMPLATE: "template",
    Attribute.ENCAPSULATE: "bool",
    Attribute.DECAPSULATE: "bool",
    Attribute.SEED: "bytes",
    Attribute.WRAP_TEMPLATE: "template",
    Attribute.UNWRAP_TEMPLATE: "template",
    Attribute.DERIVE_TEMPLATE: "template",
    Attribute.ALLOWED_MECHANISMS: "mechanisms",
    Attribute.WRAPPING_ONLY: "bool",
    Attribute.EVER_COPIED: "bool",
}
"""bool, ulong, bytes, text, bigint, date, template or mechanisms."""

SECRET: frozenset[Attribute] = frozenset(
    {
        Attribute.VALUE,
        Attribute.PRIVATE_EXPONENT,
        Attribute.PRIME_1,
        Attribute.PRIME_2,
        Attribute.EXPONENT_1,
        Attribute.EXPONENT_2,
        Attribute.COEFFICIENT,
        Attribute.SEED,
    }
)
"""Key material: never readable."""
