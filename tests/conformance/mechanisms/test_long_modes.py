"""AES-CCM and AES-XTS over more than one request takes, against pyca/cryptography."""

from __future__ import annotations

import ctypes
import os
from ctypes import byref, c_ulong

import pytest
import vector_keys as keys
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESCCM
from cryptoki import Session, refusal
from cryptoki_mechanisms import CcmMessage, ccm, mechanism

from strongroom.vocabulary.mechanisms import Mechanism

pytestmark = pytest.mark.cluster
MIB = 1 << 20
ONE_REQUEST = MIB - 4096
LONGEST_UNIT = 16 * MIB
DATA = os.urandom(3 * MIB + 123)
ODD = [DATA[:1], DATA[1:700_000], b"", DATA[700_000 : 2 * MIB], DATA[2 * MIB : 2 * MIB + 7], DATA[2 * MIB + 7 :]]
SMALL = [DATA[at : at + 65_521] for at in range(0, len(DATA), 65_521)]
CKR_DATA_LEN_RANGE, CKR_ENCRYPTED_DATA_INVALID, CKR_ENCRYPTED_DATA_LEN_RANGE = 0x21, 0x40, 0x41
CKR_MECHANISM_PARAM_INVALID, CKR_AEAD_DECRYPT_FAILED = 0x71, 0x42
CKF_END_OF_MESSAGE = 1
EDGES = [ONE_REQUEST, ONE_REQUEST + 1, ONE_REQUEST + 15, ONE_REQUEST + 16, 2 * ONE_REQUEST, 2 * ONE_REQUEST + 17]


@pytest.fixture(scope="module")
def aes(session: Session) -> tuple[bytes, int]:
    value = os.urandom(24)
    return value, session.create(keys.aes(value))


@pytest.fixture(scope="module")
def xts(session: Session) -> tuple[bytes, int]:
    value = os.urandom(64)
    return value, session.create(keys.aes_xts(value))


def cut(data: bytes, size: int = 777_777) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


@pytest.mark.parametrize(("nonce_length", "tag_length"), [(7, 4), (11, 10), (12, 16)])
def test_ccm_encrypts_and_decrypts_any_length(session, aes, nonce_length, tag_length):
    value, key = aes
    nonce = os.urandom(nonce_length)
    expected = AESCCM(value, tag_length).encrypt(nonce, DATA, b"aad")
    how = ccm(len(DATA), nonce, b"aad", tag_length)
    assert session.encrypt(how, key, DATA) == expected
    assert all(session.in_parts("Encrypt", how, key, parts) == expected for parts in (ODD, SMALL))
    assert session.decrypt(how, key, expected) == DATA
    assert session.in_parts("Decrypt", how, key, cut(expected)) == DATA


@pytest.mark.parametrize("length", EDGES)
def test_ccm_around_a_request_is_like_everywhere(session, aes, length):
    value, key = aes
    nonce, data = os.urandom(12), DATA[:length]
    how = ccm(length, nonce, b"", 8)
    encrypted = session.in_parts("Encrypt", how, key, cut(data))
    assert encrypted == AESCCM(value, 8).encrypt(nonce, data, b"")
    assert session.in_parts("Decrypt", how, key, cut(encrypted)) == data


def test_ccm_of_another_length_than_was_said_is_refused(session, aes):
    _, key = aes
    for length in (len(DATA) - 1, len(DATA) + 1, ONE_REQUEST, 10):
        how = ccm(length, bytes(12), b"aad", 16)
        for call in (
            lambda how=how: session.encrypt(how, key, DATA),
            lambda how=how: session.in_parts("Encrypt", how, key, SMALL),
        ):
            assert refusal(call) == CKR_DATA_LEN_RANGE
        for call in (
            lambda how=how: session.decrypt(how, key, DATA + bytes(16)),
            lambda how=how: session.in_parts("Decrypt", how, key, [*SMALL, bytes(16)]),
        ):
            assert refusal(call) == CKR_ENCRYPTED_DATA_LEN_RANGE
    too_long = ccm(len(DATA), bytes(13), b"aad", 16)
    rv = refusal(lambda: session.in_parts("Encrypt", too_long, key, SMALL))
    assert rv == CKR_DATA_LEN_RANGE, "two bytes tell the length"


def test_no_byte_of_a_long_altered_ccm_message_comes_out(session, aes):
    value, key = aes
    nonce = os.urandom(12)
    sealed = bytearray(AESCCM(value).encrypt(nonce, DATA, b"aad"))
    how = ccm(len(DATA), nonce, b"aad", 16)
    for at in (0, 2 * MIB, len(sealed) - 1):
        sealed[at] ^= 1
        altered = bytes(sealed)
        sealed[at] ^= 1
        assert refusal(lambda altered=altered: session.decrypt(how, key, altered)) == CKR_ENCRYPTED_DATA_INVALID
        session._call("C_DecryptInit", byref(how), key)
        for part in cut(altered):
            room, length = ctypes.create_string_buffer(len(part)), c_ulong(len(part))
            session._call("C_DecryptUpdate", part, len(part), room, byref(length))
            assert length.value == 0
        room, length = ctypes.create_string_buffer(len(DATA)), c_ulong(len(DATA))
        rv = refusal(lambda room=room, length=length: session._call("C_DecryptFinal", room, byref(length)))
        assert rv == CKR_ENCRYPTED_DATA_INVALID
        assert not any(room.raw)
    assert session.decrypt(how, key, bytes(sealed)) == DATA


def message_in_parts(session: Session, function: str, message: CcmMessage, parts: list[bytes]) -> bytes:
    """Each part gets as much room as it is long, the last what is left."""
    how = (byref(message), ctypes.sizeof(message))
    session._call(f"C_{function}MessageBegin", *how, b"aad", 3)
    found, rest = b"", sum(map(len, parts))
    for number, part in enumerate(parts, 1):
        is_last = number == len(parts)
        room = ctypes.create_string_buffer(rest - len(found) if is_last else max(len(part), 1))
        length = c_ulong(len(room) if is_last else len(part))
        flags = CKF_END_OF_MESSAGE if is_last else 0
        session._call(f"C_{function}MessageNext", *how, part, len(part), room, byref(length), flags)
        assert is_last or function == "Encrypt" or length.value == 0, "no plaintext before the tag is checked"
        found += room.raw[: length.value]
    return found


@pytest.mark.parametrize("nonce", [None, b"twelve bytes"], ids=["random-nonce", "nonce-of-the-caller"])
def test_ccm_messages_of_any_length(session, aes, nonce):
    value, key = aes
    session._call("C_MessageEncryptInit", byref(mechanism(Mechanism.AES_CCM, CcmMessage())), key)
    for parts in (ODD, SMALL, [DATA]):
        message = CcmMessage(len(DATA), nonce)
        ciphertext = message_in_parts(session, "Encrypt", message, parts)
        made, tag = message.nonce_buffer.raw, message.tag_buffer.raw
        assert made == nonce or (nonce is None and any(made))
        assert AESCCM(value).decrypt(made, ciphertext + tag, b"aad") == DATA
    short = CcmMessage(len(DATA) - 1, nonce)
    assert refusal(lambda: message_in_parts(session, "Encrypt", short, SMALL)) == CKR_DATA_LEN_RANGE
    session._call("C_MessageEncryptFinal")
    session._call("C_MessageDecryptInit", byref(mechanism(Mechanism.AES_CCM, CcmMessage())), key)
    assert message_in_parts(session, "Decrypt", CcmMessage(len(DATA), made, tag), cut(ciphertext)) == DATA
    for length in (len(DATA) - 1, len(DATA) + 1):
        wrong, pieces = CcmMessage(length, made, tag), cut(ciphertext)
        rv = refusal(lambda wrong=wrong, pieces=pieces: message_in_parts(session, "Decrypt", wrong, pieces))
        assert rv == CKR_ENCRYPTED_DATA_LEN_RANGE
    wrong = CcmMessage(10, made, tag)
    assert refusal(lambda: message_in_parts(session, "Decrypt", wrong, [b"not ten"])) == CKR_MECHANISM_PARAM_INVALID
    wrong = CcmMessage(len(DATA), made, bytes(16))
    assert refusal(lambda: message_in_parts(session, "Decrypt", wrong, cut(ciphertext))) == CKR_AEAD_DECRYPT_FAILED
    session._call("C_MessageDecryptFinal")


@pytest.mark.parametrize("length", [*EDGES, len(DATA)])
def test_xts_encrypts_and_decrypts_long_data_units(session, xts, length):
    value, key = xts
    tweak, data = os.urandom(16), DATA[:length]
    how = mechanism(Mechanism.AES_XTS, tweak)
    encryptor = Cipher(algorithms.AES(value), modes.XTS(tweak)).encryptor()
    expected = encryptor.update(data) + encryptor.finalize()
    assert session.encrypt(how, key, data) == expected
    assert session.decrypt(how, key, expected) == data
    for size in (65_521, ONE_REQUEST, 1_500_000):
        assert session.in_parts("Encrypt", how, key, cut(data, size)) == expected
        assert session.in_parts("Decrypt", how, key, cut(expected, size)) == data


def test_plaintext_of_xts_comes_as_its_ciphertext_does(session, xts):
    _, key = xts
    how = mechanism(Mechanism.AES_XTS, bytes(16))
    encrypted = session.encrypt(how, key, DATA)
    session._call("C_DecryptInit", byref(how), key)
    found = b""
    for part in cut(encrypted, 100_000):
        room, length = ctypes.create_string_buffer(len(part)), c_ulong(len(part))
        session._call("C_DecryptUpdate", part, len(part), room, byref(length))
        found += room.raw[: length.value]
    assert len(found) > MIB
    rest = ctypes.create_string_buffer(2 * MIB)
    length = c_ulong(len(rest))
    session._call("C_DecryptFinal", rest, byref(length))
    assert found + rest.raw[: length.value] == DATA


def test_a_data_unit_of_xts_ends_where_the_standard_says(session, xts):
    value, key = xts
    how = mechanism(Mechanism.AES_XTS, bytes(16))
    unit = os.urandom(LONGEST_UNIT)
    encryptor = Cipher(algorithms.AES(value), modes.XTS(bytes(16))).encryptor()
    assert session.in_parts("Encrypt", how, key, cut(unit, MIB)) == encryptor.update(unit)
    longer = [*cut(unit, MIB), b"1"]
    assert refusal(lambda: session.in_parts("Encrypt", how, key, longer)) == CKR_DATA_LEN_RANGE
    assert refusal(lambda: session.in_parts("Decrypt", how, key, longer)) == CKR_ENCRYPTED_DATA_LEN_RANGE
    for parts in ([bytes(15)], [bytes(7), bytes(8)]):
        assert refusal(lambda parts=parts: session.in_parts("Encrypt", how, key, parts)) == CKR_DATA_LEN_RANGE
