"""Derived keys through the library, against pyca/cryptography; and what may be derived from what."""

from __future__ import annotations

import os
import subprocess

import pytest
import vector_keys as keys
from cryptography.hazmat.primitives import cmac, hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand
from cryptography.hazmat.primitives.kdf.kbkdf import KBKDFHMAC, CounterLocation, Mode
from cryptography.hazmat.primitives.kdf.x963kdf import X963KDF
from cryptoki import Session, refusal
from cryptoki_mechanisms import (
    CKD_NULL,
    LAST,
    ONE_STEP,
    SUM_OF_KEYS,
    X963,
    CounterFormat,
    LengthFormat,
    counter_kdf,
    ecdh,
    feedback_kdf,
    hkdf,
    mechanism,
    vendor_counter_kdf,
)

from strongroom.client import curves
from strongroom.vocabulary.attributes import Attribute
from strongroom.vocabulary.mechanisms import Mechanism

pytestmark = pytest.mark.cluster
CKK_SHA256_HMAC, CKR_TEMPLATE_INCOMPLETE = 0x2B, 0xD0
HASHES = {"SHA1": hashes.SHA1, "SHA224": hashes.SHA224, "SHA256": hashes.SHA256, "SHA384": hashes.SHA384}
HASHES["SHA512"] = hashes.SHA512
HASHES |= {f"SHA3_{bits}": getattr(hashes, f"SHA3_{bits}") for bits in (224, 256, 384, 512)}
HMACS = {name: Mechanism["SHA_1_HMAC" if name == "SHA1" else f"{name}_HMAC"] for name in HASHES}


def agreed(session: Session, name: str) -> tuple[int, bytes, bytes]:
    """A private key in the HSM, the point of a stranger's, and what both have together."""
    public, private = session.generate_pair(
        mechanism(Mechanism.EC_KEY_PAIR_GEN),
        {Attribute.EC_PARAMS: curves.by_name(name).parameters},
        {Attribute.DERIVE: True},
    )
    ours = ec.EllipticCurvePublicKey.from_encoded_point(
        keys.PYCA[name], curves.raw_point(session.attribute(public, Attribute.EC_POINT))
    )
    stranger = ec.generate_private_key(keys.PYCA[name])
    point = stranger.public_key().public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )
    return private, point, stranger.exchange(ec.ECDH(), ours)


@pytest.mark.parametrize("name", keys.PYCA)
def test_a_key_agreed_with_a_stranger_is_the_strangers_key(session, name):
    private, point, shared = agreed(session, name)
    raw = session.derive(ecdh(point), private, keys.new_secret())
    assert keys.is_secret(session, raw, shared)
    assert int.from_bytes(session.attribute(raw, Attribute.VALUE_LEN), "little") == len(shared)
    shorter = session.derive(ecdh(keys.octets(point)), private, keys.new_secret(20))
    assert keys.is_secret(session, shorter, shared[-20:])
    for hash_name, algorithm in HASHES.items():
        derived = session.derive(ecdh(point, X963[hash_name], b"info"), private, keys.new_secret(77))
        assert keys.is_secret(session, derived, X963KDF(algorithm(), 77, b"info").derive(shared))
        derived = session.derive(ecdh(point, ONE_STEP[hash_name], b"info"), private, keys.new_secret(77))
        assert keys.is_secret(session, derived, ConcatKDFHash(algorithm(), 77, b"info").derive(shared))


@pytest.mark.parametrize("name", keys.PYCA)
def test_every_curve_has_the_cofactor_1_so_that_both_mechanisms_agree_alike(session, name):
    private, point, shared = agreed(session, name)
    cofactor = Mechanism.ECDH1_COFACTOR_DERIVE
    raw = session.derive(ecdh(point, kind=cofactor), private, keys.new_secret())
    assert keys.is_secret(session, raw, shared)
    derived = session.derive(ecdh(point, X963["SHA256"], b"info", cofactor), private, keys.new_secret(77))
    assert keys.is_secret(session, derived, X963KDF(hashes.SHA256(), 77, b"info").derive(shared))
    off_the_curve = point[:-1] + bytes([point[-1] ^ 1])
    assert refusal(lambda: session.derive(ecdh(off_the_curve, kind=cofactor), private, keys.new_secret())) == 0x71
    assert refusal(lambda: session.derive(mechanism(cofactor), private, keys.new_secret())) == 0x71


def test_cofactor_agreement_is_of_nist_curves_and_of_keys_that_may(library, session, fips_session):
    cofactor = Mechanism.ECDH1_COFACTOR_DERIVE
    _, montgomery = session.generate_pair(
        mechanism(Mechanism.EC_MONTGOMERY_KEY_PAIR_GEN), {Attribute.EC_PARAMS: keys.X25519}, {Attribute.DERIVE: True}
    )
    template = keys.new_secret()
    assert refusal(lambda: session.derive(ecdh(bytes(32), kind=cofactor), montgomery, template)) == 0x63
    parameters = {Attribute.EC_PARAMS: curves.by_name("secp256r1").parameters}
    bound = {Attribute.DERIVE: True, Attribute.ALLOWED_MECHANISMS: int(Mechanism.ECDH1_DERIVE)}
    for private, code in (({Attribute.DERIVE: False}, 0x68), (bound, 0x70)):
        public, key = session.generate_pair(mechanism(Mechanism.EC_KEY_PAIR_GEN), parameters, private)
        point = session.attribute(public, Attribute.EC_POINT)
        assert refusal(lambda p=point, k=key: session.derive(ecdh(p, kind=cofactor), k, template)) == code
    public, key = fips_session.generate_pair(mechanism(Mechanism.EC_KEY_PAIR_GEN), parameters, {Attribute.DERIVE: True})
    point = fips_session.attribute(public, Attribute.EC_POINT)
    assert refusal(lambda: fips_session.derive(ecdh(point, kind=cofactor), key, template)) == 0x71
    assert fips_session.derive(ecdh(point, X963["SHA256"], b"", cofactor), key, keys.new_secret(32))
    with library.opened(2) as of_aws:
        public, key = of_aws.generate_pair(
            mechanism(Mechanism.EC_KEY_PAIR_GEN), parameters, {Attribute.DERIVE: True, Attribute.TOKEN: False}
        )
        assert refusal(lambda: of_aws.derive(ecdh(point, kind=cofactor), key, keys.new_secret(32))) == 0x70


def test_a_derived_key_is_a_generic_secret_unless_said_otherwise(session):
    value = os.urandom(32)
    base = session.create(keys.secret(value))
    new = keys.new_secret(32)
    bare = {name: what for name, what in new.items() if name not in {Attribute.CLASS, Attribute.KEY_TYPE}}
    assert len(bare) == len(new) - 2
    derived = session.derive(hkdf("SHA256", None, b"info"), base, bare)
    assert keys.is_secret(session, derived, HKDF(hashes.SHA256(), 32, None, b"info").derive(value))
    assert int.from_bytes(session.attribute(derived, Attribute.KEY_TYPE), "little") == keys.CKK_GENERIC_SECRET
    without_length = {name: what for name, what in bare.items() if name != Attribute.VALUE_LEN}
    derived = session.derive(hkdf("SHA384", None, b"info"), base, without_length)
    assert keys.is_secret(session, derived, HKDF(hashes.SHA384(), 48, None, b"info").derive(value))


@pytest.mark.parametrize("hash_name", HASHES)
def test_hkdf_extracts_and_expands(session, hash_name):
    algorithm, value = HASHES[hash_name](), os.urandom(64)
    base = session.create(keys.secret(value))
    for salt in (None, b"", b"salt" * 40):
        both = session.derive(hkdf(hash_name, salt, b"info"), base, keys.new_secret(100))
        assert keys.is_secret(session, both, HKDF(algorithm, 100, salt, b"info").derive(value))
        extracted = session.derive(hkdf(hash_name, salt, b"", expand=False), base, keys.new_secret())
        assert keys.is_secret(session, extracted, HKDF.extract(algorithm, salt, value))
    expanded = session.derive(hkdf(hash_name, None, b"info", extract=False), base, keys.new_secret(100))
    assert keys.is_secret(session, expanded, HKDFExpand(algorithm, 100, b"info").derive(value))


@pytest.mark.parametrize("hash_name", HASHES)
def test_hkdf_gives_as_much_as_the_hash_where_no_length_is_named(session, hash_name):
    algorithm, value = HASHES[hash_name](), os.urandom(64)
    base, size = session.create(keys.secret(value)), algorithm.digest_size
    both = session.derive(hkdf(hash_name, b"salt", b"info"), base, keys.new_secret())
    assert keys.is_secret(session, both, HKDF(algorithm, size, b"salt", b"info").derive(value))
    expanded = session.derive(hkdf(hash_name, None, b"info", extract=False), base, keys.new_secret())
    assert keys.is_secret(session, expanded, HKDFExpand(algorithm, size, b"info").derive(value))
    assert int.from_bytes(session.attribute(expanded, Attribute.VALUE_LEN), "little") == size
    of_one_hmac = {**keys.new_secret(), Attribute.KEY_TYPE: CKK_SHA256_HMAC}
    assert keys.is_secret(
        session,
        session.derive(hkdf(hash_name, b"salt", b"info"), base, of_one_hmac),
        HKDF(algorithm, size, b"salt", b"info").derive(value),
    )
    aes = {Attribute.CLASS: keys.CKO_SECRET_KEY, Attribute.KEY_TYPE: keys.CKK_AES}
    assert refusal(lambda: session.derive(hkdf(hash_name, b"salt", b"info"), base, aes)) == CKR_TEMPLATE_INCOMPLETE
    without = counter_kdf(HMACS[hash_name], CounterFormat(0, 32))
    assert refusal(lambda: session.derive(without, base, keys.new_secret())) == CKR_TEMPLATE_INCOMPLETE


@pytest.mark.parametrize("hash_name", HASHES)
@pytest.mark.parametrize("how", [counter_kdf, vendor_counter_kdf])
def test_the_counter_mode_with_hmac_is_that_of_sp_800_108(session, hash_name, how):
    value = os.urandom(32)
    base = session.create(keys.secret(value))
    counter, length = CounterFormat(0, 32), LengthFormat(SUM_OF_KEYS, 0, 32)
    parts = (counter, b"label", b"\x00", b"context", length)
    derived = session.derive(how(HMACS[hash_name], *parts), base, keys.new_secret(90))
    places = {"location": CounterLocation.BeforeFixed, "label": b"label", "context": b"context", "fixed": None}
    expected = KBKDFHMAC(HASHES[hash_name](), Mode.CounterMode, 90, 4, 4, **places)
    assert keys.is_secret(session, derived, expected.derive(value))


@pytest.mark.parametrize("hash_name", HASHES)
@pytest.mark.parametrize("length", [32, 77])
def test_the_feedback_mode_is_that_of_openssl(session, hash_name, length):
    value, iv = os.urandom(32), os.urandom(HASHES[hash_name]().digest_size)
    base = session.create(keys.secret(value))
    parts = (LAST, CounterFormat(0, 32), b"label\x00", b"context", LengthFormat(SUM_OF_KEYS, 0, 32))
    derived = session.derive(feedback_kdf(HMACS[hash_name], iv, *parts), base, keys.new_secret(length))
    digest = hash_name.replace("_", "-")
    options = {"mac": "HMAC", "digest": digest, "mode": "FEEDBACK", "hexkey": value.hex(), "hexseed": iv.hex()}
    options |= {"hexsalt": b"label".hex(), "hexinfo": b"context".hex()}
    words = [word for name, each in options.items() for word in ("-kdfopt", f"{name}:{each}")]
    command = ["openssl", "kdf", "-binary", "-keylen", str(length), *words, "KBKDF"]
    assert keys.is_secret(session, derived, subprocess.run(command, capture_output=True, check=True).stdout)


def test_the_feedback_mode_takes_its_parts_where_they_are_put(session):
    value = os.urandom(32)
    base = session.create(keys.aes(value))
    for iv in (b"", os.urandom(16)):
        how = feedback_kdf(Mechanism.AES_CMAC, iv, b"before", LAST, b"after")
        derived = session.derive(how, base, keys.new_secret(40))
        last, expected = iv, b""
        while len(expected) < 40:
            prf = cmac.CMAC(AES(value))
            prf.update(b"before" + last + b"after")
            last = prf.finalize()
            expected += last
        assert keys.is_secret(session, derived, expected[:40])


def test_wrong_layouts_of_the_feedback_mode_are_refused(session):
    base, template = session.create(keys.secret(os.urandom(32))), keys.new_secret(32)
    counter, length = CounterFormat(0, 8), LengthFormat(SUM_OF_KEYS, 0, 32)
    for parts in [
        (),
        (counter,),
        (LAST, LAST),
        (LAST, counter, counter),
        (LAST, length, length),
        (LAST, CounterFormat(0, 7)),
    ]:
        how = feedback_kdf(Mechanism.SHA256_HMAC, b"", *parts)
        assert refusal(lambda how=how: session.derive(how, base, template)) == 0x71
    cmac_ = feedback_kdf(Mechanism.AES_CMAC, b"", LAST)
    assert refusal(lambda: session.derive(cmac_, base, template)) == 0x63
    digest = feedback_kdf(Mechanism.SHA256, b"", LAST)
    assert refusal(lambda: session.derive(digest, base, template)) == 0x71
    assert refusal(lambda: session.derive(mechanism(Mechanism.SP800_108_FEEDBACK_KDF), base, template)) == 0x71


@pytest.mark.parametrize("how", [counter_kdf, vendor_counter_kdf])
def test_the_counter_mode_with_cmac_takes_the_counter_where_it_is_put(session, how):
    value = os.urandom(32)
    base = session.create(keys.aes(value))
    parts = (b"\x01\xab\xe1", CounterFormat(0, 16), b"\x0c\x09\x7e\x07", LengthFormat(SUM_OF_KEYS, 0, 64))
    derived = session.derive(how(Mechanism.AES_CMAC, *parts), base, keys.new_secret(24))
    blocks = []
    for counter in (1, 2):
        prf = cmac.CMAC(AES(value))
        prf.update(parts[0] + counter.to_bytes(2, "big") + parts[2] + (8 * 24).to_bytes(8, "big"))
        blocks.append(prf.finalize())
    assert keys.is_secret(session, derived, b"".join(blocks)[:24])


def test_a_derived_aes_key_encrypts_and_says_where_it_comes_from(session):
    value = os.urandom(32)
    base = session.create(keys.secret(value))
    template = {
        Attribute.CLASS: 4,
        Attribute.KEY_TYPE: 0x1F,
        Attribute.VALUE_LEN: 16,
        Attribute.ENCRYPT: True,
        Attribute.EXTRACTABLE: False,
    }
    key = session.derive(hkdf("SHA256", b"salt", b""), base, template)
    same = session.create(keys.aes(HKDF(hashes.SHA256(), 16, b"salt", b"").derive(value)))
    block = bytes(16)
    encrypted = [session.encrypt(mechanism(Mechanism.AES_ECB), each, block) for each in (key, same)]
    assert encrypted[0] == encrypted[1]
    flags = {
        name: session.attribute(key, name)
        for name in (Attribute.LOCAL, Attribute.ALWAYS_SENSITIVE, Attribute.NEVER_EXTRACTABLE)
    }
    assert flags == {
        Attribute.LOCAL: b"\x00",
        Attribute.ALWAYS_SENSITIVE: b"\x00",
        Attribute.NEVER_EXTRACTABLE: b"\x00",
    }


def test_what_must_not_be_derived_is_refused(session):
    base = session.create(keys.secret(os.urandom(32)))
    barred = session.create({**keys.secret(os.urandom(32)), Attribute.DERIVE: False})
    how, template = hkdf("SHA256", None, b""), keys.new_secret(32)
    assert refusal(lambda: session.derive(how, barred, template)) == 0x68
    assert refusal(lambda: session.derive(how, session.create(keys.aes(bytes(16))), template)) == 0x63
    assert refusal(lambda: session.derive(how, 0x7777, template)) == 0x60
    rsa = {Attribute.MODULUS_BITS: 2048, Attribute.PUBLIC_EXPONENT: b"\x01\x00\x01"}
    _, private = session.generate_pair(mechanism(Mechanism.RSA_PKCS_KEY_PAIR_GEN), rsa, {Attribute.DERIVE: True})
    assert refusal(lambda: session.derive(how, private, template)) == 0x63
    assert refusal(lambda: session.derive(ecdh(bytes(65)), private, template)) == 0x63
    assert refusal(lambda: session.derive(how, base, keys.new_secret(13))) == 0x62
    assert refusal(lambda: session.derive(mechanism(Mechanism.HKDF_DERIVE), base, template)) == 0x71
    assert refusal(lambda: session.derive(mechanism(Mechanism.SHA256_HMAC), base, template)) == 0x70
    assert refusal(lambda: session.derive(counter_kdf(Mechanism.SHA256_HMAC, b"no counter"), base, template)) == 0x71
    assert refusal(lambda: session.derive(hkdf("SHA256", None, b"", expand=False), base, keys.new_secret(31))) == 0x62


def test_mode_fips_wants_a_derivation_function(fips_session):
    parameters = curves.by_name("secp256r1").parameters
    public, private = fips_session.generate_pair(
        mechanism(Mechanism.EC_KEY_PAIR_GEN), {Attribute.EC_PARAMS: parameters}, {Attribute.DERIVE: True}
    )
    point = fips_session.attribute(public, Attribute.EC_POINT)
    assert refusal(lambda: fips_session.derive(ecdh(point, CKD_NULL), private, keys.new_secret())) == 0x71
    assert fips_session.derive(ecdh(point, X963["SHA256"]), private, keys.new_secret(32))
