"""docs/how-to/openssh.md: a login to sshd with a key in the HSM."""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_ssh_public_key
from installed import crypto_user
from programs import Workshop, free_port

pytestmark = pytest.mark.cluster

SSHD = "/usr/sbin/sshd"
PRIVILEGE_SEPARATION = Path("/run/sshd")
"""sshd insists on it when root starts it; the system's service makes it otherwise."""
SERVER = """
Port {port}
ListenAddress 127.0.0.1
HostKey {directory}/host_key
AuthorizedKeysFile {directory}/authorized_keys
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
"""
CLIENT = """
Host sshd
    HostName 127.0.0.1
    Port {port}
    User {user}
    UserKnownHostsFile {directory}/known_hosts
    StrictHostKeyChecking accept-new
    PreferredAuthentications publickey
    IdentityFile none
"""


@pytest.fixture(scope="module")
def host(workshop: Workshop) -> Iterator[str]:
    """What ssh needs on its command line to reach an sshd of the workshop."""
    if os.getuid() == 0:
        PRIVILEGE_SEPARATION.mkdir(mode=0o755, exist_ok=True)
    values = {"port": free_port(), "directory": workshop.directory, "user": getpass.getuser()}
    workshop.path("sshd_config").write_text(SERVER.format(**values))
    workshop.path("ssh_config").write_text(CLIENT.format(**values))
    workshop.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "host_key")
    with workshop.serving(values["port"], SSHD, "-D", "-e", "-f", str(workshop.path("sshd_config"))):
        yield "-F ssh_config sshd"


@pytest.fixture(scope="module")
def printed(workshop: Workshop, host: str) -> str:
    """What the page's commands printed."""
    return workshop.follow("openssh.md", {"host.example.org": host})


@pytest.fixture
def page(workshop: Workshop, printed: str) -> Workshop:
    """A workshop in which the page was followed, whose programs get the PIN as the page says."""
    answers = {"SSH_ASKPASS": str(workshop.path("pin.sh")), "SSH_ASKPASS_REQUIRE": "force"}
    return Workshop({**workshop.environment, **answers}, workshop.directory)


def test_a_key_in_the_hsm_logs_in_by_itself_and_through_an_agent(printed: str) -> None:
    assert {"welcome", "welcome back"} <= set(printed.splitlines())


def test_the_public_key_is_shown(page: Workshop) -> None:
    key = load_ssh_public_key(page.path("hsm.pub").read_bytes())
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert key.key_size == 256


def test_another_users_key_does_not_log_in(page: Workshop, ephemeral: Mapping[str, str], host: str) -> None:
    stranger = page.with_pin(crypto_user(ephemeral, "stranger")["CLOUDHSM_PIN"])
    generate = ("--keypairgen", "--key-type", "EC:prime256v1", "--label", "ssh", "--id", "31", "--usage-sign")
    stranger.run("pkcs11-tool", "--module", page.module, "--login", "--pin", "env:CLOUDHSM_PIN", *generate)
    refused = stranger.run("ssh", "-I", page.module, *host.split(), "echo", "welcome", status=255)
    assert "Permission denied (publickey)" in refused


def test_a_wrong_pin_shows_no_key(page: Workshop) -> None:
    assert "ecdsa" not in page.with_wrong_pin().run("ssh-keygen", "-D", page.module, status=255)
