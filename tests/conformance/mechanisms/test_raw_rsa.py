"""Raw RSA through the library, against the arithmetic of Python and the paddings of pyca/cryptography."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptoki import CryptokiError
from cryptoki_mechanisms import mechanism

from strongroom.vocabulary.attributes import Attribute
from strongroom.vocabulary.mechanisms import Mechanism

pytestmark = pytest.mark.cluster
RAW = Mechanism.RSA_X_509
SIZE = 256


@pytest.fixture(scope="module", params=[0, 1], ids=["non-fips", "fips"])
def pair(request, library):
    """A session, the handles of a pair, and the public key as pyca/cryptography has it."""
    with library.opened(request.param) as session:
        public, private = session.generate_pair(
            mechanism(Mechanism.RSA_PKCS_KEY_PAIR_GEN),
            {
                Attribute.MODULUS_BITS: 8 * SIZE,
                Attribute.PUBLIC_EXPONENT: b"\x01\x00\x01",
                Attribute.VERIFY: True,
                Attribute.ENCRYPT: True,
            },
            {Attribute.SIGN: True, Attribute.DECRYPT: True},
        )
        modulus = int.from_bytes(session.attribute(public, Attribute.MODULUS), "big")
        yield session, public, private, rsa.RSAPublicNumbers(65537, modulus).public_key()


def test_a_block_padded_by_hand_is_a_signature_that_others_verify(pair):
    session, public, private, key = pair
    digest = hashes.Hash(hashes.SHA256())
    digest.update(b"message")
    info = bytes.fromhex("3031300d060960864801650304020105000420") + digest.finalize()
    block = b"\x00\x01" + b"\xff" * (SIZE - len(info) - 3) + b"\x00" + info
    signature = session.sign(private, block, mechanism(RAW))
    key.verify(signature, b"message", padding.PKCS1v15(), hashes.SHA256())
    assert session.verifies(mechanism(RAW), public, block, signature)
    assert session.verifies(mechanism(RAW), public, block[1:], signature)  # a leading zero more or less
    assert not session.verifies(mechanism(RAW), public, block[:-1] + b"x", signature)
    assert not session.verifies(mechanism(RAW), public, block, signature[1:])


def test_encryption_is_the_bare_power_and_decryption_gives_the_whole_block(pair):
    session, public, private, key = pair
    numbers = key.public_numbers()
    ciphertext = session.encrypt(mechanism(RAW), public, b"short")
    assert int.from_bytes(ciphertext, "big") == pow(int.from_bytes(b"short", "big"), numbers.e, numbers.n)
    assert session.decrypt(mechanism(RAW), private, ciphertext) == b"short".rjust(SIZE, b"\x00")
    padded = key.encrypt(b"message", padding.PKCS1v15())
    block = session.decrypt(mechanism(RAW), private, padded)
    assert block[:2] == b"\x00\x02"
    assert block.endswith(b"\x00message")


def test_what_is_no_number_below_the_modulus_is_refused(pair):
    session, public, private, key = pair
    modulus = key.public_numbers().n.to_bytes(SIZE, "big")
    refusals = [
        (lambda: session.sign(private, modulus, mechanism(RAW)), 0x20),
        (lambda: session.sign(private, b"\x01", mechanism(RAW)), 0x20),
        (lambda: session.sign(private, bytes(SIZE + 1), mechanism(RAW)), 0x21),
        (lambda: session.encrypt(mechanism(RAW), public, modulus), 0x20),
        (lambda: session.encrypt(mechanism(RAW), public, bytes(SIZE + 1)), 0x21),
        (lambda: session.decrypt(mechanism(RAW), private, modulus), 0x40),
        (lambda: session.decrypt(mechanism(RAW), private, bytes(SIZE - 1)), 0x41),
        (lambda: session.sign(public, b"data", mechanism(RAW)), 0x68),
    ]
    for call, rv in refusals:
        with pytest.raises(CryptokiError) as refused:
            call()
        assert refused.value.rv == rv
