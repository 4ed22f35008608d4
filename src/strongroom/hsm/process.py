"""One HSM process: its command line, what ends it, and how it waits. What it does meanwhile is in :mod:`.life`."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog

from strongroom._native import Hsm, HsmError
from strongroom.hsm.life import Life
from strongroom.hsm.refusals import StoreDiverged
from strongroom.hsm.settings import LIMITS, Settings
from strongroom.hsm.status import StatusReport
from strongroom.hsm.waiting import EXIT_AGAIN, EXIT_REFUSED, EXIT_STOPPED, LOOK_SECONDS, Stopped, decode
from strongroom.private_files import write_private
from strongroom.storage import open_store
from strongroom.storage.interface import Store, StoreError, StoreUnavailable
from strongroom.vocabulary.records import CLUSTER, DESIRED_HSM, ClusterRecord, MembershipRecord
from strongroom.vocabulary.states import HsmHealth

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Options:
    """The command line."""

    store: str
    hsm_id: str
    state_directory: Path
    root_key_fd: int
    installation: Path
    allow_unlocked_memory: bool = False


class HsmProcess:
    """One HSM. :meth:`run` is its life; :meth:`stop` may be called from a signal handler."""

    def __init__(self, options: Options, settings: Settings | None = None) -> None:
        self.options = options
        self.settings = settings or Settings()
        self._wake = threading.Event()
        self._stop_asked = False
        self._deleted = False
        self._lost = False
        self._diverged: StoreDiverged | None = None

    def stop(self) -> None:
        """Ask the process to stop in order."""
        self._stop_asked = True
        self._wake.set()

    def run(self) -> int:
        """Live until stopped; gives the exit code."""
        try:
            store = open_store(self.options.store)
        except StoreError as error:
            log.error("store not opened", reason=str(error))  # noqa: TRY400 - the sentence says it all
            return EXIT_AGAIN if isinstance(error, StoreUnavailable) else EXIT_REFUSED
        try:
            return self._run(store)
        except StoreError as error:
            log.error("the store failed", reason=str(error))  # noqa: TRY400
            return EXIT_AGAIN
        finally:
            store.close()

    # -- start --------------------------------------------------------------------------------------------------------

    def _run(self, store: Store) -> int:
        options = self.options
        cluster = decode(store, CLUSTER, ClusterRecord)
        membership = decode(store, DESIRED_HSM + options.hsm_id, MembershipRecord)
        if cluster is None or membership is None:
            log.error("no such HSM", hsm_id=options.hsm_id, reason="the store has no membership entry for this HSM")
            return EXIT_REFUSED
        structlog.contextvars.bind_contextvars(cluster_id=cluster.cluster_id, hsm_id=options.hsm_id)
        status = StatusReport(store, options.hsm_id)
        status.tell(HsmHealth.STARTING)
        try:
            hsm = Hsm.start(
                cluster_id=cluster.cluster_id,
                hsm_id=options.hsm_id,
                mode=cluster.mode,
                root_key_fd=options.root_key_fd,
                installation=options.installation.read_bytes(),
                allow_unlocked_memory=options.allow_unlocked_memory,
                limits={name: getattr(self.settings, name) for name in LIMITS},
            )
            failure = hsm.error()
            if failure is None:
                _open_identity(hsm, options.state_directory)
        except HsmError as error:
            status.try_to_tell(HsmHealth.ERROR, error.args[1])
            return EXIT_REFUSED
        if failure is not None:
            status.tell(HsmHealth.ERROR, failure)
            self._wait_in_error(store, lambda: False)
            status.try_to_tell(HsmHealth.STOPPED, failure)
            return EXIT_STOPPED
        life = Life(self, hsm, store, status, cluster, membership)
        try:
            return life.live()
        finally:
            life.close()

    # -- events from the rooms ----------------------------------------------------------------------------------------

    def deleted(self) -> None:
        """The service wants this HSM gone."""
        self._deleted = True
        self._wake.set()

    def lost(self) -> None:
        """Another process has taken the lease."""
        self._lost = True
        self._wake.set()

    def diverged(self, error: StoreDiverged) -> None:
        """The store does not continue what was applied."""
        if self._diverged is None:
            self._diverged = error
        self._wake.set()

    # -- waiting ------------------------------------------------------------------------------------------------------

    def ending(self) -> bool:
        return self._stop_asked or self._deleted or self._lost

    def divergence(self) -> StoreDiverged | None:
        return self._diverged

    def was_lost(self) -> bool:
        return self._lost

    def wait(self) -> None:
        """Until the process must end or the store has diverged."""
        while not self.ending() and self._diverged is None:
            self._wake.wait(LOOK_SECONDS)
            self._wake.clear()

    def wait_until(self, store: Store, condition: Callable[[], bool]) -> None:
        """Until the condition holds, asked at each change of the store; raises :class:`Stopped`."""
        seen = store.watch(-1, 0)
        while not condition():
            if self.ending():
                raise Stopped
            seen = store.watch(seen, LOOK_SECONDS)

    def _wait_in_error(self, store: Store, condition: Callable[[], bool]) -> None:
        try:
            self.wait_until(store, condition)
        except Stopped:
            return


def _open_identity(hsm: Hsm, state_directory: Path) -> None:
    """The identity of this HSM: made once, kept in the state directory, sealed."""
    state_directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = state_directory / "identity"
    if path.exists():
        hsm.open_identity(path.read_bytes())
        return
    write_private(path, hsm.create_identity())
