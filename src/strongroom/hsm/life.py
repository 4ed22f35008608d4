"""What one HSM does from its lease to its end: keys, certificate, load, serve, leave."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec
import structlog

from strongroom._native import Caller, Hsm, HsmError, IntegrityError, encode_response
from strongroom.hsm.anchor import Anchor, AnchorFile, AnchorKeeper
from strongroom.hsm.audit import ACCEPT_ROLLBACK, END_MARKER, AuditFacts, AuditLog
from strongroom.hsm.brain import Brain
from strongroom.hsm.checkpoints import publish_identity
from strongroom.hsm.committer import Committer
from strongroom.hsm.dispatch import Dispatcher
from strongroom.hsm.drafts import Draft, Outcome, Proposal
from strongroom.hsm.figures import Figures
from strongroom.hsm.housekeeping import Housekeeping
from strongroom.hsm.information import FIPS_STATES
from strongroom.hsm.joining import Doorkeeper, FoundedByAnother, Joining
from strongroom.hsm.lease import LeaseKeeper
from strongroom.hsm.loading import StoreRolledBack, load
from strongroom.hsm.loops import Loops
from strongroom.hsm.membership import Membership
from strongroom.hsm.narrowing import NarrowingWaits
from strongroom.hsm.rates import Rate
from strongroom.hsm.refusals import SUCCESS, StoreDiverged
from strongroom.hsm.replica import Position, Replica
from strongroom.hsm.requests import RequestIds
from strongroom.hsm.status import StatusReport
from strongroom.hsm.waiting import EXIT_AGAIN, EXIT_REFUSED, EXIT_STOPPED, LOOK_SECONDS, Stopped, decode
from strongroom.storage.interface import Compare, CompareFailed, Store, StoreError, Transaction, Write
from strongroom.vocabulary.records import (
    DESIRED_ACCEPT_ROLLBACK,
    DESIRED_HSM,
    DESIRED_INITIALIZE,
    ENVELOPE,
    JOIN,
    STATUS_CLUSTER,
    AcceptRollbackRecord,
    ClusterRecord,
    ClusterStatus,
    InitializeRecord,
    MembershipRecord,
)
from strongroom.vocabulary.states import HsmHealth, Mode

if TYPE_CHECKING:
    from strongroom.hsm.process import HsmProcess

log = structlog.get_logger()

_MEMBERSHIP_PAUSE_SECONDS = 0.05
_NAMED_RECORDS = 10


class Life:
    """Everything that one life of an HSM needs, made in the order in which it is needed."""

    def __init__(
        self,
        process: HsmProcess,
        hsm: Hsm,
        store: Store,
        status: StatusReport,
        cluster: ClusterRecord,
        membership: MembershipRecord,
    ) -> None:
        options, settings = process.options, process.settings
        self._process = process
        self._hsm = hsm
        self._store = store
        self._status = status
        self._membership = membership
        self._settings = settings
        self._hsm_id = options.hsm_id
        self._cluster_id = cluster.cluster_id
        self._mode = Mode(cluster.mode)
        self._anchors = AnchorFile(hsm, options.state_directory)
        self._keeper = AnchorKeeper(self._anchors, settings.anchor_seconds)
        self._audit_anchors = AnchorFile(hsm, options.state_directory, "audit-anchor")
        self._audit_keeper = AnchorKeeper(self._audit_anchors, settings.audit_anchor_seconds)
        self._replica = Replica(hsm, store)
        self._narrowing = NarrowingWaits(store, self._hsm_id)
        self._lease = LeaseKeeper(
            hsm,
            store,
            self._replica,
            hsm_id=self._hsm_id,
            ttl_seconds=settings.lease_ttl_seconds,
            renew_seconds=settings.lease_renew_seconds,
            on_lost=process.lost,
            on_diverged=process.diverged,
            on_unwritable=self._narrowing.be_careful,
        )
        self._audit = AuditLog(hsm, store, self._cluster_id, self._hsm_id, status.status.reboot_counter)
        self._audit.on_written = self._audit_keeper.note
        self._requests = RequestIds(hsm, store, settings.request_life_seconds)
        self._committer = Committer(
            hsm,
            store,
            self._replica,
            self._audit,
            self._requests,
            self._narrowing,
            hsm_id=self._hsm_id,
            lease=self._lease.compare,
            encode=encode_response,
            batch_size=settings.batch_size,
            trouble=self._lease.trouble,
            on_diverged=process.diverged,
        )
        self._brain = Brain(
            hsm,
            store,
            self._replica,
            settings,
            Caller,
            certificate_writes=Rate(settings.certificate_writes_per_second),
        )
        self._dispatcher = Dispatcher(self._brain, self._requests, self._committer.submit, encode_response)
        self._loops = Loops(process.diverged)
        self._closing: list[Callable[[], None]] = []
        self._seen = {"changes": -1, "membership": -1}

    # -- the life -----------------------------------------------------------------------------------------------------

    def live(self) -> int:
        status, process = self._status, self._process
        self._lease.acquire()
        self._closing.append(self._lease.release)
        status.hold(self._lease.compare)
        status.tell(
            HsmHealth.STARTING,
            serial_number=self._hsm.serial_number(),
            fips_state=FIPS_STATES[self._mode],
            memory_locked=self._hsm.memory_locked(),
        )
        try:
            self._get_keys()
            self._start_membership()
            self._get_certificate()
            self._load()
            self._serve()
            process.wait()
        except Stopped:
            pass
        except FoundedByAnother:
            return EXIT_AGAIN
        except IntegrityError as error:
            status.try_to_tell(HsmHealth.ERROR, error.args[1])
            return EXIT_REFUSED
        except StoreDiverged as error:
            process.diverged(error)
        divergence = process.divergence()
        if divergence is not None and not process.ending():
            return self._stay_in_error(divergence)
        self._leave()
        return EXIT_AGAIN if process.was_lost() else EXIT_STOPPED

    def close(self) -> None:
        """End everything that was started, the last first."""
        while self._closing:
            self._closing.pop()()

    # -- steps --------------------------------------------------------------------------------------------------------

    def _get_keys(self) -> None:
        publish_identity(
            self._hsm, self._store, self._cluster_id, self._hsm_id, self._lease.compare(), round(time.time(), 3)
        )
        joining = Joining(self._hsm, self._store, self._hsm_id, self._lease.compare)

        def waiting(what: str) -> None:
            if self._status.status.message != what:
                self._status.tell(HsmHealth.JOINING, what)

        self._process.wait_until(self._store, lambda: joining.obtain_keys(self._replica, self._audit, waiting))
        self._take_up_the_audit_log()

    def _take_up_the_audit_log(self) -> None:
        """Sign for what a killed process left unsigned; before that, say in the log itself what was altered."""
        if self._audit.resume() is None:
            altered = self._judge_audit_anchor()
            if altered is not None:
                self._audit.found_altered(altered)
        self._audit.tell(self._lease.compare())

    def _judge_audit_anchor(self) -> str | None:
        try:
            return self._audit.judge_anchor(self._audit_anchors.read())
        except IntegrityError as error:
            return str(error.args[1])

    def _start_membership(self) -> None:
        self._closing.append(self._loops.stop)
        doorkeeper = Doorkeeper(self._hsm, self._store, self._lease.compare)
        membership = Membership(self._hsm, self._store, self._hsm_id, doorkeeper, self._process.deleted)

        def look() -> None:
            membership.look()
            self._seen["membership"] = self._store.watch(self._seen["membership"], 1.0)
            self._loops.stopping.wait(_MEMBERSHIP_PAUSE_SECONDS)

        self._loops.start("membership", look)

    def _get_certificate(self) -> None:
        """Install the cluster certificate, which may be long in coming; the port is closed until then."""
        refused_revision = None

        def installed() -> bool:
            nonlocal refused_revision
            record = self._store.get(STATUS_CLUSTER)
            status = msgspec.msgpack.decode(record.value, type=ClusterStatus) if record else ClusterStatus()
            if status.cluster_certificate is not None:
                self._hsm.install_certificate(status.cluster_certificate)
                return True
            wanted = self._store.get(DESIRED_INITIALIZE)
            if wanted is None or wanted.revision == refused_revision:
                if self._status.status.health != HsmHealth.WAITING_FOR_CERTIFICATE:
                    self._status.tell(HsmHealth.WAITING_FOR_CERTIFICATE)
                return False
            initialize = msgspec.msgpack.decode(wanted.value, type=InitializeRecord)
            try:
                self._hsm.install_certificate(initialize.signed_certificate)
            except HsmError as error:
                log.warning("cluster certificate refused", reason=error.args[1])
                refused_revision = wanted.revision
                changed = msgspec.structs.replace(status, initialize_error=error.args[1])
            else:
                # As on AWS, only the cluster certificate is shown from now on.
                changed = msgspec.structs.replace(
                    status,
                    certificates={},
                    cluster_certificate=initialize.signed_certificate,
                    trust_anchor=initialize.trust_anchor,
                    initialize_error=None,
                )
            try:
                self._store.transact(
                    Transaction(
                        compares=(Compare(STATUS_CLUSTER, record.revision if record else None),),
                        lease=self._lease.compare(),
                        writes=(Write(STATUS_CLUSTER, msgspec.msgpack.encode(changed)),),
                    )
                )
            except CompareFailed:
                # Another HSM has written it; its word counts.
                return False
            return changed.cluster_certificate is not None

        self._process.wait_until(self._store, installed)

    def _load(self) -> None:
        anchor = self._anchors.read()
        try:
            load(self._hsm, self._store, self._replica, anchor)
        except StoreRolledBack as error:
            self._status.tell(HsmHealth.ERROR, str(error))
            self._process.wait_until(self._store, lambda: self._accepted(anchor) is not None)
            accepted = self._accepted(anchor)
            self._status.tell(HsmHealth.STARTING)
            load(self._hsm, self._store, self._replica, anchor, accept_rollback=True)
            self._tell_acceptance(str(error), accepted.reason if accepted else "")
        for line in _damage(self._replica):
            log.error("store damaged", reason=line)

    def _accepted(self, anchor: Anchor | None) -> AcceptRollbackRecord | None:
        accepted = decode(self._store, DESIRED_ACCEPT_ROLLBACK, AcceptRollbackRecord)
        if accepted is None or anchor is None or accepted.accepted_at <= anchor.written_at:
            return None
        return accepted

    def _tell_acceptance(self, problem: str, reason: str) -> None:
        facts = AuditFacts("accept_rollback", ACCEPT_ROLLBACK, note=reason)
        log.warning("rollback accepted", problem=problem)
        self._committer.submit(Proposal(request=None, facts=facts, decide=_audited(facts)))

    def _serve(self) -> None:
        replica = self._replica
        for keeper in (self._keeper, self._audit_keeper):
            keeper.start()
            self._closing.append(keeper.stop)
        replica.on_applied.append(self._anchor)
        if replica.position is not None:
            self._anchor(replica.position, False)
        self._narrowing.start()
        self._committer.start()
        self._closing.append(self._committer.stop)
        self._lease.serve()
        self._loops.start("changes", self._follow_changes)
        self._loops.start("behind", self._follow_requests)
        port = self._hsm.listen(self._membership.address, self._membership.port)
        self._dispatcher.start()
        figures = Figures(
            self._brain,
            self._hsm_id,
            started_at=self._status.status.started_at,
            audit_backlog=self._committer.backlog,
        )
        housekeeping = Housekeeping(
            self._brain,
            self._requests,
            self._status,
            self._audit,
            self._committer.submit,
            self._dispatcher.left_out,
            figures.write,
            hsm_id=self._hsm_id,
            lease=self._lease.compare,
        )

        def keep_house() -> None:
            housekeeping.step()
            self._loops.stopping.wait(LOOK_SECONDS)

        self._loops.start("housekeeping", keep_house)
        self._closing.append(self._stop_serving)
        self._status.tell(HsmHealth.ACTIVE, "; ".join(_damage(replica)), address=self._membership.address, port=port)

    def _stop_serving(self) -> None:
        self._hsm.shutdown(self._settings.drain_milliseconds)
        self._dispatcher.stop()
        self._narrowing.stop(self._settings.lease_ttl_seconds)
        # From here on nobody has to wait for this HSM; the word also wakes its own watchers, which then end.
        self._loops.stopping.set()
        self._lease.cease()

    def _anchor(self, position: Position, _by_another: bool) -> None:
        self._keeper.note(position.revision, position.head)

    def _follow_changes(self) -> None:
        self._seen["changes"] = self._store.watch(self._seen["changes"], 1.0)
        self._replica.catch_up()

    def _follow_requests(self) -> None:
        if self._hsm.wait_behind(500):
            self._replica.catch_up()
            self._replica.confirm()

    # -- ends ---------------------------------------------------------------------------------------------------------

    def _stay_in_error(self, divergence: StoreDiverged) -> int:
        """The store is not what it was: refuse everything, and start again once an operator accepts that."""
        self._lease.cease()
        self._status.try_to_tell(HsmHealth.ERROR, str(divergence))
        anchor = self._anchors.read()
        try:
            self._process.wait_until(self._store, lambda: self._accepted(anchor) is not None)
        except Stopped:
            self._leave()
            return EXIT_STOPPED
        return EXIT_AGAIN

    def _leave(self) -> None:
        message = ""
        deleted = self._is_deleted()
        if deleted:
            message = "deleted"
            # What only this HSM could open is of no use to anybody.
            self._store.transact(
                Transaction(
                    lease=self._lease.compare(),
                    writes=(Write(ENVELOPE + self._hsm_id, None), Write(JOIN + self._hsm_id, None)),
                )
            )
        # Order: no more answers, then the last anchor, the end of the audit log, the word STOPPED, then the lease.
        release = self._closing.pop(0)
        self.close()
        self._closing.append(release)
        self._close_audit_log(deleted=deleted)
        if not self._process.was_lost():
            self._status.try_to_tell(HsmHealth.STOPPED, message)

    def _is_deleted(self) -> bool:
        """The fleet's signal to stop may come before this process has seen that its membership ends."""
        if self._process.was_lost():
            return False
        try:
            membership = decode(self._store, DESIRED_HSM + self._hsm_id, MembershipRecord)
        except StoreError as error:
            log.warning("membership cannot be read", reason=str(error))
            return False
        return membership is None or membership.deleting

    def _close_audit_log(self, *, deleted: bool) -> None:
        """Sign for the last entries; a deleted HSM's log ends with a marker (aws-cloudhsm 7.3)."""
        if self._process.was_lost() or not self._hsm.has_cluster_keys():
            return
        end = [(AuditFacts("end", END_MARKER), SUCCESS)] if deleted else []
        try:
            self._audit.tell(self._lease.compare(), *end)
        except StoreError as error:
            log.warning("the end of the audit log is not signed", reason=str(error))


def _damage(replica: Replica) -> list[str]:
    lines = [reason for _, reason in sorted(replica.damaged.items())]
    if len(lines) > _NAMED_RECORDS:
        lines = [*lines[:_NAMED_RECORDS], f"and {len(lines) - _NAMED_RECORDS} more records"]
    return lines


def _audited(facts: AuditFacts) -> Callable[[Draft], Outcome]:
    def decide(_draft: Draft) -> Outcome:
        return Outcome({}, facts)

    return decide
