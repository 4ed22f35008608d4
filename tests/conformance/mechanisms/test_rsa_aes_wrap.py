"""RSA-AES key wrap through the library, both ways with pyca/cryptography on the other side."""

from __future__ import annotations

import os

import pytest
import vector_keys as keys
from cryptography.hazmat.primitives import hashes, keywrap, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptoki import CryptokiError
from cryptoki_mechanisms import mechanism, oaep_parameters, rsa_aes

from strongroom.client import curves
from strongroom.vocabulary.attributes import Attribute
from strongroom.vocabulary.mechanisms import Mechanism

pytestmark = pytest.mark.cluster
OAEP = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)


@pytest.fixture(scope="module")
def session(library):
    with library.opened(1) as opened:
        yield opened


@pytest.fixture(scope="module")
def stranger():
    return rsa.generate_private_key(65537, 2048)


def how(bits: int = 256):
    return rsa_aes(bits, oaep_parameters("SHA256", "SHA256"))


def unwrapped(key: rsa.RSAPrivateKey, wrapped: bytes) -> bytes:
    """What somebody else makes of a wrapped key: the AES key's length and the key."""
    temporary = key.decrypt(wrapped[:256], OAEP)
    return keywrap.aes_key_unwrap_with_padding(temporary, wrapped[256:])


@pytest.mark.parametrize("bits", [128, 192, 256])
def test_a_stranger_unwraps_what_the_hsm_wrapped(session, stranger, bits):
    numbers = stranger.public_key().public_numbers()
    wrapping = session.create(keys.rsa_public(numbers.n, numbers.e))
    value = os.urandom(45)
    wrapped = session.wrap(how(bits), wrapping, session.create(keys.secret(value)))
    assert unwrapped(stranger, wrapped) == value
    public, private = session.generate_pair(
        mechanism(Mechanism.EC_KEY_PAIR_GEN),
        {Attribute.EC_PARAMS: curves.by_name("secp384r1").parameters},
        {Attribute.SIGN: True},
    )
    key = serialization.load_der_private_key(unwrapped(stranger, session.wrap(how(bits), wrapping, private)), None)
    point = key.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    assert keys.octets(point) == session.attribute(public, Attribute.EC_POINT)


def test_the_hsm_unwraps_what_a_stranger_wrapped(session):
    public, private = session.generate_pair(
        mechanism(Mechanism.RSA_PKCS_KEY_PAIR_GEN),
        {Attribute.MODULUS_BITS: 2048, Attribute.PUBLIC_EXPONENT: b"\x01\x00\x01"},
        {Attribute.UNWRAP: True},
    )
    modulus = int.from_bytes(session.attribute(public, Attribute.MODULUS), "big")
    key = rsa.RSAPublicNumbers(65537, modulus).public_key()

    def wrapped(material: bytes) -> bytes:
        temporary = os.urandom(32)
        return key.encrypt(temporary, OAEP) + keywrap.aes_key_wrap_with_padding(temporary, material)

    value = os.urandom(33)
    assert keys.is_secret(session, session.unwrap(how(), private, wrapped(value), keys.new_secret()), value)
    theirs = ec.generate_private_key(ec.SECP256R1())
    info = theirs.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    template = {Attribute.CLASS: 3, Attribute.KEY_TYPE: 3, Attribute.SIGN: True}
    imported = session.unwrap(how(), private, wrapped(info), template)
    signature = session.sign(imported, bytes(32))
    verifying = keys.ec_public(
        curves.by_name("secp256r1"),
        theirs.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint),
    )
    assert session.verifies(mechanism(Mechanism.ECDSA), session.create(verifying), bytes(32), signature)
    for altered, rv in [(wrapped(value)[:-8], 0x110), (wrapped(value)[:-1], 0x112), (wrapped(value)[:260], 0x112)]:
        with pytest.raises(CryptokiError) as refused:
            session.unwrap(how(), private, altered, keys.new_secret())
        assert refused.value.rv == rv
    with pytest.raises(CryptokiError) as refused:
        session.unwrap(how(100), private, wrapped(value), keys.new_secret())
    assert refused.value.rv == 0x71
