"""Events of one stream, by time: an entry of an HSM's audit log, or what a user wrote.

A place in a stream is (time in µs, sequence): events are shown in the order of their writer's clock, which may step
back.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

import msgspec

from strongroom.audit.text import render, stored_word
from strongroom.storage.interface import LogEntry, Store
from strongroom.vocabulary.records import UNREADABLE, AuditEntry, WrittenEvent

Place = tuple[int, int]
FIRST_PLACE: Final[Place] = (0, 0)
LAST_US: Final = (1 << 63) - 1
LAST_PLACE: Final[Place] = (LAST_US, 0)
_FIRST_CHUNK: Final = 4
_MOST_ENTRIES: Final = 4096
_CHUNK_BYTES: Final = 1 << 20
_SPAN: Final = 20_000
"""Events of a small kind that the store looks through at once."""


_audit_entry = msgspec.msgpack.Decoder(AuditEntry)
_written_event = msgspec.msgpack.Decoder(WrittenEvent)


class Event(ABC):
    """An event as it is stored; a search passes over many without making their messages."""

    __slots__ = ("_message", "passed", "stored")
    is_small: ClassVar[bool]
    """Whether all events of the kind are small, so that the store may look through many at once."""

    def __init__(self, stored: LogEntry) -> None:
        self.stored = stored
        self.passed = 0
        """How many events before this one a search has passed over."""
        self._message: str | None = None

    @property
    def place(self) -> Place:
        return (self.stored.time_us, self.stored.sequence)

    @property
    def timestamp_ms(self) -> int:
        """In milliseconds since 1970, as all times of this API."""
        return self.stored.time_us // 1000

    @property
    def message(self) -> str:
        if self._message is None:
            self._message = self._read()
        return self._message

    @property
    @abstractmethod
    def ingested_ms(self) -> int: ...

    @staticmethod
    @abstractmethod
    def stored_phrase(phrase: str) -> bytes | None:
        """What every stored event must hold whose message has the phrase; ``None`` where that cannot be told."""

    @abstractmethod
    def _read(self) -> str: ...


class AuditEvent(Event):
    """An entry of an HSM's log. It could be read as soon as it was committed: its own time is that of ingestion."""

    __slots__ = ()
    is_small = True

    @property
    def ingested_ms(self) -> int:
        return self.timestamp_ms

    @staticmethod
    def stored_phrase(phrase: str) -> bytes | None:
        return stored_word(phrase)

    def _read(self) -> str:
        try:
            return render(_audit_entry.decode(self.stored.value))
        except UNREADABLE:
            # Shown in its place, so that it hides no other entry; `strongroom audit verify` says more.
            return f"Entry {self.stored.sequence:#x} of the audit log cannot be read: it was altered"


class UsersEvent(Event):
    """An event that a user wrote."""

    __slots__ = ()
    is_small = False

    @property
    def ingested_ms(self) -> int:
        return _written_event.decode(self.stored.value).ingested_ms

    @staticmethod
    def stored_phrase(phrase: str) -> bytes | None:
        return phrase.encode()

    def _read(self) -> str:
        return _written_event.decode(self.stored.value).message


@dataclass(frozen=True, slots=True)
class EventLog:
    """Where the events of a stream are. ``key`` is the stream's own: no other stream, living or deleted, has it."""

    store: Store
    log: str
    key: str
    kind: type[Event]

    def read(
        self, start: Place, end: Place, *, reverse: bool = False, share: int = 1, containing: Sequence[bytes] = ()
    ) -> Iterator[Event]:
        """Events with ``start <= place < end``, in order.

        They are fetched in chunks that grow while events are small, so that memory is bounded whatever their size; with
        ``share`` streams read at once each takes its part.
        """
        size = max(1, _FIRST_CHUNK // share)
        while True:
            entries = self.store.scan_by_time(self.log, start, end, limit=size, reverse=reverse, containing=containing)
            yield from map(self.kind, entries)
            if len(entries) < size:
                return
            place = (entries[-1].time_us, entries[-1].sequence)
            start, end = (start, place) if reverse else (after(place), end)
            size = _next_size(entries, share)

    def search(
        self, start: Place, end: Place, containing: Sequence[bytes], *, reverse: bool = False, share: int = 1
    ) -> Iterator[Event]:
        """As :meth:`read`, without events whose stored form lacks one of ``containing``, as far as that is quicker.

        Where many are passed over, one of them comes now and then, so that whoever searches knows how far this got.
        """
        if not containing or not self.kind.is_small:
            yield from self.read(start, end, reverse=reverse, share=share)
            return
        span = max(1, _SPAN // share)
        while edge := self.store.scan_by_time(self.log, start, end, limit=1, skip=span - 1, reverse=reverse):
            last = self.kind(edge[0])
            last.passed = span - 1
            first, border = (after(last.place), end) if reverse else (start, last.place)
            yield from self.read(first, border, reverse=reverse, share=share, containing=containing)
            yield last
            start, end = (start, last.place) if reverse else (after(last.place), end)
        yield from self.read(start, end, reverse=reverse, share=share, containing=containing)

    def written(self, first: int, end: int) -> Iterator[Event]:
        """Events in the order in which they were written: ``first <= sequence < end``."""
        size = _FIRST_CHUNK
        while first < end:
            entries = self.store.scan(self.log, after=first - 1, limit=min(size, end - first))
            yield from map(self.kind, entries)
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
            self.kind(entry) for entry in self.store.scan_by_time(self.log, start, LAST_PLACE, limit=1, reverse=reverse)
        ]

    def event_id(self, event: Event) -> str:
        """56 digits, as AWS's: time, stream and sequence, so it is the same each time and no other event's."""
        return f"{event.timestamp_ms:016d}{self.number}{event.place[1]:020d}"

    @property
    def number(self) -> str:
        """The digits of the stream in the ids of its events."""
        return f"{int.from_bytes(hashlib.sha256(self.key.encode()).digest()[:8], 'big'):020d}"


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
