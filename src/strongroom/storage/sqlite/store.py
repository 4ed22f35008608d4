"""The store interface over one SQLite file."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from strongroom.storage.interface import (
    CompareFailed,
    Lease,
    LogEntry,
    Record,
    StoreInfo,
    Transaction,
    Trim,
)
from strongroom.storage.sqlite.database import Database
from strongroom.storage.sqlite.snapshot import copy_database
from strongroom.storage.sqlite.wake import WakeUps

_LOOK_EVERY_SECONDS = 1.0
"""How long a watcher trusts wake-ups before it looks by itself."""


class SqliteStore:
    """A :class:`~strongroom.storage.interface.Store` in a file, for the processes of one machine.

    ``boot_clock`` gives seconds since the machine started, also while it slept; ``boot_id`` names that start.
    """

    def __init__(
        self,
        path: Path,
        *,
        boot_clock: Callable[[], float] = lambda: time.clock_gettime(time.CLOCK_BOOTTIME),
        boot_id: str | None = None,
    ) -> None:
        self._path = path.absolute()
        self._boot_clock = boot_clock
        self._boot_id = boot_id or Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        self._database = Database(self._path)
        self._woken = threading.Condition()
        self._wakes = 0
        self._closed = False
        self._wake_ups = WakeUps(self._path.with_name(self._path.name + ".wake"), self._on_wake)

    # -- records and logs -----------------------------------------------------------------------------------------

    def get(self, key: str) -> Record | None:
        with self._database.reading() as connection:
            row = connection.execute("SELECT key, value, revision FROM record WHERE key = ?", (key,)).fetchone()
        return Record(*row) if row else None

    def list(self, start: str, end: str, *, limit: int | None = None, reverse: bool = False) -> Sequence[Record]:
        direction = "DESC" if reverse else "ASC"
        query = f"SELECT key, value, revision FROM record WHERE key >= ? AND key < ? ORDER BY key {direction} LIMIT ?"  # noqa: S608
        with self._database.reading() as connection:
            rows = connection.execute(query, (start, end, -1 if limit is None else limit)).fetchall()
        return [Record(*row) for row in rows]

    def transact(self, transaction: Transaction) -> int:
        with self._database.writing() as connection:
            self._check(connection, transaction)
            revision = _advance(connection)
            for write in transaction.writes:
                if write.value is None:
                    connection.execute("DELETE FROM record WHERE key = ?", (write.key,))
                else:
                    connection.execute(
                        "INSERT INTO record (key, value, revision) VALUES (?, ?, ?) ON CONFLICT (key) "
                        "DO UPDATE SET value = excluded.value, revision = excluded.revision",
                        (write.key, write.value, revision),
                    )
            for append in transaction.appends:
                connection.execute(
                    "INSERT INTO log_entry (log, sequence, time_us, value) VALUES (?, ?, ?, ?)",
                    (append.log, append.entry.sequence, append.entry.time_us, append.entry.value),
                )
            for trim in transaction.trims:
                _trim(connection, trim)
        self._wake_ups.wake_all()
        return revision

    def scan(
        self, log: str, *, after: int = -1, since_us: int | None = None, limit: int | None = None, reverse: bool = False
    ) -> Sequence[LogEntry]:
        conditions, values = ["log = ?"], [log, *([after] if after >= 0 else [])]
        if after >= 0:
            conditions.append("sequence < ?" if reverse else "sequence > ?")
        if since_us is not None:
            conditions.append("time_us >= ?")
            values.append(since_us)
        values.append(-1 if limit is None else limit)
        query = (
            f"SELECT sequence, time_us, value FROM log_entry WHERE {' AND '.join(conditions)} "  # noqa: S608
            f"ORDER BY sequence {'DESC' if reverse else 'ASC'} LIMIT ?"
        )
        with self._database.reading() as connection:
            rows = connection.execute(query, values).fetchall()
        return [LogEntry(*row) for row in rows]

    def logs(self, start: str, end: str) -> Sequence[str]:
        # A step of the index for each log, however many entries there are.
        query = (
            "WITH RECURSIVE found (log) AS (SELECT min(log) FROM log_entry WHERE log >= ? UNION ALL "
            "SELECT (SELECT min(log) FROM log_entry WHERE log > found.log) FROM found WHERE found.log < ?) "
            "SELECT log FROM found WHERE log < ?"
        )
        with self._database.reading() as connection:
            return [name for (name,) in connection.execute(query, (start, end, end))]

    def scan_by_time(
        self,
        log: str,
        start: tuple[int, int],
        end: tuple[int, int],
        *,
        limit: int | None = None,
        skip: int = 0,
        reverse: bool = False,
        containing: Sequence[bytes] = (),
    ) -> Sequence[LogEntry]:
        direction = "DESC" if reverse else "ASC"
        query = (
            "SELECT sequence, time_us, value FROM log_entry WHERE log = ? AND (time_us, sequence) >= (?, ?) "  # noqa: S608
            f"AND (time_us, sequence) < (?, ?){' AND instr(value, ?) > 0' * len(containing)} "
            f"ORDER BY time_us {direction}, sequence {direction} LIMIT ? OFFSET ?"
        )
        with self._database.reading() as connection:
            values = (log, *start, *end, *containing, -1 if limit is None else limit, skip)
            rows = connection.execute(query, values).fetchall()
        return [LogEntry(*row) for row in rows]

    # -- watching -------------------------------------------------------------------------------------------------

    def watch(self, after: int, timeout_seconds: float) -> int:
        self._wake_ups.listen()
        deadline = time.monotonic() + timeout_seconds
        while True:
            with self._woken:
                wakes = self._wakes
            revision = self._revision()
            left = deadline - time.monotonic()
            if revision > after or left <= 0:
                return revision
            with self._woken:
                self._woken.wait_for(
                    lambda wakes=wakes: self._closed or self._wakes != wakes,  # type: ignore[misc]
                    min(left, _LOOK_EVERY_SECONDS),
                )

    def _on_wake(self) -> None:
        with self._woken:
            self._wakes += 1
            self._woken.notify_all()

    def _revision(self) -> int:
        with self._database.reading() as connection:
            (revision,) = connection.execute("SELECT value FROM revision").fetchone()
        return int(revision)

    # -- leases ---------------------------------------------------------------------------------------------------

    def acquire_lease(self, name: str, ttl_seconds: float) -> Lease:
        with self._database.writing() as connection:
            row = connection.execute("SELECT epoch FROM lease WHERE name = ?", (name,)).fetchone()
            epoch = row[0] + 1 if row else 1
            self._put_lease(connection, name, epoch, ttl_seconds, applied=0)
            _advance(connection)
        self._wake_ups.wake_all()
        return self._lease(name)

    def renew_lease(self, name: str, epoch: int, ttl_seconds: float, applied: int) -> Lease:
        with self._database.writing(durable=False) as connection:
            row = connection.execute("SELECT epoch, applied FROM lease WHERE name = ?", (name,)).fetchone()
            if row is None or row[0] != epoch:
                raise CompareFailed(f"lease {name}")
            self._put_lease(connection, name, epoch, ttl_seconds, applied)
            if row[1] != applied:
                _advance(connection)
        if row[1] != applied:
            self._wake_ups.wake_all()
        return self._lease(name)

    def release_lease(self, name: str, epoch: int) -> None:
        with self._database.writing(durable=False) as connection:
            cursor = connection.execute("UPDATE lease SET boot = '' WHERE name = ? AND epoch = ?", (name, epoch))
            if cursor.rowcount:
                _advance(connection)
        self._wake_ups.wake_all()

    def leases(self) -> Sequence[Lease]:
        with self._database.reading() as connection:
            rows = connection.execute("SELECT name, epoch, boot, expires, applied FROM lease ORDER BY name").fetchall()
        return [self._view(*row) for row in rows]

    def _put_lease(
        self, connection: sqlite3.Connection, name: str, epoch: int, ttl_seconds: float, applied: int
    ) -> None:
        connection.execute(
            "INSERT INTO lease (name, epoch, boot, expires, applied) VALUES (?, ?, ?, ?, ?) ON CONFLICT (name) DO "
            "UPDATE SET epoch = excluded.epoch, boot = excluded.boot, expires = excluded.expires, "
            "applied = excluded.applied",
            (name, epoch, self._boot_id, self._boot_clock() + ttl_seconds, applied),
        )

    def _lease(self, name: str) -> Lease:
        with self._database.reading() as connection:
            row = connection.execute(
                "SELECT name, epoch, boot, expires, applied FROM lease WHERE name = ?", (name,)
            ).fetchone()
        return self._view(*row)

    def _view(self, name: str, epoch: int, boot: str, expires: float, applied: int) -> Lease:
        left = expires - self._boot_clock() if boot == self._boot_id else 0.0
        return Lease(name=name, epoch=epoch, expires_at=time.time() + max(left, 0.0), applied=applied, live=left > 0)

    # -- the whole ------------------------------------------------------------------------------------------------

    def snapshot(self, path: str) -> None:
        with self._database.reading() as connection:
            copy_database(connection, Path(path))

    def info(self) -> StoreInfo:
        with self._database.reading() as connection:
            (revision,) = connection.execute("SELECT value FROM revision").fetchone()
            (records,) = connection.execute("SELECT count(*) FROM record").fetchone()
            (schema,) = connection.execute("PRAGMA user_version").fetchone()
        files = [self._path.with_name(self._path.name + suffix) for suffix in ("", "-wal")]
        return StoreInfo(
            engine="sqlite",
            location=str(self._path),
            revision=revision,
            size_bytes=sum(file.stat().st_size for file in files if file.exists()),
            details={"records": str(records), "schema": str(schema), "sqlite": sqlite3.sqlite_version},
        )

    def close(self) -> None:
        with self._woken:
            if self._closed:
                return
            self._closed = True
            self._woken.notify_all()
        self._wake_ups.close()
        self._database.close()

    def _check(self, connection: sqlite3.Connection, transaction: Transaction) -> None:
        if transaction.lease is not None:
            row = connection.execute(
                "SELECT epoch, boot, expires FROM lease WHERE name = ?", (transaction.lease.name,)
            ).fetchone()
            holds = row is not None and row[0] == transaction.lease.epoch
            if not holds or row[1] != self._boot_id or row[2] <= self._boot_clock():
                raise CompareFailed(f"lease {transaction.lease.name}")
        for compare in transaction.compares:
            row = connection.execute("SELECT revision FROM record WHERE key = ?", (compare.key,)).fetchone()
            if (row[0] if row else None) != compare.revision:
                raise CompareFailed(compare.key)
        following: dict[str, int] = {}
        for append in transaction.appends:
            expected = following.get(append.log)
            if expected is None:
                (last,) = connection.execute(
                    "SELECT max(sequence) FROM log_entry WHERE log = ?", (append.log,)
                ).fetchone()
                expected = 0 if last is None else last + 1
            if append.entry.sequence != expected:
                raise CompareFailed(f"log {append.log}")
            following[append.log] = expected + 1


def _trim(connection: sqlite3.Connection, trim: Trim) -> None:
    if trim.before_us is None:
        connection.execute("DELETE FROM log_entry WHERE log = ?", (trim.log,))
        return
    connection.execute(
        "DELETE FROM log_entry WHERE rowid IN (SELECT rowid FROM log_entry WHERE log = ?1 AND time_us < ?2 AND "
        "sequence < (SELECT max(sequence) FROM log_entry WHERE log = ?1) ORDER BY time_us, sequence LIMIT ?3)",
        (trim.log, trim.before_us, -1 if trim.limit is None else trim.limit),
    )


def _advance(connection: sqlite3.Connection) -> int:
    (revision,) = connection.execute("UPDATE revision SET value = value + 1 RETURNING value").fetchone()
    return int(revision)
