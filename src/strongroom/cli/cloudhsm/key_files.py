"""Files that refer to a private key in the HSM, for programs that want a file (ADR 0100).

The content is a PKCS #11 URI (RFC 7512) in the PEM that OpenSSL's pkcs11-provider reads in the place of a private key.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from strongroom.cli.cloudhsm import key_objects, public_keys
from strongroom.cli.cloudhsm.envelope import CommandError
from strongroom.client import ObjectView, Session, der
from strongroom.client.messages import Template
from strongroom.client.object_kinds import ObjectClass
from strongroom.vocabulary.attributes import Attribute

_DESCRIPTION: Final = b"PKCS#11 Provider URI v1.0"
_LABEL: Final = "PKCS#11 PROVIDER URI"
SESSION_KEY: Final = "is a session key and gone with the login: no file can refer to it."
"""What is said after the name of such a key."""


def reference_pem(session: Session, key: ObjectView) -> bytes:
    """The file for a private key, which must be the only one that its URI names."""
    check_private(key, "reference-pem")
    if is_session_key(key):
        raise CommandError(f"The key {key_objects.reference(key)} {SESSION_KEY}")
    uri = pkcs11_uri(session, key)
    if uri is None:
        raise CommandError(_without_a_name(key))
    content = der.encode(der.VISIBLE_STRING, _DESCRIPTION) + der.encode(der.UTF8_STRING, uri.encode())
    return public_keys.pem(_LABEL, der.encode(der.SEQUENCE, content))


def public_pem(key: ObjectView) -> bytes:
    """The PEM file of a public key."""
    if key.value(Attribute.CLASS) == ObjectClass.PRIVATE_KEY:
        raise CommandError(
            f"The key {key_objects.reference(key)} is a private key and does not leave the HSM: use --encoding "
            "reference-pem for a file that refers to it, or `key export-public` for its public half."
        )
    return public_keys.encode(key, "pem")


def check_private(key: ObjectView, encoding: str) -> None:
    """Refuse a key that is not private, or not shown."""
    reference = key_objects.reference(key)
    if key.value(Attribute.CLASS) is None:
        raise CommandError(f"An admin is not shown the key {reference}: log in as the crypto-user who owns it.")
    if key.value(Attribute.CLASS) != ObjectClass.PRIVATE_KEY:
        raise CommandError(
            f"The key {reference} is not a private key, and {encoding} is for private keys; use --encoding pem for "
            "a public key."
        )


def is_session_key(key: ObjectView) -> bool:
    return not key.value(Attribute.TOKEN)


def pkcs11_uri(session: Session, key: ObjectView) -> str | None:
    """The URI that names this private key and no other; ``None`` when its label and id do not."""
    said = _said(key)
    if not said:
        return None
    template: Template = {Attribute.CLASS.value: ObjectClass.PRIVATE_KEY.value}
    template |= {attribute.value: value for attribute, value in said.items()}
    if session.objects.find(template, limit=1).total > 1:
        return None
    return "pkcs11:" + ";".join([*_token(session), *_object(said), "type=private"])


def _said(key: ObjectView) -> dict[Attribute, bytes | str]:
    """Label and id. An empty one is left out of the URI, so it does not tell keys apart either."""
    return {name: value for name in (Attribute.ID, Attribute.LABEL) if (value := key.value(name))}


def _without_a_name(key: ObjectView) -> str:
    reference = key_objects.reference(key)
    command = f"key set-attribute --filter key-reference={reference} --name id --value 0x…"
    if not _said(key):
        return f"The key {reference} has neither id nor label to refer to it by; give it one: {command}"
    return (
        f"Other private keys have the same label and id as {reference}, so that no file can refer to it alone; "
        f"give it an id of its own: {command}"
    )


def _token(session: Session) -> list[str]:
    # The serial number of a token of the PKCS #11 library is the cluster's id.
    serial = session.cluster_id.removeprefix("cluster-")
    return [f"serial={quote(serial, safe='')}"] if serial else []


def _object(said: dict[Attribute, bytes | str]) -> list[str]:
    terms = []
    for value in said.values():
        if isinstance(value, bytes):
            terms.append("id=" + "".join(f"%{byte:02X}" for byte in value))
        else:
            terms.append(f"object={quote(value, safe='')}")
    return terms
