"""``make bench``: operations per second against SoftHSM2 and ``openssl speed``, with floors.

Runs itself under ``strongroom exec``, which gives it a throw-away cluster. ``STRONGROOM_BENCH_SECONDS`` (10),
``STRONGROOM_BENCH_WARM_UP`` (2) and ``STRONGROOM_BENCH_RUNS`` (5) shorten it. Arguments name what to measure: a part of
a piece of work's name (``audit``: what audit entries cost), ``metrics`` for what counting costs, ``keys`` for the
cluster of many keys, ``connections`` for the memory of many connections, ``attacks`` for hostile peers, ``start`` for
how soon a cluster is ready, ``logs`` for a search in a long audit log, ``single`` for a table of all mechanisms, which
is made only when it is named. The exit status is 1 below a floor. All figures are written to build/bench.json, the
ratios also to build/bench.svg.
"""

from __future__ import annotations

import json
import os
import secrets
import statistics
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from benchmarks import (
    attacks,
    auditing,
    chart,
    connections,
    counting,
    logs,
    machine,
    many_keys,
    promises,
    single_mechanisms,
    starting,
    tokens,
    verification,
)
from benchmarks.comparison import Promise, Result, alternate
from benchmarks.load import load, make_keys, openssl_speed
from benchmarks.promises import ROOM

SECONDS = float(os.environ.get("STRONGROOM_BENCH_SECONDS", "10"))
WARM_UP_SECONDS = float(os.environ.get("STRONGROOM_BENCH_WARM_UP", "2"))
RUNS = int(os.environ.get("STRONGROOM_BENCH_RUNS", "5"))
INSIDE = "STRONGROOM_BENCH_INSIDE"
BUILD = Path(__file__).resolve().parent.parent / "build"
FOUND = "found-"
SINGLE_PAGE = Path(__file__).resolve().parent / "mechanisms.md"
KNOWN = (
    *(promise.work.name for promise in (*promises.PROMISES, promises.AUDITED)),
    "metrics",
    "connections",
    "keys",
    "attacks",
    "start",
    "logs",
    "single",
)


def main(names: list[str]) -> int:
    described = machine.describe()
    print("\n".join(machine.lines(described)))
    print(f"Cluster with one HSM, TLS on, token keys; {RUNS} alternated runs of {SECONDS:g} s; medians (range).\n")
    with tempfile.TemporaryDirectory(prefix="strongroom-bench-") as name:
        bench = Bench(Path(name))
        wanted = [promise for promise in promises.PROMISES if _is_named(promise.work.name, names)]
        results = [bench.measure(promise) for promise in wanted]
        if _is_named(promises.AUDITED.work.name, names):
            results.append(bench.measure_auditing())
        counted = bench.measure_metrics() if _is_named("metrics", names) else None
        connected = bench.measure_connections() if _is_named("connections", names) else None
        attacked = bench.measure_attacks() if _is_named("attacks", names) else None
        many = bench.measure_many_keys(results) if _is_named("keys", names) else None
        single = bench.measure_single_mechanisms(described) if names and _is_named("single", names) else []
    started = starting.measure(RUNS) if _is_named("start", names) else None
    if started:
        print(starting.line(started))
    searched = logs.measure(RUNS) if _is_named("logs", names) else None
    if searched:
        print("\n".join(searched.lines()))
    BUILD.mkdir(exist_ok=True)
    figures = {
        "machine": described,
        "seconds": SECONDS,
        "runs": RUNS,
        "results": [result.as_json() for result in results],
        "metrics": counted and counted.as_json(),
        "connections": connected and connected.as_json(),
        "attacks": attacked and attacked.as_json(),
        "many_keys": many and many.as_json(),
        "ready_seconds": started,
        "log_filter": searched and searched.as_json(),
    }
    (BUILD / "bench.json").write_text(json.dumps(figures, indent=2) + "\n")
    if results:
        chart.draw(results, BUILD / "bench.svg")
    missed = [result.promise.work.name for result in results if not result.holds]
    missed += counted.problems() if counted else []
    missed += connected.problems() if connected else []
    missed += attacked.problems() if attacked else []
    missed += many.problems() if many else []
    if started and statistics.median(started) > promises.EPHEMERAL_CEILING_SECONDS:
        missed.append("start")
    missed += searched.problems() if searched else []
    missed += single_mechanisms.problems(single)
    print(f"Missed: {', '.join(missed)}." if missed else "Every promise holds.")
    return 1 if missed else 0


class Bench:
    """Both tokens with their keys."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._ours, self._softhsm = tokens.strongroom(), tokens.softhsm(directory)
        self._aes_key = secrets.token_bytes(32)
        key_file = directory / "aes256.key"
        key_file.write_bytes(self._aes_key)
        for token in (self._ours, self._softhsm):
            token.make_keys(key_file)

    def measure(self, promise: Promise) -> Result:
        """All runs of one piece of work, its results checked afterwards."""
        work = promise.work

        def softhsm() -> float:
            return load(self._softhsm, work, warm_up_seconds=WARM_UP_SECONDS, seconds=SECONDS).per_second

        contestants = {
            promises.SOFTHSM: softhsm,
            promises.OPENSSL: lambda: openssl_speed(work.openssl or "", SECONDS),
        }
        result = alternate(
            promise,
            RUNS,
            lambda: load(self._ours, work, warm_up_seconds=WARM_UP_SECONDS, seconds=SECONDS),
            {bar.against: contestants[bar.against] for bar in promise.bars},
        )
        print("\n".join([*result.lines(), *self._check(result), ""]), flush=True)
        return result

    def measure_metrics(self) -> counting.Counting:
        """Ours against ours without metrics."""
        seconds = min(SECONDS, promises.METRICS_SECONDS)
        counted = counting.measure(self._ours, runs=promises.METRICS_RUNS, seconds=seconds)
        print("\n".join([*counted.lines(), ""]), flush=True)
        return counted

    def measure_connections(self) -> connections.Connections:
        """Ours with all its connections taken."""
        connected = connections.measure()
        print("\n".join([*connected.lines(), ""]), flush=True)
        return connected

    def measure_attacks(self) -> attacks.Attacks:
        """Honest callers beside hostile ones."""
        attacked = attacks.measure(self._ours, RUNS, min(SECONDS, 3))
        print("\n".join([*attacked.lines(), ""]), flush=True)
        return attacked

    def measure_auditing(self) -> Result:
        """Ours against ours without the entries."""
        result = auditing.measure(self._ours, runs=RUNS, warm_up_seconds=WARM_UP_SECONDS, seconds=SECONDS)
        print("\n".join([*result.lines(), ""]), flush=True)
        return result

    def measure_many_keys(self, results: list[Result]) -> many_keys.ManyKeys:
        """Find among some keys, compared; then with many keys, ours alone."""
        print(f"Making {promises.FIND_KEYS:,} keys in both tokens ...", flush=True)
        for token in (self._ours, self._softhsm):
            run = make_keys(token, FOUND, promises.FIND_KEYS, threads=16)
            print(f"  {token.name}: {run.seconds:.0f} s", flush=True)
        results.append(self.measure(promises.FIND))
        print(f"Making {promises.MANY_KEYS:,} keys in ours ...", flush=True)
        many = many_keys.measure(self._ours, FOUND, RUNS, min(SECONDS, 3))
        print("\n".join([*many.lines(), ""]), flush=True)
        return many

    def measure_single_mechanisms(self, described: Mapping[str, object]) -> list[single_mechanisms.Line]:
        """All mechanisms, in a page of their own."""
        lines = single_mechanisms.measure(self._ours, self._softhsm, runs=RUNS, seconds=min(SECONDS, 1))
        single_mechanisms.write(lines, machine.lines(described), SINGLE_PAGE)
        return lines

    def _check(self, result: Result) -> list[str]:
        work = result.promise.work
        if work.key is None:
            return []
        samples = tuple(sample for run in result.ours for sample in run.samples)
        if work.key == tokens.AES_LABEL:
            return [f"  {verification.check_ciphertexts(work, self._aes_key, samples)} ciphertexts decrypted"]
        checked = verification.check_signatures(work, samples, self._directory)
        return [f"  {checked} signatures verified by OpenSSL"]


def _is_named(name: str, wanted: list[str]) -> bool:
    return not wanted or any(part.lower() in name.lower() for part in wanted)


def unknown(names: list[str]) -> list[str]:
    """Those of the arguments that name nothing."""
    return [name for name in names if not any(_is_named(known, [name]) for known in KNOWN)]


def run_inside_a_throw_away_cluster(names: list[str]) -> NoReturn:
    program = str(Path(sys.executable).parent / "strongroom")
    environment = {**os.environ, INSIDE: "1"}
    # A cluster of mode FIPS would refuse some mechanisms.
    mode = ["--mode", "NON_FIPS"] if "single" in names else []
    command = [program, "exec", "--hsms", "1", *mode, *ROOM, "--", sys.executable, "-m", "benchmarks", *names]
    os.execve(program, command, environment)


if __name__ == "__main__":
    arguments = sys.argv[1:]
    if wrong := unknown(arguments):
        sys.exit(f"nothing is called {', '.join(wrong)}; there are: {'; '.join(dict.fromkeys(KNOWN))}")
    sys.exit(main(arguments) if os.environ.get(INSIDE) else run_inside_a_throw_away_cluster(arguments))
