"""Moves along the logs for one target, and remembers in the logs store how far it came."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

import msgspec
import structlog

from strongroom.forwarding.events import Event
from strongroom.forwarding.otlp import Otlp
from strongroom.forwarding.rotated_file import RotatedFile
from strongroom.forwarding.sources import Source, Sources
from strongroom.forwarding.syslog_tls import SyslogOverTls
from strongroom.forwarding.targets import (
    AnyTarget,
    CloudWatchLogsTarget,
    DeliveryFailed,
    FileTarget,
    OtlpTarget,
    Sender,
)
from strongroom.storage.interface import Store, StoreError, Transaction, Write
from strongroom.vocabulary.records import UNREADABLE

POSITION: Final = "forward/"
LOOK_SECONDS: Final = 1.0
_LONGEST_PAUSE_SECONDS: Final = 30.0
_END_SECONDS: Final = 2.0

log = structlog.get_logger(__name__)


class Position(msgspec.Struct, frozen=True):
    """How far a target is: the last sequence of each log that it has, and what happened (Unix seconds)."""

    sequences: dict[str, int] = {}
    sent: int = 0
    sent_at: float = 0.0
    problem: str = ""
    problem_at: float = 0.0


def position(logs: Store, name: str) -> Position:
    """Of a target, by its name."""
    record = logs.get(f"{POSITION}{name}")
    return msgspec.msgpack.decode(record.value, type=Position) if record else Position()


def sender(target: AnyTarget) -> Sender:
    """Raises :class:`DeliveryFailed` when its settings cannot be used."""
    if isinstance(target, FileTarget):
        return RotatedFile(target)
    if isinstance(target, CloudWatchLogsTarget):
        # botocore's client side takes half a second to load.
        from strongroom.forwarding.cloudwatch_logs import CloudWatchLogs

        return CloudWatchLogs(target)
    if isinstance(target, OtlpTarget):
        return Otlp(target)
    return SyslogOverTls(target)


class Forwarder:
    """Sends to one target in a thread, from :meth:`start` to :meth:`stop`."""

    def __init__(
        self,
        target: AnyTarget,
        sources: Sources,
        logs: Store,
        *,
        look_seconds: float = LOOK_SECONDS,
        longest_pause_seconds: float = _LONGEST_PAUSE_SECONDS,
        clock: Callable[[], float] = time.time,
        make_sender: Callable[[AnyTarget], Sender] = sender,
    ) -> None:
        self.target = target
        self._make_sender = make_sender
        self._sources = sources
        self._logs = logs
        self._look_seconds = look_seconds
        self._longest_pause_seconds = longest_pause_seconds
        self._clock = clock
        self._sender: Sender | None = None
        self._position: Position | None = None
        """As the logs store has it, once it was read."""
        self._finished: set[str] = set()
        """Logs that the receiver has whole, and to which nothing is added any more."""
        self._unreadable = ""
        """What could not be read in the last round."""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"forward-{target.name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Send what there is if that is quick; the rest is sent after the next start."""
        self._stop.set()
        self._thread.join(_END_SECONDS + self._look_seconds)

    def _run(self) -> None:
        pause = self._look_seconds
        stopping = False
        while True:
            try:
                self._send_all(until=self._clock() + _END_SECONDS if stopping else None)
            except Exception as error:  # whatever it is, the thread goes on, and says so
                is_expected = isinstance(error, DeliveryFailed | StoreError)
                pause = min(max(pause, self._look_seconds) * 2, self._longest_pause_seconds)
                self._tell(str(error) if is_expected else repr(error), None if is_expected else error)
                if not is_expected:
                    self._close()
            else:
                pause = self._look_seconds
            if stopping:
                break
            stopping = self._stop.wait(pause)
        self._close()

    def _close(self) -> None:
        closing, self._sender = self._sender, None
        if closing is not None:
            with contextlib.suppress(Exception):
                closing.close()

    def _send_all(self, until: float | None) -> None:
        """One round over all logs; a log that is long is left after some batches, so that none waits for another.

        A log that cannot be read holds up no other one.
        """
        if self._sender is None:
            self._sender = self._make_sender(self.target)
        more = True
        while more and not (self._stop.is_set() and until is None):
            more = False
            problems: list[str] = []
            for source in self._sources.all(self.target.contents, problems):
                if until is not None and self._clock() > until:
                    return
                if source.log in self._finished:
                    continue
                sequence = self._known().sequences.get(source.log, -1)
                try:
                    events = source.after(sequence)
                except StoreError as error:
                    problems.append(f"{source.log}: {error}")
                    continue
                if events:
                    self._send(self._sender, source, events)
                    more = True
                elif source.is_final:
                    self._finished.add(source.log)
            self._unreadable = _first(problems)
            self._tell(self._unreadable)

    def _send(self, to: Sender, source: Source, events: Sequence[Event]) -> None:
        """Send a batch of a log."""
        to.send(events)
        before = self._known()
        self._remember(
            msgspec.structs.replace(
                before,
                sequences={**before.sequences, source.log: events[-1].sequence},
                sent=before.sent + len(events),
                sent_at=self._clock(),
                problem=self._unreadable,
            )
        )

    def _tell(self, problem: str, error: Exception | None = None) -> None:
        """Say what keeps events waiting, once; with an empty text, that nothing does. Never raises."""
        try:
            before = self._known()
            if before.problem == problem:
                return
            if problem:
                log.warning("events wait to be forwarded", target=self.target.name, reason=problem, exc_info=error)
            self._remember(msgspec.structs.replace(before, problem=problem, problem_at=self._clock()))
        except Exception as failure:  # the next round says whatever there is to say
            log.warning("events wait to be forwarded", target=self.target.name, reason=str(failure))

    def _known(self) -> Position:
        """The position. One that somebody spoilt is the beginning, because what was sent may be sent again."""
        if self._position is None:
            try:
                self._position = position(self._logs, self.target.name)
            except UNREADABLE as error:
                log.error("all events are forwarded again", target=self.target.name, reason=str(error))  # noqa: TRY400
                self._position = Position()
        return self._position

    def _remember(self, changed: Position) -> None:
        self._logs.transact(
            Transaction(writes=(Write(f"{POSITION}{self.target.name}", msgspec.msgpack.encode(changed)),))
        )
        self._position = changed


def _first(problems: Sequence[str]) -> str:
    others = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return f"{problems[0]}{others}" if problems else ""


class Forwarding:
    """All forwarders of an installation; they follow the settings while it runs.

    ``targets`` gives the settings as they are now.
    """

    def __init__(
        self, sources: Sources, logs: Store, targets: Callable[[], Sequence[AnyTarget]], look_seconds: float = 2.0
    ) -> None:
        self._sources = sources
        self._logs = logs
        self._targets = targets
        self._look_seconds = look_seconds
        self._running: dict[str, Forwarder] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="forwarding", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()
        for forwarder in self._running.values():
            forwarder.stop()

    def _run(self) -> None:
        failure = ""
        while True:
            try:
                self._follow()
                failure = ""
            except Exception as error:  # whatever it is, the thread goes on, and says so once
                if repr(error) != failure:
                    log.warning("targets are not followed", reason=repr(error), exc_info=error)
                failure = repr(error)
            if self._stop.wait(self._look_seconds):
                return

    def _follow(self) -> None:
        wanted = {target.name: target for target in self._targets()}
        for name, forwarder in list(self._running.items()):
            if wanted.get(name) != forwarder.target:
                forwarder.stop()
                del self._running[name]
        for name, target in wanted.items():
            if name not in self._running:
                forwarder = Forwarder(target, self._sources, self._logs)
                forwarder.start()
                self._running[name] = forwarder
