"""Loading a store at start: is it ours, is it whole, is it the newest, and which of its records are sound.

The answers come in that order. A wrong head stops the HSM; an older store stops it until an operator accepts it; a
wrong record is refused by name and the rest is served.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec
import structlog

from strongroom._native import IntegrityError
from strongroom.hsm.anchor import Anchor
from strongroom.hsm.refusals import StoreDiverged
from strongroom.hsm.replica import ACCEPT_ROLLBACK_HINT, Expected, Position, Replica, follow, judge, sorted_by_kind
from strongroom.hsm.rules import VERSION_LENGTH, AlteredRecord, unpack
from strongroom.storage.interface import LogEntry, Record, Store, prefix_end
from strongroom.vocabulary.records import CHAINED_PREFIXES, HEAD, LOG_CHANGES, UNREADABLE, ChangeEntry

if TYPE_CHECKING:
    from strongroom._native import Hsm

log = structlog.get_logger()

_ENTRIES_AT_ONCE = 1_000


class StoreRolledBack(Exception):
    """The store is older than what this HSM saw, or another line of the same cluster."""


@dataclass(slots=True)
class Content:
    """The chained records at one revision."""

    head: Record
    revision: int
    values: dict[str, bytes]
    wrong: dict[str, str] = field(default_factory=dict)


def load(hsm: Hsm, store: Store, replica: Replica, anchor: Anchor | None, *, accept_rollback: bool = False) -> None:
    """Fill an empty replica, and the boundary with it. ``replica.damaged`` holds what was refused.

    Raises :class:`StoreRolledBack` (unless accepted) and :class:`StoreDiverged`.
    """
    content = _read(hsm, store)
    _check_anchor(store, content, None if accept_rollback else anchor)
    _check_log_end(store, content)
    with replica.lock:
        versions = _versions(content)
        expected: dict[str, Expected] | None = None
        if content.wrong or not hsm.verify_index(content.head.value, list(versions.items())):
            expected = _replay(hsm, store, content)
            _explain(store, content, expected)
        for key in sorted_by_kind(list(content.values)):
            if key in content.wrong:
                continue
            reason = replica.take(key, content.values[key])
            if reason is not None:
                content.wrong[key] = reason
        if content.wrong and expected is None:
            # Opening found what the versions did not show; the log tells more exactly what it is.
            expected = _replay(hsm, store, content)
            _explain(store, content, expected)
        for key, reason in content.wrong.items():
            version = expected[key].version if expected and key in expected else None
            if version is None:
                replica.remove(key)
                replica.damaged[key] = reason
                log.error("record refused", key=key, reason=reason)
            else:
                replica.refuse(key, version, reason)
        replica.committed(Position(content.revision, content.head.value, content.head.revision))


def _read(hsm: Hsm, store: Store) -> Content:
    """All chained records as of one head, while other HSMs go on committing."""
    head = store.get(HEAD)
    if head is None:
        raise StoreDiverged("the head is missing from the store: restore the store from a backup")
    revision = _revision(hsm, head)
    values = {
        record.key: record.value for prefix in CHAINED_PREFIXES for record in store.list(prefix, prefix_end(prefix))
    }
    while True:
        now = store.get(HEAD)
        if now is None or now.revision == head.revision:
            return Content(head, revision, values)
        for entry in store.scan(LOG_CHANGES, after=revision - 1):
            for key, *_ in msgspec.msgpack.decode(entry.value, type=ChangeEntry).writes:
                record = store.get(key)
                if record is None:
                    values.pop(key, None)
                else:
                    values[key] = record.value
        head, revision = now, _revision(hsm, now)


def _revision(hsm: Hsm, head: Record) -> int:
    try:
        return hsm.head_revision(head.value)
    except IntegrityError as error:
        raise StoreDiverged(
            f"the head in the store was altered ({error.args[1]}): restore the store from a backup"
        ) from error


def _check_anchor(store: Store, content: Content, anchor: Anchor | None) -> None:
    if anchor is None:
        return
    if content.revision < anchor.revision:
        raise StoreRolledBack(
            f"the store is at revision {content.revision}, but this HSM has seen revision {anchor.revision}: an older "
            f"store was put in its place; {ACCEPT_ROLLBACK_HINT}"
        )
    if anchor.revision == 0:
        return
    entries = store.scan(LOG_CHANGES, after=anchor.revision - 2, limit=1)
    if not entries or entries[0].sequence != anchor.revision - 1:
        raise StoreRolledBack(
            f"the log {LOG_CHANGES} does not hold revision {anchor.revision}, which this HSM has seen; "
            f"{ACCEPT_ROLLBACK_HINT}"
        )
    if _head_after(entries[0]) != anchor.head:
        raise StoreRolledBack(
            f"the store has another history at revision {anchor.revision} than the one that this HSM has seen; "
            f"{ACCEPT_ROLLBACK_HINT}"
        )


def _check_log_end(store: Store, content: Content) -> None:
    entries = store.scan(LOG_CHANGES, after=content.revision - 2, limit=1)
    if not entries or _head_after(entries[0]) != content.head.value:
        raise StoreDiverged(
            f"the log {LOG_CHANGES} and the head of the store do not agree at revision {content.revision}: one of "
            "them was altered; restore the store from a backup"
        )


def _head_after(entry: LogEntry) -> bytes | None:
    try:
        return msgspec.msgpack.decode(entry.value, type=ChangeEntry).head
    except UNREADABLE:
        return None


def _versions(content: Content) -> dict[str, int]:
    versions = {}
    for key, value in content.values.items():
        try:
            versions[key], _ = unpack(key, value)
        except AlteredRecord as error:
            content.wrong[key] = str(error)
    return versions


def _replay(hsm: Hsm, store: Store, content: Content) -> dict[str, Expected]:
    """What every key should be, from the whole log; each entry's head is verified."""
    expected: dict[str, Expected] = {}
    head: bytes | None = None
    revision = 0
    while revision < content.revision:
        entries = store.scan(LOG_CHANGES, after=revision - 1, limit=_ENTRIES_AT_ONCE)
        for entry in entries:
            if entry.sequence >= content.revision:
                break
            change = follow(hsm, head, entry)
            for key, _, version, digest in change.writes:
                expected[key] = Expected(version, digest)
            revision, head = entry.sequence + 1, change.head
        if not entries:
            raise StoreDiverged(f"the log {LOG_CHANGES} ends at revision {revision}: restore the store from a backup")
    return expected


def _explain(store: Store, content: Content, expected: dict[str, Expected]) -> None:
    """Name every record that is not what the log says, and what it is instead where the log tells."""
    for key in expected.keys() | content.values.keys():
        reason = judge(key, content.values.get(key), expected.get(key, Expected(None, b"")))
        if reason is not None:
            content.wrong[key] = reason
    owners = {entry.digest: key for key, entry in expected.items() if entry.version is not None}
    earlier = _earlier_digests(store, content)
    for key in content.wrong:
        value = content.values.get(key)
        if value is None:
            continue
        digest = hashlib.sha256(value).digest()
        newest = expected[key].version if key in expected else None
        original = owners.get(digest)
        if original is not None and original != key:
            content.wrong[key] = f"{key} was swapped: it holds the record of {original}"
        elif digest in earlier.get(key, ()):
            if newest is not None:
                version = int.from_bytes(value[:VERSION_LENGTH], "big")
                content.wrong[key] = f"{key} is an older copy (version {version}, the newest is {newest})"
        elif newest is None:
            content.wrong[key] = f"{key} was put into the store by nobody of the cluster"


def _earlier_digests(store: Store, content: Content) -> dict[str, set[bytes]]:
    """Every digest that the log has of the wrong records."""
    digests: dict[str, set[bytes]] = {}
    after = -1
    while entries := store.scan(LOG_CHANGES, after=after, limit=_ENTRIES_AT_ONCE):
        for entry in entries:
            for key, _, _, digest in msgspec.msgpack.decode(entry.value, type=ChangeEntry).writes:
                if key in content.wrong:
                    digests.setdefault(key, set()).add(digest)
        after = entries[-1].sequence
    return digests
