"""Private keys that agree with another party's public key on a new key of the cluster (ECDH, SP 800-56A, RFC 7748)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from strongroom.client import templates
from strongroom.client.digests import Hash
from strongroom.client.key_handles.opening import open_key
from strongroom.client.key_handles.pyca import NotExportablePrivateKey
from strongroom.client.messages import MechanismParameters
from strongroom.client.object_kinds import KeyType
from strongroom.client.templates import KeyOptions
from strongroom.vocabulary.attributes import Attribute
from strongroom.vocabulary.mechanisms import Mechanism

if TYPE_CHECKING:
    from strongroom.client.key_handles.handle import HsmKey

X963_FUNCTIONS: Final = {
    Hash.SHA1: 2,
    Hash.SHA224: 5,
    Hash.SHA256: 6,
    Hash.SHA384: 7,
    Hash.SHA512: 8,
    Hash.SHA3_224: 10,
    Hash.SHA3_256: 11,
    Hash.SHA3_384: 12,
    Hash.SHA3_512: 13,
}
"""``CKD_*_KDF``, the derivation functions of ANSI X9.63 (PKCS #11 3.0 mechanisms, section 2.3.17)."""


class AgreeingKey(NotExportablePrivateKey):
    """A private key that agrees on keys. ``session.objects.derive`` has the other derivation functions."""

    def _derive(
        self, peer: bytes, key_type: KeyType, bits: int, label: str, info: bytes, hash: Hash, options: KeyOptions
    ) -> HsmKey:
        if bits % 8:
            raise ValueError(f"A key of {bits} bits is not of whole bytes.")
        template = templates.incoming_key(key_type, label, options) | {Attribute.VALUE_LEN.value: bits // 8}
        parameters = MechanismParameters(kdf=X963_FUNCTIONS[Hash(hash)], public_data=peer, info=info or None)
        view = self._objects.derive(self.reference, Mechanism.ECDH1_DERIVE, template, parameters)
        return open_key(self._objects, view)
