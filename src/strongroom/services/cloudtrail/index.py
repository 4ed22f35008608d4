"""Where the log ``trail`` has what LookupEvents looks for: a record for each attribute of each event.

The key is the account, a digest of attribute and value, the event's second, and its sequence in the log; so a page of
the newest events with an attribute is one listing, however rare it is among how many events.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from strongroom.services.cloudtrail.event import resource_names, seconds_of
from strongroom.storage.interface import Store, Write, prefix_end
from strongroom.vocabulary import records
from strongroom.vocabulary.records import TrailEntry

EVERY: Final = ("", "")
"""The attribute that every event has."""
_DIGEST_CHARACTERS: Final = 16
_decoder = msgspec.msgpack.Decoder(TrailEntry)


def writes(entry: TrailEntry) -> Iterator[Write]:
    """The index of an entry of the log."""
    if not entry.event.account:
        return
    record = msgspec.json.decode(entry.event.text)
    place = position(seconds_of(record), entry.sequence)
    for attribute in sorted(attributes(record)):
        yield Write(prefix(entry.event.account, attribute) + place, b"")


def attributes(record: Mapping[str, Any]) -> set[tuple[str, str]]:
    """The pairs of attribute key and value that a record is found by."""
    found = {
        EVERY,
        ("EventId", record["eventID"]),
        ("EventName", record["eventName"]),
        ("EventSource", record["eventSource"]),
        ("ReadOnly", "true" if record["readOnly"] else "false"),
    }
    if access_key_id := record["userIdentity"].get("accessKeyId"):
        found.add(("AccessKeyId", access_key_id))
    if name := username(record):
        found.add(("Username", name))
    for kind, name in resource_names(record):
        found |= {("ResourceType", kind), ("ResourceName", name)}
    found |= {("ResourceName", item["ARN"]) for item in record.get("resources", ())}
    return found


def username(record: Mapping[str, Any]) -> str:
    """What LookupEvents calls the user of a record: an access key of an account is used with its root's rights."""
    identity = record["userIdentity"]
    return str(identity.get("userName", "root" if identity["type"] == "Root" else ""))


def prefix(account: str, attribute: tuple[str, str]) -> str:
    """What the keys of an attribute begin with."""
    digest = hashlib.sha256("=".join(attribute).encode()).hexdigest()[:_DIGEST_CHARACTERS]
    return f"{records.TRAIL_INDEX}{account}/{digest}/"


def position(seconds: int, sequence: int) -> str:
    """The end of a key: positions sort as time does, then as the log does."""
    return f"{seconds:09x}{sequence:012x}"


def sequence_at(key: str) -> int:
    """The sequence that a key ends with."""
    return int(key[-12:], 16)


def entry_at(logs: Store, sequence: int) -> TrailEntry | None:
    """An entry of the log; ``None`` when it is missing, which ``strongroom trail verify`` tells."""
    found = logs.scan(records.LOG_TRAIL, after=sequence - 1, limit=1)
    return _decoder.decode(found[0].value) if found and found[0].sequence == sequence else None


def holds(logs: Store, account: str, event_id: str) -> bool:
    """Whether the log has an event already."""
    start = prefix(account, ("EventId", event_id))
    return bool(logs.list(start, prefix_end(start), limit=1))
