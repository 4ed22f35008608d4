"""Ed25519 over more than one request takes, against pyca/cryptography and the formulas of RFC 8032."""

from __future__ import annotations

import os
import subprocess
from ctypes import byref

import ed25519_reference
import pytest
import vector_keys as keys
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptoki import CryptokiError, Session, refusal
from cryptoki_mechanisms import eddsa, mechanism

from strongroom.vocabulary.mechanisms import Mechanism

pytestmark = pytest.mark.cluster
MIB = 1 << 20
ONE_REQUEST = MIB - 4096
DATA = os.urandom(9 * MIB + 123)
ODD = [DATA[:1], DATA[1:700_000], b"", DATA[700_000 : 3 * MIB], DATA[3 * MIB : 3 * MIB + 7], DATA[3 * MIB + 7 :]]
SMALL = [DATA[at : at + 65_521] for at in range(0, len(DATA), 65_521)]
CKR_SIGNATURE_INVALID, CKR_SIGNATURE_LEN_RANGE, CKR_HOST_MEMORY = 0xC0, 0xC1, 0x02
PURE = mechanism(Mechanism.EDDSA)


@pytest.fixture(scope="module")
def seed() -> bytes:
    return os.urandom(32)


@pytest.fixture(scope="module")
def theirs(seed: bytes) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(seed)


@pytest.fixture(scope="module")
def pair(session: Session, seed: bytes, theirs: Ed25519PrivateKey) -> tuple[int, int]:
    """The public key and the private key."""
    point = theirs.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return session.create(keys.ed25519_public(point)), session.create(keys.ed25519_private(seed))


def verifies_signature(session: Session, key: int, parts: list[bytes], signature: bytes) -> bool:
    """With the signature before its data (C_VerifySignatureInit)."""
    session._call("C_VerifySignatureInit", byref(PURE), key, signature, len(signature))
    for part in parts:
        session._call("C_VerifySignatureUpdate", part, len(part))
    try:
        session._call("C_VerifySignatureFinal")
    except CryptokiError as error:
        assert error.rv == CKR_SIGNATURE_INVALID
        return False
    return True


def test_any_length_is_signed_and_verified(session, pair, theirs):
    public, private = pair
    expected = theirs.sign(DATA)
    assert session.sign(private, DATA, PURE) == expected
    assert all(session.sign_in_parts(PURE, private, parts) == expected for parts in (ODD, SMALL))
    assert session.verifies(PURE, public, DATA, expected)
    assert all(session.verifies_in_parts(PURE, public, parts, expected) for parts in (ODD, SMALL))
    assert verifies_signature(session, public, SMALL, expected)
    for parts in ([*SMALL, b"more"], SMALL[1:], [SMALL[1], SMALL[0], *SMALL[2:]]):
        assert not session.verifies_in_parts(PURE, public, parts, expected)
        assert not verifies_signature(session, public, parts, expected)


@pytest.mark.parametrize(
    "length", [ONE_REQUEST, ONE_REQUEST + 1, 2 * ONE_REQUEST, 2 * ONE_REQUEST + 1, 4 * MIB, 5 * MIB]
)
def test_lengths_around_a_request_are_like_all_others(session, pair, theirs, length):
    public, private = pair
    signature = session.sign_in_parts(PURE, private, [DATA[: length // 2], DATA[length // 2 : length]])
    theirs.public_key().verify(signature, DATA[:length])
    assert session.verifies(PURE, public, DATA[:length], signature)


@pytest.mark.parametrize("context", [b"c", b"c" * 255])
def test_a_context_goes_with_any_length(session, pair, seed, context):
    public, private = pair
    how, data = eddsa(context), DATA[: 3 * MIB]
    signature = session.sign_in_parts(how, private, [data[:MIB], data[MIB:]])
    assert signature == ed25519_reference.sign(seed, data, context, is_hashed=False)
    assert session.verifies_in_parts(how, public, [data], signature)
    assert not session.verifies_in_parts(PURE, public, [data], signature)
    assert not session.verifies_in_parts(eddsa(b"other"), public, [data], signature)


def test_a_wrong_signature_is_refused_whatever_is_wrong_with_it(session, pair, theirs):
    public, _ = pair
    signature = theirs.sign(DATA)
    for at in (0, 31, 32, 63):
        altered = bytearray(signature)
        altered[at] ^= 1
        with pytest.raises(InvalidSignature):
            theirs.public_key().verify(bytes(altered), DATA)
        assert not session.verifies_in_parts(PURE, public, SMALL, bytes(altered))
        assert not verifies_signature(session, public, SMALL, bytes(altered))
    session._call("C_VerifyInit", byref(PURE), public)
    for part in SMALL:
        session._call("C_VerifyUpdate", part, len(part))
    rv = refusal(lambda: session._call("C_VerifyFinal", signature[:-1], 63))
    assert rv == CKR_SIGNATURE_LEN_RANGE
    assert session.verifies_in_parts(PURE, public, SMALL, signature)


def test_openssl_verifies_what_was_signed(session, pair, theirs, tmp_path):
    message, signature, key = tmp_path / "message", tmp_path / "signature", tmp_path / "key.pem"
    message.write_bytes(DATA)
    signature.write_bytes(session.sign_in_parts(PURE, pair[1], SMALL))
    key.write_bytes(theirs.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    command = ["openssl", "pkeyutl", "-verify", "-rawin", "-inkey", key, "-in", message, "-sigfile", signature]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "Signature Verified Successfully" in done.stdout, done.stderr


def test_without_room_for_what_waits_the_operation_is_refused_and_nothing_is_lost(session, pair, theirs, monkeypatch):
    monkeypatch.setenv("TMPDIR", "/nowhere")
    assert refusal(lambda: session.sign_in_parts(PURE, pair[1], SMALL)) == CKR_HOST_MEMORY
    rv = refusal(lambda: session.verifies_in_parts(PURE, pair[0], SMALL, bytes(64)))
    assert rv == CKR_HOST_MEMORY
    short = DATA[: 3 * MIB]
    assert session.sign_in_parts(PURE, pair[1], [short]) == theirs.sign(short), "so much stays in memory"
    monkeypatch.undo()
    assert session.sign_in_parts(PURE, pair[1], SMALL) == theirs.sign(DATA)
