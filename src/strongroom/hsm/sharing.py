"""Sharing of keys (aws-cloudhsm 5.5): who may be named, what the audit log tells, and its end when a user is deleted.

The boundary lets nobody but a key's owner share it, and those whom it is shared with use it and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from strongroom.hsm.audit import SHARE_OBJECT, AuditFacts
from strongroom.hsm.drafts import Draft, Later
from strongroom.hsm.refusals import Refusal, Rv
from strongroom.vocabulary.operations import Operation
from strongroom.vocabulary.roles import Role

if TYPE_CHECKING:
    from strongroom._native import Hsm, ManagedRequest


def check_user(draft: Draft, username: str) -> None:
    """Keys are shared with crypto-users that there are."""
    user = draft.user(username)
    if user is None or user.role is not Role.CRYPTO_USER:
        raise Refusal(Rv.ARGUMENTS_BAD, f"there is no crypto-user {username[:31]}: a key is shared with crypto-users")


def check_number(usernames: Sequence[str], most: int) -> None:
    """Nobody shares a key with more users than there may be."""
    if len(usernames) > most:
        raise Refusal(Rv.ARGUMENTS_BAD, f"a key is shared with at most {most} users, the limit of the cluster")


def entry(request: ManagedRequest, reference: int, username: str) -> AuditFacts:
    """The entry of a key that is shared from its beginning."""
    return AuditFacts(
        operation=Operation.SHARE_KEY.name.lower(),
        opcode=SHARE_OBJECT,
        session=request.session,
        username=username[:31],
        role=Role.CRYPTO_USER,
        private_reference=reference,
        request_id=request.request_id,
    )


class Withdrawal:
    """No key stays shared with a user who is deleted, so that nobody who is given that name later may use it."""

    def __init__(self, hsm: Hsm, username: str) -> None:
        self._hsm = hsm
        self._username = username
        self._staged: list[int] = []

    def decide(self, draft: Draft) -> None:
        """Put the keys without that user into the draft."""
        self.discard()
        references = self._hsm.references_shared_with(self._username)
        if draft.shares_with(self._username) or any(draft.touches(reference) for reference in references):
            raise Later
        made = []
        for reference in references:
            made.append(self._hsm.withdraw(reference, self._username))
            self._staged.append(reference)
        for staged in made:
            draft.put_object(staged.reference, staged.version, staged.record)

    def publish(self) -> None:
        """After the commit."""
        self._hsm.publish(self._staged)

    def discard(self) -> None:
        """It was not committed, or is decided again."""
        self._hsm.discard(self._staged)
        self._staged = []
