"""What the handles that are keys of pyca/cryptography share: public halves, digests, and refusing to export.

A public half is a key of pyca/cryptography's own, made from ``CKA_PUBLIC_KEY_INFO``, and verifies without the HSM.
"""

from __future__ import annotations

from typing import Any, NoReturn

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import utils

from strongroom.client.digests import DIGESTS, Digest
from strongroom.client.errors import NotExportable
from strongroom.client.key_handles.handle import HsmKey
from strongroom.client.messages import ObjectView
from strongroom.vocabulary.attributes import Attribute


def public_half(view: ObjectView) -> Any:  # noqa: ANN401 - the key type of the object decides
    """The public key of a private or public key object."""
    return serialization.load_der_public_key(view.value(Attribute.PUBLIC_KEY_INFO))


class NotExportablePrivateKey(HsmKey):
    """A private key that gives nothing of itself away, whatever ``CKA_EXTRACTABLE`` says: wrapping is another thing."""

    def private_bytes(
        self,
        encoding: serialization.Encoding,
        format: serialization.PrivateFormat,
        encryption_algorithm: serialization.KeySerializationEncryption,
    ) -> NoReturn:
        """Always :class:`NotExportable`."""
        self._refuse()

    def private_numbers(self) -> NoReturn:
        """Always :class:`NotExportable`."""
        self._refuse()

    def private_bytes_raw(self) -> NoReturn:
        """Always :class:`NotExportable`."""
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise NotExportable(
            f"The private key {self.label!r} is in the HSM and cannot be exported in clear. Use it there; or wrap it "
            "under another key of the cluster, if it is extractable."
        )


def known_digest(algorithm: hashes.HashAlgorithm) -> Digest:
    """Our digest for one of pyca/cryptography's."""
    digest = DIGESTS.get(algorithm.name)
    if digest is None:
        raise UnsupportedAlgorithm(f"the hash {algorithm.name}: the HSM knows {', '.join(DIGESTS)}")
    return digest


def digest_to_sign(data: bytes, algorithm: hashes.HashAlgorithm | utils.Prehashed) -> tuple[Digest, bytes]:
    """The digest function and the digest of data, which may be hashed already."""
    if isinstance(algorithm, utils.Prehashed):
        digest = known_digest(algorithm._algorithm)
        if len(data) != digest.length:
            raise ValueError(f"The prehashed data has {len(data)} bytes; a {digest.name} digest has {digest.length}.")
        return digest, data
    digest = known_digest(algorithm)
    return digest, digest.of(data)
