"""What audit entries cost: durable keys in this cluster against one whose store drops the entries of the same work."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import promises
from benchmarks.comparison import Result, alternate
from benchmarks.load import load
from benchmarks.tokens import Token, token_of

_UNAUDITED = Path(__file__).resolve().parent / "unaudited"


def measure(ours: Token, *, runs: int, warm_up_seconds: float, seconds: float) -> Result:
    """All runs, alternated; the other cluster is idle meanwhile."""
    work = promises.AUDITED.work
    with _unaudited_cluster() as other:
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


@contextmanager
def _unaudited_cluster() -> Iterator[Token]:
    program = str(Path(sys.executable).parent / "strongroom")
    command = [program, "up", "--ephemeral", "--hsms", "1", "--parent-pid", str(os.getpid())]
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("STRONGROOM", "CLOUDHSM"))}
    environment = {**clean, "PYTHONPATH": str(_UNAUDITED)}
    with subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield token_of({**clean, **json.loads(process.stdout.readline())["environment"]})
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()


def _check_that_nothing_is_audited(token: Token) -> None:
    """Otherwise like would be compared with like."""
    command = ["strongroom", "audit", "receipt"]
    done = subprocess.run(command, check=True, env=dict(token.environment), capture_output=True, text=True)
    if done.stdout:
        raise RuntimeError("the other cluster writes audit entries: there is nothing to compare with")
