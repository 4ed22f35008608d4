"""A draft: what a batch of requests would change, on top of what is applied.

Requests of one batch see each other's changes in it. It knows the revision that it will be, which gives rule records
their versions and users their epochs.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from strongroom.hsm.audit import AuditFacts
from strongroom.hsm.refusals import Refusal
from strongroom.hsm.replica import Replica, absent_digest
from strongroom.hsm.rules import ApprovalRule, LoginRule, MutualTls, QuorumValues, UserRule, pack, seal
from strongroom.storage.interface import Compare, Write
from strongroom.vocabulary.records import MUTUAL_TLS, QUORUM_VALUES, approval_key, login_key, object_key, user_key

if TYPE_CHECKING:
    from strongroom._native import Hsm, ManagedRequest


class Later(Exception):
    """A request cannot be decided in this batch, because an earlier one of it changes the same thing."""


def nothing() -> None:
    """Nothing to do."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a decided request comes to. ``refusal`` stands for the answer where even a refusal changes something."""

    body: dict[str, object]
    facts: AuditFacts | None
    narrowing: bool = False
    publish: Callable[[], None] = nothing
    """After the commit and before the answer: make it usable here."""
    refusal: Refusal | None = None
    further: tuple[AuditFacts, ...] = ()
    """What else it did: an entry each, after its own."""


@dataclass(slots=True)
class Proposal:
    """A request on its way into a commit. ``decide`` runs against each draft that the commit is tried with.

    It raises :class:`~strongroom.hsm.refusals.Refusal`, ``HsmError`` or :class:`Later` before it changes the draft.
    ``request`` is ``None`` for what the HSM does of itself.
    """

    request: ManagedRequest | None
    facts: AuditFacts | None
    decide: Callable[[Draft], Outcome]
    discard: Callable[[], None] = nothing
    """It was not committed: wipe what was staged."""
    remembered: bool = False
    """Whether its result is kept under its request id."""


@dataclass(frozen=True, slots=True)
class ChainedWrite:
    """A change of a chained record: versions before and after, and the value for the store."""

    key: str
    old_version: int | None
    new_version: int | None
    value: bytes | None

    @property
    def digest(self) -> bytes:
        return absent_digest() if self.value is None else hashlib.sha256(self.value).digest()


@dataclass(slots=True)
class Draft:
    """See the module."""

    replica: Replica
    revision: int
    _users: dict[str, UserRule | None] = field(default_factory=dict)
    _logins: dict[int, LoginRule | None] = field(default_factory=dict)
    _objects: dict[int, tuple[int, bytes] | None] = field(default_factory=dict)
    _mutual_tls: MutualTls | None = None
    _shared_with: set[str] = field(default_factory=set)
    _approvals: dict[bytes, ApprovalRule | None] = field(default_factory=dict)
    _quorum: QuorumValues | None = None
    _moved: set[int] = field(default_factory=set)
    new_certificates: int = 0
    """Certificates that the batch adds."""
    new_private_keys: int = 0
    new_data_objects: Counter[bool] = field(default_factory=Counter)
    """Whether they are token objects, and how many of them."""
    open_writes: dict[str, Write] = field(default_factory=dict)
    open_compares: dict[str, Compare] = field(default_factory=dict)

    # -- reading ----------------------------------------------------------------------------------------------------

    def user(self, username: str) -> UserRule | None:
        if username in self._users:
            return self._users[username]
        return self.replica.users.get(username)

    def users(self) -> Iterator[UserRule]:
        for username in self.replica.users.keys() | self._users.keys():
            user = self.user(username)
            if user is not None:
                yield user

    def user_total(self) -> int:
        replica = self.replica
        return sum((new is not None) - (username in replica.users) for username, new in self._users.items()) + len(
            replica.users
        )

    def login(self, login_id: int) -> LoginRule | None:
        if login_id in self._logins:
            return self._logins[login_id]
        return self.replica.logins.get(login_id)

    def logins_of(self, username: str) -> list[LoginRule]:
        found = {login.login_id: login for login in self.replica.logins_of(username)}
        for login_id, login in self._logins.items():
            found.pop(login_id, None)
            if login is not None and login.username == username:
                found[login_id] = login
        return list(found.values())

    def login_total(self) -> int:
        return len(self.replica.logins) + len(self._logins)

    def approval(self, token_id: bytes) -> ApprovalRule | None:
        """A quorum token that is not spent; it may be dead."""
        if token_id in self._approvals:
            return self._approvals[token_id]
        return self.replica.approvals.get(token_id)

    def approvals_of(self, username: str) -> list[ApprovalRule]:
        return self._with_drafted(self.replica.approvals_of(username), username)

    def approvals(self) -> list[ApprovalRule]:
        """All quorum tokens that are not spent."""
        return self._with_drafted(self.replica.approvals.values(), None)

    def _with_drafted(self, known: Iterable[ApprovalRule], username: str | None) -> list[ApprovalRule]:
        found = {approval.token_id: approval for approval in known}
        for token_id, approval in self._approvals.items():
            found.pop(token_id, None)
            if approval is not None and username in {None, approval.username}:
                found[token_id] = approval
        return list(found.values())

    def approval_total(self) -> int:
        replica = self.replica
        changes = sum((new is not None) - (token in replica.approvals) for token, new in self._approvals.items())
        return len(replica.approvals) + changes

    def quorum_values(self) -> QuorumValues:
        """How many approvals services need; raises ``Refusal`` where nobody can tell."""
        return self._quorum or self.replica.quorum_values()

    def object_total(self) -> int:
        return self.replica.object_total + sum(
            (new is not None) - (object_key(reference) in self.replica.versions)
            for reference, new in self._objects.items()
        )

    def has_object(self, reference: int) -> bool:
        if reference in self._objects:
            return self._objects[reference] is not None
        return object_key(reference) in self.replica.versions

    def mutual_tls(self) -> MutualTls:
        return self._mutual_tls or self.replica.mutual_tls

    def touches(self, reference: int) -> bool:
        """Whether an earlier request of the batch changes the object."""
        return reference in self._objects or reference in self._moved

    def shares_with(self, username: str) -> bool:
        """Whether an earlier request of the batch shares a key with the user."""
        return username in self._shared_with

    # -- changing ---------------------------------------------------------------------------------------------------

    def put_user(self, user: UserRule) -> None:
        self._users[user.username] = user

    def delete_user(self, username: str) -> None:
        self._users[username] = None

    def put_login(self, login: LoginRule) -> None:
        self._logins[login.login_id] = login

    def delete_login(self, login_id: int) -> None:
        self._logins[login_id] = None

    def put_approval(self, approval: ApprovalRule) -> None:
        self._approvals[approval.token_id] = approval

    def delete_approval(self, token_id: bytes) -> None:
        self._approvals[token_id] = None

    def put_quorum(self, values: QuorumValues) -> None:
        self._quorum = values

    def put_object(self, reference: int, version: int, record: bytes) -> None:
        self._objects[reference] = (version, record)

    def put_mutual_tls(self, policy: MutualTls) -> None:
        self._mutual_tls = policy

    def note_shared(self, username: str) -> None:
        """A key of the batch is shared with the user."""
        self._shared_with.add(username)

    def note_moved(self, reference: int) -> None:
        """A session object becomes a token object of another reference."""
        self._moved.add(reference)

    def delete_object(self, reference: int) -> None:
        self._objects[reference] = None

    def put_open(self, write: Write, compare: Compare) -> None:
        """Write an open record in the same transaction, if it still is what was read."""
        self.open_writes[write.key] = write
        self.open_compares[compare.key] = compare

    # -- committing -------------------------------------------------------------------------------------------------

    def chained_writes(self, hsm: Hsm) -> list[ChainedWrite]:
        """Every chained record that differs, sealed, in the order of their keys."""
        values: dict[str, tuple[int, bytes] | None] = {}
        for username, user in self._users.items():
            key = user_key(username)
            values[key] = (self.revision, seal(hsm, key, self.revision, user)) if user else None
        for login_id, login in self._logins.items():
            key = login_key(login_id)
            values[key] = (self.revision, seal(hsm, key, self.revision, login)) if login else None
        for token_id, approval in self._approvals.items():
            key = approval_key(token_id)
            values[key] = (self.revision, seal(hsm, key, self.revision, approval)) if approval else None
        if self._quorum is not None:
            values[QUORUM_VALUES] = (self.revision, seal(hsm, QUORUM_VALUES, self.revision, self._quorum))
        for reference, stored in self._objects.items():
            values[object_key(reference)] = (stored[0], pack(stored[0], stored[1])) if stored else None
        if self._mutual_tls is not None:
            values[MUTUAL_TLS] = (self.revision, seal(hsm, MUTUAL_TLS, self.revision, self._mutual_tls))
        writes = []
        for key in sorted(values):
            old = self.replica.versions.get(key)
            new = values[key]
            if old is None and new is None:
                continue
            writes.append(ChainedWrite(key, old, new[0] if new else None, new[1] if new else None))
        return writes

    def apply(self, writes: list[ChainedWrite]) -> None:
        """The commit is in the store: take it over. Objects were staged in the boundary and are published apart."""
        replica = self.replica
        for write in writes:
            if write.new_version is None:
                replica.remove(write.key)
        for user in self._users.values():
            if user is not None:
                replica.put_user(user, self.revision)
        for login in self._logins.values():
            if login is not None:
                replica.put_login(login, self.revision)
        if self._mutual_tls is not None:
            replica.put_mutual_tls(self._mutual_tls, self.revision)
        for approval in self._approvals.values():
            if approval is not None:
                replica.put_approval(approval, self.revision)
        if self._quorum is not None:
            replica.put_quorum(self._quorum, self.revision)
        for reference, stored in self._objects.items():
            if stored is not None:
                replica.note_version(object_key(reference), stored[0])
