"""X25519 keys of the cluster as pyca/cryptography's :mod:`x25519` has them; a cluster of Mode NON_FIPS has them."""

from __future__ import annotations

from typing import NoReturn, Unpack

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import x25519

from strongroom.client.digests import Hash
from strongroom.client.key_handles.agreement import AgreeingKey
from strongroom.client.key_handles.handle import HsmKey
from strongroom.client.key_handles.pyca import public_half
from strongroom.client.messages import ObjectView
from strongroom.client.object_kinds import KeyType
from strongroom.client.objects import Objects
from strongroom.client.templates import KeyOptions


class HsmX25519PrivateKey(AgreeingKey, x25519.X25519PrivateKey):
    """Agrees on keys that stay in the HSM; export is refused."""

    def __init__(self, objects: Objects, view: ObjectView) -> None:
        super().__init__(objects, view)
        self._public_key: x25519.X25519PublicKey = public_half(view)

    def public_key(self) -> x25519.X25519PublicKey:
        """The public half, a local key of pyca/cryptography."""
        return self._public_key

    def derive(
        self,
        peer_public_key: x25519.X25519PublicKey,
        key_type: KeyType = KeyType.AES,
        bits: int = 256,
        *,
        label: str,
        info: bytes = b"",
        hash: Hash = Hash.SHA256,
        **options: Unpack[KeyOptions],
    ) -> HsmKey:
        """A new key of the cluster, an AES key or a generic secret: X25519, then the function of ANSI X9.63.

        Whoever has the other private key derives the same key from ``info`` and ``hash``. Needs ``Usage.DERIVE``.
        """
        return self._derive(peer_public_key.public_bytes_raw(), key_type, bits, label, info, hash, options)

    def exchange(self, peer_public_key: x25519.X25519PublicKey) -> NoReturn:
        """Always refused: a shared secret would leave the HSM in clear; :meth:`derive` makes a key of it there."""
        raise UnsupportedAlgorithm("X25519 to a secret in clear: what an HSM's key agrees on stays in the HSM")


class HsmX25519PublicKey(HsmKey, x25519.X25519PublicKey):
    """The public half in the HSM; :meth:`local` gives the same key for use without it."""

    def __init__(self, objects: Objects, view: ObjectView) -> None:
        super().__init__(objects, view)
        self._local: x25519.X25519PublicKey = public_half(view)

    def local(self) -> x25519.X25519PublicKey:
        """The same key as one of pyca/cryptography's own."""
        return self._local

    def public_bytes(self, encoding: serialization.Encoding, format: serialization.PublicFormat) -> bytes:
        return self._local.public_bytes(encoding, format)

    def public_bytes_raw(self) -> bytes:
        return self._local.public_bytes_raw()

    def __eq__(self, other: object) -> bool:
        """Whether it is the same public key, here or in an HSM."""
        if not isinstance(other, x25519.X25519PublicKey):
            return NotImplemented
        return self.public_bytes_raw() == other.public_bytes_raw()

    def __hash__(self) -> int:
        return hash(self.public_bytes_raw())
