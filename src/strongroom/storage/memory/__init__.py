"""A store in the memory of one process: for tests, and for what need not outlive it."""

from strongroom.storage.memory.store import MemoryStore

__all__ = ["MemoryStore"]
