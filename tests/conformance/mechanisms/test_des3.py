"""Triple DES through the library, against pyca/cryptography both ways; in Mode FIPS it only decrypts and verifies."""

from __future__ import annotations

import os

import pytest
import vector_keys as keys
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.cmac import CMAC
from cryptography.hazmat.primitives.padding import PKCS7
from cryptoki import refusal
from cryptoki_mechanisms import hkdf, mac_general, mechanism

from strongroom.vocabulary.attributes import Attribute
from strongroom.vocabulary.mechanisms import Mechanism

pytestmark = pytest.mark.cluster
IV = os.urandom(8)
MODES = {
    Mechanism.DES3_ECB: (mechanism(Mechanism.DES3_ECB), modes.ECB()),  # noqa: S305 - what is compared with
    Mechanism.DES3_CBC: (mechanism(Mechanism.DES3_CBC, IV), modes.CBC(IV)),
    Mechanism.DES3_CBC_PAD: (mechanism(Mechanism.DES3_CBC_PAD, IV), modes.CBC(IV)),
}
USAGE = {Attribute.ENCRYPT: True, Attribute.DECRYPT: True}


def padded(kind: Mechanism, data: bytes) -> bytes:
    if kind != Mechanism.DES3_CBC_PAD:
        return data
    padder = PKCS7(64).padder()
    return padder.update(data) + padder.finalize()


@pytest.mark.parametrize("kind", MODES, ids=lambda kind: kind.name)
@pytest.mark.parametrize("mode", ["non-fips", "fips"])
def test_what_others_encrypt_is_decrypted_and_the_other_way_round(session, fips_session, kind, mode):
    ours = session if mode == "non-fips" else fips_session
    value = os.urandom(24)
    key, (how, theirs) = ours.create(keys.des3(value)), MODES[kind]
    for length in (8, 16, 800, 40_000):
        data = os.urandom(length - (3 if kind == Mechanism.DES3_CBC_PAD else 0))
        encryptor = Cipher(TripleDES(value), theirs).encryptor()
        ciphertext = encryptor.update(padded(kind, data)) + encryptor.finalize()
        assert ours.decrypt(how, key, ciphertext) == data
        cuts = [ciphertext[:1], ciphertext[1:13], ciphertext[13:]]
        assert ours.in_parts("Decrypt", how, key, cuts) == data
        if mode == "non-fips":
            assert ours.encrypt(how, key, data) == ciphertext
            assert ours.in_parts("Encrypt", how, key, [data[:3], data[3:9], data[9:]]) == ciphertext


def test_a_generated_key_encrypts_and_its_check_value_is_its_own(session):
    key = session.generate(mechanism(Mechanism.DES3_KEY_GEN), USAGE)
    zeros = session.encrypt(mechanism(Mechanism.DES3_ECB), key, bytes(8))
    assert session.attribute(key, Attribute.CHECK_VALUE) == zeros[:3]
    assert int.from_bytes(session.attribute(key, Attribute.VALUE_LEN), "little") == 24
    wrapping = session.create(keys.aes(bytes(32)))
    wrapped = session.wrap(mechanism(Mechanism.AES_KEY_WRAP), wrapping, key)
    template = {Attribute.CLASS: keys.CKO_SECRET_KEY, Attribute.KEY_TYPE: keys.CKK_DES3, **USAGE}
    again = session.unwrap(mechanism(Mechanism.AES_KEY_WRAP), wrapping, wrapped, template)
    assert session.encrypt(mechanism(Mechanism.DES3_ECB), again, bytes(8)) == zeros
    derived = session.derive(hkdf("SHA256", None, b""), session.create(keys.secret(bytes(32))), template)
    assert len(session.encrypt(mechanism(Mechanism.DES3_ECB), derived, bytes(8))) == 8


def cmac(value: bytes, data: bytes) -> bytes:
    theirs = CMAC(TripleDES(value))
    theirs.update(data)
    return theirs.finalize()


def test_macs_are_those_of_others_whole_and_cut(session, fips_session):
    value = os.urandom(24)
    key, other = session.create(keys.des3(value)), fips_session.create(keys.des3(value))
    whole = mechanism(Mechanism.DES3_CMAC)
    for length in (0, 1, 8, 9, 40_000):
        data = os.urandom(length)
        mac = cmac(value, data)
        assert session.sign(key, data, whole) == mac
        assert session.sign_in_parts(whole, key, [data[:1], data[1:]]) == mac
        for ours, handle in ((session, key), (fips_session, other)):
            assert ours.verifies(whole, handle, data, mac)
            assert not ours.verifies(whole, handle, data + b"x", mac)
            for size in (4, 7, 8):
                cut = mac_general(Mechanism.DES3_CMAC_GENERAL, size)
                assert ours.verifies(cut, handle, data, mac[:size])
                assert not ours.verifies(cut, handle, data, bytes([mac[0] ^ 1]) + mac[1:size])
                assert not ours.verifies(cut, handle, data, mac[: size - 1])
        assert session.sign(key, data, mac_general(Mechanism.DES3_CMAC_GENERAL, 5)) == mac[:5]


def test_macs_of_other_lengths_and_other_keys_are_refused(session, fips_session):
    key, aes = session.create(keys.des3(os.urandom(24))), session.create(keys.aes(bytes(24)))
    for length in (0, 3, 9, 16, 1 << 61, (1 << 64) - 1):
        how = mac_general(Mechanism.DES3_CMAC_GENERAL, length)
        assert refusal(lambda how=how: session.sign(key, b"data", how)) == 0x71
    assert refusal(lambda: session.sign(aes, b"data", mac_general(Mechanism.AES_CMAC_GENERAL, 17))) == 0x71
    assert refusal(lambda: session.sign(key, b"data", mechanism(Mechanism.DES3_CMAC_GENERAL))) == 0x71
    assert refusal(lambda: session.sign(key, b"data", mac_general(Mechanism.DES3_CMAC, 8))) == 0x71
    assert refusal(lambda: session.sign(aes, b"data", mechanism(Mechanism.DES3_CMAC))) == 0x63
    assert refusal(lambda: session.sign(key, b"data", mechanism(Mechanism.AES_CMAC))) == 0x63
    only_encrypts = session.create({**keys.des3(os.urandom(24)), Attribute.SIGN: False})
    assert refusal(lambda: session.sign(only_encrypts, b"data", mechanism(Mechanism.DES3_CMAC))) == 0x68
    legacy = fips_session.create(keys.des3(os.urandom(24)))
    assert refusal(lambda: fips_session.sign(legacy, b"data", mechanism(Mechanism.DES3_CMAC))) == 0x70
    short = mac_general(Mechanism.DES3_CMAC_GENERAL, 4)
    assert refusal(lambda: fips_session.sign(legacy, b"data", short)) == 0x70


def test_what_is_no_triple_des_is_refused(session):
    key, aes = session.create(keys.des3(os.urandom(24))), session.create(keys.aes(bytes(24)))
    ecb, cbc, pad = (how for how, _ in MODES.values())
    assert refusal(lambda: session.create(keys.des3(os.urandom(16)))) == 0x13
    assert refusal(lambda: session.create(keys.des3(3 * os.urandom(8)))) == 0x13
    assert refusal(lambda: session.generate(mechanism(Mechanism.DES3_KEY_GEN), {Attribute.VALUE_LEN: 16})) == 0xD1
    assert refusal(lambda: session.encrypt(ecb, key, bytes(9))) == 0x21
    assert refusal(lambda: session.decrypt(cbc, key, bytes(9))) == 0x41
    assert refusal(lambda: session.decrypt(pad, key, b"")) == 0x41
    assert refusal(lambda: session.encrypt(mechanism(Mechanism.DES3_CBC, bytes(16)), key, bytes(8))) == 0x71
    assert refusal(lambda: session.encrypt(mechanism(Mechanism.DES3_CBC), key, bytes(8))) == 0x71
    assert refusal(lambda: session.encrypt(ecb, aes, bytes(8))) == 0x63
    assert refusal(lambda: session.encrypt(mechanism(Mechanism.AES_ECB), key, bytes(16))) == 0x63
    broken = session.encrypt(cbc, key, bytes(8))
    assert refusal(lambda: session.decrypt(pad, key, broken)) == 0x40


def test_mode_fips_makes_no_key_and_encrypts_nothing(fips_session):
    key = fips_session.create(keys.des3(os.urandom(24)))
    assert refusal(lambda: fips_session.generate(mechanism(Mechanism.DES3_KEY_GEN), USAGE)) == 0x70
    for how, _ in MODES.values():
        assert refusal(lambda how=how: fips_session.encrypt(how, key, bytes(8))) == 0x70
        assert len(fips_session.decrypt(MODES[Mechanism.DES3_ECB][0], key, bytes(8))) == 8
