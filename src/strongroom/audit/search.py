"""Looking into audit logs: filters, and the entries of several HSMs in the order of their times."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import msgspec

from strongroom.audit.hsm_logs import HsmLog, rows
from strongroom.vocabulary.records import AuditEntry


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

    def newest(self, count: int) -> list[Told]:
        """The last entries of all logs together, the oldest first."""
        found = []
        for log in self.logs:
            for row in log.store.scan(log.entries, reverse=True, limit=count):
                found += self._read(log, row.value)
        return sorted(found, key=lambda told: (told.entry.time_us, told.entry.sequence))[-count:]

    def after(self, places: dict[str, int]) -> list[Told]:
        """What was written since; ``places`` has the last sequence of each HSM and is brought up to date."""
        found = []
        for log in self.logs:
            for row in rows(log.store, log.entries, after=places.get(log.hsm_id, -1)):
                places[log.hsm_id] = row.sequence
                found += self._read(log, row.value)
        return sorted(found, key=lambda told: (told.entry.time_us, told.entry.sequence))

    def places(self) -> dict[str, int]:
        """The last sequence of each HSM now."""
        newest = ((log.hsm_id, log.newest(log.entries)) for log in self.logs)
        return {hsm_id: row.sequence for hsm_id, row in newest if row is not None}

    def _of(self, log: HsmLog, wanted: Filter) -> Iterator[Told]:
        after = -1
        if wanted.since_us is not None:
            first = log.store.scan(log.entries, since_us=wanted.since_us, limit=1)
            if not first:
                return
            after = first[0].sequence - 1
        for row in rows(log.store, log.entries, after=after):
            if wanted.until_us is not None and row.time_us >= wanted.until_us:
                return
            for told in self._read(log, row.value):
                if wanted.matches(told.entry):
                    yield told

    def _read(self, log: HsmLog, value: bytes) -> list[Told]:
        try:
            return [Told(log.cluster_id, self._decoder.decode(value))]
        except (msgspec.DecodeError, UnicodeDecodeError):
            self.unread += 1
            return []
