from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from strongroom.client import DecryptionFailed, NotPermitted, Refused
from strongroom.client.object_kinds import KeyType, ObjectClass
from strongroom.vocabulary.attributes import Attribute
from strongroom.vocabulary.mechanisms import Mechanism
from strongroom.vocabulary.operations import Operation

IV = bytes(range(12))
WRAPPED = b"\x00\x01\x02"
KEYS = "--payload-filter attr.label=k --wrapping-filter attr.label=w"
UNWRAP = "--filter attr.label=w --data AAEC --key-type-class aes --label new"
OAEP = "--hash-function sha256 --mgf mgf1-sha384"
OAEP_PARAMETERS = {"hash": Mechanism.SHA256, "mgf": 3}
MECHANISMS = {
    "aes-gcm": (Mechanism.AES_GCM, "--tag-length-bits 96 --aad 0x10", {"tag_bits": 96, "aad": b"\x10"}),
    "cloudhsm-aes-gcm": (Mechanism.CLOUDHSM_AES_GCM, "--tag-length-bits 128", {"tag_bits": 128}),
    "aes-no-pad": (Mechanism.CLOUDHSM_AES_KEY_WRAP_NO_PAD, "", None),
    "aes-pkcs5-pad": (Mechanism.CLOUDHSM_AES_KEY_WRAP_PKCS5_PAD, "", None),
    "aes-zero-pad": (Mechanism.CLOUDHSM_AES_KEY_WRAP_ZERO_PAD, "", None),
    "rsa-aes": (Mechanism.RSA_AES_KEY_WRAP, OAEP, OAEP_PARAMETERS | {"key_bits": 256}),
    "rsa-oaep": (Mechanism.RSA_PKCS_OAEP, OAEP, OAEP_PARAMETERS),
    "rsa-pkcs": (Mechanism.RSA_PKCS, "", None),
}


def view(reference: int, label: str, more: dict[Attribute, Any] | None = None) -> dict[str, Any]:
    attributes = {
        Attribute.CLASS: ObjectClass.SECRET_KEY.value,
        Attribute.KEY_TYPE: KeyType.AES.value,
        Attribute.LABEL: label,
        **(more or {}),
    }
    numbered = {attribute.value: value for attribute, value in attributes.items()}
    return {"reference": reference, "attributes": numbered, "version": 1, "owner": "alice", "shared_users": []}


@pytest.fixture
def cli(cli: Any) -> Any:
    cli.holds(view(0x11, "k"), view(0x12, "w"))
    cli.client.answers |= {
        Operation.WRAP_KEY: {"data": WRAPPED},
        Operation.UNWRAP_KEY: {"objects": [view(0x13, "new")]},
    }
    return cli


def sent(body: dict[str, Any]) -> dict[str, Any]:
    return {Attribute(number).name: value for number, value in body["template"].items()}


@pytest.mark.parametrize("name", MECHANISMS)
def test_each_mechanism_wraps_with_its_parameters(cli: Any, name: str) -> None:
    mechanism, options, parameters = MECHANISMS[name]
    assert cli(f"key wrap {name} {KEYS} {options}").data == {
        "payload_key_reference": "0x0000000000000011",
        "wrapping_key_reference": "0x0000000000000012",
        "wrapped_key_data": "AAEC",
    }
    asked = {"wrapping_key": 0x12, "mechanism": mechanism, "key": 0x11}
    assert cli.client.asked(Operation.WRAP_KEY) == [asked if parameters is None else asked | {"parameters": parameters}]


def test_the_iv_that_the_hsm_made_is_shown_before_the_data(cli: Any) -> None:
    cli.client.answers[Operation.WRAP_KEY] = {"data": WRAPPED, "iv": IV}
    data = cli(f"key wrap aes-gcm {KEYS} --tag-length-bits 128").data
    assert list(data) == ["payload_key_reference", "wrapping_key_reference", "iv", "wrapped_key_data"]
    assert data["iv"] == "0x000102030405060708090a0b"


def test_a_wrapped_key_is_written_to_a_file_as_bytes_too(cli: Any, tmp_path: Path) -> None:
    path = tmp_path / "k.wrapped"
    assert cli(f"key wrap aes-zero-pad {KEYS} --path {path}").data["wrapped_key_data"] == "AAEC"
    assert path.read_bytes() == WRAPPED


def test_a_file_that_cannot_be_written_is_an_error(cli: Any, tmp_path: Path) -> None:
    error = cli(f"key wrap aes-zero-pad {KEYS} --path {tmp_path}/none/k").error
    assert error == f"The file {tmp_path}/none/k of --path cannot be written: No such file or directory."


@pytest.mark.parametrize("name", MECHANISMS)
def test_each_mechanism_unwraps_with_its_parameters(cli: Any, name: str) -> None:
    mechanism, options, parameters = MECHANISMS[name]
    if name == "aes-gcm":
        options, parameters = f"{options} --iv 0x{IV.hex()}", {**parameters, "iv": IV}
    data = cli(f"key unwrap {name} {UNWRAP} {options}").data
    assert (list(data), data["key"]["key-reference"]) == (["key"], "0x0000000000000013")
    (body,) = cli.client.asked(Operation.UNWRAP_KEY)
    assert (body["unwrapping_key"], body["mechanism"], body["wrapped_key"]) == (0x12, mechanism, WRAPPED)
    assert body.get("parameters") == parameters


def test_an_unwrapped_secret_key_has_the_defaults_of_the_cli(cli: Any) -> None:
    cli(f"key unwrap aes-zero-pad {UNWRAP}")
    assert sent(cli.client.asked(Operation.UNWRAP_KEY)[0]) == {
        "CLASS": ObjectClass.SECRET_KEY,
        "KEY_TYPE": KeyType.AES,
        "LABEL": "new",
        **dict.fromkeys(("TOKEN", "PRIVATE", "MODIFIABLE", "DESTROYABLE"), True),
        **dict.fromkeys(("SENSITIVE", "EXTRACTABLE", "SIGN", "VERIFY"), True),
        "DERIVE": False,
    }


@pytest.mark.parametrize(
    ("name", "object_class", "key_type"),
    [
        ("aes", ObjectClass.SECRET_KEY, KeyType.AES),
        ("des3", ObjectClass.SECRET_KEY, KeyType.DES3),
        ("generic-secret", ObjectClass.SECRET_KEY, KeyType.GENERIC_SECRET),
        ("sha1-hmac", ObjectClass.SECRET_KEY, KeyType.SHA_1_HMAC),
        ("sha3-512-hmac", ObjectClass.SECRET_KEY, KeyType.SHA3_512_HMAC),
        ("rsa-private", ObjectClass.PRIVATE_KEY, KeyType.RSA),
        ("ec-private", ObjectClass.PRIVATE_KEY, KeyType.EC),
        ("ec-edwards-private", ObjectClass.PRIVATE_KEY, KeyType.EC_EDWARDS),
    ],
)
def test_class_type_session_and_attributes_are_said(
    cli: Any, name: str, object_class: ObjectClass, key_type: KeyType
) -> None:
    line = f"key unwrap aes-zero-pad {UNWRAP} --session --attributes sign=true extractable=false"
    cli(line.replace("--key-type-class aes", f"--key-type-class {name}"))
    template = sent(cli.client.asked(Operation.UNWRAP_KEY)[0])
    assert (template["CLASS"], template["KEY_TYPE"]) == (object_class, key_type)
    assert (template["TOKEN"], template["SIGN"], template["EXTRACTABLE"]) == (False, True, False)
    assert ("VERIFY" in template) is (object_class is ObjectClass.SECRET_KEY)


def test_what_the_unwrapping_keys_template_says_goes_before_defaults_and_not_before_what_is_said(cli: Any) -> None:
    demanded = {
        Attribute.EXTRACTABLE.value: False,
        Attribute.SIGN.value: False,
        Attribute.LABEL.value: "theirs",
        Attribute.TOKEN.value: True,
    }
    cli.holds(view(0x11, "k"), view(0x12, "w", {Attribute.UNWRAP_TEMPLATE: demanded}))
    cli(f"key unwrap aes-zero-pad {UNWRAP} --attributes sign=true --session")
    template = sent(cli.client.asked(Operation.UNWRAP_KEY)[0])
    assert "EXTRACTABLE" not in template
    assert (template["SIGN"], template["LABEL"], template["TOKEN"]) == (True, "new", False)


def test_a_wrapped_key_may_be_a_file_of_bytes(cli: Any, tmp_path: Path) -> None:
    (tmp_path / "k.wrapped").write_bytes(WRAPPED)
    cli(f"key unwrap aes-zero-pad {UNWRAP}".replace("--data AAEC", f"--data-path {tmp_path / 'k.wrapped'}"))
    assert cli.client.asked(Operation.UNWRAP_KEY)[0]["wrapped_key"] == WRAPPED


@pytest.mark.parametrize(
    ("line", "refusal", "told"),
    [
        (
            f"key wrap aes-zero-pad {KEYS}",
            NotPermitted(0x6A, "the key's CKA_EXTRACTABLE is false"),
            "the key's CKA_EXTRACTABLE is false. Only a key made with extractable=true can be wrapped",
        ),
        (
            f"key wrap aes-zero-pad {KEYS}",
            NotPermitted(0x68, "the key's CKA_WRAP is false"),
            "the key's CKA_WRAP is false. Its owner allows it: key set-attribute --filter … --name wrap --value true",
        ),
        (f"key wrap aes-no-pad {KEYS}", Refused(0x62, "too long"), "too long. The mechanisms aes-zero-pad and rsa-aes"),
        (f"key wrap rsa-pkcs {KEYS}", Refused(0x70, "not in FIPS."), "not in FIPS. Use rsa-oaep or rsa-aes."),
        (f"key wrap rsa-pkcs {KEYS}", Refused(0x115, "no"), "no. AES keys wrap with the aes mechanisms"),
        (f"key wrap rsa-pkcs {KEYS}", Refused(0x30, "Out of order."), "Out of order."),
        (f"key unwrap aes-zero-pad {UNWRAP}", DecryptionFailed(0x110, "altered"), "altered. Check that the key, the"),
        (f"key unwrap aes-zero-pad {UNWRAP}", DecryptionFailed(0x112, "short"), "short. Check that the key, the"),
        (f"key unwrap aes-zero-pad {UNWRAP}", Refused(0xF2, "no"), "no. AES keys unwrap with the aes mechanisms"),
        (f"key unwrap aes-zero-pad {UNWRAP}", Refused(0xD1, "conflict"), "conflict"),
    ],
)
def test_a_refusal_comes_with_the_next_step(cli: Any, line: str, refusal: Refused, told: str) -> None:
    operation = Operation.UNWRAP_KEY if "unwrap" in line else Operation.WRAP_KEY
    cli.client.answers[operation] = refusal
    assert cli(line).error.startswith(told)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (f"key wrap aes-gcm {KEYS}", "Missing option '--tag-length-bits'"),
        (f"key wrap aes-gcm {KEYS} --tag-length-bits 127", "'127' is not one of '128', '120', '112'"),
        (f"key wrap aes-gcm {KEYS} --tag-length-bits 128 --iv 0x00", "No such option '--iv'"),
        (f"key wrap aes-gcm {KEYS} --tag-length-bits 128 --aad 10", "'10' is no value of --aad: it must be bytes in"),
        (f"key wrap aes-gcm {KEYS} --tag-length-bits 128 --aad 0x1", "with an even number of digits, as in 0x01ab."),
        (f"key wrap aes-gcm {KEYS} --tag-length-bits 128 --aad '0x01 02'", "is no value of --aad"),
        ("key wrap aes-no-pad --payload-filter attr.label=k", "Missing option '--wrapping-filter'"),
        (f"key wrap aes-no-pad {KEYS} x=1", "'x=1' is no filter"),
        (f"key wrap rsa-oaep {KEYS} --hash-function sha256", "Missing option '--mgf'"),
        (f"key wrap rsa-oaep {KEYS} {OAEP}".replace("sha256", "md5"), "'md5' is not one of 'sha1', 'sha224'"),
        (f"key wrap rsa-aes {KEYS} {OAEP} --payload-approval f", "f cannot be read"),
        (f"key unwrap aes-gcm {UNWRAP} --tag-length-bits 128", "Missing option '--iv'"),
        (f"key unwrap aes-gcm {UNWRAP} --tag-length-bits 128 --iv abc", "'abc' is no value of --iv"),
        (f"key unwrap aes-no-pad {UNWRAP}".replace("AAEC", "AA!"), "The value of --data is not base64"),
        (f"key unwrap aes-no-pad {UNWRAP} --data-path /etc/hostname", "Give exactly one of --data (base64)"),
        (f"key unwrap aes-no-pad {UNWRAP}".replace("--data AAEC", "--data-path /no"), "The file /no of --data-path"),
        (f"key unwrap aes-no-pad {UNWRAP}".replace("class aes", "class dsa"), "'dsa' is not one of 'aes', 'des3'"),
        (
            f"key unwrap aes-no-pad {UNWRAP} --attributes trusted=true",
            "The attribute trusted cannot be set at creation",
        ),
    ],
)
def test_bad_input_says_what_is_right_and_asks_no_hsm(cli: Any, line: str, message: str) -> None:
    assert message in cli(line).error
    assert cli.client.calls == []


def test_no_key_is_wrapped_when_a_filter_matches_none_or_several(cli: Any) -> None:
    assert cli("key wrap aes-no-pad --payload-filter attr.label=x --wrapping-filter attr.label=w").error.startswith(
        "No key matches the filter attr.label=x;"
    )
    assert cli(
        "key wrap aes-no-pad --payload-filter attr.label=k --wrapping-filter attr.key-type=aes"
    ).error.startswith("2 keys match the filter attr.key-type=aes and the command needs one")
    assert cli.client.asked(Operation.WRAP_KEY) == []


def test_the_data_of_a_wrapped_key_is_base64_without_line_ends(cli: Any) -> None:
    cli.client.answers[Operation.WRAP_KEY] = {"data": bytes(300)}
    assert cli(f"key wrap aes-zero-pad {KEYS}").data["wrapped_key_data"] == base64.b64encode(bytes(300)).decode()
