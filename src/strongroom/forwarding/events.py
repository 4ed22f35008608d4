"""Entries of logs as they are sent: one JSON object each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from strongroom.audit.text import render
from strongroom.storage.interface import LogEntry
from strongroom.vocabulary.records import AuditEntry, Checkpoint, TrailEntry

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Event:
    """An entry of a log; ``text`` is one line of JSON. ``log`` and ``sequence`` tell a repetition."""

    log: str
    sequence: int
    time_us: int
    kind: str
    text: str

    @property
    def time(self) -> str:
        """In RFC 3339's form, to the microsecond."""
        return _rfc3339(self.time_us)


def audit_event(cluster_id: str, log: str, entry: LogEntry) -> Event:
    """An HSM's audit entry: AWS's text, and what proves its place in the chain."""
    audit = msgspec.msgpack.decode(entry.value, type=AuditEntry)
    shown = {
        "clusterId": cluster_id,
        "hsmId": audit.hsm_id,
        "opcode": audit.opcode,
        "response": audit.response,
        "previous": audit.previous.hex(),
        "mac": audit.mac.hex(),
        "message": render(audit),
    }
    return _event("hsm-audit", log, entry, shown)


def checkpoint_event(log: str, entry: LogEntry) -> Event:
    """A checkpoint of an HSM's audit log: with it, who has the log later can tell whether its end is missing."""
    checkpoint = msgspec.msgpack.decode(entry.value, type=Checkpoint)
    shown = {
        "clusterId": checkpoint.cluster_id,
        "hsmId": checkpoint.hsm_id,
        "rebootCounter": checkpoint.reboot_counter,
        "auditSequence": checkpoint.sequence,
        "entryHash": checkpoint.entry_hash.hex(),
        "timeUs": checkpoint.time_us,
        "signature": checkpoint.signature.hex(),
    }
    return _event("hsm-checkpoint", log, entry, shown)


def trail_event(log: str, entry: LogEntry) -> Event:
    """A CloudTrail record."""
    trail = msgspec.msgpack.decode(entry.value, type=TrailEntry)
    shown = {"previous": trail.previous.hex(), "record": msgspec.Raw(trail.event.text.encode())}
    return _event("cloudtrail", log, entry, shown)


def _event(kind: str, log: str, entry: LogEntry, shown: dict[str, Any]) -> Event:
    head = {"kind": kind, "log": log, "sequence": entry.sequence, "time": _rfc3339(entry.time_us)}
    return Event(log, entry.sequence, entry.time_us, kind, msgspec.json.encode(head | shown).decode())


def _rfc3339(time_us: int) -> str:
    return f"{_EPOCH + timedelta(microseconds=time_us):%Y-%m-%dT%H:%M:%S.%fZ}"
