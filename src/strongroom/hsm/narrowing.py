"""Answers that wait until every HSM that may still act on the old state has applied the new one.

An HSM may act as long as its lease lives. So a narrowing change (destroy, password, lock, logout …) is answered when
every other HSM with a live lease has published that it applied the revision, or its lease has run out (seam 3).

While nobody can write the store, HSMs serve on by reading it, without a live lease (ADR 97). What is changed soon after
that is answered only after the time for which one of them may still do so.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from strongroom.hsm.clocks import boot_clock
from strongroom.storage.interface import Store, StoreError
from strongroom.vocabulary.records import LEASE_HSM

log = structlog.get_logger()

NOTHING_HELD = 2**62
"""What an HSM that serves nothing publishes as applied: it cannot act on an old state."""
_LOOK_SECONDS = 0.5
_RETRY_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class _Wait:
    revision: int
    not_before: float
    answer: Callable[[], None]


class NarrowingWaits:
    """Holds answers back; one thread watches the leases for all of them."""

    def __init__(self, store: Store, hsm_id: str) -> None:
        self._store = store
        self._own = LEASE_HSM + hsm_id
        self._condition = threading.Condition()
        self._waits: list[_Wait] = []
        self._careful_until = 0.0
        self._careful_seconds = 0.0
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="narrowing", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def add(self, revision: int, answer: Callable[[], None]) -> None:
        """Give the answer once no other HSM acts on a state before ``revision``."""
        now = boot_clock()
        with self._condition:
            not_before = now + self._careful_seconds if now < self._careful_until else now
            self._waits.append(_Wait(revision, not_before, answer))
            self._condition.notify()

    def be_careful(self, seconds: float) -> None:
        """For so long after they last read, HSMs without a live lease may serve: changes until then wait that long."""
        with self._condition:
            self._careful_seconds = seconds
            self._careful_until = boot_clock() + seconds

    def pending(self) -> int:
        with self._condition:
            return len(self._waits)

    def stop(self, patience_seconds: float) -> None:
        """End; answers that still wait after that time are not given, and their clients ask another HSM."""
        deadline = time.monotonic() + patience_seconds
        while self.pending() and time.monotonic() < deadline:
            time.sleep(0.02)
        with self._condition:
            self._stopping = True
            self._condition.notify()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._condition:
                self._condition.wait_for(lambda: self._waits or self._stopping)
                if self._stopping:
                    return
            try:
                seen = self._store.watch(-1, 0)
                self._release(self._slowest())
                if self.pending():
                    self._store.watch(seen, _LOOK_SECONDS)
            except StoreError as error:
                # Without the leases nobody can say who has applied what; waiting is the only safe thing.
                log.warning("narrowing answers wait for the store", reason=str(error))
                time.sleep(_RETRY_SECONDS)

    def _slowest(self) -> int:
        """The oldest revision that another HSM may act on."""
        return min(
            (
                lease.applied
                for lease in self._store.leases()
                if lease.live and lease.name != self._own and lease.name.startswith(LEASE_HSM)
            ),
            default=NOTHING_HELD,
        )

    def _release(self, applied: int) -> None:
        now = boot_clock()
        with self._condition:
            ready: list[_Wait] = []
            left: list[_Wait] = []
            for wait in self._waits:
                (ready if wait.revision <= applied and wait.not_before <= now else left).append(wait)
            self._waits = left
        for wait in ready:
            wait.answer()
