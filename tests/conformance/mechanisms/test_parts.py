"""Every mechanism that signs, encrypts or digests takes data in parts as the table says, and means the same by them."""

from __future__ import annotations

import os
import tomllib
from typing import Any

import pytest
import vector_keys as keys
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptoki import P256, Session, refusal
from cryptoki_mechanisms import HASHES, CkMechanism, ccm, ctr, gcm, hash_ml_dsa, mac_general, mechanism, oaep, pss
from vector_files import ROOT

from strongroom.vocabulary.attributes import Attribute
from strongroom.vocabulary.mechanisms import Mechanism

pytestmark = pytest.mark.cluster
TABLE = tomllib.loads((ROOT / "tables/mechanisms.toml").read_text())["mechanism"]
SIGNING, ENCRYPTING, DIGESTING = (
    [row for row in TABLE if function in row["does"]] for function in ("sign", "encrypt", "digest")
)
DATA = os.urandom(48)
"""Whole blocks of every cipher."""
DIGEST_LENGTHS = {
    Mechanism.RSA_PKCS_PSS: 32,
    Mechanism.ECDSA: 32,
    Mechanism.HASH_ML_DSA: 32,
    Mechanism.CLOUDHSM_EXT_MU_ML_DSA: 64,
}
"""What is signed by the mechanisms that sign a digest."""
IV_LENGTHS = {"des3": 8, "aes": 16, "aes-xts": 16}
ML_DSA_65 = 2
HASH_NAMES = {int(code): name for name, code in HASHES.items()}


def cuts(data: bytes) -> tuple[list[bytes], ...]:
    """The same data in one part and in several."""
    return (
        [data],
        [data[:1], data[1:]],
        [data[:20], b"", data[20:]],
        [data[at : at + 7] for at in range(0, len(data), 7)],
    )


@pytest.fixture(scope="module")
def pairs(session: Session) -> dict[str, tuple[int, int]]:
    """What encrypts or verifies and what decrypts or signs, by kind of key."""
    key = rsa.generate_private_key(65537, 2048).private_numbers()
    n = key.public_numbers.n
    aes, xts, des3, secret = (
        session.create(template)
        for template in (
            keys.aes(os.urandom(32)),
            keys.aes_xts(os.urandom(64)),
            keys.des3(os.urandom(24)),
            keys.secret(os.urandom(64)),
        )
    )

    def generated(kind: int, which: dict[int, Any]) -> tuple[int, int]:
        return session.generate_pair(mechanism(kind), {**which, Attribute.VERIFY: True}, {Attribute.SIGN: True})

    return {
        "rsa": (
            session.create(keys.rsa_public(n, 65537)),
            session.create(keys.rsa_private(n, 65537, key.d, key.p, key.q)),
        ),
        "ec": generated(Mechanism.EC_KEY_PAIR_GEN, {Attribute.EC_PARAMS: P256}),
        "ed25519": generated(Mechanism.EC_EDWARDS_KEY_PAIR_GEN, {Attribute.EC_PARAMS: keys.ED25519}),
        "ml-dsa": generated(Mechanism.ML_DSA_KEY_PAIR_GEN, {Attribute.PARAMETER_SET: ML_DSA_65}),
        "aes": (aes, aes),
        "aes-xts": (xts, xts),
        "des3": (des3, des3),
        "generic-secret": (secret, secret),
    }


def with_parameter(row: dict[str, Any]) -> CkMechanism:
    """The mechanism of a row with a parameter that fits; for GCM a new place for the IV."""
    code = row["code"]
    match row["parameters"]:
        case "none" | "eddsa" | "ml_dsa":
            return mechanism(code)
        case "iv":
            return mechanism(code, bytes(range(IV_LENGTHS[row["keys"][0]])))
        case "ctr":
            return ctr(128, bytes(16))
        case "gcm":
            has_place = code != Mechanism.CLOUDHSM_AES_GCM
            return gcm(bytes(12) if has_place else None, b"" if code == Mechanism.AES_GMAC else b"aad", 128, code)
        case "ccm":
            return ccm(len(DATA), bytes(12), b"aad", 16)
        case "pss":
            hash_name = HASH_NAMES[Mechanism[row.get("hash", "SHA256")]]
            return pss(code, hash_name, hash_name, 20)
        case "oaep":
            return oaep("SHA256", "SHA256")
        case "hash_ml_dsa":
            return hash_ml_dsa(Mechanism.SHA256)
        case "mac_length":
            return mac_general(code, 8)
        case other:
            raise AssertionError(f"add a parameter of the kind {other} to this test")


@pytest.mark.parametrize("row", SIGNING, ids=lambda row: row["name"])
def test_signatures_and_macs_in_parts(session, pairs, row):
    public, private = pairs[row["keys"][0]]
    how = with_parameter(row)
    data = os.urandom(DIGEST_LENGTHS.get(row["code"], len(DATA)))
    altered = bytes([data[0] ^ 1])
    for parts in cuts(data):
        signature = session.sign_in_parts(how, private, parts)
        assert session.verifies(how, public, data, signature)
        assert session.verifies_in_parts(how, public, parts, signature)
        assert not session.verifies_in_parts(how, public, [altered, data[1:]], signature)


@pytest.mark.parametrize("row", ENCRYPTING, ids=lambda row: row["name"])
def test_ciphers_in_parts(session, pairs, row):
    public, private = pairs[row["keys"][0]]
    how = with_parameter(row)
    is_padded_with_zeros = row["code"] == Mechanism.RSA_X_509
    for parts in cuts(DATA):
        encrypted = session.in_parts("Encrypt", how, public, parts)
        decrypted = session.decrypt(how, private, encrypted)
        assert (decrypted[-len(DATA) :] if is_padded_with_zeros else decrypted) == DATA
        cut = [encrypted[at : at + 13] for at in range(0, len(encrypted), 13)]
        assert session.in_parts("Decrypt", how, private, cut) == decrypted


@pytest.mark.parametrize("row", DIGESTING, ids=lambda row: row["name"])
def test_digests_in_parts(session, row):
    how = mechanism(row["code"])
    whole = session.digest(how, DATA)
    assert all(session.digest_in_parts(how, parts) == whole for parts in cuts(DATA))


def test_parts_that_are_too_long_together_are_refused(session, pairs):
    public, private = pairs["rsa"]
    for kind in (Mechanism.RSA_PKCS, Mechanism.RSA_X_509):
        how = mechanism(kind)
        assert refusal(lambda how=how: session.sign_in_parts(how, private, [bytes(200), bytes(200)])) == 0x21
        assert refusal(lambda how=how: session.in_parts("Encrypt", how, public, [bytes(200), bytes(200)])) == 0x21
        assert refusal(lambda how=how: session.in_parts("Decrypt", how, private, [bytes(200), bytes(200)])) == 0x41
    long = 17 * [bytes(64 * 1024)]
    assert refusal(lambda: session.sign_in_parts(mechanism(Mechanism.ECDSA), pairs["ec"][1], long)) == 0x21


def test_a_counter_does_not_come_round_however_the_data_is_cut(session, pairs):
    key, _ = pairs["aes"]
    how = ctr(8, bytes(15) + b"\xfe")
    for parts in ([bytes(48)], [bytes(32), bytes(16)], [bytes(31), bytes(17)], [bytes(32), b"\x00"]):
        for function in ("Encrypt", "Decrypt"):
            assert refusal(lambda parts=parts, function=function: session.in_parts(function, how, key, parts)) == 0x21
    assert session.in_parts("Encrypt", how, key, [bytes(16), bytes(16)]) == session.encrypt(how, key, bytes(32))
    whole = ctr(128, b"\xff" * 16)
    assert session.in_parts("Encrypt", whole, key, 3 * [bytes(16)]) == session.encrypt(whole, key, bytes(48))


def test_parts_of_an_altered_message_give_nothing(session, pairs):
    key, _ = pairs["aes"]
    how = with_parameter(next(row for row in ENCRYPTING if row["code"] == Mechanism.AES_GCM))
    encrypted = session.in_parts("Encrypt", how, key, [DATA, DATA])
    altered = bytes([encrypted[0] ^ 1]) + encrypted[1:]
    assert refusal(lambda: session.in_parts("Decrypt", how, key, [altered[:40], altered[40:]])) == 0x40
    assert session.in_parts("Decrypt", how, key, [encrypted[:40], encrypted[40:]]) == 2 * DATA
