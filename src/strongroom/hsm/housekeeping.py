"""What is done now and then: ended logins, results that have outlived their time, checkpoints, status and figures."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec
import structlog

from strongroom.hsm import logins
from strongroom.hsm.audit import AuditLog
from strongroom.hsm.brain import Brain
from strongroom.hsm.clocks import boot_clock
from strongroom.hsm.drafts import Proposal
from strongroom.hsm.requests import RequestIds
from strongroom.hsm.status import StatusReport
from strongroom.storage.interface import LeaseCompare, Transaction, Write, prefix_end
from strongroom.vocabulary.records import SEEN, SeenLogins

if TYPE_CHECKING:
    from strongroom.hsm.rules import LoginRule

log = structlog.get_logger()


class Housekeeping:
    """One step does what is due."""

    def __init__(
        self,
        brain: Brain,
        requests: RequestIds,
        status: StatusReport,
        audit: AuditLog,
        submit: Callable[[Proposal], None],
        left_out: Callable[[], Proposal | None],
        figures: Callable[[], Write],
        *,
        hsm_id: str,
        lease: Callable[[], LeaseCompare],
        clock: Callable[[], float] = boot_clock,
    ) -> None:
        """``clock`` is the machine's own: no step of the wall clock ends a login."""
        self._brain = brain
        self._requests = requests
        self._status = status
        self._audit = audit
        self._submit = submit
        self._left_out = left_out
        self._figures = figures
        self._seen_key = SEEN + hsm_id
        self._lease = lease
        self._clock = clock
        self._last_seen: dict[int, float] = {}
        self._read: dict[str, int] = {}
        settings = brain.settings
        self._due = {"status": 0.0}
        self._jobs: list[tuple[str, float, Callable[[], None]]] = [
            ("session objects", 1.0, self._end_session_objects),
            ("logins", settings.login_seen_seconds, self._end_logins),
            ("requests", settings.login_seen_seconds, self._purge_requests),
            ("refusals", settings.login_seen_seconds, self._tell_left_out),
            ("checkpoint", settings.checkpoint_seconds, self._sign_audit_log),
            ("status", settings.status_seconds, self._publish),
        ]

    def step(self) -> None:
        """Do what is due, then say so by returning; the caller waits between steps."""
        now = time.monotonic()
        for name, interval, job in self._jobs:
            due = self._due.setdefault(name, now + interval)
            if now >= due:
                self._due[name] = now + interval
                job()

    def _end_session_objects(self) -> None:
        """Session objects die 60 s after the last connection of their login here; the login itself lives on."""
        hsm, replica = self._brain.hsm, self._brain.replica
        for login_id in hsm.ended_logins():
            with replica.lock:
                hsm.remove_login(login_id)
                login = replica.logins.get(login_id)
                if login is not None:
                    hsm.apply_login(login_id, login.username, int(login.role), login.epoch, login.client_key)

    def _end_logins(self) -> None:
        brain = self._brain
        mine = SeenLogins(at=brain.clock(), login_ids=brain.hsm.active_logins())
        write = Write(self._seen_key, msgspec.msgpack.encode(mine))
        brain.store.transact(Transaction(lease=self._lease(), writes=(write,)))
        for login in self.over():
            self._submit(logins.over(login))

    def over(self) -> list[LoginRule]:
        """Logins that no HSM has told of for longer than a ticket lives, as long as this HSM has watched."""
        brain, now = self._brain, self._clock()
        live = {login.login_id: login for login in list(brain.replica.logins.values())}
        seen = {login_id: self._last_seen.get(login_id, now) for login_id in live}
        for record in brain.store.list(SEEN, prefix_end(SEEN)):
            if self._read.get(record.key) == record.revision:
                continue  # what that HSM said before, and may not hold any more
            self._read[record.key] = record.revision
            told = msgspec.msgpack.decode(record.value, type=SeenLogins)
            seen |= {login_id: now for login_id in told.login_ids if login_id in live}
        self._last_seen = seen
        return [live[login_id] for login_id, at in seen.items() if now - at >= brain.settings.login_idle_seconds]

    def _purge_requests(self) -> None:
        purged = self._requests.purge()
        if purged:
            log.info("request results purged", count=purged)

    def _publish(self) -> None:
        self._status.repeat(self._figures())

    def _sign_audit_log(self) -> None:
        # The committer holds the lock while its entries are on their way.
        with self._brain.replica.lock:
            self._audit.tell(self._lease())

    def _tell_left_out(self) -> None:
        entry = self._left_out()
        if entry is not None:
            self._submit(entry)
