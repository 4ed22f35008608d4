"""The file provider, for development: the root key is a file of mode 0600 that its owner alone can read.

Whoever can read that file and the store can open everything; `docs/limitations.md` says so. A passphrase, a systemd
credential or a TPM take its place where that matters.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from strongroom.private_files import sync_directory
from strongroom.unseal.provider import ROOT_KEY_BYTES, RootKeyError


class FileProvider:
    """The root key in a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def exists(self) -> bool:
        return self.path.exists()

    def create(self) -> None:
        """Make a random root key. Raises :class:`RootKeyError` when the file is there already: it is never replaced."""
        temporary = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        key = bytearray(ROOT_KEY_BYTES)
        try:
            _fill_random(key)
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            try:
                os.write(descriptor, key)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            os.link(temporary, self.path)
        except FileExistsError as error:
            raise RootKeyError(
                f"{error.filename2 or error.filename} exists already; a root key is never overwritten"
            ) from None
        finally:
            key[:] = bytes(ROOT_KEY_BYTES)
            temporary.unlink(missing_ok=True)
        sync_directory(self.path.parent)

    def open(self) -> int:
        """A descriptor of the file, after its type, owner, mode and size were checked on the open file."""
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except FileNotFoundError:
            raise RootKeyError(
                f"{self.path} is missing: without it nothing of this installation can be opened"
            ) from None
        except OSError as error:
            raise RootKeyError(f"{self.path} cannot be opened: {error.strerror}") from None
        try:
            self._check(os.fstat(descriptor))
        except RootKeyError:
            os.close(descriptor)
            raise
        return descriptor

    def _check(self, status: os.stat_result) -> None:
        if not stat.S_ISREG(status.st_mode):
            raise RootKeyError(f"{self.path} is not a regular file")
        if status.st_uid not in {os.geteuid(), 0}:
            raise RootKeyError(
                f"{self.path} belongs to user {status.st_uid}; it must belong to the user of the service"
            )
        if status.st_mode & 0o077:
            raise RootKeyError(f"{self.path} can be read by others; run: chmod 600 {self.path}")
        if status.st_size != ROOT_KEY_BYTES:
            raise RootKeyError(
                f"{self.path} has {status.st_size} bytes where {ROOT_KEY_BYTES} are wanted; restore it from its copy"
            )


def _fill_random(key: bytearray) -> None:
    """Fill the buffer from the kernel without an intermediate immutable copy."""
    descriptor = os.open("/dev/urandom", os.O_RDONLY | os.O_CLOEXEC)
    try:
        if os.readv(descriptor, [key]) != len(key):
            raise RootKeyError("the kernel gave too few random bytes")
    finally:
        os.close(descriptor)
