"""One run of each contestant: p11load through a PKCS #11 module, and ``openssl speed``."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from benchmarks.tokens import Token

P11LOAD = Path(__file__).resolve().parent.parent / "target" / "release" / "p11load"
_NO_END = "86400"


@dataclass(frozen=True)
class Work:
    """What is measured: ``load`` as p11load names it, from so many threads.

    ``key`` is the label of the key whose results are checked; ``openssl`` what ``openssl speed`` calls the same work.
    """

    name: str
    load: str
    threads: int
    key: str | None = None
    openssl: str | None = None


@dataclass(frozen=True)
class Sample:
    """One result, for checking: what the module was given, the IV, and what it gave."""

    input: bytes
    iv: bytes
    output: bytes


@dataclass(frozen=True)
class Run:
    """Operations per second, latency in microseconds, and how many calls failed."""

    per_second: float
    seconds: float
    p50_us: int
    p99_us: int
    max_us: int
    failed: int
    samples: tuple[Sample, ...]


def load(token: Token, work: Work, *, warm_up_seconds: float, seconds: float) -> Run:
    """Work for so long; raises when the program fails."""
    return _run(token, work, str(warm_up_seconds), str(seconds))


def make_keys(token: Token, prefix: str, count: int, *, threads: int) -> Run:
    """Make so many AES-256 token keys, called by the prefix and their number; raises unless all were made."""
    work = Work(f"{count} keys", f"generate-aes:{prefix}:{count}", threads)
    run = _run(token, work, "0", _NO_END)
    if run.failed:
        raise RuntimeError(f"{token.name}: {run.failed} of {count} keys could not be made")
    return run


def _run(token: Token, work: Work, warm_up_seconds: str, seconds: str) -> Run:
    command = [str(P11LOAD), token.module, token.label, work.load, str(work.threads), warm_up_seconds, seconds]
    environment = {**token.environment, "P11LOAD_PIN": token.pin}
    done = subprocess.run(command, check=False, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{token.name}, {work.name}: {done.stderr.strip()}")
    report = json.loads(done.stdout)
    return Run(
        per_second=report["operations"] / report["seconds"],
        seconds=report["seconds"],
        p50_us=report["p50_us"],
        p99_us=report["p99_us"],
        max_us=report["max_us"],
        failed=report["failed"],
        samples=tuple(
            Sample(*(bytes.fromhex(sample[part]) for part in ("input", "iv", "output"))) for sample in report["samples"]
        ),
    )


def openssl_speed(algorithm: str, seconds: float) -> float:
    """Signatures per second of ``openssl speed`` on all cores, by the clock on the wall."""
    whole_seconds = str(max(1, round(seconds)))
    cores = str(os.cpu_count())
    command = ["openssl", "speed", "-elapsed", "-mr", "-multi", cores, "-seconds", whole_seconds, algorithm]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    for line in done.stdout.splitlines():
        # +F2:index:bits:sign/s:verify/s for RSA, +F4 for ECDSA
        if line.startswith(("+F2:", "+F4:")):
            return float(line.split(":")[3])
    raise RuntimeError(f"openssl speed {algorithm} gave no figure")
