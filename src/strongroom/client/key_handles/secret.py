"""Secret keys of the cluster: AES keys and generic secrets."""

from __future__ import annotations

from typing import Final

from strongroom.client.digests import DIGESTS, Hash
from strongroom.client.key_handles.handle import HsmKey
from strongroom.client.key_handles.wrapping import UnwrappingKey, WrappingKey
from strongroom.client.messages import MechanismParameters
from strongroom.client.object_kinds import HMAC_KEYS
from strongroom.vocabulary.attributes import Attribute
from strongroom.vocabulary.mechanisms import Mechanism

TAG_BITS = 128


class HsmAesKey(WrappingKey, UnwrappingKey):
    """Encrypts with AES-GCM, makes CMACs, wraps with AES-KWP; ``session.objects`` has the other modes."""

    _wrapping = (Mechanism.AES_KEY_WRAP_KWP, None)

    @property
    def key_size(self) -> int:
        """Bits."""
        return 8 * int(self._view.value(Attribute.VALUE_LEN))

    def encrypt(self, plaintext: bytes, associated_data: bytes = b"") -> bytes:
        """Encrypt and authenticate data of any length.

        The result is the IV (12 random bytes from the HSM), the ciphertext and the tag (16 bytes), one after the other.
        ``associated_data`` is authenticated and not in the result.
        """
        return self._objects.encrypt(self.reference, Mechanism.CLOUDHSM_AES_GCM, plaintext, _gcm(associated_data)).data

    def decrypt(self, ciphertext: bytes, associated_data: bytes = b"") -> bytes:
        """What :meth:`encrypt` was given; :class:`DecryptionFailed` when anything was altered."""
        return self._objects.decrypt(self.reference, Mechanism.CLOUDHSM_AES_GCM, ciphertext, _gcm(associated_data))

    def mac(self, data: bytes) -> bytes:
        """The CMAC of data (SP 800-38B), 16 bytes; needs ``Usage.SIGN``."""
        return self._objects.sign(self.reference, Mechanism.AES_CMAC, data)

    def verify_mac(self, data: bytes, mac: bytes) -> None:
        """Raise :class:`SignatureInvalid` unless the CMAC is right; needs ``Usage.VERIFY``."""
        self._objects.verify(self.reference, Mechanism.AES_CMAC, data, mac)


_HASHES: Final = dict(zip(HMAC_KEYS, Hash, strict=True))


class HsmGenericSecret(HsmKey):
    """Makes HMACs; a key of one HMAC (``KeyType.SHA256_HMAC`` and the like) with its own hash only."""

    @property
    def key_size(self) -> int:
        """Bits."""
        return 8 * int(self._view.value(Attribute.VALUE_LEN))

    def mac(self, data: bytes, hash: Hash | None = None) -> bytes:
        """The HMAC of data (FIPS 198-1), as long as the hash: SHA-256 unless given, or that of the key's type."""
        return self._objects.sign(self.reference, self._mechanism(hash), data)

    def verify_mac(self, data: bytes, mac: bytes, hash: Hash | None = None) -> None:
        """Raise :class:`SignatureInvalid` unless the HMAC is right."""
        self._objects.verify(self.reference, self._mechanism(hash), data, mac)

    def _mechanism(self, hash: Hash | None) -> Mechanism:
        return DIGESTS[hash or _HASHES.get(self._view.value(Attribute.KEY_TYPE), Hash.SHA256)].hmac


def _gcm(associated_data: bytes) -> MechanismParameters:
    return MechanismParameters(aad=associated_data or None, tag_bits=TAG_BITS)
