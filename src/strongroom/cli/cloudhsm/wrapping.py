"""What the commands of ``key wrap`` and ``key unwrap`` share (aws-cloudhsm 4.2, 5.6).

The HSM decides which key may wrap which, and whose; what is added here is what a person can do about its refusals.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, Final

import click

from strongroom.cli.cloudhsm import attribute_values, filters, key_objects, new_keys, quorum_file
from strongroom.cli.cloudhsm.byte_values import hexadecimal, read_bytes, write_file
from strongroom.cli.cloudhsm.click_types import ManyValues, options
from strongroom.cli.cloudhsm.envelope import CommandError, Data
from strongroom.cli.cloudhsm.hash_options import HASH_FUNCTION, MGF, MGF_NUMBERS
from strongroom.cli.cloudhsm.program import Program
from strongroom.client import MechanismParameters, ObjectView, Refused
from strongroom.client.digests import DIGESTS
from strongroom.client.messages import Template
from strongroom.client.object_kinds import HMAC_KEYS, KeyType, ObjectClass
from strongroom.client.return_codes import ReturnCode
from strongroom.vocabulary.attributes import Attribute
from strongroom.vocabulary.mechanisms import Mechanism

RSA_AES_KEY_BITS: Final = 256
"""Bits of the AES key between an RSA key and the key that it wraps; the command line has no option for it."""
KEY_TYPE_CLASSES: Final = {
    "aes": (ObjectClass.SECRET_KEY, KeyType.AES),
    "des3": (ObjectClass.SECRET_KEY, KeyType.DES3),
    "ec-private": (ObjectClass.PRIVATE_KEY, KeyType.EC),
    "ec-edwards-private": (ObjectClass.PRIVATE_KEY, KeyType.EC_EDWARDS),
    "ec-montgomery-private": (ObjectClass.PRIVATE_KEY, KeyType.EC_MONTGOMERY),
    **{
        attribute_values.KEY_TYPE_NAMES[key_type]: (ObjectClass.SECRET_KEY, key_type)
        for key_type in (KeyType.GENERIC_SECRET, *HMAC_KEYS)
    },
    "rsa-private": (ObjectClass.PRIVATE_KEY, KeyType.RSA),
}
"""What ``key unwrap`` makes."""
_TAG_LENGTHS: Final = ("128", "120", "112", "104", "96", "64", "32")

WRAP_OPTIONS = options(
    click.option("--payload-filter", cls=ManyValues, required=True, metavar="TERM…", help="The key to be wrapped."),
    click.option("--wrapping-filter", cls=ManyValues, required=True, metavar="TERM…", help="The key that wraps it."),
    click.option("--path", metavar="PATH", help="File to write the wrapped key to, as bytes."),
    click.option("--wrapping-approval", metavar="PATH", help="Quorum token of the wrapping key, with its approvals."),
    click.option("--payload-approval", metavar="PATH", help="Quorum token of the wrapped key, with its approvals."),
)
UNWRAP_OPTIONS = options(
    click.option("--filter", cls=ManyValues, required=True, metavar="TERM…", help="The key that unwraps."),
    click.option("--data", help="The wrapped key in base64."),
    click.option("--data-path", metavar="PATH", help="File with the wrapped key as bytes."),
    click.option(
        "--key-type-class", required=True, type=click.Choice(list(KEY_TYPE_CLASSES)), help="What was wrapped."
    ),
    click.option("--label", required=True, help="Label of the new key."),
    new_keys.SESSION,
    new_keys.ATTRIBUTES,
    new_keys.share_option("key"),
    new_keys.quorum_options("key", "new key"),
    quorum_file.APPROVAL,
)
GCM_OPTIONS = options(
    click.option(
        "--tag-length-bits", required=True, type=click.Choice(_TAG_LENGTHS), help="Length of the tag in bits."
    ),
    click.option("--aad", metavar="HEX", help="Additional authenticated data, as in 0x01ab."),
)
OAEP_OPTIONS = options(HASH_FUNCTION, MGF)

_OPTIONS_TO_CHECK: Final = (
    "Check that the key, the mechanism and its options are those that it was wrapped with, that the data is whole, and "
    "that --key-type-class says what was wrapped."
)
_OTHER_USER: Final = "Keys are crypto-users': log in as the one who owns them."
_WRAP_STEPS: Final = {
    ReturnCode.KEY_UNEXTRACTABLE: "Only a key made with extractable=true can be wrapped; that cannot be changed "
    "afterwards.",
    ReturnCode.KEY_FUNCTION_NOT_PERMITTED: "Its owner allows it: key set-attribute --filter … --name wrap --value true",
    ReturnCode.KEY_SIZE_RANGE: "The mechanisms aes-zero-pad and rsa-aes wrap keys of any length.",
    ReturnCode.MECHANISM_INVALID: "Use rsa-oaep or rsa-aes.",
    ReturnCode.ACTION_PROHIBITED: _OTHER_USER,
    ReturnCode.USER_TYPE_INVALID: _OTHER_USER,
    ReturnCode.WRAPPING_KEY_TYPE_INCONSISTENT: "AES keys wrap with the aes mechanisms, RSA public keys with the rsa "
    "mechanisms.",
}
_UNWRAP_STEPS: Final = {
    ReturnCode.KEY_FUNCTION_NOT_PERMITTED: "Its owner allows it: key set-attribute --filter … --name unwrap --value "
    "true",
    ReturnCode.MECHANISM_INVALID: "Use rsa-oaep or rsa-aes.",
    ReturnCode.UNWRAPPING_KEY_TYPE_INCONSISTENT: "AES keys unwrap with the aes mechanisms, RSA private keys with the "
    "rsa mechanisms.",
    ReturnCode.USER_TYPE_INVALID: _OTHER_USER,
    ReturnCode.WRAPPED_KEY_INVALID: _OPTIONS_TO_CHECK,
    ReturnCode.WRAPPED_KEY_LEN_RANGE: _OPTIONS_TO_CHECK,
}


def wrap(
    program: Program, given: Mapping[str, Any], mechanism: Mechanism, parameters: MechanismParameters | None = None
) -> Data:
    """Wrap one key under another; ``given`` has the values of :data:`WRAP_OPTIONS`."""
    payload_filter, wrapping_filter = filters.parse(given["payload_filter"]), filters.parse(given["wrapping_filter"])
    wrapping_approval = quorum_file.approval(given["wrapping_approval"])
    payload_approval = quorum_file.approval(given["payload_approval"])
    session = program.session()
    payload, wrapping_key = filters.one(session, payload_filter), filters.one(session, wrapping_filter)
    try:
        wrapped = session.objects.wrap(
            wrapping_key.reference,
            mechanism,
            payload.reference,
            parameters,
            wrapping_approval=wrapping_approval,
            payload_approval=payload_approval,
        )
    except Refused as error:
        raise _with_next_step(error, _WRAP_STEPS) from None
    if given["path"] is not None:
        write_file("path", given["path"], wrapped.data)
    return {
        "payload_key_reference": key_objects.reference(payload),
        "wrapping_key_reference": key_objects.reference(wrapping_key),
        **({} if wrapped.iv is None else {"iv": f"0x{wrapped.iv.hex()}"}),
        "wrapped_key_data": base64.b64encode(wrapped.data).decode(),
    }


def unwrap(
    program: Program, given: Mapping[str, Any], mechanism: Mechanism, parameters: MechanismParameters | None = None
) -> Data:
    """Make a key of a wrapped one; ``given`` has the values of :data:`UNWRAP_OPTIONS`."""
    wanted = filters.parse(given["filter"])
    wrapped = read_bytes("data", given["data"], given["data_path"])
    object_class, key_type = KEY_TYPE_CLASSES[given["key_type_class"]]
    defaults = new_keys.secret_defaults if object_class is ObjectClass.SECRET_KEY else new_keys.private_defaults
    template = defaults(given["label"], token=not given["session"])
    # The HSM's own default is the same, but with a key that an admin trusts.
    del template[Attribute.WRAP_WITH_TRUSTED.value]
    said: Template = {
        Attribute.CLASS.value: object_class.value,
        Attribute.KEY_TYPE.value: key_type.value,
        Attribute.LABEL.value: template[Attribute.LABEL.value],
        **({Attribute.TOKEN.value: False} if given["session"] else {}),
        **attribute_values.at_creation(given["attributes"]),
    }
    approval = quorum_file.approval(given["approval_path"])
    session = program.session()
    key = filters.one(session, wanted)
    try:
        made = session.objects.unwrap(
            key.reference,
            mechanism,
            wrapped,
            _without(key, template) | said,
            parameters,
            shared_users=given["share_crypto_users"],
            quorum=new_keys.quorum(given["manage_value"], given["use_value"]),
            approval=approval,
        )
    except Refused as error:
        raise _with_next_step(error, _UNWRAP_STEPS) from None
    return {"key": key_objects.full(made)}


def gcm_parameters(tag_length_bits: str, aad: str | None, iv: str | None = None) -> MechanismParameters:
    """From the values of :data:`GCM_OPTIONS`; only unwrapping takes an IV, since the HSM makes that of wrapping."""
    return MechanismParameters(
        tag_bits=int(tag_length_bits),
        aad=None if aad is None else hexadecimal("aad", aad),
        iv=None if iv is None else hexadecimal("iv", iv),
    )


def oaep_parameters(hash_function: str, mgf: str, *, key_bits: int | None = None) -> MechanismParameters:
    """From the values of :data:`OAEP_OPTIONS`."""
    digest = DIGESTS[hash_function]
    return MechanismParameters(hash=digest.mechanism.value, mgf=MGF_NUMBERS[mgf], key_bits=key_bits)


def _without(key: ObjectView, defaults: Template) -> Template:
    """The defaults that the unwrapping key's template leaves open: what it says goes before what nobody said."""
    demanded = key.value(Attribute.UNWRAP_TEMPLATE) or {}
    return {number: value for number, value in defaults.items() if number not in demanded}


def _with_next_step(error: Refused, steps: Mapping[ReturnCode, str]) -> CommandError | Refused:
    step = steps.get(error.code) if error.code is not None else None
    return error if step is None else CommandError(f"{str(error).rstrip('.')}. {step}")
