"""RSA keys of the cluster as pyca/cryptography's :mod:`rsa` has them: PKCS #1 v1.5, PSS and OAEP."""

from __future__ import annotations

from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa, utils

from strongroom.client.digests import Digest
from strongroom.client.errors import SignatureInvalid
from strongroom.client.key_handles.pyca import NotExportablePrivateKey, digest_to_sign, known_digest, public_half
from strongroom.client.key_handles.wrapping import OAEP_SHA256, UnwrappingKey, WrappingKey
from strongroom.client.messages import MechanismParameters, ObjectView
from strongroom.client.objects import Objects
from strongroom.vocabulary.mechanisms import Mechanism

_Algorithm = utils.Prehashed | hashes.HashAlgorithm | utils.NoDigestInfo


class HsmRsaPrivateKey(NotExportablePrivateKey, UnwrappingKey, rsa.RSAPrivateKey):
    """Signs, decrypts and unwraps in the HSM; export is refused."""

    _wrapping = (Mechanism.RSA_PKCS_OAEP, OAEP_SHA256)

    def __init__(self, objects: Objects, view: ObjectView) -> None:
        super().__init__(objects, view)
        self._public_key: rsa.RSAPublicKey = public_half(view)

    @property
    def key_size(self) -> int:
        """Bits."""
        return self._public_key.key_size

    def public_key(self) -> rsa.RSAPublicKey:
        """The public half, a local key of pyca/cryptography."""
        return self._public_key

    def sign(self, data: bytes, padding: padding.AsymmetricPadding, algorithm: _Algorithm) -> bytes:
        """A signature with ``PKCS1v15`` or ``PSS``; the data is hashed here and the digest is sent."""
        return self._objects.sign(self.reference, *_to_sign(data, padding, algorithm, self.key_size))

    def decrypt(self, ciphertext: bytes, padding: padding.AsymmetricPadding) -> bytes:
        """The plaintext of ``OAEP`` or ``PKCS1v15``; of the latter useless bytes where the padding is wrong."""
        return self._objects.decrypt(self.reference, *_to_decrypt(ciphertext, padding))


class HsmRsaPublicKey(WrappingKey, rsa.RSAPublicKey):
    """Verifies, encrypts and wraps in the HSM; :meth:`local` gives the same key for use without it."""

    _wrapping = (Mechanism.RSA_PKCS_OAEP, OAEP_SHA256)

    def __init__(self, objects: Objects, view: ObjectView) -> None:
        super().__init__(objects, view)
        self._local: rsa.RSAPublicKey = public_half(view)

    def local(self) -> rsa.RSAPublicKey:
        """The same key as one of pyca/cryptography's own."""
        return self._local

    @property
    def key_size(self) -> int:
        """Bits."""
        return self._local.key_size

    def public_numbers(self) -> rsa.RSAPublicNumbers:
        return self._local.public_numbers()

    def public_bytes(self, encoding: serialization.Encoding, format: serialization.PublicFormat) -> bytes:
        return self._local.public_bytes(encoding, format)

    def encrypt(self, plaintext: bytes, padding: padding.AsymmetricPadding) -> bytes:
        """The ciphertext of ``OAEP`` or ``PKCS1v15``."""
        return self._objects.encrypt(self.reference, *_to_decrypt(plaintext, padding)).data

    def verify(
        self,
        signature: bytes,
        data: bytes,
        padding: padding.AsymmetricPadding,
        algorithm: utils.Prehashed | hashes.HashAlgorithm,
    ) -> None:
        """Raise pyca/cryptography's ``InvalidSignature`` unless the signature is right."""
        mechanism, value, parameters = _to_sign(data, padding, algorithm, self.key_size)
        try:
            self._objects.verify(self.reference, mechanism, value, signature, parameters)
        except SignatureInvalid as error:
            raise InvalidSignature from error

    def recover_data_from_signature(
        self,
        signature: bytes,
        padding: padding.AsymmetricPadding,
        algorithm: hashes.HashAlgorithm | utils.NoDigestInfo | None,
    ) -> bytes:
        """What was signed, computed without the HSM, which does not recover data."""
        return self._local.recover_data_from_signature(signature, padding, algorithm)

    def __eq__(self, other: object) -> bool:
        """Whether it is the same public key, here or in an HSM."""
        if not isinstance(other, rsa.RSAPublicKey):
            return NotImplemented
        return self.public_numbers() == other.public_numbers()

    def __hash__(self) -> int:
        return hash(self.public_numbers())


def _to_sign(
    data: bytes, scheme: padding.AsymmetricPadding, algorithm: _Algorithm, key_bits: int
) -> tuple[Mechanism, bytes, MechanismParameters | None]:
    """Mechanism, the data that it signs, and its parameters."""
    is_pkcs1 = isinstance(scheme, padding.PKCS1v15)
    if isinstance(algorithm, utils.NoDigestInfo):
        if not is_pkcs1:
            raise UnsupportedAlgorithm("NoDigestInfo goes with PKCS1v15")
        return Mechanism.RSA_PKCS, data, None
    digest, value = digest_to_sign(data, algorithm)
    if is_pkcs1:
        return Mechanism.RSA_PKCS, digest.digest_info(value), None
    return Mechanism.RSA_PKCS_PSS, value, _pss_parameters(scheme, digest, key_bits)


def _to_decrypt(data: bytes, scheme: padding.AsymmetricPadding) -> tuple[Mechanism, bytes, MechanismParameters | None]:
    if isinstance(scheme, padding.PKCS1v15):
        return Mechanism.RSA_PKCS, data, None
    return Mechanism.RSA_PKCS_OAEP, data, _oaep_parameters(scheme)


def _pss_parameters(scheme: padding.AsymmetricPadding, digest: Digest, key_bits: int) -> MechanismParameters:
    if not isinstance(scheme, padding.PSS):
        raise UnsupportedAlgorithm(f"the padding {scheme.name}: use PKCS1v15 or PSS")
    length: Any = scheme._salt_length
    if length is padding.PSS.DIGEST_LENGTH:
        length = digest.length
    elif length is padding.PSS.MAX_LENGTH:
        length = (key_bits + 6) // 8 - digest.length - 2
    elif not isinstance(length, int):
        raise UnsupportedAlgorithm("PSS.AUTO is for local keys: give a salt length")
    mgf = known_digest(scheme.mgf._algorithm)
    return MechanismParameters(hash=digest.mechanism.value, mgf=mgf.mgf, salt_length=length)


def _oaep_parameters(scheme: padding.AsymmetricPadding) -> MechanismParameters:
    if not isinstance(scheme, padding.OAEP):
        raise UnsupportedAlgorithm(f"the padding {scheme.name}: use OAEP or PKCS1v15")
    digest, mgf = known_digest(scheme.algorithm), known_digest(scheme.mgf._algorithm)
    return MechanismParameters(hash=digest.mechanism.value, mgf=mgf.mgf, label=scheme._label or None)
