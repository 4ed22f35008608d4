"""Keeps the trail: the log ``trail`` of the logs store, one hash chain over the calls to all services (ADR 0075).

A change's record is written by the change's own transaction into an outbox, ``trail/<event id>``, and moved from there;
reads and refusals wait in memory for at most :data:`BATCH_SECONDS`. While the log cannot be written, changes are
refused, and what finds no room in memory is counted.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import msgspec
import structlog

from strongroom.aws.errors import AwsError
from strongroom.aws.recording import CONTROL, LOGS, MadeCall
from strongroom.services.cloudtrail import index
from strongroom.services.cloudtrail.event import call_event, own_event
from strongroom.services.cloudtrail.unsigned import UnsignedRequests
from strongroom.storage.interface import (
    Append,
    LogEntry,
    Record,
    Store,
    StoreError,
    StoreUnavailable,
    Transaction,
    Write,
    prefix_end,
)
from strongroom.vocabulary import records
from strongroom.vocabulary.records import UNREADABLE, ControlCluster, TrailEntry, TrailEvent
from strongroom.vocabulary.states import ClusterState

BATCH_SECONDS: Final = 0.5
MAX_WAITING: Final = 10_000
MAX_WAITING_BYTES: Final = 32 << 20
_MOVED_AT_ONCE: Final = 500
_RETRY_SECONDS: Final = 1.0
_NOTHING_BEFORE: Final = bytes(32)
_HAVE_STORES: Final = (ClusterState.UNINITIALIZED, ClusterState.DELETE_IN_PROGRESS)

log = structlog.get_logger(__name__)


class OpensClusters(Protocol):
    """Opens the stores of clusters."""

    def open(self, cluster_id: str) -> Store: ...


@dataclass(frozen=True, slots=True)
class _End:
    """The end of the log: what the next entry follows."""

    sequence: int
    time_us: int
    digest: bytes


class TrailRecorder:
    """The recorder of a gateway (:class:`~strongroom.aws.recording.Recorder`).

    ``operator_account`` is the account that sees what nobody's signature tells whose it is. Between :meth:`start` and
    :meth:`stop` a thread writes; after that each call writes for itself.
    """

    def __init__(
        self,
        *,
        control: Store,
        clusters: OpensClusters,
        logs: Store,
        region: str,
        operator_account: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._control = control
        self._clusters = clusters
        self._logs = logs
        self._region = region
        self._operator_account = operator_account
        self._clock = clock
        self._flushing = threading.Lock()
        self._changed = threading.Condition()
        # What follows is guarded by _changed, whose holder waits for nothing.
        self._waiting: deque[TrailEvent] = deque()
        self._waiting_bytes = 0
        self._outboxes: dict[str, int] = {}
        """Stores whose outbox may hold something, and the number of calls that may still write there."""
        self._used: set[str] = set()
        """Those of them that a call began to write to since the last batch was begun: they stay, whatever it finds."""
        self._stuck: set[str] = set()
        """Those of them that could not be read or cleared when that was last tried."""
        self._unsigned = UnsignedRequests()
        self._dropped: Counter[str] = Counter()
        self._stopped = True
        # What follows is guarded by _flushing.
        self._end: _End | None = None
        self._spoilt: set[str] = set()
        self._failure: Exception | None = None
        self._thread: threading.Thread | None = None

    # -- what the gateway tells ---------------------------------------------------------------------------------------

    def takes_changes(self) -> bool:
        return self._failure is None

    def change(self, call: MadeCall, reply: Mapping[str, Any], store: str) -> Write:
        event = call_event(call, self._region, reply)
        call.outboxes.append(store)
        with self._changed:
            self._outboxes[store] = self._outboxes.get(store, 0) + 1
            self._used.add(store)
        return Write(f"{records.TRAIL}{event.event_id}", msgspec.msgpack.encode(event))

    def answered(self, call: MadeCall, reply: Mapping[str, Any]) -> None:
        if call.outboxes:
            self._finished(call)
        else:
            self._keep(call_event(call, self._region, reply))

    def refused(self, call: MadeCall, error: AwsError) -> None:
        if call.identity is None:
            with self._changed:
                self._unsigned.add(call.source_ip, error.code, call.received_at)
                self._changed.notify()
            return
        self._finished(call)
        self._keep(call_event(call, self._region, error=error))

    def _finished(self, call: MadeCall) -> None:
        """Its transactions are over: what they wrote is in the outboxes, and nothing more will be."""
        with self._changed:
            for name in call.outboxes:
                if name in self._outboxes:
                    self._outboxes[name] -= 1
            self._changed.notify()

    def _keep(self, event: TrailEvent) -> None:
        size = len(event.text)
        with self._changed:
            full = len(self._waiting) >= MAX_WAITING or self._waiting_bytes + size > MAX_WAITING_BYTES
            if full and self._failure is not None:
                self._dropped[event.account] += 1
                return
            self._waiting.append(event)
            self._waiting_bytes += size
            self._changed.notify()
            write_now = full or self._stopped
        if write_now:
            # The caller waits: so calls come no faster than they are written.
            self._flushed()

    # -- life ---------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Move what stands in outboxes since the last run, and begin to write."""
        with self._changed:
            self._outboxes = dict.fromkeys([CONTROL, LOGS, *self._clusters_with_stores()], 0)
            self._stopped = False
        self._flushed()
        self._thread = threading.Thread(target=self._run, name="trail", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Write everything, also the sums of the minute that is not over."""
        with self._changed:
            self._stopped = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()
        with self._changed:
            self._add_waiting(self._unsigned.take(self._region, self._operator_account, None))
        self._flushed()

    def _flushed(self, *, quietly: bool = False) -> bool:
        try:
            self.flush()
        except Exception as error:
            # Whatever it is, changes are refused from now on, and the next flush tries again.
            if not quietly:
                log.error("calls are not recorded", waiting=len(self._waiting), reason=repr(error))  # noqa: TRY400
            return False
        return True

    def _clusters_with_stores(self) -> list[str]:
        found = self._control.list(records.CONTROL_ACCOUNT, prefix_end(records.CONTROL_ACCOUNT))
        clusters = [msgspec.msgpack.decode(record.value, type=ControlCluster) for record in found]
        return [cluster.cluster_id for cluster in clusters if cluster.state in _HAVE_STORES]

    def _run(self) -> None:
        failing = False
        while True:
            with self._changed:
                pause = _RETRY_SECONDS if self._unsigned or failing else None
                self._changed.wait_for(lambda: self._stopped or self._has_work(), pause)
                if not self._stopped:
                    self._changed.wait_for(lambda: self._stopped, _RETRY_SECONDS if failing else BATCH_SECONDS)
                if self._stopped:
                    return
            was_failing, failing = failing, not self._flushed(quietly=failing)
            if was_failing and not failing:
                log.info("calls are recorded again")

    def _has_work(self) -> bool:
        return bool(self._waiting or self._dropped or self._outboxes.keys() - self._stuck)

    # -- writing ------------------------------------------------------------------------------------------------------

    def flush(self) -> None:
        """Write everything that was told before. Raises :class:`StoreError` when the log cannot be written."""
        with self._flushing:
            try:
                while self._write_batch():
                    pass
            except Exception as error:
                self._failure = error
                self._end = None
                raise
            self._failure = None

    def settle(self, cluster_id: str) -> None:
        """Move what a cluster's store still holds, because it is about to be removed.

        Raises :class:`StoreError`, also when that store cannot be read or is missing.
        """
        with self._changed:
            self._outboxes.setdefault(cluster_id, 0)
        self.flush()
        # A batch that another thread is at may have begun with this store; no later one does.
        with self._flushing, self._changed:
            if cluster_id in self._stuck:
                raise StoreUnavailable(f"records of changes cannot be moved out of the store of {cluster_id}")
            self._outboxes.pop(cluster_id, None)

    def _write_batch(self) -> bool:
        """Write some of what waits; whether more may be waiting."""
        with self._changed:
            outboxes = dict(self._outboxes)
            self._used.clear()
            if self._failure is None:
                self._add_waiting(self._unsigned.take(self._region, self._operator_account, self._clock()))
            taken = [self._waiting.popleft() for _ in range(min(len(self._waiting), _MOVED_AT_ONCE))]
            dropped, self._dropped = self._dropped, Counter()
        try:
            moved = {name: found for name in outboxes if (found := self._read_outbox(name)) is not None}
            events = [event for found in moved.values() for event in found]
            fresh = [event for event in events if not index.holds(self._logs, event.account, event.event_id)]
            lost = [_dropped_event(self._region, account, count, self._clock()) for account, count in dropped.items()]
            self._append(sorted([*fresh, *taken, *lost], key=lambda event: event.time_us))
        except Exception:
            with self._changed:
                self._waiting.extendleft(reversed(taken))
                self._dropped.update(dropped)
            raise
        with self._changed:
            self._waiting_bytes -= sum(len(event.text) for event in taken)
            more = bool(self._waiting)
        for name, found in moved.items():
            if self._clear_outbox(name, found):
                is_full = len(found) == _MOVED_AT_ONCE
                more = more or is_full
                self._settled(name, is_empty=not is_full and outboxes[name] == 0)
        return more

    def _add_waiting(self, events: Sequence[TrailEvent]) -> None:
        self._waiting.extend(events)
        self._waiting_bytes += sum(len(event.text) for event in events)

    def _append(self, events: Sequence[TrailEvent]) -> None:
        if not events:
            return
        end = self._end or self._read_end()
        appends: list[Append] = []
        writes: list[Write] = []
        for event in events:
            entry = TrailEntry(end.sequence + 1, end.digest, event)
            value = msgspec.msgpack.encode(entry)
            # Its own time stands in the record; the log's never goes back, so that it can be searched by it.
            end = _End(entry.sequence, max(end.time_us, int(self._clock() * 1_000_000)), hashlib.sha256(value).digest())
            appends.append(Append(records.LOG_TRAIL, LogEntry(entry.sequence, end.time_us, value)))
            writes.extend(index.writes(entry))
        self._logs.transact(Transaction(writes=tuple(writes), appends=tuple(appends)))
        self._end = end

    def _read_end(self) -> _End:
        last = self._logs.scan(records.LOG_TRAIL, limit=1, reverse=True)
        if not last:
            return _End(-1, 0, _NOTHING_BEFORE)
        return _End(last[0].sequence, last[0].time_us, hashlib.sha256(last[0].value).digest())

    def _read_outbox(self, name: str) -> list[TrailEvent] | None:
        try:
            found = self._store(name).list(records.TRAIL, prefix_end(records.TRAIL), limit=_MOVED_AT_ONCE)
        except StoreError as error:
            self._sticks(name, error)
            return None
        return [event for record in found if (event := self._decoded(record)) is not None]

    def _decoded(self, record: Record) -> TrailEvent | None:
        """What somebody spoilt stays where it is, and is told of once."""
        try:
            return msgspec.msgpack.decode(record.value, type=TrailEvent)
        except UNREADABLE as error:
            if record.key not in self._spoilt:
                log.error("a record of a change cannot be read", key=record.key, reason=str(error))  # noqa: TRY400
            self._spoilt.add(record.key)
            return None

    def _clear_outbox(self, name: str, events: Sequence[TrailEvent]) -> bool:
        """Whether it was done; what stays there is known by its id when it is read again."""
        if not events:
            return True
        try:
            writes = tuple(Write(f"{records.TRAIL}{event.event_id}", None) for event in events)
            self._store(name).transact(Transaction(writes=writes))
        except StoreError as error:
            self._sticks(name, error)
            return False
        return True

    def _sticks(self, name: str, error: StoreError) -> None:
        """It is tried again with every batch, and told of once."""
        if name not in self._stuck:
            log.error("records of changes stay in their store", store=name, reason=str(error))
        with self._changed:
            self._stuck.add(name)

    def _settled(self, name: str, *, is_empty: bool) -> None:
        with self._changed:
            self._stuck.discard(name)
            if is_empty and self._outboxes.get(name) == 0 and name not in self._used:
                del self._outboxes[name]

    def _store(self, name: str) -> Store:
        own = {CONTROL: self._control, LOGS: self._logs}
        return own.get(name) or self._clusters.open(name)


def _dropped_event(region: str, account: str, count: int, at: float) -> TrailEvent:
    return own_event(
        "UnrecordedCalls",
        region,
        account,
        at,
        source_ip=None,
        details={"count": count},
        text=f"{count} reads and refused calls were not recorded, because the log could not be written.",
    )
