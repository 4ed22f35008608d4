"""Log groups: one for each cluster, ``/aws/cloudhsm/<cluster id>``, and those that users made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from strongroom.audit.sources import AuditedCluster
from strongroom.services.logs import refusals
from strongroom.services.logs.context import Context
from strongroom.storage.interface import Compare, Transaction, Write, prefix_end
from strongroom.vocabulary import records
from strongroom.vocabulary.records import LogGroupRecord

SERVICE_PREFIX: Final = "/aws/cloudhsm/"
_DAY_MS: Final = 24 * 3600 * 1000
_NOT_YET: Final = LogGroupRecord()


@dataclass(frozen=True, slots=True)
class LogGroup:
    """A group as it is stored. ``cluster`` is the one whose HSMs write it; ``None`` for a user's group.

    ``revision`` is the store's for ``record``, ``None`` where nothing is stored.
    """

    account: str
    name: str
    created_ms: int
    record: LogGroupRecord
    revision: int | None
    cluster: AuditedCluster | None = None

    def arn(self, region: str) -> str:
        """Without the ``:*`` that older operations add."""
        return f"arn:aws:logs:{region}:{self.account}:log-group:{self.name}"

    def oldest_ms(self, now_ms: int) -> int:
        """The time from which on events are shown: older ones have expired."""
        days = self.record.retention_in_days
        return 0 if days is None else max(0, now_ms - days * _DAY_MS)


def find(context: Context, account: str, name: str) -> LogGroup:
    """A group of an account. Raises the API's error."""
    stored = context.logs.get(_key(account, name))
    record = msgspec.msgpack.decode(stored.value, type=LogGroupRecord) if stored else _NOT_YET
    revision = stored.revision if stored else None
    if name.startswith(SERVICE_PREFIX):
        cluster = context.sources.find(account, name.removeprefix(SERVICE_PREFIX))
        if cluster is None:
            raise refusals.no_group()
        return LogGroup(account, name, int(cluster.created_at * 1000), record, revision, cluster)
    if not record.group_id:
        raise refusals.no_group()
    return LogGroup(account, name, record.created_ms, record, revision)


def find_named(context: Context, account: str, name: str | None, identifier: str | None) -> LogGroup:
    """The group that a request names by one of two members."""
    if name is not None and identifier is not None:
        raise refusals.validation("LogGroup name and LogGroup ARN are mutually exclusive parameters.")
    if name is not None:
        return find(context, account, name)
    if identifier is not None:
        return find_identified(context, account, identifier)
    raise refusals.validation("One of LogGroup name and LogGroup ARN is required.")


def find_identified(context: Context, account: str, identifier: str) -> LogGroup:
    """The group that a name or an ARN stands for."""
    if not identifier.startswith("arn:"):
        return find(context, account, identifier)
    prefix = f"arn:aws:logs:{context.region}:{account}:log-group:"
    if not identifier.startswith(prefix):
        raise refusals.no_group()
    return find(context, account, identifier.removeprefix(prefix))


def all_of(context: Context, account: str, prefix: str = "") -> Sequence[LogGroup]:
    """The groups of an account whose names begin with the prefix, in the order of their names."""
    start = records.log_groups_prefix(account) + prefix
    stored = {
        record.key.removeprefix(records.log_groups_prefix(account)): record
        for record in context.logs.list(start, prefix_end(start))
    }
    decoded = {
        name: (msgspec.msgpack.decode(record.value, type=LogGroupRecord), record.revision)
        for name, record in stored.items()
    }
    groups = [
        LogGroup(account, name, record.created_ms, record, revision)
        for name, (record, revision) in decoded.items()
        if record.group_id
    ]
    if SERVICE_PREFIX.startswith(prefix) or prefix.startswith(SERVICE_PREFIX):
        for cluster in context.sources.clusters(account):
            name = SERVICE_PREFIX + cluster.cluster_id
            if name.startswith(prefix):
                settings, revision = decoded.get(name, (_NOT_YET, None))
                groups.append(LogGroup(account, name, int(cluster.created_at * 1000), settings, revision, cluster))
    return sorted(groups, key=lambda group: group.name)


def save(context: Context, group: LogGroup, record: LogGroupRecord, told: Sequence[Write]) -> None:
    """Change what is stored of a group, and tell of it (:meth:`Call.record`) in the same transaction.

    Raises :class:`CompareFailed` when it was changed since it was read.
    """
    key = _key(group.account, group.name)
    transaction = Transaction(
        compares=(Compare(key, group.revision),), writes=(Write(key, msgspec.msgpack.encode(record)), *told)
    )
    context.logs.transact(transaction)


def removal(group: LogGroup, told: Sequence[Write]) -> Transaction:
    """What removes a user's group that has no streams any more."""
    key = _key(group.account, group.name)
    return Transaction(compares=(Compare(key, group.revision),), writes=(Write(key, None), *told))


def _key(account: str, name: str) -> str:
    return records.log_groups_prefix(account) + name
