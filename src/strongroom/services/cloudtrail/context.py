"""What the operations work with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from strongroom.aws.paging import NextTokens
from strongroom.services.cloudtrail.recorder import TrailRecorder
from strongroom.storage.interface import Store


@dataclass(frozen=True, slots=True)
class Context:
    """Given to every operation."""

    logs: Store
    recorder: TrailRecorder
    clock: Callable[[], float]
    tokens: NextTokens
