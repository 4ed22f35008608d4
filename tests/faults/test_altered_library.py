"""Issue: an HSM whose library was altered, or whose self-tests fail, does no work and says why. The whole product runs,
over a copy of the package whose native library the test alters.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from installed import Installation
from one_cluster import SOURCE

pytestmark = pytest.mark.cluster

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 30
KNOWN_ANSWER = ROOT / "crates/boundary/src/selftest/rsa/pkcs1_sha256_signature.bin"
TEXT = b"the HSM is in its error state"
"""A constant of the library that no code depends on."""


class Copy:
    """An installation that runs a copy of the package."""

    def __init__(self, directory: Path) -> None:
        shutil.copytree(SOURCE, directory / "src", ignore=shutil.ignore_patterns("__pycache__"))
        (self.library,) = (directory / "src" / "strongroom").glob("_native*.so")
        self.sound = self.library.read_bytes()
        self.installation = Installation(directory / "state")

    def hsm(self) -> dict[str, Any]:
        """One of its HSMs, always the same, as ``strongroom status --json`` shows it."""
        return min(self.installation.hsms(), key=lambda hsm: str(hsm["HsmId"]))

    def put(self, library: bytes, *, with_its_value: bool) -> None:
        """Put another library in its place: processes that run keep the one they have."""
        new = self.library.with_suffix(".new")
        new.write_bytes(library)
        new.chmod(0o755)
        new.rename(self.library)
        if with_its_value:
            command = [sys.executable, str(ROOT / "deploy" / "write-integrity-value.py"), str(self.library)]
            subprocess.run(command, check=True)

    def restart(self) -> None:
        # Its status names no process while it does no work.
        named = subprocess.run(
            ["pgrep", "-f", "--", f"--hsm-id {self.hsm()['HsmId']} "], capture_output=True, text=True
        )
        os.kill(int(named.stdout), signal.SIGKILL)

    def until(self, state: str, message: str = "") -> dict[str, Any]:
        """The HSM, once it is in this state with such a message."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            hsm = self.hsm()
            if hsm["State"] == state and message in hsm["StateMessage"]:
                return hsm
            assert time.monotonic() < deadline, hsm
            time.sleep(0.05)

    def works(self) -> bool:
        """Whether the HSM has an open port; what it then answers is the cluster's."""
        hsm = self.hsm()
        with socket.socket() as client:
            return client.connect_ex((hsm["EniIp"], hsm["port"])) == 0


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copy]:
    directory = tmp_path_factory.mktemp("altered")
    patch = pytest.MonkeyPatch()
    patch.setenv("PYTHONPATH", str(directory / "src"))
    made = Copy(directory)
    made.installation.run("up", "-d", "--quickstart")
    yield made
    made.installation.run("down")
    patch.undo()


def test_an_hsm_whose_library_has_one_flipped_bit_does_no_work(copy: Copy):
    altered = bytearray(copy.sound)
    altered[altered.index(TEXT)] ^= 1
    copy.put(bytes(altered), with_its_value=False)
    copy.restart()
    hsm = copy.until("DEGRADED", "self-test integrity")
    assert f"{copy.library}: its bytes are not those that were built" in hsm["StateMessage"]
    assert not copy.works()


def test_an_hsm_without_an_integrity_value_does_no_work(copy: Copy):
    copy.library.with_name(copy.library.name + ".hmac").unlink()
    copy.restart()
    copy.until("DEGRADED", f"{copy.library}.hmac cannot be read")
    assert not copy.works()


def test_an_hsm_whose_known_answer_test_fails_does_no_work(copy: Copy):
    """The known answer is altered in the library; the integrity value is right, so that the self-test is what fails."""
    altered = bytearray(copy.sound)
    known = KNOWN_ANSWER.read_bytes()
    assert altered.count(known) == 1
    altered[altered.index(known)] ^= 1
    copy.put(bytes(altered), with_its_value=True)
    copy.restart()
    copy.until("DEGRADED", "self-test rsa-pkcs1 failed")
    assert not copy.works()


def test_with_the_library_that_was_built_it_works_again(copy: Copy):
    copy.put(copy.sound, with_its_value=True)
    copy.restart()
    copy.until("ACTIVE")
    assert copy.works()
