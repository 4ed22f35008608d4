"""GnuTLS's ``p11tool`` works with the PKCS #11 library, also where the PIN ``user:password`` stands in a URI."""

from __future__ import annotations

import secrets
import subprocess
from collections.abc import Iterator, Mapping
from urllib.parse import quote

import pytest

pytestmark = pytest.mark.cluster


def p11tool(environment: Mapping[str, str], *arguments: str, status: int = 0) -> str:
    done = subprocess.run(
        ["p11tool", "--batch", "--provider", environment["STRONGROOM_PKCS11_MODULE"], *arguments],
        check=False,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
    )
    output = done.stdout + done.stderr
    assert done.returncode == status, output
    return output


@pytest.fixture(scope="module")
def token(ephemeral: Mapping[str, str]) -> str:
    """The ``pkcs11:`` URI of the token."""
    listed = p11tool(ephemeral, "--list-token-urls")
    (uri,) = [line for line in listed.splitlines() if "manufacturer=Strongroom" in line]
    return uri.strip()


@pytest.fixture(scope="module")
def label(ephemeral: Mapping[str, str], token: str) -> Iterator[str]:
    """The label of a key pair that p11tool has made."""
    name = f"gnutls-{secrets.token_hex(4)}"
    generate = ("--generate-privkey", "ecdsa", "--curve", "secp256r1", "--label", name)
    p11tool(ephemeral, "--login", "--set-pin", ephemeral["CLOUDHSM_PIN"], *generate, token)
    yield name
    for kind in ("private", "public"):
        uri = f"{token};object={name};type={kind}"
        p11tool(ephemeral, "--login", "--set-pin", ephemeral["CLOUDHSM_PIN"], "--delete", uri)


def test_a_pin_given_as_an_option_logs_in(ephemeral: Mapping[str, str], token: str, label: str) -> None:
    assert label in p11tool(ephemeral, "--login", "--set-pin", ephemeral["CLOUDHSM_PIN"], "--list-privkeys", token)


@pytest.mark.parametrize("safe", ["", ":"], ids=["escaped colon", "plain colon"])
def test_a_pin_in_a_uri_logs_in(ephemeral: Mapping[str, str], token: str, label: str, safe: str) -> None:
    pin = quote(ephemeral["CLOUDHSM_PIN"], safe=safe)
    assert label in p11tool(ephemeral, "--login", "--list-privkeys", f"{token}?pin-value={pin}")


def test_without_a_login_no_key_is_shown(ephemeral: Mapping[str, str], token: str, label: str) -> None:
    assert "No matching objects found" in p11tool(ephemeral, "--list-all", token, status=2)


def test_a_wrong_pin_in_a_uri_is_refused(ephemeral: Mapping[str, str], token: str, label: str) -> None:
    username = ephemeral["CLOUDHSM_PIN"].partition(":")[0]
    refused = p11tool(
        ephemeral, "--login", "--list-privkeys", f"{token}?pin-value={username}%3Awrong-password", status=1
    )
    assert label not in refused
    assert "PIN" in refused
