"""The supervisor: makes the running HSM processes what the clusters' membership entries say.

One thread owns all processes. It waits for a store that changed, a child that ended, or a time that came; it then reads
the membership entries of the clusters that changed and does for each HSM what :class:`Slot` says. An HSM that ends by
itself is started again in place, under the same id. The thread lives as long as its children may, since their
parent-death signal hangs on it.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from strongroom.fleet.membership import ClusterStores, forget_hsm, memberships
from strongroom.fleet.process import ChildProcess, child_environment, describe_exit
from strongroom.fleet.slot import STOP_GRACE_SECONDS, Action, Goal, Slot
from strongroom.fleet.watchers import Watchers
from strongroom.storage.interface import StoreError
from strongroom.vocabulary.records import MembershipRecord

_RETRY_SECONDS: Final = 1.0
_CONTROL: Final = "control"

_log = structlog.get_logger("fleet")


@dataclass(frozen=True, slots=True)
class Launch:
    """How to start one HSM. The descriptors are the supervisor's to close once the child has them."""

    command: tuple[str, ...]
    pass_fds: tuple[int, ...]
    state_directory: Path


LaunchPlan = Callable[[str, MembershipRecord], Launch]
"""Cluster id and membership → how to start it. May raise ``OSError`` or ``ValueError``: it is tried again later."""


class Supervisor:
    """Starts, watches and stops the HSM processes of all clusters."""

    def __init__(
        self,
        stores: ClusterStores,
        plan: LaunchPlan,
        state_directory: Callable[[str], Path],
        *,
        grace_seconds: float = STOP_GRACE_SECONDS,
    ) -> None:
        """``state_directory`` names an HSM's own directory, which goes when the HSM is deleted."""
        self._stores = stores
        self._plan = plan
        self._state_directory = state_directory
        self._grace = grace_seconds
        self._slots: dict[str, Slot] = {}
        self._members: dict[str, MembershipRecord] = {}
        self._processes: dict[str, ChildProcess] = {}
        self._watchers = Watchers()
        self._changed: set[str] = set()
        self._lock = threading.Lock()
        self._stopping = False
        self._wake_reader, self._wake_writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._wake_reader, selectors.EVENT_READ, None)
        self._retries: dict[str, float] = {}
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="fleet", daemon=True)

    def start(self) -> None:
        self._watch(_CONTROL)
        self._thread.start()

    def stop(self) -> None:
        """Stop every HSM cleanly (firmly after the grace) and return when none is left."""
        self._watchers.stop()
        self._stopping = True
        self._wake()
        self._thread.join()
        with self._lock:
            self._closed = True
            self._selector.close()
            os.close(self._wake_reader)
            os.close(self._wake_writer)

    def pids(self) -> dict[str, int]:
        """HSM id → process id of those that run now."""
        return {hsm_id: process.pid for hsm_id, process in tuple(self._processes.items())}

    # -- waking ---------------------------------------------------------------------------------------------------

    def _watch(self, name: str) -> None:
        store = self._stores.control if name == _CONTROL else self._stores.open(name)
        self._note(name)
        self._watchers.add(name, store, lambda: self._note(name))

    def _note(self, name: str) -> None:
        with self._lock:
            self._changed.add(name)
        self._wake()

    def _wake(self) -> None:
        with self._lock:
            if not self._closed:
                with contextlib.suppress(BlockingIOError):  # the pipe is full: it wakes anyway
                    os.write(self._wake_writer, b"w")

    # -- the loop -------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            self._wait()
            self._reap()
            if self._stopping:
                for slot in self._slots.values():
                    slot.goal = Goal.STOP
            else:
                self._refresh()
            now = time.monotonic()
            for slot in tuple(self._slots.values()):
                self._advance(slot, now)
            if self._stopping and not self._slots:
                return

    def _wait(self) -> None:
        times = [due for slot in self._slots.values() if (due := slot.due()) is not None]
        times.extend(self._retries.values())
        timeout = max(0.0, min(times) - time.monotonic()) if times else None
        with self._lock:
            if self._changed or (self._stopping and not self._slots):
                timeout = 0.0
        for key, _ in self._selector.select(timeout):
            if key.data is None:
                os.read(self._wake_reader, 4096)

    def _reap(self) -> None:
        now = time.monotonic()
        for hsm_id, process in tuple(self._processes.items()):
            status = process.exit_status()
            if status is None:
                continue
            slot = self._slots[hsm_id]
            self._selector.unregister(process.pidfd)
            process.close()
            del self._processes[hsm_id]
            slot.ended(now)
            if slot.goal is Goal.RUN:
                wait = round(slot.next_start - now, 1)
                _log.warning(
                    "HSM ended and is started again", hsm=hsm_id, ended=describe_exit(status), wait_seconds=wait
                )
            else:
                _log.info("HSM stopped", hsm=hsm_id, ended=describe_exit(status))

    def _refresh(self) -> None:
        with self._lock:
            changed, self._changed = self._changed, set()
        now = time.monotonic()
        due = [name for name, at in self._retries.items() if now >= at]
        changed.update(due)
        for name in due:
            del self._retries[name]
        for name in sorted(changed, key=lambda name: name != _CONTROL):
            try:
                if name == _CONTROL:
                    for cluster_id in self._stores.cluster_ids():
                        self._watch(cluster_id)
                else:
                    self._read_cluster(name)
            except StoreError as error:
                self._retry_later(name, error)

    def _read_cluster(self, cluster_id: str) -> None:
        present = set()
        for member in memberships(self._stores.open(cluster_id)):
            present.add(member.hsm_id)
            slot = self._slots.setdefault(member.hsm_id, Slot(cluster_id, member.hsm_id))
            slot.goal = Goal.DELETE if member.deleting else Goal.RUN
            self._members[member.hsm_id] = member
        for slot in self._slots.values():
            if slot.cluster_id == cluster_id and slot.hsm_id not in present:
                slot.goal = Goal.DELETE

    def _retry_later(self, name: str, error: Exception) -> None:
        _log.warning("store cannot be read; trying again", store=name, error=str(error))
        self._retries[name] = time.monotonic() + _RETRY_SECONDS

    # -- one HSM --------------------------------------------------------------------------------------------------

    def _advance(self, slot: Slot, now: float) -> None:
        match slot.next_action(now):
            case Action.START:
                self._start(slot, now)
            case Action.TERMINATE:
                slot.stopping(now, self._grace)
                self._processes[slot.hsm_id].terminate()
            case Action.KILL:
                _log.warning("HSM did not stop in time and is killed", hsm=slot.hsm_id)
                slot.killed = True
                self._processes[slot.hsm_id].kill()
            case Action.FORGET:
                self._forget(slot)
            case Action.NOTHING:
                pass

    def _start(self, slot: Slot, now: float) -> None:
        try:
            launch = self._plan(slot.cluster_id, self._members[slot.hsm_id])
            try:
                launch.state_directory.mkdir(mode=0o700, parents=True, exist_ok=True)
                process = ChildProcess.start(
                    launch.command,
                    log=launch.state_directory / "hsm.log",
                    pass_fds=launch.pass_fds,
                    environment=child_environment(os.environ),
                )
            finally:
                for descriptor in launch.pass_fds:
                    os.close(descriptor)
        except (OSError, ValueError) as error:
            slot.failed(now)
            wait = round(slot.next_start - now, 1)
            _log.error("HSM cannot be started", hsm=slot.hsm_id, error=str(error), wait_seconds=wait)
            return
        self._processes[slot.hsm_id] = process
        self._selector.register(process.pidfd, selectors.EVENT_READ, slot.hsm_id)
        slot.started(now)
        _log.info("HSM started", hsm=slot.hsm_id, cluster=slot.cluster_id, pid=process.pid)

    def _forget(self, slot: Slot) -> None:
        if slot.goal is Goal.DELETE:
            try:
                forget_hsm(self._stores.open(slot.cluster_id), slot.hsm_id)
            except StoreError as error:
                self._retry_later(slot.cluster_id, error)
                return
            shutil.rmtree(self._state_directory(slot.hsm_id), ignore_errors=True)
            _log.info("HSM deleted", hsm=slot.hsm_id, cluster=slot.cluster_id)
        del self._slots[slot.hsm_id]
        self._members.pop(slot.hsm_id, None)
