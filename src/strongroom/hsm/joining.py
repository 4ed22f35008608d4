"""How an HSM gets its cluster's keys: it makes them, has an envelope, is given one, or opens the recovery envelope.

A live member gives an envelope only to an HSM whose identity chain the boundary has checked *and* whose membership the
service has approved; everybody else gets nothing and a line in the log.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec
import structlog

from strongroom._native import HsmError, IntegrityError
from strongroom.hsm.audit import FIRST_START, AuditLog
from strongroom.hsm.drafts import Draft
from strongroom.hsm.refusals import SUCCESS
from strongroom.hsm.replica import Replica
from strongroom.hsm.users import first_users
from strongroom.storage.interface import (
    Append,
    Compare,
    CompareFailed,
    LeaseCompare,
    LogEntry,
    Record,
    Store,
    Transaction,
    Write,
    prefix_end,
)
from strongroom.vocabulary.records import (
    DESIRED_HSM,
    ENVELOPE,
    ENVELOPE_RECOVERY,
    HEAD,
    JOIN,
    LEASE_HSM,
    LOG_CHANGES,
    STATUS_CLUSTER,
    STATUS_HSM,
    ChangeEntry,
    ClusterStatus,
    HsmStatus,
    MembershipRecord,
)
from strongroom.vocabulary.states import HsmHealth

if TYPE_CHECKING:
    from strongroom._native import Hsm

log = structlog.get_logger()


class FoundedByAnother(Exception):
    """Another HSM made the cluster's keys at the same time: start again and join it."""


class Joining:
    """The joiner's side."""

    def __init__(self, hsm: Hsm, store: Store, hsm_id: str, lease: Callable[[], LeaseCompare]) -> None:
        self._hsm = hsm
        self._store = store
        self._hsm_id = hsm_id
        self._lease = lease
        self._statement: bytes | None = None

    def obtain_keys(self, replica: Replica, audit: AuditLog, waiting: Callable[[str], None]) -> bool:
        """Get the cluster's keys; ``False`` when they cannot be had yet: wait for the store to change, then try again.

        ``waiting`` is told what the HSM waits for.
        """
        hsm, store = self._hsm, self._store
        own = store.get(ENVELOPE + self._hsm_id)
        asked = store.get(JOIN + self._hsm_id)
        if own is not None and (asked is None or own.revision > asked.revision):
            try:
                hsm.open_envelope(own.value)
            except IntegrityError as error:
                log.warning("envelope refused", reason=error.args[1])
                asked = None
            else:
                return True
        if own is None and store.get(ENVELOPE_RECOVERY) is None and store.get(HEAD) is None:
            self._found_cluster(replica, audit)
            return True
        members = self._members_with_keys()
        if not members:
            return self._recover()
        # Made once: its signature would differ each time, and each request would be a new one.
        statement = self._statement = self._statement or hsm.identity_statement()
        if asked is None or asked.value != statement:
            store.transact(Transaction(lease=self._lease(), writes=(Write(JOIN + self._hsm_id, statement),)))
        waiting(f"waiting for an envelope from {', '.join(members)}")
        return False

    def _members_with_keys(self) -> list[str]:
        """Other HSMs that live, hold the cluster's keys and are not in an error state."""
        members = []
        for lease in self._store.leases():
            hsm_id = lease.name.removeprefix(LEASE_HSM)
            if not lease.live or not lease.name.startswith(LEASE_HSM) or hsm_id == self._hsm_id:
                continue
            record = self._store.get(STATUS_HSM + hsm_id)
            health = msgspec.msgpack.decode(record.value, type=HsmStatus).health if record else None
            if self._store.get(ENVELOPE + hsm_id) is not None and health not in {HsmHealth.ERROR, HsmHealth.STOPPED}:
                members.append(hsm_id)
        return members

    def _recover(self) -> bool:
        record = self._store.get(ENVELOPE_RECOVERY)
        if record is None:
            raise IntegrityError(0x30, "the recovery envelope is missing from the store: restore it from a backup")
        self._hsm.open_recovery_envelope(record.value)
        log.info("cluster keys opened from the recovery envelope")
        self._keep_envelope()
        return True

    def _keep_envelope(self) -> None:
        """An envelope of its own, so that the next start needs nobody."""
        key = ENVELOPE + self._hsm_id
        envelope = self._hsm.seal_envelope(self._hsm_id, self._hsm.identity_statement())
        self._store.transact(
            Transaction(lease=self._lease(), writes=(Write(key, envelope), Write(JOIN + self._hsm_id, None)))
        )

    def _found_cluster(self, replica: Replica, audit: AuditLog) -> None:
        """The first HSM of a cluster: keys, envelopes, certificates, first users, head: one transaction."""
        hsm = self._hsm
        hsm.create_cluster_keys()
        draft = Draft(replica, 1)
        for user in first_users(time.time(), draft.revision):
            draft.put_user(user)
        chained = draft.chained_writes(hsm)
        chain = [(write.key, write.old_version, write.new_version, write.digest) for write in chained]
        head = hsm.advance_head(None, chain)
        told = audit.draft([(facts, SUCCESS) for facts in FIRST_START], sign=True)
        change = ChangeEntry(hsm_id=self._hsm_id, writes=chain, head=head)
        entry = LogEntry(0, told.entries[0].entry.time_us, msgspec.msgpack.encode(change))
        status = ClusterStatus(certificates=hsm.certificates())
        own = hsm.seal_envelope(self._hsm_id, hsm.identity_statement())
        try:
            self._store.transact(
                Transaction(
                    compares=(Compare(HEAD, None), Compare(ENVELOPE_RECOVERY, None), Compare(STATUS_CLUSTER, None)),
                    lease=self._lease(),
                    writes=(
                        *(Write(write.key, write.value) for write in chained),
                        Write(HEAD, head),
                        Write(ENVELOPE + self._hsm_id, own),
                        Write(ENVELOPE_RECOVERY, hsm.seal_recovery_envelope()),
                        Write(STATUS_CLUSTER, msgspec.msgpack.encode(status)),
                    ),
                    appends=(*told.appends, Append(LOG_CHANGES, entry)),
                )
            )
        except CompareFailed as failure:
            raise FoundedByAnother(str(failure)) from failure
        audit.written(told)
        log.info("cluster keys made")


class Doorkeeper:
    """The member's side: answers what stands under ``join/``."""

    def __init__(self, hsm: Hsm, store: Store, lease: Callable[[], LeaseCompare]) -> None:
        self._hsm = hsm
        self._store = store
        self._lease = lease
        self._done: dict[str, int] = {}

    def answer(self) -> None:
        """Give envelopes to those who may have one."""
        for request in self._store.list(JOIN, prefix_end(JOIN)):
            if self._done.get(request.key) == request.revision:
                continue
            hsm_id = request.key.removeprefix(JOIN)
            envelope = self._store.get(ENVELOPE + hsm_id)
            if envelope is None or envelope.revision < request.revision:
                self._answer(hsm_id, request, envelope)
            else:
                self._done[request.key] = request.revision

    def _answer(self, hsm_id: str, request: Record, before: Record | None) -> None:
        approved = self._store.get(DESIRED_HSM + hsm_id)
        if approved is None or msgspec.msgpack.decode(approved.value, type=MembershipRecord).deleting:
            # It may be approved later, so it is looked at again; the log has one line for each request.
            self._refuse(request, f"{hsm_id} is not an approved member of the cluster", final=False)
            return
        try:
            envelope = self._hsm.seal_envelope(hsm_id, request.value)
        except HsmError as error:
            self._refuse(request, error.args[1], final=True)
            return
        try:
            self._store.transact(
                Transaction(
                    compares=(
                        Compare(request.key, request.revision),
                        Compare(approved.key, approved.revision),
                        Compare(ENVELOPE + hsm_id, before.revision if before else None),
                    ),
                    lease=self._lease(),
                    writes=(Write(ENVELOPE + hsm_id, envelope),),
                )
            )
        except CompareFailed:
            # Another member was faster, or the request changed; the next look tells.
            return
        self._done[request.key] = request.revision
        log.info("envelope given", member=hsm_id)

    def _refuse(self, request: Record, reason: str, *, final: bool) -> None:
        mark = request.revision if final else -request.revision
        if self._done.get(request.key) != mark:
            log.warning("join refused", member=request.key.removeprefix(JOIN), reason=reason)
            self._done[request.key] = mark
