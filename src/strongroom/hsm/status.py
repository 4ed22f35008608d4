"""What this HSM says of itself in the store: its health, where it listens, and how often it has started."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

import msgspec
import structlog

from strongroom.storage.interface import LeaseCompare, Store, StoreError, Transaction, Write
from strongroom.vocabulary.records import STATUS_HSM, HsmStatus
from strongroom.vocabulary.states import HsmHealth

log = structlog.get_logger()


class StatusReport:
    """``status/hsm/<hsm id>``. Written when something changes, and now and then."""

    def __init__(self, store: Store, hsm_id: str, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._key = STATUS_HSM + hsm_id
        self._clock = clock
        self._lock = threading.Lock()
        self._lease: Callable[[], LeaseCompare] | None = None
        before = store.get(self._key)
        restarts = msgspec.msgpack.decode(before.value, type=HsmStatus).reboot_counter + 1 if before else 0
        self.status = HsmStatus(
            hsm_id=hsm_id,
            health=HsmHealth.STARTING,
            reboot_counter=restarts,
            pid=os.getpid(),
            started_at=clock(),
            reported_at=clock(),
        )

    def hold(self, lease: Callable[[], LeaseCompare]) -> None:
        """From now on write only under this lease, so that an old process does not speak for a new one."""
        self._lease = lease

    def tell(self, health: HsmHealth, message: str = "", **members: str | int | bool) -> None:
        """Change what is said and write it. Raises :class:`StoreError`."""
        with self._lock:
            self.status = msgspec.structs.replace(self.status, health=health, message=message, **members)
            self._write()
        log.info("health", health=health, message=message)

    def repeat(self, *more: Write) -> None:
        """Write it again, with the time, and ``more`` in the same transaction."""
        with self._lock:
            self._write(*more)

    def try_to_tell(self, health: HsmHealth, message: str = "") -> None:
        """Like :meth:`tell`, where the HSM goes on or ends whether the store takes it or not."""
        try:
            self.tell(health, message)
        except StoreError as error:
            log.warning("status not written", health=health, message=message, reason=str(error))

    def _write(self, *more: Write) -> None:
        self.status = msgspec.structs.replace(self.status, reported_at=self._clock())
        self._store.transact(
            Transaction(
                lease=self._lease() if self._lease else None,
                writes=(Write(self._key, msgspec.msgpack.encode(self.status)), *more),
            )
        )
