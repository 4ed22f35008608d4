"""SHA-3 through the library, against hashlib and pyca/cryptography in both directions."""

from __future__ import annotations

import hashlib
import hmac
import os
import subprocess

import pytest
import vector_keys as keys
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptoki import CryptokiError
from cryptoki_mechanisms import mechanism, oaep, pss

from strongroom.client import curves
from strongroom.vocabulary.mechanisms import Mechanism

pytestmark = pytest.mark.cluster
SIZES = (224, 256, 384, 512)
MESSAGE = os.urandom(100_000)
"""More than one request takes: it is hashed in the library."""


@pytest.fixture(scope="module", params=[0, 1], ids=["non-fips", "fips"])
def session(request, library):
    with library.opened(request.param) as opened:
        yield opened


def sha3(bits: int) -> hashes.HashAlgorithm:
    found: hashes.HashAlgorithm = getattr(hashes, f"SHA3_{bits}")()
    return found


@pytest.mark.parametrize("bits", SIZES)
def test_digests_and_macs_are_those_of_hashlib(session, bits):
    digest = session.digest(mechanism(Mechanism[f"SHA3_{bits}"]), MESSAGE)
    assert digest == hashlib.new(f"sha3_{bits}", MESSAGE).digest()
    for length in (1, 71, 72, 144, 145, 800):  # about the blocks of the four
        value = os.urandom(length)
        key, how = session.create(keys.secret(value)), mechanism(Mechanism[f"SHA3_{bits}_HMAC"])
        mac = session.sign(key, b"message", how)
        assert mac == hmac.digest(value, b"message", f"sha3_{bits}")
        assert session.verifies(how, key, b"message", mac)
        assert not session.verifies(how, key, b"message", mac[:-1] + bytes([mac[-1] ^ 1]))
        assert not session.verifies(how, key, b"message", mac[:-1])


@pytest.mark.parametrize("bits", SIZES)
def test_rsa_signatures_go_both_ways(session, bits):
    key = rsa.generate_private_key(65537, 2048)
    numbers = key.private_numbers()
    modulus = numbers.public_numbers.n
    private = session.create(keys.rsa_private(modulus, 65537, numbers.d, numbers.p, numbers.q))
    public = session.create(keys.rsa_public(modulus, 65537))
    name, algorithm, salt = f"SHA3_{bits}", sha3(bits), bits // 8
    schemes = [
        (mechanism(Mechanism[f"{name}_RSA_PKCS"]), padding.PKCS1v15()),
        (pss(Mechanism[f"{name}_RSA_PKCS_PSS"], name, name, salt), padding.PSS(padding.MGF1(algorithm), salt)),
    ]
    for how, scheme in schemes:
        ours = session.sign(private, MESSAGE, how)
        key.public_key().verify(ours, MESSAGE, scheme, algorithm)
        theirs = key.sign(MESSAGE, scheme, algorithm)
        assert session.verifies(how, public, MESSAGE, theirs)
        assert not session.verifies(how, public, MESSAGE + b"x", theirs)
        with pytest.raises(InvalidSignature):
            key.public_key().verify(ours, MESSAGE + b"x", scheme, algorithm)


@pytest.mark.parametrize("bits", SIZES)
def test_oaep_goes_both_ways_with_openssl(session, bits, tmp_path):
    """pyca/cryptography has no OAEP with SHA-3."""
    key = rsa.generate_private_key(65537, 2048)
    numbers = key.private_numbers()
    modulus = numbers.public_numbers.n
    private = session.create(keys.rsa_private(modulus, 65537, numbers.d, numbers.p, numbers.q))
    public = session.create(keys.rsa_public(modulus, 65537))
    encoded = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = tmp_path / "key.pem"
    path.write_bytes(encoded)
    options = ("rsa_padding_mode:oaep", f"rsa_oaep_md:sha3-{bits}", f"rsa_mgf1_md:sha3-{bits}")
    command = ["openssl", "pkeyutl", "-inkey", str(path), *(word for each in options for word in ("-pkeyopt", each))]

    def openssl(direction: str, data: bytes) -> bytes:
        return subprocess.run([*command, direction], input=data, capture_output=True, check=True).stdout

    how = oaep(f"SHA3_{bits}", f"SHA3_{bits}")
    assert session.decrypt(how, private, openssl("-encrypt", b"data")) == b"data"
    assert openssl("-decrypt", session.encrypt(how, public, b"data")) == b"data"


@pytest.mark.parametrize("bits", SIZES)
def test_ecdsa_signatures_go_both_ways_on_every_curve(session, bits):
    how, algorithm = mechanism(Mechanism[f"ECDSA_SHA3_{bits}"]), ec.ECDSA(sha3(bits))
    for name, curve in keys.PYCA.items():
        key, known = ec.generate_private_key(curve), curves.by_name(name)
        private = session.create(keys.ec_private(known, key.private_numbers().private_value))
        numbers = key.public_key().public_numbers()
        point = b"\x04" + b"".join(axis.to_bytes(known.field_bytes, "big") for axis in (numbers.x, numbers.y))
        public = session.create(keys.ec_public(known, point))
        ours = session.sign(private, MESSAGE, how)
        halves = (ours[: known.field_bytes], ours[known.field_bytes :])
        der = encode_dss_signature(*(int.from_bytes(half, "big") for half in halves))
        key.public_key().verify(der, MESSAGE, algorithm)
        numbers = decode_dss_signature(key.sign(MESSAGE, algorithm))
        theirs = b"".join(number.to_bytes(known.field_bytes, "big") for number in numbers)
        assert session.verifies(how, public, MESSAGE, theirs)
        assert not session.verifies(how, public, MESSAGE + b"x", theirs)


def test_what_does_not_go_together_is_refused(session):
    secret, aes = session.create(keys.secret(bytes(32))), session.create(keys.aes(bytes(32)))
    modulus = rsa.generate_private_key(65537, 2048).public_key().public_numbers().n
    public = session.create(keys.rsa_public(modulus, 65537))
    refusals = [
        (lambda: session.sign(aes, b"data", mechanism(Mechanism.SHA3_256_HMAC)), 0x63),
        (lambda: session.verifies(mechanism(Mechanism.SHA3_256_RSA_PKCS), secret, b"", b""), 0x63),
        (lambda: session.verifies(mechanism(Mechanism.ECDSA_SHA3_256), public, b"", b""), 0x63),
        (lambda: session.verifies(mechanism(Mechanism.SHA3_256_RSA_PKCS_PSS), public, b"", b""), 0x71),
        (
            lambda: session.verifies(
                pss(Mechanism.SHA3_256_RSA_PKCS_PSS, "SHA256", "SHA256", 32), public, b"", bytes(256)
            ),
            0x71,
        ),
        (lambda: session.digest(mechanism(Mechanism.SHA3_256, b"parameter"), b""), 0x71),
        (lambda: session.encrypt(mechanism(Mechanism.SHA3_256_HMAC), secret, b""), 0x70),
    ]
    for call, rv in refusals:
        with pytest.raises(CryptokiError) as refused:
            call()
        assert refused.value.rv == rv
