"""How a process ends, what it waits with, and how it reads an open record."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from strongroom.storage.interface import Store

EXIT_STOPPED = 0
EXIT_AGAIN = 75
"""Start me again (EX_TEMPFAIL)."""
EXIT_REFUSED = 78
"""Starting me again does not help; the log and the status say what does (EX_CONFIG)."""
LOOK_SECONDS = 0.5

Kind = TypeVar("Kind", bound=msgspec.Struct)


class Stopped(Exception):
    """The process was asked to stop while it waited for something."""


def decode(store: Store, key: str, kind: type[Kind]) -> Kind | None:
    """An open record of the store."""
    record = store.get(key)
    return None if record is None else msgspec.msgpack.decode(record.value, type=kind)
