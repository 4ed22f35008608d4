"""docs/how-to/gnutls.md: p11tool, certtool and gnutls-serv use keys in the HSM, also where a URI has the PIN."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from programs import Workshop, free_port

pytestmark = pytest.mark.cluster

TOKEN = "pkcs11:token=hsm1"


@pytest.fixture(scope="module")
def page(workshop: Workshop) -> Workshop:
    """A workshop in which the page was followed."""
    workshop.follow("gnutls.md", {"8443": str(free_port())})
    return workshop


def p11tool(page: Workshop, *arguments: str, status: int = 0) -> str:
    return page.run("p11tool", "--batch", "--provider", page.module, *arguments, status=status)


def test_the_request_and_the_certificate_are_signed_by_the_key(page: Workshop) -> None:
    key = load_pem_public_key(page.path("shop.pub").read_bytes())
    request = x509.load_pem_x509_csr(page.path("shop.csr").read_bytes())
    certificate = x509.load_pem_x509_certificate(page.path("shop.pem").read_bytes())
    assert request.is_signature_valid
    assert request.public_key() == key == certificate.public_key()
    certificate.verify_directly_issued_by(certificate)


def test_the_certificate_is_read_back_from_the_hsm(page: Workshop) -> None:
    pin = ("--set-pin", page.environment["CLOUDHSM_PIN"])
    read = p11tool(page, "--login", *pin, "--export", f"{TOKEN};object=shop;type=cert")
    assert x509.load_pem_x509_certificate(read.encode()) == x509.load_pem_x509_certificate(
        page.path("shop.pem").read_bytes()
    )


def test_the_tls_server_answered(page: Workshop) -> None:
    assert "TLS1.3" in page.path("page.html").read_text()


def test_a_pin_given_as_an_option_logs_in(page: Workshop) -> None:
    assert "shop" in p11tool(page, "--login", "--set-pin", page.environment["CLOUDHSM_PIN"], "--list-privkeys", TOKEN)


@pytest.mark.parametrize("safe", ["", ":"], ids=["escaped colon", "plain colon"])
def test_a_pin_in_a_uri_logs_in(page: Workshop, safe: str) -> None:
    pin = quote(page.environment["CLOUDHSM_PIN"], safe=safe)
    assert "shop" in p11tool(page, "--login", "--list-privkeys", f"{TOKEN}?pin-value={pin}")


def test_without_a_login_no_key_is_shown(page: Workshop) -> None:
    assert "No matching objects found" in p11tool(page, "--list-privkeys", TOKEN, status=2)


def test_a_wrong_pin_in_a_uri_is_refused(page: Workshop) -> None:
    pin = quote(page.with_wrong_pin().environment["CLOUDHSM_PIN"])
    refused = p11tool(page, "--login", "--list-privkeys", f"{TOKEN}?pin-value={pin}", status=1)
    assert "shop" not in refused
    assert "PIN" in refused
