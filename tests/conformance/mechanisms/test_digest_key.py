"""C_DigestKey against hashlib: of keys that their owner may take out, and of no others."""

from __future__ import annotations

import hashlib
import os

import pytest
import vector_keys as keys
from cryptoki import Session, refusal
from cryptoki_mechanisms import mechanism

from strongroom.vocabulary.attributes import Attribute
from strongroom.vocabulary.mechanisms import Mechanism

pytestmark = pytest.mark.cluster
VALUE = os.urandom(32)
OPEN = {Attribute.SENSITIVE: False, Attribute.EXTRACTABLE: True}
CKR_DATA_LEN_RANGE, CKR_FUNCTION_NOT_SUPPORTED, CKR_KEY_HANDLE_INVALID, CKR_KEY_INDIGESTIBLE = 0x21, 0x54, 0x60, 0x67
CKR_OPERATION_NOT_INITIALIZED = 0x91
AWS_SLOT = 2
MOST = 2**20 - 4096
"""Bytes that one request takes."""


def digest(session: Session, kind: Mechanism, *parts: bytes | int) -> bytes:
    return session.digest_in_parts(mechanism(kind), parts)


@pytest.mark.parametrize(
    ("kind", "name"), [(Mechanism.SHA_1, "sha1"), (Mechanism.SHA256, "sha256"), (Mechanism.SHA3_512, "sha3_512")]
)
def test_the_values_of_keys_are_in_their_places(session, kind, name):
    aes, secret = session.create({**keys.aes(VALUE), **OPEN}), session.create({**keys.secret(b"secret"), **OPEN})
    for parts, data in (
        ((aes,), VALUE),
        ((b"before", aes), b"before" + VALUE),
        ((aes, secret, b"after"), VALUE + b"secretafter"),
        ((b"a" * MOST, aes), b"a" * MOST + VALUE),
    ):
        assert digest(session, kind, *parts) == hashlib.new(name, data).digest()


def test_other_keys_and_other_times_are_refused(session, library):
    key = session.create({**keys.aes(VALUE), **OPEN})
    for template in ({}, {**OPEN, Attribute.SENSITIVE: True}, {**OPEN, Attribute.EXTRACTABLE: False}):
        closed = session.create({**keys.aes(VALUE), **template})
        assert refusal(lambda closed=closed: digest(session, Mechanism.SHA256, closed)) == CKR_KEY_INDIGESTIBLE
    trusting = session.create({**keys.aes(VALUE), **OPEN, Attribute.WRAP_WITH_TRUSTED: True})
    assert refusal(lambda: digest(session, Mechanism.SHA256, trusting)) == CKR_KEY_INDIGESTIBLE
    assert refusal(lambda: digest(session, Mechanism.SHA256, 0x7777)) == CKR_KEY_HANDLE_INVALID
    assert refusal(lambda: digest(session, Mechanism.SHA256, bytes(MOST), b"x", key)) == CKR_KEY_INDIGESTIBLE
    assert refusal(lambda: digest(session, Mechanism.SHA256, key, bytes(MOST), b"x")) == CKR_DATA_LEN_RANGE
    assert refusal(lambda: session._call("C_DigestKey", key)) == CKR_OPERATION_NOT_INITIALIZED
    with library.opened(AWS_SLOT) as aws:
        key = aws.create({**keys.aes(VALUE), **OPEN})
        assert refusal(lambda: digest(aws, Mechanism.SHA256, key)) == CKR_FUNCTION_NOT_SUPPORTED
    assert digest(session, Mechanism.SHA256, bytes(MOST), bytes(MOST)) == hashlib.sha256(bytes(2 * MOST)).digest()
