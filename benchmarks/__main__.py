"""``make bench``: signatures per second against SoftHSM2 and ``openssl speed``, with floors.

Runs itself under ``strongroom exec``, which gives it a throw-away cluster. ``STRONGROOM_BENCH_SECONDS`` (10),
``STRONGROOM_BENCH_WARM_UP`` (2) and ``STRONGROOM_BENCH_RUNS`` (5) shorten it. The exit status is 1 below a floor. All
figures are written to build/bench.json.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import NoReturn

from benchmarks import machine, tokens, verification
from benchmarks.comparison import Promise, Result, alternate
from benchmarks.load import Work, openssl_speed, sign

SECONDS = float(os.environ.get("STRONGROOM_BENCH_SECONDS", "10"))
WARM_UP_SECONDS = float(os.environ.get("STRONGROOM_BENCH_WARM_UP", "2"))
RUNS = int(os.environ.get("STRONGROOM_BENCH_RUNS", "5"))
INSIDE = "STRONGROOM_BENCH_INSIDE"
REPORT = Path(__file__).resolve().parent.parent / "build" / "bench.json"

PROMISES = (
    Promise(Work("P-256 sign, 1 thread", "p256", "ecdsa", 1), "SoftHSM2", floor=0.45, aim=0.7),
    Promise(Work("P-256 sign, 16 threads", "p256", "ecdsa", 16), "SoftHSM2", floor=1.3, aim=1.5),
    Promise(Work("RSA-2048 sign, 16 threads", "rsa2048", "rsa-pkcs", 16), "openssl speed", floor=0.85, aim=0.9),
)


def main() -> int:
    described = machine.describe()
    print("\n".join(machine.lines(described)))
    print(f"Cluster with one HSM, TLS on, token keys; {RUNS} alternated runs of {SECONDS:g} s; medians (range).\n")
    with tempfile.TemporaryDirectory(prefix="strongroom-bench-") as name:
        directory = Path(name)
        ours, theirs = tokens.strongroom(), tokens.softhsm(directory)
        for token in (ours, theirs):
            token.make_keys()
        results = [measure(promise, ours, theirs, directory) for promise in PROMISES]
        p256 = openssl_speed("ecdsap256", SECONDS)
    print(f"For comparison: openssl speed on all cores signs {p256:,.0f}/s with P-256.")
    REPORT.parent.mkdir(exist_ok=True)
    figures = {
        "machine": described,
        "seconds": SECONDS,
        "runs": RUNS,
        "results": [result.as_json() for result in results],
        "openssl_p256_per_second": p256,
    }
    REPORT.write_text(json.dumps(figures, indent=2) + "\n")
    below = [result.promise.work.name for result in results if not result.holds]
    print(f"Below the floor: {', '.join(below)}." if below else "All floors hold.")
    return 1 if below else 0


def measure(promise: Promise, ours: tokens.Token, theirs: tokens.Token, directory: Path) -> Result:
    """All runs of one piece of work, its signatures checked afterwards."""

    def softhsm() -> float:
        return sign(theirs, promise.work, warm_up_seconds=WARM_UP_SECONDS, seconds=SECONDS).per_second

    result = alternate(
        promise,
        RUNS,
        lambda: sign(ours, promise.work, warm_up_seconds=WARM_UP_SECONDS, seconds=SECONDS),
        softhsm if promise.against == "SoftHSM2" else lambda: openssl_speed(promise.work.key, SECONDS),
    )
    public_key = ours.public_key(promise.work.key, directory)
    checked = sum(verification.check(promise.work, public_key, run.samples, directory) for run in result.ours)
    print("\n".join([*result.lines(), f"  {checked} signatures verified by OpenSSL\n"]), flush=True)
    return result


def run_inside_a_throw_away_cluster() -> NoReturn:
    program = str(Path(sys.executable).parent / "strongroom")
    environment = {**os.environ, INSIDE: "1"}
    command = [program, "exec", "--hsms", "1", "--", sys.executable, "-m", "benchmarks"]
    os.execve(program, command, environment)


if __name__ == "__main__":
    sys.exit(main() if os.environ.get(INSIDE) else run_inside_a_throw_away_cluster())
