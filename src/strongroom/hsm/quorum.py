"""Quorum (aws-cloudhsm 3.5): tokens are made, listed and deleted; values are set; users register their keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from strongroom.hsm import approvals
from strongroom.hsm.audit import facts_of
from strongroom.hsm.brain import Brain, Reply, live_login, proposal
from strongroom.hsm.drafts import Draft, Outcome, Proposal
from strongroom.hsm.messages import (
    DeleteQuorumTokensRequest,
    QuorumTokenRequest,
    QuorumTokensRequest,
    RegisterQuorumRequest,
    SetQuorumTimeoutRequest,
    SetQuorumValueRequest,
    read,
)
from strongroom.hsm.refusals import Refusal, Rv
from strongroom.hsm.rules import ApprovalRule, QuorumKey, QuorumValues
from strongroom.storage.interface import prefix_end
from strongroom.vocabulary.quorum import (
    ADMIN_SERVICES,
    KEY_SERVICES,
    LARGEST_QUORUM,
    QUORUM_OFF,
    SERVICE_NAMES,
    TIMEOUTS,
    QuorumService,
)
from strongroom.vocabulary.records import DESIRED_HSM
from strongroom.vocabulary.roles import Role

if TYPE_CHECKING:
    from strongroom._native import ManagedRequest


def quorum_token(brain: Brain, request: ManagedRequest) -> Proposal:
    """A token for one operation of this login."""
    message = read(request.body, QuorumTokenRequest)
    service, key = _service(message.service), message.key or 0
    _check_asked(brain, request, service, key)
    members = [
        record.key.removeprefix(DESIRED_HSM) for record in brain.store.list(DESIRED_HSM, prefix_end(DESIRED_HSM))
    ]
    now, random = brain.clock(), approvals.new_random(brain)
    data = approvals.approval_data(members, service, key, request.username, random, now)
    token = ApprovalRule(approvals.id_of(data), service, request.username, request.login_id, now, key)
    facts = facts_of(request)

    def decide(draft: Draft) -> Outcome:
        live_login(draft, request)
        _make_room(draft, token, now, brain.settings.max_quorum_tokens)
        draft.put_approval(token)
        return Outcome({"approval_data": data, "lifetime_seconds": draft.quorum_values().life_seconds}, facts)

    return proposal(request, decide, facts=facts)


def quorum_tokens(brain: Brain, request: ManagedRequest) -> Reply:
    """All tokens that may still be used.

    Their approvals are with those who ask for them: who gives some is told whether they are right and how many they
    are, as far as this can be known before they are used.
    """
    message = read(request.body, QuorumTokensRequest)
    brain.replica.catch_up()
    now, values = brain.clock(), brain.replica.quorum_values()
    approved, number = approvals.count(brain, message.approval)
    live = [
        token
        for token in list(brain.replica.approvals.values())
        if approvals.is_in_time(token, values, now) and token.login_id in brain.replica.logins
    ]
    if message.approval is not None and all(token.token_id != approved for token in live):
        raise Refusal(Rv.ACTION_PROHIBITED, f"{approvals.INVALID}: {approvals.dead(values)}")
    views = []
    for token in sorted(live, key=lambda token: token.issued_at):
        view: dict[str, object] = {
            "username": token.username,
            "service": int(token.service),
            "approvals_required": _needed(brain, values, token),
            "timeout_seconds": max(int(token.issued_at + values.life_seconds - now), 0),
            "number_of_approvals": number if token.token_id == approved else 0,
        }
        views.append(view | ({"key": token.key} if token.key else {}))
    return Reply({"tokens": views})


def delete_quorum_tokens(brain: Brain, request: ManagedRequest) -> Proposal:
    """The caller's, or everybody's."""
    message = read(request.body, DeleteQuorumTokensRequest)

    def decide(draft: Draft) -> Outcome:
        live_login(draft, request)
        for token in draft.approvals() if message.all else draft.approvals_of(request.username):
            draft.delete_approval(token.token_id)
        return Outcome({}, facts_of(request))

    del brain
    return proposal(request, decide)


def quorum_values(brain: Brain, request: ManagedRequest) -> Reply:
    """How many approvals each service of admins needs; everybody may know."""
    del request
    brain.replica.catch_up()
    values = brain.replica.quorum_values()
    return Reply({SERVICE_NAMES[service]: values.of(service) for service in ADMIN_SERVICES})


def set_quorum_value(brain: Brain, request: ManagedRequest) -> Proposal:
    """Approved by as many as the service ``quorum`` needs: any admin turns it on."""
    message = read(request.body, SetQuorumValueRequest)
    service = _service(message.service)
    if service not in ADMIN_SERVICES:
        names = ", ".join(SERVICE_NAMES[known] for known in ADMIN_SERVICES)
        raise Refusal(Rv.ARGUMENTS_BAD, f"values are set for the services {names}; a key's are set when it is made")
    if not QUORUM_OFF <= message.value <= LARGEST_QUORUM:
        raise Refusal(Rv.ARGUMENTS_BAD, f"a quorum value is {QUORUM_OFF} (no approval is needed) to {LARGEST_QUORUM}")
    checked = approvals.check(brain, message.approval)
    facts = facts_of(request)

    def decide(draft: Draft) -> Outcome:
        live_login(draft, request)
        check_admins(draft, message.value)
        approved = approvals.judge(brain, draft, request, QuorumService.QUORUM, checked)
        approved.spend(draft)
        values = draft.quorum_values()
        draft.put_quorum(msgspec.structs.replace(values, **{SERVICE_NAMES[service]: message.value}))
        return Outcome({}, facts, narrowing=True, further=approved.entries)

    return proposal(request, decide, facts=facts)


def quorum_timeouts(brain: Brain, request: ManagedRequest) -> Reply:
    """How long tokens are good for; everybody may know."""
    del request
    brain.replica.catch_up()
    values = brain.replica.quorum_values()
    return Reply({"generated": values.generated_seconds, "approved": values.approved_seconds})


def set_quorum_timeout(brain: Brain, request: ManagedRequest) -> Proposal:
    """Approved as quorum values are. Tokens that there are obey it at once."""
    message = read(request.body, SetQuorumTimeoutRequest)
    given = {"generated_seconds": message.generated, "approved_seconds": message.approved}
    changed = {name: seconds for name, seconds in given.items() if seconds is not None}
    if not changed:
        raise Refusal(Rv.ARGUMENTS_BAD, "say for how long: generated, approved or both")
    if any(seconds not in TIMEOUTS for seconds in changed.values()):
        raise Refusal(
            Rv.ARGUMENTS_BAD, f"the timeout of quorum tokens is {TIMEOUTS[0]} to {TIMEOUTS[-1]} seconds (a day)"
        )
    checked = approvals.check(brain, message.approval)
    facts = facts_of(request)

    def decide(draft: Draft) -> Outcome:
        live_login(draft, request)
        approved = approvals.judge(brain, draft, request, QuorumService.QUORUM, checked)
        approved.spend(draft)
        draft.put_quorum(msgspec.structs.replace(draft.quorum_values(), **changed))
        return Outcome({}, facts, narrowing=True, further=approved.entries)

    return proposal(request, decide, facts=facts)


def register_quorum(brain: Brain, request: ManagedRequest) -> Proposal:
    """The caller's key for approvals, from now on; shown to be at hand by its signature over a token."""
    message = read(request.body, RegisterQuorumRequest)
    name = request.username
    brain.replica.catch_up()
    sealed = brain.hsm.seal_quorum_key(name, message.public_key, message.approval_data, message.signature)
    token_id = approvals.id_of(message.approval_data)
    facts = facts_of(request)

    def decide(draft: Draft) -> Outcome:
        live_login(draft, request)
        user = draft.user(name)
        if user is None:
            raise Refusal(Rv.USER_NOT_LOGGED_IN, "the user was deleted")
        approvals.own_token(brain, draft, request, token_id, QuorumService.REGISTRATION)
        draft.delete_approval(token_id)
        key = QuorumKey(message.public_key, sealed, draft.revision)
        draft.put_user(msgspec.structs.replace(user, quorum_key=key))
        return Outcome({"username": name, "role": int(user.role)}, facts)

    return proposal(request, decide, facts=facts)


def check_admins(draft: Draft, value: int, without: str = "") -> None:
    """Refuse what would leave fewer admins than must approve: nobody could ever change anything again."""
    if value == QUORUM_OFF:
        return
    admins = sum(user.role is Role.ADMIN and user.username != without for user in draft.users())
    if admins < value:
        raise Refusal(
            Rv.ACTION_PROHIBITED,
            f"{value} admins must approve, and there would be only {admins}: nobody could approve anything any more, "
            "also not a change back",
        )


def check_admins_without(draft: Draft, username: str) -> None:
    """As :func:`check_admins`, before an admin is deleted."""
    values = draft.quorum_values()
    check_admins(draft, max(values.of(service) for service in ADMIN_SERVICES), without=username)


def _service(number: int) -> QuorumService:
    try:
        return QuorumService(number)
    except ValueError as error:
        raise Refusal(Rv.ARGUMENTS_BAD, f"there is no quorum service {number}") from error


def _needed(brain: Brain, values: QuorumValues, token: ApprovalRule) -> int:
    """How many must approve what a token is for, now."""
    if token.service in ADMIN_SERVICES:
        return values.of(token.service)
    manage, usage = brain.hsm.quorum_of(token.key) or (QUORUM_OFF, QUORUM_OFF)
    return usage if token.service is QuorumService.KEY_USAGE else manage


def _check_asked(brain: Brain, request: ManagedRequest, service: QuorumService, key: int) -> None:
    if service in KEY_SERVICES:
        _check_key(brain, request, service, key)
        return
    if service in ADMIN_SERVICES and request.role != Role.ADMIN:
        raise Refusal(
            Rv.USER_TYPE_INVALID, f"a token for the service {SERVICE_NAMES[service]} is made by an admin: log in as one"
        )
    if key:
        raise Refusal(Rv.ARGUMENTS_BAD, f"a token for the service {SERVICE_NAMES[service]} is for no key")


def _check_key(brain: Brain, request: ManagedRequest, service: QuorumService, key: int) -> None:
    """Crypto-users ask for what they do with a key; an admin asks to trust one, which is a change of an attribute."""
    if request.role == Role.ADMIN and service is QuorumService.KEY_USAGE:
        raise Refusal(Rv.USER_TYPE_INVALID, "keys are used by crypto-users: log in as one")
    caller = brain.caller(request)
    if not brain.hsm.sees(caller, key):
        brain.replica.catch_up()
    if not brain.hsm.sees(caller, key):
        raise Refusal(Rv.KEY_HANDLE_INVALID, f"no object {key:#018x} that this user may use")
    if brain.hsm.quorum_of(key) is None:
        raise Refusal(
            Rv.ARGUMENTS_BAD, f"the key {key:#018x} has no quorum values: nothing that is done with it needs approval"
        )


def _make_room(draft: Draft, token: ApprovalRule, now: float, most: int) -> None:
    """Drop dead tokens: the user's own, and everybody's once there is no room. Raises before it changes anything."""
    mine = draft.approvals_of(token.username)
    is_single = token.service in ADMIN_SERVICES
    if is_single and any(known.service is token.service and approvals.is_live(draft, known, now) for known in mine):
        raise Refusal(
            Rv.ACTION_PROHIBITED,
            f"{token.username} has a token for the service {SERVICE_NAMES[token.service]} already: use it, or delete "
            "it with quorum token-sign delete --scope user",
        )
    looked_at = draft.approvals() if draft.approval_total() >= most else mine
    dead = [known for known in looked_at if not approvals.is_live(draft, known, now)]
    if draft.approval_total() - len(dead) >= most:
        raise Refusal(
            Rv.DEVICE_MEMORY,
            f"the cluster has its limit of {most} quorum tokens: wait until some are used or have run "
            "out, or have an admin delete them with quorum token-sign delete --scope all",
        )
    for known in dead:
        draft.delete_approval(known.token_id)
