"""Object classes and key types of PKCS #11 2.40 (``CKO_*``, ``CKK_*``) that a cluster holds."""

from __future__ import annotations

from enum import IntEnum


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
    AES = 0x1F
    EC_EDWARDS = 0x40
