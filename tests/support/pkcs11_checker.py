"""pkcs11-check, an independent test client of PKCS #11 modules, in an environment of its own: it needs Python 3.12."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = ROOT / "tests" / "conformance" / "pkcs11_check" / "requirements.txt"
ENVIRONMENT = ROOT / "target" / "pkcs11-check"
"""Made once, and again when the requirements change."""
OLDEST = (3, 12)
FILES_AT_ONCE = 6
NOT_APPLICABLE = re.compile(
    r"^\S+: (CKF_\w+ not advertised|mechanism params are not required|registered mechanism -- tested elsewhere"
    r"|registry [a-z ]+ needs .*|generic-secret key type may be valid)"
    r"|^No KAT vectors for this mechanism|^got empty parameter set"
)
"""Why a case is skipped that is made for each mechanism of the list: it has no such function, or the package no vector.

Their number grows with the list."""
MAKE_KEYS = """
import os
from cryptoki import Module
module = Module(os.environ["STRONGROOM_PKCS11_MODULE"])
session = module.session()
session.login(os.environ["CLOUDHSM_PIN"])
session.generate_p256("checker")
module.finalize()
"""
"""A key pair that signs, on the token."""
LOOK_AT_KEYS = {"test_provisioned_sign_coherence.py", "test_template_count_edges.py"}
"""They look at what they find on the token. One of the others takes for granted that there is no private key."""
PYTHONS = ("python3.12", "python3.13", "python3.14", "python3")


class Unavailable(Exception):
    """Why it cannot run here."""


def candidates() -> Iterable[Path]:
    for name in PYTHONS:
        if found := shutil.which(name):
            yield Path(found)
    yield from sorted((Path.home() / ".pyenv" / "versions").glob("3.*/bin/python"))


def python() -> Path:
    """A Python that is new enough.

    :raises Unavailable: there is none.
    """
    ask = f"import sys; sys.exit(sys.version_info < {OLDEST})"
    for path in candidates():
        if subprocess.run([path, "-c", ask], stderr=subprocess.DEVNULL, check=False).returncode == 0:
            return path
    raise Unavailable("pkcs11-check needs Python 3.12 or newer, and there is none beside this one")


def installed() -> Path:
    """The Python of the environment in which it is installed.

    :raises Unavailable: no Python, or it cannot be installed.
    """
    inside, stamp = ENVIRONMENT / "bin" / "python", ENVIRONMENT / "requirements.txt"
    if stamp.exists() and stamp.read_bytes() == REQUIREMENTS.read_bytes():
        return inside
    base = python()
    shutil.rmtree(ENVIRONMENT, ignore_errors=True)
    for command in (
        [base, "-m", "venv", ENVIRONMENT],
        [inside, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", REQUIREMENTS],
    ):
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
        if done.returncode != 0:
            raise Unavailable(f"pkcs11-check cannot be installed: {done.stderr.strip().splitlines()[-1:]}")
    shutil.copyfile(REQUIREMENTS, stamp)
    return inside


@dataclass
class Outcome:
    """What its cases came to. A name is the file without ``test_`` and the case: ``ckr/ckr_sign::test_x``."""

    counts: Counter[str] = field(default_factory=Counter)
    passed: set[str] = field(default_factory=set)
    failed: dict[str, str] = field(default_factory=dict)
    """Why, by name."""
    crashes: list[str] = field(default_factory=list)

    def line(self) -> str:
        kinds = ("passed", "failed", "skipped", "not applicable", "expected")
        return ", ".join([*(f"{self.counts[kind]} {kind}" for kind in kinds), f"{len(self.crashes)} crashed"])

    @property
    def ran(self) -> int:
        """How many cases were not skipped."""
        return self.counts["passed"] + self.counts["failed"] + self.counts["expected"]

    def add(self, other: Outcome) -> None:
        self.counts += other.counts
        self.passed |= other.passed
        self.failed |= other.failed
        self.crashes += other.crashes


@dataclass(frozen=True)
class Checker:
    """The client with the module and a crypto-user of a cluster."""

    interpreter: Path
    environment: Mapping[str, str] = field(repr=False)
    """With the module's path and the PIN as ``strongroom env`` names them, whosever module it is."""
    directory: Path

    def module(self) -> Path:
        """A copy of the library outside of this project, whose pytest settings would be taken else."""
        copy = self.directory / "module.so"
        if not copy.exists():
            shutil.copyfile(self.environment["STRONGROOM_PKCS11_MODULE"], copy)
        return copy

    def cases(self) -> Path:
        code = "import pathlib, pkcs11_check; print(pathlib.Path(pkcs11_check.__file__).parent / 'testcases')"
        done = subprocess.run([self.interpreter, "-c", code], capture_output=True, text=True, check=True)
        return Path(done.stdout.strip())

    def run_whole(self, patience: float) -> Outcome:
        """All cases, a few files in a process. Where one crashes or hangs each file, then each case has its own."""
        outcome = Outcome()
        files = sorted(self.cases().rglob("test_*.py"))
        last = [file for file in files if file.name in LOOK_AT_KEYS]
        files = [file for file in files if file not in last]
        for start in range(0, len(files), FILES_AT_ONCE):
            self._run_apart(outcome, [str(file) for file in files[start : start + FILES_AT_ONCE]], patience)
        self._make_keys()
        self._run_apart(outcome, [str(file) for file in last], patience)
        return outcome

    def _make_keys(self) -> None:
        environment = {**self._whole_environment(), "PYTHONPATH": str(Path(__file__).parent)}
        subprocess.run([sys.executable, "-c", MAKE_KEYS], env=environment, check=True, stdin=subprocess.DEVNULL)

    def _run_apart(self, outcome: Outcome, targets: list[str], patience: float) -> None:
        attempt = Outcome()
        self.run(attempt, *targets, patience=patience)
        is_case = len(targets) == 1 and "::" in targets[0]
        if not attempt.crashes or is_case:
            outcome.add(attempt)
            return
        for part in targets if len(targets) > 1 else self._cases_of(targets[0]):
            self._run_apart(outcome, [part], patience)

    def _cases_of(self, target: str) -> list[str]:
        done = subprocess.run(
            [*self._pytest(), "--collect-only", target],
            cwd=self.directory,
            env=self._whole_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        folder = str(Path(target).parent)
        cases = [line for line in done.stdout.splitlines() if "::" in line and not line.startswith(("ERROR", "FAILED"))]
        return [f"{folder}/{Path(file).name}::{case}" for file, _, case in (line.partition("::") for line in cases)]

    def _pytest(self) -> list[str]:
        return [
            str(self.interpreter),
            *("-m", "pytest", "-q", "-p", "no:cacheprovider", "--benchmark-disable", "--timeout", "180"),
            *("--p11-module", str(self.module()), "--p11-slot", "0"),
        ]

    def _whole_environment(self) -> dict[str, str]:
        return {**self.environment, "P11TEST_PIN": self.environment["CLOUDHSM_PIN"]}

    def run(self, outcome: Outcome, *targets: Path | str, patience: float) -> None:
        """Run files of cases in one process, and add what they came to."""
        report = self.directory / "report.xml"
        report.unlink(missing_ok=True)
        command = [*self._pytest(), f"--junitxml={report}", *(str(target) for target in targets)]
        try:
            done = subprocess.run(
                command,
                cwd=self.directory,
                env=self._whole_environment(),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=patience,
                check=False,
            )
        except subprocess.TimeoutExpired:
            outcome.crashes.append(f"{names(targets)}: not done after {patience} s")
            return
        if done.returncode not in {0, 1, 5} or not report.exists():
            outcome.crashes.append(
                f"{names(targets)}: ended with {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
            )
            return
        self._read(report, outcome)

    def _read(self, report: Path, outcome: Outcome) -> None:
        for case in ElementTree.parse(report).iter("testcase"):
            file, _, classes = case.get("classname", "").partition("testcases.")[2].rpartition("test_")
            name = f"{file.replace('.', '/')}{classes.partition('.')[0]}::{case.get('name')}"
            child = next(iter(case), None)
            if child is None or child.tag in {"properties", "system-out", "system-err"}:
                outcome.counts["passed"] += 1
                outcome.passed.add(name)
            elif child.tag == "skipped":
                outcome.counts[why_skipped(child.get("type", ""), child.get("message", ""))] += 1
            else:
                outcome.counts["failed"] += 1
                outcome.failed[name] = (child.get("message") or "").splitlines()[0]


def why_skipped(kind: str, message: str) -> str:
    """What a case counts as that the report calls skipped."""
    if kind == "pytest.xfail":
        return "expected"
    return "not applicable" if NOT_APPLICABLE.search(message) else "skipped"


def names(targets: Iterable[Path | str]) -> str:
    return ", ".join(str(target).rpartition("/")[2] for target in targets)


def softhsm(directory: Path) -> dict[str, str]:
    """The environment of a new token of SoftHSM2, for a :class:`Checker`.

    :raises Unavailable: it is not installed.
    """
    library = next(iter(Path("/usr/lib").glob("**/libsofthsm2.so")), None)
    util = shutil.which("softhsm2-util")
    if library is None or util is None:
        raise Unavailable("SoftHSM2 is not installed: see deploy/debian-packages-tests.txt")
    (directory / "tokens").mkdir(parents=True)
    configuration = directory / "softhsm2.conf"
    configuration.write_text(f"directories.tokendir = {directory}/tokens\nobjectstore.backend = file\n")
    environment = {**os.environ, "SOFTHSM2_CONF": str(configuration)}
    command = [util, "--init-token", "--free", "--label", "checker", "--pin", "123456", "--so-pin", "123456"]
    subprocess.run(command, env=environment, check=True, capture_output=True, stdin=subprocess.DEVNULL)
    return {**environment, "STRONGROOM_PKCS11_MODULE": str(library), "CLOUDHSM_PIN": "123456"}
