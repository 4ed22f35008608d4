"""docs/how-to/java.md: keytool, jarsigner and a TLS server through SunPKCS11; AES-GCM; generation costs few frames."""

from __future__ import annotations

import os
import secrets
import socket
import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path
from zipfile import ZipFile

import pytest
from client_trace import Trace, traced
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from programs import HOW_TO, Workshop, fenced, free_port

pytestmark = pytest.mark.cluster

MOST_FRAMES = 20
PROGRAMS = Path(__file__).parent / "java"
PROVIDER = ("-providerClass", "sun.security.pkcs11.SunPKCS11", "-providerArg", "java.cfg")
STORE = ("-keystore", "NONE", "-storetype", "PKCS11", "-storepass:env", "CLOUDHSM_PIN")
HSM_GENERATES = ("-providerName", "SunPKCS11-Strongroom")


@pytest.fixture(scope="module")
def trace(workshop: Workshop) -> Trace:
    return traced(workshop.environment, workshop.directory)


@pytest.fixture(scope="module")
def printed(workshop: Workshop) -> str:
    """What the page's commands printed."""
    return workshop.follow("java.md")


@pytest.fixture(scope="module")
def page(workshop: Workshop, trace: Trace, printed: str) -> Workshop:
    """A workshop in which the page was followed, and whose programs write down what they send."""
    return Workshop(trace.environment, workshop.directory)


def keytool(page: Workshop, *arguments: str, status: int = 0) -> str:
    return page.run("keytool", *arguments, *PROVIDER, *HSM_GENERATES, *STORE, status=status)


def certificate(page: Workshop, alias: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(keytool(page, "-exportcert", "-rfc", "-alias", alias).encode())


@pytest.fixture
def alias(page: Workshop) -> Iterator[str]:
    """A name for an entry, which is deleted afterwards."""
    name = f"java-{secrets.token_hex(4)}"
    yield name
    keytool(page, "-delete", "-alias", name)


def test_the_request_and_the_certificate_are_signed_by_the_key(page: Workshop, printed: str) -> None:
    assert "service, PrivateKeyEntry" in printed
    request = x509.load_pem_x509_csr(page.path("service.csr").read_bytes())
    own = x509.load_pem_x509_certificate(page.path("service.pem").read_bytes())
    assert request.is_signature_valid
    assert request.public_key() == own.public_key()
    own.verify_directly_issued_by(own)


def test_a_signed_archive_verifies_and_an_altered_one_does_not(page: Workshop, printed: str) -> None:
    assert "jar verified." in printed
    with ZipFile(page.path("service.jar")) as signed, ZipFile(page.path("altered.jar"), "w") as altered:
        for name in signed.namelist():
            altered.writestr(name, signed.read(name) + (b"!" if name == "java.cfg" else b""))
    page.run("jarsigner", "-verify", "altered.jar", status=1)


def test_the_tls_server_answers(page: Workshop) -> None:
    port = free_port()
    (program,) = fenced(HOW_TO / "java.md", "java")
    page.path("Server.java").write_text(program.replace("8443", str(port)))
    context = ssl.create_default_context(cafile=page.path("service.pem"))
    with (
        page.serving(port, "java", "Server.java"),
        socket.create_connection(("127.0.0.1", port), timeout=30) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        assert connection.version() == "TLSv1.3"
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert b"Hello from Java" in b"".join(iter(lambda: connection.recv(4096), b""))


def test_aes_gcm_opens_with_the_iv_that_java_chose(ephemeral_non_fips: Mapping[str, str], tmp_path: Path) -> None:
    if os.environ.get("STRONGROOM_PROFILE") == "aws":
        pytest.skip("AWS's library puts the HSM's IV in its place, which Java does not read")
    configuration = tmp_path / "java.cfg"
    configuration.write_text(
        f"name = Strongroom\nlibrary = {ephemeral_non_fips['STRONGROOM_PKCS11_MODULE']}\nslotListIndex = 0\n"
        "attributes(generate, CKO_SECRET_KEY, *) = { CKA_ENCRYPT = true CKA_DECRYPT = true }\n"
    )
    done = Workshop(ephemeral_non_fips, tmp_path).run("java", str(PROGRAMS / "Gcm.java"), str(configuration))
    assert done == "hello\n"


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
    page: Workshop, trace: Trace, alias: str, options: tuple[str, ...], key_type: type, bits: int
) -> None:
    trace.operations()
    keytool(page, "-genkeypair", "-alias", alias, *options, "-dname", "CN=java")
    sent = trace.operations()
    assert "generate_key_pair" in sent
    assert len(sent) <= MOST_FRAMES, sent
    made = certificate(page, alias)
    public = made.public_key()
    assert isinstance(public, key_type)
    assert public.key_size == bits
    made.verify_directly_issued_by(made)
    assert f"{alias}, PrivateKeyEntry" in keytool(page, "-list")


def test_an_aes_key_is_stored(page: Workshop, alias: str) -> None:
    keytool(page, "-genseckey", "-alias", alias, "-keyalg", "AES", "-keysize", "256")
    assert f"{alias}, SecretKeyEntry" in keytool(page, "-list")


def test_a_wrong_password_is_refused(page: Workshop) -> None:
    assert "CKR_PIN_INCORRECT" in keytool(page.with_wrong_pin(), "-list", "-v", status=1)
