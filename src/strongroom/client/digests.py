"""The digests that signatures are made over, computed on the client: keys are in the HSM, data need not go there.

DigestInfo prefixes: RFC 8017 section 9.2, note 1. MGF numbers: PKCS #11 2.40 mechanisms, table 6.
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


@dataclass(frozen=True, slots=True)
class Digest:
    """A hash function in all the spellings that a signature needs."""

    name: str
    """As in ``hashlib``, in pyca/cryptography and on the command line."""
    length: int
    """Bytes."""
    mechanism: Mechanism
    hmac: Mechanism
    mgf: int
    """``CKG_MGF1_*``."""
    digest_info_prefix: bytes

    def of(self, data: bytes) -> bytes:
        """The digest of data."""
        return hashlib.new(self.name, data, usedforsecurity=self.name != "sha1").digest()

    def digest_info(self, digest: bytes) -> bytes:
        """What ``CKM_RSA_PKCS`` signs for EMSA-PKCS1-v1_5."""
        return self.digest_info_prefix + digest


_SHA2_PREFIX = "30{:02x}300d06096086480165030402{:02x}0500 04{:02x}"


def _sha2(bits: int, arc: int, mechanism: Mechanism, hmac: Mechanism, mgf: int) -> Digest:
    length = bits // 8
    prefix = bytes.fromhex(_SHA2_PREFIX.format(17 + length, arc, length))
    return Digest(f"sha{bits}", length, mechanism, hmac, mgf, prefix)


DIGESTS: Final = {
    digest.name: digest
    for digest in (
        Digest("sha1", 20, Mechanism.SHA_1, Mechanism.SHA_1_HMAC, 1, bytes.fromhex("3021300906052b0e03021a05000414")),
        _sha2(224, 4, Mechanism.SHA224, Mechanism.SHA224_HMAC, 5),
        _sha2(256, 1, Mechanism.SHA256, Mechanism.SHA256_HMAC, 2),
        _sha2(384, 2, Mechanism.SHA384, Mechanism.SHA384_HMAC, 3),
        _sha2(512, 3, Mechanism.SHA512, Mechanism.SHA512_HMAC, 4),
    )
}
