"""Access keys: made for an account, kept with a sealed secret, looked up when a request is verified.

A secret leaves this module twice: once to whoever asked for the key, and later only into the signature check.
"""

from __future__ import annotations

import secrets
import string
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import msgspec

from strongroom.aws.sigv4 import Credential
from strongroom.storage.interface import Compare, Store, Transaction, Write
from strongroom.vocabulary import records
from strongroom.vocabulary.identifiers import is_account

_ID_ALPHABET: Final = string.ascii_uppercase + "234567"
_SECRET_ALPHABET: Final = string.ascii_letters + string.digits + "+/"
_CACHED: Final = 1024


@dataclass(frozen=True, slots=True)
class NewAccessKey:
    """A new access key with the only copy of its secret that anybody is given."""

    access_key_id: str
    secret_access_key: str = field(repr=False)


def create_access_key(control: Store, account: str, seal: Callable[[str, bytes], bytes], now: float) -> NewAccessKey:
    """Make an access key with full rights in an account (12 digits).

    ``seal`` seals a secret bound to a context (the native ``Installation.seal``). Raises :class:`ValueError` for what
    is no account number.
    """
    if not is_account(account):
        raise ValueError(f"{account!r} is not an account number: it has 12 digits")
    access_key_id = "AKIA" + _random(_ID_ALPHABET, 16)
    secret = _random(_SECRET_ALPHABET, 40)
    record = records.AccessKey(
        access_key_id=access_key_id,
        account=account,
        sealed_secret=seal(_key(access_key_id), secret.encode()),
        created_at=now,
    )
    key = _key(access_key_id)
    control.transact(Transaction(compares=(Compare(key, None),), writes=(Write(key, msgspec.msgpack.encode(record)),)))
    return NewAccessKey(access_key_id, secret)


class AccessKeys:
    """Finds access keys in the control store; call it with an access key id.

    The record is read each time, so that a key that was deactivated or deleted stops at once; the opened secret is
    kept for as long as the record is the same.
    """

    def __init__(self, control: Store, open_sealed: Callable[[str, bytes], bytes]) -> None:
        self._control = control
        self._open_sealed = open_sealed
        self._opened: OrderedDict[tuple[str, int], Credential] = OrderedDict()

    def __call__(self, access_key_id: str) -> Credential | None:
        record = self._control.get(_key(access_key_id))
        if record is None:
            return None
        key = msgspec.msgpack.decode(record.value, type=records.AccessKey)
        if not key.active:
            return None
        name = (access_key_id, record.revision)
        credential = self._opened.get(name)
        if credential is None:
            secret = self._open_sealed(_key(access_key_id), key.sealed_secret).decode()
            credential = Credential(access_key_id, key.account, secret)
            self._opened[name] = credential
            if len(self._opened) > _CACHED:
                self._opened.popitem(last=False)
        return credential


def _key(access_key_id: str) -> str:
    """The record's key, which is also the context that the secret is sealed to."""
    return f"{records.CONTROL_ACCESS_KEY}{access_key_id}"


def _random(alphabet: str, length: int) -> str:
    return "".join(secrets.choice(alphabet) for _ in range(length))
