"""The second factor of a user: an RSA key outside the HSM that signs a token for each login (aws-cloudhsm 3.4).

A token is sealed by the boundary and given to the client, so that nothing is kept of those that are outstanding and
every HSM of the cluster can check one. What a login's token is bound to is that login's own key, which no other client
has. A token that was used stands in the user's record until it has run out.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, TypeVar

import msgspec

from strongroom._native import IntegrityError
from strongroom.hsm.brain import Brain, Reply, role_of
from strongroom.hsm.messages import LoginTokenRequest, MfaTokenRequest, read
from strongroom.hsm.refusals import Refusal, Rv
from strongroom.hsm.rules import SecondFactor, UserRule
from strongroom.vocabulary.roles import Role

if TYPE_CHECKING:
    from strongroom._native import ManagedRequest

TOKEN_SECONDS = 600.0
"""People carry a token to where the key is, so its life is that of AWS's quorum tokens."""
TOKENS_REMEMBERED = 64
"""Of each user. When more are used within a token's life, those older than the oldest one that is known are void."""
CLIENT_KEY_LENGTH = 32
_CLOCK_SECONDS = 60.0
"""So much may the clock have been set back since a token was issued."""
_NAME_LENGTH = 31
_LOGIN, _REGISTRATION = "token/login", "token/registration"
_ID_LENGTH = 16


class LoginToken(msgspec.Struct, frozen=True):
    """What a token for a login is bound to."""

    issued_at: float
    client_key: bytes
    username: str
    role: Role


class RegistrationToken(msgspec.Struct, frozen=True):
    """What a token for a registration is bound to. ``replaces`` is the user's present factor: a change voids it."""

    issued_at: float
    login_id: int
    username: str
    role: Role
    replaces: int


_Token = TypeVar("_Token", LoginToken, RegistrationToken)


def login_token(brain: Brain, request: ManagedRequest) -> Reply:
    """A token for a login. Everybody gets one for every name, so that it tells nothing."""
    message = read(request.body, LoginTokenRequest)
    role = role_of(message.role)
    check_client_key(message.client_key)
    bound = LoginToken(brain.clock(), message.client_key, message.username.lower()[:_NAME_LENGTH], role)
    return _issued(brain, _LOGIN, bound)


def mfa_token(brain: Brain, request: ManagedRequest) -> Reply:
    """A token for a registration, in this login and for this user."""
    message = read(request.body, MfaTokenRequest)
    name, role = message.username.lower(), role_of(message.role)
    check_own(request, name)
    brain.replica.catch_up()
    user = brain.replica.users.get(name)
    bound = RegistrationToken(brain.clock(), request.login_id, name[:_NAME_LENGTH], role, revision_of(user))
    return _issued(brain, _REGISTRATION, bound)


def check_client_key(client_key: bytes) -> None:
    if len(client_key) != CLIENT_KEY_LENGTH:
        raise Refusal(Rv.ARGUMENTS_BAD, "the client key of a login is an Ed25519 public key of 32 bytes")


def check_own(request: ManagedRequest, name: str) -> None:
    """An admin changes anybody's second factor, everybody the own one."""
    if request.role != Role.ADMIN and name != request.username:
        raise Refusal(Rv.USER_TYPE_INVALID, "only an admin changes the second factor of another user")


def revision_of(user: UserRule | None) -> int:
    """Which factor the user has: the revision that registered it, 0 for none."""
    return user.second_factor.revision if user is not None and user.second_factor is not None else 0


def issued_for_login(brain: Brain, token: bytes, client_key: bytes, name: str, role: Role) -> float | None:
    """When a token was issued for this login; ``None`` when it was not, or has run out."""
    bound = _opened(brain, _LOGIN, token, LoginToken)
    if bound is None or (bound.client_key, bound.username, bound.role) != (client_key, name, role):
        return None
    return bound.issued_at


def check_registration(brain: Brain, token: bytes, request: ManagedRequest, user: UserRule) -> None:
    """Refuse a token that is not of this login and user, has run out, or was followed by another change."""
    bound = _opened(brain, _REGISTRATION, token, RegistrationToken)
    wanted = (request.login_id, user.username, user.role, revision_of(user))
    if bound is None or (bound.login_id, bound.username, bound.role, bound.replaces) != wanted:
        raise Refusal(
            Rv.ARGUMENTS_BAD,
            "the token is not one for this user in this login, was used, or has run out after "
            f"{TOKEN_SECONDS / 60:.0f} minutes: ask for a new one",
        )


def spend(factor: SecondFactor, token: bytes, issued_at: float, now: float) -> SecondFactor | None:
    """The factor after this token was used; ``None`` when it was used before."""
    token_id = hashlib.sha256(token).digest()[:_ID_LENGTH]
    if issued_at <= factor.void_until or any(known == token_id for _, known in factor.used):
        return None
    lasting = [entry for entry in factor.used if entry[0] > now - TOKEN_SECONDS]
    used = sorted([*lasting, (issued_at, token_id)])
    forgotten = [issued_at for issued_at, _ in used[:-TOKENS_REMEMBERED]]
    return msgspec.structs.replace(
        factor, used=used[-TOKENS_REMEMBERED:], void_until=max([factor.void_until, *forgotten])
    )


def _issued(brain: Brain, what: str, bound: LoginToken | RegistrationToken) -> Reply:
    token = brain.hsm.seal_rule(what, 0, msgspec.msgpack.encode(bound))
    return Reply({"token": token, "lifetime_seconds": int(TOKEN_SECONDS)})


def _opened(brain: Brain, what: str, token: bytes, kind: type[_Token]) -> _Token | None:
    try:
        bound = msgspec.msgpack.decode(brain.hsm.open_rule(what, 0, token), type=kind)
    except IntegrityError:
        return None  # Not one of this cluster, or for something else.
    now = brain.clock()
    return bound if now - TOKEN_SECONDS < bound.issued_at <= now + _CLOCK_SECONDS else None
