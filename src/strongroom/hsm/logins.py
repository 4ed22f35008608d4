"""Login and logout."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from strongroom.hsm.audit import CLOSE_SESSION, AuditFacts, facts_of
from strongroom.hsm.brain import Brain, live_login, proposal, role_of
from strongroom.hsm.drafts import Draft, Outcome, Proposal
from strongroom.hsm.lockout import after_failure, wait_seconds
from strongroom.hsm.messages import LoginRequest, read
from strongroom.hsm.refusals import LOGIN_FAILURE, NO_SUCH_USER, Refusal, Retry, Rv
from strongroom.hsm.rules import LoginRule, UserRule
from strongroom.vocabulary.roles import Role

if TYPE_CHECKING:
    from strongroom._native import ManagedRequest

LOGIN_ROLES = (Role.CRYPTO_USER, Role.ADMIN)
CLIENT_KEY_LENGTH = 32
_WRONG = "the user name, the role or the password is wrong"


def address_of(peer: str) -> str:
    """The address of a peer, without its port."""
    return peer.rpartition(":")[0] or peer


def login(brain: Brain, request: ManagedRequest) -> Proposal:
    """CN_LOGIN. Known and unknown names do the same work and give the same refusal."""
    message = read(request.body, LoginRequest)
    name = message.username.lower()
    role = role_of(message.role)
    if len(message.client_key) != CLIENT_KEY_LENGTH:
        raise Refusal(Rv.ARGUMENTS_BAD, "the client key of a login is an Ed25519 public key of 32 bytes")
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
    right = brain.hsm.verify_password(request.token, message.password, known.verifier if known else None)
    if known is None:
        raise _unknown(user)
    if known.locked:
        # Nothing changes, so its entry is one of those that are limited.
        raise _locked()
    facts = _facts(request, name, role)
    if not right:
        brain.admission.failed(address, name, brain.clock())
        return proposal(request, _failed(brain, known, facts), facts=facts)
    brain.admission.succeeded(address, name)
    return proposal(request, _succeeded(brain, request, known, message.client_key, facts), facts=facts)


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


def _unknown(user: UserRule | None) -> Refusal:
    if user is not None and user.role is Role.UNACTIVATED_ADMIN:
        return Refusal(
            Rv.USER_PIN_NOT_INITIALIZED,
            "the cluster is not activated: set the admin's first password with cluster activate",
            audit=NO_SUCH_USER,
        )
    return Refusal(Rv.PIN_INCORRECT, _WRONG, audit=NO_SUCH_USER)


def _locked() -> Refusal:
    return Refusal(
        Rv.PIN_LOCKED,
        "the user is locked after too many failed logins: an admin unlocks it with user change-password",
        audit=LOGIN_FAILURE,
    )


def _failed(brain: Brain, tried: UserRule, facts: AuditFacts | None) -> Callable[[Draft], Outcome]:
    def decide(draft: Draft) -> Outcome:
        user = draft.user(tried.username)
        if user is None:
            raise Refusal(Rv.PIN_INCORRECT, _WRONG, audit=NO_SUCH_USER)
        if user.locked:
            raise _locked()
        changed = after_failure(draft, user, brain.clock(), brain.settings.max_failed_logins)
        draft.put_user(changed)
        if changed.locked:
            for login in draft.logins_of(user.username):
                draft.delete_login(login.login_id)
            return Outcome({}, facts, narrowing=True, refusal=_locked())
        return Outcome({}, facts, refusal=Refusal(Rv.PIN_INCORRECT, _WRONG, audit=LOGIN_FAILURE))

    return decide


def _succeeded(
    brain: Brain, request: ManagedRequest, verified: UserRule, client_key: bytes, facts: AuditFacts | None
) -> Callable[[Draft], Outcome]:
    hsm = brain.hsm
    login_id = hsm.new_login_id()

    def decide(draft: Draft) -> Outcome:
        user = draft.user(verified.username)
        if user is None or user.verifier != verified.verifier:
            raise Refusal(Rv.PIN_INCORRECT, _WRONG, audit=LOGIN_FAILURE)
        if user.locked:
            raise _locked()
        if draft.login_total() >= brain.settings.max_logins:
            raise Refusal(
                Rv.SESSION_COUNT,
                f"the cluster has its limit of {brain.settings.max_logins} logins: log out where they are not needed",
                retry=Retry.NEVER,
            )
        if user.failed_logins:
            draft.put_user(msgspec.structs.replace(user, failed_logins=0))
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
        return Outcome(body, facts, publish=lambda: hsm.attach_login(request.token, login_id))

    return decide
