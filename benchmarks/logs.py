"""How soon `FilterLogEvents` answers for the newest hour of an audit log of a million entries, by boto3.

The log is that of a deleted cluster, written into the archive of the throw-away installation; its own service answers.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import boto3
import msgspec

from benchmarks import promises
from strongroom.installation.settings import load_settings
from strongroom.installation.state_directory import StateDirectory
from strongroom.storage.interface import Append, LogEntry, Store, Transaction, Write
from strongroom.storage.sqlite import SqliteStore
from strongroom.vocabulary.records import ArchivedCluster, AuditEntry, AuditIdentity

CLUSTER_ID, HSM_ID = "cluster-aaaaaaaaaaa", "hsm-aaaaaaaaaaa"
GROUP = f"/aws/cloudhsm/{CLUSTER_ID}"
ENTRIES = 1_000_000
IN_AN_HOUR = 10_000
FAILURE_EACH = 100
"""Every hundredth entry is a failed login, which the filter asks for."""
PATTERN = "Opcode CN_LOGIN User Type CN_CRYPTO_USER Response RET_USER_LOGIN_FAILURE"
_BATCH = 20_000


@dataclass(frozen=True)
class LogFilter:
    """Milliseconds of each search, and MiB of resident memory of the service after them."""

    milliseconds: list[float]
    found: int
    memory_mib: float

    def problems(self) -> list[str]:
        slow = statistics.median(self.milliseconds) > promises.LOG_FILTER_CEILING_MS
        return ["logs filter"] if slow else []

    def lines(self) -> list[str]:
        middle, low, high = statistics.median(self.milliseconds), min(self.milliseconds), max(self.milliseconds)
        return [
            f"logs filter, newest hour ({IN_AN_HOUR:,} entries) of {ENTRIES:,}: {middle:.0f} ms ({low:.0f} to "
            f"{high:.0f}), ceiling {promises.LOG_FILTER_CEILING_MS:g} ms; {self.found} events found",
            f"  resident memory of the service: {self.memory_mib:.0f} MiB",
        ]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def measure(runs: int) -> LogFilter:
    """Write the log, then search: all pages of each search count."""
    state = StateDirectory(Path(os.environ["STRONGROOM_STATE_DIR"]))
    newest_us = time.time_ns() // 1000
    store = SqliteStore(state.logs_store)
    print(f"Writing {ENTRIES:,} entries of an audit log ...", flush=True)
    _write(store, load_settings(state.settings).account, newest_us)
    store.close()
    client = boto3.client("logs")
    start_ms = newest_us // 1000 - 3_600_000
    milliseconds, found = [], 0
    for _ in range(4 * runs):
        began = time.perf_counter()
        pages = client.get_paginator("filter_log_events").paginate(
            logGroupName=GROUP, startTime=start_ms, filterPattern=PATTERN
        )
        found = sum(len(page["events"]) for page in pages)
        milliseconds.append((time.perf_counter() - began) * 1000)
    return LogFilter(milliseconds, found, _memory_mib())


def _write(store: Store, account: str, newest_us: int) -> None:
    archive = ArchivedCluster(CLUSTER_ID, account, time.time(), time.time(), [HSM_ID])
    identity = AuditIdentity(HSM_ID, CLUSTER_ID, "serial", time.time(), [])
    store.transact(
        Transaction(
            writes=(
                Write(f"archive/{CLUSTER_ID}", msgspec.msgpack.encode(archive)),
                Write(f"identity/{HSM_ID}", msgspec.msgpack.encode(identity)),
            )
        )
    )
    for first in range(0, ENTRIES, _BATCH):
        entries = _entries(range(first, first + _BATCH), newest_us)
        store.transact(Transaction(appends=tuple(Append(f"audit/{HSM_ID}", entry) for entry in entries)))


def _entries(sequences: range, newest_us: int) -> Iterator[LogEntry]:
    apart_us = 3_600_000_000 // IN_AN_HOUR
    for sequence in sequences:
        failed = sequence % FAILURE_EACH == 0
        entry = AuditEntry(
            hsm_id=HSM_ID,
            reboot_counter=1,
            sequence=sequence,
            time_us=newest_us - (ENTRIES - sequence) * apart_us,
            operation="login",
            opcode="CN_LOGIN",
            opcode_number=0xD,
            session=0x2014005,
            response=163 if failed else 0,
            response_text="HSM Error: RET_USER_LOGIN_FAILURE" if failed else "HSM Return: SUCCESS",
            previous=bytes(32),
            username="alice",
            user_type=1,
            mac=bytes(32),
        )
        yield LogEntry(sequence, entry.time_us, msgspec.msgpack.encode(entry))


def _memory_mib() -> float:
    done = subprocess.run(["strongroom", "status", "--json"], check=True, capture_output=True, text=True)
    for line in Path(f"/proc/{json.loads(done.stdout)['pid']}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("the service's process has no VmRSS")
