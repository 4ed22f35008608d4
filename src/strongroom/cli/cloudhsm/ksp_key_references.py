"""Key reference files for Windows' key storage providers: one for each private key, in a directory (ADR 0134)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from strongroom.cli.cloudhsm import attribute_values, key_files, key_objects, public_keys
from strongroom.cli.cloudhsm.envelope import CommandError
from strongroom.client import KeyType, NamedCurve, ObjectClass, ObjectView, Role, Session, curves, key_reference_files
from strongroom.client.key_reference_files import KeyReferenceFile
from strongroom.private_files import replacing
from strongroom.vocabulary.attributes import Attribute

ENCODING: Final = "ksp-key-reference"
_CURVES: Final = (NamedCurve.P256.value, NamedCurve.P384.value, NamedCurve.P521.value)
_RSA_BITS: Final = (2048, 3072, 4096)
_KINDS: Final = "RSA keys of 2048, 3072 and 4096 bits and EC keys on secp256r1, secp384r1 and secp521r1"
_OTHER_THAN_IN_NAMES: Final = re.compile(r"[^A-Za-z0-9_-]+")
_LONGEST_IN_NAME: Final = 64
_MODE: Final = 0o666
"""Less what the umask takes, as of the other files of the command: nothing in them is secret."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is written for a key, and where."""

    key: ObjectView
    path: Path
    content: bytes


def directory(path: str) -> Path:
    """The directory of ``--path``, which must be there."""
    found = Path(path)
    if not path or not found.is_dir():
        raise CommandError(f"--path must name a directory for {ENCODING}, and there is no directory {path}; make it.")
    return found


def of_one(session: Session, key: ObjectView, into: Path) -> dict[str, Any]:
    """Write the file of one key; gives what the answer says of it."""
    key_files.check_private(key, ENCODING)
    why = _refusal(key)
    if why is not None:
        raise CommandError(f"The key {key_objects.reference(key)} {why}")
    return {"key-files": _write([_prepared(session, key, into)])}


def of_all(session: Session, into: Path) -> dict[str, Any]:
    """Write a file for each private key that the user sees; gives what the answer says of them, and which have none.

    The HSM is asked for everything first, so that it cannot fail between files.
    """
    if session.role is not Role.CRYPTO_USER:
        raise CommandError("An admin is not shown private keys: log in as the crypto-user who owns them.")
    prepared: list[Prepared] = []
    left_out: list[dict[str, str]] = []
    for key in session.objects.find_all({Attribute.CLASS.value: ObjectClass.PRIVATE_KEY.value}):
        why = _refusal(key)
        if why is None:
            prepared.append(_prepared(session, key, into))
        else:
            left_out.append({**_named(key), "reason": f"The key {why}"})
    if not left_out and not prepared:
        raise CommandError("There is no private key that you can see; `key list` shows the keys that you can see.")
    if not prepared:
        raise CommandError(
            f"No private key that you can see ({len(left_out)}) can have a file: key storage providers have {_KINDS}, "
            "and session keys go with the login."
        )
    return {"key-files": _write(prepared), "keys-left-out": left_out}


def file_name(key: ObjectView) -> str:
    """The label as far as every file system takes it, and the key reference, which no other key has."""
    label = _OTHER_THAN_IN_NAMES.sub("_", str(key.value(Attribute.LABEL) or ""))[:_LONGEST_IN_NAME].strip("_-")
    return f"{label or 'key'}-{key.reference:016x}.json"


def _named(key: ObjectView) -> dict[str, str]:
    return {"key-reference": key_objects.reference(key), "label": key.value(Attribute.LABEL) or ""}


def _refusal(key: ObjectView) -> str | None:
    """Why there can be no file for a private key."""
    if key_files.is_session_key(key):
        return key_files.SESSION_KEY
    key_type = key.value(Attribute.KEY_TYPE)
    if key_type == KeyType.EC:
        curve = _curve(key)
        return None if curve in _CURVES else _no_such(f"an EC key on {curve or 'another curve'}")
    if key_type == KeyType.RSA:
        bits = _modulus_bits(key)
        return None if bits in _RSA_BITS else _no_such(f"an RSA key of {bits} bits")
    names: dict[int, str] = {number.value: name for number, name in attribute_values.KEY_TYPE_NAMES.items()}
    return _no_such(f"of the type {names.get(key_type, key_type)}")


def _no_such(kind: str) -> str:
    return f"is {kind}, and key storage providers have {_KINDS}."


def _prepared(session: Session, key: ObjectView, into: Path) -> Prepared:
    info = key.value(Attribute.PUBLIC_KEY_INFO)
    is_rsa = key.value(Attribute.KEY_TYPE) == KeyType.RSA
    file = KeyReferenceFile(
        cluster_id=session.cluster_id or None,
        key_reference=key_objects.reference(key),
        pkcs11_uri=key_files.pkcs11_uri(session, key),
        label=key.value(Attribute.LABEL) or "",
        id=f"0x{(key.value(Attribute.ID) or b'').hex()}",
        key_type="rsa" if is_rsa else "ec",
        curve=None if is_rsa else _curve(key),
        modulus_size_bits=_modulus_bits(key) if is_rsa else None,
        public_key=public_keys.encode(key, "pem").decode() if info else None,
    )
    return Prepared(key, into / file_name(key), key_reference_files.encode(file))


def _curve(key: ObjectView) -> str | None:
    found = curves.by_parameters(key.value(Attribute.EC_PARAMS) or b"")
    return found.name if found else None


def _modulus_bits(key: ObjectView) -> int:
    return int.from_bytes(key.value(Attribute.MODULUS) or b"").bit_length()


def _write(prepared: Sequence[Prepared]) -> list[dict[str, str]]:
    """Write files in ascending order of key reference; gives what the answer says of each."""
    written: list[dict[str, str]] = []
    for file in prepared:
        try:
            with replacing(file.path, _MODE) as place:
                place.write(file.content)
        except OSError as error:
            before = f"those of keys up to {written[-1]['key-reference']}" if written else "none"
            raise CommandError(
                f"The file {file.path} cannot be written: {error.strerror}. Of {len(prepared)} files {len(written)} "
                f"are written, {before}."
            ) from None
        written.append({**_named(file.key), "path": str(file.path)})
    return written
