"""Audit logs as HSMs write them, without HSMs: what stands in a cluster's store."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator

import msgspec

from strongroom.storage.interface import Append, LogEntry, Store, Transaction, Write
from strongroom.vocabulary.records import AuditEntry, AuditIdentity

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


def make_known(store: Store, hsm_id: str) -> None:
    """What an HSM writes when it joins its cluster: from then on it has a log."""
    identity = AuditIdentity(hsm_id, "cluster-1", "serial", time.time(), [])
    store.transact(Transaction(writes=(Write(f"identity/{hsm_id}", msgspec.msgpack.encode(identity)),)))


def write(store: Store, hsm_id: str, times_us: Iterable[int], first: int = 0) -> None:
    """Append entries to the HSM's log; before the first ones the HSM makes itself known."""
    if first == 0:
        make_known(store, hsm_id)
    log = f"audit/{hsm_id}"
    store.transact(
        Transaction(
            appends=tuple(
                Append(log, LogEntry(entry.sequence, entry.time_us, msgspec.msgpack.encode(entry)))
                for entry in entries(hsm_id, times_us, first)
            )
        )
    )
