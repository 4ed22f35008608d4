"""docs/how-to/go.md: crypto11 and miekg/pkcs11, whose own tests pass too."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from installed import crypto_user
from programs import HOW_TO, Workshop, fenced

pytestmark = pytest.mark.cluster

MODULE = Path(__file__).parent / "go"
"""go.mod and go.sum, which pin what is fetched."""
CRYPTO11, MIEKG = "github.com/ThalesIgnite/crypto11", "github.com/miekg/pkcs11"
RANDOM_LABELS = ("rand.Read(result)\n\treturn result", 'rand.Read(result)\n\treturn []byte(fmt.Sprintf("%x", result))')
"""crypto11's tests use random bytes as labels; a label is UTF-8 text (PKCS #11 2.40 section 4.4)."""
NOT_LIKE_AWS = {
    CRYPTO11: {"TestHardSymmetric/AES128/GCMHard"},
    MIEKG: {"TestGetInfo", "TestOAEPParams"},
}
"""A nonce of zeros is a place for the IV that the HSM makes, and this version of crypto11 does not hand it on;
miekg/pkcs11 insists on the manufacturer SoftHSM, and encrypts with a key whose template does not allow it."""


@pytest.fixture(scope="module")
def module(workshop: Workshop) -> Workshop:
    """A Go module with the page's programs and the packages' own tests."""
    for file in MODULE.iterdir():
        shutil.copy(file, workshop.directory)
    for name, program in zip(("request", "sign"), fenced(HOW_TO / "go.md", "go"), strict=True):
        workshop.path(name).mkdir()
        (workshop.path(name) / "main.go").write_text(program)
    workshop.run("go", "build", "-o", "bin/", "./request", "./sign")
    return workshop


def user(module: Workshop, cluster: Mapping[str, str], name: str, **more: str) -> Workshop:
    """The module in the hands of a new user of a cluster, who has no keys."""
    return Workshop({**crypto_user(cluster, name), **more}, module.directory)


def passed(printed: str) -> set[str]:
    """The tests, and parts of tests, that passed."""
    return set(re.findall(r"^ *--- PASS: (\S+)", printed, re.MULTILINE))


def failed(printed: str) -> set[str]:
    """The tests that failed, or which of their parts did."""
    found = set(re.findall(r"^ *--- FAIL: (\S+)", printed, re.MULTILINE))
    return {test for test in found if not any(other.startswith(f"{test}/") for other in found)}


def test_the_programs_of_the_page_make_a_request_and_sign_with_its_key(module: Workshop) -> None:
    request = x509.load_pem_x509_csr(module.run("bin/request").encode())
    assert request.is_signature_valid
    module.run("bin/sign")
    signature = module.path("message.sig").read_bytes()
    public = request.public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    encoded = utils.encode_dss_signature(int.from_bytes(signature[:32]), int.from_bytes(signature[32:]))
    public.verify(encoded, b"a message", ec.ECDSA(hashes.SHA256()))


@pytest.mark.parametrize("program", ["request", "sign"])
def test_a_wrong_pin_is_refused(module: Workshop, program: str) -> None:
    assert "CKR_PIN_INCORRECT" in module.with_wrong_pin().run(f"bin/{program}", status=1)


def test_crypto11s_own_tests_pass(module: Workshop, ephemeral_non_fips: Mapping[str, str]) -> None:
    tester = user(module, ephemeral_non_fips, "crypto11", CRYPTO11_SKIP="DSA")
    source = Path(module.run("go", "list", "-m", "-f", "{{.Dir}}", CRYPTO11).strip())
    copy = shutil.copytree(source, module.path("crypto11"), copy_function=shutil.copyfile)
    copy.chmod(0o755)
    tests = copy / "crypto11_test.go"
    assert RANDOM_LABELS[0] in tests.read_text()
    tests.write_text(tests.read_text().replace(*RANDOM_LABELS))
    module.run("go", "mod", "edit", f"-replace={CRYPTO11}=./crypto11")
    module.run("go", "test", "-c", "-o", "bin/crypto11.test", CRYPTO11)
    pin = tester.environment["CLOUDHSM_PIN"]
    module.path("config").write_text(json.dumps({"Path": module.module, "TokenLabel": "hsm1", "Pin": pin}))
    printed = tester.run("bin/crypto11.test", "-test.v", "-test.short", status=1)
    assert failed(printed) == NOT_LIKE_AWS[CRYPTO11]
    assert passed(printed) >= {"TestHardRSA", "TestHardECDSA", "TestHmac", "TestCertificate"}


def test_miekg_pkcs11s_own_tests_pass(module: Workshop, ephemeral_non_fips: Mapping[str, str]) -> None:
    module.run("go", "test", "-c", "-o", "bin/miekg.test", MIEKG)
    tester = user(module, ephemeral_non_fips, "miekg", SOFTHSM_LIB=module.module)
    tester = Workshop({**tester.environment, "SOFTHSM_PIN": tester.environment["CLOUDHSM_PIN"]}, module.directory)
    printed = tester.run("bin/miekg.test", "-test.v", "-test.run", "^Test", status=1)
    assert failed(printed) == NOT_LIKE_AWS[MIEKG]
    assert passed(printed) >= {"TestSign", "TestDestroyObject", "TestSymmetricEncryption"}
