"""The store interface: records, append-only logs and leases, changed together in transactions.

A store holds three things.

*Records*: byte values under text keys in one ordered space. Each carries the store revision of its last write.
*Logs*: append-only lists of entries, each with a sequence number that its writer chooses and that must follow the last
one without a gap.
*Leases*: a holder's claim to be alive. Acquiring one raises its epoch; a transaction may be made conditional on it.

What every implementation promises, and the contract suite checks: a transaction is whole or absent, also after kill -9
at any instant; when ``transact`` returns the change is on disk (fsync); the store revision grows by one with each
transaction; a reader sees whole transactions only. Values are opaque; no implementation looks into them.

Taking or releasing a lease, and a renewal that publishes a new ``applied``, count as transactions, so that a watcher
that has seen revision N misses none of them. A renewal that only extends does not, and costs no fsync. A lease does not
outlive a restart of the machine, nor does a step of the wall clock lengthen or shorten it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol


@dataclass(frozen=True, slots=True)
class Record:
    """A value and the store revision that wrote it."""

    key: str
    value: bytes
    revision: int


@dataclass(frozen=True, slots=True)
class Compare:
    """A condition: the record's revision is this one; ``None`` = the record is absent."""

    key: str
    revision: int | None


@dataclass(frozen=True, slots=True)
class Write:
    """A change of a record; ``None`` deletes it."""

    key: str
    value: bytes | None


@dataclass(frozen=True, slots=True)
class LogEntry:
    """An entry of a log. ``time_us`` is its writer's clock, for scans by time."""

    sequence: int
    time_us: int
    value: bytes


@dataclass(frozen=True, slots=True)
class Append:
    """Append an entry to a log; refused unless its sequence is the last one + 1 (0 for the first)."""

    log: str
    entry: LogEntry


@dataclass(frozen=True, slots=True)
class Trim:
    """Forget entries of a log: the oldest by time, before ``before_us`` and at most ``limit`` of them.

    The entry with the highest sequence stays whatever its age, so that the numbering goes on. Without ``before_us`` the
    whole log goes; one of the same name begins at 0.
    """

    log: str
    before_us: int | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Lease:
    """A holder's lease. ``applied`` is the newest cluster revision that the holder has applied.

    ``expires_at`` is in Unix seconds by the wall clock at the time of reading; ``live`` is the store's own judgement.
    """

    name: str
    epoch: int
    expires_at: float
    applied: int
    live: bool = True


@dataclass(frozen=True, slots=True)
class LeaseCompare:
    """A condition: the lease has this epoch and has not run out."""

    name: str
    epoch: int


@dataclass(frozen=True, slots=True)
class Transaction:
    """Conditions and changes that happen together or not at all."""

    compares: tuple[Compare, ...] = ()
    lease: LeaseCompare | None = None
    writes: tuple[Write, ...] = ()
    appends: tuple[Append, ...] = ()
    trims: tuple[Trim, ...] = ()
    """Done after the appends."""


@dataclass(frozen=True, slots=True)
class StoreInfo:
    """What an operator asks of a store."""

    engine: str
    location: str
    revision: int
    size_bytes: int
    details: dict[str, str] = field(default_factory=dict)


class StoreError(Exception):
    """The store refused or failed; the message says what and what to do."""


class CompareFailed(StoreError):
    """A condition did not hold; nothing was changed. ``key`` is the first record, log or lease that differed."""

    def __init__(self, key: str) -> None:
        super().__init__(f"{key} was changed by another writer")
        self.key = key


class StoreUnavailable(StoreError):
    """The store cannot be reached or written now (disk full, read-only, connection lost). Nothing was changed."""


class StoreUnwritable(StoreUnavailable):
    """The store takes no change from anybody (disk full, read-only, failing); it may still be readable."""


class Store(Protocol):
    """One store: the control plane's or one cluster's. Methods may be called from several threads."""

    def get(self, key: str) -> Record | None:
        """The record, or ``None``."""

    def list(self, start: str, end: str, *, limit: int | None = None, reverse: bool = False) -> Sequence[Record]:
        """Records with ``start <= key < end``, ordered by key."""

    def transact(self, transaction: Transaction) -> int:
        """Do it durably and give the new store revision.

        Raises :class:`CompareFailed` when a condition does not hold and :class:`StoreUnavailable` when it cannot be
        made durable.
        """

    def scan(
        self, log: str, *, after: int = -1, since_us: int | None = None, limit: int | None = None, reverse: bool = False
    ) -> Sequence[LogEntry]:
        """Entries with a sequence above ``after`` (below it when ``reverse`` and ``after`` >= 0), in order."""

    def logs(self, start: str, end: str) -> Sequence[str]:
        """Names of logs that have entries, ``start <= name < end``, ordered."""

    def scan_by_time(
        self,
        log: str,
        start: tuple[int, int],
        end: tuple[int, int],
        *,
        limit: int | None = None,
        skip: int = 0,
        reverse: bool = False,
        containing: Sequence[bytes] = (),
    ) -> Sequence[LogEntry]:
        """Entries with ``start <= (time_us, sequence) < end``, ordered by that: a writer's clock may step back.

        Only those whose value contains all of ``containing``, and without the first ``skip`` of them.
        """

    def watch(self, after: int, timeout_seconds: float) -> int:
        """Wait until the store revision is above ``after`` or the time is over; give the revision.

        ``watch(-1, 0)`` is the revision now.
        """

    def acquire_lease(self, name: str, ttl_seconds: float) -> Lease:
        """Take the lease over from whoever holds it: its epoch rises, so the old holder's transactions fail."""

    def renew_lease(self, name: str, epoch: int, ttl_seconds: float, applied: int) -> Lease:
        """Extend it and publish ``applied``, which wakes watchers. Raises :class:`CompareFailed` when another took it.

        A lease that has run out, and that nobody took, can be renewed.
        """

    def release_lease(self, name: str, epoch: int) -> None:
        """Give it up at once; no error when another holds it."""

    def leases(self) -> Sequence[Lease]:
        """All leases, also those that have run out."""

    def snapshot(self, path: str) -> None:
        """Write a consistent copy to a new file, while others go on writing; it opens as ``sqlite:<path>``."""

    def info(self) -> StoreInfo:
        """Figures for an operator."""

    def close(self) -> None:
        """Give resources back; further calls raise :class:`StoreError`."""


def prefix_end(prefix: str) -> str:
    """The smallest key above every key that begins with ``prefix``: ``list(prefix, prefix_end(prefix))``."""
    shorter = prefix.rstrip(chr(_LAST_CODE_POINT))
    following = ord(shorter[-1]) + 1
    return shorter[:-1] + chr(_AFTER_SURROGATES if following == _SURROGATES else following)


_LAST_CODE_POINT: Final = 0x10FFFF
_SURROGATES: Final = 0xD800
_AFTER_SURROGATES: Final = 0xE000
