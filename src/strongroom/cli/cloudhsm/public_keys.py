"""Public keys in files: PEM that comes in, and the encodings that go out. A public key is no secret."""

from __future__ import annotations

import base64
import textwrap
from typing import Final

from strongroom.cli.cloudhsm import key_objects
from strongroom.cli.cloudhsm.byte_values import read_file
from strongroom.cli.cloudhsm.envelope import CommandError
from strongroom.client import ObjectView
from strongroom.client.messages import Template
from strongroom.client.object_kinds import KeyType, ObjectClass
from strongroom.vocabulary.attributes import Attribute

KEY_TYPE_CLASSES: Final = {
    "ec-public": KeyType.EC,
    "ec-edwards-public": KeyType.EC_EDWARDS,
    "ec-montgomery-public": KeyType.EC_MONTGOMERY,
    "rsa-public": KeyType.RSA,
}
"""What ``key import pem`` takes."""
ENCODINGS: Final = ("pem", "der", "openssh")
"""What ``key export-public`` gives."""
_PEM_LINE: Final = 64


def read_pem(name: str, path: str, key_type_class: str) -> Template:
    """Class, key type and value of the public key in the file of ``--NAME``, which must be of a certain class."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    from strongroom.client import imports

    content = read_file(name, path)
    if b"PRIVATE KEY-----" in content:
        raise CommandError(
            f"The file {path} holds a private key. Such keys come in wrapped, with `key unwrap`; its public key is "
            "written by `openssl pkey -in FILE -pubout`."
        )
    if b"BEGIN CERTIFICATE-----" in content:
        raise CommandError(
            f"The file {path} holds a certificate; its public key is written by `openssl x509 -in FILE -noout -pubkey`."
        )
    try:
        key = load_pem_public_key(content)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise CommandError(f"The file {path} holds no public key in PEM: {error}") from None
    if not isinstance(key, imports.LocalPublicKey):
        raise CommandError(f"The file {path} holds a key of a kind that HSMs do not have.")
    try:
        key_type, value = imports.public_value(key)
    except ValueError as error:
        raise CommandError(f"The file {path} holds a key that HSMs do not take. {error}") from None
    if key_type is not KEY_TYPE_CLASSES[key_type_class]:
        right = next(name for name, known in KEY_TYPE_CLASSES.items() if known is key_type)
        raise CommandError(f"The file {path} holds a key of the class {right}, not {key_type_class}.")
    return {Attribute.CLASS.value: ObjectClass.PUBLIC_KEY.value, Attribute.KEY_TYPE.value: key_type.value, **value}


def encode(key: ObjectView, encoding: str) -> bytes:
    """The public key of either half of a pair, in one of :data:`ENCODINGS`."""
    info = _subject_public_key_info(key)
    if encoding == "der":
        return info
    return _openssh(info) if encoding == "openssh" else pem("PUBLIC KEY", info)


def pem(label: str, content: bytes) -> bytes:
    """Textual encoding (RFC 7468)."""
    lines = textwrap.wrap(base64.b64encode(content).decode(), _PEM_LINE)
    return "\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""]).encode()


def _openssh(info: bytes) -> bytes:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

    try:
        return load_der_public_key(info).public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH) + b"\n"
    except (ValueError, UnsupportedAlgorithm):
        raise CommandError("OpenSSH has no such keys; it has RSA, P-256, P-384, P-521 and Ed25519 keys.") from None


def _subject_public_key_info(key: ObjectView) -> bytes:
    info = key.value(Attribute.PUBLIC_KEY_INFO)
    if isinstance(info, bytes) and info:
        return info
    reference = key_objects.reference(key)
    if key.value(Attribute.CLASS) is None:
        raise CommandError(f"An admin is not shown the key {reference}: log in as the crypto-user who owns it.")
    raise CommandError(f"The key {reference} is a secret key; only a key pair has a public key.")
