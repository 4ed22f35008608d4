"""The commands of quorum, ``--approval``, and the files between approvers."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from strongroom.client import Refused
from strongroom.vocabulary.operations import Operation

DATA = bytes(range(160))
SIGNATURE = bytes(range(256))
ENCODED, DIGEST = base64.b64encode(DATA).decode(), base64.b64encode(hashlib.sha256(DATA).digest()).decode()
SIGNED = base64.b64encode(SIGNATURE).decode()
CREATE = "user create --username bob --role crypto-user --password a-password"


@pytest.fixture
def quorum(cli: Any) -> Any:
    cli.client.answers |= {
        Operation.QUORUM_TOKEN: {"approval_data": DATA, "lifetime_seconds": 600},
        Operation.USER_CREATE: {"username": "bob", "role": 1},
        Operation.SET_QUORUM_VALUE: {},
        Operation.DELETE_QUORUM_TOKENS: {},
    }
    return cli


def approval_file(path: Path, **changed: Any) -> Path:
    given = [{"username": "carol", "role": "admin", "signature": SIGNED}]
    document = {"version": "2.0", "approval_data": ENCODED, "token": DIGEST, "signatures": given, **changed}
    path.write_text(json.dumps(document))
    return path


# -- files ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("service", "number"), [("user", 3), ("quorum", 4), ("cluster", 7)])
def test_an_admins_token_is_written_in_the_documented_shape(quorum, tmp_path: Path, service: str, number: int) -> None:
    path = tmp_path / "token.json"
    assert quorum(f"quorum token-sign generate --service {service} --token {path}").data == {"path": str(path)}
    assert quorum.client.asked(Operation.QUORUM_TOKEN) == [{"service": number}]
    written = json.loads(path.read_text())
    assert list(written.items()) == [
        ("version", "2.0"),
        ("approval_data", ENCODED),
        ("token", DIGEST),
        ("signatures", []),
    ]


def test_a_registration_is_written_and_read_back_signed(quorum, tmp_path: Path) -> None:
    token, public_key = tmp_path / "token.json", tmp_path / "key.pub"
    quorum(f"quorum token-sign generate --service registration --token {token}")
    assert quorum.client.asked(Operation.QUORUM_TOKEN) == [{"service": 8}]
    written = json.loads(token.read_text())
    assert written == {"version": "2.0", "tokens": [{"approval_data": ENCODED, "unsigned": DIGEST, "signed": ""}]}
    key = rsa.generate_private_key(65537, 2048).public_key()
    public_key.write_bytes(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    command = f"user change-quorum token-sign register --public-key {public_key} --signed-token {token}"
    assert "is not signed" in quorum(command).error
    written["tokens"][0]["signed"] = SIGNED
    token.write_text(json.dumps(written | {"signatures": []}))
    quorum.client.answers[Operation.REGISTER_QUORUM] = {"username": "alice", "role": 1}
    assert quorum(command).data == {"username": "alice", "role": "crypto-user"}
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    asked = [{"public_key": der, "approval_data": DATA, "signature": SIGNATURE}]
    assert quorum.client.asked(Operation.REGISTER_QUORUM) == asked


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"version":"2.0","tokens":[]}', '{"version":"1.0","tokens":[]}', "[" * 9999]
)
def test_another_file_is_no_registration(quorum, tmp_path: Path, content: str) -> None:
    token, public_key = tmp_path / "token.json", tmp_path / "key.pub"
    token.write_text(content)
    key = rsa.generate_private_key(65537, 2048).public_key()
    public_key.write_bytes(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    command = f"user change-quorum token-sign register --public-key {public_key} --signed-token {token}"
    assert "is not what quorum token-sign generate" in quorum(command).error


def test_only_a_token_file_is_overwritten(quorum, tmp_path: Path) -> None:
    path = tmp_path / "file"
    generate = f"quorum token-sign generate --service user --token {path}"
    path.write_text("precious")
    assert "is no token file" in quorum(generate).error
    assert path.read_text() == "precious"
    approval_file(path)
    assert quorum(generate).status == 0
    assert quorum(f"quorum token-sign generate --service registration --token {path}").status == 0
    assert quorum(generate).status == 0
    assert "cannot be written" in quorum(f"quorum token-sign generate --service user --token {tmp_path}/no/file").error


# -- approvals --------------------------------------------------------------------------------------------------------
APPROVED = {
    "approval_data": DATA,
    "approvals": [{"username": "carol", "role": 2, "signature": SIGNATURE}],
}


def test_every_gated_command_of_admins_takes_an_approval(quorum, tmp_path: Path) -> None:
    path = approval_file(tmp_path / "approved.json")
    bob = {"username": "bob", "role": 1}
    commands = {
        f"{CREATE}": (Operation.USER_CREATE, {**bob, "password": "a-password"}),
        "user delete --username bob --role crypto-user": (Operation.USER_DELETE, bob),
        "user change-password --username bob --role crypto-user --password b-password": (
            Operation.CHANGE_PASSWORD,
            {**bob, "password": "b-password"},
        ),
        "user change-mfa token-sign --username bob --role crypto-user --deregister --change-password c-password": (
            Operation.CHANGE_MFA,
            {**bob, "password": "c-password"},
        ),
        "quorum token-sign set-quorum-value --service user --value 3": (
            Operation.SET_QUORUM_VALUE,
            {"service": 3, "value": 3},
        ),
    }
    for command, (operation, body) in commands.items():
        quorum.client.answers[operation] = bob
        assert quorum(f"{command} --approval {path}").status == 0
        assert quorum.client.asked(operation) == [{**body, "approval": APPROVED}]


def test_the_commands_of_mutual_tls_take_an_approval(quorum, tmp_path: Path) -> None:
    path, certificate = approval_file(tmp_path / "approved.json"), tmp_path / "anchor.pem"
    certificate.write_text("pem")
    quorum.client.answers |= {
        Operation.MTLS_REGISTER: {"reference": 1, "certificate": "pem"},
        Operation.MTLS_DEREGISTER: {},
        Operation.MTLS_SET_ENFORCEMENT: {},
    }
    commands = {
        f"register-trust-anchor --path {certificate}": (Operation.MTLS_REGISTER, {"certificate": "pem"}),
        "deregister-trust-anchor --certificate-reference 0x01 0x02": (
            Operation.MTLS_DEREGISTER,
            {"references": [1, 2]},
        ),
        "set-enforcement --level cluster": (Operation.MTLS_SET_ENFORCEMENT, {"enforced": True}),
    }
    for command, (operation, body) in commands.items():
        assert quorum(f"cluster mtls {command} --approval {path}").status == 0
        assert quorum.client.asked(operation) == [{**body, "approval": APPROVED}]


def test_a_key_for_approvals_goes_with_the_factor_or_the_password_on_demand(quorum) -> None:
    for operation in (Operation.CHANGE_MFA, Operation.CHANGE_PASSWORD):
        quorum.client.answers[operation] = {"username": "bob", "role": 1}
    user = "--username bob --role crypto-user"
    quorum(f"user change-mfa token-sign {user} --deregister --change-quorum --change-password c-password")
    quorum(f"user change-password {user} --password b-password --deregister-quorum")
    assert quorum.client.asked(Operation.CHANGE_MFA)[0]["change_quorum"] is True
    assert quorum.client.asked(Operation.CHANGE_PASSWORD)[0]["deregister_quorum"] is True


def test_a_role_may_be_left_out_and_signatures_have_line_ends(quorum, tmp_path: Path) -> None:
    folded = base64.encodebytes(SIGNATURE).decode()
    path = approval_file(tmp_path / "f", signatures=[{"username": "carol", "signature": folded}], more=1)
    assert quorum(f"{CREATE} --approval {path}").status == 0
    given = quorum.client.asked(Operation.USER_CREATE)[0]["approval"]["approvals"]
    assert given == [{"username": "carol", "role": 0, "signature": SIGNATURE}]


WRONG: dict[str, dict[str, Any]] = {
    "No token signatures provided": {"signatures": []},
    "InvalidQuorumSignature": {"signatures": [{"username": "carol", "role": "admin", "signature": "AAAA"}]},
    "the signature of carol": {"signatures": [{"username": "carol", "role": "admin", "signature": "*"}]},
    "the role 'CO'": {"signatures": [{"username": "carol", "role": "CO", "signature": SIGNED}]},
    "was altered": {"token": base64.b64encode(bytes(32)).decode()},
    "approval_data is not base64": {"approval_data": "*"},
    "is no quorum token file": {"version": "1.0"},
    "which has the form": {"signatures": "none"},
}


@pytest.mark.parametrize("said", WRONG)
def test_a_wrong_file_is_refused_before_the_hsm_is_asked(quorum, tmp_path: Path, said: str) -> None:
    path = approval_file(tmp_path / "file", **WRONG[said])
    assert said in quorum(f"{CREATE} --approval {path}").error
    assert quorum.client.calls == []
    assert quorum.client.logged_in == []


def test_a_missing_file_is_named(quorum, tmp_path: Path) -> None:
    assert "cannot be read" in quorum(f"{CREATE} --approval {tmp_path}/none").error


def test_the_hsms_refusals_are_shown_word_for_word(quorum) -> None:
    text = "Quorum approval is required for this operation"
    quorum.client.answers[Operation.USER_CREATE] = Refused(0x1B, text)
    assert quorum(CREATE).error == text


# -- keys -------------------------------------------------------------------------------------------------------------
KEY = {
    "reference": 0x54,
    "attributes": {0: 4, 3: "k1", 0x100: 0x1F},
    "version": 1,
    "owner": "alice",
    "shared_users": ["bob"],
    "quorum": {"manage": 2, "usage": 2},
}
MADE = {"objects": [KEY]}


@pytest.mark.parametrize(("service", "number"), [("key-usage", 5), ("key-management", 6)])
def test_a_keys_token_is_written_with_its_service_and_reference(
    quorum, tmp_path: Path, service: str, number: int
) -> None:
    quorum.holds(KEY)
    path = tmp_path / "token.json"
    generate = f"quorum token-sign generate --service {service} --token {path}"
    assert quorum(f"{generate} --filter attr.label=k1").data == {"path": str(path)}
    assert quorum.client.asked(Operation.QUORUM_TOKEN) == [{"service": number, "key": 0x54}]
    assert list(json.loads(path.read_text()).items()) == [
        ("version", "2.0"),
        ("service", service),
        ("key_reference", "0x0000000000000054"),
        ("approval_data", ENCODED),
        ("token", DIGEST),
        ("signatures", []),
    ]
    assert quorum(f"{generate} --filter attr.label=k1").status == 0, "a token file is overwritten"
    assert "Give --filter" in quorum(generate).error
    wrong = f"quorum token-sign generate --service user --token {path} --filter attr.label=k1"
    assert "Give --filter" in quorum(wrong).error


def test_every_gated_command_of_keys_takes_an_approval(quorum, tmp_path: Path) -> None:
    quorum.holds(KEY)
    path = approval_file(tmp_path / "approved.json")
    changes = {
        "key share --filter attr.label=k1 --username bob --role crypto-user": Operation.SHARE_KEY,
        "key unshare --filter attr.label=k1 --username bob --role crypto-user": Operation.UNSHARE_KEY,
        "key set-attribute --filter attr.label=k1 --name label --value k2": Operation.SET_ATTRIBUTES,
        "key unwrap aes-no-pad --filter attr.label=k1 --data AA== --key-type-class aes --label k": Operation.UNWRAP_KEY,
    }
    for command, operation in changes.items():
        quorum.client.answers[operation] = MADE
        assert quorum(f"{command} --approval {path}").status == 0, command
        assert quorum.client.asked(operation)[0]["approval"] == APPROVED
    quorum.client.answers[Operation.SIGN_WITH_APPROVAL] = {"data": b"signature"}
    for sign in ("ecdsa", "rsa-pkcs", "rsa-pkcs-pss --mgf mgf1-sha256 --salt-length 32"):
        command = f"crypto sign {sign} --key-filter attr.label=k1 --hash-function sha256 --data AAAA"
        assert quorum(f"{command} --approval {path}").status == 0, sign
        assert quorum.client.asked(Operation.SIGN_WITH_APPROVAL)[-1]["approval"] == APPROVED


def test_wrapping_takes_an_approval_for_each_key(quorum, tmp_path: Path) -> None:
    quorum.holds(KEY)
    quorum.client.answers |= {op: {"data": b"w"} for op in (Operation.WRAP_KEY, Operation.WRAP_WITH_APPROVAL)}
    path = approval_file(tmp_path / "approved.json")
    wrap = "key wrap aes-zero-pad --payload-filter attr.label=k1 --wrapping-filter attr.label=k1"
    assert quorum(wrap).status == 0
    assert len(quorum.client.asked(Operation.WRAP_KEY)) == 1
    for option, member in (("--wrapping-approval", "wrapping_approval"), ("--payload-approval", "payload_approval")):
        assert quorum(f"{wrap} {option} {path}").status == 0
        asked = quorum.client.asked(Operation.WRAP_WITH_APPROVAL)[-1]
        assert {name for name in asked if name.endswith("approval")} == {member}
        assert asked[member] == APPROVED


def test_a_key_is_made_with_its_values_and_shows_them(quorum) -> None:
    for operation in (Operation.GENERATE_KEY, Operation.UNWRAP_KEY):
        quorum.client.answers[operation] = MADE
    quorum.client.answers[Operation.GENERATE_KEY_PAIR] = {"objects": [KEY, KEY]}
    quorum.holds(KEY)
    values = "--manage-key-quorum-value 2 --use-key-quorum-value 3"
    pair = "--public-label p --private-label k --manage-private-key-quorum-value 2 --use-private-key-quorum-value 3"
    commands = {
        f"key generate-symmetric aes --label k --key-length-bytes 32 {values}": Operation.GENERATE_KEY,
        f"key generate-symmetric generic-secret --label k --key-length-bytes 32 {values}": Operation.GENERATE_KEY,
        f"key generate-asymmetric-pair ec --curve secp256r1 {pair}": Operation.GENERATE_KEY_PAIR,
        f"key generate-asymmetric-pair rsa --modulus-size-bits 2048 --public-exponent 65537 {pair}": (
            Operation.GENERATE_KEY_PAIR
        ),
        f"key unwrap aes-no-pad --filter attr.label=k1 --data AAAA --key-type-class aes --label k {values}": (
            Operation.UNWRAP_KEY
        ),
    }
    for command, operation in commands.items():
        assert quorum(command).status == 0, command
        assert quorum.client.asked(operation)[-1]["quorum"] == {"manage": 2, "usage": 3}
    made = quorum(f"key generate-symmetric aes --label k --key-length-bytes 32 {values}").data["key"]
    shown = made["key-info"]["key-quorum-values"]
    assert shown == {"manage-key-quorum-value": 2, "use-key-quorum-value": 2}
    one = "key generate-symmetric aes --label k --key-length-bytes 32 --manage-key-quorum-value 2"
    assert quorum(one).status == 0
    assert quorum.client.asked(Operation.GENERATE_KEY)[-1]["quorum"] == {"manage": 2, "usage": 0}


# -- the other commands ----------------------------------------------------------------------------------------------
def test_values_are_listed_without_a_login_and_set(quorum) -> None:
    quorum.client.answers[Operation.QUORUM_VALUES] = {"user": 2, "quorum": 3, "cluster": 1}
    assert quorum("quorum token-sign list-quorum-values").data == {"user": 2, "quorum": 3, "cluster": 1}
    assert quorum.client.logged_in == []
    answer = quorum("quorum token-sign set-quorum-value --service quorum --value 2")
    assert answer.data == "Set Quorum Value successful"
    assert quorum.client.asked(Operation.SET_QUORUM_VALUE) == [{"service": 4, "value": 2}]
    for value in ("0", "9", "two"):
        assert "value" in quorum(f"quorum token-sign set-quorum-value --service quorum --value {value}").error
    assert "key-usage" in quorum("quorum token-sign set-quorum-value --service key-usage --value 2").error


def test_timeouts_are_listed_without_a_login_and_set(quorum, tmp_path: Path) -> None:
    quorum.client.answers |= {
        Operation.QUORUM_TIMEOUTS: {"generated": 600, "approved": 900},
        Operation.SET_QUORUM_TIMEOUT: {},
    }
    assert quorum("quorum token-sign list-timeouts").data == {"generated": 600, "approved": 900}
    assert quorum.client.logged_in == []
    path = approval_file(tmp_path / "approved.json")
    assert quorum("quorum token-sign set-timeout --generated 900").data == "Set token timeout successful"
    assert quorum(f"quorum token-sign set-timeout --approved 60 --generated 70 --approval {path}").status == 0
    assert quorum.client.asked(Operation.SET_QUORUM_TIMEOUT) == [
        {"generated": 900},
        {"generated": 70, "approved": 60, "approval": APPROVED},
    ]
    assert "--approved SECONDS or both" in quorum("quorum token-sign set-timeout").error
    for seconds in ("59", "86401", "-1", "ten"):
        assert "approved" in quorum(f"quorum token-sign set-timeout --approved {seconds}").error
    assert len(quorum.client.asked(Operation.SET_QUORUM_TIMEOUT)) == 2


@pytest.mark.parametrize(("scope", "everybodys"), [("user", False), ("all", True)])
def test_tokens_are_deleted(quorum, scope: str, everybodys: bool) -> None:
    deleted = quorum(f"quorum token-sign delete --scope {scope}").data
    assert deleted == "Deletion of quorum token(s) successful"
    assert quorum.client.asked(Operation.DELETE_QUORUM_TOKENS) == [{"all": everybodys}]


def test_tokens_are_listed_in_the_documented_shapes(quorum, tmp_path: Path) -> None:
    common = {"username": "admin", "approvals_required": 2, "timeout_seconds": 590}
    quorum.client.answers[Operation.QUORUM_TOKENS] = {
        "tokens": [
            {**common, "service": 3, "number_of_approvals": 1},
            {**common, "service": 5, "key": 0x54},
            {**common, "service": 8},
        ]
    }
    path = approval_file(tmp_path / "approved.json")
    assert quorum(f"quorum token-sign list --token {path}").status == 0
    assert quorum.client.asked(Operation.QUORUM_TOKENS) == [{"approval": APPROVED}]
    assert quorum("quorum token-sign list").data == {
        "tokens": [
            {
                "username": "admin",
                "service": "user",
                "approvals-required": 2,
                "number-of-approvals": 1,
                "token-timeout-seconds": 590,
                "cluster-coverage": "full",
            },
            {
                "username": "admin",
                "service": "key-usage",
                "key-reference": "0x0000000000000054",
                "minimum-token-count": 2,
                "number-of-approvals": 0,
            },
            {
                "username": "admin",
                "service": "registration",
                "token-timeout-seconds": 590,
                "cluster-coverage": "full",
            },
        ]
    }
