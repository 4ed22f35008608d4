"""Attribute names and values as the command line spells them, and the answers print them (aws-cloudhsm 4.3, 5.2)."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any, Final

from strongroom.cli.cloudhsm.byte_values import from_hexadecimal
from strongroom.cli.cloudhsm.envelope import CommandError
from strongroom.client import curves
from strongroom.client.digests import DIGESTS
from strongroom.client.messages import Template
from strongroom.client.object_kinds import HMAC_KEYS, KeyType, ObjectClass
from strongroom.vocabulary.attributes import CLI_NAMES, KINDS, SECRET, Attribute

CLASS_NAMES: Final = {
    ObjectClass.PUBLIC_KEY: "public-key",
    ObjectClass.PRIVATE_KEY: "private-key",
    ObjectClass.SECRET_KEY: "secret-key",
}
KEY_TYPE_NAMES: Final = {
    KeyType.RSA: "rsa",
    KeyType.EC: "ec",
    KeyType.EC_EDWARDS: "ec-edwards",
    KeyType.EC_MONTGOMERY: "ec-montgomery",
    KeyType.ML_DSA: "ml-dsa",
    KeyType.ML_KEM: "ml-kem",
    KeyType.AES: "aes",
    KeyType.AES_XTS: "aes-xts",
    KeyType.DES3: "des3",
    KeyType.GENERIC_SECRET: "generic-secret",
    **{key_type: f"{digest.name}-hmac" for key_type, digest in zip(HMAC_KEYS, DIGESTS.values(), strict=True)},
}
_BY_NAME: Final = {
    name: attribute
    for attribute, name in CLI_NAMES.items()
    if attribute not in SECRET and KINDS[attribute] not in {"template", "mechanisms"}
}
_NAMED_NUMBERS: Final[dict[Attribute, dict[str, int]]] = {
    Attribute.CLASS: {name: number.value for number, name in CLASS_NAMES.items()},
    Attribute.KEY_TYPE: {name: number.value for number, name in KEY_TYPE_NAMES.items()},
}
_USAGE: Final = (
    Attribute.ENCRYPT,
    Attribute.DECRYPT,
    Attribute.SIGN,
    Attribute.VERIFY,
    Attribute.WRAP,
    Attribute.UNWRAP,
    Attribute.DERIVE,
)
AT_CREATION: Final = frozenset(
    {
        *_USAGE,
        Attribute.ID,
        Attribute.PRIVATE,
        Attribute.SENSITIVE,
        Attribute.EXTRACTABLE,
        Attribute.MODIFIABLE,
        Attribute.DESTROYABLE,
        Attribute.WRAP_WITH_TRUSTED,
    }
)
"""What ``--attributes`` may name."""
AFTERWARDS: Final = frozenset(
    {*_USAGE, *AT_CREATION, Attribute.LABEL, Attribute.TRUSTED, Attribute.TOKEN} - {Attribute.PRIVATE}
)
"""What ``key set-attribute`` may name; the HSM knows which change is allowed on which key."""
_INSTEAD: Final = {
    Attribute.TOKEN: "use --session for a session key",
    Attribute.LABEL: "use the label option of the command",
    Attribute.TRUSTED: "an admin sets it with `key set-attribute` once the key exists",
}


def names() -> list[str]:
    """The names of all attributes that have a value to be typed."""
    return list(_BY_NAME)


def named(name: str) -> Attribute:
    """The attribute of a name."""
    attribute = _BY_NAME.get(name)
    if attribute is None:
        close = difflib.get_close_matches(name, _BY_NAME, n=1)
        raise CommandError(f"There is no attribute {name!r}" + (f"; did you mean {close[0]!r}?" if close else "."))
    return attribute


def parse(attribute: Attribute, text: str) -> bool | int | bytes | str:
    """A value as typed; the error says what would be right."""
    name, kind = CLI_NAMES[attribute], KINDS[attribute]
    if attribute is Attribute.EC_PARAMS:
        curve = curves.by_name(text)
        if curve is None:
            raise _wrong(name, text, f"one of {', '.join(curve.name for curve in (*curves.CURVES, curves.X25519))}")
        return curve.parameters
    if attribute in _NAMED_NUMBERS:
        numbers = _NAMED_NUMBERS[attribute]
        if text not in numbers:
            raise _wrong(name, text, f"one of {', '.join(numbers)}")
        return numbers[text]
    if kind == "bool":
        if text not in ("true", "false"):
            raise _wrong(name, text, "true or false")
        return text == "true"
    if kind == "ulong":
        if not text.isdecimal():
            raise _wrong(name, text, "a number")
        return int(text)
    if kind == "text":
        return text
    value = _hexadecimal(name, text)
    return curves.point_attribute(value) if attribute is Attribute.EC_POINT else value


def at_creation(terms: Iterable[str]) -> Template:
    """The values of ``--attributes``."""
    template: Template = {}
    for term in terms:
        name, separator, text = term.partition("=")
        if not separator:
            raise CommandError(f"{term!r} is not an attribute with its value: write name=value, as in sign=true.")
        attribute = named(name)
        if attribute not in AT_CREATION:
            instead = _INSTEAD.get(attribute, "the HSM computes it")
            raise CommandError(f"The attribute {name} cannot be set at creation; {instead}.")
        if attribute.value in template:
            raise CommandError(f"The attribute {name} is given twice.")
        template[attribute.value] = parse(attribute, text)
    return template


def shown(attribute: Attribute, value: Any) -> bool | int | str:
    """A value as an answer prints it."""
    if attribute is Attribute.CLASS:
        return CLASS_NAMES.get(value, f"0x{value:x}")
    if attribute is Attribute.KEY_TYPE:
        return KEY_TYPE_NAMES.get(value, f"0x{value:x}")
    if attribute is Attribute.EC_PARAMS:
        curve = curves.by_parameters(value)
        return curve.name if curve else f"0x{value.hex()}"
    if attribute is Attribute.EC_POINT:
        return f"0x{curves.raw_point(value).hex()}"
    if isinstance(value, bytes):
        return f"0x{value.hex()}"
    if isinstance(value, bool | int | str):
        return value
    raise TypeError(f"the attribute {attribute.name} has a value of type {type(value).__name__}")


def _hexadecimal(name: str, text: str) -> bytes:
    try:
        return from_hexadecimal(text)
    except ValueError:
        raise _wrong(name, text, "bytes in hexadecimal with an even number of digits, as in 0x01ab") from None


def _wrong(name: str, text: str, right: str) -> CommandError:
    return CommandError(f"{text!r} is no value of the attribute {name}: it must be {right}.")
