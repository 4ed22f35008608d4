"""A user's second factor: an RSA key outside the HSM that signs a token for each login (aws-cloudhsm 3.4)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

SignToken = Callable[[bytes], bytes]
"""Signs a token's SHA-256 digest, 32 bytes, with RSASSA-PKCS1-v1_5; gives the signature, 256 bytes.

With a key of pyca/cryptography: ``lambda digest: key.sign(digest, PKCS1v15(), Prehashed(SHA256()))``.
"""


@dataclass(frozen=True, slots=True)
class MfaToken:
    """A token that a new second factor signs, to show that its private half is at hand."""

    token: bytes

    @property
    def digest(self) -> bytes:
        """What is signed."""
        return digest_of(self.token)


def digest_of(token: bytes) -> bytes:
    return hashlib.sha256(token).digest()
