"""Java's ``keytool`` works with the PKCS #11 library through SunPKCS11, and costs few frames."""

from __future__ import annotations

import secrets
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from client_trace import Trace, traced
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

pytestmark = pytest.mark.cluster

MOST_FRAMES = 20

# As docs/how-to/java-and-nss.md has it.
CONFIGURATION = """name = Strongroom
library = {module}
slotListIndex = 0
attributes(generate, CKO_PRIVATE_KEY, *) = {{
    CKA_TOKEN = true
    CKA_SIGN = true
}}
"""


@dataclass
class Keytool:
    """keytool on the key store that SunPKCS11 makes of the token."""

    trace: Trace
    directory: Path

    def __call__(self, *arguments: str, status: int = 0) -> str:
        provider = ("-providerClass", "sun.security.pkcs11.SunPKCS11", "-providerArg", str(self.directory / "java.cfg"))
        store = (
            "-providerName",
            "SunPKCS11-Strongroom",
            "-keystore",
            "NONE",
            "-storetype",
            "PKCS11",
            "-storepass:env",
            "CLOUDHSM_PIN",
        )
        done = subprocess.run(
            ["keytool", *arguments, *provider, *store],
            check=False,
            env=self.trace.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=100,
        )
        output = done.stdout + done.stderr
        assert done.returncode == status, f"keytool {' '.join(arguments)}\n{output}"
        return output

    def certificate(self, alias: str) -> x509.Certificate:
        return x509.load_pem_x509_certificate(self("-exportcert", "-rfc", "-alias", alias).encode())


@pytest.fixture(scope="module")
def keytool(ephemeral: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Keytool:
    directory = tmp_path_factory.mktemp("java")
    module = ephemeral["STRONGROOM_PKCS11_MODULE"]
    (directory / "java.cfg").write_text(CONFIGURATION.format(module=module))
    return Keytool(traced(ephemeral, directory), directory)


@pytest.fixture
def alias(keytool: Keytool) -> Iterator[str]:
    """A name for an entry, which is deleted afterwards."""
    name = f"java-{secrets.token_hex(4)}"
    yield name
    keytool("-delete", "-alias", name)


@pytest.mark.parametrize(
    ("options", "key_type", "bits"),
    [
        (("-keyalg", "EC", "-groupname", "secp256r1"), ec.EllipticCurvePublicKey, 256),
        (("-keyalg", "EC", "-groupname", "secp384r1"), ec.EllipticCurvePublicKey, 384),
        (("-keyalg", "RSA", "-keysize", "2048"), rsa.RSAPublicKey, 2048),
        (("-keyalg", "RSA", "-keysize", "3072"), rsa.RSAPublicKey, 3072),
    ],
)
def test_a_key_pair_with_its_certificate_costs_at_most_20_frames(
    keytool: Keytool, alias: str, options: tuple[str, ...], key_type: type, bits: int
) -> None:
    keytool.trace.operations()
    keytool("-genkeypair", "-alias", alias, *options, "-dname", "CN=java")
    sent = keytool.trace.operations()
    assert "generate_key_pair" in sent
    assert len(sent) <= MOST_FRAMES, sent
    certificate = keytool.certificate(alias)
    public = certificate.public_key()
    assert isinstance(public, key_type)
    assert public.key_size == bits
    certificate.verify_directly_issued_by(certificate)
    assert f"{alias}, PrivateKeyEntry" in keytool("-list")


def test_a_request_for_a_certificate_is_signed_by_the_key(keytool: Keytool, alias: str) -> None:
    keytool("-genkeypair", "-alias", alias, "-keyalg", "EC", "-groupname", "secp256r1", "-dname", "CN=java")
    request = x509.load_pem_x509_csr(keytool("-certreq", "-alias", alias).encode())
    assert request.is_signature_valid
    assert request.public_key() == keytool.certificate(alias).public_key()


def test_an_aes_key_is_stored(keytool: Keytool, alias: str) -> None:
    keytool("-genseckey", "-alias", alias, "-keyalg", "AES", "-keysize", "256")
    assert f"{alias}, SecretKeyEntry" in keytool("-list")


def test_a_wrong_password_is_refused(keytool: Keytool) -> None:
    username = keytool.trace.environment["CLOUDHSM_PIN"].partition(":")[0]
    environment = {**keytool.trace.environment, "CLOUDHSM_PIN": f"{username}:not-the-password"}
    stranger = Keytool(Trace(environment, keytool.trace.log), keytool.directory)
    assert "CKR_PIN_INCORRECT" in stranger("-list", "-v", status=1)
