"""Ed25519 keys of the cluster as pyca/cryptography's :mod:`ed25519` has them; a cluster of Mode NON_FIPS has them."""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.utils import Buffer

from strongroom.client.errors import SignatureInvalid
from strongroom.client.key_handles.handle import HsmKey
from strongroom.client.key_handles.pyca import NotExportablePrivateKey, public_half
from strongroom.client.messages import ObjectView
from strongroom.client.objects import Objects
from strongroom.vocabulary.mechanisms import Mechanism


class HsmEd25519PrivateKey(NotExportablePrivateKey, ed25519.Ed25519PrivateKey):
    """Signs with Ed25519 in the HSM; export is refused."""

    def __init__(self, objects: Objects, view: ObjectView) -> None:
        super().__init__(objects, view)
        self._public_key: ed25519.Ed25519PublicKey = public_half(view)

    def public_key(self) -> ed25519.Ed25519PublicKey:
        """The public half, a local key of pyca/cryptography."""
        return self._public_key

    def sign(self, data: Buffer) -> bytes:
        """64 bytes (RFC 8032). The data itself goes to the HSM, more than 1 MiB less 4 KiB twice."""
        return self._objects.sign(self.reference, Mechanism.EDDSA, bytes(data))


class HsmEd25519PublicKey(HsmKey, ed25519.Ed25519PublicKey):
    """Verifies Ed25519 in the HSM; :meth:`local` gives the same key for use without it."""

    def __init__(self, objects: Objects, view: ObjectView) -> None:
        super().__init__(objects, view)
        self._local: ed25519.Ed25519PublicKey = public_half(view)

    def local(self) -> ed25519.Ed25519PublicKey:
        """The same key as one of pyca/cryptography's own."""
        return self._local

    def public_bytes(self, encoding: serialization.Encoding, format: serialization.PublicFormat) -> bytes:
        return self._local.public_bytes(encoding, format)

    def public_bytes_raw(self) -> bytes:
        return self._local.public_bytes_raw()

    def verify(self, signature: Buffer, data: Buffer) -> None:
        """Raise pyca/cryptography's ``InvalidSignature`` unless the signature is right."""
        try:
            self._objects.verify(self.reference, Mechanism.EDDSA, bytes(data), bytes(signature))
        except SignatureInvalid as error:
            raise InvalidSignature from error

    def __eq__(self, other: object) -> bool:
        """Whether it is the same public key, here or in an HSM."""
        if not isinstance(other, ed25519.Ed25519PublicKey):
            return NotImplemented
        return self.public_bytes_raw() == other.public_bytes_raw()

    def __hash__(self) -> int:
        return hash(self.public_bytes_raw())
