"""A second cluster beside that of the environment, altered for a comparison; the product has no such switches."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from benchmarks.promises import ROOM
from benchmarks.tokens import Token, token_of


@contextmanager
def altered_cluster(folder: str, environment: Mapping[str, str] | None = None) -> Iterator[Token]:
    """One of one HSM, whose processes load the ``sitecustomize.py`` of a folder beside this file."""
    program = str(Path(sys.executable).parent / "strongroom")
    command = [program, "up", "--ephemeral", "--hsms", "1", *ROOM, "--parent-pid", str(os.getpid())]
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("STRONGROOM", "CLOUDHSM"))}
    altered = {**clean, **(environment or {}), "PYTHONPATH": str(Path(__file__).resolve().parent / folder)}
    with subprocess.Popen(command, env=altered, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield token_of({**clean, **json.loads(process.stdout.readline())["environment"]})
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()
