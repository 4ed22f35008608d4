from __future__ import annotations

from typing import Any

import pytest

from strongroom.client.object_kinds import KeyType, ObjectClass
from strongroom.vocabulary.attributes import Attribute
from strongroom.vocabulary.operations import Operation


def view(reference: int, kind: ObjectClass, label: str) -> dict[str, Any]:
    attributes = {
        Attribute.CLASS.value: kind.value,
        Attribute.KEY_TYPE.value: KeyType.EC.value,
        Attribute.LABEL.value: label,
    }
    return {"reference": reference, "attributes": attributes, "version": 1, "owner": "alice", "shared_users": []}


PUBLIC, PRIVATE = view(1, ObjectClass.PUBLIC_KEY, "k"), view(2, ObjectClass.PRIVATE_KEY, "k")
CERTIFICATE, DATA = view(3, ObjectClass.CERTIFICATE, "k"), view(4, ObjectClass.DATA, "k")


def listed(cli: Any, terms: str) -> list[str]:
    return [key["key-reference"] for key in cli(f"key list --filter {terms}").data["matched_keys"]]


@pytest.mark.parametrize(
    ("terms", "matched"),
    [
        ("attr.label=k", [1, 2]),
        ("attr.label=k attr.class=private-key", [2]),
        ("attr.label=k attr.class=secret-key", []),
        ("attr.key-type=ec", [1, 2]),
        ("key-reference=0x0000000000000001", [1]),
        ("key-reference=0x1 attr.class=public-key", [1]),
        ("key-reference=0x1 attr.class=private-key", []),
        ("key-reference=0x3", []),
        ("key-reference=0x4", []),
        ("key-reference=0xffff", []),
    ],
)
def test_all_terms_must_match_and_neither_certificates_nor_data_are_keys(cli, terms: str, matched: list[int]) -> None:
    cli.holds(PUBLIC, PRIVATE, CERTIFICATE, DATA)
    assert listed(cli, terms) == [f"0x{reference:016x}" for reference in matched]


def test_keys_of_one_hmac_are_found_and_shown_by_the_name_of_their_type(cli) -> None:
    key = view(4, ObjectClass.SECRET_KEY, "m")
    key["attributes"][Attribute.KEY_TYPE.value] = KeyType.SHA3_512_HMAC.value
    cli.holds(PUBLIC, key)
    (found,) = cli("key list --filter attr.key-type=sha3-512-hmac --verbose").data["matched_keys"]
    assert found["attributes"]["key-type"] == "sha3-512-hmac"
    assert listed(cli, "attr.key-type=sha256-hmac") == []


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ("label=k", "'label=k' is no filter: write key-reference=0x… or attr.NAME=VALUE"),
        ("attr.label", "'attr.label' is no filter"),
        ("attr.lable=k", "There is no attribute 'lable'; did you mean 'label'?"),
        ("attr.class=certificate", "it must be one of public-key, private-key, secret-key."),
        (
            "attr.key-type=dsa",
            "it must be one of rsa, ec, ec-edwards, ec-montgomery, ml-dsa, ml-kem, aes, aes-xts, des3, generic-secret, "
            "sha1-hmac, sha224-hmac, sha256-hmac, sha384-hmac, sha512-hmac, sha3-224-hmac, sha3-256-hmac, "
            "sha3-384-hmac, sha3-512-hmac.",
        ),
        ("attr.curve=p256", "it must be one of secp224r1, secp256r1"),
        ("attr.key-length-bytes=x", "'x' is no value of the attribute key-length-bytes: it must be a number."),
        ("attr.label=a attr.label=b", "The filter names attr.label twice"),
        ("key-reference=0x1 key-reference=0x2", "The filter names two key references"),
        ("key-reference=1", "'1' is no key reference: it must be 0x and up to 16 hexadecimal digits."),
        ("key-reference=0x_1", "is no key reference"),
    ],
)
def test_a_bad_filter_says_what_is_right_and_asks_no_hsm(cli, terms: str, message: str) -> None:
    assert message in cli(f"key delete --filter {terms}").error
    assert cli.client.calls == []


def test_a_filter_that_no_key_matches_deletes_nothing(cli) -> None:
    cli.holds(PUBLIC)
    assert cli("key delete --filter attr.label=x").error == (
        "No key matches the filter attr.label=x; `key list` shows the keys that you can see."
    )
    assert cli.client.asked(Operation.DESTROY_OBJECT) == []


def test_a_filter_that_several_keys_match_deletes_nothing(cli) -> None:
    cli.holds(PUBLIC, PRIVATE)
    assert cli("key delete --filter attr.label=k").error.startswith("2 keys match the filter attr.label=k")
    assert cli.client.asked(Operation.DESTROY_OBJECT) == []


def test_a_value_may_hold_blanks_and_equal_signs(cli) -> None:
    cli.holds(view(5, ObjectClass.SECRET_KEY, "a = b"))
    assert listed(cli, "'attr.label=a = b'") == ["0x0000000000000005"]


def test_a_point_is_compared_as_the_hsm_keeps_it(cli) -> None:
    cli.holds()
    cli("key list --filter attr.ec-point=0x0401 attr.curve=prime256v1")
    template = cli.client.asked(Operation.FIND)[0]["template"]
    assert template[Attribute.EC_POINT] == b"\x04\x02\x04\x01"
    assert template[Attribute.EC_PARAMS].hex() == "06082a8648ce3d030107"


def test_an_hsm_that_gives_fewer_than_asked_is_asked_again(cli) -> None:
    keys = [view(n, ObjectClass.SECRET_KEY, "k") for n in range(1, 6)]

    def find(body: dict[str, Any]) -> dict[str, Any]:
        if body["template"][Attribute.CLASS] != ObjectClass.SECRET_KEY:
            return {"objects": [], "more": False, "total": 0}
        rest = [key for key in keys if key["reference"] > body["after"]]
        return {"objects": rest[:2], "more": len(rest) > 2, "total": 5}

    cli.client.answers[Operation.FIND] = find
    assert cli("key list").data["returned_key_count"] == 5
