"""``key wrap``, ``key unwrap``, ``key import pem`` and ``key export-public`` against real HSMs.

What comes out is opened by pyca/cryptography and what goes in is made by it: the HSM is never its own witness.
"""

from __future__ import annotations

import base64
import itertools
import json
import os
import shlex
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import GCM
from cryptography.hazmat.primitives.keywrap import (
    aes_key_unwrap,
    aes_key_unwrap_with_padding,
    aes_key_wrap,
    aes_key_wrap_with_padding,
)
from cryptography.hazmat.primitives.padding import PKCS7
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
    load_pem_public_key,
)
from installed import crypto_user

from strongroom.cli.cloudhsm import commands
from strongroom.cli.cloudhsm.click_types import Group
from strongroom.cli.cloudhsm.dispatch import dispatch
from strongroom.cli.cloudhsm.program import Program
from strongroom.cli.cloudhsm.terminal import Terminal
from strongroom.client import Attribute, Cluster, Usage

pytestmark = pytest.mark.cluster

AAD, IV = bytes.fromhex("0badc0de"), bytes(range(12))
OAEP = "--hash-function sha256 --mgf mgf1-sha256"
RSA_KEY = rsa.generate_private_key(65537, 2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())


class Recorder(Terminal):
    """Keeps the last answer."""

    def write(self, text: str) -> None:
        self.answer = json.loads(text)


class Cli:
    """The program in this process, under one login, with real HSMs."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = environment
        self.terminal = Recorder()
        self.program = Program(self.terminal, environment, lambda *_: Cluster.open(environment["STRONGROOM_CONFIG"]))
        self._root = Group("cloudhsm-cli", "", commands.COMMANDS)
        self._numbers = itertools.count()

    @property
    def keys(self) -> Any:
        return self.program.session().keys

    def __call__(self, line: str) -> Any:
        status = dispatch(self.program, self._root, shlex.split(line))
        assert (status, self.terminal.answer["error_code"]) == (0, 0), self.terminal.answer
        return self.terminal.answer["data"]

    def error(self, line: str) -> str:
        status = dispatch(self.program, self._root, shlex.split(line))
        assert (status, self.terminal.answer["error_code"]) == (1, 1), self.terminal.answer
        return str(self.terminal.answer["data"])

    def label(self) -> str:
        return f"key-{next(self._numbers)}"

    def count(self) -> int:
        return int(self("key list --max-items 1")["total_key_count"])

    def wrap(self, mechanism: str, payload: str, under: str, options: str = "") -> tuple[bytes, bytes]:
        """The wrapped key and its IV, if it has one."""
        terms = f"--payload-filter key-reference={payload} --wrapping-filter attr.label={under} {options}"
        data = self(f"key wrap {mechanism} {terms}")
        return base64.b64decode(data["wrapped_key_data"]), bytes.fromhex(data.get("iv", "0x")[2:])

    def unwrap_line(self, mechanism: str, wrapped: bytes, kind: str, under: str, options: str = "") -> str:
        data = base64.b64encode(wrapped).decode()
        return (
            f"key unwrap {mechanism} --filter attr.label={under} attr.class={self._half(mechanism)} --data '{data}' "
            f"--key-type-class {kind} --label {self.label()} {options}"
        )

    def unwrap(self, mechanism: str, wrapped: bytes, kind: str, under: str, options: str = "") -> str:
        """The reference of the new key."""
        return str(self(self.unwrap_line(mechanism, wrapped, kind, under, options))["key"]["key-reference"])

    @staticmethod
    def _half(mechanism: str) -> str:
        return "private-key" if mechanism.startswith("rsa") else "secret-key"


class Outside:
    """Wraps and unwraps with pyca/cryptography; the options are those that the command line needs for the same."""

    def __init__(self, kek: bytes) -> None:
        self.kek = kek
        self.mechanisms: dict[str, tuple[str, str, Callable[..., bytes], Callable[..., bytes]]] = {
            "aes-no-pad": ("", "", self._wrap, self._unwrap),
            "aes-zero-pad": ("", "", self._wrap_padded, self._unwrap_padded),
            "aes-pkcs5-pad": ("", "", self._wrap_pkcs5, self._unwrap_pkcs5),
            "aes-gcm": (self._gcm(128), f" --iv 0x{IV.hex()}", self._seal, self._open),
            "aes-gcm-96": (self._gcm(96), f" --iv 0x{IV.hex()}", self._seal_96, self._open_96),
            "cloudhsm-aes-gcm": (self._gcm(128), "", self._seal_in_front, self._open_in_front),
        }

    @staticmethod
    def _gcm(bits: int) -> str:
        return f"--tag-length-bits {bits} --aad 0x{AAD.hex()}"

    def _wrap(self, key: bytes) -> bytes:
        return aes_key_wrap(self.kek, key)

    def _unwrap(self, wrapped: bytes, _iv: bytes) -> bytes:
        return aes_key_unwrap(self.kek, wrapped)

    def _wrap_padded(self, key: bytes) -> bytes:
        return aes_key_wrap_with_padding(self.kek, key)

    def _unwrap_padded(self, wrapped: bytes, _iv: bytes) -> bytes:
        return aes_key_unwrap_with_padding(self.kek, wrapped)

    def _wrap_pkcs5(self, key: bytes) -> bytes:
        padder = PKCS7(64).padder()
        return aes_key_wrap(self.kek, padder.update(key) + padder.finalize())

    def _unwrap_pkcs5(self, wrapped: bytes, _iv: bytes) -> bytes:
        unpadder = PKCS7(64).unpadder()
        return unpadder.update(aes_key_unwrap(self.kek, wrapped)) + unpadder.finalize()

    def _seal(self, key: bytes) -> bytes:
        return AESGCM(self.kek).encrypt(IV, key, AAD)

    def _open(self, wrapped: bytes, iv: bytes) -> bytes:
        assert len(iv) == 12
        return AESGCM(self.kek).decrypt(iv, wrapped, AAD)

    def _seal_96(self, key: bytes) -> bytes:
        return self._seal(key)[:-4]

    def _open_96(self, wrapped: bytes, iv: bytes) -> bytes:
        decryptor = Cipher(AES(self.kek), GCM(iv, wrapped[-12:], min_tag_length=12)).decryptor()
        decryptor.authenticate_additional_data(AAD)
        return decryptor.update(wrapped[:-12]) + decryptor.finalize()

    def _seal_in_front(self, key: bytes) -> bytes:
        return IV + self._seal(key)

    def _open_in_front(self, wrapped: bytes, iv: bytes) -> bytes:
        assert iv == b""
        return self._open(wrapped[12:], wrapped[:12])


@pytest.fixture(scope="module")
def cli(ephemeral: Mapping[str, str]) -> Iterator[Cli]:
    """A crypto-user of a cluster in Mode FIPS, whose wrapping keys this test knows: ``kek`` and ``rsa``."""
    made = Cli(crypto_user(ephemeral, "in_and_out"))
    yield made
    made.program.close()


@pytest.fixture(scope="module")
def non_fips(ephemeral_non_fips: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cli]:
    """The same in Mode NON_FIPS."""
    made = Cli(crypto_user(ephemeral_non_fips, "in_and_out"))
    with_rsa(made, tmp_path_factory.mktemp("rsa"))
    yield made
    made.program.close()


@pytest.fixture(scope="module")
def outside(cli: Cli) -> Outside:
    kek = os.urandom(32)
    cli.keys.import_aes(kek, label="kek", usage=[Usage.WRAP, Usage.UNWRAP])
    return Outside(kek)


@pytest.fixture(scope="module")
def rsa_cli(cli: Cli, tmp_path_factory: pytest.TempPathFactory) -> Cli:
    with_rsa(cli, tmp_path_factory.mktemp("rsa"))
    return cli


def with_rsa(cli: Cli, directory: Path) -> None:
    path = directory / "rsa.pem"
    path.write_bytes(public_pem(RSA_KEY))
    made = cli(f"key import pem --path {path} --label rsa --key-type-class rsa-public --attributes wrap=true")
    assert made["key"]["attributes"]["modulus"] == f"0x{RSA_KEY.public_key().public_numbers().n:0512x}"
    assert (made["key"]["attributes"]["wrap"], made["key"]["attributes"]["local"]) == (True, False)
    cli.keys.import_private_key(RSA_KEY, label="rsa", usage=[Usage.UNWRAP])


def public_pem(key: Any) -> bytes:
    return bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


def pkcs8(key: Any) -> bytes:
    return bytes(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))


def secret_of(cli: Cli, length: int) -> str:
    """An extractable secret of a length that AES keys do not have."""
    line = f"key generate-symmetric generic-secret --label {cli.label()} --key-length-bytes {length}"
    return str(cli(line)["key"]["key-reference"])


# -- both ways with AES keys ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [16, 32, 24, 800])
@pytest.mark.parametrize(
    "name", ["aes-no-pad", "aes-pkcs5-pad", "aes-zero-pad", "aes-gcm", "aes-gcm-96", "cloudhsm-aes-gcm"]
)
def test_secret_keys_go_in_and_come_out_unchanged(cli: Cli, outside: Outside, name: str, length: int) -> None:
    options, iv_option, wrap, unwrap = outside.mechanisms[name]
    mechanism, kind, key = name.removesuffix("-96"), "generic-secret" if length == 800 else "aes", os.urandom(length)
    reference = cli.unwrap(mechanism, wrap(key), kind, "kek", options + iv_option)
    assert unwrap(*cli.wrap(mechanism, reference, "kek", options)) == key


@pytest.mark.parametrize("name", ["aes-pkcs5-pad", "aes-zero-pad", "aes-gcm", "cloudhsm-aes-gcm"])
def test_a_secret_of_any_length_goes_in_and_comes_out(cli: Cli, outside: Outside, name: str) -> None:
    options, iv_option, wrap, unwrap = outside.mechanisms[name]
    key = os.urandom(23)
    reference = cli.unwrap(name, wrap(key), "generic-secret", "kek", options + iv_option)
    assert unwrap(*cli.wrap(name, reference, "kek", options)) == key


@pytest.mark.parametrize("name", ["aes-pkcs5-pad", "aes-zero-pad", "aes-gcm", "cloudhsm-aes-gcm"])
@pytest.mark.parametrize(("kind", "key"), [("rsa-private", RSA_KEY), ("ec-private", EC_KEY)], ids=["rsa", "ec"])
def test_private_keys_go_in_and_come_out_and_export_their_public_half(
    cli: Cli, outside: Outside, name: str, kind: str, key: Any
) -> None:
    options, iv_option, wrap, unwrap = outside.mechanisms[name]
    reference = cli.unwrap(name, wrap(pkcs8(key)), kind, "kek", options + iv_option)
    assert cli(f"key export-public --filter key-reference={reference}")["public-key"].encode() == public_pem(key)
    found: Any = load_der_private_key(unwrap(*cli.wrap(name, reference, "kek", options)), None)
    assert found.private_numbers() == key.private_numbers()


@pytest.mark.parametrize(
    ("mechanism", "kek", "key", "wrapped"),
    [
        (
            "aes-no-pad",  # RFC 3394 section 4.1
            "000102030405060708090a0b0c0d0e0f",
            "00112233445566778899aabbccddeeff",
            "1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5",
        ),
        (
            "aes-no-pad",  # RFC 3394 section 4.6
            "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
            "00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f",
            "28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21",
        ),
        (
            "aes-zero-pad",  # RFC 5649 section 6
            "5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8",
            "c37b7e6492584340bed12207808941155068f738",
            "138bdeaa9b8fa7fc61f97742e72248ee5ae6ae5360d1ae6a5f54f373fa543b6a",
        ),
        (
            "aes-zero-pad",  # RFC 5649 section 6
            "5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8",
            "466f7250617369",
            "afbeb0f07dfbf5419200f2ccb50bb24f",
        ),
    ],
)
def test_the_examples_of_the_standards(cli: Cli, mechanism: str, kek: str, key: str, wrapped: str) -> None:
    label = cli.label()
    cli.keys.import_aes(bytes.fromhex(kek), label=label, usage=[Usage.WRAP, Usage.UNWRAP])
    payload = cli.keys.import_generic_secret(bytes.fromhex(key), label=cli.label(), extractable=True)
    assert cli.wrap(mechanism, f"0x{payload.reference:x}", label)[0].hex() == wrapped
    reference = cli.unwrap(mechanism, bytes.fromhex(wrapped), "generic-secret", label)
    assert cli.wrap(mechanism, reference, label)[0].hex() == wrapped


# -- both ways with RSA keys ------------------------------------------------------------------------------------------


def oaep(name: str) -> padding.OAEP:
    digest = {"sha1": hashes.SHA1, "sha256": hashes.SHA256, "sha512": hashes.SHA512}[name]()
    return padding.OAEP(padding.MGF1(digest), digest, None)


@pytest.mark.parametrize("name", ["sha1", "sha256", "sha512"])
def test_rsa_oaep_and_pyca_understand_each_other(rsa_cli: Cli, name: str) -> None:
    options, key = f"--hash-function {name} --mgf mgf1-{name}", os.urandom(32)
    reference = rsa_cli.unwrap("rsa-oaep", RSA_KEY.public_key().encrypt(key, oaep(name)), "aes", "rsa", options)
    wrapped, _ = rsa_cli.wrap("rsa-oaep", reference, "rsa attr.class=public-key", options)
    assert RSA_KEY.decrypt(wrapped, oaep(name)) == key


@pytest.mark.parametrize(
    ("kind", "material"),
    [("aes", os.urandom(32)), ("rsa-private", pkcs8(RSA_KEY)), ("ec-private", pkcs8(EC_KEY))],
    ids=["aes", "rsa", "ec"],
)
def test_rsa_aes_and_pyca_understand_each_other(rsa_cli: Cli, kind: str, material: bytes) -> None:
    between = os.urandom(32)
    made_outside = RSA_KEY.public_key().encrypt(between, oaep("sha256")) + aes_key_wrap_with_padding(between, material)
    reference = rsa_cli.unwrap("rsa-aes", made_outside, kind, "rsa", OAEP)
    wrapped, _ = rsa_cli.wrap("rsa-aes", reference, "rsa attr.class=public-key", OAEP)
    found = aes_key_unwrap_with_padding(RSA_KEY.decrypt(wrapped[:256], oaep("sha256")), wrapped[256:])
    if kind == "aes":
        assert found == material
    else:
        keys: list[Any] = [load_der_private_key(one, None) for one in (found, material)]
        assert keys[0].private_numbers() == keys[1].private_numbers()


def test_rsa_pkcs_and_pyca_understand_each_other_outside_fips(non_fips: Cli) -> None:
    key = os.urandom(32)
    reference = non_fips.unwrap("rsa-pkcs", RSA_KEY.public_key().encrypt(key, padding.PKCS1v15()), "aes", "rsa")
    wrapped, _ = non_fips.wrap("rsa-pkcs", reference, "rsa attr.class=public-key")
    assert RSA_KEY.decrypt(wrapped, padding.PKCS1v15()) == key


def test_rsa_pkcs_is_refused_in_fips_with_what_to_use(rsa_cli: Cli) -> None:
    payload = secret_of(rsa_cli, 32)
    line = f"key wrap rsa-pkcs --payload-filter key-reference={payload} --wrapping-filter attr.label=rsa attr.wrap=true"
    assert rsa_cli.error(line).endswith("in a cluster of mode FIPS. Use rsa-oaep or rsa-aes.")
    before = rsa_cli.count()
    wrapped = RSA_KEY.public_key().encrypt(os.urandom(32), padding.PKCS1v15())
    assert rsa_cli.error(rsa_cli.unwrap_line("rsa-pkcs", wrapped, "aes", "rsa")).endswith("Use rsa-oaep or rsa-aes.")
    assert rsa_cli.count() == before


def test_ed25519_keys_go_in_and_come_out_outside_fips(non_fips: Cli, tmp_path: Path) -> None:
    key, kek = ed25519.Ed25519PrivateKey.generate(), os.urandom(32)
    non_fips.keys.import_aes(kek, label="kek", usage=[Usage.WRAP, Usage.UNWRAP])
    wrapped = aes_key_wrap_with_padding(kek, pkcs8(key))
    reference = non_fips.unwrap("aes-zero-pad", wrapped, "ec-edwards-private", "kek")
    found: Any = load_der_private_key(
        aes_key_unwrap_with_padding(kek, non_fips.wrap("aes-zero-pad", reference, "kek")[0]), None
    )
    assert found.private_bytes_raw() == key.private_bytes_raw()
    (tmp_path / "p.pem").write_bytes(public_pem(key))
    made = non_fips(f"key import pem --path {tmp_path / 'p.pem'} --label ed --key-type-class ec-edwards-public")
    line = f"key export-public --filter key-reference={made['key']['key-reference']}"
    assert load_pem_public_key(non_fips(line)["public-key"].encode()) == key.public_key()


# -- what must not be -------------------------------------------------------------------------------------------------


def test_what_was_altered_cut_or_made_otherwise_makes_no_key(cli: Cli, outside: Outside) -> None:
    before = cli.count()
    for name, (options, iv_option, wrap, _) in outside.mechanisms.items():
        mechanism, wrapped = name.removesuffix("-96"), wrap(os.urandom(32))
        for wrong in (wrapped[:-1], wrapped[:-8], wrapped[:4], b"", wrapped + bytes(8), wrapped[:-1] + b"\x00\x01"):
            told = cli.error(cli.unwrap_line(mechanism, wrong, "aes", "kek", options + iv_option))
            assert "Check that the key, the mechanism and its options" in told
        flipped = bytes([wrapped[0] ^ 1]) + wrapped[1:]
        assert "Check that" in cli.error(cli.unwrap_line(mechanism, flipped, "aes", "kek", options + iv_option))
    sealed = AESGCM(outside.kek).encrypt(IV, os.urandom(32), AAD)
    for options in (
        f"--tag-length-bits 128 --iv 0x{IV.hex()}",
        f"--tag-length-bits 128 --iv 0x{IV.hex()} --aad 0x00",
        f"--tag-length-bits 120 --iv 0x{IV.hex()} --aad 0x{AAD.hex()}",
        f"--tag-length-bits 128 --iv 0x{IV.hex()}00 --aad 0x{AAD.hex()}",
    ):
        assert "Check that" in cli.error(cli.unwrap_line("aes-gcm", sealed, "aes", "kek", options))
    assert "needs the IV" in cli.error(
        cli.unwrap_line("aes-gcm", sealed, "aes", "kek", "--tag-length-bits 128 --iv 0x")
    )
    assert cli.count() == before


OTHER_CLASS = "--key-type-class says what was wrapped"


@pytest.mark.parametrize(
    ("material", "kind", "told"),
    [
        (os.urandom(20), "aes", OTHER_CLASS),
        (os.urandom(32), "ec-private", OTHER_CLASS),
        (pkcs8(EC_KEY), "rsa-private", OTHER_CLASS),
        (pkcs8(RSA_KEY), "ec-private", OTHER_CLASS),
        (pkcs8(EC_KEY), "aes", OTHER_CLASS),
        (bytes(801), "generic-secret", "a generic secret has 1 to 800 bytes"),
    ],
    ids=["20 bytes", "no PKCS #8", "EC", "RSA", "a private key", "801 bytes"],
)
def test_what_was_wrapped_must_be_what_the_class_says(
    cli: Cli, outside: Outside, material: bytes, kind: str, told: str
) -> None:
    before, wrapped = cli.count(), aes_key_wrap_with_padding(outside.kek, material)
    assert told in cli.error(cli.unwrap_line("aes-zero-pad", wrapped, kind, "kek"))
    assert cli.count() == before


def test_what_may_not_be_wrapped_stays(rsa_cli: Cli, outside: Outside) -> None:
    cli, terms = rsa_cli, "key generate-symmetric aes --key-length-bytes 32"
    fixed = cli(f"{terms} --label fixed --attributes extractable=false")["key"]["key-reference"]
    bound = cli(f"{terms} --label bound --attributes wrap-with-trusted=true")["key"]["key-reference"]
    plain = cli(f"{terms} --label plain")["key"]["key-reference"]
    odd, private = (
        secret_of(cli, 20),
        cli.unwrap("aes-zero-pad", outside._wrap_padded(pkcs8(RSA_KEY)), "rsa-private", "kek"),
    )
    public = cli("key list --filter attr.label=rsa attr.class=public-key")["matched_keys"][0]["key-reference"]
    under, own = "--wrapping-filter attr.label=kek", "--wrapping-filter attr.label=rsa attr.class=public-key"
    for line, told in (
        (f"aes-zero-pad --payload-filter key-reference={fixed} {under}", "Only a key made with extractable=true"),
        (f"aes-zero-pad --payload-filter key-reference={bound} {under}", "not trusted by an admin"),
        (f"aes-zero-pad --payload-filter key-reference={public} {under}", "only secret and private keys are wrapped"),
        (
            f"aes-no-pad --payload-filter key-reference={odd} {under}",
            "aes-zero-pad and rsa-aes wrap keys of any length",
        ),
        (
            f"aes-zero-pad --payload-filter key-reference={plain} --wrapping-filter attr.label=fixed",
            "--name wrap --value",
        ),
        (f"rsa-oaep {OAEP} --payload-filter key-reference={private} {own}", "rsa-aes wrap keys of any length"),
        (f"rsa-oaep {OAEP} --payload-filter key-reference={plain} {under}", "RSA public keys with the rsa mechanisms"),
        (f"aes-no-pad --payload-filter key-reference={plain} {own}", "AES keys wrap with the aes mechanisms"),
        (
            f"rsa-oaep {OAEP} --payload-filter key-reference={plain} --wrapping-filter attr.label=rsa attr.unwrap=true",
            "public keys verify, encrypt, wrap",
        ),
        (
            f"rsa-oaep --hash-function sha256 --mgf mgf1-sha1 --payload-filter key-reference={plain} {own}",
            "must use the hash",
        ),
    ):
        assert told in cli.error(f"key wrap {line}")
    wrapped = outside._wrap_padded(os.urandom(32))
    assert "--name unwrap --value true" in cli.error(cli.unwrap_line("aes-zero-pad", wrapped, "aes", "plain"))


def test_a_trusted_key_wraps_what_is_bound_to_trusted_keys(cli: Cli, ephemeral: Mapping[str, str]) -> None:
    payload, trusted = cli.label(), cli.label()
    line = "key generate-symmetric aes --key-length-bytes 32"
    cli(f"{line} --label {payload} --attributes wrap-with-trusted=true")
    cli(f"{line} --label {trusted} --attributes wrap=true")
    wrap = f"key wrap aes-zero-pad --payload-filter attr.label={payload} --wrapping-filter attr.label={trusted}"
    assert "not trusted by an admin" in cli.error(wrap)
    admin = Cli({**ephemeral, "CLOUDHSM_ROLE": "admin", "CLOUDHSM_PIN": ephemeral["STRONGROOM_ADMIN_PIN"]})
    admin(f"key set-attribute --filter attr.label={trusted} --name trusted --value true")
    assert len(base64.b64decode(cli(wrap)["wrapped_key_data"])) == 40
    # An admin has no keys, and wraps none.
    told = admin.error(wrap)
    admin.program.close()
    assert told == (
        "this operation needs the role crypto-user; you are logged in as admin. "
        "Keys are crypto-users': log in as the one who owns them."
    )


def test_another_user_neither_wraps_nor_unwraps_with_keys_that_are_not_theirs(
    cli: Cli, outside: Outside, ephemeral: Mapping[str, str]
) -> None:
    payload = secret_of(cli, 32)
    other = Cli(crypto_user(ephemeral, "in_and_out_other"))
    line = f"key wrap aes-zero-pad --payload-filter key-reference={payload} --wrapping-filter attr.label=kek"
    assert other.error(line).startswith(f"No key matches the filter key-reference={payload};")
    wrapped = outside._wrap_padded(os.urandom(32))
    assert "No key matches" in other.error(other.unwrap_line("aes-zero-pad", wrapped, "aes", "kek"))
    assert "No key matches" in other.error(f"key export-public --filter key-reference={payload}")
    other.program.close()


def test_an_unwrap_template_decides_what_nobody_says_and_a_conflict_fails(cli: Cli) -> None:
    kek, label = os.urandom(32), cli.label()
    demanded = {Attribute.EXTRACTABLE: False, Attribute.SIGN: False}
    options = {"usage": [Usage.UNWRAP], "attributes": {Attribute.UNWRAP_TEMPLATE: demanded}}
    cli.keys.import_aes(kek, label=label, **options)
    wrapped = aes_key_wrap_with_padding(kek, os.urandom(32))
    made = cli(cli.unwrap_line("aes-zero-pad", wrapped, "aes", label))["key"]["attributes"]
    assert (made["extractable"], made["sign"], made["verify"], made["local"]) == (False, False, True, False)
    line = cli.unwrap_line("aes-zero-pad", wrapped, "aes", label, "--attributes extractable=true")
    assert "CKA_UNWRAP_TEMPLATE" in cli.error(line)


def test_a_session_key_is_unwrapped_for_this_login_only(cli: Cli, outside: Outside) -> None:
    line = cli.unwrap_line("aes-zero-pad", outside._wrap_padded(bytes(32)), "aes", "kek", "--session")
    made = cli(line)["key"]
    assert made["attributes"]["token"] is False
    assert cli(f"key list --filter key-reference={made['key-reference']}")["total_key_count"] == 1


def test_programs_that_unwrap_the_same_at_once_make_a_key_each(cli: Cli, outside: Outside) -> None:
    line = shlex.split(cli.unwrap_line("aes-zero-pad", outside._wrap_padded(os.urandom(32)), "aes", "kek"))
    running = [
        subprocess.Popen(["cloudhsm-cli", *line], env=dict(cli.environment), stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    keys = [json.loads(process.communicate(timeout=60)[0])["data"]["key"] for process in running]
    assert len({key["key-reference"] for key in keys}) == 3
    assert len({key["attributes"]["check-value"] for key in keys}) == 1


def test_an_rsa_public_key_of_a_size_that_hsms_do_not_have_is_refused(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "p.pem").write_bytes(public_pem(rsa.generate_private_key(65537, 2100)))
    before = cli.count()
    told = cli.error(f"key import pem --path {tmp_path / 'p.pem'} --label small --key-type-class rsa-public")
    assert "2048" in told
    assert cli.count() == before
