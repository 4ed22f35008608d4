"""The second factor through the front doors: SDK, command line, PKCS #11 and bare frames, signed by other programs."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from frames import Peer
from frames import Refused as FrameRefused
from one_cluster import OneCluster
from programs import Workshop

from strongroom.client import LoginFailed, NotPermitted, Refused, ReturnCode, Role, Session, connect
from strongroom.vocabulary.operations import Operation

pytestmark = pytest.mark.cluster

PASSWORD = "a-password"
WRONG = (
    "the user name, the role, the password or the signature is wrong, or the token was used or has run out after "
    "10 minutes"
)


def signer(key: rsa.RSAPrivateKey) -> Callable[[bytes], bytes]:
    return lambda digest: key.sign(digest, PKCS1v15(), Prehashed(SHA256()))


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture(scope="module")
def config(ephemeral: Mapping[str, str]) -> str:
    return ephemeral["STRONGROOM_CONFIG"]


@pytest.fixture(scope="module")
def admin(ephemeral: Mapping[str, str]) -> Iterator[Session]:
    username, _, password = ephemeral["STRONGROOM_ADMIN_PIN"].partition(":")
    with connect(ephemeral["STRONGROOM_CONFIG"], username=username, password=password, role=Role.ADMIN) as session:
        yield session


@pytest.fixture(scope="module")
def frida(admin: Session, key: rsa.RSAPrivateKey) -> str:
    """A crypto-user with a second factor."""
    admin.users.create("frida", password=PASSWORD)
    admin.users.register_mfa("frida", password=PASSWORD, public_key=key.public_key(), sign_token=signer(key))
    return "frida"


def test_a_login_is_signed_by_openssl_or_by_pyca(
    config: str, frida: str, key: rsa.RSAPrivateKey, tmp_path: Path
) -> None:
    file = tmp_path / "officer.key"
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))

    def openssl(digest: bytes) -> bytes:
        command = ["openssl", "pkeyutl", "-sign", "-inkey", str(file), "-pkeyopt", "digest:sha256", "-keyform", "PEM"]
        return subprocess.run(command, input=digest, capture_output=True, check=True, timeout=20).stdout

    for sign in (openssl, signer(key)):
        with connect(config, username=frida, password=PASSWORD, sign_token=sign) as session:
            assert session.keys.generate_aes(label="hers", persistent=False).owner == frida


def test_a_wrong_factor_is_answered_as_a_wrong_password(config: str, frida: str, key: rsa.RSAPrivateKey) -> None:
    other = rsa.generate_private_key(65537, 2048)
    attempts: list[tuple[str, str, Callable[[bytes], bytes]]] = [
        (frida, "another-password", signer(key)),
        (frida, PASSWORD, signer(other)),
        (frida, PASSWORD, lambda _digest: b""),
        ("nobody_at_all", PASSWORD, signer(key)),
    ]
    for username, password, sign in attempts:
        with pytest.raises(LoginFailed) as refused:
            connect(config, username=username, password=password, sign_token=sign)
        assert str(refused.value) == WRONG
    with connect(config, username=frida, password=PASSWORD, sign_token=signer(key)):
        pass


def test_without_a_token_nobody_gets_in(ephemeral: Mapping[str, str], config: str, frida: str, tmp_path: Path) -> None:
    for password in (PASSWORD, "another-password"):
        with pytest.raises(Refused, match="frida has a second factor") as refused:
            connect(config, username=frida, password=password)
        assert refused.value.code is ReturnCode.FUNCTION_FAILED
        workshop = Workshop({**ephemeral, "CLOUDHSM_PIN": f"{frida}:{password}"}, tmp_path)
        command = (
            "pkcs11-tool",
            "--module",
            ephemeral["STRONGROOM_PKCS11_MODULE"],
            "--login",
            "--pin",
            "env:CLOUDHSM_PIN",
        )
        assert "CKR_FUNCTION_FAILED" in workshop.run(*command, "--list-objects", status=1)
        assert "frida has a second factor" in workshop.run("cloudhsm-cli", "key", "list", status=1)


def test_keys_of_other_types_and_sizes_and_foreign_signatures_are_refused(
    admin: Session, key: rsa.RSAPrivateKey
) -> None:
    admin.users.create("gustav", password=PASSWORD)
    refusals = {
        ReturnCode.KEY_SIZE_RANGE: [rsa.generate_private_key(65537, bits) for bits in (1024, 3072)],
        ReturnCode.KEY_TYPE_INCONSISTENT: [
            ec.generate_private_key(ec.SECP256R1()),
            ed25519.Ed25519PrivateKey.generate(),
        ],
        ReturnCode.SIGNATURE_INVALID: [rsa.generate_private_key(65537, 2048)],
    }
    for code, keys in refusals.items():
        for other in keys:
            with pytest.raises(Refused) as refused:
                admin.users.register_mfa(
                    "gustav", password=PASSWORD, public_key=other.public_key(), sign_token=signer(key)
                )
            assert refused.value.code is code
    assert not {user.username: user for user in admin.users.list()}["gustav"].mfa


def test_a_user_manages_the_own_factor_and_no_other(admin: Session, config: str, key: rsa.RSAPrivateKey) -> None:
    admin.users.create("hilda", password=PASSWORD)
    with connect(config, username="hilda", password=PASSWORD) as hilda:
        with pytest.raises(NotPermitted):
            hilda.users.mfa_token("frida")
        hilda.users.register_mfa("hilda", password=PASSWORD, public_key=key.public_key(), sign_token=signer(key))
        assert hilda.random(8)
        hilda.users.deregister_mfa("hilda", password="b-password")
    with connect(config, username="hilda", password="b-password"):
        pass


# -- two HSMs, and frames by hand -------------------------------------------------------------------------------------
class Attempt:
    """A login with a token, frame by frame."""

    def __init__(self, peer: Peer, key: rsa.RSAPrivateKey, number: int = 0) -> None:
        self.client_key = hashlib.sha256(b"client key %d" % number).digest()
        answer = peer.call(Operation.LOGIN_TOKEN, {1: "alice", 2: 1, 3: self.client_key})
        self.token = bytes(answer[1])
        self.signature = signer(key)(hashlib.sha256(self.token).digest())

    def body(self, **changed: Any) -> dict[int, Any]:
        given = {"client_key": self.client_key, "token": self.token, "signature": self.signature, **changed}
        password = b"alice-password"
        return {1: "alice", 2: 1, 3: password, 4: given["client_key"], 5: given["token"], 6: given["signature"]}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory, key: rsa.RSAPrivateKey) -> Iterator[OneCluster]:
    made = OneCluster(tmp_path_factory.mktemp("mfa"))
    try:
        admin = made.begin("hsm-1", "hsm-2")
        token = admin.call(int(Operation.MFA_TOKEN), {"username": "alice", "role": 1})["token"]
        body = {
            "username": "alice",
            "role": 1,
            "password": "alice-password",
            "public_key": key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
            "token": token,
            "signature": signer(key)(hashlib.sha256(token).digest()),
        }
        admin.call(int(Operation.CHANGE_MFA), body)
        yield made
    finally:
        made.close()


def peer(cluster: OneCluster, hsm_id: str) -> Peer:
    made = Peer(*cluster.listening()[hsm_id])
    made.hello()
    return made


def test_every_hsm_honours_a_registration_when_it_is_acknowledged(cluster: OneCluster) -> None:
    for hsm_id in ("hsm-1", "hsm-2"):
        with peer(cluster, hsm_id) as one, pytest.raises(FrameRefused, match="alice has a second factor"):
            one.login("alice", "alice-password")


def test_a_token_is_of_one_login_and_used_once_on_all_hsms(cluster: OneCluster, key: rsa.RSAPrivateKey) -> None:
    with peer(cluster, "hsm-1") as one, peer(cluster, "hsm-2") as two:
        first, second = Attempt(one, key, 1), Attempt(one, key, 2)
        for body in (
            first.body(token=second.token),
            first.body(client_key=second.client_key),
            first.body(token=second.token, signature=second.signature),
            first.body(token=first.token[:-1]),
            first.body(signature=b""),
        ):
            with pytest.raises(FrameRefused) as refused:
                two.call(Operation.LOGIN_WITH_TOKEN, body)
            assert (refused.value.rv, refused.value.text) == (ReturnCode.PIN_INCORRECT, WRONG)
        two.login_id = two.call(Operation.LOGIN_WITH_TOKEN, first.body())[1]
        two.call(Operation.LOGOUT, {15: bytes(16)})
        two.login_id = 0
        for replayed in (one, two):
            with pytest.raises(FrameRefused, match="the token was used"):
                replayed.call(Operation.LOGIN_WITH_TOKEN, first.body())
        assert one.call(Operation.LOGIN_WITH_TOKEN, second.body())[2] == "alice"
    entries = [entry for entry in cluster.audit("hsm-2") if entry.operation == "login_with_token"]
    assert [entry.response for entry in entries] == [163] * 5 + [0, 163]
    assert {entry.opcode for entry in entries} == {"CN_LOGIN"}


def test_a_token_outlives_the_hsm_that_gave_it(cluster: OneCluster, key: rsa.RSAPrivateKey) -> None:
    with peer(cluster, "hsm-1") as one:
        attempt = Attempt(one, key, 3)
    cluster.kill("hsm-1")
    with peer(cluster, "hsm-2") as two:
        assert two.call(Operation.LOGIN_WITH_TOKEN, attempt.body())[2] == "alice"
    client = cluster.client("hsm-2")
    token = client.login_token("alice", 1)
    signature = signer(key)(hashlib.sha256(token.token).digest())
    assert client.login_with_token("alice", 1, "alice-password", token, signature)["username"] == "alice"
    client.logout()
    with pytest.raises(Exception, match="this token was used"):
        client.login_with_token("alice", 1, "alice-password", token, signature)
