"""The file with a token that a second factor signs (aws-cloudhsm 3.4): written unsigned, read again signed."""

from __future__ import annotations

import base64
import binascii
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from strongroom.cli.cloudhsm.envelope import CommandError
from strongroom.cli.cloudhsm.terminal import Terminal

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

SIGNED = "Enter signed token file path (press enter if same as the unsigned token file):"
PUBLIC_KEY = "Enter public key PEM file path:"
VERSION = "2.0"
SIGNATURE_LENGTH = 256
_LONGEST = 1_000_000


class _Token(msgspec.Struct, frozen=True):
    unsigned: str
    signed: str


class _TokenFile(msgspec.Struct, frozen=True):
    version: str
    tokens: list[_Token]


def signature(terminal: Terminal, path: str, digest: bytes) -> bytes:
    """Write the token's digest to a file, and take its signature from the file that is named then."""
    _write(Path(path), digest)
    return _signature(Path(terminal.ask(SIGNED) or path), digest)


def public_key(terminal: Terminal) -> PublicKeyTypes:
    """The public key of the PEM file that is named."""
    return read_public_key(terminal.ask(PUBLIC_KEY))


def read_public_key(name: str) -> PublicKeyTypes:
    """The public key of a PEM file."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    path = Path(name)
    try:
        return load_pem_public_key(content(path))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise CommandError(
            f"{path} has no public key in PEM format; openssl rsa -in KEY -pubout -out {path} writes one."
        ) from error


def _write(path: Path, digest: bytes) -> None:
    if path.exists() and _parsed(content(path)) is None:
        raise CommandError(f"{path} is there and is no token file: give --token the name of a new file.")
    document = {"version": VERSION, "tokens": [{"unsigned": base64.b64encode(digest).decode(), "signed": ""}]}
    try:
        path.write_bytes(msgspec.json.format(msgspec.json.encode(document)) + b"\n")
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}.") from error


def _signature(path: Path, digest: bytes) -> bytes:
    found = _parsed(content(path))
    if found is None or found.version != VERSION:
        raise CommandError(
            f"{path} is no token file, which has the form "
            f'{{"version":"{VERSION}","tokens":[{{"unsigned":"…","signed":"…"}}]}}.'
        )
    signed = next((token.signed for token in found.tokens if decoded(token.unsigned) == digest), None)
    if signed is None:
        raise CommandError(f"{path} does not have the token that was written just now: sign that one.")
    if not signed.strip():
        raise CommandError(f"The token in {path} is not signed: put its signature, in base64, into signed.")
    value = decoded(signed)
    if value is None or len(value) != SIGNATURE_LENGTH:
        raise CommandError(
            f"What {path} has in signed is not the signature of an RSA-2048 key: {SIGNATURE_LENGTH} bytes in base64."
        )
    return value


def _parsed(content: bytes) -> _TokenFile | None:
    try:
        return msgspec.json.decode(content, type=_TokenFile)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def decoded(text: str) -> bytes | None:
    """From base64, with line ends in it or not."""
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return None


def content(path: Path) -> bytes:
    """What a file begins with: more than a token file has."""
    try:
        with path.open("rb") as file:
            return file.read(_LONGEST)
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from error
