"""What audit entries cost: durable keys in this cluster against one whose store drops the entries of the same work."""

from __future__ import annotations

import subprocess

from benchmarks import promises
from benchmarks.comparison import Result, alternate
from benchmarks.load import load
from benchmarks.other_cluster import altered_cluster
from benchmarks.tokens import Token


def measure(ours: Token, *, runs: int, warm_up_seconds: float, seconds: float) -> Result:
    """All runs, alternated; the other cluster is idle meanwhile."""
    work = promises.AUDITED.work
    with altered_cluster("unaudited") as other:
        _check_that_nothing_is_audited(other)
        return alternate(
            promises.AUDITED,
            runs,
            lambda: load(ours, work, warm_up_seconds=warm_up_seconds, seconds=seconds),
            {
                promises.UNAUDITED: lambda: (
                    load(other, work, warm_up_seconds=warm_up_seconds, seconds=seconds).per_second
                )
            },
        )


def _check_that_nothing_is_audited(token: Token) -> None:
    """Otherwise like would be compared with like."""
    command = ["strongroom", "audit", "receipt"]
    done = subprocess.run(command, check=True, env=dict(token.environment), capture_output=True, text=True)
    if done.stdout:
        raise RuntimeError("the other cluster writes audit entries: there is nothing to compare with")
