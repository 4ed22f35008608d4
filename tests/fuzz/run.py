"""Fuzz every parser of strangers' bytes for a time, side by side: ``python tests/fuzz/run.py 60s``, or 30m, or 8h.

The same targets run for a moment with the other tests. Exit status 1 when one found something, which is printed.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
UNITS = {"s": 1, "m": 60, "h": 3600}
VALGRIND = ("valgrind", "--quiet", "--error-exitcode=99")
RUST_PACKAGES = ("strongroom-wire", "strongroom-pkcs11")


@dataclass
class Fuzzer:
    """A program at work, and what it says."""

    name: str
    process: subprocess.Popen[str]

    @staticmethod
    def start(name: str, command: list[str], environment: dict[str, str], directory: Path = ROOT) -> Fuzzer:
        process = subprocess.Popen(
            ["nice", "-n", "10", *command],  # other suites run beside it
            cwd=directory,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return Fuzzer(name, process)

    def finish(self) -> bool:
        output, _ = self.process.communicate()
        print(f"--- {self.name}", output.strip(), sep="\n", flush=True)
        return self.process.returncode == 0


def seconds_of(text: str) -> int:
    """``90s``, ``30m`` or ``8h``."""
    match = re.fullmatch(r"(\d+)([smh])", text)
    if match is None:
        raise SystemExit(f"{text!r} is no duration: give 60s, 30m or 8h")
    return int(match[1]) * UNITS[match[2]]


def rust_programs() -> dict[Path, Path]:
    """Build the Rust targets; gives each program with the directory that it runs in."""
    packages = [word for package in RUST_PACKAGES for word in ("-p", package)]
    command = [
        "cargo",
        "test",
        "--release",
        "--locked",
        "--no-run",
        "--message-format=json",
        *packages,
        "--test",
        "fuzz",
    ]
    built = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    messages = [json.loads(line) for line in built.stdout.splitlines()]
    return {
        Path(message["executable"]): Path(message["manifest_path"]).parent
        for message in messages
        if message.get("executable") and message["target"]["name"] == "fuzz"
    }


def main(duration: str) -> int:
    seconds = seconds_of(duration)
    programs = rust_programs()
    # All targets of a program at once, however few the cores: each is to have its time.
    in_milliseconds = {"BOLERO_RANDOM_TEST_TIME_MS": str(seconds * 1000), "RUST_TEST_THREADS": "8"}
    fuzzers = [
        Fuzzer.start(directory.name, [str(program)], in_milliseconds, directory)
        for program, directory in programs.items()
    ]
    if shutil.which("valgrind"):
        # It sees what no panic tells: bytes read outside a buffer, and decisions on bytes that nobody has written.
        fuzzers += [
            Fuzzer.start(f"{directory.name} under valgrind", [*VALGRIND, str(program)], in_milliseconds, directory)
            for program, directory in programs.items()
            if directory.name == "pkcs11"
        ]
    else:
        print("skipped: pkcs11 under valgrind, which is not installed", flush=True)
    pytest = [sys.executable, "-m", "pytest", "-q", "-n", "2", f"--timeout={seconds + 300}", "tests/fuzz"]
    fuzzers.append(Fuzzer.start("Signature Version 4", pytest, {"STRONGROOM_FUZZ_SECONDS": str(seconds)}))
    found_nothing = [fuzzer.finish() for fuzzer in fuzzers]
    return 0 if all(found_nothing) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
