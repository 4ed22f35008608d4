"""Audit logs as HSMs write them, without HSMs: what stands in a cluster's store."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from strongroom.storage.interface import Append, LogEntry, Store, Transaction
from strongroom.vocabulary.records import AuditEntry

KINDS = (
    {"operation": "login", "opcode": "CN_LOGIN", "opcode_number": 0xD, "username": "alice", "user_type": 1},
    {"operation": "generate", "opcode": "CN_GENERATE_KEY", "opcode_number": 0x18, "private_reference": 7},
    {
        "operation": "login",
        "opcode": "CN_LOGIN",
        "opcode_number": 0xD,
        "username": "mallory",
        "user_type": 1,
        "response": 163,
        "response_text": "HSM Error: RET_USER_LOGIN_FAILURE",
    },
    {"operation": "destroy", "opcode": "CN_DESTROY_OBJECT", "opcode_number": 0x11},
)
"""In this order again and again."""


def entries(hsm_id: str, times_us: Iterable[int], first: int = 0) -> Iterator[AuditEntry]:
    """One entry for each time, numbered from ``first``."""
    for sequence, time_us in enumerate(times_us, start=first):
        members = {"response": 0, "response_text": "HSM Return: SUCCESS", **KINDS[sequence % len(KINDS)]}
        yield AuditEntry(
            hsm_id=hsm_id,
            reboot_counter=1,
            sequence=sequence,
            time_us=time_us,
            session=0x2014005,
            previous=bytes(32),
            mac=bytes(32),
            **members,
        )


def write(store: Store, hsm_id: str, times_us: Iterable[int], first: int = 0) -> None:
    """Append entries to the HSM's log."""
    log = f"audit/{hsm_id}"
    store.transact(
        Transaction(
            appends=tuple(
                Append(log, LogEntry(entry.sequence, entry.time_us, msgspec.msgpack.encode(entry)))
                for entry in entries(hsm_id, times_us, first)
            )
        )
    )
