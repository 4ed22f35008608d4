"""The keys of a login: making, finding and importing them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar, Unpack

from strongroom.client import curves, templates
from strongroom.client.curves import NamedCurve
from strongroom.client.errors import AmbiguousKey, KeyNotFound
from strongroom.client.key_handles.handle import HsmKey
from strongroom.client.key_handles.opening import open_key
from strongroom.client.key_handles.secret import HsmAesKey, HsmGenericSecret
from strongroom.client.messages import ObjectView, Template
from strongroom.client.object_kinds import KeyType, ObjectClass
from strongroom.client.objects import Objects
from strongroom.client.templates import AttributeValue, KeyOptions, MadeKeyOptions
from strongroom.vocabulary.attributes import Attribute
from strongroom.vocabulary.mechanisms import Mechanism

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec

    from strongroom.client.imports import LocalPrivateKey, LocalPublicKey
    from strongroom.client.key_handles.ec import HsmEcPrivateKey, HsmEcPublicKey
    from strongroom.client.key_handles.ed25519 import HsmEd25519PrivateKey, HsmEd25519PublicKey
    from strongroom.client.key_handles.rsa import HsmRsaPrivateKey, HsmRsaPublicKey
    from strongroom.client.key_handles.x25519 import HsmX25519PrivateKey, HsmX25519PublicKey

    PrivateKey = HsmRsaPrivateKey | HsmEcPrivateKey | HsmEd25519PrivateKey | HsmX25519PrivateKey
    PublicKey = HsmRsaPublicKey | HsmEcPublicKey | HsmEd25519PublicKey | HsmX25519PublicKey

_KEY_CLASSES = (ObjectClass.PUBLIC_KEY, ObjectClass.PRIVATE_KEY, ObjectClass.SECRET_KEY)
_CLASS_NAMES = {
    None: "key",
    ObjectClass.DATA: "data object",
    ObjectClass.CERTIFICATE: "certificate",
    ObjectClass.PUBLIC_KEY: "public key",
    ObjectClass.PRIVATE_KEY: "private key",
    ObjectClass.SECRET_KEY: "secret key",
}
_Public = TypeVar("_Public", bound=HsmKey)
_Private = TypeVar("_Private", bound=HsmKey)


class KeyPair(NamedTuple, Generic[_Public, _Private]):
    """Both halves of a new key pair, with one label and id."""

    public: _Public
    private: _Private

    def destroy(self) -> None:
        """Destroy both halves, the private one first."""
        self.private.destroy()
        self.public.destroy()


class Keys:
    """The keys that a login sees.

    What makes a key takes ``label`` and, by name, ``id``, ``usage``, ``extractable``, ``wrap_with_trusted``,
    ``persistent`` and ``attributes`` (:class:`KeyOptions`); what generates one also ``shared_users``. Left alone, a key
    is kept, never leaves the cluster, and does what its kind is for: AES keys encrypt, generic secrets make MACs, pairs
    sign, X25519 pairs agree on keys.
    """

    def __init__(self, objects: Objects, cluster_id: str = "") -> None:
        self._objects = objects
        self._cluster_id = cluster_id

    # -- making -------------------------------------------------------------------------------------------------------
    def generate_aes(self, bits: int = 256, *, label: str, **options: Unpack[MadeKeyOptions]) -> HsmAesKey:
        """An AES key of 128, 192 or 256 bits."""
        return HsmAesKey(self._objects, self._generate(KeyType.AES, Mechanism.AES_KEY_GEN, bits, label, options))

    def generate_generic_secret(
        self, bits: int = 256, *, label: str, **options: Unpack[MadeKeyOptions]
    ) -> HsmGenericSecret:
        """A key for HMAC, of 8 to 6,400 bits in whole bytes."""
        view = self._generate(KeyType.GENERIC_SECRET, Mechanism.GENERIC_SECRET_KEY_GEN, bits, label, options)
        return HsmGenericSecret(self._objects, view)

    def generate_rsa(
        self, bits: int = 3072, *, label: str, **options: Unpack[MadeKeyOptions]
    ) -> KeyPair[HsmRsaPublicKey, HsmRsaPrivateKey]:
        """An RSA pair of 2,048 to 4,096 bits in steps of 256, with the public exponent 65,537."""
        from strongroom.client.key_handles.rsa import HsmRsaPrivateKey, HsmRsaPublicKey

        number: Template = {Attribute.MODULUS_BITS.value: bits, Attribute.PUBLIC_EXPONENT.value: b"\x01\x00\x01"}
        views = self._generate_pair(KeyType.RSA, Mechanism.RSA_PKCS_KEY_PAIR_GEN, number, label, options)
        return KeyPair(HsmRsaPublicKey(self._objects, views[0]), HsmRsaPrivateKey(self._objects, views[1]))

    def generate_ec(
        self, curve: NamedCurve | ec.EllipticCurve = NamedCurve.P256, *, label: str, **options: Unpack[MadeKeyOptions]
    ) -> KeyPair[HsmEcPublicKey, HsmEcPrivateKey]:
        """An EC pair for ECDSA; the curve by name or as pyca/cryptography has it."""
        from strongroom.client.key_handles.ec import HsmEcPrivateKey, HsmEcPublicKey

        name = NamedCurve(curve if isinstance(curve, str) else curve.name)
        views = self._generate_pair(KeyType.EC, Mechanism.EC_KEY_PAIR_GEN, _curve(name), label, options)
        return KeyPair(HsmEcPublicKey(self._objects, views[0]), HsmEcPrivateKey(self._objects, views[1]))

    def generate_ed25519(
        self, *, label: str, **options: Unpack[MadeKeyOptions]
    ) -> KeyPair[HsmEd25519PublicKey, HsmEd25519PrivateKey]:
        """An Ed25519 pair; a cluster of Mode FIPS refuses."""
        from strongroom.client.key_handles.ed25519 import HsmEd25519PrivateKey, HsmEd25519PublicKey

        mechanism, parameters = Mechanism.EC_EDWARDS_KEY_PAIR_GEN, _curve(curves.ED25519)
        views = self._generate_pair(KeyType.EC_EDWARDS, mechanism, parameters, label, options)
        return KeyPair(HsmEd25519PublicKey(self._objects, views[0]), HsmEd25519PrivateKey(self._objects, views[1]))

    def generate_x25519(
        self, *, label: str, **options: Unpack[MadeKeyOptions]
    ) -> KeyPair[HsmX25519PublicKey, HsmX25519PrivateKey]:
        """An X25519 pair, which agrees on keys; a cluster of Mode FIPS refuses."""
        from strongroom.client.key_handles.x25519 import HsmX25519PrivateKey, HsmX25519PublicKey

        mechanism, parameters = Mechanism.EC_MONTGOMERY_KEY_PAIR_GEN, _curve(curves.X25519.name)
        views = self._generate_pair(KeyType.EC_MONTGOMERY, mechanism, parameters, label, options)
        return KeyPair(HsmX25519PublicKey(self._objects, views[0]), HsmX25519PrivateKey(self._objects, views[1]))

    # -- finding ------------------------------------------------------------------------------------------------------
    def find(
        self,
        *,
        label: str | None = None,
        id: bytes | None = None,
        object_class: ObjectClass | None = None,
        key_type: KeyType | None = None,
        attributes: Mapping[Attribute, AttributeValue] | None = None,
    ) -> Iterator[HsmKey]:
        """Every visible key that has all of what is given, page by page, in ascending order of reference."""
        template: Template = {} if label is None else {Attribute.LABEL.value: label}
        if id is not None:
            template[Attribute.ID.value] = id
        if object_class is not None:
            template[Attribute.CLASS.value] = object_class.value
        if key_type is not None:
            template[Attribute.KEY_TYPE.value] = key_type.value
        template |= templates.of_attributes(attributes or {})
        for view in self._objects.find_all(template):
            if view.value(Attribute.CLASS) in (None, *_KEY_CLASSES):  # an admin is not told the class
                yield open_key(self._objects, view)

    def get(
        self,
        *,
        label: str | None = None,
        id: bytes | None = None,
        object_class: ObjectClass | None = None,
        key_type: KeyType | None = None,
    ) -> HsmKey:
        """The one key that has all of what is given; :class:`KeyNotFound`, or :class:`AmbiguousKey`."""
        found = list(islice(self.find(label=label, id=id, object_class=object_class, key_type=key_type), 2))
        wanted = {"label": label, "id": id and id.hex(), "type": key_type and key_type.name}
        told = " and ".join(f"the {name} {value!r}" for name, value in wanted.items() if value is not None)
        kind = _CLASS_NAMES[object_class]
        if not found:
            raise KeyNotFound(f"No {kind} that you can see has {told or 'been made'}.")
        if len(found) > 1:
            raise AmbiguousKey(f"Several {kind}s have {told or 'been made'}: say more, or use by_reference.")
        return found[0]

    def by_reference(self, reference: int) -> HsmKey:
        """The key of a reference; :class:`KeyNotFound` when it is not there or not visible."""
        view = self._objects.get(reference)
        object_class = view.value(Attribute.CLASS)
        if object_class not in (None, *_KEY_CLASSES):
            raise KeyNotFound(f"The object 0x{reference:016x} is a {_CLASS_NAMES[ObjectClass(object_class)]}.")
        return open_key(self._objects, view)

    def by_reference_file(self, path: str | os.PathLike[str]) -> HsmRsaPrivateKey | HsmEcPrivateKey:
        """The private key that a file of ``key generate-file --encoding ksp-key-reference`` refers to.

        :class:`KeyNotFound` when it is not there, not visible, of another cluster, or not that whose public key is in
        the file; :class:`ValueError` when the file is another.
        """
        from strongroom.client import key_reference_files
        from strongroom.client.key_handles.ec import HsmEcPrivateKey
        from strongroom.client.key_handles.rsa import HsmRsaPrivateKey

        file = key_reference_files.read(path)
        if file.cluster_id and self._cluster_id and file.cluster_id != self._cluster_id:
            raise KeyNotFound(
                f"The file is of a key of {file.cluster_id}, and this session is with {self._cluster_id}."
            )
        expected = file.public_key_info()
        key = self.by_reference(file.reference)
        is_same = expected in (None, key.attributes.get(Attribute.PUBLIC_KEY_INFO))
        if not is_same or not isinstance(key, HsmRsaPrivateKey | HsmEcPrivateKey):
            raise KeyNotFound(f"{key!r} is not the private key that the file was written for.")
        return key

    def private_key(self, *, label: str | None = None, id: bytes | None = None) -> PrivateKey:
        """The one private key of a label or id, as pyca/cryptography's programs use one."""
        from strongroom.client.key_handles.ec import HsmEcPrivateKey
        from strongroom.client.key_handles.ed25519 import HsmEd25519PrivateKey
        from strongroom.client.key_handles.rsa import HsmRsaPrivateKey
        from strongroom.client.key_handles.x25519 import HsmX25519PrivateKey

        key = self.get(label=label, id=id, object_class=ObjectClass.PRIVATE_KEY)
        if not isinstance(key, HsmRsaPrivateKey | HsmEcPrivateKey | HsmEd25519PrivateKey | HsmX25519PrivateKey):
            raise TypeError(f"{key!r} is not an RSA, EC, Ed25519 or X25519 private key.")
        return key

    def public_key(self, *, label: str | None = None, id: bytes | None = None) -> PublicKey:
        """The one public key of a label or id, as pyca/cryptography's programs use one."""
        from strongroom.client.key_handles.ec import HsmEcPublicKey
        from strongroom.client.key_handles.ed25519 import HsmEd25519PublicKey
        from strongroom.client.key_handles.rsa import HsmRsaPublicKey
        from strongroom.client.key_handles.x25519 import HsmX25519PublicKey

        key = self.get(label=label, id=id, object_class=ObjectClass.PUBLIC_KEY)
        if not isinstance(key, HsmRsaPublicKey | HsmEcPublicKey | HsmEd25519PublicKey | HsmX25519PublicKey):
            raise TypeError(f"{key!r} is not an RSA, EC, Ed25519 or X25519 public key.")
        return key

    def aes_key(self, *, label: str | None = None, id: bytes | None = None) -> HsmAesKey:
        """The one AES key of a label or id."""
        key = self.get(label=label, id=id, object_class=ObjectClass.SECRET_KEY, key_type=KeyType.AES)
        if not isinstance(key, HsmAesKey):
            raise TypeError(f"{key!r} is not an AES key.")
        return key

    def generic_secret(self, *, label: str | None = None, id: bytes | None = None) -> HsmGenericSecret:
        """The one generic secret of a label or id."""
        key = self.get(label=label, id=id, object_class=ObjectClass.SECRET_KEY, key_type=KeyType.GENERIC_SECRET)
        if not isinstance(key, HsmGenericSecret):
            raise TypeError(f"{key!r} is not a generic secret.")
        return key

    # -- importing ----------------------------------------------------------------------------------------------------
    def import_aes(self, value: bytes, *, label: str, **options: Unpack[KeyOptions]) -> HsmAesKey:
        """An AES key that exists in clear, and whose copies outside stay what they are."""
        template = templates.incoming_key(KeyType.AES, label, options) | {Attribute.VALUE.value: value}
        return HsmAesKey(self._objects, self._objects.create(template))

    def import_generic_secret(self, value: bytes, *, label: str, **options: Unpack[KeyOptions]) -> HsmGenericSecret:
        """A generic secret that exists in clear."""
        template = templates.incoming_key(KeyType.GENERIC_SECRET, label, options) | {Attribute.VALUE.value: value}
        return HsmGenericSecret(self._objects, self._objects.create(template))

    def import_private_key(self, key: LocalPrivateKey, *, label: str, **options: Unpack[KeyOptions]) -> HsmKey:
        """A private key of pyca/cryptography's own (PEM files: ``serialization.load_pem_private_key``)."""
        from strongroom.client import imports

        key_type, value = imports.private_value(key)
        view = self._objects.create(templates.incoming_key(key_type, label, options) | value)
        return open_key(self._objects, view)

    def import_public_key(self, key: LocalPublicKey, *, label: str, **options: Unpack[KeyOptions]) -> HsmKey:
        """A public key of pyca/cryptography's own."""
        from strongroom.client import imports

        key_type, value = imports.public_value(key)
        view = self._objects.create(templates.incoming_key(key_type, label, options, public=True) | value)
        return open_key(self._objects, view)

    # -- details ------------------------------------------------------------------------------------------------------
    def _generate(
        self, key_type: KeyType, mechanism: Mechanism, bits: int, label: str, options: MadeKeyOptions
    ) -> ObjectView:
        if bits % 8:
            raise ValueError(f"A key of {bits} bits is not of whole bytes.")
        shared_users, rest = templates.shares(options)
        template = templates.new_key(ObjectClass.SECRET_KEY, key_type, label, rest)
        template |= {Attribute.VALUE_LEN.value: bits // 8}
        return self._objects.generate(mechanism, template, shared_users=shared_users)

    def _generate_pair(
        self, key_type: KeyType, mechanism: Mechanism, parameters: Template, label: str, options: MadeKeyOptions
    ) -> tuple[ObjectView, ObjectView]:
        shared_users, rest = templates.shares(options)
        public, private = templates.new_pair(key_type, label, rest)
        return self._objects.generate_pair(mechanism, public | parameters, private, shared_users=shared_users)


def _curve(name: str) -> Template:
    return {Attribute.EC_PARAMS.value: curves.known(name).parameters}
