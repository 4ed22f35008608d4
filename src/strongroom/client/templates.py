"""Templates of new keys: the SDK's choices, sent explicitly, since an HSM's defaults are those of PKCS #11.

A new key is kept, sensitive, not extractable, and can do what its kind is for and nothing else, until told otherwise.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypedDict

from strongroom.client.messages import Template
from strongroom.client.object_kinds import HMAC_KEYS, KeyType, ObjectClass, Usage
from strongroom.vocabulary.attributes import Attribute
from strongroom.vocabulary.mechanisms import Mechanism

AttributeValue = bool | int | bytes | str | Mapping[Attribute, Any] | Sequence[Mechanism]
"""The value of an attribute; a mapping for the templates that a wrapping key demands, a sequence for the mechanisms
that a key is bound to."""

ID_BYTES: Final = 16
DEFAULT_USAGE: Final = {
    KeyType.AES: frozenset({Usage.ENCRYPT, Usage.DECRYPT}),
    KeyType.AES_XTS: frozenset({Usage.ENCRYPT, Usage.DECRYPT}),
    KeyType.DES3: frozenset({Usage.ENCRYPT, Usage.DECRYPT}),
    **dict.fromkeys((KeyType.GENERIC_SECRET, *HMAC_KEYS), frozenset({Usage.SIGN, Usage.VERIFY})),
    KeyType.RSA: frozenset({Usage.SIGN, Usage.VERIFY}),
    KeyType.EC: frozenset({Usage.SIGN, Usage.VERIFY}),
    KeyType.EC_EDWARDS: frozenset({Usage.SIGN, Usage.VERIFY}),
    KeyType.EC_MONTGOMERY: frozenset({Usage.DERIVE}),
    KeyType.ML_DSA: frozenset({Usage.SIGN, Usage.VERIFY}),
}
"""What a key may be used for, where its maker does not say."""

_PRIVATE_HALF: Final = {Usage.VERIFY: Usage.SIGN, Usage.ENCRYPT: Usage.DECRYPT, Usage.WRAP: Usage.UNWRAP}
_PUBLIC_HALF: Final = {private: public for public, private in _PRIVATE_HALF.items()}
_PRIVATE_USES: Final[tuple[Usage, ...]] = (Usage.SIGN, Usage.DECRYPT, Usage.UNWRAP, Usage.DERIVE)
_PUBLIC_USES: Final[tuple[Usage, ...]] = (Usage.VERIFY, Usage.ENCRYPT, Usage.WRAP)
_SECRET_TYPES: Final = (KeyType.AES, KeyType.AES_XTS, KeyType.DES3, KeyType.GENERIC_SECRET, *HMAC_KEYS)


class KeyOptions(TypedDict, total=False):
    """What can be said about each new key."""

    id: bytes
    """``CKA_ID``: what PKCS #11 programs find a key, its other half and its certificate by; else random."""
    usage: Iterable[Usage]
    """All that the key may be used for."""
    extractable: bool
    """Whether the key may be wrapped, by its owner; else it never leaves the cluster."""
    wrap_with_trusted: bool
    """Whether only a key that an admin trusts may wrap it."""
    persistent: bool
    """``False`` makes a session key: it is in one HSM's memory only and gone with the login."""
    attributes: Mapping[Attribute, AttributeValue]
    """Any other attributes; they win over the rest."""


class MadeKeyOptions(KeyOptions, total=False):
    """What can be said about a key that an HSM makes: also with whom it is shared from its beginning."""

    shared_users: Iterable[str]
    """Crypto-users who may use the key, of a pair its private half, as soon as there is that key."""


def shares(options: MadeKeyOptions) -> tuple[list[str], KeyOptions]:
    """With whom a new key is shared, and the rest that is said about it."""
    rest: MadeKeyOptions = {**options}
    return list(rest.pop("shared_users", ())), rest


def of_attributes(attributes: Mapping[Attribute, AttributeValue]) -> Template:
    """A template as the native client takes it: numbers all the way down."""
    return {
        attribute.value: of_attributes(value) if isinstance(value, Mapping) else value
        for attribute, value in attributes.items()
    }


def usage_flags(object_class: ObjectClass, uses: Iterable[Usage]) -> Template:
    """The usage flags of a class, each set or cleared; either half's words are understood for a pair."""
    wanted = {Usage(use) for use in uses}
    if object_class is ObjectClass.PUBLIC_KEY:
        possible, wanted = _PUBLIC_USES, {_PUBLIC_HALF.get(use, use) for use in wanted}
    elif object_class is ObjectClass.PRIVATE_KEY:
        possible, wanted = _PRIVATE_USES, {_PRIVATE_HALF.get(use, use) for use in wanted}
    else:
        possible = tuple(Usage)
    return {Attribute[use.name].value: use in wanted for use in possible}


def new_key(object_class: ObjectClass, key_type: KeyType, label: str, options: KeyOptions) -> Template:
    """The template of a key that an HSM generates; an option that there is not is a :class:`TypeError`."""
    return _template(object_class, label, **_completed(key_type, options))


def new_pair(key_type: KeyType, label: str, options: KeyOptions) -> tuple[Template, Template]:
    """The templates of a key pair, the public key first, with one label and id; ``attributes`` is the private key's."""
    private = _completed(key_type, options)
    public: KeyOptions = {**private, "attributes": {}}
    return (
        _template(ObjectClass.PUBLIC_KEY, label, **public),
        _template(ObjectClass.PRIVATE_KEY, label, **private),
    )


def incoming_key(key_type: KeyType, label: str, options: KeyOptions, *, public: bool = False) -> Template:
    """The template of a key that is imported or unwrapped, without its value."""
    pair_class = ObjectClass.PUBLIC_KEY if public else ObjectClass.PRIVATE_KEY
    object_class = ObjectClass.SECRET_KEY if key_type in _SECRET_TYPES else pair_class
    template = new_key(object_class, key_type, label, options)
    return template | {Attribute.CLASS.value: object_class.value, Attribute.KEY_TYPE.value: key_type.value}


def _completed(key_type: KeyType, options: KeyOptions) -> KeyOptions:
    defaults: KeyOptions = {"id": secrets.token_bytes(ID_BYTES), "usage": DEFAULT_USAGE[key_type]}
    return {**defaults, **options}


def _template(
    object_class: ObjectClass,
    label: str,
    *,
    id: bytes,
    usage: Iterable[Usage],
    extractable: bool = False,
    wrap_with_trusted: bool = False,
    persistent: bool = True,
    attributes: Mapping[Attribute, AttributeValue] | None = None,
) -> Template:
    template: Template = {
        Attribute.LABEL.value: label,
        Attribute.ID.value: id,
        Attribute.TOKEN.value: persistent,
        **usage_flags(object_class, usage),
    }
    if object_class is not ObjectClass.PUBLIC_KEY:
        template |= {
            Attribute.SENSITIVE.value: True,
            Attribute.EXTRACTABLE.value: extractable,
            Attribute.WRAP_WITH_TRUSTED.value: wrap_with_trusted,
        }
    return template | of_attributes(attributes or {})
