"""Users of the cluster, made with ``cloudhsm-cli``: commands and passwords go in on its standard input."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from strongroom.quickstart.errors import QuickstartError
from strongroom.quickstart.files import ADMIN, CRYPTO_USER, Pins, password_of

_TIMEOUT_SECONDS: Final = 60


def activate_and_create_users(configuration: Path, pins: Pins, *, activate: bool, create: bool) -> None:
    """``cluster activate``, then ``user create`` under the admin's login; each where it is still to be done."""
    admin, user = password_of(pins.admin), password_of(pins.crypto_user)
    lines: list[str] = []
    if activate:
        lines += ["cluster activate", admin, admin]
    if create:
        lines += [f"login --username {ADMIN} --role admin", admin]
        lines += [f"user create --username {CRYPTO_USER} --role crypto-user", user, user, "logout"]
    _run(configuration, ["interactive"], "\n".join([*lines, "quit", ""]))


def crypto_user_exists(configuration: Path) -> bool:
    """Whether a crypto-user of our name is there (``user list`` needs no login)."""
    (answer,) = _run(configuration, ["user", "list"])
    return any(user["username"] == CRYPTO_USER for user in answer["users"])


def program(name: str) -> str:
    """The path of an installed program: beside the interpreter, else on the search path."""
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        raise QuickstartError(f"the program {name} is not installed")
    return found


def _run(configuration: Path, arguments: Sequence[str], text: str = "") -> list[Any]:
    """The ``data`` of each answer. Raises :class:`QuickstartError` for the first that failed."""
    environment: Mapping[str, str] = {**os.environ, "STRONGROOM_CONFIG": str(configuration)}
    try:
        done = subprocess.run(
            [program("cloudhsm-cli"), *arguments],
            input=text,
            env=environment,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise QuickstartError(f"cloudhsm-cli {' '.join(arguments)} did not end within {_TIMEOUT_SECONDS} s") from None
    answers = _answers(done.stdout)
    for answer in answers:
        if answer["error_code"] != 0:
            raise QuickstartError(f"cloudhsm-cli answered: {answer['data']}", "see `strongroom logs`")
    if done.returncode != 0 or not answers:
        complaint = done.stderr.strip().splitlines()
        raise QuickstartError(f"cloudhsm-cli failed ({done.returncode}): {complaint[-1] if complaint else 'no text'}")
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
