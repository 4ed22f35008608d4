"""The files with quorum tokens (aws-cloudhsm 3.5): written unsigned, given round to be signed, read again.

A token is in one of three shapes: that of a registration, which one user signs, and those of admins' and of keys'
services, to which every approver adds a signature. Nothing that a person got wrong in one reaches the HSM.
"""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from strongroom.cli.cloudhsm.envelope import CommandError
from strongroom.cli.cloudhsm.token_file import SIGNATURE_LENGTH, VERSION, content, decoded
from strongroom.client import QuorumToken, Role
from strongroom.client.credentials import ROLES

APPROVAL = click.option(
    "--approval", "approval_path", metavar="PATH", help="File with a quorum token and its approvals."
)
_FORM: Final = (
    '{"version":"2.0","approval_data":"…","token":"…","signatures":[{"username":"…","role":"…","signature":"…"}]}'
)


class _Signature(msgspec.Struct, frozen=True):
    username: str
    signature: str
    role: str | None = None


class _ApprovalFile(msgspec.Struct, frozen=True):
    version: str
    approval_data: str
    token: str
    signatures: list[_Signature]


class _RegistrationToken(msgspec.Struct, frozen=True):
    approval_data: str
    unsigned: str
    signed: str


class _RegistrationFile(msgspec.Struct, frozen=True):
    version: str
    tokens: list[_RegistrationToken]


def write_for_registration(path: str, token: QuorumToken) -> None:
    """The file that a user signs to show that a key is at hand."""
    unsigned = {"approval_data": _encoded(token.approval_data), "unsigned": _encoded(token.digest), "signed": ""}
    _write(path, {"version": VERSION, "tokens": [unsigned]})


def write_for_approval(path: str, token: QuorumToken, of_a_key: dict[str, str]) -> None:
    """The file that approvers add their signatures to; ``of_a_key`` are the members that a key's service has first."""
    signed = {"approval_data": _encoded(token.approval_data), "token": _encoded(token.digest), "signatures": []}
    _write(path, {"version": VERSION, **of_a_key, **signed})


def registration(path: str) -> tuple[QuorumToken, bytes]:
    """A token for a registration and its signature."""
    only = _only_token(content(Path(path)))
    if only is None:
        raise CommandError(f"{path} is not what quorum token-sign generate --service registration wrote.")
    token = QuorumToken(_bytes_of(path, "approval_data", only.approval_data))
    if not only.signed.strip():
        raise CommandError(f"The token in {path} is not signed: put its signature, in base64, into signed.")
    return token, _signature(path, "signed", only.signed)


def approval(path: str | None) -> QuorumToken | None:
    """A token with its approvals; none where no file is given."""
    if path is None:
        return None
    try:
        found = msgspec.json.decode(content(Path(path)), type=_ApprovalFile)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        found = None
    if found is None or found.version != VERSION:
        raise CommandError(f"{path} is no quorum token file, which has the form {_FORM}.")
    token = QuorumToken(_bytes_of(path, "approval_data", found.approval_data))
    if decoded(found.token) != token.digest:
        raise CommandError(f"{path} was altered: token is not the SHA-256 of approval_data.")
    if not found.signatures:
        raise CommandError(f"No token signatures provided: {path} has none in signatures, where approvers add theirs.")
    for given in found.signatures:
        signature = _signature(path, f"the signature of {given.username}", given.signature)
        token = token.approved_by(given.username, signature, _role(path, given))
    return token


def _only_token(found: bytes) -> _RegistrationToken | None:
    try:
        document = msgspec.json.decode(found, type=_RegistrationFile)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return document.tokens[0] if document.version == VERSION and len(document.tokens) == 1 else None


def _role(path: str, given: _Signature) -> Role | None:
    if given.role is None:
        return None
    if given.role not in ROLES:
        raise CommandError(f"{path} gives {given.username} the role {given.role!r}; there are {' and '.join(ROLES)}.")
    return ROLES[given.role]


def _signature(path: str, name: str, text: str) -> bytes:
    value = decoded(text)
    if value is None or len(value) != SIGNATURE_LENGTH:
        raise CommandError(
            f"InvalidQuorumSignature: in {path}, {name} is not the signature of an RSA-2048 key: "
            f"{SIGNATURE_LENGTH} bytes in base64."
        )
    return value


def _bytes_of(path: str, name: str, text: str) -> bytes:
    value = decoded(text)
    if not value:
        raise CommandError(f"In {path}, {name} is not base64: leave it as it was written.")
    return value


def _write(path: str, document: dict[str, Any]) -> None:
    file = Path(path)
    if file.exists() and not _is_token_file(content(file)):
        raise CommandError(f"{path} is there and is no token file: give --token the name of a new file.")
    try:
        file.write_bytes(msgspec.json.format(msgspec.json.encode(document)) + b"\n")
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}.") from error


def _is_token_file(found: bytes) -> bool:
    for kind in (_RegistrationFile, _ApprovalFile):
        try:
            msgspec.json.decode(found, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            continue
        return True
    return False


def _encoded(value: bytes) -> str:
    return base64.b64encode(value).decode()
