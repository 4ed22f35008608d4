"""Quorum tokens and the approvals of them (aws-cloudhsm 3.5): what an operation needs that several users must want.

A token is committed when it is made and deleted in the commit of the operation that it is for, so that it is spent once
in the whole cluster. It is of one login, one service, and for a key's service one key. Signatures are checked outside
the committer, by keys that the boundary bound to their users; whether they still count is decided in it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from strongroom.hsm.audit import APPROVE_TOKEN, AuditFacts, facts_of
from strongroom.hsm.brain import Brain
from strongroom.hsm.drafts import Draft
from strongroom.hsm.messages import Approval
from strongroom.hsm.refusals import Refusal, Rv
from strongroom.hsm.rules import ApprovalRule, QuorumKey, QuorumValues, UserRule
from strongroom.vocabulary.quorum import QUORUM_OFF, SERVICE_NAMES, QuorumService
from strongroom.vocabulary.roles import Role

if TYPE_CHECKING:
    from strongroom._native import KeyApproval, ManagedRequest

MOST_APPROVALS = 64
"""With one operation. Each costs a check of a signature, and no service needs more than 8."""
_CLOCK_SECONDS = 60.0
"""So much may the clock have been set back since a token was made."""
_ADMIN_TYPE, _KEY_TYPE = 1, 2
_RANDOM_LENGTH = 16

NEEDED = "Quorum approval is required for this operation"
INVALID = "Invalid username-signature pair for quorum authorization"
FAILED = "Quorum Failed"


def approval_data(
    hsm_ids: Iterable[str], service: QuorumService, key: int, username: str, random: bytes, now: float
) -> bytes:
    """A block of 80 bytes for each HSM, in AWS's layout."""
    kind = _KEY_TYPE if key else _ADMIN_TYPE
    blocks = []
    for hsm_id in hsm_ids:
        partition = hashlib.sha256(hsm_id.encode()).digest()[:4]
        head = kind.to_bytes(2) + int(service).to_bytes(2) + partition + key.to_bytes(8)
        blocks.append(head + random + username.encode().ljust(32, b"\0") + int(now).to_bytes(8) + bytes(8))
    return b"".join(blocks)


def new_random(brain: Brain) -> bytes:
    """What makes each token another one."""
    return brain.hsm.random(_RANDOM_LENGTH)


def id_of(data: bytes) -> bytes:
    """The token of approval data."""
    return hashlib.sha256(data).digest()


def is_live(draft: Draft, token: ApprovalRule, now: float) -> bool:
    """Whether a token may still be used: its login has not ended, and its time is not over."""
    return is_in_time(token, draft.quorum_values(), now) and draft.login(token.login_id) is not None


def is_in_time(token: ApprovalRule, values: QuorumValues, now: float) -> bool:
    """By the times that are in force now, whichever were when the token was made."""
    return now - values.life_seconds < token.issued_at <= now + _CLOCK_SECONDS


@dataclass(frozen=True, slots=True)
class Checked:
    """A token with approvals whose signatures are right: who approved, by which registration."""

    token_id: bytes
    approvers: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class ForKey:
    """A token with approvals for a key. The boundary checks the signatures, and counts them."""

    checked: Checked | None = None
    signed: tuple[KeyApproval, ...] = ()


@dataclass(frozen=True, slots=True)
class Approved:
    """What an operation may do that was approved, or that needs no approval. ``entries`` name who approved."""

    token_ids: tuple[bytes, ...] = ()
    entries: tuple[AuditFacts, ...] = ()

    def spend(self, draft: Draft) -> None:
        """Once the operation is decided on."""
        for token_id in self.token_ids:
            draft.delete_approval(token_id)

    def and_also(self, other: Approved) -> Approved:
        """Both, of an operation that needs two."""
        return Approved(self.token_ids + other.token_ids, self.entries + other.entries)


def check(brain: Brain, approval: Approval | None) -> Checked | None:
    """Check the signatures, by the keys that are registered now. Refuses a wrong one, whoever else has signed."""
    if approval is None:
        return None
    _check_number(approval)
    brain.replica.catch_up()
    approvers = []
    for given in approval.approvals:
        name = given.username.lower()
        user = brain.replica.users.get(name)
        key = _key_of(user, name, given.role)
        brain.hsm.verify_approval(name, key.sealed, approval.approval_data, given.signature)
        approvers.append((name, key.revision))
    return Checked(id_of(approval.approval_data), tuple(approvers))


def for_key(brain: Brain, approval: Approval | None) -> ForKey:
    """What the boundary is to check: the signatures, with the keys that are registered now."""
    if approval is None:
        return ForKey()
    _check_number(approval)
    brain.replica.catch_up()
    approvers, signed = [], []
    for given in approval.approvals:
        name = given.username.lower()
        key = _key_of(brain.replica.users.get(name), name, given.role)
        approvers.append((name, key.revision))
        signed.append((name, key.sealed, given.signature))
    return ForKey(Checked(id_of(approval.approval_data), tuple(approvers)), ((approval.approval_data, signed),))


def judge_key(
    brain: Brain, draft: Draft, request: ManagedRequest, service: QuorumService, given: ForKey, key: int
) -> Approved:
    """Whether a key's token may be spent; raises before anything is changed. Without one the boundary has decided."""
    if given.checked is None:
        return Approved()
    own_token(brain, draft, request, given.checked.token_id, service, key)
    return Approved((given.checked.token_id,), entries(request, _current(draft, given.checked), key))


def judge(
    brain: Brain, draft: Draft, request: ManagedRequest, service: QuorumService, checked: Checked | None
) -> Approved:
    """Whether an operation of an admin may go on; raises before anything is changed."""
    needed = draft.quorum_values().of(service)
    if checked is None:
        if needed > QUORUM_OFF:
            raise Refusal(Rv.ACTION_PROHIBITED, NEEDED)
        return Approved()
    own_token(brain, draft, request, checked.token_id, service)
    admins = [user for user in _current(draft, checked) if user.role is Role.ADMIN]
    count = _number(admins)
    if count < needed > QUORUM_OFF:
        raise too_few(count, needed)
    return Approved((checked.token_id,), entries(request, admins))


def _number(approvers: Iterable[UserRule]) -> int:
    """How many approvals there are: two users with one key are one."""
    return len({user.quorum_key.public_key for user in approvers if user.quorum_key is not None})


def count(brain: Brain, approval: Approval | None) -> tuple[bytes, int]:
    """A token and how many have approved it who may, for whoever wants to know before it is used.

    Nothing is decided by this: the operation that spends the token counts again.
    """
    checked = check(brain, approval)
    if checked is None:
        return b"", 0
    token = brain.replica.approvals.get(checked.token_id)
    users = [brain.replica.users[name] for name, _ in checked.approvers if name in brain.replica.users]
    if token is not None and token.key:
        return checked.token_id, _number(user for user in users if _sees(brain, user, token.key))
    return checked.token_id, _number(user for user in users if user.role is Role.ADMIN)


def _sees(brain: Brain, user: UserRule, key: int) -> bool:
    return user.role is Role.CRYPTO_USER and brain.hsm.sees(brain.make_caller(user.username, user.role, 0, ()), key)


def own_token(
    brain: Brain, draft: Draft, request: ManagedRequest, token_id: bytes, service: QuorumService, key: int = 0
) -> ApprovalRule:
    """The token of this login for this service and key; refuses every other one, and those that are spent or dead."""
    token = draft.approval(token_id)
    if token is None or not is_live(draft, token, brain.clock()):
        raise Refusal(
            Rv.ACTION_PROHIBITED,
            f"{INVALID}: {dead(draft.quorum_values())}",
        )
    if (token.username, token.login_id) != (request.username, request.login_id):
        raise Refusal(Rv.ACTION_PROHIBITED, f"{FAILED}: the token was made in another login, and is good in that one")
    if token.service is not service:
        raise Refusal(
            Rv.ACTION_PROHIBITED,
            f"{FAILED}: the token is for the service {SERVICE_NAMES[token.service]}, and this operation needs one for "
            f"{SERVICE_NAMES[service]}",
        )
    if token.key != key:
        raise Refusal(
            Rv.ACTION_PROHIBITED, f"{FAILED}: the token is for the key {token.key:#018x}, not for {key:#018x}"
        )
    return token


def dead(values: QuorumValues) -> str:
    """Why a token that was given is not good, and what to do."""
    return (
        f"the token was used or deleted, is older than {values.life_seconds} seconds, or its login has ended; make a "
        "new one with quorum token-sign generate"
    )


def too_few(count: int, needed: int) -> Refusal:
    return Refusal(
        Rv.ACTION_PROHIBITED,
        f"Too few quorum approvals: currently {count} approvals, but {needed} approvals required",
    )


def entries(request: ManagedRequest, approvers: Sequence[UserRule], key: int = 0) -> tuple[AuditFacts, ...]:
    """An entry for each approver, after that of the operation."""
    facts = facts_of(request)
    if facts is None:
        return ()
    told = replace(facts, operation="approve_token", opcode=APPROVE_TOKEN, private_reference=key, public_reference=0)
    return tuple(replace(told, username=user.username, role=user.role) for user in approvers)


def _check_number(approval: Approval) -> None:
    if len(approval.approvals) > MOST_APPROVALS:
        raise Refusal(Rv.ARGUMENTS_BAD, f"at most {MOST_APPROVALS} approvals are taken with one operation")


def _current(draft: Draft, checked: Checked) -> list[UserRule]:
    """The approvers whose registration is still the one that their signature was checked by."""
    users = []
    for name, revision in sorted(set(checked.approvers)):
        user = draft.user(name)
        if user is None or user.locked or user.quorum_key is None or user.quorum_key.revision != revision:
            raise Refusal(
                Rv.ACTION_PROHIBITED,
                f"{INVALID}: {name} has been locked, deleted or registered anew since; have the token approved again",
            )
        users.append(user)
    return users


def _key_of(user: UserRule | None, name: str, role: int) -> QuorumKey:
    """The key of an approver. ``role`` is 0 where it was not said."""
    if user is None or user.quorum_key is None or user.locked or role not in {Role.NONE, user.role}:
        raise Refusal(
            Rv.ACTION_PROHIBITED,
            f"{INVALID}: there is no user {name[:31]} of that role who is not locked and has registered a key for "
            "quorum approvals",
        )
    return user.quorum_key
