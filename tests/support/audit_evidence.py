"""Audit logs that real HSMs wrote, and what an auditor has of them."""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from cryptography import x509
from one_cluster import OneCluster

from strongroom._native import Installation
from strongroom.audit.checkpoints import load_certificates
from strongroom.audit.export import lines_of
from strongroom.audit.hsm_logs import HsmLog, hsm_ids_of
from strongroom.audit.receipts import Head
from strongroom.audit.verify import Report, Seen, verify
from strongroom.storage.interface import Store
from strongroom.storage.sqlite import SqliteStore
from strongroom.vocabulary.records import AuditEntry


def logs_in(store: Store, cluster_id: str) -> list[HsmLog]:
    return [HsmLog(cluster_id, hsm_id, store) for hsm_id in sorted(hsm_ids_of(store))]


def hardware_root(cluster: OneCluster) -> x509.Certificate:
    """The root that the cluster's installation made."""
    descriptor = os.open(cluster.root_key, os.O_RDONLY)
    opened = Installation.open(descriptor, cluster.installation.read_bytes())
    (certificate,) = load_certificates(opened.hardware_root_certificate().encode())
    return certificate


def verified(store: Store, cluster: OneCluster, heads: list[Head] | None = None) -> Report:
    lines = lines_of(logs_in(store, cluster.cluster_id), "2026-01-01T00:00:00Z", {})
    seen = [Seen(head, "the receipt") for head in heads or []]
    return verify(lines, anchors=[hardware_root(cluster)], seen=seen)


@dataclass
class Evidence:
    """The store of a cluster whose HSMs are gone. hsm-1 was killed before it had signed its last entries."""

    cluster: OneCluster
    database: Path
    receipt: list[Head] = field(default_factory=list)

    def altered(self, path: Path, alteration: Callable[[sqlite3.Connection], object]) -> SqliteStore:
        """A copy that somebody with SQLite has worked on."""
        shutil.copyfile(self.database, path)
        connection = sqlite3.connect(path)
        with connection:
            alteration(connection)
        connection.close()
        return SqliteStore(path)

    def verify(self, store: Store, *, with_receipt: bool = False) -> Report:
        return verified(store, self.cluster, self.receipt if with_receipt else None)


def entry_of(connection: sqlite3.Connection, sequence: int, hsm_id: str = "hsm-1") -> AuditEntry:
    (value,) = connection.execute(
        "SELECT value FROM log_entry WHERE log = ? AND sequence = ?", (f"audit/{hsm_id}", sequence)
    ).fetchone()
    return msgspec.msgpack.decode(value, type=AuditEntry)


def put_entry(connection: sqlite3.Connection, sequence: int, value: AuditEntry | bytes, hsm_id: str = "hsm-1") -> bytes:
    """Write an entry in the place of what is there; gives its hash."""
    raw = value if isinstance(value, bytes) else msgspec.msgpack.encode(value)
    time_us = value.time_us if isinstance(value, AuditEntry) else 0
    connection.execute(
        "INSERT OR REPLACE INTO log_entry (log, sequence, time_us, value) VALUES (?, ?, ?, ?)",
        (f"audit/{hsm_id}", sequence, time_us, raw),
    )
    return hashlib.sha256(raw).digest()
