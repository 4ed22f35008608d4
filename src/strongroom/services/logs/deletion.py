"""Removing events of users' streams: all of a stream that is deleted, and those that have expired.

A store's other writers wait for a transaction, so many events go in several.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from strongroom.services.logs.context import Context
from strongroom.services.logs.events import LAST_US
from strongroom.services.logs.groups import LogGroup
from strongroom.services.logs.streams import LogStream
from strongroom.storage.interface import Compare, Store, Transaction, Trim, Write
from strongroom.vocabulary import records

_AT_ONCE: Final = 10_000


def delete_stream(context: Context, group: LogGroup, stream: LogStream, told: Sequence[Write] = ()) -> None:
    """Remove a user's stream and every event in it. ``told`` is written when it is gone."""
    log = stream.events.log
    _trim(context.logs, log, LAST_US)
    key = records.log_streams_prefix(group.record.group_id) + stream.name
    context.logs.transact(
        Transaction(compares=(Compare(key, stream.revision),), writes=(Write(key, None), *told), trims=(Trim(log),))
    )


def remove_expired(context: Context, group: LogGroup, stream: LogStream) -> None:
    """Remove a user's events that the group's retention does not keep; the newest one is only hidden."""
    _trim(context.logs, stream.events.log, group.oldest_ms(context.now_ms()) * 1000)


def _trim(store: Store, log: str, before_us: int) -> None:
    while len(store.scan_by_time(log, (0, 0), (before_us, 0), limit=2)) > 1:
        store.transact(Transaction(trims=(Trim(log, before_us, _AT_ONCE),)))
