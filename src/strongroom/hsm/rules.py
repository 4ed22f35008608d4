"""Rule records: what the brain keeps of users, logins, quorum and finished requests, sealed by the boundary."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgspec

from strongroom.vocabulary.quorum import QUORUM_OFF, SERVICE_NAMES, TOKEN_SECONDS, QuorumService
from strongroom.vocabulary.roles import Role

if TYPE_CHECKING:
    from strongroom._native import Hsm

VERSION_LENGTH = 8
APPLIANCE_USER = "app_user"
"""The user that every cluster has and that nobody can log in as."""


class SecondFactor(msgspec.Struct, frozen=True, omit_defaults=True):
    """A user's second factor (see :mod:`strongroom.hsm.second_factor`)."""

    public_key: bytes
    """RSA-2048, ``SubjectPublicKeyInfo``."""
    revision: int
    """The cluster revision that registered it."""
    used: list[tuple[float, bytes]] = []
    """Tokens that were used and have not run out: when each was issued (Unix seconds), and its id; oldest first."""
    void_until: float = 0.0
    """Tokens that were issued no later than this are void."""


class QuorumKey(msgspec.Struct, frozen=True):
    """The key with which a user approves (see :mod:`strongroom.hsm.approvals`)."""

    public_key: bytes
    """RSA-2048, ``SubjectPublicKeyInfo``."""
    sealed: bytes
    """The same, as the boundary bound it to the user: what approvals are checked by."""
    revision: int
    """The cluster revision that registered it."""


class UserRule(msgspec.Struct, frozen=True, omit_defaults=True):
    """``user/<name>``. ``epoch`` is the cluster revision of the last change that ended the user's logins."""

    username: str
    role: Role
    epoch: int
    verifier: bytes | None = None
    """``None``: nobody can log in as this user (unactivated admin, appliance user)."""
    failed_logins: int = 0
    last_failed_at: float = 0.0
    locked: bool = False
    created_at: float = 0.0
    second_factor: SecondFactor | None = None
    quorum_key: QuorumKey | None = None


class LoginRule(msgspec.Struct, frozen=True, omit_defaults=True):
    """``login/<login id>``."""

    login_id: int
    username: str
    role: Role
    epoch: int
    client_key: bytes
    created_at: float


class TrustAnchor(msgspec.Struct, frozen=True):
    """A certificate whose holder's certificates let clients in."""

    reference: int
    certificate: str
    """PEM, as it was registered."""


class MutualTls(msgspec.Struct, frozen=True, omit_defaults=True):
    """``policy/mtls``."""

    anchors: list[TrustAnchor] = []
    enforced: bool = False


NOBODY = MutualTls(enforced=True)
"""In place of a record that was altered: it is not known whom the cluster lets in."""


class ApprovalRule(msgspec.Struct, frozen=True, omit_defaults=True):
    """``approval/<token id>``: a token that is not spent. It dies with its login, and when its time is over."""

    token_id: bytes
    """SHA-256 of its approval data."""
    service: QuorumService
    username: str
    login_id: int
    issued_at: float
    key: int = 0
    """Reference of the key, of a service of a key's."""


class QuorumValues(msgspec.Struct, frozen=True, omit_defaults=True):
    """``quorum/values``: how many approvals each service needs; 1 is none. And how long tokens are good for."""

    user: int = QUORUM_OFF
    quorum: int = QUORUM_OFF
    cluster: int = QUORUM_OFF
    generated_seconds: int = TOKEN_SECONDS
    """Within which a token is approved."""
    approved_seconds: int = TOKEN_SECONDS
    """Within which what was approved is used."""

    @property
    def life_seconds(self) -> int:
        """How long a token is good for. When it was approved is not known, so that both times are kept by the shorter
        one: then no token waited longer to be approved, and no approval longer to be used.
        """
        return min(self.generated_seconds, self.approved_seconds)

    def of(self, service: QuorumService) -> int:
        """That of a service of admins."""
        return int(getattr(self, SERVICE_NAMES[service]))


class RequestRule(msgspec.Struct, frozen=True, omit_defaults=True):
    """``request/<user>/<request id>``: the result of a create or change, for a repeat."""

    operation: int
    digest: bytes
    response: bytes
    revision: int
    expires_at: float
    narrowing: bool = False


AnyRule = UserRule | LoginRule | MutualTls | ApprovalRule | QuorumValues | RequestRule
Rule = TypeVar("Rule", UserRule, LoginRule, MutualTls, ApprovalRule, QuorumValues, RequestRule)


class AlteredRecord(Exception):
    """A record of the store is not what the cluster wrote; the message names it."""


def pack(version: int, sealed: bytes) -> bytes:
    """A sealed record as it stands in the store."""
    return version.to_bytes(VERSION_LENGTH, "big") + sealed


def unpack(key: str, value: bytes) -> tuple[int, bytes]:
    """Version and sealed bytes. The version is proven only by opening them."""
    if len(value) <= VERSION_LENGTH:
        raise AlteredRecord(f"{key} is truncated")
    return int.from_bytes(value[:VERSION_LENGTH], "big"), value[VERSION_LENGTH:]


def seal(hsm: Hsm, key: str, version: int, rule: AnyRule) -> bytes:
    """A rule record for the store."""
    return pack(version, hsm.seal_rule(key, version, msgspec.msgpack.encode(rule)))


def open_sealed(hsm: Hsm, key: str, value: bytes, kind: type[Rule]) -> Rule:
    """Raises ``IntegrityError`` of the boundary, or :class:`AlteredRecord`."""
    version, sealed = unpack(key, value)
    try:
        return msgspec.msgpack.decode(hsm.open_rule(key, version, sealed), type=kind)
    except msgspec.DecodeError as error:
        raise AlteredRecord(f"{key} was written by a program that this one does not understand: {error}") from error
