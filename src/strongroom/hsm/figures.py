"""What this HSM counts of itself, for ``metrics/<hsm id>``: the data plane's figures and the brain's."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from strongroom.hsm.brain import Brain
from strongroom.storage.interface import Write
from strongroom.vocabulary.records import LOG_CHANGES, METRICS, HsmMetrics, OperationFigures


class Figures:
    """Reads the figures; nothing is counted here."""

    def __init__(self, brain: Brain, hsm_id: str, *, started_at: float, audit_backlog: Callable[[], int]) -> None:
        """``audit_backlog`` says how many requests wait for the committer; ``started_at`` is Unix seconds."""
        self._brain = brain
        self._hsm_id = hsm_id
        self._started_at = started_at
        self._audit_backlog = audit_backlog

    def read(self) -> HsmMetrics:
        """The figures now. Raises :class:`StoreError` when the store cannot say what its newest change is."""
        brain = self._brain
        users = list(brain.replica.users.values())
        newest = brain.store.scan(LOG_CHANGES, limit=1, reverse=True)
        revision = newest[0].sequence + 1 if newest else 0
        return HsmMetrics(
            hsm_id=self._hsm_id,
            at=brain.clock(),
            started_at=self._started_at,
            users=len(users),
            users_locked=sum(user.locked for user in users),
            users_max=brain.settings.max_users,
            token_keys=brain.replica.object_total,
            store_lag=max(revision - brain.replica.revision, 0),
            audit_backlog=self._audit_backlog(),
            damaged_records=len(brain.replica.damaged),
            engine=brain.hsm.statistics(),
            operations=[OperationFigures(*row) for row in brain.hsm.operation_figures()],
        )

    def write(self) -> Write:
        """The record as it is to be written."""
        return Write(METRICS + self._hsm_id, msgspec.msgpack.encode(self.read()))
