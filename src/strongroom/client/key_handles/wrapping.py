"""Keys that wrap and unwrap other keys."""

from __future__ import annotations

from typing import ClassVar, Final, Unpack

from strongroom.client import templates
from strongroom.client.digests import DIGESTS, Hash
from strongroom.client.key_handles.handle import HsmKey
from strongroom.client.key_handles.opening import open_key
from strongroom.client.messages import MechanismParameters
from strongroom.client.object_kinds import KeyType
from strongroom.client.templates import MadeKeyOptions
from strongroom.vocabulary.attributes import Attribute
from strongroom.vocabulary.mechanisms import Mechanism

_SHA256: Final = DIGESTS[Hash.SHA256]
OAEP_SHA256: Final = MechanismParameters(hash=_SHA256.mechanism.value, mgf=_SHA256.mgf)


class WrappingKey(HsmKey):
    """A key that wraps. ``session.objects.wrap`` has the other mechanisms."""

    _wrapping: ClassVar[tuple[Mechanism, MechanismParameters | None]]

    def wrap(self, key: HsmKey) -> bytes:
        """Another key under this one, with AES-KWP (SP 800-38F) or RSA-OAEP with SHA-256.

        The other key must be extractable and one's own. A private key is wrapped as PKCS #8: too long for RSA-OAEP.
        """
        mechanism, parameters = self._wrapping
        return self._objects.wrap(self.reference, mechanism, key.reference, parameters).data


class UnwrappingKey(HsmKey):
    """A key that unwraps. ``session.objects.unwrap`` has the other mechanisms."""

    _wrapping: ClassVar[tuple[Mechanism, MechanismParameters | None]]

    def unwrap(self, wrapped: bytes, key_type: KeyType, *, label: str, **options: Unpack[MadeKeyOptions]) -> HsmKey:
        """A new key of the cluster from what ``wrap`` gave, here or elsewhere; :class:`DecryptionFailed`."""
        mechanism, parameters = self._wrapping
        shared_users, rest = templates.shares(options)
        template = templates.incoming_key(key_type, label, rest)
        if "wrap_with_trusted" not in rest and Attribute.WRAP_WITH_TRUSTED not in rest.get("attributes", {}):
            # What a trusted key unwraps must have it, and other keys need not.
            template.pop(Attribute.WRAP_WITH_TRUSTED.value, None)
        view = self._objects.unwrap(self.reference, mechanism, wrapped, template, parameters, shared_users=shared_users)
        return open_key(self._objects, view)
