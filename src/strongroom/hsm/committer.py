"""The one committer of an HSM: batches, decides, commits, publishes, answers.

Each batch is one transaction: conditions (head, lease, request ids), records, head, change entry, audit entries. A
change that another HSM committed first makes the head differ; then this HSM catches up and decides again. When the
outcome of a commit is not known it is read back before anything is answered.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import msgspec
import structlog

from strongroom._native import HsmError
from strongroom.hsm.audit import AuditBatch, AuditFacts, AuditLog
from strongroom.hsm.drafts import ChainedWrite, Draft, Later, Outcome, Proposal
from strongroom.hsm.narrowing import NarrowingWaits
from strongroom.hsm.refusals import SUCCESS, AuditResponse, Refusal, Retry, Rv, StoreDiverged
from strongroom.hsm.replica import Position, Replica
from strongroom.hsm.requests import RequestIds
from strongroom.hsm.rules import RequestRule
from strongroom.storage.interface import (
    Append,
    Compare,
    CompareFailed,
    LeaseCompare,
    LogEntry,
    Record,
    Store,
    StoreError,
    Transaction,
    Write,
)
from strongroom.vocabulary.records import HEAD, LOG_CHANGES, ChangeEntry

if TYPE_CHECKING:
    from strongroom._native import Hsm

log = structlog.get_logger()

READ_BACK_SECONDS = 0.2
"""Between attempts to find out what became of a commit."""
CONFLICTS = 100
"""So often is a batch decided again before its requests are refused."""


@dataclass(slots=True)
class _Decided:
    """A proposal and what it came to: exactly one of outcome, refusal and earlier result is set."""

    proposal: Proposal
    outcome: Outcome | None = None
    refusal: Refusal | None = None
    earlier: RequestRule | None = None
    response: bytes = b""

    def told(self) -> list[tuple[AuditFacts, AuditResponse]]:
        further: tuple[AuditFacts, ...] = ()
        if self.outcome is not None:
            facts, further = self.outcome.facts, self.outcome.further
            refusal = self.outcome.refusal
        else:
            facts, refusal = self.proposal.facts, self.refusal
        if facts is None or self.earlier is not None:
            return []
        return [(told, refusal.audit if refusal else SUCCESS) for told in (facts, *further)]


@dataclass(slots=True)
class _Attempt:
    """One transaction, and what to do once it is in the store."""

    draft: Draft
    decided: list[_Decided] = field(default_factory=list)
    later: list[Proposal] = field(default_factory=list)
    chained: list[ChainedWrite] = field(default_factory=list)
    head: bytes = b""
    told: AuditBatch = field(default_factory=lambda: AuditBatch((), b"", None))
    transaction: Transaction | None = None


class Committer:
    """Takes proposals from any thread; works in one of its own."""

    def __init__(
        self,
        hsm: Hsm,
        store: Store,
        replica: Replica,
        audit: AuditLog,
        requests: RequestIds,
        narrowing: NarrowingWaits,
        *,
        hsm_id: str,
        lease: Callable[[], LeaseCompare],
        encode: Callable[[int, dict[str, Any]], bytes],
        batch_size: int,
        trouble: Callable[[], str],
        on_diverged: Callable[[StoreDiverged], None],
    ) -> None:
        """``trouble`` says why the lease could not be renewed, where it could not."""
        self._hsm = hsm
        self._store = store
        self._replica = replica
        self._audit = audit
        self._requests = requests
        self._narrowing = narrowing
        self._hsm_id = hsm_id
        self._lease = lease
        self._encode = encode
        self._batch_size = batch_size
        self._trouble = trouble
        self._on_diverged = on_diverged
        self._queue: queue.SimpleQueue[Proposal | None] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="committer", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def submit(self, proposal: Proposal) -> None:
        """Commit it with the next batch and answer it then."""
        self._queue.put(proposal)

    def backlog(self) -> int:
        """How many proposals wait for a batch."""
        return self._queue.qsize()

    def stop(self) -> None:
        """Commit what is queued and end."""
        self._stopping.set()
        self._queue.put(None)
        self._thread.join()

    # -- the loop ---------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        later: list[Proposal] = []
        while True:
            batch = later or self._next()
            if not batch:
                return
            try:
                later = self.commit(batch)
            except Exception:
                # Nothing may end this thread: the requests are answered, the fault is in the log.
                log.exception("commit failed", requests=len(batch))
                later = []
                failure = Refusal(Rv.GENERAL_ERROR, "the HSM failed while it committed the request: see its log")
                for proposal in batch:
                    self._give_up(proposal, failure)
            # The secrets of the requests in it are wiped now, and not only when the next batch comes.
            del batch

    def _next(self) -> list[Proposal]:
        """The next batch: all that is queued, at least one; empty at the end."""
        batch: list[Proposal] = []
        while len(batch) < self._batch_size:
            try:
                proposal = self._queue.get(block=not batch)
            except queue.Empty:
                break
            if proposal is None:
                if batch:
                    self._queue.put(None)
                break
            batch.append(proposal)
        return batch

    def commit(self, batch: Sequence[Proposal]) -> list[Proposal]:
        """Commit a batch and answer it; gives what must wait for the next one."""
        with self._replica.lock:
            for _ in range(CONFLICTS):
                attempt = self._draft(batch)
                try:
                    committed = self._try(attempt)
                except CompareFailed as failure:
                    if failure.key.startswith("lease "):
                        why = self._trouble() or "it is cut off from its store"
                        self._abandon(batch, Retry.PURE, f"nothing was changed, the HSM's lease has run out: {why}")
                        return []
                    if not self._recover(failure, batch):
                        return []
                    continue
                except StoreError as error:
                    log.warning("store unavailable", reason=str(error))
                    self._abandon(batch, Retry.PURE, f"nothing was changed: {error}")
                    return []
                self._finish(attempt, committed)
                return attempt.later
            self._abandon(batch, Retry.PURE, "other HSMs change the cluster faster than this one can: try again")
            return []

    def _recover(self, failure: CompareFailed, batch: Sequence[Proposal]) -> bool:
        """Take over what another HSM committed; ``False`` when that cannot be and the batch was refused."""
        try:
            if self._audit.is_about(failure):
                self._audit.resume()
            self._replica.catch_up()
        except StoreDiverged as error:
            self._on_diverged(error)
            self._abandon(batch, Retry.PURE, str(error))
        except StoreError as error:
            self._abandon(batch, Retry.PURE, f"nothing was changed: {error}")
        else:
            return True
        return False

    # -- deciding ---------------------------------------------------------------------------------------------------

    def _draft(self, batch: Sequence[Proposal]) -> _Attempt:
        draft = Draft(self._replica, self._replica.revision + 1)
        attempt = _Attempt(draft)
        ids: set[str] = set()
        results: list[tuple[_Decided, Record | None]] = []
        for proposal in batch:
            before: Record | None = None
            decided = _Decided(proposal)
            try:
                if proposal.remembered and proposal.request is not None:
                    key = self._requests.key(proposal.request)
                    if key in ids:
                        raise Later  # noqa: TRY301 - the same request twice in one batch
                    ids.add(key)
                    decided.earlier, before = self._requests.earlier(proposal.request)
                if decided.earlier is None:
                    decided.outcome = proposal.decide(draft)
            except Later:
                attempt.later.append(proposal)
                continue
            except Refusal as refusal:
                decided.refusal = refusal
            except HsmError as error:
                decided.refusal = Refusal(error.args[0], error.args[1])
            attempt.decided.append(decided)
            if proposal.remembered and decided.outcome is not None and decided.outcome.refusal is None:
                results.append((decided, before))
        self._assemble(attempt, results)
        return attempt

    def _assemble(self, attempt: _Attempt, results: list[tuple[_Decided, Record | None]]) -> None:
        draft = attempt.draft
        compares = list(draft.open_compares.values())
        writes = list(draft.open_writes.values())
        attempt.chained = draft.chained_writes(self._hsm)
        revision = draft.revision if attempt.chained else self._replica.revision
        for decided in attempt.decided:
            request = decided.proposal.request
            if request is not None and decided.outcome is not None and decided.outcome.refusal is None:
                decided.response = self._encode(request.operation, decided.outcome.body)
        for decided, before in results:
            request, outcome = decided.proposal.request, decided.outcome
            if request is None or outcome is None:
                continue
            write, compare = self._requests.result(
                request, revision, decided.response, narrowing=outcome.narrowing, before=before
            )
            writes.append(write)
            compares.append(compare)
        if attempt.chained:
            position = self._replica.position
            chain = [(write.key, write.old_version, write.new_version, write.digest) for write in attempt.chained]
            attempt.head = self._hsm.advance_head(position.head if position else None, chain)
            change = ChangeEntry(hsm_id=self._hsm_id, writes=chain, head=attempt.head)
            writes += [Write(write.key, write.value) for write in attempt.chained]
            writes.append(Write(HEAD, attempt.head))
            compares.append(Compare(HEAD, position.store_revision if position else None))
        told = [entry for decided in attempt.decided for entry in decided.told()]
        attempt.told = self._audit.draft(told)
        appends = list(attempt.told.appends)
        if attempt.chained:
            time_us = attempt.told.entries[0].entry.time_us if attempt.told.entries else 0
            appends.append(Append(LOG_CHANGES, LogEntry(draft.revision - 1, time_us, msgspec.msgpack.encode(change))))
        if writes or appends:
            attempt.transaction = Transaction(
                compares=tuple(compares), lease=self._lease(), writes=tuple(writes), appends=tuple(appends)
            )

    # -- committing -------------------------------------------------------------------------------------------------

    def _try(self, attempt: _Attempt) -> int:
        """The store revision of the commit; 0 when there was nothing to write."""
        if attempt.transaction is None:
            return 0
        try:
            return self._store.transact(attempt.transaction)
        except CompareFailed:
            raise
        except Exception as error:
            log.warning("outcome of a commit unknown", reason=str(error))
            committed = self._read_back(attempt)
            if committed is None:
                raise
            return committed

    def _read_back(self, attempt: _Attempt) -> int | None:
        """Whether the commit is in the store: waits until the store can tell. Gives its store revision."""
        while True:
            try:
                head = self._store.get(HEAD)
                if attempt.told.entries:
                    present = self._audit.holds(attempt.told)
                else:
                    present = head is not None and head.value == attempt.head
            except StoreError as error:
                log.warning("store cannot be read", reason=str(error))
                if self._stopping.wait(READ_BACK_SECONDS):
                    raise
                continue
            if not present:
                return None
            if attempt.chained and head is not None and head.value == attempt.head:
                return head.revision
            # Another HSM has committed since; catching up finds the head's record.
            return -1

    def _finish(self, attempt: _Attempt, store_revision: int) -> None:
        self._audit.written(attempt.told)
        if attempt.chained:
            attempt.draft.apply(attempt.chained)
        for decided in attempt.decided:
            self._publish(decided)
        if attempt.chained:
            self._replica.committed(Position(attempt.draft.revision, attempt.head, store_revision))
        for decided in attempt.decided:
            self._answer(decided)

    def _publish(self, decided: _Decided) -> None:
        if decided.outcome is None:
            decided.proposal.discard()
            return
        try:
            decided.outcome.publish()
        except HsmError as error:
            # It is committed, so it must not be said to have failed for good: another HSM has it.
            log.exception("committed but not usable here")
            text = f"the change was made, but this HSM could not use it: {error.args[1]}"
            decided.outcome = replace(decided.outcome, refusal=Refusal(error.args[0], text, retry=Retry.CHANGE))

    # -- answering --------------------------------------------------------------------------------------------------

    def _answer(self, decided: _Decided) -> None:
        request = decided.proposal.request
        if request is None:
            return
        token, revision = request.token, self._replica.revision
        refusal = decided.refusal or (decided.outcome.refusal if decided.outcome else None)
        narrowing = decided.outcome.narrowing if decided.outcome else False
        if decided.earlier is not None:
            response, narrowing = decided.earlier.response, decided.earlier.narrowing
            revision = max(revision, decided.earlier.revision)
        else:
            response = decided.response

        def answer() -> None:
            if refusal is not None:
                self._hsm.respond_error(token, refusal.rv, refusal.text, int(refusal.retry))
            else:
                self._hsm.respond(token, response, revision)

        if narrowing:
            self._narrowing.add(revision, answer)
        else:
            answer()

    def _abandon(self, batch: Sequence[Proposal], retry: Retry, text: str) -> None:
        refusal = Refusal(Rv.DEVICE_ERROR, text, retry=retry)
        for proposal in batch:
            self._give_up(proposal, refusal)

    def _give_up(self, proposal: Proposal, refusal: Refusal) -> None:
        proposal.discard()
        if proposal.request is not None:
            self._hsm.respond_error(proposal.request.token, refusal.rv, refusal.text, int(refusal.retry))
