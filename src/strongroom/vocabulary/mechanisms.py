"""Mechanism types of PKCS #11.

Generated from tables/mechanisms.toml by tables/generate.py; edit that file, then run ``make tables``.
"""

from __future__ import annotations

from enum import IntEnum


class Mechanism(IntEnum):
    """A PKCS #11 mechanism type (``CKM_*``)."""

    RSA_PKCS_KEY_PAIR_GEN = 0x0
    RSA_X9_31_KEY_PAIR_GEN = 0xA
    EC_KEY_PAIR_GEN = 0x1040
    EC_EDWARDS_KEY_PAIR_GEN = 0x1055
    EC_MONTGOMERY_KEY_PAIR_GEN = 0x1056
    ML_DSA_KEY_PAIR_GEN = 0x1C
    ML_KEM_KEY_PAIR_GEN = 0xF
    AES_KEY_GEN = 0x1080
    AES_XTS_KEY_GEN = 0x1072
    DES3_KEY_GEN = 0x131
    GENERIC_SECRET_KEY_GEN = 0x350
    PKCS5_PBKD2 = 0x3B0
    RSA_PKCS = 0x1
    RSA_X_509 = 0x3
    RSA_PKCS_OAEP = 0x9
    RSA_AES_KEY_WRAP = 0x1054
    RSA_PKCS_PSS = 0xD
    SHA1_RSA_PKCS = 0x6
    SHA224_RSA_PKCS = 0x46
    SHA256_RSA_PKCS = 0x40
    SHA384_RSA_PKCS = 0x41
    SHA512_RSA_PKCS = 0x42
    SHA3_224_RSA_PKCS = 0x66
    SHA3_256_RSA_PKCS = 0x60
    SHA3_384_RSA_PKCS = 0x61
    SHA3_512_RSA_PKCS = 0x62
    SHA1_RSA_PKCS_PSS = 0xE
    SHA224_RSA_PKCS_PSS = 0x47
    SHA256_RSA_PKCS_PSS = 0x43
    SHA384_RSA_PKCS_PSS = 0x44
    SHA512_RSA_PKCS_PSS = 0x45
    SHA3_224_RSA_PKCS_PSS = 0x67
    SHA3_256_RSA_PKCS_PSS = 0x63
    SHA3_384_RSA_PKCS_PSS = 0x64
    SHA3_512_RSA_PKCS_PSS = 0x65
    ECDSA = 0x1041
    ECDSA_SHA1 = 0x1042
    ECDSA_SHA224 = 0x1043
    ECDSA_SHA256 = 0x1044
    ECDSA_SHA384 = 0x1045
    ECDSA_SHA512 = 0x1046
    ECDSA_SHA3_224 = 0x1047
    ECDSA_SHA3_256 = 0x1048
    ECDSA_SHA3_384 = 0x1049
    ECDSA_SHA3_512 = 0x104A
    EDDSA = 0x1057
    CLOUDHSM_EDDSA = 0x80001057
    ML_DSA = 0x1D
    CLOUDHSM_EXT_MU_ML_DSA = 0x8000001D
    HASH_ML_DSA = 0x1F
    HASH_ML_DSA_SHA224 = 0x23
    HASH_ML_DSA_SHA256 = 0x24
    HASH_ML_DSA_SHA384 = 0x25
    HASH_ML_DSA_SHA512 = 0x26
    HASH_ML_DSA_SHA3_224 = 0x27
    HASH_ML_DSA_SHA3_256 = 0x28
    HASH_ML_DSA_SHA3_384 = 0x29
    HASH_ML_DSA_SHA3_512 = 0x2A
    HASH_ML_DSA_SHAKE128 = 0x2B
    HASH_ML_DSA_SHAKE256 = 0x2C
    AES_ECB = 0x1081
    AES_CBC = 0x1082
    AES_CBC_PAD = 0x1085
    AES_CTR = 0x1086
    AES_GCM = 0x1087
    CLOUDHSM_AES_GCM = 0x80001087
    AES_CCM = 0x1088
    AES_XTS = 0x1071
    AES_GMAC = 0x108E
    AES_CMAC = 0x108A
    AES_CMAC_GENERAL = 0x108B
    AES_KEY_WRAP = 0x2109
    AES_KEY_WRAP_KWP = 0x210B
    CLOUDHSM_AES_KEY_WRAP_NO_PAD = 0x80002109
    CLOUDHSM_AES_KEY_WRAP_PKCS5_PAD = 0x8000210A
    CLOUDHSM_AES_KEY_WRAP_ZERO_PAD = 0x8000216F
    DES3_ECB = 0x132
    DES3_CBC = 0x133
    DES3_CBC_PAD = 0x136
    DES3_CMAC = 0x138
    DES3_CMAC_GENERAL = 0x137
    SHA_1_HMAC = 0x221
    SHA224_HMAC = 0x256
    SHA256_HMAC = 0x251
    SHA384_HMAC = 0x261
    SHA512_HMAC = 0x271
    SHA3_224_HMAC = 0x2B6
    SHA3_256_HMAC = 0x2B1
    SHA3_384_HMAC = 0x2C1
    SHA3_512_HMAC = 0x2D1
    ECDH1_DERIVE = 0x1050
    HKDF_DERIVE = 0x402A
    SP800_108_COUNTER_KDF = 0x3AC
    CLOUDHSM_SP800_108_COUNTER_KDF = 0x80000001
    SP800_108_FEEDBACK_KDF = 0x3AD
    ML_KEM = 0x17
    SHA_1 = 0x220
    SHA224 = 0x255
    SHA256 = 0x250
    SHA384 = 0x260
    SHA512 = 0x270
    SHA3_224 = 0x2B5
    SHA3_256 = 0x2B0
    SHA3_384 = 0x2C0
    SHA3_512 = 0x2D0


FIPS_REFUSED: dict[Mechanism, frozenset[str]] = {
    Mechanism.EC_EDWARDS_KEY_PAIR_GEN: frozenset(["generate_pair"]),
    Mechanism.EC_MONTGOMERY_KEY_PAIR_GEN: frozenset(["generate_pair"]),
    Mechanism.DES3_KEY_GEN: frozenset(["generate"]),
    Mechanism.RSA_PKCS: frozenset(["encrypt", "wrap"]),
    Mechanism.EDDSA: frozenset(["sign"]),
    Mechanism.CLOUDHSM_EDDSA: frozenset(["sign"]),
}
"""What a cluster of Mode FIPS refuses, by mechanism; a mechanism that is not here is allowed whole."""
