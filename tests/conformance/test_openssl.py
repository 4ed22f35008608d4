"""docs/how-to/openssl.md: OpenSSL signs with keys in the HSM through libp11's engine."""

from __future__ import annotations

import re

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from programs import Workshop, free_port

pytestmark = pytest.mark.cluster

CA, SERVER = ("pkcs11:token=hsm1;object=ca;type=private", "pkcs11:token=hsm1;object=server;type=private")
ENGINE = ("-engine", "pkcs11", "-keyform", "engine")


@pytest.fixture(scope="module")
def page(workshop: Workshop) -> Workshop:
    """A workshop in which the page was followed, with its OpenSSL configuration."""
    workshop.follow("openssl.md", {"8443": str(free_port())})
    return Workshop({**workshop.environment, "OPENSSL_CONF": str(workshop.path("openssl.cnf"))}, workshop.directory)


def certificate(page: Workshop, name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(page.path(name).read_bytes())


def test_the_request_is_signed_by_its_key(page: Workshop) -> None:
    request = x509.load_pem_x509_csr(page.path("server.csr").read_bytes())
    assert request.is_signature_valid
    assert isinstance(request.public_key(), ec.EllipticCurvePublicKey)


def test_the_certificates_form_a_chain(page: Workshop) -> None:
    ca, server = certificate(page, "ca.pem"), certificate(page, "server.pem")
    assert isinstance(ca.public_key(), rsa.RSAPublicKey)
    ca.verify_directly_issued_by(ca)
    server.verify_directly_issued_by(ca)
    with pytest.raises((InvalidSignature, TypeError, ValueError)):
        ca.verify_directly_issued_by(server)


def test_cms_verifies_and_an_altered_message_does_not(page: Workshop) -> None:
    assert page.path("verified.txt").read_bytes() == page.path("report.txt").read_bytes()
    page.path("altered.txt").write_text("Better figures\n")
    sign = ("-inkey", SERVER, "-signer", "server.pem", "-in", "report.txt", "-binary", "-outform", "PEM")
    page.run("openssl", "cms", "-sign", *ENGINE, *sign, "-out", "detached.p7")
    verify = ("openssl", "cms", "-verify", "-inform", "PEM", "-in", "detached.p7", "-CAfile", "ca.pem", "-binary")
    page.run(*verify, "-content", "report.txt", "-out", "/dev/null")
    page.run(*verify, "-content", "altered.txt", "-out", "/dev/null", status=4)


def test_the_tls_server_answered(page: Workshop) -> None:
    assert "TLSv1.3" in page.path("page.html").read_text()


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_a_tls_server_with_an_rsa_key_answers(page: Workshop, version: str) -> None:
    # TLS 1.3 signs with PSS, TLS 1.2 as the client likes best.
    port = free_port()
    serve = ("-key", CA, "-cert", "ca.pem", "-accept", f"127.0.0.1:{port}", "-www", version)
    with page.serving(port, "openssl", "s_server", *ENGINE, *serve):
        connect = ("-connect", f"127.0.0.1:{port}", "-CAfile", "ca.pem", "-verify_return_error", "-brief")
        assert "Verification: OK" in page.run("openssl", "s_client", *connect)


def test_what_is_encrypted_with_oaep_is_decrypted(page: Workshop) -> None:
    generate = ("--keypairgen", "--key-type", "RSA:2048", "--label", "vault", "--id", "12", "--usage-decrypt")
    page.run("pkcs11-tool", "--module", page.module, "--login", "--pin", "env:CLOUDHSM_PIN", *generate)
    uri = "pkcs11:token=hsm1;object=vault;type=private"
    page.path("secret").write_bytes(b"The combination is 12-34-56.")
    oaep = ("-pkeyopt", "rsa_padding_mode:oaep")
    page.run("openssl", "pkey", "-engine", "pkcs11", "-inform", "engine", "-in", uri, "-pubout", "-out", "vault.pub")
    page.run("openssl", "pkeyutl", "-encrypt", "-pubin", "-inkey", "vault.pub", *oaep, "-in", "secret", "-out", "box")
    page.run("openssl", "pkeyutl", "-decrypt", *ENGINE, "-inkey", uri, *oaep, "-in", "box", "-out", "opened")
    assert page.path("opened").read_bytes() == page.path("secret").read_bytes()


@pytest.mark.parametrize("refused", ["an unknown key", "a wrong PIN"])
def test_there_is_no_signature_with(page: Workshop, refused: str) -> None:
    user = page.with_wrong_pin() if refused == "a wrong PIN" else page
    key = SERVER.replace("server", "nobody") if refused == "an unknown key" else SERVER
    user.run("openssl", "req", "-new", *ENGINE, "-key", key, "-subj", "/CN=x", "-out", "refused.csr", status=1)
    assert not page.path("refused.csr").exists()


def test_what_a_reference_file_names_is_the_key(page: Workshop) -> None:
    # docs/adr/0100: Debian 12 has no pkcs11-provider, which reads such files; libp11's engine takes the URI in it.
    key = ("--filter", "attr.label=server", "attr.class=private-key")
    page.run("cloudhsm-cli", "key", "generate-file", "--encoding", "reference-pem", "--path", "server.ref", *key)
    found = re.search(r"UTF8STRING *:(pkcs11:.*)", page.run("openssl", "asn1parse", "-in", "server.ref"))
    assert found is not None
    page.run("openssl", "req", "-new", *ENGINE, "-key", found.group(1), "-subj", "/CN=x", "-out", "by_reference.csr")
    page.run("cloudhsm-cli", "key", "export-public", "--path", "server.pub", *key)
    request = x509.load_pem_x509_csr(page.path("by_reference.csr").read_bytes())
    assert request.is_signature_valid
    assert request.public_key() == load_pem_public_key(page.path("server.pub").read_bytes())
