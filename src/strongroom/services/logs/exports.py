"""Export tasks: a group's events as compressed files, in a directory that stands for the bucket.

``<bucket>/<prefix>/<task id>/<stream>/000000.gz`` and so on, a line for each event: its time, a space, its message.
Tasks are records of the logs store; one thread does them, one task of an account at a time. A task that the end of the
service interrupted has failed.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import os
import queue
import re
import threading
import urllib.parse
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import chain, islice
from pathlib import Path
from typing import Final

import msgspec
import structlog

from strongroom.private_files import make_private_directory, sync_directory, write_private
from strongroom.services.logs import refusals
from strongroom.services.logs.events import Event, Place
from strongroom.services.logs.streams import LogStream
from strongroom.storage.interface import Store, Transaction, Write, prefix_end
from strongroom.vocabulary import records
from strongroom.vocabulary.records import LogExportTask

EVENTS_OF_A_FILE: Final = 100_000
MOST_KEPT: Final = 500
"""Tasks of an account that are remembered; the oldest are forgotten first, their files stay."""
_LONGEST_NAME: Final = 200
_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PREFIX_PART: Final = re.compile(r"[A-Za-z0-9!_.*'()-]{1,200}")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

log = structlog.get_logger(__name__)


class Status(StrEnum):
    """Of a task, as AWS spells them."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    PENDING_CANCEL = "PENDING_CANCEL"
    CANCELLED = "CANCELLED"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"


class _Cancelled(Exception):
    """Nobody wants the task any more."""


class Exports:
    """The tasks of an installation. Thread-safe."""

    def __init__(self, store: Store, buckets: Path, now_ms: Callable[[], int]) -> None:
        self._store = store
        self._buckets = buckets
        self._now_ms = now_ms
        self._lock = threading.RLock()
        # What follows is guarded by _lock: the tasks that this process has not finished.
        self._unfinished: dict[str, LogExportTask] = {}
        self._cancelled: set[str] = set()
        self._waiting: queue.SimpleQueue[tuple[LogExportTask, Sequence[LogStream], Place, Place]] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def start(
        self, task: LogExportTask, streams: Sequence[LogStream], start: Place, end: Place, told: Sequence[Write]
    ) -> None:
        """Remember a task and let it run. Raises the API's error when the account has one that is not finished."""
        with self._lock:
            if any(one.account == task.account for one in self._unfinished.values()):
                raise refusals.limit_exceeded("Resource limit exceeded.")
            old = self.of(task.account)[MOST_KEPT - 1 :]
            forgotten = tuple(Write(_key(one), None) for one in old)
            self._store.transact(Transaction(writes=(_write(task), *forgotten, *told)))
            self._unfinished[task.task_id] = task
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="logs-export", daemon=True)
                self._thread.start()
        self._waiting.put((task, streams, start, end))

    def of(self, account: str) -> list[LogExportTask]:
        """The tasks of an account, the newest first."""
        prefix = records.log_exports_prefix(account)
        with self._lock:
            found = [
                self._seen(msgspec.msgpack.decode(record.value, type=LogExportTask))
                for record in self._store.list(prefix, prefix_end(prefix))
            ]
        return sorted(found, key=lambda task: (task.created_ms, task.task_id), reverse=True)

    def cancel(self, account: str, task_id: str, told: Sequence[Write]) -> None:
        """Let a task end early. Raises the API's error."""
        with self._lock:
            if all(task.task_id != task_id for task in self.of(account)):
                raise refusals.no_export_task()
            task = self._unfinished.get(task_id)
            if task is None:
                raise refusals.export_task_finished()
            self._unfinished[task_id] = msgspec.structs.replace(task, status=Status.PENDING_CANCEL)
            self._cancelled.add(task_id)
            self._store.transact(Transaction(writes=(_write(self._unfinished[task_id]), *told)))

    def _seen(self, stored: LogExportTask) -> LogExportTask:
        """A task as it is shown: this process knows how far its own are, and that those of an earlier one ended."""
        if stored.completed_ms is not None:
            return stored
        known = self._unfinished.get(stored.task_id)
        if known is not None:
            return known
        text = "The service stopped, or its store failed, before the task was finished. Create it again."
        return msgspec.structs.replace(stored, status=Status.FAILED, message=text)

    def _work(self) -> None:
        while True:
            task, streams, start, end = self._waiting.get()
            self._change(task, Status.RUNNING, "Started successfully")
            status, message = self._outcome(task, streams, start, end)
            # In one step: nobody sees, and no cancellation changes, a task that is over and not stored as such.
            with self._lock:
                try:
                    self._finish(task, status, message)
                except Exception as error:
                    log.error("the end of an export cannot be stored", task_id=task.task_id, reason=repr(error))  # noqa: TRY400
                self._unfinished.pop(task.task_id, None)
                self._cancelled.discard(task.task_id)

    def _outcome(
        self, task: LogExportTask, streams: Sequence[LogStream], start: Place, end: Place
    ) -> tuple[Status, str]:
        try:
            self._export(task, streams, start, end)
        except _Cancelled:
            return Status.CANCELLED, "Cancelled successfully"
        except Exception as error:
            log.error("export failed", task_id=task.task_id, reason=repr(error))  # noqa: TRY400 - it may show a value
            return Status.FAILED, "The files cannot be written. The service's log says why."
        return Status.COMPLETED, "Completed successfully"

    def _change(self, task: LogExportTask, status: Status, message: str) -> None:
        with self._lock:
            if task.task_id not in self._cancelled:
                self._unfinished[task.task_id] = msgspec.structs.replace(task, status=status, message=message)

    def _finish(self, task: LogExportTask, status: Status, message: str) -> None:
        done = msgspec.structs.replace(task, status=status, message=message, completed_ms=self._now_ms())
        self._store.transact(Transaction(writes=(_write(done),)))

    def _export(self, task: LogExportTask, streams: Sequence[LogStream], start: Place, end: Place) -> None:
        self._check_wanted(task)
        directory = make_private_directory(self._buckets / task.destination)
        for part in task.prefix.split("/"):
            directory = make_private_directory(directory / part)
        # AWS leaves this file too, and scripts that read a bucket know it.
        write_private(directory / "aws-logs-write-test", "Permission Check Successful")
        directory = make_private_directory(directory / task.task_id)
        for stream in streams:
            events = self._events(task, stream, start, end)
            for number, first in enumerate(events):
                place = make_private_directory(directory / file_name(stream.name))
                _write_lines(place / f"{number:06d}.gz", islice(chain([first], events), EVENTS_OF_A_FILE))

    def _events(self, task: LogExportTask, stream: LogStream, start: Place, end: Place) -> Iterator[Event]:
        for event in stream.events.read(start, end):
            self._check_wanted(task)
            yield event

    def _check_wanted(self, task: LogExportTask) -> None:
        if task.task_id in self._cancelled:
            raise _Cancelled


def is_bucket(name: str) -> bool:
    """Whether S3 would take the name; none of them leads out of a directory."""
    return bool(_BUCKET.fullmatch(name)) and ".." not in name


def is_prefix(prefix: str) -> bool:
    """Whether each part is a file name without surprises."""
    return all(_PREFIX_PART.fullmatch(part) and part not in {".", ".."} for part in prefix.split("/"))


def file_name(stream_name: str) -> str:
    """The directory of a stream: no two streams of a group have the same, and none leads elsewhere."""
    name = urllib.parse.quote(stream_name, safe="[]$@ ").replace(".", "%2E" if stream_name.strip(".") == "" else ".")
    if len(name) <= _LONGEST_NAME:
        return name
    return f"{name[: _LONGEST_NAME // 2]}~{hashlib.sha256(stream_name.encode()).hexdigest()[:32]}"


def _write_lines(path: Path, events: Iterator[Event]) -> None:
    """A file is there whole or not at all."""
    temporary = path.with_name(f".{path.name}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            with gzip.GzipFile(filename="", fileobj=file, mode="wb", mtime=0) as lines:
                for event in events:
                    time = _EPOCH + timedelta(milliseconds=event.timestamp_ms)
                    lines.write(f"{time:%Y-%m-%dT%H:%M:%S}.{time.microsecond // 1000:03d}Z {event.message}\n".encode())
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    sync_directory(path.parent)


def _key(task: LogExportTask) -> str:
    return records.log_exports_prefix(task.account) + task.task_id


def _write(task: LogExportTask) -> Write:
    return Write(_key(task), msgspec.msgpack.encode(task))
