"""One run of each contestant: p11load through a PKCS #11 module, and ``openssl speed``."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from benchmarks.tokens import Token

P11LOAD = Path(__file__).resolve().parent.parent / "target" / "release" / "p11load"


@dataclass(frozen=True)
class Work:
    """What is measured: signatures with a key, from some threads."""

    name: str
    key: str
    mechanism: str
    threads: int


@dataclass(frozen=True)
class Sample:
    """A signature that was made, for checking: what the module was given, and what it gave."""

    signed: bytes
    signature: bytes


@dataclass(frozen=True)
class Run:
    """Signatures per second, latency in microseconds, and how many calls failed."""

    per_second: float
    p50_us: int
    p99_us: int
    max_us: int
    failed: int
    samples: tuple[Sample, ...]


def sign(token: Token, work: Work, *, warm_up_seconds: float, seconds: float) -> Run:
    """Sign for so long; raises when the program fails."""
    command = [str(P11LOAD), token.module, token.label, work.key, work.mechanism, str(work.threads)]
    environment = {**token.environment, "P11LOAD_PIN": token.pin}
    done = subprocess.run(
        [*command, str(warm_up_seconds), str(seconds)], check=False, env=environment, capture_output=True, text=True
    )
    if done.returncode != 0:
        raise RuntimeError(f"{token.name}, {work.name}: {done.stderr.strip()}")
    report = json.loads(done.stdout)
    return Run(
        per_second=report["signatures"] / report["seconds"],
        p50_us=report["p50_us"],
        p99_us=report["p99_us"],
        max_us=report["max_us"],
        failed=report["failed"],
        samples=tuple(
            Sample(bytes.fromhex(sample["signed"]), bytes.fromhex(sample["signature"])) for sample in report["samples"]
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
