from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any

import pytest

from strongroom.client import Refused, SignatureInvalid
from strongroom.client.object_kinds import KeyType, ObjectClass
from strongroom.vocabulary.attributes import Attribute
from strongroom.vocabulary.mechanisms import Mechanism
from strongroom.vocabulary.operations import Operation

DATA = "YWJjMTIz"
DIGEST = hashlib.sha256(b"abc123").digest()
SIGN = f"crypto sign ecdsa --key-filter attr.label=k --hash-function sha256 --data {DATA}"
VERIFY = f"crypto verify ecdsa --key-filter attr.label=k --hash-function sha256 --data {DATA} --signature AAEC"
PSS = f"--key-filter attr.label=k --hash-function sha256 --data {DATA} --mgf mgf1-sha384 --salt-length 20"


@pytest.fixture
def cli(cli: Any) -> Any:
    attributes = {
        Attribute.CLASS.value: ObjectClass.PRIVATE_KEY.value,
        Attribute.KEY_TYPE.value: KeyType.EC.value,
        Attribute.LABEL.value: "k",
    }
    cli.holds({"reference": 0x7808DD, "attributes": attributes, "version": 1, "owner": "alice", "shared_users": []})
    cli.client.answers |= {Operation.SIGN: {"data": b"\x00\x01\x02"}, Operation.VERIFY: {}}
    return cli


def test_data_is_hashed_here_and_the_signature_is_base64(cli) -> None:
    assert cli(SIGN).data == {"key-reference": "0x00000000007808dd", "signature": "AAEC"}
    assert cli.client.asked(Operation.SIGN) == [{"key": 0x7808DD, "mechanism": Mechanism.ECDSA, "data": DIGEST}]


def test_data_may_be_a_file_of_any_bytes(cli, tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(b"abc123")
    cli(SIGN.replace(f"--data {DATA}", f"--data-path {tmp_path / 'data'}"))
    assert cli.client.asked(Operation.SIGN)[0]["data"] == DIGEST


def test_a_digest_is_signed_as_it_is(cli) -> None:
    encoded = base64.b64encode(DIGEST).decode()
    cli(SIGN.replace(DATA, encoded) + " --data-type digest")
    assert cli.client.asked(Operation.SIGN)[0]["data"] == DIGEST


def test_pkcs1_signs_a_digest_info(cli) -> None:
    cli(SIGN.replace("ecdsa", "rsa-pkcs"))
    (body,) = cli.client.asked(Operation.SIGN)
    assert body["mechanism"] == Mechanism.RSA_PKCS
    assert body["data"] == bytes.fromhex("3031300d060960864801650304020105000420") + DIGEST


@pytest.mark.parametrize(("name", "arc"), [("sha3-224", 7), ("sha3-256", 8), ("sha3-384", 9), ("sha3-512", 10)])
def test_sha3_is_a_hash_function_like_others(cli, name: str, arc: int) -> None:
    digest = hashlib.new(name.replace("-", "_"), b"abc123").digest()
    cli(SIGN.replace("sha256", name))
    cli(SIGN.replace("sha256", name).replace("ecdsa", "rsa-pkcs"))
    ecdsa, pkcs1 = cli.client.asked(Operation.SIGN)
    assert ecdsa["data"] == digest
    assert pkcs1["data"][-len(digest) :] == digest
    assert pkcs1["data"][2:].startswith(bytes.fromhex(f"300d06096086480165030402{arc:02x}"))


@pytest.mark.parametrize(("command", "operation"), [("sign", Operation.SIGN), ("verify", Operation.VERIFY)])
def test_ed25519_takes_the_data_itself_and_ed25519ph_its_sha512(cli, command: str, operation: Operation) -> None:
    signature = "" if command == "sign" else " --signature AAEC"
    line = f"crypto {command} ed25519 --key-filter attr.label=k --data {DATA}{signature}"
    digest = hashlib.sha512(b"abc123").digest()
    assert cli(line).status == 0
    assert cli(line.replace("ed25519", "ed25519ph") + " --hash-function sha512").status == 0
    given = line.replace("ed25519", "ed25519ph").replace(DATA, base64.b64encode(digest).decode())
    assert cli(f"{given} --hash-function sha512 --data-type digest").status == 0
    pure, prehashed, again = cli.client.asked(operation)
    assert (pure["mechanism"], pure["data"], pure.get("parameters")) == (Mechanism.EDDSA, b"abc123", None)
    assert (prehashed["data"], prehashed["parameters"]) == (digest, {"prehash": True})
    assert prehashed == again


@pytest.mark.parametrize(("command", "operation"), [("sign", Operation.SIGN), ("verify", Operation.VERIFY)])
def test_pss_sends_hash_mask_and_salt(cli, command: str, operation: Operation) -> None:
    signature = "" if command == "sign" else " --signature AAEC"
    assert cli(f"crypto {command} rsa-pkcs-pss {PSS}{signature}").status == 0
    (body,) = cli.client.asked(operation)
    assert body["data"] == DIGEST
    assert body["parameters"] == {"hash": Mechanism.SHA256, "mgf": 3, "salt_length": 20}


def test_a_right_signature_verifies(cli) -> None:
    assert cli(VERIFY).data == {"message": "Signature verified successfully"}
    assert cli.client.asked(Operation.VERIFY)[0]["signature"] == b"\x00\x01\x02"


def test_a_signature_may_be_a_file_of_bytes(cli, tmp_path: Path) -> None:
    (tmp_path / "signature").write_bytes(b"\x00\x01\x02")
    cli(VERIFY.replace("--signature AAEC", f"--signature-path {tmp_path / 'signature'}"))
    assert cli.client.asked(Operation.VERIFY)[0]["signature"] == b"\x00\x01\x02"


def test_a_wrong_signature_fails_with_the_documented_text(cli) -> None:
    cli.client.answers[Operation.VERIFY] = SignatureInvalid(0xC0, "CKR_SIGNATURE_INVALID")
    assert cli(VERIFY).error == "Signature verification failed"


def test_another_refusal_of_verify_keeps_its_text(cli) -> None:
    cli.client.answers[Operation.VERIFY] = Refused(0x68, "The key may not verify.")
    assert cli(VERIFY).error == "The key may not verify."


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (SIGN.replace(DATA, "abc!"), "The value of --data is not base64; encode it first (`base64 -w0 FILE`)"),
        (SIGN.replace(DATA, "YWJ"), "The value of --data is not base64"),
        (SIGN.replace(f"--data {DATA}", ""), "Give exactly one of --data (base64) and --data-path (a file)."),
        (SIGN + " --data-path /etc/hostname", "Give exactly one of --data"),
        (SIGN.replace(f"--data {DATA}", "--data-path /no/such"), "The file /no/such of --data-path cannot be read: No"),
        (SIGN + " --data-type digest", "The digest has 6 bytes; one of sha256 has 32."),
        (VERIFY.replace("AAEC", "A"), "The value of --signature is not base64"),
        (VERIFY.replace("--signature AAEC", ""), "Give exactly one of --signature (base64) and --signature-path"),
        (f"crypto sign rsa-pkcs-pss {PSS}".replace("20", "-1"), "-1 is not in the range x>=0"),
        (SIGN.replace("ecdsa", "ed25519"), "No such option '--hash-function'"),
        (SIGN.replace("ecdsa", "ed25519ph"), "'sha256' is not 'sha512'."),
        (
            SIGN.replace("ecdsa", "ed25519ph").replace("sha256", "sha512") + " --data-type digest",
            "one of sha512 has 64",
        ),
        (SIGN.replace("sha256", "md5"), "'md5' is not one of 'sha1', 'sha224', 'sha256'"),
    ],
)
def test_bad_input_says_what_is_right_and_asks_no_hsm(cli, line: str, message: str) -> None:
    assert message in cli(line).error
    assert cli.client.calls == []
