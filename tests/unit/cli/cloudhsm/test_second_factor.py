"""``login … mfa-token-sign``, ``user change-mfa token-sign``, and the file between them and whoever signs."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from strongroom.cli.cloudhsm.token_file import PUBLIC_KEY, SIGNED
from strongroom.vocabulary.operations import Operation

SIGNATURE = bytes(range(256))
ASKED = "Enter password:"
DIGEST = base64.b64encode(hashlib.sha256(b"token of alice").digest()).decode()


class Signer:
    """Signs when it is asked for the signed file: a person in another window."""

    def __init__(self, cli: Any, directory: Path, *, path: str = "token.json") -> None:
        self.cli, self.token, self.path = cli, directory / "token.json", directory / path
        self.content: str | None = None
        self.unsigned: Any = None

    def answer(self) -> str:
        self.unsigned = json.loads(self.token.read_text())
        (token,) = self.unsigned["tokens"]
        signed = {"version": "2.0", "tokens": [{**token, "signed": base64.b64encode(SIGNATURE).decode()}]}
        self.path.write_text(json.dumps(signed) if self.content is None else self.content)
        return "" if self.path == self.token else str(self.path)


@pytest.fixture
def login(cli: Any, tmp_path: Path) -> Any:
    def run(*lines: Any) -> Any:
        token = tmp_path / "token.json"
        return cli(f"login --username alice --role crypto-user mfa-token-sign --token {token}", ["a-secret", *lines])

    return run


@pytest.mark.parametrize("path", ["token.json", "signed.json"])
def test_a_login_writes_a_token_and_takes_its_signature(cli, login, tmp_path: Path, capsys, path: str) -> None:
    signer = Signer(cli, tmp_path, path=path)
    result = login(signer.answer)
    assert result.data == {"username": "alice", "role": "crypto-user"}
    assert signer.unsigned == {"version": "2.0", "tokens": [{"unsigned": DIGEST, "signed": ""}]}
    assert cli.client.signatures == [SIGNATURE]
    assert result.terminal.prompts == [ASKED]
    assert capsys.readouterr().err == ASKED + SIGNED


def test_a_signature_may_have_line_ends_and_stand_among_other_tokens(cli, login, tmp_path: Path) -> None:
    signer = Signer(cli, tmp_path)
    folded = base64.encodebytes(SIGNATURE).decode()
    tokens = [{"unsigned": "AAAA", "signed": ""}, {"unsigned": DIGEST, "signed": folded, "more": 1}]
    signer.content = json.dumps({"version": "2.0", "tokens": tokens, "signatures": []})
    assert login(signer.answer).status == 0
    assert cli.client.signatures == [SIGNATURE]


def token_file(unsigned: str, signed: str, version: str = "2.0") -> str:
    return json.dumps({"version": version, "tokens": [{"unsigned": unsigned, "signed": signed}]})


OTHER_DIGEST = base64.b64encode(bytes(32)).decode()
WRONG_FILES = {
    "is not signed": token_file(DIGEST, ""),
    "does not have the token that was written just now": token_file(OTHER_DIGEST, base64.b64encode(SIGNATURE).decode()),
    "not the signature of an RSA-2048 key": token_file(DIGEST, base64.b64encode(SIGNATURE[:-1]).decode()),
    "256 bytes in base64": token_file(DIGEST, "*** no base64 ***"),
    "is no token file": token_file(DIGEST, "", version="1.0"),
}


@pytest.mark.parametrize("said", WRONG_FILES)
def test_a_file_without_the_signature_is_refused_before_the_hsm_is_asked(cli, login, tmp_path, said: str) -> None:
    signer = Signer(cli, tmp_path)
    signer.content = WRONG_FILES[said]
    assert said in login(signer.answer).error
    assert cli.client.logged_in == []


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"version":"2.0"}', '{"version":"2.0","tokens":[{}]}', "\x00" * 9, "[" * 99999]
)
def test_a_malformed_token_file_is_refused_in_one_line(cli, login, tmp_path: Path, content: str) -> None:
    signer = Signer(cli, tmp_path)
    signer.content = content
    assert "is no token file" in login(signer.answer).error
    assert cli.client.logged_in == []


def test_files_that_cannot_be_used_are_named(cli, login, tmp_path: Path) -> None:
    assert "missing.json cannot be read: No such file" in login(str(tmp_path / "missing.json")).error
    assert "The input ended where this was asked for" in login().error
    (tmp_path / "token.json").unlink()
    (tmp_path / "token.json").mkdir()
    assert "token.json cannot be read" in login("").error


def test_a_file_that_is_no_token_file_is_not_overwritten(cli, login, tmp_path: Path) -> None:
    precious = tmp_path / "token.json"
    precious.write_text("-----BEGIN PRIVATE KEY-----")
    assert "is there and is no token file" in login("").error
    assert precious.read_text() == "-----BEGIN PRIVATE KEY-----"


@pytest.mark.parametrize("line", ["mfa-token-sign", "--token token.json"])
def test_a_login_names_the_factor_and_the_file_together(cli, line: str) -> None:
    assert "mfa-token-sign --token FILE" in cli(f"login --username alice --role crypto-user {line}", ["x"]).error
    assert cli.client.logged_in == []


def test_another_factor_is_refused_by_name(cli) -> None:
    assert "'totp'" in cli("login --username alice --role crypto-user totp", ["x"]).error


# -- registration ---------------------------------------------------------------------------------------------------
CHANGE = "user change-mfa token-sign --username alice --role crypto-user"


@pytest.fixture
def registering(cli: Any, tmp_path: Path) -> Any:
    cli.client.answers |= {
        Operation.MFA_TOKEN: {"token": b"token of alice", "lifetime_seconds": 600},
        Operation.CHANGE_MFA: {"username": "alice", "role": 1},
    }

    def run(*lines: Any, options: str = "") -> Any:
        return cli(f"{CHANGE} --token {tmp_path / 'token.json'} {options}", lines)

    return run


def pem(key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


KEY = rsa.generate_private_key(65537, 2048)


def test_a_registration_asks_in_the_documented_order(cli, registering, tmp_path: Path, capsys) -> None:
    public = tmp_path / "officer.pub"
    public.write_bytes(pem(KEY.public_key()))
    signer = Signer(cli, tmp_path)
    result = registering("new-secret", "new-secret", signer.answer, str(public))
    assert result.data == {"username": "alice", "role": "crypto-user"}
    assert capsys.readouterr().err == ASKED + "Confirm password:" + SIGNED + PUBLIC_KEY
    (asked,) = cli.client.asked(Operation.CHANGE_MFA)
    assert asked == {
        "username": "alice",
        "role": 1,
        "password": "new-secret",
        "public_key": KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        "token": b"token of alice",
        "signature": SIGNATURE,
    }


def test_a_key_of_another_type_is_for_the_hsm_to_refuse(cli, registering, tmp_path: Path) -> None:
    public = tmp_path / "officer.pub"
    public.write_bytes(pem(ec.generate_private_key(ec.SECP256R1()).public_key()))
    signer = Signer(cli, tmp_path)
    assert registering(signer.answer, str(public), options="--change-password new-secret").status == 0
    assert cli.client.asked(Operation.CHANGE_MFA)[0]["public_key"].startswith(b"\x30")


def test_what_is_no_public_key_is_refused_without_showing_it(cli, registering, tmp_path: Path) -> None:
    private = tmp_path / "officer.key"
    private.write_bytes(KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    for content in (private.read_bytes(), b"", b"no PEM", pem(KEY.public_key())[:-40]):
        private.write_bytes(content)
        refused = registering(Signer(cli, tmp_path).answer, str(private), options="--change-password new-secret").error
        assert "has no public key in PEM format" in refused
    assert cli.client.asked(Operation.CHANGE_MFA) == []


def test_a_factor_is_deregistered_with_a_new_password(cli) -> None:
    cli.client.answers[Operation.CHANGE_MFA] = {"username": "alice", "role": 1}
    assert cli(f"{CHANGE} --deregister", ["new-secret", "new-secret"]).status == 0
    assert cli.client.asked(Operation.CHANGE_MFA) == [{"username": "alice", "role": 1, "password": "new-secret"}]


@pytest.mark.parametrize("options", ["", "--deregister --token token.json"])
def test_one_of_registering_and_deregistering_must_be_asked_for(cli, options: str) -> None:
    assert "either --token FILE" in cli(f"{CHANGE} {options}").error


def test_a_new_password_deregisters_on_demand(cli) -> None:
    cli.client.answers[Operation.CHANGE_PASSWORD] = {"username": "alice", "role": 1}
    change = "user change-password --username alice --role crypto-user --password new-secret"
    assert cli(f"{change} --deregister-mfa").status == 0
    asked = cli.client.asked(Operation.CHANGE_PASSWORD)
    assert asked == [{"username": "alice", "role": 1, "password": "new-secret", "deregister_mfa": True}]
