"""Keys of one HMAC, and HMACs that are cut off, compared with pyca/cryptography; the profile ``aws`` has neither."""

from __future__ import annotations

import os

import pytest
import vector_keys as keys
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.hmac import HMAC
from cryptoki import refusal
from cryptoki_mechanisms import hkdf, mac_general, mechanism, pbkdf2

from strongroom.vocabulary.attributes import Attribute
from strongroom.vocabulary.mechanisms import Mechanism

pytestmark = pytest.mark.cluster
CKR_ATTRIBUTE_VALUE_INVALID, CKR_KEY_TYPE_INCONSISTENT, CKR_MECHANISM_INVALID = 0x13, 0x63, 0x70
CKR_KEY_FUNCTION_NOT_PERMITTED, CKR_MECHANISM_PARAM_INVALID, CKR_TEMPLATE_INCONSISTENT = 0x68, 0x71, 0xD1
OF_AWS = 2
CKK_SHA256_HMAC, CKK_SHA512_HMAC = 0x2B, 0x2D
TYPES = {
    0x28: (Mechanism.SHA_1_KEY_GEN, Mechanism.SHA_1_HMAC, hashes.SHA1()),
    0x2E: (Mechanism.SHA224_KEY_GEN, Mechanism.SHA224_HMAC, hashes.SHA224()),
    CKK_SHA256_HMAC: (Mechanism.SHA256_KEY_GEN, Mechanism.SHA256_HMAC, hashes.SHA256()),
    0x2C: (Mechanism.SHA384_KEY_GEN, Mechanism.SHA384_HMAC, hashes.SHA384()),
    CKK_SHA512_HMAC: (Mechanism.SHA512_KEY_GEN, Mechanism.SHA512_HMAC, hashes.SHA512()),
    0x36: (Mechanism.SHA3_224_KEY_GEN, Mechanism.SHA3_224_HMAC, hashes.SHA3_224()),
    0x37: (Mechanism.SHA3_256_KEY_GEN, Mechanism.SHA3_256_HMAC, hashes.SHA3_256()),
    0x38: (Mechanism.SHA3_384_KEY_GEN, Mechanism.SHA3_384_HMAC, hashes.SHA3_384()),
    0x39: (Mechanism.SHA3_512_KEY_GEN, Mechanism.SHA3_512_HMAC, hashes.SHA3_512()),
}
"""By type: what generates it, its HMAC, and the hash."""


def of_type(key_type: int, value: bytes | None = None) -> keys.Template:
    template = {Attribute.CLASS: keys.CKO_SECRET_KEY, Attribute.KEY_TYPE: key_type, Attribute.SIGN: True}
    return template if value is None else {**template, Attribute.VALUE: value, Attribute.VERIFY: True}


def hmac(value: bytes, hash_: hashes.HashAlgorithm, data: bytes) -> bytes:
    theirs = HMAC(value, hash_)
    theirs.update(data)
    return theirs.finalize()


@pytest.mark.parametrize("key_type", TYPES, ids=lambda number: TYPES[number][1].name)
def test_a_key_makes_the_macs_of_others_and_no_mac_of_another_hash(session, key_type):
    _, kind, hash_ = TYPES[key_type]
    value, data = os.urandom(40), os.urandom(5000)
    key = session.create(of_type(key_type, value))
    mac = hmac(value, hash_, data)
    assert session.sign(key, data, mechanism(kind)) == mac
    assert session.sign_in_parts(mechanism(kind), key, [data[:7], data[7:]]) == mac
    assert session.verifies(mechanism(kind), key, data, mac)
    assert not session.verifies(mechanism(kind), key, data + b"x", mac)
    for other in {row[1] for row in TYPES.values()} - {kind}:
        assert refusal(lambda other=other: session.sign(key, data, mechanism(other))) == CKR_KEY_TYPE_INCONSISTENT
        verify = lambda other=other: session.verifies(mechanism(other), key, data, mac)  # noqa: E731
        assert refusal(verify) == CKR_KEY_TYPE_INCONSISTENT
    assert session.find({Attribute.KEY_TYPE: key_type, Attribute.TOKEN: False}) == [key]
    session.destroy(key)


@pytest.mark.parametrize("key_type", TYPES, ids=lambda number: TYPES[number][1].name)
def test_a_mac_is_cut_to_the_length_that_is_asked_for(session, fips_session, key_type):
    _, kind, hash_ = TYPES[key_type]
    general = Mechanism[f"{kind.name}_GENERAL"]
    value, data = os.urandom(40), os.urandom(300)
    mac = hmac(value, hash_, data)
    for ours in (session, fips_session):
        for template in (of_type(key_type, value), keys.secret(value)):
            key = ours.create(template)
            for length in (4, 10, len(mac) - 1, len(mac)):
                cut = mac_general(general, length)
                assert ours.sign(key, data, cut) == mac[:length]
                assert ours.sign_in_parts(cut, key, [data[:9], data[9:]]) == mac[:length]
                assert ours.verifies(cut, key, data, mac[:length])
                assert not ours.verifies(cut, key, data + b"x", mac[:length])
                assert not ours.verifies(cut, key, data, mac[: length - 1])
            for length in (0, 3, len(mac) + 1, 1 << 61, (1 << 64) - 1):
                how = mac_general(general, length)
                sign = lambda key=key, how=how, ours=ours: ours.sign(key, data, how)  # noqa: E731
                assert refusal(sign) == CKR_MECHANISM_PARAM_INVALID
            for how in (mechanism(general), mechanism(general, b"1234"), mac_general(kind, 8)):
                sign = lambda key=key, how=how, ours=ours: ours.sign(key, data, how)  # noqa: E731
                assert refusal(sign) == CKR_MECHANISM_PARAM_INVALID
            ours.destroy(key)
    aes = session.create(keys.aes(bytes(32)))
    assert refusal(lambda: session.sign(aes, data, mac_general(general, 8))) == CKR_KEY_TYPE_INCONSISTENT
    verifies_only = session.create({**of_type(key_type, value), Attribute.SIGN: False})
    sign = lambda: session.sign(verifies_only, data, mac_general(general, 8))  # noqa: E731
    assert refusal(sign) == CKR_KEY_FUNCTION_NOT_PERMITTED
    bound = session.create({**keys.secret(value), Attribute.ALLOWED_MECHANISMS: int(kind).to_bytes(8, "little")})
    assert session.sign(bound, data, mechanism(kind)) == mac
    assert refusal(lambda: session.sign(bound, data, mac_general(general, 8))) == CKR_MECHANISM_INVALID


@pytest.mark.parametrize("mode", ["non-fips", "fips"])
def test_every_way_to_make_one_makes_one(session, fips_session, mode):
    ours = session if mode == "non-fips" else fips_session
    value = os.urandom(32)
    wrapping = ours.create(keys.aes(bytes(32)))
    base = ours.create(keys.secret(value))
    wrapped = ours.wrap(mechanism(Mechanism.AES_KEY_WRAP), wrapping, ours.create(of_type(CKK_SHA256_HMAC, value)))
    expected = ours.sign(base, b"data", mechanism(Mechanism.SHA512_HMAC))
    length = {Attribute.VALUE_LEN: 32}
    template = {**of_type(CKK_SHA512_HMAC), **length}
    made = [
        ours.generate(mechanism(Mechanism.SHA512_KEY_GEN), length),
        ours.generate(mechanism(Mechanism.GENERIC_SECRET_KEY_GEN), template),
        ours.generate(pbkdf2("SHA256", b"password", bytes(16), 1000), template),
        ours.derive(hkdf("SHA256", None, b""), base, template),
        ours.unwrap(mechanism(Mechanism.AES_KEY_WRAP), wrapping, wrapped, of_type(CKK_SHA512_HMAC)),
    ]
    made.append(ours.copy(made[-1], {}))
    for key in made:
        assert int.from_bytes(ours.attribute(key, Attribute.KEY_TYPE), "little") == CKK_SHA512_HMAC
        assert len(ours.sign(key, b"data", mechanism(Mechanism.SHA512_HMAC))) == 64
        other = mechanism(Mechanism.SHA256_HMAC)
        assert refusal(lambda key=key, other=other: ours.sign(key, b"data", other)) == CKR_KEY_TYPE_INCONSISTENT
    assert ours.sign(made[-1], b"data", mechanism(Mechanism.SHA512_HMAC)) == expected
    base_key = ours.create({**of_type(CKK_SHA512_HMAC, value), Attribute.DERIVE: True})
    derive = lambda: ours.derive(hkdf("SHA256", None, b""), base_key, template)  # noqa: E731
    assert refusal(derive) == CKR_KEY_TYPE_INCONSISTENT
    for key in (*made, base_key, base, wrapping):
        ours.destroy(key)


def test_a_slot_of_the_profile_aws_has_generic_secrets_only(library):
    with library.opened(OF_AWS) as session:
        template, value = {**of_type(CKK_SHA256_HMAC), Attribute.VALUE_LEN: 32}, os.urandom(32)
        generic = mechanism(Mechanism.GENERIC_SECRET_KEY_GEN)
        assert refusal(lambda: session.generate(generic, template)) == CKR_ATTRIBUTE_VALUE_INVALID
        own = mechanism(Mechanism.SHA256_KEY_GEN)
        assert refusal(lambda: session.generate(own, {Attribute.VALUE_LEN: 32})) == CKR_MECHANISM_INVALID
        assert refusal(lambda: session.create(of_type(CKK_SHA256_HMAC, value))) == CKR_TEMPLATE_INCONSISTENT
        wrapping, how = session.create(keys.aes(bytes(32))), mechanism(Mechanism.CLOUDHSM_AES_KEY_WRAP_ZERO_PAD)
        wrapped = session.wrap(how, wrapping, session.create(keys.secret(value)))
        unwrap = lambda: session.unwrap(how, wrapping, wrapped, of_type(CKK_SHA256_HMAC))  # noqa: E731
        assert refusal(unwrap) == CKR_ATTRIBUTE_VALUE_INVALID
        key = session.unwrap(how, wrapping, wrapped, keys.new_secret())
        cut = mac_general(Mechanism.SHA256_HMAC_GENERAL, 16)
        assert refusal(lambda: session.sign(key, b"data", cut)) == CKR_MECHANISM_INVALID
