"""Certificates beside the keys, for programs that look for both in one place (aws-cloudhsm 6.5).

A certificate is public: every crypto-user of the cluster sees it, and its owner alone changes or destroys it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Final

from strongroom.client.errors import AmbiguousKey, KeyNotFound
from strongroom.client.messages import ObjectView, Template
from strongroom.client.object_kinds import ObjectClass
from strongroom.client.objects import Objects
from strongroom.vocabulary.attributes import Attribute

if TYPE_CHECKING:
    from cryptography import x509

_X_509: Final = 0
"""``CKC_X_509``."""


class StoredCertificate:
    """A certificate in the cluster."""

    def __init__(self, objects: Objects, view: ObjectView) -> None:
        self._objects = objects
        self._view = view

    @property
    def reference(self) -> int:
        """Its number in the cluster."""
        return self._view.reference

    @property
    def label(self) -> str:
        return self._view.value(Attribute.LABEL) or ""

    @property
    def id(self) -> bytes:
        """``CKA_ID``, that of its key pair."""
        return self._view.value(Attribute.ID) or b""

    @property
    def owner(self) -> str:
        """The crypto-user who stored it."""
        return self._view.owner

    def load(self) -> x509.Certificate:
        """The certificate as pyca/cryptography has it."""
        from cryptography import x509

        return x509.load_der_x509_certificate(self._view.value(Attribute.VALUE))

    def destroy(self) -> None:
        """Remove it from the cluster; its owner only."""
        self._objects.destroy(self.reference)

    def __repr__(self) -> str:
        return f"<StoredCertificate {self.label!r} 0x{self.reference:016x}>"


class Certificates:
    """The certificates that a login sees."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def store(
        self, certificate: x509.Certificate, *, label: str, id: bytes = b"", persistent: bool = True
    ) -> StoredCertificate:
        """Keep a certificate; ``id`` is that of its key pair, where PKCS #11 programs are to find them together."""
        from cryptography.hazmat.primitives.serialization import Encoding

        template: Template = {
            Attribute.CLASS.value: ObjectClass.CERTIFICATE.value,
            Attribute.CERTIFICATE_TYPE.value: _X_509,
            Attribute.TOKEN.value: persistent,
            Attribute.LABEL.value: label,
            Attribute.ID.value: id,
            Attribute.VALUE.value: certificate.public_bytes(Encoding.DER),
        }
        return StoredCertificate(self._objects, self._objects.create(template))

    def find(self, *, label: str | None = None, id: bytes | None = None) -> Iterator[StoredCertificate]:
        """Every certificate that has all of what is given, in ascending order of reference."""
        template: Template = {Attribute.CLASS.value: ObjectClass.CERTIFICATE.value}
        if label is not None:
            template[Attribute.LABEL.value] = label
        if id is not None:
            template[Attribute.ID.value] = id
        for view in self._objects.find_all(template):
            yield StoredCertificate(self._objects, view)

    def get(self, *, label: str | None = None, id: bytes | None = None) -> StoredCertificate:
        """The one certificate that has all of what is given; :class:`KeyNotFound`, or :class:`AmbiguousKey`."""
        found = list(islice(self.find(label=label, id=id), 2))
        told = f"label {label!r} and id {id.hex() if id is not None else None}"
        if not found:
            raise KeyNotFound(f"No certificate has {told}.")
        if len(found) > 1:
            raise AmbiguousKey(f"Several certificates have {told}.")
        return found[0]
