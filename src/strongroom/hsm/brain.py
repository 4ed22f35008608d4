"""What the handlers of managed requests work with."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from strongroom.hsm.audit import AuditFacts, facts_of
from strongroom.hsm.drafts import Draft, Outcome, Proposal
from strongroom.hsm.lockout import Admission
from strongroom.hsm.rates import Rate
from strongroom.hsm.refusals import Refusal, Rv
from strongroom.hsm.replica import Replica
from strongroom.hsm.rules import LoginRule
from strongroom.hsm.settings import Settings
from strongroom.storage.interface import Store
from strongroom.vocabulary.operations import RULES, Operation
from strongroom.vocabulary.roles import Role

if TYPE_CHECKING:
    from strongroom._native import Caller, Hsm, KeyApproval, ManagedRequest


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a request that changes nothing and is not audited."""

    body: dict[str, object]


@dataclass(frozen=True, slots=True)
class Brain:
    """One HSM's state and rooms. ``clock`` gives Unix seconds."""

    hsm: Hsm
    store: Store
    replica: Replica
    settings: Settings
    make_caller: Callable[[str, int, int, Sequence[KeyApproval]], Caller]
    admission: Admission = field(default_factory=Admission)
    certificate_writes: Rate = field(default_factory=lambda: Rate(0))
    clock: Callable[[], float] = time.time

    def caller(self, request: ManagedRequest, approvals: Sequence[KeyApproval] = ()) -> Caller:
        """Who the boundary acts for, and what others have approved of it."""
        return self.make_caller(request.username, request.role, request.login_id, approvals)


Handler = Callable[[Brain, "ManagedRequest"], Proposal | Reply]


def proposal(
    request: ManagedRequest,
    decide: Callable[[Draft], Outcome],
    *,
    facts: AuditFacts | None = None,
    discard: Callable[[], None] | None = None,
) -> Proposal:
    """A request's proposal; its result is remembered where the operation table says so."""
    made = Proposal(
        request=request,
        facts=facts or facts_of(request),
        decide=decide,
        remembered=RULES[Operation(request.operation)].retry in {"create", "change"},
    )
    if discard is not None:
        made.discard = discard
    return made


def refused(request: ManagedRequest, refusal: Refusal) -> Proposal:
    """A refusal of an audited operation, on its way to its audit entry."""

    def decide(_draft: Draft) -> Outcome:
        raise refusal

    return Proposal(request=request, facts=facts_of(request), decide=decide)


def live_login(draft: Draft, request: ManagedRequest) -> LoginRule:
    """The request's login, which may have ended since the engine let the request in."""
    login = draft.login(request.login_id)
    user = draft.user(request.username)
    if login is None or user is None or login.epoch != user.epoch:
        raise Refusal(Rv.USER_NOT_LOGGED_IN, "the login has ended: log in again")
    return login


def role_of(number: int) -> Role:
    """The role of a number that a client sent."""
    try:
        return Role(number)
    except ValueError as error:
        raise Refusal(Rv.ARGUMENTS_BAD, f"there is no role {number}") from error
