"""SHA-3, X25519, Ed25519 and Ed25519ph through the SDK and the command line, against pyca/cryptography and RFC 8032."""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, utils, x25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.x963kdf import X963KDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from installed import crypto_user

from strongroom.cli.cloudhsm.main import run
from strongroom.cli.cloudhsm.terminal import Terminal
from strongroom.client import Cluster, Hash, HsmAesKey, HsmGenericSecret, Refused, ReturnCode, Session, Usage, connect

pytestmark = pytest.mark.cluster

SHA3 = [hashes.SHA3_224(), hashes.SHA3_256(), hashes.SHA3_384(), hashes.SHA3_512()]
DERIVE = {"usage": [Usage.DERIVE], "persistent": False}
# RFC 8032 section 7.3.
SEED = bytes.fromhex("833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42")
OF_ABC = (
    "98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae41"
    "31f85042463c2a355a2003d062adf5aaa10b8c61e636062aaad11c2a26083406"
)


def login(environment: Mapping[str, str]) -> Session:
    username, _, password = environment["CLOUDHSM_PIN"].partition(":")
    return connect(environment["STRONGROOM_CONFIG"], username=username, password=password)


@pytest.fixture(scope="module")
def environment(ephemeral_non_fips: Mapping[str, str]) -> Mapping[str, str]:
    return crypto_user(ephemeral_non_fips, "curves")


@pytest.fixture(scope="module")
def session(environment: Mapping[str, str]) -> Iterator[Session]:
    with login(environment) as logged_in:
        yield logged_in


@pytest.fixture(scope="module")
def fips(ephemeral: Mapping[str, str]) -> Iterator[Session]:
    with login(ephemeral) as logged_in:
        yield logged_in


class Recorder(Terminal):
    """Keeps the answer."""

    def write(self, text: str) -> None:
        self.answer = json.loads(text)


def answer_of(environment: Mapping[str, str], line: str) -> tuple[int, Any]:
    """Exit status and answer of the command line, in this process."""
    terminal = Recorder()
    open_cluster = lambda *_: Cluster.open(environment["STRONGROOM_CONFIG"])  # noqa: E731
    return run(line.split(), environment, terminal, open_cluster), terminal.answer


def cli(environment: Mapping[str, str], line: str) -> Any:
    status, answer = answer_of(environment, line)
    assert (status, answer["error_code"]) == (0, 0), answer
    return answer["data"]


# -- SHA-3 ------------------------------------------------------------------------------------------------------------
def test_signatures_over_sha3_are_right_in_a_cluster_of_mode_fips(fips: Session):
    rsa_pair = fips.keys.generate_rsa(2048, label="sha3", persistent=False)
    ec_pair = fips.keys.generate_ec(label="sha3", persistent=False)
    for algorithm in SHA3:
        for scheme in (padding.PKCS1v15(), padding.PSS(padding.MGF1(algorithm), algorithm.digest_size)):
            signature = rsa_pair.private.sign(b"data", scheme, algorithm)
            rsa_pair.public.local().verify(signature, b"data", scheme, algorithm)
            rsa_pair.public.verify(signature, b"data", scheme, algorithm)
        signature = ec_pair.private.sign(b"data", ec.ECDSA(algorithm))
        ec_pair.public.local().verify(signature, b"data", ec.ECDSA(algorithm))


def test_hmac_over_sha3_is_that_of_pyca(fips: Session):
    key = fips.keys.import_generic_secret(bytes(range(32)), label="sha3", persistent=False)
    for name, algorithm in zip((Hash.SHA3_224, Hash.SHA3_256, Hash.SHA3_384, Hash.SHA3_512), SHA3, strict=True):
        local = hmac.HMAC(bytes(range(32)), algorithm)
        local.update(b"data")
        assert key.mac(b"data", name) == local.finalize()


def test_the_command_line_signs_over_sha3(environment: Mapping[str, str]):
    line = "key generate-asymmetric-pair ec --curve secp384r1 --public-label sha3 --private-label sha3"
    cli(environment, f"{line} --public-attributes verify=true --private-attributes sign=true")
    common = "--key-filter attr.label=sha3 attr.class={} --hash-function sha3-384 --data YWJj"
    signature = cli(environment, "crypto sign ecdsa " + common.format("private-key"))["signature"]
    cli(environment, f"crypto verify ecdsa {common.format('public-key')} --signature {signature}")
    exported = cli(environment, "key export-public --filter attr.label=sha3 attr.class=public-key")["public-key"]
    public = load_pem_public_key(exported.encode())
    assert isinstance(public, ec.EllipticCurvePublicKey)
    raw = base64.b64decode(signature)
    encoded = utils.encode_dss_signature(int.from_bytes(raw[:48]), int.from_bytes(raw[48:]))
    public.verify(encoded, b"abc", ec.ECDSA(hashes.SHA3_384()))


# -- keys that agree --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", ["x25519", "p256"])
def test_both_sides_of_an_agreement_have_one_key(session: Session, kind: str):
    pair: Any
    stranger: Any
    if kind == "x25519":
        pair, stranger = session.keys.generate_x25519(label="agree", **DERIVE), x25519.X25519PrivateKey.generate()
        shared = stranger.exchange(pair.private.public_key())
    else:
        pair = session.keys.generate_ec(label="agree", **DERIVE)
        stranger = ec.generate_private_key(ec.SECP256R1())
        shared = stranger.exchange(ec.ECDH(), pair.private.public_key())
    key = pair.private.derive(stranger.public_key(), label="agreed", info=b"for a test", persistent=False)
    assert isinstance(key, HsmAesKey)
    local = X963KDF(hashes.SHA256(), 32, b"for a test").derive(shared)
    sealed = key.encrypt(b"secret", b"bound")
    assert AESGCM(local).decrypt(sealed[:12], sealed[12:], b"bound") == b"secret"
    other = pair.private.derive(stranger.public_key(), label="agreed", info=b"for another", persistent=False)
    assert other.encrypt(b"") != sealed
    with pytest.raises(ValueError, match="whole bytes"):
        pair.private.derive(stranger.public_key(), bits=129, label="agreed")


def test_a_generic_secret_is_agreed_on_with_sha3(session: Session):
    pair, stranger = session.keys.generate_x25519(label="agree", **DERIVE), x25519.X25519PrivateKey.generate()
    key_type = session.keys.import_generic_secret(bytes(32), label="agree", persistent=False).key_type
    assert key_type is not None
    key = pair.private.derive(
        stranger.public_key(), key_type, 512, label="agreed", hash=Hash.SHA3_256, persistent=False
    )
    assert isinstance(key, HsmGenericSecret)
    shared = stranger.exchange(pair.private.public_key())
    local = hmac.HMAC(X963KDF(hashes.SHA3_256(), 64, b"").derive(shared), hashes.SHA256())
    local.update(b"data")
    assert key.mac(b"data") == local.finalize()


def test_an_x25519_key_is_found_imported_and_refused_where_it_cannot_be(session: Session, fips: Session):
    local, stranger = x25519.X25519PrivateKey.generate(), x25519.X25519PrivateKey.generate()
    session.keys.import_private_key(local, label="brought", **DERIVE)
    session.keys.import_public_key(local.public_key(), label="brought", persistent=False)
    private = session.keys.private_key(label="brought")
    public = session.keys.public_key(label="brought")
    assert private.public_key() == public == local.public_key()
    key = private.derive(stranger.public_key(), label="agreed", persistent=False)
    assert isinstance(key, HsmAesKey)
    sealed = key.encrypt(b"secret")
    derived = X963KDF(hashes.SHA256(), 32, b"").derive(stranger.exchange(local.public_key()))
    assert AESGCM(derived).decrypt(sealed[:12], sealed[12:], None) == b"secret"
    with pytest.raises(Refused) as refusal:
        fips.keys.generate_x25519(label="refused")
    assert refusal.value.code is ReturnCode.MECHANISM_INVALID
    with pytest.raises(Refused):
        session.keys.generate_x25519(label="no use", persistent=False, usage=[]).private.derive(
            stranger.public_key(), label="agreed"
        )


def test_the_command_line_makes_and_imports_x25519_keys(environment: Mapping[str, str], tmp_path: Path):
    line = "key generate-asymmetric-pair ec --curve x25519 --public-label x --private-label x"
    made = cli(environment, f"{line} --private-attributes derive=true")
    attributes = made["private_key"]["attributes"]
    assert (attributes["key-type"], attributes["curve"], attributes["derive"]) == ("ec-montgomery", "x25519", True)
    pem = x25519.X25519PrivateKey.generate().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "x.pem").write_bytes(pem)
    cli(environment, f"key import pem --path {tmp_path / 'x.pem'} --label x2 --key-type-class ec-montgomery-public")
    assert cli(environment, "key export-public --filter attr.label=x2")["public-key"] == pem.decode()


# -- Ed25519 ----------------------------------------------------------------------------------------------------------
def test_the_command_line_signs_with_ed25519_and_ed25519ph(session: Session, environment: Mapping[str, str]):
    local = ed25519.Ed25519PrivateKey.from_private_bytes(SEED)
    session.keys.import_private_key(local, label="ed")
    session.keys.import_public_key(local.public_key(), label="ed")
    data = base64.b64encode(b"abc").decode()
    private, public = (
        f"--key-filter attr.label=ed attr.class={half}-key --data {data}" for half in ("private", "public")
    )
    pure = cli(environment, f"crypto sign ed25519 {private}")["signature"]
    assert base64.b64decode(pure) == local.sign(b"abc")
    prehashed = cli(environment, f"crypto sign ed25519ph {private} --hash-function sha512")["signature"]
    assert base64.b64decode(prehashed).hex() == OF_ABC
    good = {"message": "Signature verified successfully"}
    assert cli(environment, f"crypto verify ed25519 {public} --signature {pure}") == good
    assert cli(environment, f"crypto verify ed25519ph {public} --signature {prehashed} --hash-function sha512") == good
    for name, signature, options in (
        ("ed25519", prehashed, ""),
        ("ed25519ph", pure, " --hash-function sha512"),
    ):
        line = f"crypto verify {name} {public} --signature {signature}{options}"
        assert answer_of(environment, line) == (1, {"error_code": 1, "data": "Signature verification failed"})


def test_shared_users_use_a_key_as_soon_as_it_is_made(session: Session, ephemeral_non_fips: Mapping[str, str]):
    numbers = itertools.count()
    with login(crypto_user(ephemeral_non_fips, "curves_friend")) as friend:
        made = session.keys.generate_aes(label=f"friends-{next(numbers)}", shared_users=["Curves_Friend"])
        theirs = friend.keys.aes_key(label=made.label)
        assert made.decrypt(theirs.encrypt(b"secret")) == b"secret"
        assert made.shared_users == ("curves_friend",)
        pair = session.keys.generate_ec(label=f"friends-{next(numbers)}", shared_users=["curves_friend"])
        signature = friend.keys.get(label=pair.private.label).sign(b"data", ec.ECDSA(hashes.SHA256()))  # type: ignore[attr-defined]
        pair.public.local().verify(signature, b"data", ec.ECDSA(hashes.SHA256()))
        with pytest.raises(Refused, match="no crypto-user nobody"):
            session.keys.generate_aes(label="lonely", shared_users=["nobody"])
        assert list(session.keys.find(label="lonely")) == []
