"""MACs and AES-GCM over more than one request takes, against pyca/cryptography: bounded memory, and no plaintext before
the tag is checked.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import time
from collections.abc import Iterator
from ctypes import byref, c_ulong, c_void_p
from pathlib import Path
from typing import Any

import pytest
import vector_keys as keys
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import algorithms
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.cmac import CMAC
from cryptography.hazmat.primitives.hmac import HMAC
from cryptoki import CryptokiError, Session
from cryptoki_mechanisms import CkMechanism, GcmMessage, ccm, ctr, gcm, gcm_iv, mac_general, mechanism
from vector_run import ALL

from strongroom.vocabulary.mechanisms import Mechanism

pytestmark = pytest.mark.cluster
MIB = 1 << 20
DATA = os.urandom(5 * MIB + 123)
ODD = [DATA[:1], DATA[1:700_000], b"", DATA[700_000 : 3 * MIB], DATA[3 * MIB : 3 * MIB + 7], DATA[3 * MIB + 7 :]]
SMALL = [DATA[at : at + 65_521] for at in range(0, len(DATA), 65_521)]
ONE_REQUEST = MIB - 4096
CKR_BUFFER_TOO_SMALL, CKR_ENCRYPTED_DATA_INVALID = 0x150, 0x40
CKR_OPERATION_NOT_INITIALIZED, CKR_MECHANISM_PARAM_INVALID, CKR_AEAD_DECRYPT_FAILED = 0x91, 0x71, 0x42
CKF_END_OF_MESSAGE = 1
HMACS = {
    Mechanism.SHA_1_HMAC: hashes.SHA1(),
    Mechanism.SHA224_HMAC: hashes.SHA224(),
    Mechanism.SHA256_HMAC: hashes.SHA256(),
    Mechanism.SHA384_HMAC: hashes.SHA384(),
    Mechanism.SHA512_HMAC: hashes.SHA512(),
    Mechanism.SHA3_256_HMAC: hashes.SHA3_256(),
    Mechanism.SHA3_512_HMAC: hashes.SHA3_512(),
}


@pytest.fixture(scope="module")
def session(library: Any) -> Iterator[Session]:
    opened = library.session(0)
    yield opened
    opened.logout()
    opened.close()


@pytest.fixture(scope="module")
def aes(session: Session) -> tuple[bytes, int]:
    value = os.urandom(32)
    return value, session.create(keys.aes(value))


def refusal(call: Any) -> int:
    with pytest.raises(CryptokiError) as refused:
        call()
    return refused.value.rv


def check_mac(session: Session, how: CkMechanism, key: int, expected: bytes) -> None:
    assert session.sign_in_parts(how, key, ODD) == expected
    assert session.sign(key, DATA, how) == expected
    assert session.verifies(how, key, DATA, expected)
    assert session.verifies_in_parts(how, key, SMALL, expected)
    assert not session.verifies_in_parts(how, key, [*SMALL, b"more"], expected)


@pytest.mark.parametrize("kind", HMACS, ids=lambda kind: kind.name)
def test_hmac_takes_any_length(session, kind):
    value = os.urandom(32)
    theirs = HMAC(value, HMACS[kind])
    theirs.update(DATA)
    key, mac = session.create(keys.secret(value)), theirs.finalize()
    check_mac(session, mechanism(kind), key, mac)
    cut = mac_general(Mechanism[f"{kind.name}_GENERAL"], 10)
    assert session.sign_in_parts(cut, key, ODD) == mac[:10]
    assert session.verifies_in_parts(cut, key, SMALL, mac[:10])
    assert not session.verifies_in_parts(cut, key, SMALL, mac[1:11])


def test_cmac_takes_any_length(session, aes):
    theirs = CMAC(algorithms.AES(aes[0]))
    theirs.update(DATA)
    check_mac(session, mechanism(Mechanism.AES_CMAC), aes[1], theirs.finalize())


def test_gmac_takes_any_length(session, aes):
    value, key = aes
    for parts in (ODD, SMALL):
        how = gcm(bytes(12), b"", 128, Mechanism.AES_GMAC)
        mac = session.sign_in_parts(how, key, parts)
        assert mac == AESGCM(value).encrypt(gcm_iv(how), b"", DATA)
        assert session.verifies_in_parts(how, key, ODD, mac)
        assert session.verifies(how, key, DATA, mac)
        assert not session.verifies(how, key, DATA[1:], mac)


@pytest.mark.parametrize("kind", [Mechanism.AES_GCM, Mechanism.CLOUDHSM_AES_GCM])
def test_gcm_encrypts_and_decrypts_any_length(session, aes, kind):
    value, key = aes
    has_place = kind == Mechanism.AES_GCM
    for parts in (ODD, SMALL, [DATA]):
        how = gcm(bytes(12) if has_place else None, b"aad", 128, kind)
        encrypted = session.encrypt(how, key, DATA) if parts == [DATA] else session.in_parts("Encrypt", how, key, parts)
        iv, sealed = (gcm_iv(how), encrypted) if has_place else (encrypted[:12], encrypted[12:])
        assert any(iv)
        assert AESGCM(value).decrypt(iv, sealed, b"aad") == DATA
        assert session.decrypt(how, key, encrypted) == DATA
        cut = [encrypted[at : at + 777_777] for at in range(0, len(encrypted), 777_777)]
        assert session.in_parts("Decrypt", how, key, cut) == DATA


@pytest.mark.parametrize(
    "length", [ONE_REQUEST - 16, ONE_REQUEST, ONE_REQUEST + 1, 2 * ONE_REQUEST, 2 * ONE_REQUEST + 1]
)
def test_lengths_around_a_request_are_like_all_others(session, aes, length):
    value, key = aes
    how = gcm(bytes(12), b"", 96)
    encrypted = session.in_parts("Encrypt", how, key, [DATA[:length]])
    back = session.decrypt(how, key, encrypted)
    assert back == DATA[:length]
    how = gcm(bytes(12), b"", 128, Mechanism.AES_GMAC)
    mac = session.sign(key, DATA[:length], how)
    assert mac == AESGCM(value).encrypt(gcm_iv(how), b"", DATA[:length])


def test_ciphertext_comes_as_far_as_there_is_room(session, aes):
    value, key = aes
    how = gcm(bytes(12), b"aad", 128)
    session._call("C_EncryptInit", byref(how), key)
    given, length = b"", c_ulong(0)
    for part in SMALL:
        session._call("C_EncryptUpdate", part, len(part), None, byref(length))
        asked = length.value
        room = ctypes.create_string_buffer(len(part))
        length.value = len(part)
        session._call("C_EncryptUpdate", part, len(part), room, byref(length))
        assert length.value == min(asked, len(part))
        given += room.raw[: length.value]
    session._call("C_EncryptFinal", None, byref(length))
    rest = length.value
    assert rest <= 2 * MIB, "the library holds no more"
    small = c_ulong(16)
    assert refusal(lambda: session._call("C_EncryptFinal", room, byref(small))) == CKR_BUFFER_TOO_SMALL
    room = ctypes.create_string_buffer(rest)
    session._call("C_EncryptFinal", room, byref(length))
    assert length.value == rest
    assert AESGCM(value).decrypt(gcm_iv(how), given + room.raw, b"aad") == DATA


def test_a_buffer_without_room_is_refused_before_the_library_holds_too_much(session, aes):
    _, key = aes
    how = gcm(bytes(12), b"aad", 128)
    session._call("C_EncryptInit", byref(how), key)
    none, nothing = ctypes.create_string_buffer(1), c_ulong(0)

    def update() -> None:
        nothing.value = 0
        session._call("C_EncryptUpdate", DATA[:MIB], MIB, none, byref(nothing))

    update()
    assert refusal(lambda: [update() for _ in range(3)]) == CKR_BUFFER_TOO_SMALL
    assert nothing.value > MIB, "how much it wants is told, and the operation goes on"
    room = ctypes.create_string_buffer(nothing.value)
    session._call("C_EncryptUpdate", DATA[:MIB], MIB, room, byref(nothing))
    session._call("C_EncryptInit", None, 0)


@pytest.mark.parametrize("shift", [0, 1, -1, 12, -12, 4096])
@pytest.mark.parametrize(
    "make",
    [
        lambda: gcm(os.urandom(12), b"", 128),
        lambda: gcm(None, b"", 128, Mechanism.CLOUDHSM_AES_GCM),
        lambda: ccm(5 * MIB, os.urandom(12), b"", 16),
        lambda: ctr(128, os.urandom(16)),
        lambda: mechanism(Mechanism.AES_CBC, os.urandom(16)),
        lambda: mechanism(Mechanism.AES_CBC_PAD, os.urandom(16)),
    ],
    ids=["gcm", "cloudhsm-gcm", "ccm", "ctr", "cbc", "cbc-pad"],
)
def test_a_result_may_go_where_the_data_are(session, aes, make, shift):
    """Much data of one call are done in parts, but not where a part's result would be written over others."""
    how, data = make(), DATA[: 5 * MIB]
    memory = ctypes.create_string_buffer(len(data) + 3 * 4096)
    source = ctypes.addressof(memory) + 4096
    for function in ("Encrypt", "Decrypt"):
        ctypes.memmove(source, data, len(data))
        length = c_ulong(len(memory) - 4096 - shift)
        session._call(f"C_{function}Init", byref(how), aes[1])
        session._call(f"C_{function}", c_void_p(source), len(data), c_void_p(source + shift), byref(length))
        data = ctypes.string_at(source + shift, length.value)
    assert data == DATA[: 5 * MIB]


@contextlib.contextmanager
def messages(session: Session, function: str, key: int) -> Iterator[None]:
    session._call(f"C_Message{function}Init", byref(mechanism(Mechanism.AES_GCM, GcmMessage())), key)
    yield
    session._call(f"C_Message{function}Final")


def whole_message(session: Session, function: str, message: GcmMessage, data: bytes) -> bytes:
    room, length = ctypes.create_string_buffer(len(data)), c_ulong(len(data))
    how = (byref(message), ctypes.sizeof(message), b"aad", 3)
    session._call(f"C_{function}Message", *how, data, len(data), room, byref(length))
    return room.raw[: length.value]


def next_part(session: Session, function: str, message: GcmMessage, part: bytes, room: int, flags: int) -> bytes:
    buffer, length = ctypes.create_string_buffer(max(room, 1)), c_ulong(room)
    how = (byref(message), ctypes.sizeof(message))
    session._call(f"C_{function}MessageNext", *how, part, len(part), buffer, byref(length), flags)
    return buffer.raw[: length.value]


def in_parts(session: Session, function: str, message: GcmMessage, parts: list[bytes]) -> bytes:
    """Each part gets as much room as it is long, the last what is left."""
    session._call(f"C_{function}MessageBegin", byref(message), ctypes.sizeof(message), b"aad", 3)
    found = b""
    for part in parts[:-1]:
        found += next_part(session, function, message, part, len(part), 0)
        assert function == "Encrypt" or not found, "no plaintext before the tag is checked"
    rest = sum(map(len, parts)) - len(found)
    return found + next_part(session, function, message, parts[-1], rest, CKF_END_OF_MESSAGE)


@pytest.mark.parametrize("iv", [None, b"twelve bytes"], ids=["iv-of-the-hsm", "iv-of-the-caller"])
@pytest.mark.parametrize("parts", [ODD, SMALL, [DATA], [DATA[: ONE_REQUEST - 8]]], ids=["odd", "small", "one", "edge"])
def test_messages_of_any_length(session, aes, parts, iv):
    value, key = aes
    data = b"".join(parts)
    with messages(session, "Encrypt", key):
        whole, cut = GcmMessage(iv), GcmMessage(iv)
        for message, ciphertext in (
            (whole, whole_message(session, "Encrypt", whole, data)),
            (cut, in_parts(session, "Encrypt", cut, parts)),
        ):
            made, tag = message.iv_buffer.raw, message.tag_buffer.raw
            assert made == iv or (iv is None and any(made))
            assert AESGCM(value).decrypt(made, ciphertext + tag, b"aad") == data
    with messages(session, "Decrypt", key):
        message = GcmMessage(made, tag)
        assert whole_message(session, "Decrypt", message, ciphertext) == data
        pieces = [ciphertext[at : at + 777_777] for at in range(0, len(ciphertext), 777_777)]
        assert in_parts(session, "Decrypt", message, pieces) == data


def test_no_byte_of_a_long_altered_message_with_its_tag_apart_comes_out(session, aes):
    value, key = aes
    iv = os.urandom(12)
    sealed = AESGCM(value).encrypt(iv, DATA, b"aad")
    message = GcmMessage(iv, sealed[-16:])
    with messages(session, "Decrypt", key):
        for at in (0, 3 * MIB, len(DATA) - 1):
            altered = bytearray(sealed[:-16])
            altered[at] ^= 1
            pieces = [bytes(altered[: 2 * MIB]), bytes(altered[2 * MIB :])]
            for call in (
                lambda altered=altered: whole_message(session, "Decrypt", message, bytes(altered)),
                lambda pieces=pieces: in_parts(session, "Decrypt", message, pieces),
            ):
                assert refusal(call) == CKR_AEAD_DECRYPT_FAILED
        assert whole_message(session, "Decrypt", message, sealed[:-16]) == DATA


def test_a_message_keeps_what_it_began_with_and_waits_for_room(session, aes):
    value, key = aes
    with messages(session, "Encrypt", key):
        message, other = GcmMessage(b"twelve bytes"), GcmMessage(b"twelve bites")
        session._call("C_EncryptMessageBegin", byref(message), ctypes.sizeof(message), b"aad", 3)
        assert next_part(session, "Encrypt", message, DATA[:MIB], 0, 0) == b""
        for _ in range(2):
            rv = refusal(lambda: next_part(session, "Encrypt", message, DATA[:MIB], 0, 0))
            assert rv == CKR_BUFFER_TOO_SMALL
        found = next_part(session, "Encrypt", message, DATA[:MIB], 4 * MIB, 0)
        assert len(found) == 2 * ONE_REQUEST
        rv = refusal(lambda: next_part(session, "Encrypt", message, b"", 4, CKF_END_OF_MESSAGE))
        assert rv == CKR_BUFFER_TOO_SMALL
        found += next_part(session, "Encrypt", message, b"", MIB, CKF_END_OF_MESSAGE)
        assert AESGCM(value).decrypt(b"twelve bytes", found + message.tag_buffer.raw, b"aad") == 2 * DATA[:MIB]

        session._call("C_EncryptMessageBegin", byref(message), ctypes.sizeof(message), b"aad", 3)
        next_part(session, "Encrypt", message, DATA, len(DATA), 0)
        rv = refusal(lambda: next_part(session, "Encrypt", other, b"", len(DATA), CKF_END_OF_MESSAGE))
        assert rv == CKR_MECHANISM_PARAM_INVALID
        rv = refusal(lambda: next_part(session, "Encrypt", message, b"", len(DATA), CKF_END_OF_MESSAGE))
        assert rv == CKR_OPERATION_NOT_INITIALIZED
        assert not any(other.tag_buffer.raw)


def test_no_byte_of_a_long_altered_message_comes_out(session, aes):
    value, key = aes
    iv = os.urandom(12)
    sealed = bytearray(AESGCM(value).encrypt(iv, DATA, b"aad"))
    for at in (0, 3 * MIB, len(sealed) - 1):
        sealed[at] ^= 1
        altered = bytes(sealed)
        sealed[at] ^= 1
        how = gcm(iv, b"aad", 128)
        session._call("C_DecryptInit", byref(how), key)
        for part in (altered[: 2 * MIB], altered[2 * MIB :]):
            room, length = ctypes.create_string_buffer(len(part)), c_ulong(len(part))
            session._call("C_DecryptUpdate", part, len(part), room, byref(length))
            assert length.value == 0
            assert not any(room.raw)
        room, length = ctypes.create_string_buffer(len(DATA)), c_ulong(len(DATA))
        rv = refusal(lambda room=room, length=length: session._call("C_DecryptFinal", room, byref(length)))
        assert rv == CKR_ENCRYPTED_DATA_INVALID
        assert not any(room.raw)
        assert (
            refusal(lambda how=how, altered=altered: session.decrypt(how, key, altered)) == CKR_ENCRYPTED_DATA_INVALID
        )
    for how in (gcm(iv, b"other", 128), gcm(os.urandom(12), b"aad", 128), gcm(iv, b"aad", 120)):
        assert refusal(lambda how=how: session.decrypt(how, key, bytes(sealed))) == CKR_ENCRYPTED_DATA_INVALID
    assert session.decrypt(gcm(iv, b"aad", 128), key, bytes(sealed)) == DATA


def listener_of(environment: Any) -> int:
    """The process that listens where the first HSM of a configuration is: the HSM."""
    configuration = json.loads(Path(environment["STRONGROOM_CONFIG"]).read_text())
    server = configuration["clusters"][0]["cluster"]["servers"][0]
    port = f":{server['port']:04X}"
    address = "".join(f"{int(part):02X}" for part in reversed(server["hostname"].split(".")))
    rows = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    inode = next(row[9] for row in rows if row[1] == address + port and row[3] == "0A")
    for descriptor in Path("/proc").glob("[0-9]*/fd/*"):
        with contextlib.suppress(OSError):
            if descriptor.readlink().name == f"socket:[{inode}]":
                return int(descriptor.parts[2])
    raise AssertionError("nobody listens there")


def resident_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def test_long_data_takes_no_memory_on_either_side(session, aes, ephemeral_non_fips):
    """64 MiB; 256 in ``make conformance``. The figures are printed."""
    pids = {"program": os.getpid(), "HSM": listener_of(ephemeral_non_fips)}
    part, count = DATA[: 64 * 1024], 4096 if os.environ.get(ALL) else 1024
    room, length = ctypes.create_string_buffer(len(part) + 16), c_ulong(0)
    secret = session.create(keys.secret(os.urandom(32)))

    def sign(count: int, how: CkMechanism | None = None, key: int = secret) -> None:
        session._call("C_SignInit", byref(how or mechanism(Mechanism.SHA256_HMAC)), key)
        for _ in range(count):
            session._call("C_SignUpdate", part, len(part))
        length.value = len(room)
        session._call("C_SignFinal", room, byref(length))

    def encrypt(count: int, how: CkMechanism | None = None) -> None:
        session._call("C_EncryptInit", byref(how or gcm(bytes(12), b"", 128)), aes[1])
        for _ in range(count):
            length.value = len(room)
            session._call("C_EncryptUpdate", part, len(part), room, byref(length))
        rest = ctypes.create_string_buffer(2 * MIB)
        length.value = len(rest)
        session._call("C_EncryptFinal", rest, byref(length))

    def encrypt_with_ccm(count: int) -> None:
        encrypt(count, ccm(count * len(part), bytes(11), b"aad", 16))

    edwards = session.create(keys.ed25519_private(os.urandom(32)))

    def sign_with_ed25519(count: int) -> None:
        sign(count, mechanism(Mechanism.EDDSA), edwards)

    iv = os.urandom(12)
    ciphertexts = {size: AESGCM(aes[0]).encrypt(iv, part * size, b"") for size in (64, count)}
    plaintext = ctypes.create_string_buffer(b"1" * (count * len(part)))  # the caller's, and in memory

    def decrypt(count: int) -> None:
        ciphertext = memoryview(ciphertexts[count])
        session._call("C_DecryptInit", byref(gcm(iv, b"", 128)), aes[1])
        for at in range(0, len(ciphertext), len(part)):
            piece = bytes(ciphertext[at : at + len(part)])
            length.value = len(room)
            session._call("C_DecryptUpdate", piece, len(piece), room, byref(length))
        length.value = len(plaintext)
        session._call("C_DecryptFinal", plaintext, byref(length))
        assert length.value == count * len(part)
        end = ctypes.addressof(plaintext) + length.value
        assert ctypes.string_at(end - len(part), len(part)) == part

    whole = ctypes.create_string_buffer(b"2" * (count * len(part) + 16))

    def encrypt_at_once(count: int) -> None:
        session._call("C_EncryptInit", byref(gcm(bytes(12), b"", 128)), aes[1])
        length.value = len(whole)
        session._call("C_Encrypt", plaintext, count * len(part), whole, byref(length))
        assert length.value == count * len(part) + 16

    for work in (sign, encrypt, encrypt_with_ccm, sign_with_ed25519, decrypt, encrypt_at_once):
        work(64)  # buffers find their size
        before = {name: resident_mib(pid) for name, pid in pids.items()}
        began = time.perf_counter()
        work(count)
        rate = count * len(part) / MIB / (time.perf_counter() - began)
        grown = {name: resident_mib(pid) - before[name] for name, pid in pids.items()}
        print(f"{work.__name__}: {rate:.0f} MiB/s, grown by", {name: f"{mib:.1f} MiB" for name, mib in grown.items()})
        assert all(mib < 16 for mib in grown.values()), grown  # buffers that an idle HSM gives back come and go
