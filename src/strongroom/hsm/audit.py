"""The audit log of one HSM: sequence without gaps, chained by hash, each entry with the boundary's MAC.

An entry is written in the transaction of the change that it tells of, or alone where nothing changed.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import structlog

from strongroom.audit.chain import ALTERED_OPCODE, missing
from strongroom.audit.hsm_logs import rows
from strongroom.hsm.anchor import Anchor
from strongroom.hsm.checkpoints import Checkpoints
from strongroom.hsm.refusals import SUCCESS, AuditResponse, Rv
from strongroom.hsm.rules import APPLIANCE_USER
from strongroom.printable import printable
from strongroom.storage.interface import Append, CompareFailed, LeaseCompare, LogEntry, Store, Transaction
from strongroom.vocabulary.operations import RULES, Operation
from strongroom.vocabulary.records import LOG_AUDIT, UNREADABLE, AuditEntry
from strongroom.vocabulary.roles import Role

if TYPE_CHECKING:
    from strongroom._native import Hsm, ManagedRequest

log = structlog.get_logger()

CREATE_CO = ("CN_CREATE_CO", 0x4)
DESTROY_OBJECT = ("CN_DESTROY_OBJECT", 0x11)
SHARE_OBJECT = ("CN_SHARE_OBJECT", 0x12)
APPROVE_TOKEN = ("CN_APPROVE_TOKEN", 0xA5)
CLOSE_SESSION = ("CN_CLOSE_SESSION", 0xF)
END_MARKER = ("END_MARKER_OPCODE", 0xFFFF)
ACCEPT_ROLLBACK = ("STRONGROOM_ACCEPT_ROLLBACK", 0xFF01)
AUDIT_ALTERED = ("STRONGROOM_AUDIT_ALTERED", ALTERED_OPCODE)
_OBJECTS = {
    Operation.DESTROY_OBJECT: "reference",
    Operation.SET_ATTRIBUTES: "reference",
    Operation.SHARE_KEY: "reference",
    Operation.UNSHARE_KEY: "reference",
    Operation.WRAP_KEY: "key",
    Operation.WRAP_WITH_APPROVAL: "key",
    Operation.SIGN_WITH_APPROVAL: "key",
    Operation.QUORUM_TOKEN: "key",
}
"""Where a request names the object that it is about."""


@dataclass(frozen=True, slots=True)
class AuditFacts:
    """What an entry tells, but for its place in the log and the response. ``note`` goes after the response's text."""

    operation: str
    opcode: tuple[str, int]
    session: int = 0
    username: str = ""
    role: Role = Role.NONE
    private_reference: int = 0
    public_reference: int = 0
    request_id: bytes | None = None
    dropped: int = 0
    note: str = ""


FIRST_START = (
    AuditFacts("init_token", ("CN_INIT_TOKEN", 0x1)),
    AuditFacts("gen_pswd_enc_key", ("CN_GEN_PSWD_ENC_KEY", 0x1D)),
    AuditFacts(
        "create_appliance_user",
        ("CN_CREATE_APPLIANCE_USER", 0xFC),
        username=APPLIANCE_USER,
        role=Role.APPLIANCE_USER,
    ),
    AuditFacts("init_done", ("CN_INIT_DONE", 0x95)),
)
"""What the stream of the first HSM of a cluster begins with (aws-cloudhsm 7.3)."""


def facts_of(request: ManagedRequest) -> AuditFacts | None:
    """What a request's operation and caller tell; ``None`` when the operation is not audited."""
    operation = Operation(request.operation)
    opcode = RULES[operation].opcode
    if opcode is None:
        return None
    named = request.body.get(_OBJECTS[operation]) if operation in _OBJECTS else 0
    return AuditFacts(
        operation=operation.name.lower(),
        opcode=opcode,
        session=request.session,
        username=request.username,
        role=Role(request.role),
        private_reference=named if isinstance(named, int) else 0,
        request_id=request.request_id,
    )


@dataclass(frozen=True, slots=True)
class AuditBatch:
    """Entries in their final form, the hash of the last one of the log then, and the checkpoint that goes with them."""

    entries: tuple[Append, ...]
    last_hash: bytes
    checkpoint: Append | None

    @property
    def appends(self) -> tuple[Append, ...]:
        """What the transaction has of it."""
        return self.entries if self.checkpoint is None else (*self.entries, self.checkpoint)


class AuditLog:
    """``audit/<hsm id>``, with its checkpoints.

    The committer writes it while the HSM serves, so its place in the log is kept here; others hold the replica's lock.
    """

    def __init__(
        self,
        hsm: Hsm,
        store: Store,
        cluster_id: str,
        hsm_id: str,
        reboot_counter: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._hsm = hsm
        self._store = store
        self._hsm_id = hsm_id
        self._reboot_counter = reboot_counter
        self._clock = clock
        self._checkpoints = Checkpoints(hsm, store, cluster_id, hsm_id, reboot_counter)
        self.name = LOG_AUDIT + hsm_id
        self.on_written: Callable[[int, bytes], None] = lambda _entries, _last_hash: None
        """Called with the number of entries and the hash of the last one after each that was written."""
        self.sequence = 0
        self._previous = b""
        self._last_us = 0
        self._altered: str | None = None

    def resume(self) -> str | None:
        """Take the place after the last entry; a sentence when the end of the log is not what this HSM knows of it.

        The next batch begins with an entry that says so.
        """
        last = self._store.scan(self.name, reverse=True, limit=1)
        total = last[0].sequence + 1 if last else 0
        checkpoints = self._checkpoints.number
        altered = self._judge_checkpoint(total)
        if last:
            entry, forged = self._judge_entry(last[0])
            # The row's own time is covered by nothing, that of an entry by its MAC.
            self._last_us = max(self._last_us, entry.time_us if entry is not None else 0)
            altered = altered or forged
        altered = altered or self._judge_known(total)
        if altered is None and self._checkpoints.number < checkpoints:
            altered = "the newest checkpoint of the audit log is missing, which this HSM has signed"
        self.sequence = total
        self._previous = hashlib.sha256(last[0].value).digest() if last else b""
        if altered is not None:
            self.found_altered(altered)
        return altered

    def found_altered(self, how: str) -> None:
        """Let the next batch begin with an entry that says how the log was altered."""
        log.error("audit log altered", reason=how)
        self._altered = self._altered or how

    def is_about(self, failure: CompareFailed) -> bool:
        """Whether a transaction failed because this log does not end where it was left."""
        return failure.key in {f"log {self.name}", f"log {self._checkpoints.name}"}

    def _judge_entry(self, row: LogEntry) -> tuple[AuditEntry | None, str | None]:
        """An entry that this HSM has written, or a sentence.

        The MAC of the last one stands for all before it, whose hashes are chained into it.
        """
        try:
            entry = msgspec.msgpack.decode(row.value, type=AuditEntry)
        except UNREADABLE:
            return None, f"entry {row.sequence:#x} of the audit log is not an entry: it was altered"
        is_ours = entry.sequence == row.sequence and entry.hsm_id == self._hsm_id
        if not is_ours or self._mac(entry) != entry.mac or msgspec.msgpack.encode(entry) != row.value:
            return None, f"entry {row.sequence:#x} of the audit log was altered"
        return entry, None

    def _judge_checkpoint(self, total: int) -> str | None:
        try:
            newest = self._checkpoints.resume()
        except UNREADABLE:
            return "the newest checkpoint of the audit log is not a checkpoint: it was altered"
        if newest is not None and newest.sequence >= total:
            # What is signed for counts up to what is there, so that new entries are signed for again.
            self._checkpoints.signed = total
            return f"{missing(total, newest.sequence)} from the audit log, for which this HSM has signed"
        if newest is None:
            return None
        signed = self._store.scan(self.name, after=newest.sequence - 1, limit=1)
        if not signed or hashlib.sha256(signed[0].value).digest() != newest.entry_hash:
            return f"entry {newest.sequence:#x} of the audit log is not the one that was signed for: it was altered"
        return None

    def _judge_known(self, total: int) -> str | None:
        """Against what this process has written itself. More may be there: of a commit whose outcome it never heard."""
        if self.sequence == 0:
            return None
        lacking = self._lacks(self.sequence, self._previous, total)
        if lacking is not None:
            return lacking
        previous = self._previous
        for row in rows(self._store, self.name, after=self.sequence - 1):
            entry, _ = self._judge_entry(row)
            if entry is None or entry.previous != previous:
                return f"entry {row.sequence:#x} of the audit log is not one that this HSM has written"
            previous = hashlib.sha256(row.value).digest()
        return None

    def judge_anchor(self, anchor: Anchor | None) -> str | None:
        """A sentence when the log does not hold what this HSM has seen in it."""
        if anchor is None or anchor.revision == 0:
            return None
        return self._lacks(anchor.revision, anchor.head, self.sequence)

    def _lacks(self, entries: int, last_hash: bytes, total: int) -> str | None:
        if entries > total:
            return f"{missing(total, entries - 1)} from the audit log, which this HSM has written"
        last = self._store.scan(self.name, after=entries - 2, limit=1)
        if not last or hashlib.sha256(last[0].value).digest() != last_hash:
            return f"entry {entries - 1:#x} of the audit log is not the one that this HSM has written"
        return None

    def draft(self, told: Sequence[tuple[AuditFacts, AuditResponse]], *, sign: bool = False) -> AuditBatch:
        """Entries for a transaction; give the batch to :meth:`written` after the commit.

        ``sign`` asks for a checkpoint also where none is due; there is none where nothing is new.
        """
        if self._altered is not None:
            response = AuditResponse(Rv.DEVICE_ERROR, f"HSM Error: {self._altered}")
            told = [(AuditFacts("audit_altered", AUDIT_ALTERED), response), *told]
        entries = []
        last_hash = self._previous
        # A clock that steps back must not put entries out of order.
        time_us = max(int(self._clock() * 1_000_000), self._last_us)
        for sequence, (facts, response) in enumerate(told, start=self.sequence):
            entry = AuditEntry(
                hsm_id=self._hsm_id,
                reboot_counter=self._reboot_counter,
                sequence=sequence,
                time_us=time_us,
                operation=facts.operation,
                opcode=facts.opcode[0],
                opcode_number=facts.opcode[1],
                session=facts.session,
                response=response.code,
                response_text=printable(f"{response.text} ({facts.note})" if facts.note else response.text),
                previous=last_hash,
                username=printable(facts.username),
                user_type=int(facts.role),
                private_reference=facts.private_reference,
                public_reference=facts.public_reference,
                request_id=facts.request_id,
                dropped=facts.dropped,
            )
            value = msgspec.msgpack.encode(msgspec.structs.replace(entry, mac=self._mac(entry)))
            last_hash = hashlib.sha256(value).digest()
            entries.append(Append(self.name, LogEntry(sequence, time_us, value)))
        total = self.sequence + len(entries)
        due = self._checkpoints.is_due(total) or (sign and total > self._checkpoints.signed)
        checkpoint = self._checkpoints.sign(total, last_hash, time_us) if due else None
        return AuditBatch(tuple(entries), last_hash, checkpoint)

    def written(self, batch: AuditBatch) -> None:
        """The batch is in the store."""
        if batch.entries:
            self.sequence = batch.entries[-1].entry.sequence + 1
            self._last_us = batch.entries[-1].entry.time_us
            self._previous = batch.last_hash
            self._altered = None
            self.on_written(self.sequence, self._previous)
        if batch.checkpoint is not None:
            self._checkpoints.written(batch.checkpoint, self.sequence)

    def tell(self, lease: LeaseCompare, *told: tuple[AuditFacts, AuditResponse]) -> None:
        """Write entries of the HSM itself, and sign for everything that is new, in a transaction of their own.

        Raises :class:`~strongroom.storage.interface.StoreError`.
        """
        try:
            self._write(lease, told)
        except CompareFailed as failure:
            if not self.is_about(failure):
                raise
            self.resume()
            self._write(lease, told)

    def _write(self, lease: LeaseCompare, told: Sequence[tuple[AuditFacts, AuditResponse]]) -> None:
        batch = self.draft(told, sign=True)
        if batch.appends:
            self._store.transact(Transaction(lease=lease, appends=batch.appends))
            self.written(batch)

    def holds(self, batch: AuditBatch) -> bool:
        """Whether a batch's entries are in the store: how an unknown commit is read back."""
        first = batch.entries[0].entry
        found = self._store.scan(self.name, after=first.sequence - 1, limit=1)
        return bool(found) and found[0] == first

    def _mac(self, entry: AuditEntry) -> bytes:
        return self._hsm.audit_mac(msgspec.msgpack.encode(msgspec.structs.replace(entry, mac=b"")))


@dataclass(slots=True)
class _Address:
    allowance: float
    at: float
    dropped: int = 0


class RefusalLimit:
    """Limits the entries of requests without a login, per address; what was left out is counted in the next entry."""

    BURST = 10.0
    PER_SECOND = 0.2
    ADDRESSES = 4_096

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._addresses: OrderedDict[str, _Address] = OrderedDict()

    def admit(self, address: str) -> int | None:
        """How many were left out before this entry, or ``None`` when this one is left out too."""
        now = self._clock()
        with self._lock:
            entry = self._addresses.setdefault(address, _Address(self.BURST, now))
            self._addresses.move_to_end(address)
            if len(self._addresses) > self.ADDRESSES:
                _, oldest = self._addresses.popitem(last=False)
                entry.dropped += oldest.dropped
            entry.allowance = min(self.BURST, entry.allowance + (now - entry.at) * self.PER_SECOND)
            entry.at = now
            if entry.allowance < 1:
                entry.dropped += 1
                return None
            entry.allowance -= 1
            dropped, entry.dropped = entry.dropped, 0
            return dropped

    def left_out(self) -> int:
        """Take the number of entries that were left out and that no entry tells of yet."""
        with self._lock:
            dropped = sum(entry.dropped for entry in self._addresses.values())
            for entry in self._addresses.values():
                entry.dropped = 0
            return dropped


__all__ = ["SUCCESS", "AuditBatch", "AuditFacts", "AuditLog", "RefusalLimit", "facts_of"]
