"""docs/how-to/nodejs.md: graphene-pk11 makes, finds and uses keys."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from programs import HOW_TO, Workshop, fenced

pytestmark = pytest.mark.cluster

PACKAGE = Path(__file__).parent / "nodejs"
"""package.json and package-lock.json, which pin what is fetched."""


@pytest.fixture(scope="module")
def package(workshop: Workshop) -> Workshop:
    """A Node.js package with the page's program; the addon is built with the headers of the system's Node.js."""
    for file in PACKAGE.iterdir():
        shutil.copy(file, workshop.directory)
    (program,) = fenced(HOW_TO / "nodejs.md", "js")
    workshop.path("program.js").write_text(program)
    build = {"npm_config_nodedir": "/usr", "npm_config_jobs": "max"}
    Workshop({**workshop.environment, **build}, workshop.directory).run(
        "npm", "ci", "--prefer-offline", "--no-audit", "--no-fund"
    )
    return workshop


def test_the_program_of_the_page_makes_finds_and_uses_keys(package: Workshop) -> None:
    printed = package.run("node", "program.js").splitlines()
    assert "verified: true" in printed
    assert "decrypted: a message" in printed
    assert sorted(line for line in printed if line.startswith("found:")) == [
        "found: PRIVATE_KEY",
        "found: PUBLIC_KEY",
        "found: SECRET_KEY",
    ]
    signature, point = package.path("message.sig").read_bytes(), package.path("message.point").read_bytes()
    encoded = utils.encode_dss_signature(int.from_bytes(signature[:32]), int.from_bytes(signature[32:]))
    public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point[2:])
    public.verify(encoded, b"a message", ec.ECDSA(hashes.SHA256()))


def test_a_wrong_pin_is_refused(package: Workshop) -> None:
    assert "CKR_PIN_INCORRECT" in package.with_wrong_pin().run("node", "program.js", status=1)
