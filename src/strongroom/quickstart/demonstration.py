"""The proof that it works: a P-256 key in the cluster signs a file through PKCS #11, and OpenSSL verifies it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from strongroom.private_files import make_private_directory, write_private
from strongroom.quickstart.errors import QuickstartError
from strongroom.quickstart.hsm_users import program

KEY_LABEL: Final = "quickstart"
KEY_ID: Final = "5152"
_TEXT: Final = "Signed by a key that never left its HSM.\n"
_TIMEOUT_SECONDS: Final = 60


def demonstrate(directory: Path, environment: Mapping[str, str]) -> Path:
    """Sign a file in ``directory`` and verify it; gives the file's path. The key is made once and used again."""
    make_private_directory(directory)
    document, signature = directory / "document.txt", directory / "document.sig"
    public_der, public_pem = directory / "public.der", directory / "public.pem"
    write_private(document, _TEXT)
    if not _pkcs11_tool(environment, "--list-objects", "--type", "privkey", "--id", KEY_ID).strip():
        _pkcs11_tool(
            environment, "--keypairgen", "--key-type", "EC:prime256v1", "--label", KEY_LABEL, "--id", KEY_ID,
            "--usage-sign",
        )  # fmt: skip
    _pkcs11_tool(
        environment, "--sign", "--id", KEY_ID, "--mechanism", "ECDSA-SHA256", "--signature-format", "openssl",
        "--input-file", str(document), "--output-file", str(signature),
    )  # fmt: skip
    _pkcs11_tool(environment, "--read-object", "--type", "pubkey", "--id", KEY_ID, "--output-file", str(public_der))
    _run(["openssl", "pkey", "-pubin", "-inform", "DER", "-in", str(public_der), "-out", str(public_pem)], environment)
    verify = ["openssl", "dgst", "-sha256", "-verify", str(public_pem), "-signature", str(signature), str(document)]
    if "Verified OK" not in _run(verify, environment):
        raise QuickstartError("OpenSSL did not verify the signature")
    return document


def _pkcs11_tool(environment: Mapping[str, str], *arguments: str) -> str:
    module = environment["STRONGROOM_PKCS11_MODULE"]
    command = [program("pkcs11-tool"), "--module", module, "--login", "--pin", "env:CLOUDHSM_PIN", *arguments]
    return _run(command, environment)


def _run(command: list[str], environment: Mapping[str, str]) -> str:
    name = Path(command[0]).name
    try:
        done = subprocess.run(
            command,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_SECONDS,
            check=False,
            umask=0o077,
        )
    except subprocess.TimeoutExpired:
        raise QuickstartError(f"{name} did not end within {_TIMEOUT_SECONDS} s") from None
    except FileNotFoundError:
        raise QuickstartError(f"the program {name} is not installed", "install deploy/debian-packages.txt") from None
    if done.returncode != 0:
        raise QuickstartError(f"{name} failed ({done.returncode}): {(done.stderr or done.stdout).strip()}")
    return done.stdout
