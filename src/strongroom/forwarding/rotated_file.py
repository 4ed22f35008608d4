"""A file of JSON lines, rotated by size. What is sent is on disk when it counts as sent."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from strongroom.forwarding.events import Event
from strongroom.forwarding.targets import DeliveryFailed, FileTarget
from strongroom.private_files import sync_directory

_BEGINNING: Final = b'{"kind":'
"""Of every line that is written here."""
_READ_BYTES: Final = 65_536


class RotatedFile:
    """Appends to the file of a target."""

    def __init__(self, target: FileTarget) -> None:
        self._path = Path(target.path)
        self._max_bytes = target.max_bytes
        self._keep = target.keep

    def send(self, events: Sequence[Event]) -> None:
        content = "".join(f"{event.text}\n" for event in events).encode()
        try:
            self._append(content)
        except OSError as error:
            raise DeliveryFailed(f"{self._path} cannot be written: {error.strerror}") from None

    def close(self) -> None:
        """Nothing is kept open."""

    def _append(self, content: bytes) -> None:
        _end_torn_line(self._path)
        size = self._path.stat().st_size if self._path.exists() else 0
        if size and size + len(content) > self._max_bytes:
            self._rotate()
        is_new = not self._path.exists()
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            before = os.fstat(descriptor).st_size
            try:
                _write_all(descriptor, content)
                os.fsync(descriptor)
            except OSError:
                # No half line stays; what was whole is sent again.
                os.ftruncate(descriptor, before)
                raise
        finally:
            os.close(descriptor)
        if is_new:
            sync_directory(self._path.parent)

    def _rotate(self) -> None:
        for number in range(self._keep - 1, 0, -1):
            older = self._numbered(number)
            if older.exists():
                older.replace(self._numbered(number + 1))
        self._path.replace(self._numbered(1))
        self._numbered(self._keep + 1).unlink(missing_ok=True)

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")


def _end_torn_line(path: Path) -> None:
    """Cut what a kill left of a line: its event did not count as sent, and is sent again.

    Half a line that is not one of ours stays, and is ended.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        size = os.fstat(descriptor).st_size
        whole = _whole_lines(descriptor, size)
        if whole == size:
            return
        torn = os.pread(descriptor, len(_BEGINNING), whole)
        if _BEGINNING.startswith(torn):
            os.ftruncate(descriptor, whole)
        else:
            os.pwrite(descriptor, b"\n", size)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _whole_lines(descriptor: int, size: int) -> int:
    """Where the last line that has an end ends."""
    end = size
    while end:
        start = max(0, end - _READ_BYTES)
        found = os.pread(descriptor, end - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0


def _write_all(descriptor: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]
