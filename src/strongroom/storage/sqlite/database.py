"""Connections to an SQLite file: how they are opened, how they wait for each other, what their errors mean.

WAL with ``synchronous=FULL``: a commit is one fsync. Leases are written by a connection with ``synchronous=NORMAL``,
which leaves the fsync to the next commit: a lease does not outlive a restart of the machine in any case.
"""

from __future__ import annotations

import errno
import os
import random
import sqlite3
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from strongroom.storage.interface import StoreError, StoreUnavailable, StoreUnwritable
from strongroom.storage.migrations import migrations

APPLICATION_ID = 0x53545247
"""``STRG`` in the file's header: tells our files from other SQLite files."""
LOCK_TIMEOUT_SECONDS = 10.0
_READERS_KEPT = 16


class Database:
    """The file and its connections: one for changes, one for leases, a few for reading."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._create()
        self._writer = self._connect("FULL")
        self._leaser = self._connect("NORMAL")
        self._writer_lock = Lock()
        self._leaser_lock = Lock()
        self._readers: deque[sqlite3.Connection] = deque()
        self._closed = False
        try:
            with self.translated():
                self._migrate()
        except StoreError:
            self.close()
            raise

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection whose every statement sees whole transactions only."""
        self._check_open()
        with self.translated():
            try:
                connection = self._readers.popleft()
            except IndexError:
                connection = self._connect("FULL", timeout=LOCK_TIMEOUT_SECONDS)
            try:
                yield connection
            finally:
                if self._closed or len(self._readers) >= _READERS_KEPT:
                    connection.close()
                else:
                    self._readers.append(connection)

    @contextmanager
    def writing(self, *, durable: bool = True) -> Iterator[sqlite3.Connection]:
        """A transaction: committed at the end, on disk when ``durable``; rolled back by an exception."""
        self._check_open()
        connection, lock = (self._writer, self._writer_lock) if durable else (self._leaser, self._leaser_lock)
        with lock, self.translated():
            self._check_open()
            self._begin(connection)
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    @contextmanager
    def translated(self) -> Iterator[None]:
        """SQLite's errors as the store's, with what to do."""
        try:
            yield
        except sqlite3.Error as error:
            raise self._store_error(error) from error

    def close(self) -> None:
        self._closed = True
        with self._writer_lock:
            self._writer.close()
        with self._leaser_lock:
            self._leaser.close()
        while self._readers:
            self._readers.popleft().close()

    def _check_open(self) -> None:
        if self._closed:
            raise StoreError("the store is closed")

    def _create(self) -> None:
        """Make the file readable by its owner alone; SQLite gives its other files the same mode."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        except FileExistsError:
            # Not opened here: to close it again would take this process's locks off it, also those of its connections.
            if not os.access(self.path, os.R_OK | os.W_OK):
                is_mounted_read_only = os.statvfs(self.path.parent).f_flag & os.ST_RDONLY
                error = OSError(errno.EROFS if is_mounted_read_only else errno.EACCES, os.strerror(errno.EACCES))
                raise StoreUnavailable(f"the store {self.path} cannot be opened: {_reason(error)}") from None
        except OSError as error:
            raise StoreUnavailable(f"the store {self.path} cannot be opened: {_reason(error)}") from error

    def _connect(self, synchronous: str, *, timeout: float = 0) -> sqlite3.Connection:
        """``timeout`` is how long SQLite itself waits, in seconds: for reading, which is seldom held up.

        Waiting for the other writers is done here, fairly; SQLite's own waiting grows to 100 ms a step.
        """
        with self.translated():
            connection = sqlite3.connect(self.path, timeout=timeout, isolation_level=None, check_same_thread=False)
            self._retry(connection, "PRAGMA journal_mode=WAL")
            connection.execute(f"PRAGMA synchronous={synchronous}")
            connection.execute("PRAGMA foreign_keys=ON")
            connection.execute("PRAGMA journal_size_limit=67108864")
        return connection

    def _begin(self, connection: sqlite3.Connection) -> None:
        self._retry(connection, "BEGIN IMMEDIATE")

    def _retry(self, connection: sqlite3.Connection, statement: str) -> sqlite3.Cursor:
        deadline = time.monotonic() + LOCK_TIMEOUT_SECONDS
        while True:
            try:
                return connection.execute(statement)
            except sqlite3.OperationalError as error:
                if not _is_busy(error) or time.monotonic() > deadline:
                    raise
                time.sleep(random.uniform(0.0002, 0.0015))  # noqa: S311

    def _migrate(self) -> None:
        steps = migrations("sqlite")
        if self._version(len(steps)) == len(steps):
            return
        self._begin(self._writer)
        # Another process may have done it while this one waited for the lock.
        for step in steps[self._version(len(steps)) :]:
            for statement in step.statements:
                self._writer.execute(statement)
        self._writer.execute(f"PRAGMA application_id={APPLICATION_ID}")
        self._writer.execute(f"PRAGMA user_version={len(steps)}")
        self._writer.execute("COMMIT")

    def _version(self, newest: int) -> int:
        (application,) = self._retry(self._writer, "PRAGMA application_id").fetchone()
        (version,) = self._retry(self._writer, "PRAGMA user_version").fetchone()
        (tables,) = self._retry(self._writer, "SELECT count(*) FROM sqlite_schema").fetchone()
        if application != APPLICATION_ID and tables:
            raise StoreError(f"{self.path} is an SQLite file of another program")
        if version > newest:
            raise StoreError(
                f"the store {self.path} was written by a newer Strongroom (schema {version}; this one knows "
                f"{newest}): update Strongroom"
            )
        return int(version)

    def _store_error(self, error: sqlite3.Error) -> StoreError:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        unwritable = {
            sqlite3.SQLITE_FULL: "the disk is full: make room, then try again",
            sqlite3.SQLITE_READONLY: "it cannot be written: check its owner, its mode and the file system",
            sqlite3.SQLITE_IOERR: "the disk reported an error: check the disk, and whether its file system is mounted "
            "read-only",
        }.get(code)
        if unwritable is not None:
            return StoreUnwritable(f"the store {self.path} is unavailable: {unwritable} ({error})")
        text = {
            sqlite3.SQLITE_BUSY: f"another writer held it for {LOCK_TIMEOUT_SECONDS:.0f} s: try again",
            sqlite3.SQLITE_LOCKED: "another writer holds it: try again",
            sqlite3.SQLITE_CANTOPEN: "it cannot be opened: check that its directory exists and is writable",
        }.get(code)
        if text is not None:
            return StoreUnavailable(f"the store {self.path} is unavailable: {text} ({error})")
        if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
            return StoreError(f"the store {self.path} is damaged ({error}): restore it from a backup")
        if self._closed:
            return StoreError("the store is closed")
        return StoreError(f"the store {self.path} failed: {error}")


def _is_busy(error: sqlite3.OperationalError) -> bool:
    return (getattr(error, "sqlite_errorcode", 0) & 0xFF) in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


def _reason(error: OSError) -> str:
    if error.errno == errno.EROFS:
        return "its file system is mounted read-only; mount it for writing"
    if error.errno in {errno.EACCES, errno.EPERM}:
        return f"{error.strerror}; check the owner and the mode of its directory"
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return "the disk is full; make room"
    return error.strerror or str(error)
