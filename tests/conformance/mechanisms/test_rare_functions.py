"""Functions of PKCS #11 2.40 that few programs call: two operations over one part, saved digests, sizes, events."""

from __future__ import annotations

import ctypes
import hashlib
import hmac
import os
import shutil
import threading
import time
from ctypes import byref, c_ulong
from typing import Any

import pytest
import vector_keys as keys
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptoki import Module, Session
from cryptoki_mechanisms import gcm, gcm_iv, mechanism

from strongroom.vocabulary.attributes import Attribute
from strongroom.vocabulary.mechanisms import Mechanism

pytestmark = pytest.mark.cluster
AWS_SLOT = 2
DATA = os.urandom(100_000)
PARTS = [DATA[at : at + 7_777] for at in range(0, len(DATA), 7_777)]
CKR_OK, CKR_ARGUMENTS_BAD, CKR_NO_EVENT, CKR_FUNCTION_NOT_PARALLEL, CKR_FUNCTION_NOT_SUPPORTED = 0, 7, 8, 0x51, 0x54
CKR_KEY_NOT_NEEDED, CKR_OBJECT_HANDLE_INVALID, CKR_OPERATION_NOT_INITIALIZED, CKR_DATA_LEN_RANGE = (
    0x64,
    0x82,
    0x91,
    0x21,
)
CKR_BUFFER_TOO_SMALL, CKR_SAVED_STATE_INVALID, CKR_STATE_UNSAVEABLE = 0x150, 0x160, 0x180
CKR_CRYPTOKI_NOT_INITIALIZED, CKR_RANDOM_SEED_NOT_SUPPORTED, CKR_SESSION_HANDLE_INVALID = 0x190, 0x120, 0xB3
CKF_DONT_BLOCK = 1
CBC_PAD = mechanism(Mechanism.AES_CBC_PAD, bytes(16))
HMAC = mechanism(Mechanism.SHA256_HMAC)
SHA256 = mechanism(Mechanism.SHA256)


def direct(session: Session, name: str, *arguments: Any) -> int:
    """What a function answers that is called by its symbol, with this session."""
    function = getattr(session.module.library, name)
    function.restype = c_ulong
    return int(
        function(c_ulong(session.handle), *(c_ulong(each) if isinstance(each, int) else each for each in arguments))
    )


def dual(session: Session, name: str, part: bytes, room: int | None = None) -> tuple[int, bytes]:
    """A part through a dual function, in a buffer of its own or of ``room`` bytes: the answer, and what came out."""
    size = len(part) + 64 if room is None else room
    result, length = ctypes.create_string_buffer(max(size, 1)), c_ulong(size)
    rv = direct(session, name, part, len(part), result, byref(length))
    return rv, result.raw[: length.value] if rv == CKR_OK else b""


def final(session: Session, function: str) -> bytes:
    result, length = ctypes.create_string_buffer(65_536), c_ulong(65_536)
    session._call(f"C_{function}Final", result, byref(length))
    return result.raw[: length.value]


@pytest.fixture(scope="module")
def aes(session: Session) -> int:
    return session.create(keys.aes(bytes(range(32))))


@pytest.fixture(scope="module")
def secret(session: Session) -> int:
    return session.create(keys.secret(bytes(32)))


OTHERS = {
    "Digest": lambda session, _: session._call("C_DigestInit", byref(SHA256)),
    "Sign": lambda session, secret: session._call("C_SignInit", byref(HMAC), secret),
    "Verify": lambda session, secret: session._call("C_VerifyInit", byref(HMAC), secret),
}


def check(session: Session, other: str) -> None:
    """That the other operation had all of the data."""
    if other == "Digest":
        assert final(session, "Digest") == hashlib.sha256(DATA).digest()
        return
    mac = hmac.digest(bytes(32), DATA, "sha256")
    if other == "Sign":
        assert final(session, "Sign") == mac
    else:
        session._call("C_VerifyFinal", mac, len(mac))


@pytest.mark.parametrize("other", ["Digest", "Sign"])
def test_a_part_is_encrypted_and_digested_or_signed(session, aes, secret, other):
    expected = session.encrypt(CBC_PAD, aes, DATA)
    session._call("C_EncryptInit", byref(CBC_PAD), aes)
    OTHERS[other](session, secret)
    found = b""
    for part in PARTS:
        length = c_ulong(0)
        assert direct(session, f"C_{other}EncryptUpdate", part, len(part), None, byref(length)) == CKR_OK
        assert length.value > 0
        rv, _ = dual(session, f"C_{other}EncryptUpdate", part, room=1)
        assert rv == CKR_BUFFER_TOO_SMALL, "and neither operation has taken the part"
        rv, encrypted = dual(session, f"C_{other}EncryptUpdate", part)
        assert rv == CKR_OK
        found += encrypted
    assert found + final(session, "Encrypt") == expected
    check(session, other)


@pytest.mark.parametrize("other", ["Digest", "Verify"])
def test_a_part_is_decrypted_and_digested_or_verified(session, aes, secret, other):
    encrypted = session.encrypt(CBC_PAD, aes, DATA)
    name = f"C_Decrypt{other}Update"
    session._call("C_DecryptInit", byref(CBC_PAD), aes)
    OTHERS[other](session, secret)
    found = b""
    for part in (encrypted[at : at + 7_777] for at in range(0, len(encrypted), 7_777)):
        assert dual(session, name, part, room=1)[0] == CKR_BUFFER_TOO_SMALL
        rv, decrypted = dual(session, name, part)
        assert rv == CKR_OK
        found += decrypted
    rest = final(session, "Decrypt")
    assert found + rest == DATA
    session._call(f"C_{other}Update", rest, len(rest))  # as the standard says: section 5.14
    check(session, other)


def test_a_part_may_be_encrypted_in_its_place(session, aes):
    expected = session.encrypt(mechanism(Mechanism.AES_CTR, ctr_parameter()), aes, DATA)
    session._call("C_EncryptInit", byref(mechanism(Mechanism.AES_CTR, ctr_parameter())), aes)
    OTHERS["Digest"](session, 0)
    buffer, length = ctypes.create_string_buffer(DATA, len(DATA)), c_ulong(len(DATA))
    assert direct(session, "C_DigestEncryptUpdate", buffer, len(DATA), buffer, byref(length)) == CKR_OK
    assert buffer.raw + final(session, "Encrypt") == expected
    check(session, "Digest")


def ctr_parameter() -> ctypes.Structure:
    class Parameter(ctypes.Structure):
        _fields_ = (("bits", c_ulong), ("block", ctypes.c_ubyte * 16))

    return Parameter(64, (ctypes.c_ubyte * 16)())


def test_a_long_message_of_gcm_is_digested_as_it_goes(session, aes):
    data = os.urandom(3 << 20)
    how = gcm(bytes(12), b"aad", 128)
    session._call("C_EncryptInit", byref(how), aes)
    OTHERS["Digest"](session, 0)
    found = b""
    for at in range(0, len(data), 1 << 18):
        part = data[at : at + (1 << 18)]
        room, length = ctypes.create_string_buffer(4 << 20), c_ulong(4 << 20)
        assert direct(session, "C_DigestEncryptUpdate", part, len(part), room, byref(length)) == CKR_OK
        found += room.raw[: length.value]
    rest, length = ctypes.create_string_buffer(2 << 20), c_ulong(2 << 20)
    session._call("C_EncryptFinal", rest, byref(length))
    sealed = found + rest.raw[: length.value]
    assert AESGCM(bytes(range(32))).decrypt(gcm_iv(how), sealed, b"aad") == data
    assert final(session, "Digest") == hashlib.sha256(data).digest()


def test_both_operations_must_be_there_and_both_end_with_a_failure(session, aes, secret):
    for other, begin in OTHERS.items():
        name = f"C_{other}EncryptUpdate" if other != "Verify" else "C_DecryptVerifyUpdate"
        first = "Encrypt" if other != "Verify" else "Decrypt"
        assert dual(session, name, b"x")[0] == CKR_OPERATION_NOT_INITIALIZED
        begin(session, secret)
        assert dual(session, name, b"x")[0] == CKR_OPERATION_NOT_INITIALIZED
        session._call(f"C_{first}Init", byref(CBC_PAD), aes)
        assert direct(session, name, b"x", 1, None, None) == CKR_ARGUMENTS_BAD
        room, length = ctypes.create_string_buffer(64), c_ulong(64)
        assert direct(session, f"C_{first}Final", room, byref(length)) == CKR_OPERATION_NOT_INITIALIZED
        if other == "Verify":
            assert direct(session, "C_VerifyFinal", bytes(32), 32) == CKR_OPERATION_NOT_INITIALIZED
        else:
            assert direct(session, f"C_{other}Final", room, byref(length)) == CKR_OPERATION_NOT_INITIALIZED


def saved(session: Session) -> bytes:
    length = c_ulong(0)
    assert direct(session, "C_GetOperationState", None, byref(length)) == CKR_OK
    state = ctypes.create_string_buffer(length.value)
    assert direct(session, "C_GetOperationState", state, byref(length)) == CKR_OK
    return state.raw[: length.value]


def test_a_digest_goes_on_in_another_session(session):
    for before in (b"", b"some data"):
        session._call("C_DigestInit", byref(SHA256))
        if before:
            session._call("C_DigestUpdate", before, len(before))
        state = saved(session)
        other = session.module.session()
        for data in (b"one way", b"another way"):
            other._call("C_DigestInit", byref(mechanism(Mechanism.SHA512)))
            assert direct(other, "C_SetOperationState", state, len(state), 0, 0) == CKR_OK
            other._call("C_DigestUpdate", data, len(data))
            assert final(other, "Digest") == hashlib.sha256(before + data).digest()
        other.close()
        session._call("C_DigestUpdate", b"on", 2)
        assert final(session, "Digest") == hashlib.sha256(before + b"on").digest()


def test_what_cannot_be_saved_and_what_was_not_saved_is_refused(session, secret):
    room, length = ctypes.create_string_buffer(64), c_ulong(64)
    assert direct(session, "C_GetOperationState", room, byref(length)) == CKR_OPERATION_NOT_INITIALIZED
    assert direct(session, "C_GetOperationState", room, None) == CKR_ARGUMENTS_BAD
    session._call("C_DigestInit", byref(SHA256))
    state = saved(session)
    assert direct(session, "C_GetOperationState", room, byref(c_ulong(10))) == CKR_BUFFER_TOO_SMALL
    OTHERS["Sign"](session, secret)
    assert direct(session, "C_GetOperationState", room, byref(length)) == CKR_STATE_UNSAVEABLE
    final(session, "Sign")
    long = bytes(1 << 20)
    session._call("C_DigestUpdate", long, len(long))
    assert direct(session, "C_GetOperationState", room, byref(length)) == CKR_STATE_UNSAVEABLE
    for wrong in (b"", state[:-1], state + b"x", bytes([state[0] ^ 1]) + state[1:], bytes(len(state))):
        assert direct(session, "C_SetOperationState", wrong, len(wrong), 0, 0) == CKR_SAVED_STATE_INVALID
    assert direct(session, "C_SetOperationState", state, len(state), secret, 0) == CKR_KEY_NOT_NEEDED
    assert final(session, "Digest") == hashlib.sha256(long).digest(), "a refusal ends nothing"


def test_an_object_has_a_size(session):
    length = c_ulong(0)
    sizes = {}
    for count in (10, 5_000):
        object_ = session.create({Attribute.CLASS: 0, Attribute.VALUE: bytes(count)})
        assert direct(session, "C_GetObjectSize", object_, byref(length)) == CKR_OK
        sizes[count] = length.value
    assert sizes[5_000] - sizes[10] == 4_990
    assert 10 < sizes[10] < 1_000
    assert direct(session, "C_GetObjectSize", object_, None) == CKR_ARGUMENTS_BAD
    assert direct(session, "C_GetObjectSize", 0x7777, byref(length)) == CKR_OBJECT_HANDLE_INVALID


def test_functions_without_effect_say_so(session):
    assert direct(session, "C_SeedRandom", b"seed", 4) == CKR_RANDOM_SEED_NOT_SUPPORTED
    for name in ("C_GetFunctionStatus", "C_CancelFunction"):
        assert direct(session, name) == CKR_FUNCTION_NOT_PARALLEL
    wrong = Session(session.module, 0x7777, session.slot)
    for name in ("C_SeedRandom", "C_GetFunctionStatus", "C_CancelFunction"):
        assert direct(wrong, name, None, 0) == CKR_SESSION_HANDLE_INVALID


def test_slots_have_no_events_and_waiting_ends_with_the_library(ephemeral, tmp_path, monkeypatch):
    monkeypatch.setenv("STRONGROOM_CONFIG", ephemeral["STRONGROOM_CONFIG"])
    copy = shutil.copy(ephemeral["STRONGROOM_PKCS11_MODULE"], tmp_path / "another.so")  # to be finalized
    module = Module(str(copy))
    wait = module.library.C_WaitForSlotEvent
    wait.restype = c_ulong
    slot = c_ulong(0)
    assert wait(c_ulong(CKF_DONT_BLOCK), byref(slot), None) == CKR_NO_EVENT
    assert wait(c_ulong(CKF_DONT_BLOCK), None, None) == CKR_ARGUMENTS_BAD
    assert wait(c_ulong(CKF_DONT_BLOCK), byref(slot), byref(slot)) == CKR_ARGUMENTS_BAD
    answers = []
    waiting = threading.Thread(target=lambda: answers.append(wait(c_ulong(0), byref(slot), None)))
    waiting.start()
    time.sleep(0.3)
    assert waiting.is_alive()
    module.finalize()
    waiting.join(10)
    assert answers == [CKR_CRYPTOKI_NOT_INITIALIZED]


def test_the_profile_aws_has_none_of_them(library):
    with library.opened(AWS_SLOT) as session:
        length = c_ulong(0)
        for name, arguments in {
            "C_DigestEncryptUpdate": (b"x", 1, None, byref(length)),
            "C_DecryptDigestUpdate": (b"x", 1, None, byref(length)),
            "C_SignEncryptUpdate": (b"x", 1, None, byref(length)),
            "C_DecryptVerifyUpdate": (b"x", 1, None, byref(length)),
            "C_GetOperationState": (None, byref(length)),
            "C_SetOperationState": (b"x", 1, 0, 0),
            "C_GetObjectSize": (1, byref(length)),
            "C_SeedRandom": (b"x", 1),
            "C_GetFunctionStatus": (),
            "C_CancelFunction": (),
        }.items():
            assert direct(session, name, *arguments) == CKR_FUNCTION_NOT_SUPPORTED, name
