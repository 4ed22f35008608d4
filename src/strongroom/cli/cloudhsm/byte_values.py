"""Bytes on the command line: base64 or a file, hexadecimal, and files that are written."""

from __future__ import annotations

import base64
import binascii
from pathlib import Path

from strongroom.cli.cloudhsm.envelope import CommandError


def read_bytes(name: str, encoded: str | None, path: str | None) -> bytes:
    """The bytes of ``--NAME`` (base64) or ``--NAME-path`` (a file): exactly one of them is given."""
    if encoded is not None and path is None:
        try:
            return base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            raise CommandError(
                f"The value of --{name} is not base64; encode it first (`base64 -w0 FILE`), or give --{name}-path."
            ) from None
    if path is not None and encoded is None:
        return read_file(f"{name}-path", path)
    raise CommandError(f"Give exactly one of --{name} (base64) and --{name}-path (a file).")


def read_file(name: str, path: str) -> bytes:
    """The content of the file that ``--NAME`` names."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise CommandError(f"The file {path} of --{name} cannot be read: {error.strerror}.") from None


def write_file(name: str, path: str, content: bytes) -> None:
    """Write the file that ``--NAME`` names; what it held before is lost."""
    try:
        Path(path).write_bytes(content)
    except OSError as error:
        raise CommandError(f"The file {path} of --{name} cannot be written: {error.strerror}.") from None


def hexadecimal(name: str, text: str) -> bytes:
    """The bytes of ``--NAME 0x…``."""
    try:
        return from_hexadecimal(text)
    except ValueError:
        raise CommandError(
            f"{text!r} is no value of --{name}: it must be bytes in hexadecimal with an even number of digits, "
            "as in 0x01ab."
        ) from None


def from_hexadecimal(text: str) -> bytes:
    """The bytes of ``0x…``; :class:`ValueError` for another text."""
    if not text.lower().startswith("0x") or not text.isascii() or any(character.isspace() for character in text):
        raise ValueError("not 0x and hexadecimal digits")
    return bytes.fromhex(text[2:])
