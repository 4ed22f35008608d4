"""The library's own objects, profiles and mechanisms, and the unique id of every object (PKCS #11 3.2, ADR 0137)."""

from __future__ import annotations

from ctypes import byref, c_ulong
from typing import Any

import pytest
import vector_keys as keys
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptoki import Session, refusal
from cryptoki_mechanisms import mechanism

from strongroom.client import connect
from strongroom.vocabulary.attributes import Attribute
from strongroom.vocabulary.mechanisms import Mechanism

pytestmark = pytest.mark.cluster
A = Attribute
OF_FIPS, OF_AWS = 1, 2
CKA_UNIQUE_ID, CKA_MECHANISM_TYPE, CKA_PROFILE_ID = 0x4, 0x500, 0x601
CKO_HW_FEATURE, CKO_MECHANISM, CKO_PROFILE = 5, 7, 9
BASELINE, EXTENDED, AUTHENTICATION = 1, 2, 3
"""``CKP_BASELINE_PROVIDER`` and so on."""
CKR_ATTRIBUTE_READ_ONLY, CKR_ATTRIBUTE_TYPE_INVALID, CKR_ATTRIBUTE_VALUE_INVALID = 0x10, 0x12, 0x13
CKR_ACTION_PROHIBITED, CKR_KEY_HANDLE_INVALID, CKR_OBJECT_HANDLE_INVALID = 0x1B, 0x60, 0x82
DEMANDED = (
    *("C_GetFunctionList", "C_GetInterfaceList", "C_GetInterface", "C_Initialize", "C_Finalize", "C_GetInfo"),
    *("C_GetSlotList", "C_GetSlotInfo", "C_GetTokenInfo", "C_OpenSession", "C_CloseSession", "C_GetSessionInfo"),
    *("C_FindObjectsInit", "C_FindObjects", "C_FindObjectsFinal", "C_GetAttributeValue"),
    *("C_GetMechanismList", "C_GetMechanismInfo", "C_Login", "C_LoginUser", "C_Logout"),
    *("C_SignInit", "C_Sign", "C_SignUpdate", "C_SignFinal"),
)
"""The functions of the three profiles (PKCS #11 Profiles 3.2, sections 5.1, 5.3 and 5.4)."""


def number(session: Session, handle: int, attribute: int) -> int:
    return int.from_bytes(session.attribute(handle, attribute), "little")


def check_finds(session: Session) -> None:
    profiles = session.find({A.CLASS: CKO_PROFILE})
    assert [number(session, each, CKA_PROFILE_ID) for each in profiles] == [BASELINE, EXTENDED, AUTHENTICATION]
    mechanisms = session.find({A.CLASS: CKO_MECHANISM})
    assert [number(session, each, CKA_MECHANISM_TYPE) for each in mechanisms] == session.mechanisms()
    assert session.find({A.CLASS: CKO_HW_FEATURE}) == []
    ids = {session.attribute(each, CKA_UNIQUE_ID) for each in profiles + mechanisms}
    assert len(ids) == len({*profiles, *mechanisms}) == len(profiles) + len(mechanisms)


def test_anybody_finds_the_profiles_and_the_mechanisms_of_a_slot(library: Any, session: Session) -> None:
    check_finds(session)
    of_fips = library.module.session(OF_FIPS)
    check_finds(of_fips)
    of_fips.login(library.pins[OF_FIPS])
    check_finds(of_fips)
    of_fips.logout()
    of_fips.close()


def test_a_mechanism_that_the_mode_refuses_is_no_object(library: Any, session: Session) -> None:
    wanted = {A.CLASS: CKO_MECHANISM, CKA_MECHANISM_TYPE: int(Mechanism.EDDSA)}
    with library.opened(OF_FIPS) as of_fips:
        assert (len(session.find(wanted)), len(of_fips.find(wanted))) == (1, 0)


def test_programs_that_list_everything_do_not_see_them(session: Session) -> None:
    made = session.create(keys.aes(bytes(16)))
    everything = session.find({})
    assert made in everything
    assert {number(session, each, A.CLASS) for each in everything} <= {0, 1, 2, 3, 4}
    assert session.find({CKA_PROFILE_ID: BASELINE}) == session.find({CKA_MECHANISM_TYPE: int(Mechanism.ECDSA)}) == []
    session.destroy(made)


def test_they_are_made_changed_copied_and_destroyed_by_nobody(session: Session) -> None:
    (baseline,) = session.find({A.CLASS: CKO_PROFILE, CKA_PROFILE_ID: BASELINE})
    (aes,) = session.find({A.CLASS: CKO_MECHANISM, CKA_MECHANISM_TYPE: int(Mechanism.AES_CBC)})
    for each in (baseline, aes):
        assert refusal(lambda each=each: session.change(each, {A.LABEL: b"mine"})) == CKR_ACTION_PROHIBITED
        assert refusal(lambda each=each: session.copy(each, {A.TOKEN: False})) == CKR_ACTION_PROHIBITED
        assert refusal(lambda each=each: session.destroy(each)) == CKR_ACTION_PROHIBITED
        assert refusal(lambda each=each: session.attribute(each, A.KEY_TYPE)) == CKR_ATTRIBUTE_TYPE_INVALID
        assert refusal(lambda each=each: session.attribute(each + 0x5555, A.CLASS)) == CKR_OBJECT_HANDLE_INVALID
        wrong = mechanism(Mechanism.SHA256_HMAC)
        assert refusal(lambda each=each, how=wrong: session.begin("Sign", how, each)) == CKR_KEY_HANDLE_INVALID
    for of_class, attribute in ((CKO_PROFILE, CKA_PROFILE_ID), (CKO_MECHANISM, CKA_MECHANISM_TYPE)):
        assert refusal(lambda c=of_class: session.create({A.CLASS: c})) == CKR_ATTRIBUTE_VALUE_INVALID
        template = {A.CLASS: of_class, attribute: 1}
        assert refusal(lambda template=template: session.create(template)) == CKR_ATTRIBUTE_READ_ONLY
    assert (session.attribute(baseline, A.TOKEN), session.attribute(baseline, A.PRIVATE)) == (b"\1", b"\0")


def test_awss_library_has_none(library: Any, session: Session) -> None:
    (baseline,) = session.find({A.CLASS: CKO_PROFILE, CKA_PROFILE_ID: BASELINE})
    with library.opened(OF_AWS) as of_aws:
        assert of_aws.find({A.CLASS: CKO_PROFILE}) == of_aws.find({A.CLASS: CKO_MECHANISM}) == []
        assert refusal(lambda: of_aws.attribute(baseline, A.CLASS)) == CKR_OBJECT_HANDLE_INVALID
        assert refusal(lambda: of_aws.destroy(baseline)) == CKR_OBJECT_HANDLE_INVALID


def test_the_functions_that_the_profiles_demand_are_there(library: Any) -> None:
    assert all(hasattr(library.module.library, name) for name in DEMANDED)


def test_the_calls_of_the_authentication_tokens_test_case_are_answered(session: Session) -> None:
    """AUTH-M-1-32 of PKCS #11 Profiles 3.2, once logged in, with a key of this test."""
    private = rsa.generate_private_key(65537, 2048)
    numbers, public = private.private_numbers(), private.public_key().public_numbers()
    value = {
        name: number.to_bytes((number.bit_length() + 7) // 8)
        for name, number in (
            *(("MODULUS", public.n), ("PUBLIC_EXPONENT", public.e), ("PRIVATE_EXPONENT", numbers.d)),
            *(("PRIME_1", numbers.p), ("PRIME_2", numbers.q), ("COEFFICIENT", numbers.iqmp)),
            *(("EXPONENT_1", numbers.dmp1), ("EXPONENT_2", numbers.dmq1)),
        )
    }
    of_public = {A[name]: value[name] for name in ("MODULUS", "PUBLIC_EXPONENT")}
    common = {A.KEY_TYPE: 0, A.TOKEN: True}
    of_private = {A[name]: number for name, number in value.items()}
    session.create({A.CLASS: 2, **common, A.LABEL: b"testrsa-pub", A.VERIFY: True, **of_public})
    session.create({A.CLASS: 3, **common, A.LABEL: b"testrsa-pri", A.SIGN: True, **of_private})
    try:
        (found,) = session.find({A.TOKEN: True, A.LABEL: b"testrsa-pub", A.CLASS: 2})
        assert session.attribute(found, A.MODULUS) == value["MODULUS"]
        assert session.attribute(found, A.PUBLIC_EXPONENT) == b"\1\0\1"
        (found,) = session.find({A.TOKEN: True, A.LABEL: b"testrsa-pri", A.CLASS: 3})
        signature = session.sign(found, b"data", mechanism(Mechanism.SHA256_RSA_PKCS))
        private.public_key().verify(signature, b"data", padding.PKCS1v15(), SHA256())
    finally:
        for label in (b"testrsa-pub", b"testrsa-pri"):
            for each in session.find({A.LABEL: label}):
                session.destroy(each)


def test_a_unique_id_is_the_reference_that_the_cli_and_the_sdk_use(
    ephemeral_non_fips: Any, library: Any, session: Session
) -> None:
    made = session.generate(mechanism(Mechanism.AES_KEY_GEN), {A.VALUE_LEN: 32, A.TOKEN: True, A.LABEL: b"unique"})
    user, _, password = ephemeral_non_fips["CLOUDHSM_PIN"].partition(":")
    try:
        unique_id = session.attribute(made, CKA_UNIQUE_ID)
        with connect(ephemeral_non_fips["STRONGROOM_CONFIG"], username=user, password=password) as sdk:
            (key,) = sdk.objects.find_all({A.LABEL.value: "unique"})
        assert unique_id == f"0x{key.reference:016x}".encode()
        assert session.find({CKA_UNIQUE_ID: unique_id}) == [made]
        assert session.find({CKA_UNIQUE_ID: unique_id, A.CLASS: 4, A.LABEL: b"unique"}) == [made]
        assert session.find({CKA_UNIQUE_ID: unique_id, A.CLASS: 3}) == []
        assert session.find({CKA_UNIQUE_ID: unique_id.upper()}) == session.find({CKA_UNIQUE_ID: b""}) == []
        with library.opened(OF_FIPS) as elsewhere:
            assert elsewhere.find({CKA_UNIQUE_ID: unique_id}) == []
        for refused in (
            lambda: session.change(made, {CKA_UNIQUE_ID: b"1"}),
            lambda: session.copy(made, {CKA_UNIQUE_ID: b"1"}),
            lambda: session.create({**keys.aes(bytes(16)), CKA_UNIQUE_ID: b"1"}),
        ):
            assert refusal(refused) == CKR_ATTRIBUTE_READ_ONLY
        copy = session.copy(made, {A.TOKEN: False})
        assert session.attribute(copy, CKA_UNIQUE_ID) != unique_id
        assert session.find({CKA_UNIQUE_ID: session.attribute(copy, CKA_UNIQUE_ID)}) == [copy]
    finally:
        session.destroy(made)
    assert session.find({CKA_UNIQUE_ID: unique_id}) == []


def test_a_unique_id_is_read_into_a_buffer_of_its_length(session: Session) -> None:
    made = session.create(keys.aes(bytes(16)))
    assert len(session.attribute(made, CKA_UNIQUE_ID)) == 18
    size = c_ulong()
    session.module.library.C_GetObjectSize(c_ulong(session.handle), c_ulong(made), byref(size))
    assert size.value > 18
    session.destroy(made)
