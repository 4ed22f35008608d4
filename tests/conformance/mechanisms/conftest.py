"""One process with the PKCS #11 library on two clusters: Mode NON_FIPS in the first slot, Mode FIPS in the second.

The third and the fourth slot are the first cluster's again, in the profile ``aws``: without and with the check that
keys are on two HSMs, which that cluster does not have.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptoki import Module, Session
from vector_run import ALL, TALLIES, Tally


@dataclass(frozen=True)
class Library:
    """The library, initialised, and the PIN of each slot's crypto-user."""

    module: Module
    pins: tuple[str, ...]

    def session(self, slot: int = 0) -> Session:
        """A session that is logged in."""
        session = self.module.session(slot)
        session.login(self.pins[slot])
        return session

    @contextmanager
    def opened(self, slot: int = 0) -> Iterator[Session]:
        """The same for a while: what it made goes with the login."""
        session = self.session(slot)
        try:
            yield session
        finally:
            session.logout()
            session.close()


def clusters(environment: Mapping[str, str]) -> list[dict[str, Any]]:
    """The clusters of a client's configuration, with absolute paths."""
    path = Path(environment["STRONGROOM_CONFIG"])
    found: list[dict[str, Any]] = json.loads(path.read_text())["clusters"]
    for each in found:
        each["cluster"]["hsm_ca_file"] = str(path.parent / each["cluster"]["hsm_ca_file"])
    return found


@pytest.fixture(scope="session")
def library(
    ephemeral_non_fips: Mapping[str, str], ephemeral: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Library]:
    (non_fips,), (fips,) = clusters(ephemeral_non_fips), clusters(ephemeral)
    of_aws = {**non_fips, "profile": "aws"}
    unchecked = {**of_aws, "cluster": {**non_fips["cluster"], "options": {"disable_key_availability_check": True}}}
    path = tmp_path_factory.mktemp("client") / "client.json"
    path.write_text(json.dumps({"clusters": [non_fips, fips, unchecked, of_aws]}))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STRONGROOM_CONFIG", str(path))
        module = Module(ephemeral["STRONGROOM_PKCS11_MODULE"])
    pin = ephemeral_non_fips["CLOUDHSM_PIN"]
    yield Library(module, (pin, ephemeral["CLOUDHSM_PIN"], pin, pin))
    module.finalize()


@pytest.fixture(scope="module")
def session(library: Library) -> Iterator[Session]:
    """Of the cluster of Mode NON_FIPS."""
    with library.opened() as opened:
        yield opened


@pytest.fixture(scope="module")
def fips_session(library: Library) -> Iterator[Session]:
    """Of the cluster of Mode FIPS."""
    with library.opened(1) as opened:
        yield opened


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says what became of every vector: file by file when all were run, else folder by folder."""
    if not TALLIES:
        return
    terminalreporter.section("public vectors")
    shown: dict[str, Tally] = defaultdict(Tally)
    for file, tally in sorted(TALLIES.items()):
        shown[file if os.environ.get(ALL) else file.replace(" ", "/").partition("/")[0]].add(tally)
        shown["all"].add(tally)
    whole = shown.pop("all")
    for name, tally in shown.items():
        terminalreporter.write_line(f"{name}: {tally.line()}")
    terminalreporter.write_line(f"in all: {whole.counts()}")
