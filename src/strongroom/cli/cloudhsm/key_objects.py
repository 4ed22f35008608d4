"""Keys as answers show them (aws-cloudhsm 4.3)."""

from __future__ import annotations

from typing import Any, Final

from strongroom.cli.cloudhsm import attribute_values
from strongroom.cli.cloudhsm.key_lengths import stored_length
from strongroom.client import ObjectView, ml_dsa
from strongroom.client.object_kinds import KeyType, ObjectClass
from strongroom.vocabulary.attributes import CLI_NAMES, Attribute

_ALWAYS: Final = (
    Attribute.KEY_TYPE,
    Attribute.LABEL,
    Attribute.ID,
    Attribute.CHECK_VALUE,
    Attribute.CLASS,
    Attribute.ENCRYPT,
    Attribute.DECRYPT,
    Attribute.TOKEN,
    Attribute.ALWAYS_SENSITIVE,
    Attribute.DERIVE,
    Attribute.DESTROYABLE,
    Attribute.EXTRACTABLE,
    Attribute.LOCAL,
    Attribute.MODIFIABLE,
    Attribute.NEVER_EXTRACTABLE,
    Attribute.PRIVATE,
    Attribute.SENSITIVE,
    Attribute.SIGN,
    Attribute.TRUSTED,
    Attribute.UNWRAP,
    Attribute.VERIFY,
    Attribute.WRAP,
    Attribute.WRAP_WITH_TRUSTED,
)
"""Shown for every key, in the order of AWS's samples."""
_WHERE_PRESENT: Final = (
    Attribute.PUBLIC_EXPONENT,
    Attribute.MODULUS,
    Attribute.MODULUS_BITS,
    Attribute.EC_POINT,
    Attribute.EC_PARAMS,
)
_WITHOUT: Final[dict[Attribute, Any]] = {
    Attribute.LABEL: "",
    Attribute.ID: b"",
    Attribute.CHECK_VALUE: b"",
    Attribute.DESTROYABLE: True,
    Attribute.MODIFIABLE: True,
}
"""What an object means that has no such attribute; a flag that is not there is false."""


def reference(key: ObjectView) -> str:
    return f"0x{key.reference:016x}"


def short(key: ObjectView) -> dict[str, Any]:
    """What ``key list`` shows without ``--verbose``."""
    return {"key-reference": reference(key), "attributes": {"label": key.value(Attribute.LABEL) or ""}}


def full(key: ObjectView) -> dict[str, Any]:
    """The key object. A token key is on every HSM as soon as a call returns, so that coverage is ``full``."""
    return {
        "key-reference": reference(key),
        "key-info": {
            "key-owners": [{"username": key.owner, "key-coverage": "full"}] if key.owner else [],
            "shared-users": [{"username": name, "key-coverage": "full"} for name in key.shared_users],
            "key-quorum-values": {"manage-key-quorum-value": 0, "use-key-quorum-value": 0},
            "cluster-coverage": "full",
        },
        "attributes": _attributes(key),
    }


def _attributes(key: ObjectView) -> dict[str, Any]:
    if key.value(Attribute.CLASS) is None:
        # An admin sees few attributes of a key; the rest is not to be guessed.
        seen = [attribute for attribute in _ALWAYS if attribute.value in key.attributes]
        return {CLI_NAMES[attribute]: _shown(key, attribute) for attribute in seen}
    shown = {CLI_NAMES[attribute]: _shown(key, attribute) for attribute in _ALWAYS}
    length = stored_length(key)
    if length is not None:
        shown["key-length-bytes"] = length
    for attribute in _WHERE_PRESENT:
        value = key.value(attribute)
        if attribute is Attribute.MODULUS_BITS and value is None and key.value(Attribute.MODULUS):
            value = int.from_bytes(key.value(Attribute.MODULUS)).bit_length()
        if value is not None:
            shown[CLI_NAMES[attribute]] = attribute_values.shown(attribute, value)
    ml_dsa_set = ml_dsa.parameter_set(key) if key.value(Attribute.KEY_TYPE) == KeyType.ML_DSA else None
    if ml_dsa_set is not None:
        shown["mldsa-algorithm"] = ml_dsa_set.name
    return shown


def _shown(key: ObjectView, attribute: Attribute) -> bool | int | str:
    value = key.value(attribute)
    if value is None:
        # AWS shows a public key as extractable, which it is by nature.
        public = key.value(Attribute.CLASS) == ObjectClass.PUBLIC_KEY
        value = public if attribute is Attribute.EXTRACTABLE else _WITHOUT.get(attribute, False)
    return attribute_values.shown(attribute, value)
