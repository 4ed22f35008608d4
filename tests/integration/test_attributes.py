"""Attributes as each client has them: defaults, changes, history, check values (aws-cloudhsm 5.2, 5.4, 6.4).

The tables are written from the references, not from tables/object_classes.toml.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.keywrap import aes_key_wrap
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptoki import P256, CryptokiError, Module
from cryptoki import Session as Pkcs11
from cryptoki_mechanisms import hkdf, mechanism
from installed import crypto_user

from strongroom.client import ReturnCode, Session, Usage, connect
from strongroom.vocabulary.attributes import CLI_NAMES, Attribute
from strongroom.vocabulary.mechanisms import Mechanism

pytestmark = pytest.mark.cluster

A = Attribute
SECRET_KEY, AES, GENERIC, RSA, EC = 4, 0x1F, 0x10, 0, 3
Flags = dict[Attribute, bool]


def flags(on: str, off: str) -> Flags:
    """Flags by their names."""
    return {A[name]: value for names, value in ((on, True), (off, False)) for name in names.split()}


# What a key has of which its maker said nothing.
COMMON = "PRIVATE MODIFIABLE DESTROYABLE COPYABLE"
USES = "ENCRYPT DECRYPT WRAP UNWRAP"
PKCS11 = {
    "aes": flags(f"{COMMON} SENSITIVE EXTRACTABLE SIGN VERIFY LOCAL", f"TOKEN {USES} DERIVE TRUSTED WRAP_WITH_TRUSTED"),
    "generic": flags(
        f"{COMMON} SENSITIVE EXTRACTABLE SIGN VERIFY LOCAL", f"TOKEN {USES} DERIVE TRUSTED WRAP_WITH_TRUSTED"
    ),
    "ec public": flags(f"{COMMON} LOCAL", "TOKEN ENCRYPT VERIFY WRAP DERIVE TRUSTED"),
    "ec private": flags(f"{COMMON} SENSITIVE EXTRACTABLE LOCAL", "TOKEN DECRYPT SIGN UNWRAP DERIVE WRAP_WITH_TRUSTED"),
    "rsa public": flags(f"{COMMON} LOCAL", "TOKEN ENCRYPT VERIFY WRAP DERIVE TRUSTED"),
    "rsa private": flags(f"{COMMON} SENSITIVE EXTRACTABLE LOCAL", "TOKEN DECRYPT SIGN UNWRAP DERIVE WRAP_WITH_TRUSTED"),
}
CAME_IN = flags(f"{COMMON} SENSITIVE EXTRACTABLE", f"TOKEN {USES} DERIVE SIGN VERIFY TRUSTED WRAP_WITH_TRUSTED LOCAL")
CLI_COMMON = "token private modifiable destroyable"
CLI = {
    "generate-symmetric aes --key-length-bytes 32": (
        f"{CLI_COMMON} sensitive extractable sign verify local always-sensitive",
        "encrypt decrypt wrap unwrap derive trusted wrap-with-trusted never-extractable",
    ),
    "generate-symmetric generic-secret --key-length-bytes 32": (
        f"{CLI_COMMON} sensitive extractable sign verify local always-sensitive",
        "encrypt decrypt wrap unwrap derive trusted wrap-with-trusted never-extractable",
    ),
    "generate-asymmetric-pair ec --curve secp256r1": (
        f"{CLI_COMMON} sensitive extractable local always-sensitive",
        "encrypt decrypt sign verify wrap unwrap derive trusted wrap-with-trusted never-extractable",
    ),
    "generate-asymmetric-pair rsa --modulus-size-bits 2048 --public-exponent 65537": (
        f"{CLI_COMMON} sensitive extractable local always-sensitive",
        "encrypt decrypt sign verify wrap unwrap derive trusted wrap-with-trusted never-extractable",
    ),
}
SDK = {
    "aes": flags("TOKEN PRIVATE SENSITIVE ENCRYPT DECRYPT", "EXTRACTABLE SIGN VERIFY WRAP UNWRAP DERIVE"),
    "generic": flags("TOKEN PRIVATE SENSITIVE SIGN VERIFY", "EXTRACTABLE DERIVE"),
    "ec private": flags("TOKEN PRIVATE SENSITIVE SIGN", "EXTRACTABLE DERIVE UNWRAP DECRYPT"),
}
# Whether the owner may change it: from true to false, from false to true.
CHANGES = {
    **dict.fromkeys([A[name] for name in f"{USES} SIGN VERIFY DERIVE DESTROYABLE".split()], (True, True)),
    **dict.fromkeys([A.EXTRACTABLE, A.MODIFIABLE, A.COPYABLE], (True, False)),
    **dict.fromkeys([A.SENSITIVE, A.WRAP_WITH_TRUSTED, A.TOKEN], (False, True)),
    **dict.fromkeys([A.PRIVATE, A.TRUSTED, A.LOCAL, A.ALWAYS_SENSITIVE, A.NEVER_EXTRACTABLE], (False, False)),
    **dict.fromkeys([A.WRAPPING_ONLY, A.EVER_COPIED], (False, False)),
}


@pytest.fixture(scope="module")
def user(ephemeral_non_fips: Mapping[str, str]) -> Mapping[str, str]:
    return crypto_user(ephemeral_non_fips, "attributes")


@pytest.fixture(scope="module")
def pkcs11(user: Mapping[str, str]) -> Iterator[Pkcs11]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STRONGROOM_CONFIG", user["STRONGROOM_CONFIG"])
        module = Module(user["STRONGROOM_PKCS11_MODULE"])
    session = module.session()
    session.login(user["CLOUDHSM_PIN"])
    yield session
    module.finalize()


@pytest.fixture(scope="module")
def sdk(user: Mapping[str, str]) -> Iterator[Session]:
    username, _, password = user["CLOUDHSM_PIN"].partition(":")
    with connect(user["STRONGROOM_CONFIG"], username=username, password=password) as session:
        yield session


def shown(session: Pkcs11, handle: int, names: Any) -> Flags:
    return {name: session.attribute(handle, name) == b"\1" for name in names}


def aes(session: Pkcs11, template: Mapping[int, Any] | None = None) -> int:
    return session.generate(mechanism(Mechanism.AES_KEY_GEN), {A.VALUE_LEN: 32, **(template or {})})


def created(session: Pkcs11, value: bytes, template: Mapping[int, Any] | None = None, key_type: int = AES) -> int:
    return session.create({A.CLASS: SECRET_KEY, A.KEY_TYPE: key_type, A.VALUE: value, **(template or {})})


def test_pkcs11_defaults_of_keys_that_are_made(pkcs11: Pkcs11):
    made = {"aes": aes(pkcs11)}
    made["generic"] = pkcs11.generate(mechanism(Mechanism.GENERIC_SECRET_KEY_GEN), {A.VALUE_LEN: 32})
    how = mechanism(Mechanism.EC_KEY_PAIR_GEN)
    made["ec public"], made["ec private"] = pkcs11.generate_pair(how, {A.EC_PARAMS: P256}, {})
    how = mechanism(Mechanism.RSA_PKCS_KEY_PAIR_GEN)
    public = {A.MODULUS_BITS: 2048, A.PUBLIC_EXPONENT: b"\1\0\1"}
    made["rsa public"], made["rsa private"] = pkcs11.generate_pair(how, public, {})
    for kind, expected in PKCS11.items():
        assert shown(pkcs11, made[kind], expected) == expected, kind


def test_pkcs11_defaults_of_keys_that_come_in_or_are_derived(pkcs11: Pkcs11):
    kek = os.urandom(32)
    wrapping = created(pkcs11, kek, {A.UNWRAP: True})
    described = {A.CLASS: SECRET_KEY, A.KEY_TYPE: AES}
    wrapped = aes_key_wrap(kek, os.urandom(32))
    base = created(pkcs11, os.urandom(32), {A.DERIVE: True}, GENERIC)
    for key in (
        created(pkcs11, os.urandom(32)),
        pkcs11.unwrap(mechanism(Mechanism.AES_KEY_WRAP), wrapping, wrapped, described),
        pkcs11.derive(hkdf("SHA256", b"", b""), base, {**described, A.VALUE_LEN: 32}),
    ):
        assert shown(pkcs11, key, CAME_IN) == CAME_IN


@pytest.mark.parametrize("command", CLI)
def test_cli_defaults(user: Mapping[str, str], command: str):
    pair = "asymmetric" in command
    labels = "--public-label cli-p --private-label cli-k" if pair else "--label cli-k"
    line = ["cloudhsm-cli", "key", *shlex.split(f"{command} {labels}")]
    done = subprocess.run(line, env=dict(user), capture_output=True, text=True, timeout=60)
    data = json.loads(done.stdout)["data"]
    on, off = CLI[command]
    expected = dict.fromkeys(on.split(), True) | dict.fromkeys(off.split(), False)
    key = data["private_key" if pair else "key"]["attributes"]
    assert {name: key[name] for name in expected} == expected
    assert key["id"] == "0x"
    if pair:
        public = data["public_key"]["attributes"]
        expected |= dict.fromkeys(["sensitive", "always-sensitive"], False)
        assert {name: public[name] for name in expected} == expected


def test_sdk_defaults(sdk: Session):
    made: dict[str, Any] = {
        "aes": sdk.keys.generate_aes(label="sdk"),
        "generic": sdk.keys.generate_generic_secret(label="sdk"),
        "ec private": sdk.keys.generate_ec(label="sdk").private,
    }
    for kind, expected in SDK.items():
        found = made[kind].attributes
        assert {name: found[name] for name in expected} == expected, kind
        made[kind].destroy()


@pytest.mark.parametrize("attribute", CHANGES, ids=lambda attribute: CLI_NAMES[attribute])
def test_what_the_owner_may_change(pkcs11: Pkcs11, attribute: Attribute):
    falls, rises = CHANGES[attribute]
    for start, allowed in ((True, falls), (False, rises)):
        try:
            key = aes(pkcs11, {attribute: start})
        except CryptokiError as error:
            # It cannot have been said: the key has the value that it has, and keeps it.
            assert (falls, rises) == (False, False)
            assert error.rv in {ReturnCode.ATTRIBUTE_READ_ONLY, ReturnCode.TEMPLATE_INCONSISTENT}
            key = aes(pkcs11)
        before = pkcs11.attribute(key, attribute) == b"\1"
        if allowed:
            pkcs11.change(key, {attribute: not start})
            assert pkcs11.attribute(key, attribute) == bytes([not start])
            continue
        with pytest.raises(CryptokiError) as refusal:
            pkcs11.change(key, {attribute: not before})
        assert refusal.value.rv in {ReturnCode.ATTRIBUTE_READ_ONLY, ReturnCode.ACTION_PROHIBITED}
        assert pkcs11.attribute(key, attribute) == bytes([before])


def test_a_session_key_that_becomes_a_token_key_keeps_its_handle_and_outlives_the_login(pkcs11: Pkcs11, sdk: Session):
    key = aes(pkcs11, {A.LABEL: b"moved", A.ENCRYPT: True, A.EXTRACTABLE: False})
    assert list(sdk.keys.find(label="moved")) == []
    pkcs11.change(key, {A.TOKEN: True, A.ID: b"id"})
    assert (pkcs11.attribute(key, A.TOKEN), pkcs11.attribute(key, A.ID)) == (b"\1", b"id")
    assert pkcs11.attribute(key, A.NEVER_EXTRACTABLE) == b"\1"
    pkcs11.encrypt(mechanism(Mechanism.AES_ECB), key, bytes(16))
    (found,) = sdk.keys.find(label="moved")
    assert found.attributes[A.ID] == b"id"
    assert pkcs11.find({A.LABEL: b"moved"}) == [key]
    pkcs11.destroy(key)
    assert list(sdk.keys.find(label="moved")) == []


def test_history_is_told_of_every_way_that_a_key_may_go(pkcs11: Pkcs11):
    def history(handle: int) -> tuple[bool, ...]:
        return tuple(shown(pkcs11, handle, [A.ALWAYS_SENSITIVE, A.NEVER_EXTRACTABLE, A.LOCAL]).values())

    kept = {A.EXTRACTABLE: False}
    assert history(aes(pkcs11)) == (True, False, True)
    assert history(aes(pkcs11, kept)) == (True, True, True)
    assert history(aes(pkcs11, {A.SENSITIVE: False})) == (False, False, True)
    changed = aes(pkcs11, {A.SENSITIVE: False})
    pkcs11.change(changed, {A.SENSITIVE: True, A.EXTRACTABLE: False})
    assert history(changed) == (False, False, True)
    assert history(created(pkcs11, os.urandom(32), kept)) == (False, False, False)
    kek = os.urandom(32)
    wrapping = created(pkcs11, kek, {A.UNWRAP: True})
    described = {A.CLASS: SECRET_KEY, A.KEY_TYPE: AES, **kept}
    wrapped = aes_key_wrap(kek, os.urandom(32))
    assert history(pkcs11.unwrap(mechanism(Mechanism.AES_KEY_WRAP), wrapping, wrapped, described)) == (False,) * 3
    for base, expected in ((kept, (True, True, False)), ({}, (True, False, False))):
        generic = {A.VALUE_LEN: 32, A.DERIVE: True, **base}
        secret = pkcs11.generate(mechanism(Mechanism.GENERIC_SECRET_KEY_GEN), generic)
        derived = pkcs11.derive(hkdf("SHA256", b"", b""), secret, {**described, A.VALUE_LEN: 32})
        assert history(derived) == expected
    assert history(pkcs11.copy(aes(pkcs11, kept), {})) == (True, True, True)
    assert history(pkcs11.copy(aes(pkcs11), kept)) == (True, False, True)
    assert history(pkcs11.copy(changed, {})) == (False, False, True)


def test_check_values_are_what_others_compute(pkcs11: Pkcs11):
    value = os.urandom(32)
    zeros = Cipher(algorithms.AES(value), modes.ECB()).encryptor().update(bytes(16))  # noqa: S305 (5.4)
    assert pkcs11.attribute(created(pkcs11, value), A.CHECK_VALUE) == zeros[:3]
    with pytest.raises(CryptokiError) as refusal:
        pkcs11.attribute(created(pkcs11, value, key_type=GENERIC), A.CHECK_VALUE)
    assert refusal.value.rv == ReturnCode.ATTRIBUTE_TYPE_INVALID
    public, private = pkcs11.generate_pair(mechanism(Mechanism.EC_KEY_PAIR_GEN), {A.EC_PARAMS: P256}, {})
    point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), pkcs11.attribute(public, A.EC_POINT)[2:])
    digest = hashes.Hash(hashes.SHA1())
    digest.update(point.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    expected = digest.finalize()[:3]
    assert [pkcs11.attribute(handle, A.CHECK_VALUE) for handle in (public, private)] == [expected] * 2


def test_a_copy_by_the_library(pkcs11: Pkcs11, sdk: Session):
    key = aes(pkcs11, {A.TOKEN: True, A.LABEL: b"original", A.ENCRYPT: True})
    copy = pkcs11.copy(key, {A.LABEL: b"the copy", A.EXTRACTABLE: False})
    assert copy != key
    ecb = mechanism(Mechanism.AES_ECB)
    assert pkcs11.encrypt(ecb, copy, bytes(16)) == pkcs11.encrypt(ecb, key, bytes(16))
    (found,) = sdk.keys.find(label="the copy")
    assert (found.is_extractable, found.usage) == (False, frozenset({Usage.ENCRYPT, Usage.SIGN, Usage.VERIFY}))
    for template, rv in (
        ({A.EXTRACTABLE: True}, ReturnCode.ATTRIBUTE_READ_ONLY),
        ({A.VALUE_LEN: 16}, ReturnCode.ATTRIBUTE_READ_ONLY),
        ({A.MODULUS_BITS: 2048}, ReturnCode.ATTRIBUTE_TYPE_INVALID),
        ({A.COPYABLE: b"\1\1"}, ReturnCode.ATTRIBUTE_VALUE_INVALID),
    ):
        with pytest.raises(CryptokiError) as refusal:
            pkcs11.copy(copy, template)
        assert refusal.value.rv == rv
    pkcs11.change(copy, {A.COPYABLE: False})
    for handle, rv in ((copy, ReturnCode.ACTION_PROHIBITED), (0x7777, ReturnCode.OBJECT_HANDLE_INVALID)):
        with pytest.raises(CryptokiError) as refusal:
            pkcs11.copy(handle, {})
        assert refusal.value.rv == rv
    assert len(list(sdk.keys.find(label="the copy"))) == 1
