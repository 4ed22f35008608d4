"""Anchors: the newest that this HSM saw of its store, sealed in its own state directory.

``anchor`` has the revision and head of the cluster: a store that is older, or that has another head at the same
revision, was put back. ``audit-anchor`` has the number of entries of the HSM's audit log and the hash of the last one:
a log that ends before that was cut off. These are how an HSM notices.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from strongroom.private_files import write_private

if TYPE_CHECKING:
    from strongroom._native import Hsm

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Anchor:
    """A number that only grows, and what stands for everything up to it.

    ``written_at`` is in Unix seconds: an acceptance of a rollback must be newer.
    """

    revision: int
    head: bytes
    written_at: float


class AnchorFile:
    """A file of the state directory."""

    def __init__(self, hsm: Hsm, state_directory: Path, name: str = "anchor") -> None:
        self._hsm = hsm
        self._path = state_directory / name

    def read(self) -> Anchor | None:
        """Raises ``IntegrityError`` of the boundary for a file that was altered."""
        try:
            sealed = self._path.read_bytes()
            written_at = self._path.stat().st_mtime
        except FileNotFoundError:
            return None
        revision, head = self._hsm.open_anchor(sealed)
        return Anchor(revision, head, written_at)

    def write(self, revision: int, head: bytes) -> None:
        write_private(self._path, self._hsm.seal_anchor(revision, head))


class AnchorKeeper:
    """Writes the anchor after applied changes, at most once per interval, from a thread of its own."""

    def __init__(self, file: AnchorFile, interval_seconds: float) -> None:
        self._file = file
        self._interval = interval_seconds
        self._condition = threading.Condition()
        self._newest: tuple[int, bytes] | None = None
        self._written: tuple[int, bytes] | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="anchor", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def note(self, revision: int, head: bytes) -> None:
        """A revision has been applied."""
        with self._condition:
            self._newest = (revision, head)
            self._condition.notify()

    def stop(self) -> None:
        """Write the last one and end."""
        self._stopping.set()
        with self._condition:
            self._condition.notify()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            with self._condition:
                self._condition.wait_for(lambda: self._stopping.is_set() or self._newest != self._written)
            self._write()
            self._stopping.wait(self._interval)
        self._write()

    def _write(self) -> None:
        newest = self._newest
        if newest is None or newest == self._written:
            return
        try:
            self._file.write(*newest)
        except OSError as error:
            # Tried again after the interval: the store is what counts, an old anchor only notices less.
            log.warning("anchor not written", reason=error.strerror or str(error))
        else:
            self._written = newest
