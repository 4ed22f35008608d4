"""Choosing the handle's class for an object. Classes are loaded when they are wanted: pyca/cryptography is heavy."""

from __future__ import annotations

from strongroom.client.key_handles.handle import HsmKey
from strongroom.client.messages import ObjectView
from strongroom.client.object_kinds import HMAC_KEYS, KeyType, ObjectClass
from strongroom.client.objects import Objects
from strongroom.vocabulary.attributes import Attribute


def open_key(objects: Objects, view: ObjectView) -> HsmKey:
    """The handle for a key object; a plain :class:`HsmKey` where the key is of no type that the SDK can use."""
    kind = (view.value(Attribute.CLASS), view.value(Attribute.KEY_TYPE))
    return _handle_class(kind)(objects, view)


def _handle_class(kind: tuple[int | None, int | None]) -> type[HsmKey]:
    if kind[0] == ObjectClass.SECRET_KEY:
        from strongroom.client.key_handles.secret import HsmAesKey, HsmGenericSecret

        if kind[1] == KeyType.AES:
            return HsmAesKey
        return HsmGenericSecret if kind[1] in (KeyType.GENERIC_SECRET, *HMAC_KEYS) else HsmKey
    if kind[0] not in (ObjectClass.PRIVATE_KEY, ObjectClass.PUBLIC_KEY):
        return HsmKey
    if kind[1] == KeyType.RSA:
        from strongroom.client.key_handles.rsa import HsmRsaPrivateKey, HsmRsaPublicKey

        return HsmRsaPrivateKey if kind[0] == ObjectClass.PRIVATE_KEY else HsmRsaPublicKey
    if kind[1] == KeyType.EC:
        from strongroom.client.key_handles.ec import HsmEcPrivateKey, HsmEcPublicKey

        return HsmEcPrivateKey if kind[0] == ObjectClass.PRIVATE_KEY else HsmEcPublicKey
    if kind[1] == KeyType.EC_EDWARDS:
        from strongroom.client.key_handles.ed25519 import HsmEd25519PrivateKey, HsmEd25519PublicKey

        return HsmEd25519PrivateKey if kind[0] == ObjectClass.PRIVATE_KEY else HsmEd25519PublicKey
    if kind[1] == KeyType.EC_MONTGOMERY:
        from strongroom.client.key_handles.x25519 import HsmX25519PrivateKey, HsmX25519PublicKey

        return HsmX25519PrivateKey if kind[0] == ObjectClass.PRIVATE_KEY else HsmX25519PublicKey
    return HsmKey
