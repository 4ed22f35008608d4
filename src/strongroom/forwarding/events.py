"""Entries of logs as they are sent: one JSON object each."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from strongroom.audit.text import render
from strongroom.storage.interface import LogEntry
from strongroom.vocabulary.records import AuditEntry, Checkpoint, TrailEntry

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_US: Final = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)


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


def unreadable_event(log: str, entry: LogEntry, reason: str) -> Event:
    """What stands for an entry that somebody spoilt, so that those after it are sent."""
    shown = {
        "problem": f"the entry cannot be read: {reason}",
        "bytes": len(entry.value),
        "sha256": hashlib.sha256(entry.value).hexdigest(),
    }
    return _event("unreadable", log, entry, shown)


def shortened(event: Event, max_bytes: int) -> Event:
    """What stands for an event that is larger than a receiver takes: its beginning, and what tells that it was cut.

    It has at most ``max_bytes``, in UTF-8, if those are some thousand.
    """
    content = event.text.encode()
    if len(content) <= max_bytes:
        return event
    cut = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    head = {"kind": event.kind, "log": event.log, "sequence": event.sequence, "time": event.time, "cut": cut}
    # Escaping makes a text at most twice as long, because the text is JSON itself.
    beginning = content[: (max_bytes - len(msgspec.json.encode(head)) - 32) // 2].decode(errors="ignore")
    return replace(event, text=msgspec.json.encode(head | {"beginning": beginning}).decode())


def _event(kind: str, log: str, entry: LogEntry, shown: dict[str, Any]) -> Event:
    head = {"kind": kind, "log": log, "sequence": entry.sequence, "time": _rfc3339(entry.time_us)}
    return Event(log, entry.sequence, entry.time_us, kind, msgspec.json.encode(head | shown).decode())


def _rfc3339(time_us: int) -> str:
    # The time of an entry that somebody spoilt can be any number.
    return f"{_EPOCH + timedelta(microseconds=min(max(time_us, 0), _LAST_US)):%Y-%m-%dT%H:%M:%S.%fZ}"
