"""Object classes and key types of PKCS #11 2.40 and 3.2 (``CKO_*``, ``CKK_*``) that a cluster holds."""

from __future__ import annotations

from enum import IntEnum, StrEnum


class ObjectClass(IntEnum):
    """``CKA_CLASS``."""

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
    AES_XTS = 0x35
    EC_EDWARDS = 0x40
    EC_MONTGOMERY = 0x41
    ML_KEM = 0x49
    ML_DSA = 0x4A


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
