"""Users, logins, tokens, approvals and keys as a model has them, and what must be refused by it (aws-cloudhsm 3.5).

Written from the rules, not from the product: what is wrong with a request is a set of faults, each with the code and
the text of its refusal. A request with none must succeed, and any other be refused for one of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from strongroom.vocabulary.quorum import ADMIN_SERVICES, SERVICE_NAMES, QuorumService
from strongroom.vocabulary.roles import Role

NEEDED = "Quorum approval is required for this operation"
INVALID = "Invalid username-signature pair for quorum authorization"
FAILED = "Quorum Failed"
TOO_FEW = "Too few quorum approvals"
ARGUMENTS_BAD, PROHIBITED, NOT_PERMITTED, KEY_INVALID, OBJECT_INVALID = 0x7, 0x1B, 0x68, 0x60, 0x82
SIGNATURE_INVALID, NOT_LOGGED_IN, OTHER_ROLE, PIN_INCORRECT, PIN_LOCKED = 0xC0, 0x101, 0x103, 0xA0, 0xA4
LOCKING_FAILURES = 6

Fault = tuple[int, str]


@dataclass(eq=False)
class User:
    name: str
    role: Role
    password: str
    key: int | None = None
    """Number of the key that is registered for approvals; two users may have the same."""
    failures: int = 0
    is_kept: bool = False
    """Whether the test needs it at its end: it is never changed, deleted or locked."""

    @property
    def locked(self) -> bool:
        return self.failures >= LOCKING_FAILURES


@dataclass(eq=False)
class Login:
    user: User
    hsm: str
    live: bool = True


@dataclass(eq=False)
class Token:
    data: bytes
    service: QuorumService
    key: int
    login: Login
    issued_at: int
    gone: bool = False
    """Spent, deleted or dropped."""


@dataclass(frozen=True)
class Signed:
    name: str
    role: int
    signature: bytes


@dataclass(frozen=True)
class Approval:
    data: bytes
    signed: tuple[Signed, ...] = ()


@dataclass(eq=False)
class Key:
    reference: int
    public: int
    owner: User
    shared: set[str]
    manage: int = 0
    usage: int = 0
    label: str = ""
    gone: bool = False

    def users(self) -> set[str]:
        return {self.owner.name, *self.shared}

    def sees(self, user: User) -> bool:
        return not self.gone and user.name in self.users()


@dataclass
class Model:
    keys_of_users: list[rsa.RSAPrivateKey]
    users: dict[str, User] = field(default_factory=dict)
    logins: list[Login] = field(default_factory=list)
    tokens: list[Token] = field(default_factory=list)
    keys: list[Key] = field(default_factory=list)
    values: dict[str, int] = field(default_factory=lambda: {SERVICE_NAMES[service]: 1 for service in ADMIN_SERVICES})
    timeouts: dict[str, int] = field(default_factory=lambda: {"generated": 600, "approved": 600})
    now: int = 0
    """Seconds by which the clock was moved; what else goes by is less than any step of it."""

    # -- tokens -------------------------------------------------------------------------------------------------------
    def is_live(self, token: Token) -> bool:
        return not token.gone and token.login.live and self.now - token.issued_at < min(self.timeouts.values())

    def live_tokens(self) -> Iterator[Token]:
        return (token for token in self.tokens if self.is_live(token))

    def token_of(self, approval: Approval) -> Token | None:
        digest = hashlib.sha256(approval.data).digest()
        return next((known for known in self.tokens if hashlib.sha256(known.data).digest() == digest), None)

    def spend(self, approval: Approval | None) -> None:
        token = self.token_of(approval) if approval is not None else None
        if token is not None:
            assert not token.gone, "a token was spent twice"
            token.gone = True

    # -- approvals ----------------------------------------------------------------------------------------------------
    def sign(self, key: int, data: bytes) -> bytes:
        return self.keys_of_users[key].sign(data, PKCS1v15(), SHA256())

    def is_signed(self, key: int, data: bytes, signature: bytes) -> bool:
        try:
            self.keys_of_users[key].public_key().verify(signature, data, PKCS1v15(), SHA256())
        except InvalidSignature:
            return False
        return True

    def faults_of_signatures(self, approval: Approval) -> list[Fault]:
        """Whoever approves is there, not locked, of that role, has registered, and signed just this."""
        faults = []
        for signed in approval.signed:
            user = self.users.get(signed.name)
            if user is None or user.locked or user.key is None or signed.role not in {0, user.role}:
                faults.append((PROHIBITED, INVALID))
            elif not self.is_signed(user.key, approval.data, signed.signature):
                faults.append((SIGNATURE_INVALID, INVALID))
        return faults

    def count(self, approval: Approval, allowed: Iterable[str]) -> int:
        """Distinct keys of those whose signature is right and who may approve."""
        names = set(allowed)
        users = [self.users[signed.name] for signed in approval.signed if signed.name in names & self.users.keys()]
        return len({user.key for user in users})

    def admins(self) -> list[str]:
        return [user.name for user in self.users.values() if user.role is Role.ADMIN]

    def faults_of_token(
        self, login: Login, approval: Approval, service: QuorumService, reference: int = 0
    ) -> list[Fault]:
        token = self.token_of(approval)
        if token is None:
            # What the boundary reads of altered data may be that of another request.
            return [(PROHIBITED, INVALID), (PROHIBITED, FAILED)]
        faults = []
        if not self.is_live(token):
            faults.append((PROHIBITED, INVALID))
        if token.login is not login or token.service is not service or token.key != reference:
            faults.append((PROHIBITED, FAILED))
        return faults

    def faults_of_admins(self, login: Login, service: QuorumService, approval: Approval | None) -> list[Fault]:
        """Of what a service of admins stands for."""
        needed = self.values[SERVICE_NAMES[service]]
        if approval is None:
            return [(PROHIBITED, NEEDED)] if needed > 1 else []
        faults = self.faults_of_signatures(approval) + self.faults_of_token(login, approval, service)
        if self.count(approval, self.admins()) < needed > 1:
            faults.append((PROHIBITED, TOO_FEW))
        return faults

    def faults_of_key(self, login: Login, key: Key, service: QuorumService, approval: Approval | None) -> list[Fault]:
        """Of what is done with a key."""
        needed = key.usage if service is QuorumService.KEY_USAGE else key.manage
        if approval is None:
            return [(PROHIBITED, NEEDED)] if needed or service is QuorumService.KEY_USAGE else []
        faults = self.faults_of_signatures(approval)
        faults += self.faults_of_token(login, approval, service, key.reference)
        if any(signed.name not in key.users() for signed in approval.signed):
            faults.append((PROHIBITED, INVALID))
        if self.count(approval, key.users()) < needed:
            faults.append((PROHIBITED, TOO_FEW))
        return faults

    # -- users and logins ---------------------------------------------------------------------------------------------
    def logins_of(self, user: User) -> list[Login]:
        return [login for login in self.logins if login.live and login.user is user]

    def end_logins(self, user: User, but: Login | None = None) -> None:
        for login in self.logins_of(user):
            login.live = login is but

    def faults_of_login(self, login: Login, role: Role | None) -> list[Fault]:
        if not login.live:
            return [(NOT_LOGGED_IN, "")]
        return [(OTHER_ROLE, "")] if role not in {None, login.user.role} else []
