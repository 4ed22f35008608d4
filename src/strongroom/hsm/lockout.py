"""Failed logins: who may try, when a user is locked, and how the last admin is only slowed down.

An attempt is admitted before any password is hashed, by a bucket for its address and one for its name from that
address; a successful login gives its drops back. Failed logins are counted in the user's record, so for the whole
cluster. The last admin waits longer after each one, but from an address where that admin has logged in before only for
what failed there: somebody elsewhere who guesses without end must not keep the admin out.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from strongroom.hsm.drafts import Draft
from strongroom.hsm.rules import UserRule
from strongroom.vocabulary.roles import Role

SLOWEST_SECONDS = 60.0


@dataclass(slots=True)
class _Bucket:
    level: float
    at: float


@dataclass(frozen=True, slots=True)
class Failures:
    """Failed logins since the last right one, and when the last was (Unix seconds)."""

    count: int
    last_at: float


@dataclass(frozen=True, slots=True)
class _Size:
    burst: float
    per_second: float


class Admission:
    """Token buckets, and what failed where a user has logged in before. Of bounded number; the least recently used is
    forgotten first.
    """

    ADDRESS = _Size(burst=40, per_second=2)
    NAME = _Size(burst=15, per_second=0.5)
    BUCKETS = 8_192

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: OrderedDict[tuple[str, str], _Bucket] = OrderedDict()
        self._familiar: OrderedDict[tuple[str, str], Failures] = OrderedDict()

    def admit(self, address: str, username: str) -> bool:
        """Whether the attempt may go on; takes a drop of both buckets then."""
        with self._lock:
            by_address = self._bucket((address, ""), self.ADDRESS)
            by_name = self._bucket((address, username), self.NAME)
            if by_address.level < 1 or by_name.level < 1:
                return False
            by_address.level -= 1
            by_name.level -= 1
            return True

    def succeeded(self, address: str, username: str) -> None:
        """The attempt was right: it costs nothing, and the address is familiar from now on."""
        with self._lock:
            for key, size in (((address, ""), self.ADDRESS), ((address, username), self.NAME)):
                bucket = self._bucket(key, size)
                bucket.level = min(bucket.level + 1, size.burst)
            self._familiar[address, username] = Failures(0, 0.0)
            self._familiar.move_to_end((address, username))
            if len(self._familiar) > self.BUCKETS:
                self._familiar.popitem(last=False)

    def failed(self, address: str, username: str, now: float) -> None:
        """The attempt was wrong; ``now`` is Unix seconds."""
        with self._lock:
            before = self._familiar.get((address, username))
            if before is not None:
                self._familiar[address, username] = Failures(before.count + 1, now)

    def failures(self, address: str, user: UserRule) -> Failures:
        """The failed logins that an attempt from this address must wait for."""
        everywhere = Failures(user.failed_logins, user.last_failed_at)
        with self._lock:
            familiar = self._familiar.get((address, user.username), everywhere)
        return familiar if familiar.count < everywhere.count else everywhere

    def _bucket(self, key: tuple[str, str], size: _Size) -> _Bucket:
        now = self._clock()
        bucket = self._buckets.setdefault(key, _Bucket(size.burst, now))
        self._buckets.move_to_end(key)
        bucket.level = min(size.burst, bucket.level + (now - bucket.at) * size.per_second)
        bucket.at = now
        if len(self._buckets) > self.BUCKETS:
            self._buckets.popitem(last=False)
        return bucket


def wait_seconds(failures: Failures, now: float, max_failed: int) -> float:
    """How long the last unlocked admin must wait after failed logins: 1 s, 2 s, 4 s … 60 s. Everybody else is locked
    before there is anything to wait for.
    """
    beyond = failures.count - max_failed
    if beyond <= 0:
        return 0.0
    longest = SLOWEST_SECONDS if beyond > 6 else 2.0 ** (beyond - 1)
    return max(failures.last_at + longest - now, 0.0)


def after_failure(draft: Draft, user: UserRule, now: float, max_failed: int) -> UserRule:
    """The user's record after one more failed login; locked when it was one too many."""
    failed = user.failed_logins + 1
    changed = msgspec.structs.replace(user, failed_logins=failed, last_failed_at=now)
    if failed <= max_failed or user.locked or _is_last_admin(draft, user):
        return changed
    return msgspec.structs.replace(changed, locked=True, epoch=draft.revision)


def _is_last_admin(draft: Draft, user: UserRule) -> bool:
    if user.role is not Role.ADMIN:
        return False
    return not any(
        other.role is Role.ADMIN and not other.locked and other.username != user.username for other in draft.users()
    )
