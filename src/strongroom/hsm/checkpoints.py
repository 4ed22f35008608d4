"""Checkpoints: what the HSM's identity signs of its audit log, and the certificates that everybody checks that with.

A checkpoint says: up to this entry, with this hash, the log is mine. Whoever keeps one can tell later whether an entry
before it was removed, changed or moved, without a key and without the HSM.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import structlog

from strongroom.storage.interface import Append, LeaseCompare, LogEntry, Store, Transaction, Write
from strongroom.vocabulary.records import IDENTITY, LOG_CHECKPOINT, UNREADABLE, AuditIdentity, Checkpoint

if TYPE_CHECKING:
    from strongroom._native import Hsm

log = structlog.get_logger()

UNSIGNED_ENTRIES = 900
"""A batch that leaves so many entries unsigned is signed with it: with the largest batch these are fewer than 1,000."""


class Checkpoints:
    """``checkpoint/<hsm id>``. Written with the audit log, in the same transactions or right after them."""

    def __init__(self, hsm: Hsm, store: Store, cluster_id: str, hsm_id: str, reboot_counter: int) -> None:
        self._hsm = hsm
        self._store = store
        self._cluster_id = cluster_id
        self._hsm_id = hsm_id
        self._reboot_counter = reboot_counter
        self.name = LOG_CHECKPOINT + hsm_id
        self.number = 0
        """The number of the next checkpoint."""
        self.signed = 0
        """How many entries of the audit log are signed for."""

    def resume(self) -> Checkpoint | None:
        """Take the place after the newest checkpoint, and give that.

        Raises one of ``UNREADABLE`` for one that was altered so that it is none any more; the place is taken all the
        same.
        """
        newest = self._store.scan(self.name, reverse=True, limit=1)
        self.number = self.signed = 0
        if not newest:
            return None
        self.number = newest[0].sequence + 1
        checkpoint = msgspec.msgpack.decode(newest[0].value, type=Checkpoint)
        self.signed = checkpoint.sequence + 1
        return checkpoint

    def is_due(self, entries: int) -> bool:
        """Whether a log of so many entries must be signed for now."""
        return entries - self.signed >= UNSIGNED_ENTRIES

    def sign(self, entries: int, entry_hash: bytes, time_us: int) -> Append:
        """A checkpoint for a log of so many entries, the last of which has this hash."""
        checkpoint = Checkpoint(
            cluster_id=self._cluster_id,
            hsm_id=self._hsm_id,
            reboot_counter=self._reboot_counter,
            sequence=entries - 1,
            entry_hash=entry_hash,
            time_us=time_us,
        )
        signature = self._hsm.sign_checkpoint(msgspec.msgpack.encode(checkpoint))
        value = msgspec.msgpack.encode(msgspec.structs.replace(checkpoint, signature=signature))
        return Append(self.name, LogEntry(self.number, time_us, value))

    def written(self, checkpoint: Append, entries: int) -> None:
        """It is in the store."""
        self.number = checkpoint.entry.sequence + 1
        self.signed = entries


def publish_identity(
    hsm: Hsm, store: Store, cluster_id: str, hsm_id: str, lease: LeaseCompare, created_at: float
) -> None:
    """``identity/<hsm id>``: who signs, for everybody who verifies.

    Written before the first entry, and again where what stands there is not this HSM's.
    """
    identity = AuditIdentity(
        hsm_id=hsm_id,
        cluster_id=cluster_id,
        serial_number=hsm.serial_number(),
        created_at=created_at,
        certificates=hsm.identity_certificates(),
    )
    found = store.get(IDENTITY + hsm_id)
    if found is not None:
        try:
            before = msgspec.msgpack.decode(found.value, type=AuditIdentity)
        except UNREADABLE:
            before = None
        if before is not None and msgspec.structs.replace(before, created_at=created_at) == identity:
            return
        log.error("identity in the store replaced", reason="it was not this HSM's: it was altered")
    write = Write(IDENTITY + hsm_id, msgspec.msgpack.encode(identity))
    store.transact(Transaction(lease=lease, writes=(write,)))
