"""The store interface over dictionaries. Durable for as long as the process lives, and honest about that."""

from __future__ import annotations

import bisect
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from strongroom.storage.interface import (
    CompareFailed,
    Lease,
    LogEntry,
    Record,
    StoreError,
    StoreInfo,
    Transaction,
    Trim,
)


@dataclass(slots=True)
class _Lease:
    epoch: int
    expires: float
    applied: int


class MemoryStore:
    """A :class:`~strongroom.storage.interface.Store` whose content is gone with it.

    ``monotonic`` gives seconds that never step; leases are measured with it.
    """

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._changed = threading.Condition()
        self._revision = 0
        self._records: dict[str, Record] = {}
        self._keys: list[str] = []
        self._logs: dict[str, list[LogEntry]] = {}
        self._leases: dict[str, _Lease] = {}
        self._closed = False

    def get(self, key: str) -> Record | None:
        with self._changed:
            self._check_open()
            return self._records.get(key)

    def list(self, start: str, end: str, *, limit: int | None = None, reverse: bool = False) -> Sequence[Record]:
        with self._changed:
            self._check_open()
            keys = self._keys[bisect.bisect_left(self._keys, start) : bisect.bisect_left(self._keys, end)]
            if reverse:
                keys.reverse()
            return [self._records[key] for key in keys[:limit]]

    def transact(self, transaction: Transaction) -> int:
        with self._changed:
            self._check_open()
            self._check(transaction)
            self._revision += 1
            for write in transaction.writes:
                self._write(write.key, write.value)
            for append in transaction.appends:
                self._logs.setdefault(append.log, []).append(append.entry)
            for trim in transaction.trims:
                self._trim(trim)
            self._changed.notify_all()
            return self._revision

    def scan(
        self, log: str, *, after: int = -1, since_us: int | None = None, limit: int | None = None, reverse: bool = False
    ) -> Sequence[LogEntry]:
        with self._changed:
            self._check_open()
            entries = self._logs.get(log, [])
            if after >= 0:
                place = bisect.bisect_left(entries, after, key=_sequence)
                entries = entries[:place] if reverse else entries[bisect.bisect_right(entries, after, key=_sequence) :]
            selected = entries[::-1] if reverse else entries
            if since_us is not None:
                selected = [entry for entry in selected if entry.time_us >= since_us]
            return selected[:limit]

    def logs(self, start: str, end: str) -> Sequence[str]:
        with self._changed:
            self._check_open()
            return sorted(name for name in self._logs if start <= name < end)

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
        with self._changed:
            self._check_open()
            selected = [
                entry
                for entry in self._logs.get(log, [])
                if start <= _place(entry) < end and all(part in entry.value for part in containing)
            ]
            last = None if limit is None else skip + limit
            return sorted(selected, key=_place, reverse=reverse)[skip:last]

    def watch(self, after: int, timeout_seconds: float) -> int:
        with self._changed:
            self._check_open()
            self._changed.wait_for(lambda: self._closed or self._revision > after, timeout_seconds)
            self._check_open()
            return self._revision

    def acquire_lease(self, name: str, ttl_seconds: float) -> Lease:
        with self._changed:
            self._check_open()
            before = self._leases.get(name)
            lease = _Lease(epoch=before.epoch + 1 if before else 1, expires=self._monotonic() + ttl_seconds, applied=0)
            self._leases[name] = lease
            self._advance()
            return self._view(name, lease)

    def renew_lease(self, name: str, epoch: int, ttl_seconds: float, applied: int) -> Lease:
        with self._changed:
            self._check_open()
            lease = self._leases.get(name)
            if lease is None or lease.epoch != epoch:
                raise CompareFailed(f"lease {name}")
            lease.expires = self._monotonic() + ttl_seconds
            if lease.applied != applied:
                lease.applied = applied
                self._advance()
            return self._view(name, lease)

    def release_lease(self, name: str, epoch: int) -> None:
        with self._changed:
            self._check_open()
            lease = self._leases.get(name)
            if lease is not None and lease.epoch == epoch:
                lease.expires = float("-inf")
                self._advance()

    def leases(self) -> Sequence[Lease]:
        with self._changed:
            self._check_open()
            return [self._view(name, lease) for name, lease in sorted(self._leases.items())]

    def snapshot(self, path: str) -> None:
        # A file that another process can open is what a snapshot is for, so it is an SQLite store.
        from strongroom.storage.sqlite.snapshot import Content, write_snapshot

        with self._changed:
            self._check_open()
            content = Content(
                revision=self._revision,
                records=[self._records[key] for key in self._keys],
                logs={name: list(entries) for name, entries in self._logs.items()},
            )
        write_snapshot(path, content)

    def info(self) -> StoreInfo:
        with self._changed:
            self._check_open()
            size = sum(len(record.value) for record in self._records.values())
            size += sum(len(entry.value) for entries in self._logs.values() for entry in entries)
            return StoreInfo(engine="memory", location="memory:", revision=self._revision, size_bytes=size)

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _check(self, transaction: Transaction) -> None:
        if transaction.lease is not None:
            lease = self._leases.get(transaction.lease.name)
            if lease is None or lease.epoch != transaction.lease.epoch or lease.expires <= self._monotonic():
                raise CompareFailed(f"lease {transaction.lease.name}")
        for compare in transaction.compares:
            record = self._records.get(compare.key)
            if (record.revision if record else None) != compare.revision:
                raise CompareFailed(compare.key)
        following: dict[str, int] = {}
        for append in transaction.appends:
            entries = self._logs.get(append.log)
            expected = following.get(append.log, entries[-1].sequence + 1 if entries else 0)
            if append.entry.sequence != expected:
                raise CompareFailed(f"log {append.log}")
            following[append.log] = expected + 1

    def _write(self, key: str, value: bytes | None) -> None:
        if value is None:
            if self._records.pop(key, None) is not None:
                del self._keys[bisect.bisect_left(self._keys, key)]
            return
        if key not in self._records:
            bisect.insort(self._keys, key)
        self._records[key] = Record(key=key, value=value, revision=self._revision)

    def _trim(self, trim: Trim) -> None:
        if trim.before_us is None:
            self._logs.pop(trim.log, None)
            return
        entries = self._logs.get(trim.log, [])
        old = sorted((entry for entry in entries[:-1] if entry.time_us < trim.before_us), key=_place)[: trim.limit]
        gone = {entry.sequence for entry in old}
        entries[:] = [entry for entry in entries if entry.sequence not in gone]

    def _advance(self) -> None:
        self._revision += 1
        self._changed.notify_all()

    def _view(self, name: str, lease: _Lease) -> Lease:
        left = lease.expires - self._monotonic()
        return Lease(
            name=name,
            epoch=lease.epoch,
            expires_at=time.time() + max(left, 0.0),
            applied=lease.applied,
            live=left > 0,
        )

    def _check_open(self) -> None:
        if self._closed:
            raise StoreError("the store is closed")


def _sequence(entry: LogEntry) -> int:
    return entry.sequence


def _place(entry: LogEntry) -> tuple[int, int]:
    return entry.time_us, entry.sequence
