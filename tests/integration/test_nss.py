"""NSS's ``modutil`` and ``certutil`` work with the PKCS #11 library."""

from __future__ import annotations

import secrets
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

pytestmark = pytest.mark.cluster


@dataclass
class Nss:
    """An NSS database that has the library as a module."""

    environment: Mapping[str, str] = field(repr=False)
    directory: Path

    def run(self, program: str, *arguments: str) -> str:
        done = subprocess.run(
            [program, *arguments],
            check=False,
            cwd=self.directory,
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=100,
        )
        output = done.stdout + done.stderr
        assert done.returncode == 0, f"{program} {' '.join(arguments)}\n{output}"
        return output

    def certutil(self, action: str, *arguments: str) -> str:
        return self.run("certutil", action, "-d", "sql:.", "-h", "hsm1", "-f", "pin", *arguments)


@pytest.fixture(scope="module")
def nss(ephemeral: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Nss:
    nss = Nss(ephemeral, tmp_path_factory.mktemp("nss"))
    pin = nss.directory / "pin"
    pin.touch(0o600)
    pin.write_text(ephemeral["CLOUDHSM_PIN"])
    (nss.directory / "noise").write_bytes(secrets.token_bytes(64))
    nss.run("certutil", "-N", "-d", "sql:.", "--empty-password")
    module = ephemeral["STRONGROOM_PKCS11_MODULE"]
    nss.run("modutil", "-force", "-dbdir", "sql:.", "-add", "strongroom", "-libfile", module)
    return nss


def test_modutil_shows_one_slot_with_the_token(nss: Nss) -> None:
    shown = nss.run("modutil", "-dbdir", "sql:.", "-list", "strongroom")
    assert "Token Name: hsm1" in shown
    assert shown.count("Token Name:") == 1


@pytest.mark.parametrize(
    ("options", "key_type", "bits"),
    [
        (("-k", "rsa", "-g", "2048"), rsa.RSAPublicKey, 2048),
        (("-k", "ec", "-q", "nistp256"), ec.EllipticCurvePublicKey, 256),
    ],
)
def test_certutil_makes_a_key_with_its_certificate_and_deletes_them(
    nss: Nss, options: tuple[str, ...], key_type: type, bits: int
) -> None:
    name = f"nss-{secrets.token_hex(4)}"
    serial = str(secrets.randbelow(2**31))
    nss.certutil("-S", "-n", name, "-s", f"CN={name}", "-x", "-t", ",,", "-z", "noise", "-m", serial, *options)
    assert f"hsm1:{name}" in nss.certutil("-L")
    assert f"hsm1:{name}" in nss.certutil("-K")
    pem = nss.certutil("-L", "-n", f"hsm1:{name}", "-a")
    certificate = x509.load_pem_x509_certificate(pem.encode())
    public = certificate.public_key()
    assert isinstance(public, key_type)
    assert public.key_size == bits
    certificate.verify_directly_issued_by(certificate)
    nss.certutil("-F", "-n", f"hsm1:{name}")
    assert name not in nss.certutil("-L")
