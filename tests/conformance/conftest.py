"""What the tests with other people's programs share."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from installed import crypto_user
from programs import Workshop


@pytest.fixture(scope="module")
def workshop(
    request: pytest.FixtureRequest, ephemeral: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Workshop:
    """A directory of the module's own on the cluster that all share, and a crypto-user who sees no other's keys."""
    name = request.path.stem.removeprefix("test_")
    return Workshop(crypto_user(ephemeral, name), tmp_path_factory.mktemp(name))
