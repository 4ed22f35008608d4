"""A disk that forgets what was not synced, and that fails: the library of storage_faults.c and what it noted."""

from __future__ import annotations

import mmap
import os
import random
import struct
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).with_name("storage_faults.c")
HEADER = struct.Struct("=IIIIQQQ")
LENGTH = struct.Struct("=Q")
CONTROL = struct.Struct("=i4xq")
WRITE, TRUNCATE, CREATE, UNLINK, RENAME = range(1, 6)


@dataclass(frozen=True)
class Change:
    """What a process did to a file, or to a name in a directory, and had not synced."""

    kind: int
    old: bytes
    new: bytes
    offset: int
    old_size: int
    new_size: int


class FaultyDisk:
    """A directory whose changes by the processes that have :meth:`environment` are noted. Nobody else may change it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.journal = directory / "journal"
        self.journal.mkdir()
        (self.journal / "control").write_bytes(bytes(mmap.PAGESIZE))
        with (self.journal / "control").open("r+b") as file:
            self._control = mmap.mmap(file.fileno(), mmap.PAGESIZE)
        self.library = self.journal / "storage_faults.so"
        flags = ["-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]
        subprocess.run(["cc", *flags, "-o", str(self.library), str(SOURCE)], check=True, timeout=60)

    def environment(self) -> Mapping[str, str]:
        """What makes a process use this disk."""
        names = {"STORAGE_FAULTS_DIR": str(self.directory), "STORAGE_FAULTS_JOURNAL": str(self.journal)}
        return {"LD_PRELOAD": str(self.library), **names}

    def fail(self, error: int) -> None:
        """Let every change fail with an errno; 0 ends that."""
        _, offset = CONTROL.unpack_from(self._control)
        CONTROL.pack_into(self._control, 0, error, offset)

    def jump(self, seconds: float) -> None:
        """Move the processes' wall clock by so much from the true time."""
        error, _ = CONTROL.unpack_from(self._control)
        CONTROL.pack_into(self._control, 0, error, int(seconds * 1e9))

    def lose_unsynced(self, chance: random.Random | None = None) -> int:
        """Do what a power cut may do, once the processes are killed; gives how many changes were lost.

        Without ``chance`` everything that was not synced is lost. With it each write survives or not by itself, as
        where the disk's own order was another one, and of a directory's changes the first so many survive.
        """
        lost = 0
        files = {
            path.stat().st_ino: path for path in [*self.directory.rglob("*"), self.directory] if path != self.library
        }
        logs = {int(log.stem): _changes(log.read_bytes()) for log in self.journal.glob("*.undo")}
        for inode, changes in logs.items():
            path = files.get(inode)
            if path is not None and path.is_file():
                kept = [change for change in changes if chance is not None and chance.random() < 0.5]
                _rewrite(path, changes, kept)
                lost += len(changes) - len(kept)
        for inode, changes in logs.items():
            path = files.get(inode)
            if path is not None and path.is_dir():
                survivors = chance.randint(0, len(changes)) if chance is not None else 0
                for change in reversed(changes[survivors:]):
                    self._undo_name(path, change)
                lost += len(changes) - survivors
        for spent in [*self.journal.glob("*.undo"), *self.journal.glob("*.saved")]:
            spent.unlink()
        return lost

    def _undo_name(self, directory: Path, change: Change) -> None:
        old = directory / os.fsdecode(change.old)
        if change.kind == CREATE:
            old.unlink(missing_ok=True)
            return
        saved = self.journal / f"{change.offset}.saved"
        if change.kind == RENAME:
            new = directory / os.fsdecode(change.new)
            if new.exists():
                new.rename(old)
            old = new
        if change.offset and saved.exists() and not old.exists():
            saved.rename(old)


def _changes(log: bytes) -> list[Change]:
    changes, at = [], LENGTH.size
    end = at + LENGTH.unpack(log[:at])[0] if log else 0
    while at < end:
        kind, old_length, new_length, _, offset, old_size, new_size = HEADER.unpack_from(log, at)
        start = at + HEADER.size
        at = start + old_length + new_length
        old, new = log[start : start + old_length], log[start + old_length : at]
        changes.append(Change(kind, old, new, offset, old_size, new_size))
    return changes


def _rewrite(path: Path, changes: list[Change], kept: list[Change]) -> None:
    with path.open("r+b") as file:
        for change in reversed(changes):
            file.seek(change.offset)
            file.write(change.old)
            file.truncate(change.old_size)
        for change in kept:
            if change.kind == TRUNCATE:
                file.truncate(change.new_size)
            else:
                file.seek(change.offset)
                file.write(change.new)
