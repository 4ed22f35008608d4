"""What the tests with other people's programs share."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from installed import crypto_user
from programs import Workshop

PROFILE = os.environ.get("STRONGROOM_PROFILE", "standard")
"""Of the slot that the programs use; ``make conformance`` runs them with ``aws`` too."""

_NO_PUBLIC = "it asks for public keys with CKA_PRIVATE false, which AWS's library refuses"
_READ_ONLY = "it opens sessions without CKF_RW_SESSION, which AWS's library refuses"
STOPPED_BY_AWS = {
    "test_code_signing": _NO_PUBLIC,
    "test_gnutls": _NO_PUBLIC,
    "test_java": "it copies session objects to the token, and AWS's library has no C_CopyObject",
    "test_nss": _READ_ONLY,
    "test_openssl": _NO_PUBLIC,
    "test_pkcs11_tool": _NO_PUBLIC,
    "test_another_users_key_does_not_log_in": _NO_PUBLIC,
}
"""Programs, or tests that use them, that do not work with AWS's library (docs/how-to/README.md)."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if PROFILE == "aws":
        for item in items:
            reason = STOPPED_BY_AWS.get(item.path.stem) or STOPPED_BY_AWS.get(item.name)
            if reason:
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="module")
def workshop(
    request: pytest.FixtureRequest, ephemeral: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Workshop:
    """A directory of the module's own on the cluster that all share, and a crypto-user who sees no other's keys."""
    name = request.path.stem.removeprefix("test_")
    directory = tmp_path_factory.mktemp(name)
    user = crypto_user(ephemeral, name)
    if PROFILE != "standard":
        user["STRONGROOM_CONFIG"] = str(write_configuration(user, directory / "client.json"))
    return Workshop(user, directory)


def write_configuration(environment: Mapping[str, str], path: Path) -> Path:
    """That of an environment, with the profile in each slot."""
    source = Path(environment["STRONGROOM_CONFIG"])
    configuration = json.loads(source.read_text())
    for slot in configuration["clusters"]:
        slot["profile"] = PROFILE
        slot["cluster"]["hsm_ca_file"] = str(source.parent / slot["cluster"]["hsm_ca_file"])
        slot["cluster"]["options"] = {"disable_key_availability_check": True}
    path.write_text(json.dumps(configuration))
    return path
