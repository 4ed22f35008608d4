"""Events of several streams as one list: by time, then stream, then sequence."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from strongroom.services.logs.events import FIRST_PLACE, LAST_PLACE, LAST_US, Event, Place
from strongroom.services.logs.streams import LogStream


@dataclass(frozen=True, slots=True)
class Cursor:
    """The event that was read last: its stream's key and its place."""

    place: Place
    key: str

    def text(self) -> str:
        return f"{self.place[0]}:{self.place[1]}:{self.key}"

    @staticmethod
    def parse(text: str) -> Cursor:
        """Raises ValueError."""
        time_us, sequence, key = text.split(":", 2)
        place = int(time_us), int(sequence)
        if not FIRST_PLACE <= place < LAST_PLACE or not 0 <= place[1] < LAST_US:
            raise ValueError("no place")
        return Cursor(place, key)


@dataclass(frozen=True, slots=True)
class Found:
    """An event and its stream."""

    stream: LogStream
    event: Event

    @property
    def cursor(self) -> Cursor:
        return Cursor(self.event.place, self.stream.events.key)


def merged(
    streams: Sequence[LogStream],
    start: Place,
    end: Place,
    cursor: Cursor | None = None,
    *,
    reverse: bool = False,
    phrases: Sequence[str] = (),
) -> Iterator[Found]:
    """Events with ``start <= place < end``; those behind the cursor, when there is one.

    Many of those that lack one of the phrases are left out (see :meth:`EventLog.search`).
    """

    def read(stream: LogStream) -> Iterator[Found]:
        first, last = start, end
        if cursor is not None:
            border = _border(stream.events.key, cursor, reverse=reverse)
            first, last = (first, min(last, border)) if reverse else (max(first, border), last)
        if first < last:
            kind = stream.events.kind
            containing = [stored for phrase in phrases if (stored := kind.stored_phrase(phrase)) is not None]
            events = stream.events.search(first, last, containing, reverse=reverse, share=len(streams))
            yield from (Found(stream, event) for event in events)

    return heapq.merge(*(read(stream) for stream in streams), key=_order, reverse=reverse)


def _border(key: str, cursor: Cursor, *, reverse: bool) -> Place:
    """Where a stream goes on: events of the cursor's time stand in the order of their streams' keys."""
    time_us, sequence = cursor.place
    if key == cursor.key:
        return (time_us, sequence if reverse else sequence + 1)
    return (time_us + 1, 0) if key < cursor.key else (time_us, 0)


def _order(found: Found) -> tuple[int, str, int]:
    return found.event.place[0], found.stream.events.key, found.event.place[1]
