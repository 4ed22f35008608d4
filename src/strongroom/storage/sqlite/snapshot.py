"""Consistent copies of a store in a new SQLite file, on disk before they have their name."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from strongroom.storage.interface import LogEntry, Record, StoreError, StoreUnavailable
from strongroom.storage.sqlite.database import Database


@dataclass(frozen=True, slots=True)
class Content:
    """What a store holds; leases are left out, since nobody holds one on a copy."""

    revision: int
    records: Sequence[Record]
    logs: dict[str, list[LogEntry]]


def copy_database(source: sqlite3.Connection, path: Path) -> None:
    """Copy an open database by SQLite's backup interface; writers go on meanwhile."""
    with _new_file(path) as unfinished, closing(sqlite3.connect(unfinished)) as target:
        source.backup(target)
        target.execute("DELETE FROM lease")
        target.commit()
        target.execute("PRAGMA journal_mode=DELETE")


def write_snapshot(path: str, content: Content) -> None:
    """Write content that is not in a database as one."""
    with _new_file(Path(path)) as unfinished:
        database = Database(unfinished)
        with database.writing() as connection:
            connection.execute("UPDATE revision SET value = ?", (content.revision,))
            connection.executemany(
                "INSERT INTO record (key, value, revision) VALUES (?, ?, ?)",
                [(record.key, record.value, record.revision) for record in content.records],
            )
            connection.executemany(
                "INSERT INTO log_entry (log, sequence, time_us, value) VALUES (?, ?, ?, ?)",
                [
                    (log, entry.sequence, entry.time_us, entry.value)
                    for log, entries in content.logs.items()
                    for entry in entries
                ],
            )
        database.close()


@contextmanager
def _new_file(path: Path) -> Iterator[Path]:
    if path.exists():
        raise StoreError(f"{path} exists already: give the name of a new file")
    unfinished = path.with_name(path.name + ".unfinished")
    try:
        unfinished.unlink(missing_ok=True)
        os.close(os.open(unfinished, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        yield unfinished
        for name in (unfinished, path.parent):
            descriptor = os.open(name, os.O_RDONLY | os.O_CLOEXEC)
            os.fsync(descriptor)
            os.close(descriptor)
        unfinished.rename(path)
    except OSError as error:
        raise StoreUnavailable(f"the copy {path} cannot be written: {error.strerror or error}") from error
    finally:
        unfinished.unlink(missing_ok=True)
