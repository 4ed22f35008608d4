"""What should happen to one HSM process next: a pure state machine, driven by a clock that is passed in.

::

    RUN      no process → start (after the back-off);  process → leave alone
    STOP     process → SIGTERM, after the grace SIGKILL;  none → the slot is done
    DELETE   as STOP, and when it is gone its traces are removed
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

FIRST_BACKOFF_SECONDS: Final = 0.2
LONGEST_BACKOFF_SECONDS: Final = 30.0
STABLE_AFTER_SECONDS: Final = 60.0
"""A process that lived this long starts the back-off afresh."""
STOP_GRACE_SECONDS: Final = 10.0


class Goal(Enum):
    """What the cluster's records want of an HSM."""

    RUN = auto()
    STOP = auto()
    DELETE = auto()


class Action(Enum):
    """What the supervisor does now."""

    NOTHING = auto()
    START = auto()
    TERMINATE = auto()
    KILL = auto()
    FORGET = auto()


@dataclass(slots=True)
class Slot:
    """One HSM's place: its goal, whether its process runs, and the times that matter (monotonic seconds)."""

    cluster_id: str
    hsm_id: str
    goal: Goal = Goal.RUN
    running: bool = False
    started_at: float = 0.0
    next_start: float = 0.0
    failures: int = 0
    kill_at: float | None = None
    killed: bool = False

    def next_action(self, now: float) -> Action:
        if self.goal is Goal.RUN:
            return Action.START if not self.running and now >= self.next_start else Action.NOTHING
        if not self.running:
            return Action.FORGET
        if self.kill_at is None:
            return Action.TERMINATE
        return Action.KILL if now >= self.kill_at and not self.killed else Action.NOTHING

    def due(self) -> float | None:
        """When :meth:`next_action` may change by itself; ``None`` when only an event changes it."""
        if self.goal is Goal.RUN:
            return None if self.running else self.next_start
        return None if self.killed or not self.running else self.kill_at

    def started(self, now: float) -> None:
        self.running, self.started_at = True, now
        self.kill_at, self.killed = None, False

    def stopping(self, now: float, grace_seconds: float) -> None:
        self.kill_at = now + grace_seconds

    def ended(self, now: float) -> None:
        """The process ended; where it should run, the next start waits longer with each early failure in a row."""
        lived = now - self.started_at
        self.running = False
        self.failed(now, stable=lived >= STABLE_AFTER_SECONDS)

    def failed(self, now: float, *, stable: bool = False) -> None:
        """It ended, or could not be started."""
        self.failures = 1 if stable else self.failures + 1
        self.next_start = now + min(FIRST_BACKOFF_SECONDS * 2 ** (self.failures - 1), LONGEST_BACKOFF_SECONDS)
