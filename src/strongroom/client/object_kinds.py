"""Object classes and key types of PKCS #11 2.40 and 3.2 (``CKO_*``, ``CKK_*``) that a cluster holds."""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import Final


class ObjectClass(IntEnum):
    """``CKA_CLASS``."""

    DATA = 0x0
    CERTIFICATE = 0x1
    PUBLIC_KEY = 0x2
    PRIVATE_KEY = 0x3
    SECRET_KEY = 0x4


class KeyType(IntEnum):
    """``CKA_KEY_TYPE``."""

    RSA = 0x00
    EC = 0x03
    GENERIC_SECRET = 0x10
    DES3 = 0x15
    AES = 0x1F
    SHA_1_HMAC = 0x28
    SHA256_HMAC = 0x2B
    SHA384_HMAC = 0x2C
    SHA512_HMAC = 0x2D
    SHA224_HMAC = 0x2E
    AES_XTS = 0x35
    SHA3_224_HMAC = 0x36
    SHA3_256_HMAC = 0x37
    SHA3_384_HMAC = 0x38
    SHA3_512_HMAC = 0x39
    EC_EDWARDS = 0x40
    EC_MONTGOMERY = 0x41
    ML_KEM = 0x49
    ML_DSA = 0x4A


HMAC_KEYS: Final = (
    KeyType.SHA_1_HMAC,
    KeyType.SHA224_HMAC,
    KeyType.SHA256_HMAC,
    KeyType.SHA384_HMAC,
    KeyType.SHA512_HMAC,
    KeyType.SHA3_224_HMAC,
    KeyType.SHA3_256_HMAC,
    KeyType.SHA3_384_HMAC,
    KeyType.SHA3_512_HMAC,
)
"""The types of keys that serve the HMAC of one hash and nothing else."""


class Usage(StrEnum):
    """What a key may be used for (``CKA_SIGN`` and so on).

    For a key pair either half's word means both: ``SIGN`` lets the private key sign and the public key verify.
    """

    SIGN = "sign"
    VERIFY = "verify"
    ENCRYPT = "encrypt"
    DECRYPT = "decrypt"
    WRAP = "wrap"
    UNWRAP = "unwrap"
    DERIVE = "derive"
