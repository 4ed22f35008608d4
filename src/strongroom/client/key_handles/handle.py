"""What all key handles have: attributes, their change, and the end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Self

from strongroom.client import templates
from strongroom.client.messages import ObjectView, Template
from strongroom.client.object_kinds import KeyType, ObjectClass, Usage
from strongroom.client.objects import Objects
from strongroom.client.templates import AttributeValue
from strongroom.vocabulary.attributes import SECRET, Attribute


class HsmKey:
    """A key in the cluster. A handle holds no key material; it is good as long as its session.

    Properties show what the HSM said last: :meth:`refresh` asks again. Two handles are equal when they are of the same
    key under the same session.
    """

    def __init__(self, objects: Objects, view: ObjectView) -> None:
        self._objects = objects
        self._view = view

    # -- what it is ---------------------------------------------------------------------------------------------------
    @property
    def reference(self) -> int:
        """The key's number in the cluster, the same on every HSM."""
        return self._view.reference

    @property
    def label(self) -> str:
        return self._view.value(Attribute.LABEL) or ""

    @property
    def id(self) -> bytes:
        """``CKA_ID``."""
        return self._view.value(Attribute.ID) or b""

    @property
    def object_class(self) -> ObjectClass | None:
        """``None`` where it is not told: an admin sees reference, owner, label, trust and shares of private objects."""
        number = self._view.value(Attribute.CLASS)
        return None if number is None else ObjectClass(number)

    @property
    def key_type(self) -> KeyType | None:
        """``None`` where it is not told."""
        number = self._view.value(Attribute.KEY_TYPE)
        return None if number is None else KeyType(number)

    @property
    def owner(self) -> str:
        """The crypto-user who owns it."""
        return self._view.owner

    @property
    def shared_users(self) -> Sequence[str]:
        """The crypto-users that its owner shares it with: told to them, the owner and admins."""
        return tuple(self._view.shared_users)

    @property
    def usage(self) -> frozenset[Usage]:
        """All that it may be used for."""
        return frozenset(use for use in Usage if self._view.value(Attribute[use.name]))

    @property
    def is_persistent(self) -> bool:
        """Whether it is kept; a session key goes with its login."""
        return bool(self._view.value(Attribute.TOKEN))

    @property
    def is_extractable(self) -> bool:
        """Whether its owner may wrap it."""
        return bool(self._view.value(Attribute.EXTRACTABLE))

    @property
    def is_trusted(self) -> bool:
        """Whether an admin lets it wrap keys that are to be wrapped with trusted keys only."""
        return bool(self._view.value(Attribute.TRUSTED))

    @property
    def attributes(self) -> Mapping[Attribute, Any]:
        """Every readable attribute; key material is never among them."""
        known = {number for number in Attribute if number not in SECRET}
        view = self._view.attributes
        return MappingProxyType({Attribute(number): value for number, value in view.items() if number in known})

    # -- its life -----------------------------------------------------------------------------------------------------
    def refresh(self) -> Self:
        """Ask the HSM for the attributes again; :class:`KeyNotFound` when the key is gone."""
        self._view = self._objects.get(self.reference)
        return self

    def update(
        self,
        *,
        label: str | None = None,
        id: bytes | None = None,
        usage: Iterable[Usage] | None = None,
        trusted: bool | None = None,
        attributes: Mapping[Attribute, AttributeValue] | None = None,
    ) -> Self:
        """Change what is given, on every HSM before this returns.

        ``usage`` is all that the key may do from now on. ``trusted`` is an admin's to say, the rest is the owner's.
        """
        template: Template = {} if label is None else {Attribute.LABEL.value: label}
        if id is not None:
            template[Attribute.ID.value] = id
        if trusted is not None:
            template[Attribute.TRUSTED.value] = trusted
        if usage is not None:
            if self.object_class is None:
                raise TypeError(f"{self!r}: who is not told a key's class cannot say what it may be used for.")
            template |= templates.usage_flags(self.object_class, usage)
        self._view = self._objects.set_attributes(self.reference, template | templates.of_attributes(attributes or {}))
        return self

    def share(self, username: str) -> Self:
        """Let another crypto-user use the key; its owner only.

        That user signs, verifies, encrypts, decrypts, wraps and unwraps with it, as its usage allows, and can neither
        wrap it, derive from it, change it, share it nor destroy it. The halves of a pair are shared one by one.
        """
        self._view = self._objects.share(self.reference, username)
        return self

    def unshare(self, username: str) -> Self:
        """Take that back, on every HSM before this returns."""
        self._view = self._objects.unshare(self.reference, username)
        return self

    def destroy(self) -> None:
        """Destroy it on every HSM before this returns; its owner only. There is no way back."""
        self._objects.destroy(self.reference)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.label!r} 0x{self.reference:016x}>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, HsmKey):
            return NotImplemented
        return self._objects is other._objects and self.reference == other.reference

    def __hash__(self) -> int:
        return hash(self.reference)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self
