"""What this HSM has applied of its cluster: head, versions, users, logins and quorum here; objects in the boundary.

The replica follows the log ``changes``: each entry's head is verified before its records are read, so what was put
into the store by anybody else is refused by name and the rest is applied.
"""

from __future__ import annotations

import hashlib
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import structlog

from strongroom._native import IntegrityError
from strongroom.hsm.refusals import Refusal, Rv, StoreDiverged
from strongroom.hsm.rules import (
    NOBODY,
    AlteredRecord,
    ApprovalRule,
    LoginRule,
    MutualTls,
    QuorumValues,
    UserRule,
    open_sealed,
    unpack,
)
from strongroom.storage.interface import LogEntry, Store
from strongroom.vocabulary.records import (
    APPROVAL,
    HEAD,
    LOG_CHANGES,
    LOGIN,
    MUTUAL_TLS,
    OBJECT,
    QUORUM_VALUES,
    UNREADABLE,
    USER,
    ChangeEntry,
    approval_key,
    login_key,
    user_key,
)

if TYPE_CHECKING:
    from strongroom._native import Hsm

log = structlog.get_logger()

ACCEPT_ROLLBACK_HINT = (
    "if the store was restored on purpose, accept that with: strongroom store accept-rollback; otherwise bring the "
    "newer store back"
)
_ENTRIES_AT_ONCE = 500
_ROUNDS = 5
"""How often a head without an entry for it is read again before it counts as altered."""


@dataclass(frozen=True, slots=True)
class Position:
    """The applied revision and head, and the store revision that wrote the head record."""

    revision: int
    head: bytes
    store_revision: int


@dataclass(frozen=True, slots=True)
class Expected:
    """What the log says of a key: its version and SHA-256; a version of ``None`` means absent."""

    version: int | None
    digest: bytes


class Replica:
    """The applied state. Reads need no lock; who changes it holds :attr:`lock`."""

    def __init__(self, hsm: Hsm, store: Store) -> None:
        self._hsm = hsm
        self._store = store
        self.lock = threading.RLock()
        self.position: Position | None = None
        self.versions: dict[str, int] = {}
        self.users: dict[str, UserRule] = {}
        self.logins: dict[int, LoginRule] = {}
        self._logins_of: defaultdict[str, set[int]] = defaultdict(set)
        self._touched_users: set[str] = set()
        self.approvals: dict[bytes, ApprovalRule] = {}
        self._approvals_of: defaultdict[str, set[bytes]] = defaultdict(set)
        self._quorum = QuorumValues()
        self.mutual_tls = MutualTls()
        self.object_total = 0
        self.damaged: dict[str, str] = {}
        """Records that were refused: key to what is wrong."""
        self.on_applied: list[Callable[[Position, bool], None]] = []
        """Called with the new position and whether another HSM's change was applied."""

    @property
    def revision(self) -> int:
        """The applied revision; 0 before the first commit of the cluster."""
        return self.position.revision if self.position else 0

    # -- following the store ----------------------------------------------------------------------------------------

    def catch_up(self) -> None:
        """Apply what other HSMs have committed.

        Raises :class:`StoreDiverged` when the store does not continue what was applied.
        """
        with self.lock:
            idle_rounds = 0
            while idle_rounds < _ROUNDS:
                record = self._store.get(HEAD)
                if record is None:
                    if self.position is None:
                        return
                    raise StoreDiverged("the head was deleted from the store: restore the store from a backup")
                if self.position is not None and record.revision == self.position.store_revision:
                    return
                if self._apply_new_entries():
                    idle_rounds = 0
                elif self.position is not None and record.value == self.position.head:
                    self.position = Position(self.position.revision, self.position.head, record.revision)
                    return
                else:
                    idle_rounds += 1
            raise StoreDiverged(
                f"the head in the store does not follow revision {self.revision}, which this HSM has applied: "
                f"{ACCEPT_ROLLBACK_HINT}"
            )

    def _apply_new_entries(self) -> bool:
        expected: dict[str, Expected] = {}
        revision, head = self.revision, self.position.head if self.position else None
        values: dict[str, bytes | None] = {}
        wrong: dict[str, str] = {}
        fetched = False
        while True:
            entries = self._store.scan(LOG_CHANGES, after=revision - 1, limit=_ENTRIES_AT_ONCE)
            for entry in entries:
                change = follow(self._hsm, head, entry)
                for key, _, version, digest in change.writes:
                    expected[key] = Expected(version, digest)
                revision, head = entry.sequence + 1, change.head
            if len(entries) == _ENTRIES_AT_ONCE:
                fetched = False
                continue
            if fetched and not entries:
                break
            values, wrong = self._fetch(expected)
            fetched = True
            if not wrong:
                break
            # A later commit may have written them meanwhile; then its entry is there by now: look once more.
        if head is None or revision == self.revision:
            return False
        for key in sorted_by_kind(expected):
            self._apply(key, expected[key].version, values.get(key), wrong.get(key))
        self._advance(Position(revision, head, -1), by_another=True)
        return True

    def _fetch(self, expected: dict[str, Expected]) -> tuple[dict[str, bytes | None], dict[str, str]]:
        values: dict[str, bytes | None] = {}
        wrong: dict[str, str] = {}
        for key, entry in expected.items():
            record = self._store.get(key)
            values[key] = record.value if record else None
            reason = judge(key, values[key], entry)
            if reason is not None:
                wrong[key] = reason
        return values, wrong

    def _apply(self, key: str, version: int | None, value: bytes | None, wrong: str | None) -> None:
        if version is None:
            self.remove(key)
            return
        if wrong is None and value is not None:
            wrong = self.take(key, value)
        if wrong is not None:
            self.refuse(key, version, wrong)

    # -- single records ---------------------------------------------------------------------------------------------

    def take(self, key: str, value: bytes) -> str | None:
        """Open a record and use it; a sentence says why not."""
        try:
            version, sealed = unpack(key, value)
            if key.startswith(OBJECT):
                self._hsm.load_object(int(key.removeprefix(OBJECT), 16), version, sealed)
                self.note_version(key, version)
            elif key.startswith(USER):
                self.put_user(open_sealed(self._hsm, key, value, UserRule), version)
            elif key.startswith(APPROVAL):
                self.put_approval(open_sealed(self._hsm, key, value, ApprovalRule), version)
            elif key == QUORUM_VALUES:
                self.put_quorum(open_sealed(self._hsm, key, value, QuorumValues), version)
            elif key == MUTUAL_TLS:
                self.put_mutual_tls(open_sealed(self._hsm, key, value, MutualTls), version)
            else:
                self.put_login(open_sealed(self._hsm, key, value, LoginRule), version)
        except IntegrityError as error:
            return str(error.args[1])
        except AlteredRecord as error:
            return str(error)
        self.damaged.pop(key, None)
        return None

    def put_user(self, user: UserRule, version: int) -> None:
        self.users[user.username] = user
        self._touched_users.add(user.username)
        self.note_version(user_key(user.username), version)

    def put_login(self, login: LoginRule, version: int) -> None:
        self.logins[login.login_id] = login
        self._logins_of[login.username].add(login.login_id)
        self._touched_users.add(login.username)
        self.note_version(login_key(login.login_id), version)
        self._hsm.apply_login(login.login_id, login.username, int(login.role), login.epoch, login.client_key)

    def put_mutual_tls(self, policy: MutualTls, version: int) -> None:
        self._set_mutual_tls(policy)
        self.note_version(MUTUAL_TLS, version)

    def _set_mutual_tls(self, policy: MutualTls) -> None:
        self.mutual_tls = policy
        certificates = [
            der for anchor in policy.anchors for der in self._hsm.read_trust_anchors(anchor.certificate.encode())
        ]
        self._hsm.set_client_trust(certificates, required=policy.enforced)

    def logins_of(self, username: str) -> list[LoginRule]:
        """The logins of a user that have not ended."""
        return [self.logins[login_id] for login_id in self._logins_of.get(username, ())]

    def put_approval(self, approval: ApprovalRule, version: int) -> None:
        self.approvals[approval.token_id] = approval
        self._approvals_of[approval.username].add(approval.token_id)
        self.note_version(approval_key(approval.token_id), version)

    def approvals_of(self, username: str) -> list[ApprovalRule]:
        """The quorum tokens of a user that are not spent; some may be dead."""
        return [self.approvals[token_id] for token_id in self._approvals_of.get(username, ())]

    def put_quorum(self, values: QuorumValues, version: int) -> None:
        self._quorum = values
        self.note_version(QUORUM_VALUES, version)

    def quorum_values(self) -> QuorumValues:
        """How many approvals are needed; refused where the cluster's word on it was altered: nobody can tell."""
        if QUORUM_VALUES in self.damaged and QUORUM_VALUES in self.versions:
            raise Refusal(
                Rv.DEVICE_ERROR,
                f"nobody can tell how many approvals are needed: {self.damaged[QUORUM_VALUES]}; restore the store from "
                "a backup",
            )
        return self._quorum

    def remove(self, key: str) -> None:
        """A record was deleted by a commit."""
        self.damaged.pop(key, None)
        if self.versions.pop(key, None) is not None and key.startswith(OBJECT):
            self.object_total -= 1
        self._forget(key)

    def refuse(self, key: str, version: int, wrong: str) -> None:
        """A record is not what the cluster wrote: it is not used; the head still counts its version."""
        self.note_version(key, version)
        self._forget(key)
        if key == MUTUAL_TLS:
            self._set_mutual_tls(NOBODY)
        self.damaged[key] = wrong
        log.error("record refused", key=key, reason=wrong)

    def note_version(self, key: str, version: int) -> None:
        if key.startswith(OBJECT) and key not in self.versions:
            self.object_total += 1
        self.versions[key] = version

    def _forget(self, key: str) -> None:
        if key.startswith(OBJECT):
            self._hsm.remove_objects([int(key.removeprefix(OBJECT), 16)])
        elif key.startswith(USER):
            self.users.pop(key.removeprefix(USER), None)
            self._touched_users.add(key.removeprefix(USER))
        elif key == MUTUAL_TLS:
            self._set_mutual_tls(MutualTls())
        elif key.startswith(LOGIN):
            login_id = int(key.removeprefix(LOGIN), 16)
            login = self.logins.pop(login_id, None)
            if login is not None:
                self._drop_login(login)
        elif key.startswith(APPROVAL):
            with suppress(ValueError):  # somebody else put a record there under a name that is no token's
                approval = self.approvals.pop(bytes.fromhex(key.removeprefix(APPROVAL)), None)
                if approval is not None:
                    self._drop_approval(approval)
        elif key == QUORUM_VALUES:
            self._quorum = QuorumValues()

    def _drop_approval(self, approval: ApprovalRule) -> None:
        self._approvals_of[approval.username].discard(approval.token_id)
        if not self._approvals_of[approval.username]:
            del self._approvals_of[approval.username]

    def _drop_login(self, login: LoginRule) -> None:
        self._logins_of[login.username].discard(login.login_id)
        if not self._logins_of[login.username]:
            del self._logins_of[login.username]
        self._hsm.remove_login(login.login_id)

    def _end_stale_logins(self) -> None:
        """A login is worth nothing once its user is gone or has another epoch, whatever its own record says."""
        for username in self._touched_users:
            user = self.users.get(username)
            for login in self.logins_of(username):
                if user is None or login.epoch != user.epoch:
                    del self.logins[login.login_id]
                    self._drop_login(login)
        self._touched_users.clear()

    # -- positions --------------------------------------------------------------------------------------------------

    def confirm(self) -> None:
        """Say where this HSM is, also when nothing was new: requests that asked for a look at the store go on."""
        with self.lock:
            if self.position is not None:
                self._hsm.set_revision(self.position.revision, self.position.head)

    def committed(self, position: Position) -> None:
        """A commit of this HSM is applied."""
        self._advance(position, by_another=False)

    def _advance(self, position: Position, *, by_another: bool) -> None:
        self._end_stale_logins()
        self.position = position
        self._hsm.set_revision(position.revision, position.head)
        for listener in self.on_applied:
            listener(position, by_another)


def follow(hsm: Hsm, head: bytes | None, entry: LogEntry) -> ChangeEntry:
    """The change of an entry whose head follows from ``head``; raises :class:`StoreDiverged`."""
    try:
        change = msgspec.msgpack.decode(entry.value, type=ChangeEntry)
        hsm.verify_head(head, change.writes, change.head)
        if hsm.head_revision(change.head) == entry.sequence + 1:
            return change
    except (IntegrityError, *UNREADABLE):
        pass
    raise StoreDiverged(
        f"entry {entry.sequence} of the log {LOG_CHANGES} does not follow the one before it: it was altered; restore "
        "the store from a backup"
    )


def judge(key: str, value: bytes | None, expected: Expected) -> str | None:
    """What is wrong with a record of the store, by what the log says of it; ``None`` when nothing is."""
    if expected.version is None:
        return None if value is None else f"{key} was deleted and has been put back"
    if value is None:
        return f"{key} is missing: it was deleted by nobody of the cluster"
    if hashlib.sha256(value).digest() == expected.digest:
        return None
    return f"{key} was altered"


def absent_digest() -> bytes:
    """The digest of a deleted record."""
    return hashlib.sha256(b"").digest()


def _order(key: str) -> tuple[int, str]:
    """Users before their logins, logins before objects and quorum tokens."""
    for place, prefix in enumerate((USER, LOGIN, OBJECT, APPROVAL, QUORUM_VALUES)):
        if key.startswith(prefix):
            return place, key
    return 9, key


def sorted_by_kind(keys: Iterable[str]) -> list[str]:
    """Keys in the order in which their records are applied."""
    return sorted(keys, key=_order)
