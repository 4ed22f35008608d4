"""X25519, Ed25519ctx and Ed25519ph through the library, against pyca/cryptography and RFC 8032, both ways."""

from __future__ import annotations

import os

import ed25519_reference
import pytest
import vector_keys as keys
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.kdf.x963kdf import X963KDF
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap_with_padding, aes_key_wrap_with_padding
from cryptoki import P256, refusal
from cryptoki_mechanisms import X963, ecdh, eddsa, mechanism

from strongroom.client import curves
from strongroom.vocabulary.attributes import Attribute
from strongroom.vocabulary.mechanisms import Mechanism

pytestmark = pytest.mark.cluster
X448 = b"\x06\x03\x2b\x65\x6f"
MESSAGE = os.urandom(100_000)
GENERATE = mechanism(Mechanism.EC_MONTGOMERY_KEY_PAIR_GEN)
RFC_8032 = [
    (
        "0305334e381af78f141cb666f6199f57bc3495335a256a95bd2a55bf546663f6",
        "f726936d19c800494e3fdaff20b276a8",
        b"foo",
        "55a4cc2f70a54e04288c5f4cd1e45a7bb520b36292911876cada7323198dd87a"
        "8b36950b95130022907a7fb7c4e9b2d5f6cca685a587b4b21f4b888e4e7edb0d",
    ),
    (
        "0305334e381af78f141cb666f6199f57bc3495335a256a95bd2a55bf546663f6",
        "f726936d19c800494e3fdaff20b276a8",
        b"bar",
        "fc60d5872fc46b3aa69f8b5b4351d5808f92bcc044606db097abab6dbcb1aee3"
        "216c48e8b3b66431b5b186d1d28f8ee15a5ca2df6668346291c2043d4eb3e90d",
    ),
    (
        "0305334e381af78f141cb666f6199f57bc3495335a256a95bd2a55bf546663f6",
        "508e9e6882b979fea900f62adceaca35",
        b"foo",
        "8b70c1cc8310e1de20ac53ce28ae6e7207f33c3295e03bb5c0732a1d20dc6490"
        "8922a8b052cf99b7c4fe107a5abb5b2c4085ae75890d02df26269d8945f84b0b",
    ),
    (
        "ab9c2853ce297ddab85c993b3ae14bcad39b2c682beabc27d6d4eb20711d6560",
        "f726936d19c800494e3fdaff20b276a8",
        b"foo",
        "21655b5f1aa965996b3f97b3c849eafba922a0a62992f73b3d1b73106a84ad85"
        "e9b86a7b6005ea868337ff2d20a7f5fbd4cd10b0be49a68da2b2e0dc0ad8960f",
    ),
]
"""Section 7.2: seed, message, context, signature."""
RFC_8032_HASHED = (
    "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
    "98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae41"
    "31f85042463c2a355a2003d062adf5aaa10b8c61e636062aaad11c2a26083406",
)
"""Section 7.3: seed and signature of "abc"."""


def raw(key: X25519PublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


@pytest.mark.parametrize("parameters", [keys.X25519, b"\x13\x0acurve25519"], ids=["oid", "name"])
def test_a_key_agreed_with_a_stranger_is_the_strangers_key(session, parameters):
    public, private = session.generate_pair(GENERATE, {Attribute.EC_PARAMS: parameters}, {Attribute.DERIVE: True})
    ours = X25519PublicKey.from_public_bytes(curves.raw_point(session.attribute(public, Attribute.EC_POINT)))
    stranger = X25519PrivateKey.generate()
    point, shared = raw(stranger.public_key()), stranger.exchange(ours)
    for given in (point, keys.octets(point)):
        assert keys.is_secret(session, session.derive(ecdh(given), private, keys.new_secret()), shared)
    derived = session.derive(ecdh(point, X963["SHA256"], b"info"), private, keys.new_secret(77))
    assert keys.is_secret(session, derived, X963KDF(hashes.SHA256(), 77, b"info").derive(shared))
    assert session.attribute(private, Attribute.EC_PARAMS) == parameters


def test_an_x25519_key_is_wrapped_and_unwrapped_as_others_encode_it(session):
    wrapping_value, how = os.urandom(32), mechanism(Mechanism.AES_KEY_WRAP_KWP)
    wrapping = session.create(keys.aes(wrapping_value))
    public, private = session.generate_pair(GENERATE, {Attribute.EC_PARAMS: keys.X25519}, {Attribute.DERIVE: True})
    encoded = aes_key_unwrap_with_padding(wrapping_value, session.wrap(how, wrapping, private))
    outside = serialization.load_der_private_key(encoded, None)
    assert isinstance(outside, X25519PrivateKey)
    assert keys.octets(raw(outside.public_key())) == session.attribute(public, Attribute.EC_POINT)
    stranger = X25519PrivateKey.generate()
    der = stranger.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    template = {
        Attribute.CLASS: keys.CKO_PRIVATE_KEY,
        Attribute.KEY_TYPE: keys.CKK_EC_MONTGOMERY,
        Attribute.DERIVE: True,
    }
    wrapped = aes_key_wrap_with_padding(wrapping_value, der)
    inside = session.unwrap(how, wrapping, wrapped, template)
    derived = session.derive(ecdh(raw(outside.public_key())), inside, keys.new_secret())
    assert keys.is_secret(session, derived, stranger.exchange(outside.public_key()))
    for kind in (keys.CKK_EC_EDWARDS, keys.CKK_EC):
        other = {**template, Attribute.KEY_TYPE: kind}
        if kind == keys.CKK_EC_EDWARDS:
            del other[Attribute.DERIVE]
        assert refusal(lambda other=other: session.unwrap(how, wrapping, wrapped, other)) == 0x110


def test_what_is_no_x25519_key_is_refused(session):
    private = session.create(keys.x25519_private(os.urandom(32)))
    public, _ = session.generate_pair(GENERATE, {Attribute.EC_PARAMS: keys.X25519}, {Attribute.DERIVE: True})
    derive = session.derive
    assert refusal(lambda: session.create(keys.x25519_private(os.urandom(31)))) == 0x13
    assert refusal(lambda: session.create({**keys.x25519_private(bytes(32)), Attribute.EC_PARAMS: P256})) == 0x140
    assert refusal(lambda: session.generate_pair(GENERATE, {Attribute.EC_PARAMS: keys.ED25519}, {})) == 0x140
    for params, code in ((X448, 0x140), (b"\x13\x08curve448", 0x140), (X448[:-1], 0x130), (b"", 0x130)):
        wrong = {Attribute.EC_PARAMS: params}
        assert refusal(lambda wrong=wrong: session.generate_pair(GENERATE, wrong, {})) == code
        other = {**keys.x25519_private(bytes(32)), **wrong}
        assert refusal(lambda other=other: session.create(other)) == code
    assert refusal(lambda: session.generate_pair(GENERATE, {}, {})) == 0xD0
    assert refusal(lambda: derive(ecdh(bytes(32)), private, keys.new_secret())) == 0x71
    assert refusal(lambda: derive(ecdh(os.urandom(31)), private, keys.new_secret())) == 0x71
    assert refusal(lambda: derive(ecdh(b"\x04" + os.urandom(64)), private, keys.new_secret())) == 0x71
    assert refusal(lambda: derive(ecdh(os.urandom(32)), private, keys.new_secret(33))) == 0x62
    assert refusal(lambda: derive(ecdh(os.urandom(32)), public, keys.new_secret())) in {0x63, 0x68}
    signing = {Attribute.EC_PARAMS: keys.X25519}, {Attribute.SIGN: True}
    assert refusal(lambda: session.generate_pair(GENERATE, *signing)) == 0xD1
    assert refusal(lambda: session.sign(private, b"data", mechanism(Mechanism.EDDSA))) in {0x63, 0x68}


def test_mode_fips_has_no_x25519(fips_session):
    private = fips_session.create(keys.x25519_private(os.urandom(32)))
    assert refusal(lambda: fips_session.generate_pair(GENERATE, {Attribute.EC_PARAMS: keys.X25519}, {})) == 0x70
    point, template = raw(X25519PrivateKey.generate().public_key()), keys.new_secret(32)
    assert refusal(lambda: fips_session.derive(ecdh(point, X963["SHA256"]), private, template)) == 0x70


def test_the_vectors_of_rfc_8032_hold(session):
    for seed, message, context, signature in RFC_8032:
        key = session.create(keys.ed25519_private(bytes.fromhex(seed)))
        assert session.sign(key, bytes.fromhex(message), eddsa(context)) == bytes.fromhex(signature)
    seed, signature = RFC_8032_HASHED
    key = session.create(keys.ed25519_private(bytes.fromhex(seed)))
    assert session.sign(key, b"abc", eddsa(is_hashed=True)) == bytes.fromhex(signature)


@pytest.mark.parametrize("context", [b"", b"context", bytes(255)], ids=["empty", "short", "longest"])
@pytest.mark.parametrize("is_hashed", [False, True], ids=["plain", "hashed"])
def test_edwards_signatures_with_context_and_hash_go_both_ways(session, context, is_hashed):
    seed = os.urandom(32)
    private = session.create(keys.ed25519_private(seed))
    point = ed25519_reference.public_key(seed)
    public = session.create(keys.ed25519_public(point))
    # A parameter without a context and without a hash is Ed25519ctx with an empty context, which is refused.
    pure = not (context or is_hashed)
    how = mechanism(Mechanism.EDDSA) if pure else eddsa(context, is_hashed=is_hashed)
    message = MESSAGE if is_hashed else MESSAGE[:1000]
    theirs_context = context if context or is_hashed else None
    ours = session.sign(private, message, how)
    assert ours == ed25519_reference.sign(seed, message, theirs_context, is_hashed=is_hashed)
    assert ed25519_reference.verifies(point, message, ours, theirs_context, is_hashed=is_hashed)
    assert session.verifies(how, public, message, ours)
    assert not session.verifies(how, public, message + b"x", ours)
    other_context = eddsa(context[:-1] + b"x", is_hashed=is_hashed)
    assert not session.verifies(other_context, public, message, ours)
    other_way = eddsa(context, is_hashed=not is_hashed) if context or not is_hashed else mechanism(Mechanism.EDDSA)
    assert not session.verifies(other_way, public, message, ours)
    assert not session.verifies(how, public, message, ours[:-1])
    if is_hashed:
        assert session.sign_in_parts(how, private, [message[:1], message[1:70_000], message[70_000:]]) == ours
    else:
        assert session.sign_in_parts(how, private, [message[:1], message[1:]]) == ours


def test_wrong_parameters_of_eddsa_are_refused(session):
    private = session.create(keys.ed25519_private(os.urandom(32)))
    assert refusal(lambda: session.sign(private, b"data", eddsa(bytes(256)))) == 0x71
    assert refusal(lambda: session.sign(private, b"data", eddsa(b""))) == 0x71
    assert refusal(lambda: session.sign(private, b"data", mechanism(Mechanism.EDDSA, b"\x01"))) == 0x71
