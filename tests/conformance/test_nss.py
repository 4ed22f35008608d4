"""docs/how-to/nss.md: NSS's ``modutil`` and ``certutil`` work with the PKCS #11 library."""

from __future__ import annotations

import re
import secrets

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from programs import Workshop

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def printed(workshop: Workshop) -> str:
    """What the page's commands printed."""
    return workshop.follow("nss.md")


@pytest.fixture(scope="module")
def page(workshop: Workshop, printed: str) -> Workshop:
    """A workshop in which the page was followed: its NSS database has the library as a module."""
    return workshop


def certutil(page: Workshop, action: str, *arguments: str, status: int = 0) -> str:
    return page.run("certutil", action, "-d", "sql:.", "-h", "hsm1", "-f", "pin", *arguments, status=status)


def test_modutil_shows_one_slot_with_the_token(printed: str) -> None:
    assert "Token Name: hsm1" in printed
    assert printed.count("Token Name:") == 1


def test_the_key_and_the_certificate_of_the_page_are_listed(printed: str) -> None:
    assert re.search(r"^< 0> ec +\w+ +hsm1:service$", printed, re.MULTILINE)
    assert re.search(r"^hsm1:service +u,u,u *$", printed, re.MULTILINE)


@pytest.mark.parametrize(
    ("options", "key_type", "bits"),
    [
        (("-k", "rsa", "-g", "2048"), rsa.RSAPublicKey, 2048),
        (("-k", "ec", "-q", "nistp256"), ec.EllipticCurvePublicKey, 256),
    ],
)
def test_certutil_makes_a_key_with_its_certificate_and_deletes_them(
    page: Workshop, options: tuple[str, ...], key_type: type, bits: int
) -> None:
    name = f"nss-{secrets.token_hex(4)}"
    serial = str(secrets.randbelow(2**31))
    certutil(page, "-S", "-n", name, "-s", f"CN={name}", "-x", "-t", ",,", "-z", "noise", "-m", serial, *options)
    assert f"hsm1:{name}" in certutil(page, "-L")
    assert f"hsm1:{name}" in certutil(page, "-K")
    pem = certutil(page, "-L", "-n", f"hsm1:{name}", "-a")
    certificate = x509.load_pem_x509_certificate(pem.encode())
    public = certificate.public_key()
    assert isinstance(public, key_type)
    assert public.key_size == bits
    certificate.verify_directly_issued_by(certificate)
    certutil(page, "-F", "-n", f"hsm1:{name}")
    assert name not in certutil(page, "-L")


def test_a_wrong_password_is_refused(page: Workshop) -> None:
    wrong = page.path("wrong-pin")
    wrong.touch(0o600)
    wrong.write_text(page.with_wrong_pin().environment["CLOUDHSM_PIN"])
    page.run("certutil", "-K", "-d", "sql:.", "-h", "hsm1", "-f", "wrong-pin", status=255)
