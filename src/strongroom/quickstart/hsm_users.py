"""Users of the cluster, made with ``cloudhsm-cli``: commands and passwords go in on its standard input."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final, Self

from strongroom.quickstart.errors import QuickstartError
from strongroom.quickstart.files import ADMIN, CRYPTO_USER, Pins, password_of

_TIMEOUT_SECONDS: Final = 60


class HsmUsers:
    """Makes users in one run of ``cloudhsm-cli interactive``, which can be loaded before the cluster is ready.

    A context manager, so that a program that was loaded in vain ends.
    """

    def __init__(self, configuration: Path) -> None:
        self._configuration = configuration
        self._loaded: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._loaded is not None:
            with self._loaded:
                self._loaded.kill()

    def load(self) -> None:
        """Start the program; it reads its configuration and connects at its first command."""
        self._loaded = self._start("interactive")

    def activate_and_create(self, pins: Pins, *, activate: bool) -> None:
        """``cluster activate`` where it is still to be done, then ``user create`` under the admin's login."""
        admin, user = password_of(pins.admin), password_of(pins.crypto_user)
        lines = ["cluster activate", admin, admin] if activate else []
        lines += [f"login --username {ADMIN} --role admin", admin]
        lines += [f"user create --username {CRYPTO_USER} --role crypto-user", user, user, "logout", "quit", ""]
        process, self._loaded = self._loaded or self._start("interactive"), None
        _finish(process, "\n".join(lines))

    def crypto_user_exists(self) -> bool:
        """Whether a crypto-user of our name is there (``user list`` needs no login)."""
        (answer,) = _finish(self._start("user", "list"))
        return any(user["username"] == CRYPTO_USER for user in answer["users"])

    def _start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [program("cloudhsm-cli"), *arguments],
            env={**os.environ, "STRONGROOM_CONFIG": str(self._configuration)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


def program(name: str) -> str:
    """The path of an installed program: beside the interpreter, else on the search path."""
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        raise QuickstartError(f"the program {name} is not installed")
    return found


def _finish(process: subprocess.Popen[str], text: str = "") -> list[Any]:
    """The ``data`` of each answer. Raises :class:`QuickstartError` for the first that failed."""
    with process:
        try:
            output, complaints = process.communicate(text, timeout=_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            raise QuickstartError(f"cloudhsm-cli did not end within {_TIMEOUT_SECONDS} s") from None
        finally:
            process.kill()  # of no effect on one that has ended
    answers = _answers(output)
    for answer in answers:
        if answer["error_code"] != 0:
            raise QuickstartError(f"cloudhsm-cli answered: {answer['data']}", "see `strongroom logs`")
    if process.returncode != 0 or not answers:
        complaint = complaints.strip().splitlines()
        reason = complaint[-1] if complaint else "no text"
        raise QuickstartError(f"cloudhsm-cli failed ({process.returncode}): {reason}")
    return [answer["data"] for answer in answers]


def _answers(output: str) -> list[dict[str, Any]]:
    """The JSON objects that stand one after the other in the output."""
    decoder = json.JSONDecoder()
    answers, rest = [], output.strip()
    while rest:
        try:
            answer, end = decoder.raw_decode(rest)
        except json.JSONDecodeError:
            raise QuickstartError(f"cloudhsm-cli printed what is not JSON: {rest[:200]}") from None
        answers.append(answer)
        rest = rest[end:].lstrip()
    return answers
