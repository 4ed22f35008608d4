"""Where state is kept: one interface, implemented over memory and SQLite. Knows nothing of what it keeps."""

from strongroom.storage.opening import open_store

__all__ = ["open_store"]
