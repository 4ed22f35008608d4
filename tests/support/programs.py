"""Other people's programs as a user runs them: with a cluster's environment, in a directory, as a how-to page says."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

HOW_TO = Path(__file__).resolve().parents[2] / "docs" / "how-to"
PATIENCE = 100.0
"""Seconds after which a program counts as hung."""
PATIENCE_WITH_A_PAGE = 400.0
"""Of the programs of a whole page together."""
PREAMBLE = "set -euo pipefail; trap 'kill $(jobs -p) 2>/dev/null || true' EXIT"
"""Before a page's commands: the first that fails ends them, and servers in the background end with them."""


def fenced(page: Path, language: str) -> list[str]:
    """The contents of a page's fenced blocks of one language, in their order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE)


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def accepts(port: int) -> bool:
    """Whether somebody listens on a port of 127.0.0.1."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def until(condition: Callable[[], bool], told: Callable[[], str], seconds: float = 20.0) -> None:
    """Wait until something holds; fails with what is told."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, told()
        time.sleep(0.02)


@dataclass(frozen=True)
class Workshop:
    """A directory and the environment of a cluster, in which programs run."""

    environment: Mapping[str, str] = field(repr=False)
    directory: Path

    def run(self, *command: str, status: int = 0, patience: float = PATIENCE) -> str:
        """What a program printed on both outputs; it must end with ``status``, and what it started ends with it."""
        with subprocess.Popen(
            command,
            cwd=self.directory,
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as process:
            try:
                output, errors = process.communicate(timeout=patience)
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
        assert process.returncode == status, f"{' '.join(command)}\n{output}{errors}"
        return output + errors

    def follow(self, page: str, replaced: Mapping[str, str] | None = None) -> str:
        """Run the ``sh`` blocks of a how-to page in one shell; gives what they printed.

        ``replaced`` fills in what a page leaves to its reader, such as ports. The first command that fails ends it.
        """
        script = "\n".join([PREAMBLE, *fenced(HOW_TO / page, "sh")])
        for old, new in (replaced or {}).items():
            assert old in script, f"{page} does not speak of {old}"
            script = script.replace(old, new)
        self.path(f"{page}.sh").write_text(script)
        return self.run("bash", f"{page}.sh", patience=PATIENCE_WITH_A_PAGE)

    @contextmanager
    def serving(self, port: int, *command: str) -> Iterator[Path]:
        """A server that runs meanwhile and listens on a port of 127.0.0.1; gives its log."""
        log = self.path(f"{Path(command[0]).name}-{port}.log")
        with (
            log.open("wb") as output,
            subprocess.Popen(
                command,
                cwd=self.directory,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            ) as process,
        ):
            try:
                until(lambda: process.poll() is not None or accepts(port), log.read_text)
                assert process.poll() is None, log.read_text()
                yield log
            finally:
                process.terminate()
                try:
                    process.wait(PATIENCE)
                finally:
                    with suppress(ProcessLookupError):
                        os.killpg(process.pid, signal.SIGKILL)

    def with_pin(self, pin: str) -> Workshop:
        """The same with another PIN."""
        return Workshop({**self.environment, "CLOUDHSM_PIN": pin}, self.directory)

    def with_wrong_pin(self) -> Workshop:
        """The same with a password that is not the user's."""
        return self.with_pin(f"{self.environment['CLOUDHSM_PIN'].partition(':')[0]}:not-the-password")

    @property
    def module(self) -> str:
        """The path of the PKCS #11 library."""
        return self.environment["STRONGROOM_PKCS11_MODULE"]

    def path(self, name: str) -> Path:
        return self.directory / name
