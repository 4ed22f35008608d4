"""What the operations work with."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from strongroom.aws.paging import NextTokens
from strongroom.services.cloudwatch.hsm_points import NAMESPACE, HsmPoints
from strongroom.services.cloudwatch.metric import Metric, Sample
from strongroom.services.cloudwatch.retention import oldest_minute
from strongroom.services.cloudwatch.user_points import UserPoints


@dataclass(frozen=True, slots=True)
class Context:
    """Given to every operation."""

    hsm_points: HsmPoints
    user_points: UserPoints
    clock: Callable[[], float]
    tokens: NextTokens

    def samples(self, account: str, metric: Metric, start: int, end: int) -> Iterable[Sample]:
        """A metric's samples of the minutes ``start <= minute < end``, as far back as they are kept; none of an unknown
        metric.
        """
        now = self.clock()
        start, end = max(start, oldest_minute(now)), min(end, int(now // 60) + 180)
        points = self.hsm_points if metric.namespace == NAMESPACE else self.user_points
        return points.samples(account, metric, start, end)
