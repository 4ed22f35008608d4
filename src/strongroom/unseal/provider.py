"""What every root-key provider offers."""

from __future__ import annotations

from typing import Final, Protocol

ROOT_KEY_BYTES: Final = 32


class RootKeyError(Exception):
    """The root key is missing, damaged or exposed; the message says which and what to do."""


class RootKeyProvider(Protocol):
    """Gives the root key to a process that may open the installation."""

    def open(self) -> int:
        """A new descriptor, not inherited, at whose position exactly :data:`ROOT_KEY_BYTES` bytes can be read.

        The caller closes it or passes it on. Raises :class:`RootKeyError`.
        """
