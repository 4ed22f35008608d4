"""Heads: how far a log was at some time. Who keeps one can tell later that a log still holds what it held then."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Final

import msgspec

from strongroom.audit.hsm_logs import HsmLog, time_of
from strongroom.vocabulary.records import UNREADABLE

FORMAT: Final = "strongroom-audit-receipt-1"
_HEAD: Final = re.compile(r"(?P<hsm_id>[A-Za-z0-9-]+):(?P<sequence>0x[0-9a-f]+|[0-9]+):(?P<entry_hash>[0-9a-f]{64})")


class Head(msgspec.Struct, frozen=True, omit_defaults=True):
    """The newest entry of an HSM's log: its sequence and SHA-256, hexadecimal."""

    hsm_id: str
    sequence: int
    entry_hash: str
    cluster_id: str = ""
    time_us: int = 0

    def __str__(self) -> str:
        return f"{self.hsm_id}:{self.sequence:#x}:{self.entry_hash}"


class Receipt(msgspec.Struct, frozen=True):
    """The heads of all HSMs at a time, and the roots of the installation in PEM, which a verifier may then trust."""

    format: str
    made_at: str
    roots: dict[str, str]
    heads: list[Head]


def heads_of(logs: Sequence[HsmLog], before_us: int | None = None) -> list[Head]:
    """The newest heads, or those of before a time; an HSM that had written nothing has none."""
    found = []
    for log in logs:
        row = log.newest(log.entries)
        if before_us is not None:
            first = log.first_since(before_us)
            earlier = log.store.scan(log.entries, after=first, reverse=True, limit=1) if first > 0 else []
            row = earlier[0] if earlier else None
        if row is not None:
            digest = hashlib.sha256(row.value).hexdigest()
            found.append(Head(log.hsm_id, row.sequence, digest, log.cluster_id, time_of(row.value, 0)))
    return found


def read_head(text: str) -> Head:
    """A head as it prints: ``hsm-…:0x2a:<64 hexadecimal digits>``. Raises ``ValueError``."""
    match = _HEAD.fullmatch(text.strip().lower())
    if match is None:
        raise ValueError("a head is HSM-ID:SEQUENCE:SHA-256, as `strongroom audit receipt` prints it")
    return Head(match["hsm_id"], int(match["sequence"], 0), match["entry_hash"])


def read_receipt(content: bytes) -> Receipt:
    """Raises ``ValueError``."""
    try:
        receipt = msgspec.json.decode(content, type=Receipt)
    except UNREADABLE as error:
        raise ValueError(f"this is not a receipt: {error}") from None
    if receipt.format != FORMAT:
        raise ValueError(f"this is a receipt of the format {receipt.format!r}, which this release does not know")
    return receipt
