"""What the key classes share: choosing the class, preparing what is signed, and refusing to export."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import utils

from strongroom.client.digests import DIGESTS, Digest
from strongroom.client.messages import ObjectView
from strongroom.client.object_kinds import KeyType, ObjectClass
from strongroom.vocabulary.attributes import Attribute

if TYPE_CHECKING:
    from strongroom.client.ec import HsmEllipticCurvePrivateKey
    from strongroom.client.rsa import HsmRsaPrivateKey
    from strongroom.client.session import Session


def wrap(session: Session, view: ObjectView) -> HsmRsaPrivateKey | HsmEllipticCurvePrivateKey:
    """The key handle for a private key object."""
    from strongroom.client.ec import HsmEllipticCurvePrivateKey
    from strongroom.client.rsa import HsmRsaPrivateKey

    if view.value(Attribute.CLASS) == ObjectClass.PRIVATE_KEY:
        if view.value(Attribute.KEY_TYPE) == KeyType.RSA:
            return HsmRsaPrivateKey(session, view)
        if view.value(Attribute.KEY_TYPE) == KeyType.EC:
            return HsmEllipticCurvePrivateKey(session, view)
    raise TypeError(f"The object 0x{view.reference:016x} is not an RSA or EC private key.")


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


def refuse_export() -> NoReturn:
    """Key material never leaves the HSM in clear."""
    raise ValueError("The private key is in the HSM and cannot be exported.")
