"""The membership lease: renewed each second; the engine's is extended only after a renewal that the store took.

While the HSM serves, the lease publishes what it has applied. After a lease that had run out, other HSMs may have
acknowledged narrowing changes without this one, so it catches up before the engine may serve again.

A store that takes no change from anybody changes under nobody: while it can still be read, the engine's lease is
extended after each catch-up in the place of a renewal (ADR 97).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog

from strongroom.hsm.clocks import boot_clock
from strongroom.hsm.narrowing import NOTHING_HELD
from strongroom.hsm.refusals import StoreDiverged
from strongroom.hsm.replica import Position, Replica
from strongroom.storage.interface import CompareFailed, LeaseCompare, Store, StoreError, StoreUnwritable
from strongroom.vocabulary.records import LEASE_HSM

if TYPE_CHECKING:
    from strongroom._native import Hsm

log = structlog.get_logger()

_PUBLISH_SECONDS = 0.002
"""Between renewals that tell of newly applied revisions."""


class LeaseKeeper:
    """The lease of one HSM. ``on_lost`` is called when another process has taken it."""

    def __init__(
        self,
        hsm: Hsm,
        store: Store,
        replica: Replica,
        *,
        hsm_id: str,
        ttl_seconds: float,
        renew_seconds: float,
        on_lost: Callable[[], None],
        on_diverged: Callable[[StoreDiverged], None],
        on_unwritable: Callable[[float], None],
    ) -> None:
        """``on_unwritable`` is told again and again for how long an HSM may serve without a lease that others see."""
        self._hsm = hsm
        self._store = store
        self._replica = replica
        self._name = LEASE_HSM + hsm_id
        self._ttl = ttl_seconds
        self._renew = renew_seconds
        self._on_lost = on_lost
        self._on_diverged = on_diverged
        self._on_unwritable = on_unwritable
        self._trouble = ""
        self._epoch = 0
        self._expires = 0.0
        self._serving = False
        self._ceased = threading.Event()
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lease", daemon=True)

    def acquire(self) -> None:
        """Take the lease from whoever held it, and begin to renew it."""
        started = boot_clock()
        self._epoch = self._store.acquire_lease(self._name, self._ttl).epoch
        self._store.renew_lease(self._name, self._epoch, self._ttl, NOTHING_HELD)
        self._expires = started + self._ttl
        self._replica.on_applied.append(self._note)
        self._thread.start()

    def compare(self) -> LeaseCompare:
        """The condition that every commit of this HSM makes."""
        return LeaseCompare(self._name, self._epoch)

    def trouble(self) -> str:
        """Why the lease could not be renewed the last time; empty when it was."""
        return self._trouble

    def serve(self) -> None:
        """From now on others wait for this HSM; after that it catches up and the engine may serve."""
        with self._lock:
            self._serving = True
            self._renew_now(catch_up=True)

    def cease(self) -> None:
        """The HSM serves nothing any more; the lease itself is kept. Takes no lock: anybody may call it at any time."""
        self._ceased.set()
        self._hsm.extend_lease(0)
        self._wake.set()

    def release(self) -> None:
        """Give the lease up: the engine's first."""
        self._stopping.set()
        self._wake.set()
        self._thread.join()
        self._hsm.extend_lease(0)
        try:
            self._store.release_lease(self._name, self._epoch)
        except StoreError as error:
            log.warning("lease not released; it runs out by itself", reason=str(error))

    def _note(self, _position: Position, by_another: bool) -> None:
        # Others wait for this HSM only with changes that they made themselves.
        if by_another:
            self._wake.set()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.wait(self._renew)
            self._wake.clear()
            if self._stopping.is_set():
                return
            try:
                with self._lock:
                    self._renew_now(catch_up=False)
            except CompareFailed:
                log.critical("another process has taken this HSM's lease")
                self._hsm.extend_lease(0)
                self._on_lost()
                return
            except StoreError as error:
                self._trouble = str(error)
                log.warning("lease not renewed", reason=str(error))
                if isinstance(error, StoreUnwritable):
                    self._serve_by_reading()
                self._stopping.wait(0.1)
            except StoreDiverged as error:
                self._on_diverged(error)
            self._stopping.wait(_PUBLISH_SECONDS)

    def _serve_by_reading(self) -> None:
        with self._lock:
            if not self._serving or self._ceased.is_set():
                return
            started = boot_clock()
            self._on_unwritable(self._ttl)
            try:
                self._replica.catch_up()
            except StoreDiverged as error:
                self._on_diverged(error)
            except StoreError as error:
                log.warning("store cannot be read either", reason=str(error))
            else:
                self._extend(started + self._ttl)

    def _renew_now(self, *, catch_up: bool) -> None:
        started = boot_clock()
        serving = self._serving and not self._ceased.is_set()
        applied = self._replica.revision if serving else NOTHING_HELD
        self._store.renew_lease(self._name, self._epoch, self._ttl, applied)
        if self._trouble:
            log.info("lease renewed again", after=self._trouble)
            # Others may still serve by reading: they try each second.
            self._on_unwritable(self._ttl)
            self._trouble = ""
        # Asked after the renewal: this process may have stood still since `started`.
        ran_out = boot_clock() >= self._expires
        self._expires = started + self._ttl
        if not serving:
            return
        if ran_out or catch_up:
            self._replica.catch_up()
        self._extend(self._expires)

    def _extend(self, expires: float) -> None:
        """Let the engine serve until then."""
        self._hsm.extend_lease(max(int((expires - boot_clock()) * 1000), 0))
        if self._ceased.is_set():
            self._hsm.extend_lease(0)
