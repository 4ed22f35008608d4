"""docs/how-to/python-pkcs11.md: python-pkcs11 and PyKCS11 make, list and use keys."""

from __future__ import annotations

import sys

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key
from programs import HOW_TO, Workshop, fenced

pytestmark = pytest.mark.cluster

PROGRAMS = dict(zip(("python-pkcs11", "PyKCS11"), fenced(HOW_TO / "python-pkcs11.md", "python"), strict=True))


def run(workshop: Workshop, name: str, status: int = 0) -> str:
    """Run a program of the page; gives what it printed."""
    return workshop.run(sys.executable, "-c", PROGRAMS[name], status=status)


def test_python_pkcs11_makes_lists_and_uses_keys(workshop: Workshop) -> None:
    listed = run(workshop, "python-pkcs11")
    for label in ("release", "mail", "backup"):
        assert label in listed
    elliptic = load_der_public_key(workshop.path("release.der").read_bytes())
    assert isinstance(elliptic, ec.EllipticCurvePublicKey)
    signature = workshop.path("release.sig").read_bytes()
    elliptic.verify(signature, b"release 1.0", ec.ECDSA(hashes.SHA256()))
    with pytest.raises(InvalidSignature):
        elliptic.verify(signature, b"release 1.1", ec.ECDSA(hashes.SHA256()))
    public = load_der_public_key(workshop.path("mail.der").read_bytes())
    assert isinstance(public, rsa.RSAPublicKey)
    public.verify(workshop.path("mail.sig").read_bytes(), b"mail", padding.PKCS1v15(), hashes.SHA256())


def test_pykcs11_makes_lists_and_uses_keys(workshop: Workshop) -> None:
    assert "invoices" in run(workshop, "PyKCS11").splitlines()
    modulus = int.from_bytes(workshop.path("invoice.modulus").read_bytes())
    public = rsa.RSAPublicNumbers(65537, modulus).public_key()
    signature = workshop.path("invoice.sig").read_bytes()
    public.verify(signature, b"invoice 17", padding.PKCS1v15(), hashes.SHA256())
    with pytest.raises(InvalidSignature):
        public.verify(signature, b"invoice 18", padding.PKCS1v15(), hashes.SHA256())


@pytest.mark.parametrize(("name", "error"), [("python-pkcs11", "PinIncorrect"), ("PyKCS11", "CKR_PIN_INCORRECT")])
def test_a_wrong_pin_is_refused(workshop: Workshop, name: str, error: str) -> None:
    assert error in run(workshop.with_wrong_pin(), name, status=1)
