"""Login and logout."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import msgspec

from strongroom.hsm.audit import CLOSE_SESSION, AuditFacts, facts_of
from strongroom.hsm.brain import Brain, live_login, proposal, role_of
from strongroom.hsm.drafts import Draft, Outcome, Proposal
from strongroom.hsm.lockout import after_failure, wait_seconds
from strongroom.hsm.messages import LoginRequest, LoginWithTokenRequest, read
from strongroom.hsm.refusals import LOGIN_FAILURE, NO_SUCH_USER, Refusal, Retry, Rv
from strongroom.hsm.rules import LoginRule, UserRule
from strongroom.hsm.second_factor import TOKEN_SECONDS, check_client_key, issued_for_login, revision_of, spend
from strongroom.vocabulary.roles import Role

if TYPE_CHECKING:
    from strongroom._native import ManagedRequest

LOGIN_ROLES = (Role.CRYPTO_USER, Role.ADMIN)
_WRONG = "the user name, the role or the password is wrong"
_WRONG_OR_TOKEN = (
    "the user name, the role, the password or the signature is wrong, or the token was used or has run out after "
    f"{TOKEN_SECONDS / 60:.0f} minutes"
)


def address_of(peer: str) -> str:
    """The address of a peer, without its port."""
    return peer.rpartition(":")[0] or peer


@dataclass(frozen=True, slots=True)
class _Attempt:
    """Who wants to log in as whom. ``known`` is the user when there is one that may; ``wrong`` the answer otherwise."""

    name: str
    role: Role
    address: str
    client_key: bytes
    user: UserRule | None
    known: UserRule | None
    facts: AuditFacts | None
    wrong: str


@dataclass(frozen=True, slots=True)
class _UsedToken:
    token: bytes
    issued_at: float


def login(brain: Brain, request: ManagedRequest) -> Proposal:
    """CN_LOGIN. Known and unknown names do the same work and give the same refusal.

    A user with a second factor is refused the same for every password, so that no password can be guessed without the
    factor; nothing is counted then.
    """
    message = read(request.body, LoginRequest)
    attempt = _begun(brain, request, message.username, message.role, message.client_key, _WRONG)
    verifier = attempt.known.verifier if attempt.known else None
    right = brain.hsm.verify_password(request.token, message.password, verifier)
    known = _usable(attempt)
    if known.second_factor is not None:
        raise Refusal(
            Rv.FUNCTION_FAILED,
            f"{known.username} has a second factor: log in with cloudhsm-cli login … mfa-token-sign, or in Python with "
            "sign_token; PKCS #11 has no place for one",
            audit=LOGIN_FAILURE,
        )
    return _answered(brain, request, attempt, known, None, right=right)


def login_with_token(brain: Brain, request: ManagedRequest) -> Proposal:
    """CN_LOGIN with a second factor. All of it is checked, whatever is wrong, and the answer does not tell what was."""
    message = read(request.body, LoginWithTokenRequest)
    attempt = _begun(brain, request, message.username, message.role, message.client_key, _WRONG_OR_TOKEN)
    factor = attempt.known.second_factor if attempt.known else None
    verifier = attempt.known.verifier if attempt.known else None
    issued_at = issued_for_login(brain, message.token, message.client_key, attempt.name, attempt.role)
    is_signed = brain.hsm.verify_second_factor(factor.public_key if factor else None, message.token, message.signature)
    is_password = brain.hsm.verify_password(request.token, message.password, verifier)
    known = _usable(attempt)
    if factor is None:
        raise Refusal(
            Rv.FUNCTION_FAILED,
            f"{known.username} has no second factor: log in without a token",
            audit=LOGIN_FAILURE,
        )
    used = _UsedToken(message.token, issued_at) if issued_at is not None else None
    return _answered(brain, request, attempt, known, used, right=is_password and is_signed and used is not None)


def logout(brain: Brain, request: ManagedRequest) -> Proposal:
    """CN_LOGOUT: the login and its session objects are gone on every HSM."""
    del brain

    def decide(draft: Draft) -> Outcome:
        login = live_login(draft, request)
        draft.delete_login(login.login_id)
        return Outcome({}, facts_of(request), narrowing=True)

    return proposal(request, decide)


def over(login: LoginRule) -> Proposal:
    """A login that no HSM has seen for longer than its ticket lives."""
    facts = AuditFacts("close_session", CLOSE_SESSION, username=login.username, role=login.role)

    def decide(draft: Draft) -> Outcome:
        if draft.login(login.login_id) is None:
            return Outcome({}, None)
        draft.delete_login(login.login_id)
        return Outcome({}, facts)

    return Proposal(request=None, facts=None, decide=decide)


def _begun(
    brain: Brain, request: ManagedRequest, username: str, role_number: int, client_key: bytes, wrong: str
) -> _Attempt:
    """What comes before any secret is looked at; refuses an attempt that must wait."""
    name = username.lower()
    role = role_of(role_number)
    check_client_key(client_key)
    address = address_of(request.peer)
    if not brain.admission.admit(address, name):
        raise Refusal(
            Rv.FUNCTION_FAILED,
            "too many failed logins from this address or for this user: wait a few seconds",
            audit=LOGIN_FAILURE,
        )
    brain.replica.catch_up()
    user = brain.replica.users.get(name)
    known = user if user is not None and user.role is role and role in LOGIN_ROLES else None
    if known is not None and not known.locked:
        _check_pace(brain, known, address)
    return _Attempt(name, role, address, client_key, user, known, _facts(request, name, role), wrong)


def _usable(attempt: _Attempt) -> UserRule:
    """The user that may log in; refuses one that there is not, or that is locked."""
    if attempt.known is None:
        raise _unknown(attempt)
    if attempt.known.locked:
        # Nothing changes, so its entry is one of those that are limited.
        raise _locked()
    return attempt.known


def _answered(
    brain: Brain, request: ManagedRequest, attempt: _Attempt, known: UserRule, used: _UsedToken | None, *, right: bool
) -> Proposal:
    if not right:
        brain.admission.failed(attempt.address, attempt.name, brain.clock())
        return proposal(request, _failed(brain, attempt), facts=attempt.facts)
    brain.admission.succeeded(attempt.address, attempt.name)
    return proposal(request, _succeeded(brain, request, attempt, known, used), facts=attempt.facts)


def _facts(request: ManagedRequest, name: str, role: Role) -> AuditFacts | None:
    facts = facts_of(request)
    return replace(facts, username=name[:31], role=role) if facts else None


def _check_pace(brain: Brain, user: UserRule, address: str) -> None:
    failures = brain.admission.failures(address, user)
    wait = wait_seconds(failures, brain.clock(), brain.settings.max_failed_logins)
    if wait > 0:
        raise Refusal(
            Rv.FUNCTION_FAILED,
            f"too many failed logins of the last unlocked admin: try again in {wait:.0f} s",
            audit=LOGIN_FAILURE,
        )


def _unknown(attempt: _Attempt) -> Refusal:
    if attempt.user is not None and attempt.user.role is Role.UNACTIVATED_ADMIN:
        return Refusal(
            Rv.USER_PIN_NOT_INITIALIZED,
            "the cluster is not activated: set the admin's first password with cluster activate",
            audit=NO_SUCH_USER,
        )
    return Refusal(Rv.PIN_INCORRECT, attempt.wrong, audit=NO_SUCH_USER)


def _locked() -> Refusal:
    return Refusal(
        Rv.PIN_LOCKED,
        "the user is locked after too many failed logins: an admin unlocks it with user change-password",
        audit=LOGIN_FAILURE,
    )


def _failed(brain: Brain, attempt: _Attempt) -> Callable[[Draft], Outcome]:
    def decide(draft: Draft) -> Outcome:
        user = draft.user(attempt.name)
        if user is None:
            raise Refusal(Rv.PIN_INCORRECT, attempt.wrong, audit=NO_SUCH_USER)
        if user.locked:
            raise _locked()
        changed = after_failure(draft, user, brain.clock(), brain.settings.max_failed_logins)
        draft.put_user(changed)
        if changed.locked:
            for login in draft.logins_of(user.username):
                draft.delete_login(login.login_id)
            return Outcome({}, attempt.facts, narrowing=True, refusal=_locked())
        refusal = Refusal(Rv.PIN_INCORRECT, attempt.wrong, audit=LOGIN_FAILURE)
        return Outcome({}, attempt.facts, refusal=refusal)

    return decide


def _succeeded(
    brain: Brain, request: ManagedRequest, attempt: _Attempt, verified: UserRule, used: _UsedToken | None
) -> Callable[[Draft], Outcome]:
    hsm = brain.hsm
    login_id = hsm.new_login_id()
    client_key = attempt.client_key

    def decide(draft: Draft) -> Outcome:
        user = draft.user(verified.username)
        if user is None or user.verifier != verified.verifier or revision_of(user) != revision_of(verified):
            raise Refusal(Rv.PIN_INCORRECT, attempt.wrong, audit=LOGIN_FAILURE)
        if user.locked:
            raise _locked()
        factor = user.second_factor
        if factor is not None and used is not None:
            factor = spend(factor, used.token, used.issued_at, brain.clock())
            if factor is None:
                return _failed(brain, attempt)(draft)
        if draft.login_total() >= brain.settings.max_logins:
            raise Refusal(
                Rv.SESSION_COUNT,
                f"the cluster has its limit of {brain.settings.max_logins} logins: log out where they are not needed",
                retry=Retry.NEVER,
            )
        if user.failed_logins or factor is not user.second_factor:
            draft.put_user(msgspec.structs.replace(user, failed_logins=0, second_factor=factor))
        draft.put_login(
            LoginRule(
                login_id=login_id,
                username=user.username,
                role=user.role,
                epoch=user.epoch,
                client_key=client_key,
                created_at=brain.clock(),
            )
        )
        ticket, lifetime = hsm.issue_ticket(login_id, user.username, int(user.role), user.epoch, client_key)
        body: dict[str, object] = {
            "login_id": login_id,
            "username": user.username,
            "role": int(user.role),
            "ticket": ticket,
            "lifetime_seconds": lifetime,
        }
        return Outcome(body, attempt.facts, publish=lambda: hsm.attach_login(request.token, login_id))

    return decide
