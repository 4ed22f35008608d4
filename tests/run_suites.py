"""Run every suite one after the other, say how long each took, and end with one line of counts.

``python tests/run_suites.py [SUITE…]``: the suites named, or all. A suite that fails does not stop the others; the exit
status is 1 when any failed. Skipped tests are listed with their reasons (``pytest -ra``).
"""

import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTEST_SUITES = ("unit", "contract", "vectors", "scenarios", "integration", "conformance", "faults")
COUNTS = re.compile(r"(\d+) (passed|failed|skipped|errors?|ignored)")


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
        "rust": ["cargo", "test", "--release", "--locked", "--workspace", "--lib", "--bins", "--tests", "--quiet"],
    }
    for name in PYTEST_SUITES:
        if any((ROOT / "tests" / name).rglob("test_*.py")):
            suites[name] = [sys.executable, "-m", "pytest", "-ra", "-q", "--durations=5", f"tests/{name}"]
    return suites


def run(name: str, command: list[str]) -> Outcome:
    print(f"\n=== {name}: {' '.join(command[-2:])}", flush=True)
    started = time.monotonic()
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        for line in process.stdout:
            print(line, end="", flush=True)
            if line.startswith("test result:") or re.search(r" in \d+\.\d+s", line):
                for number, word in COUNTS.findall(line):
                    kind = {"ignored": "skipped", "error": "failed", "errors": "failed"}.get(word, word)
                    counts[kind] += int(number)
    outcome = Outcome(name, process.returncode, time.monotonic() - started, **counts)
    if name == "lint":
        outcome.passed += outcome.status == 0
    if outcome.status != 0 and outcome.failed == 0:
        outcome.failed = 1
    return outcome


def main(names: list[str]) -> int:
    suites = commands()
    if unknown := [name for name in names if name not in suites]:
        print(f"no such suite: {', '.join(unknown)}; there are {', '.join(suites)}", file=sys.stderr)
        return 2
    outcomes = [run(name, suites[name]) for name in names or suites]
    print("\n=== Suites")
    for each in outcomes:
        word = "ok" if each.status == 0 else f"FAILED (exit status {each.status})"
        print(
            f"{each.name:<12} {each.seconds:7.1f} s  {each.passed:5} passed {each.failed:4} failed"
            f" {each.skipped:4} skipped  {word}"
        )
    passed, failed, skipped = (
        sum(getattr(each, kind) for each in outcomes) for kind in ("passed", "failed", "skipped")
    )
    print(f"\n{passed} passed, {failed} failed, {skipped} skipped", flush=True)
    return 1 if any(each.status for each in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
