"""Run every suite, say how long each took, and end with one line of counts.

``python tests/run_suites.py [SUITE…]``: the suites named, or all. Suites that compile run beside those that mostly
wait; those that kill and hang processes have the machine to themselves at the end. What a suite prints comes out whole
when it has ended. A suite that fails does not stop the others; the exit status is 1 when any failed. Skipped tests are
listed with their reasons (``pytest -ra``).
"""

import re
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STAGES = (
    (
        ("lint", "rust", "selftest", "fuzz", "conformance", "scenarios"),
        ("integration", "integration/control_api", "unit", "contract", "vectors"),
    ),
    (("faults",),),
)
"""One after the other; within each, lanes of suites side by side. A suite leaves out what is a suite of its own."""
CARGO_TEST = ("cargo", "test", "--release", "--locked", "--quiet", "--no-fail-fast")
COUNTS = re.compile(r"(\d+) (passed|failed|skipped|errors?|ignored)")
_printing = threading.Lock()


@dataclass
class Outcome:
    """What a suite came to."""

    name: str
    status: int
    seconds: float
    passed: int = 0
    failed: int = 0
    skipped: int = 0


def commands() -> dict[str, list[str]]:
    suites = {
        "lint": ["make", "--no-print-directory", "lint"],
        # Examples are compiled by clippy; linking them too would only cost time.
        "rust": [*CARGO_TEST, "--workspace", "--lib", "--bins", "--tests"],
        # A build that lets a test make each self-test fail; never part of the product.
        "selftest": [
            *CARGO_TEST,
            "--workspace",
            "--features",
            "strongroom-boundary/fail-selftest",
            "--test",
            "selftest_failure",
        ],
        "fuzz": [sys.executable, "tests/fuzz/run.py", "60s"],
    }
    for name in (name for lanes in STAGES for lane in lanes for name in lane if name not in suites):
        inner = [other for lanes in STAGES for lane in lanes for other in lane if other.startswith(f"{name}/")]
        left_out = [f"--ignore=tests/{other}" for other in inner]
        if any((ROOT / "tests" / name).rglob("test_*.py")):
            suites[name] = [sys.executable, "-m", "pytest", "-ra", "-q", "--durations=5", *left_out, f"tests/{name}"]
    return suites


def run(name: str, command: list[str]) -> Outcome:
    say(f"... {name} begins: {' '.join(command[-2:])}\n")
    started = time.monotonic()
    done = subprocess.run(
        command,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    outcome = Outcome(name, done.returncode, time.monotonic() - started, **counts(done.stdout))
    if name == "lint":
        outcome.passed += outcome.status == 0
    if outcome.status != 0 and outcome.failed == 0:
        outcome.failed = 1
    say(f"\n=== {name}\n{done.stdout}=== {name} ended after {outcome.seconds:.1f} s\n\n")
    return outcome


def counts(output: str) -> dict[str, int]:
    """Passed, failed and skipped tests of what pytest or cargo printed."""
    found = {"passed": 0, "failed": 0, "skipped": 0}
    for line in output.splitlines():
        if line.startswith("test result:") or re.search(r" in \d+\.\d+s", line):
            for number, word in COUNTS.findall(line):
                found[{"ignored": "skipped", "error": "failed", "errors": "failed"}.get(word, word)] += int(number)
    return found


def say(text: str) -> None:
    with _printing:
        print(text, end="", flush=True)


def main(names: list[str]) -> int:
    suites = commands()
    if unknown := [name for name in names if name not in suites]:
        print(f"no such suite: {', '.join(unknown)}; there are {', '.join(suites)}", file=sys.stderr)
        return 2
    wanted = names or list(suites)
    began = time.monotonic()
    outcomes: list[Outcome] = []
    for lanes in STAGES:
        with ThreadPoolExecutor(len(lanes)) as pool:
            ran = pool.map(lambda lane: [run(name, suites[name]) for name in lane if name in wanted], lanes)
            outcomes += [outcome for lane in ran for outcome in lane]
    print("=== Suites")
    for each in outcomes:
        word = "ok" if each.status == 0 else f"FAILED (exit status {each.status})"
        print(
            f"{each.name:<24} {each.seconds:7.1f} s  {each.passed:5} passed {each.failed:4} failed"
            f" {each.skipped:4} skipped  {word}"
        )
    passed, failed, skipped = (
        sum(getattr(each, kind) for each in outcomes) for kind in ("passed", "failed", "skipped")
    )
    print(
        f"{'all in':<24} {time.monotonic() - began:7.1f} s\n\n{passed} passed, {failed} failed, {skipped} skipped",
        flush=True,
    )
    return 1 if any(each.status for each in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
