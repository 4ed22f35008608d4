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

from strongroom.hsm.refusals import SUCCESS, AuditResponse
from strongroom.storage.interface import Append, LogEntry, Store
from strongroom.vocabulary.operations import RULES, Operation
from strongroom.vocabulary.records import LOG_AUDIT, AuditEntry
from strongroom.vocabulary.roles import Role

if TYPE_CHECKING:
    from strongroom._native import Hsm, ManagedRequest

CREATE_CO = ("CN_CREATE_CO", 0x4)
DESTROY_OBJECT = ("CN_DESTROY_OBJECT", 0x11)
CLOSE_SESSION = ("CN_CLOSE_SESSION", 0xF)
FIRST_START = (
    ("CN_INIT_TOKEN", 0x1),
    ("CN_GEN_PSWD_ENC_KEY", 0x1D),
    ("CN_CREATE_APPLIANCE_USER", 0xFC),
    ("CN_INIT_DONE", 0x95),
)
"""What the stream of the first HSM of a cluster begins with (aws-cloudhsm 7.3)."""
ACCEPT_ROLLBACK = ("STRONGROOM_ACCEPT_ROLLBACK", 0xFF01)


@dataclass(frozen=True, slots=True)
class AuditFacts:
    """What an entry tells, but for its place in the log and the response."""

    operation: str
    opcode: tuple[str, int]
    session: int = 0
    username: str = ""
    role: Role = Role.NONE
    private_reference: int = 0
    public_reference: int = 0
    request_id: bytes | None = None
    dropped: int = 0


def facts_of(request: ManagedRequest) -> AuditFacts | None:
    """What a request's operation and caller tell; ``None`` when the operation is not audited."""
    operation = Operation(request.operation)
    opcode = RULES[operation].opcode
    if opcode is None:
        return None
    return AuditFacts(
        operation=operation.name.lower(),
        opcode=opcode,
        session=request.session,
        username=request.username,
        role=Role(request.role),
        request_id=request.request_id,
    )


class AuditLog:
    """``audit/<hsm id>``. Only the committer writes it, so its place in the log is kept here."""

    def __init__(
        self, hsm: Hsm, store: Store, hsm_id: str, reboot_counter: int, clock: Callable[[], float] = time.time
    ) -> None:
        self._hsm = hsm
        self._store = store
        self._hsm_id = hsm_id
        self._reboot_counter = reboot_counter
        self._clock = clock
        self.name = LOG_AUDIT + hsm_id
        self.sequence = 0
        self._previous = b""
        self._last_us = 0

    def resume(self) -> str | None:
        """Take the place after the last entry; a sentence when that entry was altered."""
        last = self._store.scan(self.name, reverse=True, limit=1)
        if not last:
            return None
        self.sequence = last[0].sequence + 1
        self._previous = hashlib.sha256(last[0].value).digest()
        self._last_us = last[0].time_us
        try:
            entry = msgspec.msgpack.decode(last[0].value, type=AuditEntry)
        except msgspec.DecodeError:
            return f"entry {last[0].sequence} of the audit log {self.name} is not an entry: it was altered"
        if self._mac(entry) != entry.mac or entry.sequence != last[0].sequence:
            return f"entry {last[0].sequence} of the audit log {self.name} was altered"
        return None

    def appends(self, told: Sequence[tuple[AuditFacts, AuditResponse]]) -> tuple[list[Append], bytes]:
        """Entries in their final form, and the hash to give :meth:`written` after the commit."""
        appends = []
        previous = self._previous
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
                response_text=response.text,
                previous=previous,
                username=facts.username,
                user_type=int(facts.role),
                private_reference=facts.private_reference,
                public_reference=facts.public_reference,
                request_id=facts.request_id,
                dropped=facts.dropped,
            )
            value = msgspec.msgpack.encode(msgspec.structs.replace(entry, mac=self._mac(entry)))
            previous = hashlib.sha256(value).digest()
            appends.append(Append(self.name, LogEntry(sequence, time_us, value)))
        return appends, previous

    def written(self, appends: Sequence[Append], previous: bytes) -> None:
        """The entries are in the store."""
        if appends:
            self.sequence = appends[-1].entry.sequence + 1
            self._last_us = appends[-1].entry.time_us
            self._previous = previous

    def holds(self, append: Append) -> bool:
        """Whether an entry is in the store: how an unknown commit is read back."""
        found = self._store.scan(self.name, after=append.entry.sequence - 1, limit=1)
        return bool(found) and found[0] == append.entry

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


__all__ = ["SUCCESS", "AuditFacts", "AuditLog", "RefusalLimit", "facts_of"]
