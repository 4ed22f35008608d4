"""Users: activate, create, delete, list, change password (aws-cloudhsm 3.1 to 3.3)."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from strongroom.hsm import approvals
from strongroom.hsm.audit import CREATE_CO, AuditFacts, facts_of
from strongroom.hsm.brain import Brain, Reply, live_login, proposal, role_of
from strongroom.hsm.drafts import Draft, Outcome, Proposal
from strongroom.hsm.logins import address_of
from strongroom.hsm.messages import (
    ActivateRequest,
    ChangeMfaRequest,
    ChangePasswordRequest,
    UserDeleteRequest,
    UserRequest,
    read,
)
from strongroom.hsm.quorum import check_admins_without
from strongroom.hsm.refusals import Refusal, Rv
from strongroom.hsm.rules import APPLIANCE_USER, QuorumKey, SecondFactor, UserRule
from strongroom.hsm.second_factor import check_own, check_registration
from strongroom.hsm.sharing import Withdrawal
from strongroom.storage.interface import Compare, Write
from strongroom.vocabulary.quorum import QuorumService
from strongroom.vocabulary.records import STATUS_CLUSTER, ClusterStatus
from strongroom.vocabulary.roles import CLI_NAMES, Role

if TYPE_CHECKING:
    from strongroom._native import ManagedRequest, SecretTicket

FIRST_ADMIN = "admin"
NAME = re.compile(r"[A-Za-z0-9_]{1,31}")
PASSWORD_LENGTHS = range(8, 33)


def activate(brain: Brain, request: ManagedRequest) -> Proposal:
    """The first password of the unactivated admin; of several at once exactly one wins."""
    message = read(request.body, ActivateRequest)
    name = message.username.lower()
    _check_password(message.password)
    if not brain.admission.admit(address_of(request.peer), name):
        raise Refusal(Rv.FUNCTION_FAILED, "too many attempts from this address: wait a few seconds")
    brain.replica.catch_up()
    _unactivated(brain.replica.users.get(name), name)
    verifier = brain.hsm.make_verifier(message.password)
    facts = _facts(request, name, Role.UNACTIVATED_ADMIN)

    def decide(draft: Draft) -> Outcome:
        user = _unactivated(draft.user(name), name)
        draft.put_user(msgspec.structs.replace(user, role=Role.ADMIN, verifier=verifier, epoch=draft.revision))
        record = brain.store.get(STATUS_CLUSTER)
        status = msgspec.msgpack.decode(record.value, type=ClusterStatus) if record else ClusterStatus()
        draft.put_open(
            Write(STATUS_CLUSTER, msgspec.msgpack.encode(msgspec.structs.replace(status, activated=True))),
            Compare(STATUS_CLUSTER, record.revision if record else None),
        )
        return Outcome(_about(name, Role.ADMIN), facts, narrowing=True)

    return proposal(request, decide, facts=facts)


def user_create(brain: Brain, request: ManagedRequest) -> Proposal:
    message = read(request.body, UserRequest)
    name = _new_name(message.username)
    role = role_of(message.role)
    if role not in {Role.CRYPTO_USER, Role.ADMIN}:
        raise Refusal(Rv.ARGUMENTS_BAD, "a user is created with the role crypto-user or admin")
    _check_password(message.password)
    _absent(brain.replica.users.get(name))
    checked = approvals.check(brain, message.approval)
    verifier = brain.hsm.make_verifier(message.password)
    facts = _facts(request, name, role)
    if facts is not None and role is Role.ADMIN:
        facts = replace(facts, opcode=CREATE_CO)

    def decide(draft: Draft) -> Outcome:
        live_login(draft, request)
        _absent(draft.user(name))
        if draft.user_total() >= brain.settings.max_users:
            raise Refusal(
                Rv.DEVICE_MEMORY, f"the cluster has its limit of {brain.settings.max_users} users: delete one first"
            )
        approved = approvals.judge(brain, draft, request, QuorumService.USER, checked)
        approved.spend(draft)
        draft.put_user(
            UserRule(username=name, role=role, epoch=draft.revision, verifier=verifier, created_at=brain.clock())
        )
        return Outcome(_about(name, role), facts, further=approved.entries)

    return proposal(request, decide, facts=facts)


def user_delete(brain: Brain, request: ManagedRequest) -> Proposal:
    """Refused while the user owns keys or is logged in (aws-cloudhsm 3.3).

    Keys of others are no longer shared with it.
    """
    message = read(request.body, UserDeleteRequest)
    name, role = message.username.lower(), role_of(message.role)
    facts = _facts(request, name, role)
    checked = approvals.check(brain, message.approval)
    withdrawal = Withdrawal(brain.hsm, name)

    def decide(draft: Draft) -> Outcome:
        live_login(draft, request)
        _present(draft.user(name), name, role)
        if role is Role.APPLIANCE_USER:
            raise Refusal(Rv.ACTION_PROHIBITED, f"{name} belongs to the HSM and cannot be deleted")
        if draft.logins_of(name):
            raise Refusal(Rv.ACTION_PROHIBITED, f"{name} is logged in: it can be deleted once it has logged out")
        owned = brain.hsm.object_count(name)
        if owned:
            raise Refusal(Rv.ACTION_PROHIBITED, f"{name} owns {owned} keys: delete them first, logged in as that user")
        if role is Role.ADMIN:
            check_admins_without(draft, name)
        approved = approvals.judge(brain, draft, request, QuorumService.USER, checked)
        withdrawal.decide(draft)
        approved.spend(draft)
        draft.delete_user(name)
        return Outcome(_about(name, role), facts, narrowing=True, publish=withdrawal.publish, further=approved.entries)

    return proposal(request, decide, facts=facts, discard=withdrawal.discard)


def user_list(brain: Brain, request: ManagedRequest) -> Reply:
    """Needs no login, as on AWS (aws-cloudhsm 3.2)."""
    del request
    brain.replica.catch_up()
    users = [
        {
            "username": user.username,
            "role": int(user.role),
            "locked": user.locked,
            "mfa": user.second_factor is not None,
            "quorum": user.quorum_key is not None,
        }
        for _, user in sorted(brain.replica.users.items())
    ]
    return Reply({"users": users})


def change_password(brain: Brain, request: ManagedRequest) -> Proposal:
    """An admin changes any password, everybody the own one; no old password is asked for. Unlocks the user.

    A second factor and a key for quorum approvals stay unless they are deregistered. That of another user is changed
    under the service ``user``.
    """
    message = read(request.body, ChangePasswordRequest)
    name, role = message.username.lower(), role_of(message.role)
    facts = _facts(request, name, role)
    if request.role != Role.ADMIN and name != request.username:
        raise Refusal(Rv.USER_TYPE_INVALID, "only an admin changes the password of another user")
    _check_password(message.password)
    _changeable(_present(brain.replica.users.get(name), name, role))
    checked = approvals.check(brain, message.approval)
    verifier = brain.hsm.make_verifier(message.password)

    def decide(draft: Draft) -> Outcome:
        live_login(draft, request)
        user = _present(draft.user(name), name, role)
        _changeable(user)
        approved = _approved(brain, draft, request, name, checked)
        approved.spend(draft)
        factor = None if message.deregister_mfa else user.second_factor
        quorum_key = None if message.deregister_quorum else user.quorum_key
        _put_credentials(draft, request, user, verifier, factor, quorum_key)
        return Outcome(_about(name, role), facts, narrowing=True, further=approved.entries)

    return proposal(request, decide, facts=facts)


def change_mfa(brain: Brain, request: ManagedRequest) -> Proposal:
    """Register a user's second factor, or deregister it, with a new password (aws-cloudhsm 3.4).

    An admin does it for anybody, everybody for himself. Whoever registers a key shows that its private half is at hand
    by signing a token. The same key may be registered for quorum approvals with it, and goes with it.
    """
    message = read(request.body, ChangeMfaRequest)
    name, role = message.username.lower(), role_of(message.role)
    facts = _facts(request, name, role)
    check_own(request, name)
    _check_password(message.password)
    brain.replica.catch_up()
    known = _present(brain.replica.users.get(name), name, role)
    _changeable(known)
    sealed = b""
    if message.public_key is not None:
        brain.hsm.check_second_factor(message.public_key)
        check_registration(brain, message.token or b"", request, known)
        if not brain.hsm.verify_second_factor(message.public_key, message.token or b"", message.signature or b""):
            raise Refusal(
                Rv.SIGNATURE_INVALID, "the token was not signed by the private key of the public key that was given"
            )
        if message.change_quorum:
            sealed = brain.hsm.seal_quorum_key(name, message.public_key, message.token or b"", message.signature or b"")
    checked = approvals.check(brain, message.approval)
    verifier = brain.hsm.make_verifier(message.password)

    def decide(draft: Draft) -> Outcome:
        live_login(draft, request)
        user = _present(draft.user(name), name, role)
        _changeable(user)
        factor = None
        if message.public_key is not None:
            check_registration(brain, message.token or b"", request, user)
            # What was used with a factor before is forgotten with it, and must not be good again.
            factor = SecondFactor(message.public_key, draft.revision, void_until=brain.clock())
        approved = _approved(brain, draft, request, name, checked)
        approved.spend(draft)
        quorum_key = _quorum_key_with(message, user, sealed, draft.revision)
        _put_credentials(draft, request, user, verifier, factor, quorum_key)
        return Outcome(_about(name, role), facts, narrowing=True, further=approved.entries)

    return proposal(request, decide, facts=facts)


def _approved(
    brain: Brain, draft: Draft, request: ManagedRequest, name: str, checked: approvals.Checked | None
) -> approvals.Approved:
    """What users do to themselves needs no approval."""
    if name == request.username and checked is None:
        return approvals.Approved()
    return approvals.judge(brain, draft, request, QuorumService.USER, checked)


def _quorum_key_with(message: ChangeMfaRequest, user: UserRule, sealed: bytes, revision: int) -> QuorumKey | None:
    """The key for quorum approvals after a change of the second factor. A key that is both goes as both."""
    if message.public_key is not None:
        return QuorumKey(message.public_key, sealed, revision) if message.change_quorum else user.quorum_key
    factor, key = user.second_factor, user.quorum_key
    is_both = factor is not None and key is not None and factor.public_key == key.public_key
    return None if message.change_quorum or is_both else key


def _put_credentials(
    draft: Draft,
    request: ManagedRequest,
    user: UserRule,
    verifier: bytes,
    factor: SecondFactor | None,
    quorum_key: QuorumKey | None,
) -> None:
    """Every other login of the user ends. The caller's own goes on, with its connections to every HSM, so the epoch
    rises only where none is left.
    """
    epoch = user.epoch if user.username == request.username else draft.revision
    draft.put_user(
        msgspec.structs.replace(
            user,
            verifier=verifier,
            second_factor=factor,
            quorum_key=quorum_key,
            epoch=epoch,
            failed_logins=0,
            locked=False,
        )
    )
    for login in draft.logins_of(user.username):
        if login.login_id != request.login_id:
            draft.delete_login(login.login_id)


def first_users(now: float, revision: int) -> list[UserRule]:
    """The users of a new cluster (aws-cloudhsm 3.1)."""
    return [
        UserRule(username=FIRST_ADMIN, role=Role.UNACTIVATED_ADMIN, epoch=revision, created_at=now),
        UserRule(username=APPLIANCE_USER, role=Role.APPLIANCE_USER, epoch=revision, created_at=now),
    ]


def _about(name: str, role: Role) -> dict[str, object]:
    return {"username": name, "role": int(role)}


def _facts(request: ManagedRequest, name: str, role: Role) -> AuditFacts | None:
    """Entries of user operations name the user that they are about (aws-cloudhsm 7.2)."""
    facts = facts_of(request)
    return replace(facts, username=name[:31], role=role) if facts else None


def _new_name(name: str) -> str:
    if NAME.fullmatch(name) is None:
        raise Refusal(Rv.ARGUMENTS_BAD, "a user name has 1 to 31 characters: letters, digits and _")
    return name.lower()


def _check_password(password: SecretTicket) -> None:
    if len(password) not in PASSWORD_LENGTHS:
        raise Refusal(Rv.PIN_LEN_RANGE, "a password has 8 to 32 characters")


def _unactivated(user: UserRule | None, name: str) -> UserRule:
    if user is None:
        raise Refusal(Rv.ARGUMENTS_BAD, f"there is no user {name[:31]}: the cluster is activated as the user admin")
    if user.role is not Role.UNACTIVATED_ADMIN:
        raise Refusal(Rv.ACTION_PROHIBITED, "the cluster is activated already: log in with the admin's password")
    return user


def _absent(user: UserRule | None) -> None:
    if user is not None:
        raise Refusal(Rv.ARGUMENTS_BAD, f"there is a user {user.username} already: choose another name")


def _present(user: UserRule | None, name: str, role: Role) -> UserRule:
    if user is None or user.role is not role:
        raise Refusal(Rv.ARGUMENTS_BAD, f"there is no user {name[:31]} with the role {CLI_NAMES[role]}")
    return user


def _changeable(user: UserRule) -> None:
    if user.role is Role.UNACTIVATED_ADMIN:
        raise Refusal(Rv.ACTION_PROHIBITED, "the first password of the admin is set with cluster activate")
    if user.role is Role.APPLIANCE_USER:
        raise Refusal(Rv.ACTION_PROHIBITED, f"{user.username} belongs to the HSM and has no password")
