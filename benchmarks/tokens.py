"""The two PKCS #11 tokens that are compared, each with the same keys: ours in a cluster of one HSM, and SoftHSM2."""

from __future__ import annotations

import os
import secrets
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

SOFTHSM_MODULES = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
)
KEY_PAIRS = {"p256": "EC:prime256v1", "p384": "EC:secp384r1", "rsa2048": "RSA:2048"}
"""Labels of the key pairs and their types as pkcs11-tool spells them."""
AES_LABEL = "aes256"


@dataclass(frozen=True)
class Token:
    """A token with a logged-in user's PIN, and the environment in which its module works."""

    name: str
    module: str
    label: str
    pin: str = field(repr=False)
    environment: Mapping[str, str] = field(repr=False)

    def make_keys(self, aes_key: Path) -> None:
        """A token key pair for each of :data:`KEY_PAIRS`, and the AES-256 key in a file as :data:`AES_LABEL`."""
        for number, (label, kind) in enumerate(KEY_PAIRS.items(), start=1):
            self.tool("--keypairgen", "--key-type", kind, "--label", label, "--id", f"{number:02x}", "--usage-sign")
        self.tool(
            *("--write-object", str(aes_key), "--type", "secrkey", "--key-type", "AES:32"),
            *("--label", AES_LABEL, "--id", "aa", "--usage-decrypt", "--private"),
        )

    def tool(self, *arguments: str) -> None:
        command = ["pkcs11-tool", "--module", self.module, "--token-label", self.label, "--login", *arguments]
        # The PIN goes by the environment, where other users of the machine cannot read it.
        environment = {**self.environment, "BENCH_PIN": self.pin}
        done = subprocess.run(
            [*command, "--pin", "env:BENCH_PIN"], check=False, env=environment, capture_output=True, text=True
        )
        if done.returncode != 0:
            raise RuntimeError(f"{self.name}: pkcs11-tool {arguments[0]} failed: {done.stderr.strip()}")


def softhsm(directory: Path) -> Token:
    """A new SoftHSM2 token in a directory."""
    module = next((path for path in SOFTHSM_MODULES if Path(path).exists()), None)
    if module is None:
        raise RuntimeError("SoftHSM2 is not installed: make packages")
    (directory / "tokens").mkdir()
    configuration = directory / "softhsm2.conf"
    configuration.write_text(f"directories.tokendir = {directory / 'tokens'}\nobjectstore.backend = file\n")
    pin = secrets.token_hex(8)
    environment = {**os.environ, "SOFTHSM2_CONF": str(configuration)}
    command = ["softhsm2-util", "--init-token", "--free", "--label", "bench", "--so-pin", pin, "--pin", pin]
    subprocess.run(command, check=True, env=environment, capture_output=True)
    return Token("SoftHSM2", module, "bench", pin, environment)


def strongroom() -> Token:
    """The cluster of the environment (``strongroom exec --hsms 1``)."""
    return token_of(os.environ)


def token_of(environment: Mapping[str, str]) -> Token:
    """The cluster that an environment names."""
    module = environment["STRONGROOM_PKCS11_MODULE"]
    pin = environment["CLOUDHSM_PIN"]
    return Token("Strongroom", module, _token_label(module, environment), pin, dict(environment))


def _token_label(module: str, environment: Mapping[str, str]) -> str:
    command = ["pkcs11-tool", "--module", module, "--list-token-slots"]
    listed = subprocess.run(command, check=True, env=dict(environment), capture_output=True, text=True).stdout
    (label,) = [line.partition(":")[2].strip() for line in listed.splitlines() if "token label" in line]
    return label
