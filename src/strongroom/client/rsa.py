"""An RSA private key of the cluster as pyca/cryptography's :class:`RSAPrivateKey`."""

from __future__ import annotations

from typing import Any, NoReturn

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa, utils

from strongroom.client.digests import DIGESTS, Digest
from strongroom.client.messages import MechanismParameters, ObjectView
from strongroom.client.private_keys import digest_to_sign, known_digest, refuse_export
from strongroom.client.public_keys import rsa_public_key
from strongroom.client.session import Session
from strongroom.vocabulary.mechanisms import Mechanism


class HsmRsaPrivateKey(rsa.RSAPrivateKey):
    """Signs and decrypts in the HSM (PKCS #1 v1.5, PSS, OAEP); export is refused."""

    def __init__(self, session: Session, view: ObjectView) -> None:
        self._session = session
        self._public_key = rsa_public_key(session, view)
        self.reference = view.reference

    @property
    def key_size(self) -> int:
        return self._public_key.key_size

    def public_key(self) -> rsa.RSAPublicKey:
        return self._public_key

    def sign(
        self,
        data: bytes,
        padding: padding.AsymmetricPadding,
        algorithm: utils.Prehashed | hashes.HashAlgorithm | utils.NoDigestInfo,
    ) -> bytes:
        if isinstance(algorithm, utils.NoDigestInfo):
            raise UnsupportedAlgorithm("NoDigestInfo: the HSM signs digests")
        digest, value = digest_to_sign(data, algorithm)
        if padding.name == "EMSA-PKCS1-v1_5":
            return self._session.sign(self.reference, Mechanism.RSA_PKCS, digest.digest_info(value))
        return self._session.sign(
            self.reference, Mechanism.RSA_PKCS_PSS, value, _pss_parameters(padding, digest, self.key_size)
        )

    def decrypt(self, ciphertext: bytes, padding: padding.AsymmetricPadding) -> bytes:
        if padding.name == "EME-PKCS1-v1_5":
            return self._session.decrypt(self.reference, Mechanism.RSA_PKCS, ciphertext)
        return self._session.decrypt(self.reference, Mechanism.RSA_PKCS_OAEP, ciphertext, _oaep_parameters(padding))

    def private_numbers(self) -> NoReturn:
        refuse_export()

    def private_bytes(
        self,
        encoding: serialization.Encoding,
        format: serialization.PrivateFormat,
        encryption_algorithm: serialization.KeySerializationEncryption,
    ) -> NoReturn:
        refuse_export()

    def __copy__(self) -> HsmRsaPrivateKey:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> HsmRsaPrivateKey:
        return self


def _pss_parameters(scheme: padding.AsymmetricPadding, digest: Digest, key_bits: int) -> MechanismParameters:
    if not isinstance(scheme, padding.PSS):
        raise UnsupportedAlgorithm(f"the padding {scheme.name}: use PKCS1v15 or PSS")
    length: Any = scheme._salt_length
    if length is padding.PSS.DIGEST_LENGTH:
        length = digest.length
    elif length is padding.PSS.MAX_LENGTH:
        length = (key_bits + 6) // 8 - digest.length - 2
    elif not isinstance(length, int):
        raise UnsupportedAlgorithm("PSS.AUTO is for verifying: give a salt length")
    mgf = known_digest(scheme.mgf._algorithm)
    return MechanismParameters(hash=digest.mechanism.value, mgf=mgf.mgf, salt_length=length)


def _oaep_parameters(scheme: padding.AsymmetricPadding) -> MechanismParameters:
    if not isinstance(scheme, padding.OAEP):
        raise UnsupportedAlgorithm(f"the padding {scheme.name}: use OAEP or PKCS1v15")
    digest = DIGESTS.get(scheme.algorithm.name)
    if digest is None:
        raise UnsupportedAlgorithm(f"OAEP with {scheme.algorithm.name}")
    mgf = known_digest(scheme.mgf._algorithm)
    return MechanismParameters(hash=digest.mechanism.value, mgf=mgf.mgf, label=scheme._label or None)
