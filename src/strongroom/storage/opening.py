"""Opens a store by its URL: ``sqlite:<path>`` or ``memory:``."""

from __future__ import annotations

from pathlib import Path

from strongroom.storage.interface import Store, StoreError
from strongroom.storage.memory import MemoryStore
from strongroom.storage.sqlite import SqliteStore


def open_store(url: str) -> Store:
    """The store that a URL names.

    ``sqlite:<path>`` opens or makes the file; ``memory:`` is a new, empty store of this process. Raises
    :class:`~strongroom.storage.interface.StoreError` for anything else.
    """
    scheme, separator, rest = url.partition(":")
    if separator and scheme == "sqlite" and rest:
        return SqliteStore(Path(rest))
    if url == "memory:":
        return MemoryStore()
    raise StoreError(f"{url!r} is not the URL of a store: give sqlite:<path> or memory:")
