"""Looking into audit logs: filters, and the entries of several HSMs in the order of their times."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import msgspec

from strongroom.audit.hsm_logs import HsmLog, rows
from strongroom.vocabulary.records import UNREADABLE, AuditEntry


@dataclass(frozen=True, slots=True)
class Told:
    """An entry and the cluster that it is of."""

    cluster_id: str
    entry: AuditEntry


@dataclass(frozen=True, slots=True)
class Filter:
    """What is looked for; what is left out matches everything. Times are in µs since 1970, ``until_us`` excluded."""

    user: str | None = None
    opcodes: frozenset[str] = frozenset()
    """Names in capitals, or numbers as ``0x…``."""
    key: int | None = None
    session: int | None = None
    failed: bool = False
    since_us: int | None = None
    until_us: int | None = None

    def matches(self, entry: AuditEntry) -> bool:
        return (
            (self.user is None or entry.username == self.user)
            and (not self.opcodes or entry.opcode in self.opcodes or f"{entry.opcode_number:#x}" in self.opcodes)
            and (self.key is None or self.key in {entry.private_reference, entry.public_reference})
            and (self.session is None or entry.session == self.session)
            and (not self.failed or entry.response != 0)
        )


@dataclass(slots=True)
class Search:
    """One look into some logs. ``unread`` counts what could not be read: it was altered."""

    logs: Sequence[HsmLog]
    unread: int = 0
    _decoder: msgspec.msgpack.Decoder[AuditEntry] = field(default_factory=lambda: msgspec.msgpack.Decoder(AuditEntry))

    def find(self, wanted: Filter) -> Iterator[Told]:
        """Entries in the order of their times, of all logs; few of them are in memory at a time."""
        streams = [self._of(log, wanted) for log in self.logs]
        return heapq.merge(*streams, key=lambda told: told.entry.time_us)

    def newest(self, count: int) -> tuple[list[Told], dict[str, int]]:
        """The last entries of all logs together, the oldest first, and the place of each HSM for :meth:`after`."""
        found, places = [], {}
        for log in self.logs:
            # One look for both: what is written between two looks would be in both answers.
            newest = log.store.scan(log.entries, reverse=True, limit=max(count, 1))
            if newest:
                places[log.hsm_id] = newest[0].sequence
            for row in newest[:count]:
                found += self._read(log, row.value)
        ordered = sorted(found, key=lambda told: (told.entry.time_us, told.entry.sequence))
        return ordered[max(len(ordered) - count, 0) :], places

    def after(self, places: dict[str, int]) -> list[Told]:
        """What was written since; ``places`` has the last sequence of each HSM and is brought up to date."""
        found = []
        for log in self.logs:
            for row in rows(log.store, log.entries, after=places.get(log.hsm_id, -1)):
                places[log.hsm_id] = row.sequence
                found += self._read(log, row.value)
        return sorted(found, key=lambda told: (told.entry.time_us, told.entry.sequence))

    def _of(self, log: HsmLog, wanted: Filter) -> Iterator[Told]:
        first = log.first_since(wanted.since_us) if wanted.since_us is not None else 0
        for row in rows(log.store, log.entries, after=first - 1):
            for told in self._read(log, row.value):
                if wanted.until_us is not None and told.entry.time_us >= wanted.until_us:
                    return
                if wanted.matches(told.entry) and (wanted.since_us is None or told.entry.time_us >= wanted.since_us):
                    yield told

    def _read(self, log: HsmLog, value: bytes) -> list[Told]:
        try:
            return [Told(log.cluster_id, self._decoder.decode(value))]
        except UNREADABLE:
            self.unread += 1
            return []
