"""EC keys of the cluster as pyca/cryptography's :mod:`ec` has them: ECDSA over the NIST curves and secp256k1."""

from __future__ import annotations

from typing import NoReturn, Unpack

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.utils import Buffer

from strongroom.client.digests import Hash
from strongroom.client.errors import SignatureInvalid
from strongroom.client.key_handles.agreement import AgreeingKey
from strongroom.client.key_handles.handle import HsmKey
from strongroom.client.key_handles.pyca import digest_to_sign, public_half
from strongroom.client.messages import ObjectView
from strongroom.client.object_kinds import KeyType
from strongroom.client.objects import Objects
from strongroom.client.templates import KeyOptions
from strongroom.vocabulary.mechanisms import Mechanism


class HsmEcPrivateKey(AgreeingKey, ec.EllipticCurvePrivateKey):
    """Signs with ECDSA and agrees on keys in the HSM; export is refused."""

    def __init__(self, objects: Objects, view: ObjectView) -> None:
        super().__init__(objects, view)
        self._public_key: ec.EllipticCurvePublicKey = public_half(view)

    @property
    def curve(self) -> ec.EllipticCurve:
        return self._public_key.curve

    @property
    def key_size(self) -> int:
        """Bits."""
        return self._public_key.key_size

    def public_key(self) -> ec.EllipticCurvePublicKey:
        """The public half, a local key of pyca/cryptography."""
        return self._public_key

    def sign(self, data: Buffer, signature_algorithm: ec.EllipticCurveSignatureAlgorithm) -> bytes:
        """A DER ECDSA-Sig-Value (RFC 3279 section 2.2.3); the data is hashed here and the digest is sent."""
        value = _digest(data, signature_algorithm)
        raw = self._objects.sign(self.reference, Mechanism.ECDSA, value)
        half = len(raw) // 2
        return utils.encode_dss_signature(int.from_bytes(raw[:half]), int.from_bytes(raw[half:]))

    def derive(
        self,
        peer_public_key: ec.EllipticCurvePublicKey,
        key_type: KeyType = KeyType.AES,
        bits: int = 256,
        *,
        label: str,
        info: bytes = b"",
        hash: Hash = Hash.SHA256,
        **options: Unpack[KeyOptions],
    ) -> HsmKey:
        """A new key of the cluster, an AES key or a generic secret: ECDH, then the function of ANSI X9.63.

        Whoever has the other private key derives the same key from ``info`` and ``hash``. Needs ``Usage.DERIVE``.
        """
        point = peer_public_key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
        return self._derive(point, key_type, bits, label, info, hash, options)

    def exchange(self, algorithm: ec.ECDH, peer_public_key: ec.EllipticCurvePublicKey) -> NoReturn:
        """Always refused: a shared secret would leave the HSM in clear; :meth:`derive` makes a key of it there."""
        raise UnsupportedAlgorithm("ECDH to a secret in clear: what an HSM's key agrees on stays in the HSM")


class HsmEcPublicKey(HsmKey, ec.EllipticCurvePublicKey):
    """Verifies ECDSA in the HSM; :meth:`local` gives the same key for use without it."""

    def __init__(self, objects: Objects, view: ObjectView) -> None:
        super().__init__(objects, view)
        self._local: ec.EllipticCurvePublicKey = public_half(view)

    def local(self) -> ec.EllipticCurvePublicKey:
        """The same key as one of pyca/cryptography's own."""
        return self._local

    @property
    def curve(self) -> ec.EllipticCurve:
        return self._local.curve

    @property
    def key_size(self) -> int:
        """Bits."""
        return self._local.key_size

    def public_numbers(self) -> ec.EllipticCurvePublicNumbers:
        return self._local.public_numbers()

    def public_bytes(self, encoding: serialization.Encoding, format: serialization.PublicFormat) -> bytes:
        return self._local.public_bytes(encoding, format)

    def verify(self, signature: Buffer, data: Buffer, signature_algorithm: ec.EllipticCurveSignatureAlgorithm) -> None:
        """Raise pyca/cryptography's ``InvalidSignature`` unless the signature is right."""
        value = _digest(data, signature_algorithm)
        length = (self.key_size + 7) // 8
        try:
            r, s = utils.decode_dss_signature(bytes(signature))
            raw = r.to_bytes(length) + s.to_bytes(length)
        except (ValueError, OverflowError):
            raise InvalidSignature from None
        try:
            self._objects.verify(self.reference, Mechanism.ECDSA, value, raw)
        except SignatureInvalid as error:
            raise InvalidSignature from error

    def __eq__(self, other: object) -> bool:
        """Whether it is the same public key, here or in an HSM."""
        if not isinstance(other, ec.EllipticCurvePublicKey):
            return NotImplemented
        return self.public_numbers() == other.public_numbers()

    def __hash__(self) -> int:
        return hash(self.public_numbers())


def _digest(data: Buffer, algorithm: ec.EllipticCurveSignatureAlgorithm) -> bytes:
    if not isinstance(algorithm, ec.ECDSA):
        raise UnsupportedAlgorithm("EC keys sign with ECDSA")
    if algorithm.deterministic_signing:
        raise UnsupportedAlgorithm("deterministic ECDSA (RFC 6979): the HSM draws its nonces")
    return digest_to_sign(bytes(data), algorithm.algorithm)[1]
