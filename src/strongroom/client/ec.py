"""An EC private key of the cluster as pyca/cryptography's :class:`EllipticCurvePrivateKey`."""

from __future__ import annotations

from typing import Any, NoReturn

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.utils import Buffer

from strongroom.client.messages import ObjectView
from strongroom.client.private_keys import digest_to_sign, refuse_export
from strongroom.client.public_keys import ec_public_key
from strongroom.client.session import Session
from strongroom.vocabulary.mechanisms import Mechanism


class HsmEllipticCurvePrivateKey(ec.EllipticCurvePrivateKey):
    """Signs with ECDSA in the HSM; export is refused."""

    def __init__(self, session: Session, view: ObjectView) -> None:
        self._session = session
        self._public_key = ec_public_key(session, view)
        self.reference = view.reference

    @property
    def curve(self) -> ec.EllipticCurve:
        return self._public_key.curve

    @property
    def key_size(self) -> int:
        return self._public_key.key_size

    def public_key(self) -> ec.EllipticCurvePublicKey:
        return self._public_key

    def sign(self, data: Buffer, signature_algorithm: ec.EllipticCurveSignatureAlgorithm) -> bytes:
        """A DER ECDSA-Sig-Value (RFC 3279 section 2.2.3)."""
        if not isinstance(signature_algorithm, ec.ECDSA):
            raise UnsupportedAlgorithm("EC keys sign with ECDSA")
        if signature_algorithm.deterministic_signing:
            raise UnsupportedAlgorithm("deterministic ECDSA (RFC 6979): the HSM draws its nonces")
        _, value = digest_to_sign(bytes(data), signature_algorithm.algorithm)
        raw = self._session.sign(self.reference, Mechanism.ECDSA, value)
        half = len(raw) // 2
        return utils.encode_dss_signature(int.from_bytes(raw[:half]), int.from_bytes(raw[half:]))

    def exchange(self, algorithm: ec.ECDH, peer_public_key: ec.EllipticCurvePublicKey) -> bytes:
        raise UnsupportedAlgorithm("ECDH: this release of the HSM does not derive keys")

    def private_numbers(self) -> NoReturn:
        refuse_export()

    def private_bytes(
        self,
        encoding: serialization.Encoding,
        format: serialization.PrivateFormat,
        encryption_algorithm: serialization.KeySerializationEncryption,
    ) -> NoReturn:
        refuse_export()

    def __copy__(self) -> HsmEllipticCurvePrivateKey:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> HsmEllipticCurvePrivateKey:
        return self
