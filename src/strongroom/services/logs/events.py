"""Events of one stream, by time: an entry of an HSM's audit log, or what a user wrote.

A place in a stream is (time in µs, sequence): events are shown in the order of their writer's clock, which may step
back.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from strongroom.audit.text import render
from strongroom.storage.interface import LogEntry, Store
from strongroom.vocabulary.records import AuditEntry, WrittenEvent

Place = tuple[int, int]
FIRST_PLACE: Final[Place] = (0, 0)
LAST_US: Final = (1 << 63) - 1
LAST_PLACE: Final[Place] = (LAST_US, 0)
_FIRST_CHUNK: Final = 4
_MOST_ENTRIES: Final = 4096
_CHUNK_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Event:
    """An event; times are in milliseconds since 1970."""

    place: Place
    message: str
    ingested_ms: int

    @property
    def timestamp_ms(self) -> int:
        return self.place[0] // 1000


Decode = Callable[[LogEntry], Event]
_audit_entry = msgspec.msgpack.Decoder(AuditEntry)
_written_event = msgspec.msgpack.Decoder(WrittenEvent)


def audit_event(entry: LogEntry) -> Event:
    """An entry of an HSM's log. It could be read as soon as it was committed: its own time is that of ingestion."""
    return Event((entry.time_us, entry.sequence), render(_audit_entry.decode(entry.value)), entry.time_us // 1000)


def written_event(entry: LogEntry) -> Event:
    written = _written_event.decode(entry.value)
    return Event((entry.time_us, entry.sequence), written.message, written.ingested_ms)


@dataclass(frozen=True, slots=True)
class EventLog:
    """Where the events of a stream are. ``key`` is the stream's own: no other stream, living or deleted, has it."""

    store: Store
    log: str
    key: str
    decode: Decode

    def read(self, start: Place, end: Place, *, reverse: bool = False, share: int = 1) -> Iterator[Event]:
        """Events with ``start <= place < end``, in order.

        They are fetched in chunks that grow while events are small, so that memory is bounded whatever their size; with
        ``share`` streams read at once each takes its part.
        """
        size = _FIRST_CHUNK
        while True:
            entries = self.store.scan_by_time(self.log, start, end, limit=size, reverse=reverse)
            yield from map(self.decode, entries)
            if len(entries) < size:
                return
            place = (entries[-1].time_us, entries[-1].sequence)
            start, end = (start, place) if reverse else (after(place), end)
            size = _next_size(entries, share)

    def written(self, first: int, end: int) -> Iterator[Event]:
        """Events in the order in which they were written: ``first <= sequence < end``."""
        size = _FIRST_CHUNK
        while first < end:
            entries = self.store.scan(self.log, after=first - 1, limit=min(size, end - first))
            yield from map(self.decode, entries)
            if not entries:
                return
            first = entries[-1].sequence + 1
            size = _next_size(entries, 1)

    def next_sequence(self) -> int:
        """The sequence of the event that will be written next."""
        newest = self.store.scan(self.log, limit=1, reverse=True)
        return newest[0].sequence + 1 if newest else 0

    def first_ms(self, from_ms: int) -> int | None:
        """The time of the earliest event from a time on."""
        return next((event.timestamp_ms for event in self._one((from_ms * 1000, 0), reverse=False)), None)

    def last(self, from_ms: int) -> Event | None:
        """The latest event, unless it is before a time."""
        return next(iter(self._one((from_ms * 1000, 0), reverse=True)), None)

    def _one(self, start: Place, *, reverse: bool) -> list[Event]:
        return [
            self.decode(entry)
            for entry in self.store.scan_by_time(self.log, start, LAST_PLACE, limit=1, reverse=reverse)
        ]

    def event_id(self, event: Event) -> str:
        """56 digits, as AWS's: time, stream and sequence, so it is the same each time and no other event's."""
        stream = int.from_bytes(hashlib.sha256(self.key.encode()).digest()[:8], "big")
        return f"{event.timestamp_ms:016d}{stream:020d}{event.place[1]:020d}"


def _next_size(entries: Sequence[LogEntry], share: int) -> int:
    """Of the next chunk: twice as many, unless that would be too much memory."""
    average = sum(len(entry.value) for entry in entries) // len(entries) + 1
    return max(1, min(2 * len(entries), _MOST_ENTRIES // share, _CHUNK_BYTES // share // average))


def after(place: Place) -> Place:
    """The first place after a place."""
    return (place[0], place[1] + 1)


def at_ms(milliseconds: int) -> Place:
    """The first place of a time; times beyond what a store can hold are cut."""
    return (min(milliseconds * 1000, LAST_US), 0)
