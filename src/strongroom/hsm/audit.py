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

from strongroom.audit.chain import ALTERED_OPCODE, missing
from strongroom.hsm.anchor import Anchor
from strongroom.hsm.checkpoints import Checkpoints
from strongroom.hsm.refusals import SUCCESS, AuditResponse
from strongroom.hsm.rules import APPLIANCE_USER
from strongroom.storage.interface import Append, CompareFailed, LeaseCompare, LogEntry, Store, Transaction
from strongroom.vocabulary.operations import RULES, Operation
from strongroom.vocabulary.records import LOG_AUDIT, AuditEntry
from strongroom.vocabulary.roles import Role

if TYPE_CHECKING:
    from strongroom._native import Hsm, ManagedRequest

CREATE_CO = ("CN_CREATE_CO", 0x4)
DESTROY_OBJECT = ("CN_DESTROY_OBJECT", 0x11)
CLOSE_SESSION = ("CN_CLOSE_SESSION", 0xF)
END_MARKER = ("END_MARKER_OPCODE", 0xFFFF)
ACCEPT_ROLLBACK = ("STRONGROOM_ACCEPT_ROLLBACK", 0xFF01)
AUDIT_ALTERED = ("STRONGROOM_AUDIT_ALTERED", ALTERED_OPCODE)
_OBJECTS = {
    Operation.DESTROY_OBJECT: "reference",
    Operation.SET_ATTRIBUTES: "reference",
    Operation.WRAP_KEY: "key",
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

    def resume(self) -> str | None:
        """Take the place after the last entry; a sentence when the log was altered at its end."""
        last = self._store.scan(self.name, reverse=True, limit=1)
        self.sequence, self._previous, self._last_us = 0, b"", 0
        if last:
            self.sequence = last[0].sequence + 1
            self._previous = hashlib.sha256(last[0].value).digest()
            self._last_us = last[0].time_us
        return self._judge_checkpoint() or (self._judge_entry(last[0]) if last else None)

    def _judge_entry(self, last: LogEntry) -> str | None:
        """The MAC of the last entry stands for all before it, whose hashes are chained into it."""
        try:
            entry = msgspec.msgpack.decode(last.value, type=AuditEntry)
        except msgspec.DecodeError:
            return f"entry {last.sequence:#x} of the audit log is not an entry: it was altered"
        if self._mac(entry) != entry.mac or entry.sequence != last.sequence or entry.hsm_id != self._hsm_id:
            return f"entry {last.sequence:#x} of the audit log was altered"
        return None

    def _judge_checkpoint(self) -> str | None:
        try:
            newest = self._checkpoints.resume()
        except msgspec.DecodeError:
            return "the newest checkpoint of the audit log is not a checkpoint: it was altered"
        if newest is None:
            return None
        if newest.sequence >= self.sequence:
            # What is signed for counts up to what is there, so that new entries are signed for again.
            self._checkpoints.signed = self.sequence
            return f"{missing(self.sequence, newest.sequence)} from the audit log, for which this HSM has signed"
        signed = self._store.scan(self.name, after=newest.sequence - 1, limit=1)
        if not signed or hashlib.sha256(signed[0].value).digest() != newest.entry_hash:
            return f"entry {newest.sequence:#x} of the audit log is not the one that was signed for: it was altered"
        return None

    def judge_anchor(self, anchor: Anchor | None) -> str | None:
        """A sentence when the log does not hold what this HSM has seen in it."""
        if anchor is None or anchor.revision == 0:
            return None
        if anchor.revision > self.sequence:
            return f"{missing(self.sequence, anchor.revision - 1)} from the audit log, which this HSM has written"
        last = self._store.scan(self.name, after=anchor.revision - 2, limit=1)
        if not last or hashlib.sha256(last[0].value).digest() != anchor.head:
            return f"entry {anchor.revision - 1:#x} of the audit log is not the one that this HSM has written"
        return None

    def draft(self, told: Sequence[tuple[AuditFacts, AuditResponse]], *, sign: bool = False) -> AuditBatch:
        """Entries for a transaction; give the batch to :meth:`written` after the commit.

        ``sign`` asks for a checkpoint also where none is due; there is none where nothing is new.
        """
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
                response_text=f"{response.text} ({facts.note})" if facts.note else response.text,
                previous=last_hash,
                username=facts.username,
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
            self.on_written(self.sequence, self._previous)
        if batch.checkpoint is not None:
            self._checkpoints.written(batch.checkpoint, self.sequence)

    def tell(self, lease: LeaseCompare, *told: tuple[AuditFacts, AuditResponse]) -> None:
        """Write entries of the HSM itself, and sign for everything that is new, in a transaction of their own.

        Raises :class:`~strongroom.storage.interface.StoreError`.
        """
        batch = self.draft(told, sign=True)
        if not batch.appends:
            return
        try:
            self._store.transact(Transaction(lease=lease, appends=batch.appends))
        except CompareFailed:
            self.resume()
            raise
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
