"""Data objects: kept, found, read, changed, copied, counted and never taken for keys (PKCS #11 3.2 section 4.5)."""

from __future__ import annotations

import os
import time
from typing import Any

import pytest
import vector_keys as keys
from cryptoki import Session, refusal
from cryptoki_mechanisms import mechanism

from strongroom.client import connect
from strongroom.client.errors import KeyNotFound
from strongroom.vocabulary.attributes import Attribute
from strongroom.vocabulary.mechanisms import Mechanism

pytestmark = pytest.mark.cluster
A = Attribute
OF_FIPS, OF_AWS = 1, 2
CKR_ATTRIBUTE_READ_ONLY, CKR_ATTRIBUTE_TYPE_INVALID, CKR_ATTRIBUTE_VALUE_INVALID = 0x10, 0x12, 0x13
CKR_KEY_HANDLE_INVALID, CKR_MECHANISM_PARAM_INVALID = 0x60, 0x71
CKR_OBJECT_HANDLE_INVALID, CKR_ACTION_PROHIBITED, CKR_USER_NOT_LOGGED_IN = 0x82, 0x1B, 0x101
CKR_UNWRAPPING_KEY_HANDLE_INVALID, CKR_WRAPPING_KEY_HANDLE_INVALID = 0xF0, 0x113
INITS = {0x100: "Encrypt", 0x200: "Decrypt", 0x800: "Sign", 0x2000: "Verify"}
"""CKF_ENCRYPT and so on, and what begins with them."""
LONGEST = 131_072


def data(value: bytes, **others: Any) -> dict[int, Any]:
    return {A.CLASS: 0, A.VALUE: value, **{A[name]: given for name, given in others.items()}}


def test_a_data_object_is_read_found_changed_copied_and_destroyed(session: Session) -> None:
    value = os.urandom(5_000)
    made = session.create(data(value, APPLICATION=b"tests", OBJECT_ID=bytes.fromhex("06022a03"), LABEL=b"data"))
    assert session.attribute(made, A.VALUE) == value
    assert session.attribute(made, A.APPLICATION) == b"tests"
    assert session.attribute(made, A.OBJECT_ID).hex() == "06022a03"
    assert (session.attribute(made, A.PRIVATE), session.attribute(made, A.TOKEN)) == (b"\1", b"\0")
    for wanted in ({A.CLASS: 0, A.LABEL: b"data"}, {A.VALUE: value}, {A.APPLICATION: b"tests"}):
        assert session.find(wanted) == [made]
    assert session.find({A.VALUE: value[:-1]}) == []
    session.change(made, {A.VALUE: b"other", A.LABEL: b"another", A.APPLICATION: b"", A.OBJECT_ID: b""})
    assert (session.attribute(made, A.VALUE), session.attribute(made, A.LABEL)) == (b"other", b"another")
    copy = session.copy(made, {A.VALUE: b""})
    assert (session.attribute(copy, A.VALUE), session.attribute(made, A.VALUE)) == (b"", b"other")
    session.change(made, {A.MODIFIABLE: False})
    assert refusal(lambda: session.change(made, {A.VALUE: b"no"})) == CKR_ACTION_PROHIBITED
    session.destroy(made)
    assert refusal(lambda: session.attribute(made, A.VALUE)) == CKR_OBJECT_HANDLE_INVALID
    assert session.attribute(copy, A.VALUE) == b""
    session.destroy(copy)


def test_what_another_program_changed_is_read_a_second_later(ephemeral_non_fips: Any, session: Session) -> None:
    made = session.create(data(b"before", TOKEN=True, LABEL=b"shared data"))
    user, _, password = ephemeral_non_fips["CLOUDHSM_PIN"].partition(":")
    try:
        assert session.attribute(made, A.VALUE) == b"before"
        with connect(ephemeral_non_fips["STRONGROOM_CONFIG"], username=user, password=password) as sdk:
            (found,) = sdk.objects.find_all({A.LABEL.value: "shared data"})
            assert (found.value(A.VALUE), sdk.objects.get(found.reference).value(A.VALUE)) == (None, b"before")
            changed = sdk.objects.set_attributes(found.reference, {A.VALUE.value: b"after"})
            assert changed.value(A.VALUE) is None
            assert "shared data" not in [key.label for key in sdk.keys.find()]
            with pytest.raises(KeyNotFound, match="is a data object"):
                sdk.keys.by_reference(found.reference)
        time.sleep(1)
        assert session.attribute(made, A.VALUE) == b"after"
    finally:
        session.destroy(made)


def test_what_is_wrong_with_a_template_is_said(library: Any, session: Session) -> None:
    def create(**others: Any) -> int:
        return refusal(lambda: session.create(data(b"value", **others)))

    assert create(KEY_TYPE=0x1F) == create(ID=b"1") == create(ENCRYPT=True) == CKR_ATTRIBUTE_TYPE_INVALID
    assert create(LABEL=b"\xff") == create(TOKEN=b"12345678") == CKR_ATTRIBUTE_VALUE_INVALID
    longest = session.create(data(bytes(LONGEST)))
    assert session.attribute(longest, A.VALUE) == bytes(LONGEST)
    session.destroy(longest)
    for length in (LONGEST + 1, 512 * 1024 + 1, 1024 * 1024, 1024 * 1024 + 1):
        assert refusal(lambda length=length: session.create(data(bytes(length)))) == CKR_ATTRIBUTE_VALUE_INVALID
    made = session.create(data(b"value"))
    assert refusal(lambda: session.change(made, {A.CLASS: 4})) == CKR_ATTRIBUTE_READ_ONLY
    assert refusal(lambda: session.change(made, {A.ID: b"1"})) == CKR_ATTRIBUTE_TYPE_INVALID
    assert refusal(lambda: session.copy(made, {A.PRIVATE: False})) == CKR_ATTRIBUTE_READ_ONLY
    key = session.create(keys.aes(bytes(16)))
    assert refusal(lambda: session.change(key, {A.VALUE: bytes(16)})) == CKR_ATTRIBUTE_READ_ONLY
    assert refusal(lambda: session.copy(key, {A.VALUE: bytes(16)})) == CKR_ATTRIBUTE_READ_ONLY


def test_no_mechanism_takes_a_data_object_for_a_key(session: Session) -> None:
    made, key = session.create(data(bytes(32))), session.create({**keys.aes(bytes(32)), A.WRAP: True, A.UNWRAP: True})
    begun = 0
    for kind in session.mechanisms():
        for flag, function in INITS.items():
            if not session.mechanism_info(kind)[2] & flag:
                continue
            found = refusal(lambda f=function, k=kind: session.begin(f, mechanism(k), made))
            begun += found == CKR_KEY_HANDLE_INVALID
            assert found in {CKR_KEY_HANDLE_INVALID, CKR_MECHANISM_PARAM_INVALID}, (hex(kind), function)
    assert begun > 30
    assert refusal(lambda: session.digest_in_parts(mechanism(Mechanism.SHA256), [made])) == CKR_KEY_HANDLE_INVALID
    kwp = mechanism(Mechanism.AES_KEY_WRAP_KWP)
    assert refusal(lambda: session.wrap(kwp, key, made)) == CKR_KEY_HANDLE_INVALID
    assert refusal(lambda: session.wrap(kwp, made, key)) == CKR_WRAPPING_KEY_HANDLE_INVALID
    secret = {A.CLASS: 4, A.KEY_TYPE: 0x10}
    assert refusal(lambda: session.unwrap(kwp, made, bytes(24), secret)) == CKR_UNWRAPPING_KEY_HANDLE_INVALID
    concatenated = mechanism(Mechanism.SP800_108_COUNTER_KDF)
    derived = {CKR_KEY_HANDLE_INVALID, CKR_MECHANISM_PARAM_INVALID}
    assert refusal(lambda: session.derive(concatenated, made, secret)) in derived


def test_without_a_login_there_are_none(library: Any) -> None:
    session = library.module.session(OF_FIPS)
    for private in (False, True):
        template = data(b"value", PRIVATE=private, TOKEN=True)
        assert refusal(lambda template=template: session.create(template)) == CKR_USER_NOT_LOGGED_IN
    assert session.find({A.CLASS: 0}) == []
    session.close()


def test_awss_library_has_no_data_objects(library: Any) -> None:
    with library.opened(OF_AWS) as session:
        assert refusal(lambda: session.create(data(b"value"))) == CKR_ATTRIBUTE_VALUE_INVALID
