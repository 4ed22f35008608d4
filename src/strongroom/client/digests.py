"""The digests that signatures are made over, computed on the client: keys are in the HSM, data need not go there.

DigestInfo prefixes: RFC 8017 section 9.2, note 1; of SHA-3 the same form with the identifiers of FIPS 202 (RFC 9688
section 2). MGF numbers: PKCS #11 3.0 mechanisms, table 10.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from strongroom.vocabulary.mechanisms import Mechanism


class Hash(StrEnum):
    """The hash functions of an HSM; SHA-1 for what is old."""

    SHA1 = "sha1"
    SHA224 = "sha224"
    SHA256 = "sha256"
    SHA384 = "sha384"
    SHA512 = "sha512"
    SHA3_224 = "sha3-224"
    SHA3_256 = "sha3-256"
    SHA3_384 = "sha3-384"
    SHA3_512 = "sha3-512"


@dataclass(frozen=True, slots=True)
class Digest:
    """A hash function in all the spellings that a signature needs."""

    name: str
    """As in pyca/cryptography and on the command line."""
    length: int
    """Bytes."""
    mechanism: Mechanism
    hmac: Mechanism
    mgf: int
    """``CKG_MGF1_*``."""
    digest_info_prefix: bytes

    def of(self, data: bytes) -> bytes:
        """The digest of data."""
        name = self.name.replace("-", "_")
        return hashlib.new(name, data, usedforsecurity=name != "sha1").digest()

    def digest_info(self, digest: bytes) -> bytes:
        """What ``CKM_RSA_PKCS`` signs for EMSA-PKCS1-v1_5."""
        return self.digest_info_prefix + digest


_NIST_PREFIX = "30{:02x}300d06096086480165030402{:02x}0500 04{:02x}"


def _nist(name: Hash, arc: int, mechanism: Mechanism, hmac: Mechanism, mgf: int) -> Digest:
    """A function whose identifier is ``arc`` under 2.16.840.1.101.3.4.2; its name ends in the digest's bits."""
    length = int(name[-3:]) // 8
    prefix = bytes.fromhex(_NIST_PREFIX.format(17 + length, arc, length))
    return Digest(name.value, length, mechanism, hmac, mgf, prefix)


DIGESTS: Final = {
    digest.name: digest
    for digest in (
        Digest("sha1", 20, Mechanism.SHA_1, Mechanism.SHA_1_HMAC, 1, bytes.fromhex("3021300906052b0e03021a05000414")),
        _nist(Hash.SHA224, 4, Mechanism.SHA224, Mechanism.SHA224_HMAC, 5),
        _nist(Hash.SHA256, 1, Mechanism.SHA256, Mechanism.SHA256_HMAC, 2),
        _nist(Hash.SHA384, 2, Mechanism.SHA384, Mechanism.SHA384_HMAC, 3),
        _nist(Hash.SHA512, 3, Mechanism.SHA512, Mechanism.SHA512_HMAC, 4),
        _nist(Hash.SHA3_224, 7, Mechanism.SHA3_224, Mechanism.SHA3_224_HMAC, 6),
        _nist(Hash.SHA3_256, 8, Mechanism.SHA3_256, Mechanism.SHA3_256_HMAC, 7),
        _nist(Hash.SHA3_384, 9, Mechanism.SHA3_384, Mechanism.SHA3_384_HMAC, 8),
        _nist(Hash.SHA3_512, 10, Mechanism.SHA3_512, Mechanism.SHA3_512_HMAC, 9),
    )
}
