"""Throw-away clusters for tests: real programs, real sockets, one per test session and kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest
from installed import throw_away_cluster


@pytest.fixture(scope="session")
def ephemeral(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    """The environment of a throw-away cluster with one HSM in Mode FIPS, its crypto-user and its admin's PIN."""
    with throw_away_cluster(tmp_path_factory.mktemp("ephemeral") / "log") as environment:
        yield environment


@pytest.fixture(scope="session")
def ephemeral_non_fips(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    """The same in Mode NON_FIPS, which has Ed25519."""
    with throw_away_cluster(tmp_path_factory.mktemp("non-fips") / "log", "--mode", "NON_FIPS") as environment:
        yield environment
