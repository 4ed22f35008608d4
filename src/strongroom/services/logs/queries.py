"""Queries that were started: they run in a few threads of their own, and their results are kept for an hour.

Bounded are the queries that wait or run, the time and the results of each, and the results that are kept.
"""

from __future__ import annotations

import heapq
import queue
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

import structlog

from strongroom.services.logs import merging, refusals
from strongroom.services.logs.events import Place
from strongroom.services.logs.insights.commands import TooMuch
from strongroom.services.logs.insights.query import Query
from strongroom.services.logs.insights.rows import Row
from strongroom.services.logs.insights.values import shown
from strongroom.services.logs.streams import LogStream

MOST_UNFINISHED: Final = 120
MOST_UNFINISHED_OF_AN_ACCOUNT: Final = 30
"""As on AWS."""
MOST_SECONDS: Final = 300.0
MOST_RESULT_BYTES: Final = 32 << 20
MOST_KEPT: Final = 200
MOST_KEPT_BYTES: Final = 64 << 20
KEPT_SECONDS: Final = 3600.0
_THREADS: Final = 2
_LOOK_EACH: Final = 256
_FIELD_BYTES: Final = 150

log = structlog.get_logger(__name__)
Result = list[tuple[str, str]]


class Status(StrEnum):
    """Of a query, as AWS spells them."""

    SCHEDULED = "Scheduled"
    RUNNING = "Running"
    COMPLETE = "Complete"
    FAILED = "Failed"
    CANCELLED = "Cancelled"
    TIMEOUT = "Timeout"


UNFINISHED: Final = frozenset({Status.SCHEDULED, Status.RUNNING})


@dataclass(frozen=True, slots=True)
class Source:
    """A group that is searched: its name, its streams, and the places between which events count."""

    account: str
    group_name: str
    streams: Sequence[LogStream]
    start: Place
    end: Place


@dataclass(slots=True)
class StartedQuery:
    """A query and what has become of it. ``results`` are complete once its status says so."""

    account: str
    text: str
    group_names: Sequence[str]
    created_ms: int
    query: Query
    sources: Sequence[Source]
    query_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    status: Status = Status.SCHEDULED
    results: list[Result] = field(default_factory=list)
    scanned: int = 0
    scanned_bytes: int = 0
    matched: int = 0
    result_bytes: int = 0
    finished_at: float = 0.0
    cancelled: bool = False

    def end(self, status: Status, now: float) -> None:
        """What is needed no more is given back; only a complete query has results."""
        self.status, self.finished_at, self.sources = status, now, ()
        if status is not Status.COMPLETE:
            self.results, self.result_bytes = [], 0


class _Stopped(Exception):
    """The query was cancelled or its time is over."""


class Queries:
    """The queries of an installation. Thread-safe."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._known: OrderedDict[str, StartedQuery] = OrderedDict()
        self._waiting: queue.SimpleQueue[StartedQuery] = queue.SimpleQueue()
        self._threads = 0

    def start(self, query: StartedQuery) -> None:
        """Raises the API's error when too many wait already."""
        with self._lock:
            unfinished = [known for known in self._known.values() if known.status in UNFINISHED]
            own = sum(known.account == query.account for known in unfinished)
            # Those that were cancelled take their place in the queue until a thread comes to them.
            waiting = max(len(unfinished), self._waiting.qsize())
            if waiting >= MOST_UNFINISHED or own >= MOST_UNFINISHED_OF_AN_ACCOUNT:
                raise refusals.limit_exceeded("Too many concurrent queries.")
            self._forget()
            self._known[query.query_id] = query
            if self._threads < _THREADS:
                self._threads += 1
                threading.Thread(target=self._work, name="logs-query", daemon=True).start()
        self._waiting.put(query)

    def find(self, account: str, query_id: str) -> StartedQuery:
        """Raises the API's error."""
        with self._lock:
            query = self._known.get(query_id)
        if query is None or query.account != account:
            raise refusals.no_query()
        return query

    def of(self, account: str) -> list[StartedQuery]:
        """The queries of an account, the newest first."""
        with self._lock:
            return [query for query in reversed(self._known.values()) if query.account == account]

    def cancel(self, query: StartedQuery) -> bool:
        """Whether it was still to be finished."""
        with self._lock:
            if query.status not in UNFINISHED:
                return False
            query.cancelled = True
            query.end(Status.CANCELLED, self._monotonic())
            return True

    def _forget(self) -> None:
        """Drop results that are old or too many, the oldest first."""
        now = self._monotonic()
        size = sum(query.result_bytes for query in self._known.values())
        for query in [query for query in self._known.values() if query.status not in UNFINISHED]:
            is_old = now - query.finished_at > KEPT_SECONDS
            if is_old or len(self._known) >= MOST_KEPT or size > MOST_KEPT_BYTES:
                del self._known[query.query_id]
                size -= query.result_bytes

    def _work(self) -> None:
        while True:
            query = self._waiting.get()
            with self._lock:
                if query.cancelled:
                    continue
                query.status = Status.RUNNING
            status = self._run(query)
            with self._lock:
                query.end(Status.CANCELLED if query.cancelled else status, self._monotonic())

    def _run(self, query: StartedQuery) -> Status:
        deadline = self._monotonic() + MOST_SECONDS

        def matched() -> None:
            query.matched += 1

        try:
            for row in query.query.run(self._rows(query, deadline), matched):
                _keep(query, _result(row, query.query.columns))
        except _Stopped:
            return Status.TIMEOUT
        except TooMuch as error:
            log.warning("query failed", query_id=query.query_id, reason=str(error))
            return Status.FAILED
        except Exception as error:
            log.error("query failed", query_id=query.query_id, error=repr(error))  # noqa: TRY400 - it may show a value
            return Status.FAILED
        return Status.COMPLETE

    def _rows(self, query: StartedQuery, deadline: float) -> Iterator[Row]:
        """Every event of every group, newest first."""

        def of(source: Source) -> Iterator[Row]:
            log_name = f"{source.account}:{source.group_name}"
            for found in merging.merged(source.streams, source.start, source.end, reverse=True):
                yield Row(found, log_name)

        for row in heapq.merge(*map(of, query.sources), key=_time, reverse=True):
            if query.scanned % _LOOK_EACH == 0 and (query.cancelled or self._monotonic() > deadline):
                raise _Stopped
            query.scanned += 1
            if row.event is not None:
                query.scanned_bytes += len(row.event.event.stored.value)
            yield row


def _time(row: Row) -> tuple[int, int]:
    return row.event.event.place if row.event is not None else (0, 0)


def _keep(query: StartedQuery, result: Result) -> None:
    query.results.append(result)
    query.result_bytes += sum(_FIELD_BYTES + len(name) + len(value) for name, value in result)
    if query.result_bytes > MOST_RESULT_BYTES:
        raise TooMuch("the results are too large")


def _result(row: Row, columns: Sequence[str]) -> Result:
    """What is shown of a row, and the pointer to its event."""
    found = [(name, shown(value)) for name in columns if (value := row.get(name)) is not None]
    return [*found, ("@ptr", row.pointer())] if row.event is not None else found
