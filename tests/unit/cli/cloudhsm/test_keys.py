from __future__ import annotations

from typing import Any

import pytest

from strongroom.client import curves
from strongroom.client.object_kinds import KeyType, ObjectClass
from strongroom.vocabulary.attributes import Attribute
from strongroom.vocabulary.mechanisms import Mechanism
from strongroom.vocabulary.operations import Operation

AES = "key generate-symmetric aes --label k1 --key-length-bytes 32"
RSA = (
    "key generate-asymmetric-pair rsa --public-label p --private-label k --modulus-size-bits 2048 "
    "--public-exponent 65537"
)
EC = "key generate-asymmetric-pair ec --curve prime256v1 --public-label p --private-label k"
POINT = b"\x04" + bytes(64)


def view(reference: int, kind: ObjectClass, key_type: KeyType, label: str, **more: Any) -> dict[str, Any]:
    attributes = {"CLASS": kind.value, "KEY_TYPE": key_type.value, "LABEL": label, "TOKEN": True} | more
    numbered = {Attribute[name].value: value for name, value in attributes.items()}
    return {"reference": reference, "attributes": numbered, "version": 1, "owner": "alice", "shared_users": ["bob"]}


def secret(reference: int = 0x540011, label: str = "k1", **more: Any) -> dict[str, Any]:
    return view(reference, ObjectClass.SECRET_KEY, KeyType.AES, label, **more)


def sent(body: dict[str, Any], member: str = "template") -> dict[str, Any]:
    return {Attribute(number).name: value for number, value in body[member].items()}


def test_an_aes_key_is_made_with_the_defaults_of_the_cli(cli) -> None:
    cli.client.answers[Operation.GENERATE_KEY] = {"objects": [secret()]}
    assert cli(AES).status == 0
    (body,) = cli.client.asked(Operation.GENERATE_KEY)
    assert body["mechanism"] == Mechanism.AES_KEY_GEN
    assert sent(body) == {
        "TOKEN": True,
        "PRIVATE": True,
        "LABEL": "k1",
        "VALUE_LEN": 32,
        "SENSITIVE": True,
        "EXTRACTABLE": True,
        "MODIFIABLE": True,
        "DESTROYABLE": True,
        "SIGN": True,
        "VERIFY": True,
        **dict.fromkeys(["ENCRYPT", "DECRYPT", "WRAP", "UNWRAP", "DERIVE", "WRAP_WITH_TRUSTED"], False),
    }


def test_attributes_and_session_override_the_defaults(cli) -> None:
    cli.client.answers[Operation.GENERATE_KEY] = {"objects": [secret()]}
    cli(AES + " --session --attributes encrypt=true extractable=false id=0x01ab")
    template = sent(cli.client.asked(Operation.GENERATE_KEY)[0])
    assert (template["TOKEN"], template["ENCRYPT"], template["EXTRACTABLE"]) == (False, True, False)
    assert template["ID"] == b"\x01\xab"


def test_a_generic_secret_gets_no_attribute_that_it_cannot_have(cli) -> None:
    cli.client.answers[Operation.GENERATE_KEY] = {"objects": [secret()]}
    cli("key generate-symmetric generic-secret --label k1 --key-length-bytes 64")
    (body,) = cli.client.asked(Operation.GENERATE_KEY)
    assert body["mechanism"] == Mechanism.GENERIC_SECRET_KEY_GEN
    assert not {"ENCRYPT", "DECRYPT", "WRAP", "UNWRAP", "TRUSTED"} & sent(body).keys()


def test_the_key_object_has_the_documented_shape(cli) -> None:
    flags = ("SENSITIVE", "EXTRACTABLE", "SIGN", "VERIFY", "LOCAL", "ALWAYS_SENSITIVE", "PRIVATE")
    made = secret(CHECK_VALUE=b"\xd9\xb8\xa7", VALUE_LEN=32, **dict.fromkeys(flags, True))
    cli.client.answers[Operation.GENERATE_KEY] = {"objects": [made]}
    assert cli(AES).data == {
        "key": {
            "key-reference": "0x0000000000540011",
            "key-info": {
                "key-owners": [{"username": "alice", "key-coverage": "full"}],
                "shared-users": [{"username": "bob", "key-coverage": "full"}],
                "key-quorum-values": {"manage-key-quorum-value": 0, "use-key-quorum-value": 0},
                "cluster-coverage": "full",
            },
            "attributes": {
                "key-type": "aes",
                "label": "k1",
                "id": "0x",
                "check-value": "0xd9b8a7",
                "class": "secret-key",
                "encrypt": False,
                "decrypt": False,
                "token": True,
                "always-sensitive": True,
                "derive": False,
                "destroyable": True,
                "extractable": True,
                "local": True,
                "modifiable": True,
                "never-extractable": False,
                "private": True,
                "sensitive": True,
                "sign": True,
                "trusted": False,
                "unwrap": False,
                "verify": True,
                "wrap": False,
                "wrap-with-trusted": False,
                "key-length-bytes": 32,
            },
        }
    }


def test_an_rsa_pair_made_with_defaults_can_do_nothing_and_is_extractable(cli) -> None:
    numbers = {"MODULUS": b"\xc1" + bytes(255), "PUBLIC_EXPONENT": b"\x01\x00\x01"}
    cli.client.answers[Operation.GENERATE_KEY_PAIR] = {
        "objects": [
            view(1, ObjectClass.PUBLIC_KEY, KeyType.RSA, "p", **numbers),
            view(2, ObjectClass.PRIVATE_KEY, KeyType.RSA, "k", **numbers),
        ]
    }
    data = cli(RSA).data
    (body,) = cli.client.asked(Operation.GENERATE_KEY_PAIR)
    public, private = sent(body, "public_template"), sent(body, "private_template")
    assert (public["MODULUS_BITS"], public["PUBLIC_EXPONENT"]) == (2048, b"\x01\x00\x01")
    assert [public[name] for name in ("ENCRYPT", "VERIFY", "WRAP")] == [False] * 3
    assert [private[name] for name in ("DECRYPT", "SIGN", "UNWRAP", "DERIVE")] == [False] * 4
    assert private["EXTRACTABLE"] is True
    attributes = data["private_key"]["attributes"]
    assert attributes["modulus"] == "0xc1" + "00" * 255
    assert (attributes["public-exponent"], attributes["modulus-size-bits"]) == ("0x010001", 2048)
    # The lengths of AWS's samples.
    assert (attributes["key-length-bytes"], data["public_key"]["attributes"]["key-length-bytes"]) == (1219, 512)


def test_an_ec_pair_shows_curve_and_raw_point(cli) -> None:
    p256 = curves.by_name("secp256r1")
    assert p256
    numbers = {"EC_PARAMS": p256.parameters, "EC_POINT": b"\x04\x41" + POINT}
    cli.client.answers[Operation.GENERATE_KEY_PAIR] = {
        "objects": [
            view(1, ObjectClass.PUBLIC_KEY, KeyType.EC, "p", **numbers),
            view(2, ObjectClass.PRIVATE_KEY, KeyType.EC, "k", **numbers),
        ]
    }
    data = cli(EC + " --public-attributes verify=true --private-attributes sign=true extractable=false").data
    (body,) = cli.client.asked(Operation.GENERATE_KEY_PAIR)
    assert body["mechanism"] == Mechanism.EC_KEY_PAIR_GEN
    assert sent(body, "public_template")["EC_PARAMS"] == p256.parameters
    assert sent(body, "public_template")["VERIFY"] is True
    assert sent(body, "private_template")["SIGN"] is True
    attributes = data["public_key"]["attributes"]
    assert (attributes["curve"], attributes["ec-point"]) == ("secp256r1", "0x" + POINT.hex())
    assert (attributes["key-type"], attributes["class"]) == ("ec", "public-key")
    assert attributes["extractable"] is True
    assert (attributes["key-length-bytes"], data["private_key"]["attributes"]["key-length-bytes"]) == (65, 138)


def test_an_ed25519_pair_has_its_own_mechanism(cli) -> None:
    ed25519 = curves.by_name("ed25519")
    assert ed25519
    numbers = {"EC_PARAMS": ed25519.parameters, "EC_POINT": b"\x04\x20" + bytes(32)}
    cli.client.answers[Operation.GENERATE_KEY_PAIR] = {
        "objects": [
            view(1, ObjectClass.PUBLIC_KEY, KeyType.EC_EDWARDS, "p", **numbers),
            view(2, ObjectClass.PRIVATE_KEY, KeyType.EC_EDWARDS, "k", **numbers),
        ]
    }
    data = cli("key generate-asymmetric-pair ec --curve ed25519 --public-label p --private-label k").data
    assert data["public_key"]["attributes"]["key-length-bytes"] == 32
    assert data["private_key"]["attributes"]["key-length-bytes"] == 48
    (body,) = cli.client.asked(Operation.GENERATE_KEY_PAIR)
    assert body["mechanism"] == Mechanism.EC_EDWARDS_KEY_PAIR_GEN


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ("sing=true", "There is no attribute 'sing'; did you mean 'sign'?"),
        ("sign", "'sign' is not an attribute with its value: write name=value"),
        ("sign=yes", "'yes' is no value of the attribute sign: it must be true or false."),
        ("sign=true sign=false", "The attribute sign is given twice."),
        ("token=false", "The attribute token cannot be set at creation; use --session for a session key."),
        ("label=k", "cannot be set at creation; use the label option"),
        ("trusted=true", "an admin sets it with `key set-attribute` once the key exists"),
        ("check-value=0x00", "cannot be set at creation; the HSM computes it."),
        ("value=0x00", "There is no attribute 'value'"),
        ("id=12", "'12' is no value of the attribute id: it must be bytes in hexadecimal"),
        ("id=0x123", "with an even number of digits"),
    ],
)
def test_a_bad_attribute_says_what_is_right_and_asks_no_hsm(cli, attributes: str, message: str) -> None:
    assert message in cli(AES + " --attributes " + attributes).error
    assert cli.client.calls == []


def test_an_exponent_that_is_no_positive_number_is_refused(cli) -> None:
    assert "must be a positive number" in cli(RSA.replace("65537", "0")).error


def test_a_key_is_deleted_by_its_reference(cli) -> None:
    cli.holds(secret())
    cli.client.answers[Operation.DESTROY_OBJECT] = {}
    assert cli("key delete --filter key-reference=0x540011").data == {"message": "Key deleted successfully"}
    assert cli.client.asked(Operation.DESTROY_OBJECT) == [{"reference": 0x540011}]


def test_an_attribute_is_set_on_the_one_key_that_matches(cli) -> None:
    cli.holds(secret(1, "a"), secret(2, "b"))
    cli.client.answers[Operation.SET_ATTRIBUTES] = {"objects": [secret(2, "b")]}
    line = "key set-attribute --filter attr.label=b --name encrypt --value true"
    assert cli(line).data == {"message": "Attribute set successfully"}
    assert cli.client.asked(Operation.SET_ATTRIBUTES) == [{"reference": 2, "template": {Attribute.ENCRYPT: True}}]


def test_a_computed_attribute_cannot_be_set(cli) -> None:
    error = cli("key set-attribute --filter attr.label=b --name local --value true").error
    assert error.startswith("The attribute local cannot be changed; these can: decrypt, derive, destroyable")


def test_keys_are_listed_shortly_and_page_by_page(cli) -> None:
    cli.holds(*(secret(n, f"k{n}") for n in range(1, 13)))
    first = cli("key list").data
    assert first["matched_keys"][0] == {"key-reference": "0x0000000000000001", "attributes": {"label": "k1"}}
    assert (first["total_key_count"], first["returned_key_count"]) == (12, 10)
    second = cli(f"key list --starting-token {first['next_token']}").data
    assert [key["attributes"]["label"] for key in second["matched_keys"]] == ["k11", "k12"]
    assert (second["total_key_count"], second["returned_key_count"]) == (12, 2)
    assert "next_token" not in second


def test_the_verbose_list_shows_key_objects(cli) -> None:
    cli.holds(secret())
    (key,) = cli("key list -v").data["matched_keys"]
    assert key["key-info"]["cluster-coverage"] == "full"
    assert key["attributes"]["class"] == "secret-key"


def test_an_admin_sees_references_and_labels_only(cli) -> None:
    attributes = {Attribute.LABEL.value: "k", Attribute.TRUSTED.value: True}
    seen = {"reference": 7, "attributes": attributes, "version": 1}
    cli.client.answers[Operation.ATTRIBUTES] = {"objects": [seen]}
    (key,) = cli("key list --verbose --filter key-reference=0x7").data["matched_keys"]
    assert key["attributes"] == {"label": "k", "trusted": True}


@pytest.mark.parametrize("token", ["10", "0x", "0x00000000000000011", "x"])
def test_a_token_that_no_answer_gave_is_refused(cli, token: str) -> None:
    assert "use the next_token of an earlier answer" in cli(f"key list --starting-token {token}").error


@pytest.mark.parametrize(("command", "operation"), [("share", Operation.SHARE_KEY), ("unshare", Operation.UNSHARE_KEY)])
def test_a_key_is_shared_and_unshared_with_a_crypto_user(cli, command, operation) -> None:
    cli.holds(secret(1, "a"), secret(2, "b"))
    cli.client.answers[operation] = {"objects": [secret(2, "b")]}
    line = f"key {command} --filter attr.label=b --username bob --role crypto-user"
    assert cli(line).data == {"message": f"Key {command}d successfully"}
    assert cli.client.asked(operation) == [{"reference": 2, "username": "bob"}]


@pytest.mark.parametrize("command", ["share", "unshare"])
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("--filter attr.label=b --username bob --role admin", "'admin' is not 'crypto-user'"),
        ("--filter attr.label=b --username bob", "--role"),
        ("--filter attr.label=b --role crypto-user", "--username"),
        ("--username bob --role crypto-user", "--filter"),
        ("--filter attr.label=c --username bob --role crypto-user", "No key"),
    ],
)
def test_sharing_needs_one_key_and_a_crypto_user(cli, command, arguments, said) -> None:
    cli.holds(secret(1, "a"), secret(2, "b"))
    assert said in cli(f"key {command} {arguments}").error
    assert not cli.client.asked(Operation.SHARE_KEY) + cli.client.asked(Operation.UNSHARE_KEY)


@pytest.mark.parametrize(
    ("line", "operation", "made"),
    [
        (AES, Operation.GENERATE_KEY, 1),
        ("key generate-symmetric generic-secret --label k1 --key-length-bytes 64", Operation.GENERATE_KEY, 1),
        (RSA, Operation.GENERATE_KEY_PAIR, 2),
        (EC, Operation.GENERATE_KEY_PAIR, 2),
    ],
)
def test_a_new_key_is_shared_from_its_beginning(cli, line, operation, made) -> None:
    cli.client.answers[operation] = {"objects": [secret(number) for number in range(made)]}
    assert cli(f"{line} --share-crypto-users bob carol").status == 0
    assert cli.client.asked(operation)[0]["shared_users"] == ["bob", "carol"]
