"""``key generate-file --encoding ksp-key-reference``: which keys have a file, what is in it, and what its name is."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from strongroom.client import Refused, curves
from strongroom.client.key_reference_files import read
from strongroom.client.object_kinds import KeyType, ObjectClass
from strongroom.client.return_codes import ReturnCode
from strongroom.vocabulary.attributes import Attribute
from strongroom.vocabulary.operations import Operation

DONE = "Successfully generated key file"
EC_KEY = ec.generate_private_key(ec.SECP256R1())
INFO = EC_KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def private(reference: int, label: str = "k", more: dict[Attribute, Any] | None = None) -> dict[str, Any]:
    """A P-256 private key, where ``more`` says nothing else."""
    attributes = {
        Attribute.CLASS: ObjectClass.PRIVATE_KEY.value,
        Attribute.KEY_TYPE: KeyType.EC.value,
        Attribute.EC_PARAMS: curves.known("secp256r1").parameters,
        Attribute.PUBLIC_KEY_INFO: INFO,
        Attribute.LABEL: label,
        Attribute.TOKEN: True,
        **(more or {}),
    }
    numbered = {attribute.value: value for attribute, value in attributes.items()}
    return {"reference": reference, "attributes": numbered, "version": 1, "owner": "alice", "shared_users": []}


def on(curve: str, key_type: KeyType = KeyType.EC) -> dict[Attribute, Any]:
    return {Attribute.KEY_TYPE: key_type.value, Attribute.EC_PARAMS: curves.known(curve).parameters}


def rsa(bits: int) -> dict[Attribute, Any]:
    return {Attribute.KEY_TYPE: KeyType.RSA.value, Attribute.MODULUS: (1 << bits - 1).to_bytes(bits // 8)}


def generate(cli: Any, into: Path, which: str) -> Any:
    return cli(f"key generate-file --encoding ksp-key-reference --path {into} {which}")


def one(cli: Any, into: Path, reference: int = 0x21) -> Any:
    return generate(cli, into, f"--filter key-reference=0x{reference:x}")


def names(into: Path) -> list[str]:
    return sorted(path.name for path in into.iterdir())


# -- one key ----------------------------------------------------------------------------------------------------------


def test_a_file_says_which_cluster_which_key_and_what_it_is(cli: Any, tmp_path: Path) -> None:
    cli.holds(private(0x21, "é web", {Attribute.ID: b"\x01\xab"}))
    which = "--filter attr.class=private-key --cluster-id cluster-abcdefghijk"
    path = tmp_path / "web-0000000000000021.json"
    assert generate(cli, tmp_path, which).data == {
        "message": DONE,
        "key-files": [{"key-reference": "0x0000000000000021", "label": "é web", "path": str(path)}],
    }
    assert json.loads(path.read_bytes().decode("ascii")) == {
        "format": "strongroom-key-reference",
        "version": 1,
        "cluster-id": "cluster-abcdefghijk",
        "key-reference": "0x0000000000000021",
        "pkcs11-uri": "pkcs11:serial=abcdefghijk;id=%01%AB;object=%C3%A9%20web;type=private",
        "label": "é web",
        "id": "0x01ab",
        "class": "private-key",
        "key-type": "ec",
        "curve": "secp256r1",
        "modulus-size-bits": None,
        "public-key": EC_KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
    }
    assert names(tmp_path) == [path.name]


@pytest.mark.parametrize("bits", [2048, 3072, 4096])
def test_a_file_of_an_rsa_key_says_its_size(cli: Any, tmp_path: Path, bits: int) -> None:
    cli.holds(private(0x21, more=rsa(bits)))
    (written,) = one(cli, tmp_path).data["key-files"]
    file = read(written["path"])
    assert (file.key_type, file.modulus_size_bits, file.curve, file.cluster_id) == ("rsa", bits, None, None)


@pytest.mark.parametrize("curve", ["secp256r1", "secp384r1", "secp521r1"])
def test_a_file_of_an_ec_key_says_its_curve(cli: Any, tmp_path: Path, curve: str) -> None:
    cli.holds(private(0x21, more=on(curve)))
    (written,) = one(cli, tmp_path).data["key-files"]
    assert read(written["path"]).curve == curve


def test_a_public_key_that_the_hsm_does_not_have_is_null(cli: Any, tmp_path: Path) -> None:
    cli.holds(private(0x21, more={Attribute.PUBLIC_KEY_INFO: b""}))
    (written,) = one(cli, tmp_path).data["key-files"]
    assert read(written["path"]).public_key is None


def test_a_uri_that_would_not_name_the_key_alone_is_null(cli: Any, tmp_path: Path) -> None:
    cli.holds(private(1, "same"), private(2, "same"), private(3, "same", {Attribute.ID: b"\x03"}), private(4, ""))
    data = generate(cli, tmp_path, "--all").data
    uris = [read(written["path"]).pkcs11_uri for written in data["key-files"]]
    assert uris == [None, None, "pkcs11:id=%03;object=same;type=private", None]


KINDS = "key storage providers have RSA keys of 2048, 3072 and 4096 bits and EC keys on secp256r1, secp384r1 and"
REFUSED = [
    (on("secp224r1"), f"The key 0x0000000000000021 is an EC key on secp224r1, and {KINDS}"),
    (on("secp256k1"), f"is an EC key on secp256k1, and {KINDS}"),
    (rsa(2304), f"is an RSA key of 2304 bits, and {KINDS}"),
    (on("ed25519", KeyType.EC_EDWARDS), f"is of the type ec-edwards, and {KINDS}"),
    ({Attribute.KEY_TYPE: KeyType.ML_DSA.value}, f"is of the type ml-dsa, and {KINDS}"),
    ({Attribute.TOKEN: False}, "is a session key and gone with the login: no file can refer to it."),
    ({Attribute.CLASS: ObjectClass.PUBLIC_KEY.value}, "is not a private key, and ksp-key-reference is for private"),
    ({Attribute.CLASS: ObjectClass.SECRET_KEY.value}, "is not a private key, and ksp-key-reference is for private"),
]


@pytest.mark.parametrize(("more", "message"), REFUSED)
def test_a_key_that_a_provider_does_not_have_is_refused(
    cli: Any, tmp_path: Path, more: dict[Attribute, Any], message: str
) -> None:
    cli.holds(private(0x21, more=more))
    assert message in one(cli, tmp_path).error
    assert names(tmp_path) == []


def test_a_filter_that_none_or_several_keys_match_is_refused(cli: Any, tmp_path: Path) -> None:
    cli.holds(private(1), private(2))
    assert "2 keys match the filter attr.label=k and the command needs one" in (
        generate(cli, tmp_path, "--filter attr.label=k").error
    )
    assert "No key matches the filter attr.label=x" in generate(cli, tmp_path, "--filter attr.label=x").error
    assert names(tmp_path) == []


# -- all keys ---------------------------------------------------------------------------------------------------------


def test_each_private_key_has_a_file_and_the_answer_says_which_have_none(
    cli: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("strongroom.client.objects.PAGE", 2)
    others = [private(0x30 + at, f"other-{at}", more) for at, (more, _) in enumerate(REFUSED)]
    cli.holds(private(1, "a"), private(2, "b", rsa(3072)), private(3, "c"), *others, private(0x50, "d"))
    data = generate(cli, tmp_path, "--all").data
    assert list(data) == ["message", "key-files", "keys-left-out"]
    assert data["message"] == DONE
    assert [written["label"] for written in data["key-files"]] == ["a", "b", "c", "d"]
    assert names(tmp_path) == [Path(written["path"]).name for written in data["key-files"]]
    assert [left["label"] for left in data["keys-left-out"]] == [f"other-{at}" for at in range(6)]
    assert data["keys-left-out"][5] == {
        "key-reference": "0x0000000000000035",
        "label": "other-5",
        "reason": "The key is a session key and gone with the login: no file can refer to it.",
    }


def test_keys_of_one_label_have_files_of_their_own(cli: Any, tmp_path: Path) -> None:
    cli.holds(private(1, "k"), private(2, "k"), private(3, "K"))
    data = generate(cli, tmp_path, "--all").data
    assert [read(written["path"]).reference for written in data["key-files"]] == [1, 2, 3]
    assert len({name.lower() for name in names(tmp_path)}) == 3


def test_where_no_key_can_have_a_file_that_is_an_error(cli: Any, tmp_path: Path) -> None:
    cli.holds(private(1, more=rsa(2304)))
    assert generate(cli, tmp_path, "--all").error.startswith("No private key that you can see (1) can have a file")
    cli.holds()
    assert generate(cli, tmp_path, "--all").error.startswith("There is no private key that you can see")
    assert names(tmp_path) == []


def test_all_as_a_table(cli: Any, tmp_path: Path) -> None:
    cli.holds(private(1))
    assert f"0x0000000000000001  k      {tmp_path}/k-" in generate(cli, tmp_path, "--all --output table").text


def test_an_admin_is_told_who_is_shown_private_keys(cli: Any, tmp_path: Path) -> None:
    cli.environment["CLOUDHSM_ROLE"] = "admin"
    seen = {"reference": 0x21, "attributes": {Attribute.LABEL.value: "k"}, "version": 1}
    cli.client.answers[Operation.ATTRIBUTES] = {"objects": [seen]}
    assert "log in as the crypto-user who owns it." in one(cli, tmp_path).error
    assert "log in as the crypto-user who owns them." in generate(cli, tmp_path, "--all").error
    assert cli.client.asked(Operation.FIND) == []


# -- names ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("web_server-1", "web_server-1"),
        ("", "key"),
        ("../../etc/passwd", "etc_passwd"),
        ("/", "key"),
        ("..", "key"),
        (r"C:\Windows\x", "C_Windows_x"),
        ("a\x00b\nc", "a_b_c"),
        ("CON", "CON"),
        ("nul.txt", "nul_txt"),
        ('a<b>c:d"e|f?g*h', "a_b_c_d_e_f_g_h"),
        ("-rf", "rf"),
        ("name. ", "name"),
        ("日本語", "key"),
        ("x" * 127, "x" * 64),
    ],
)
def test_a_label_makes_a_name_that_every_file_system_takes(cli: Any, tmp_path: Path, label: str, name: str) -> None:
    into = tmp_path / "in"
    into.mkdir()
    cli.holds(private(0x21, label))
    (written,) = one(cli, into).data["key-files"]
    assert written == {
        "key-reference": "0x0000000000000021",
        "label": label,
        "path": str(into / f"{name}-0000000000000021.json"),
    }
    assert names(into) == [f"{name}-0000000000000021.json"]
    assert names(tmp_path) == ["in"]
    assert read(written["path"]).label == label


# -- writing ----------------------------------------------------------------------------------------------------------


def test_a_file_is_written_again_in_its_place_with_the_mode_of_new_files(cli: Any, tmp_path: Path) -> None:
    cli.holds(private(0x21))
    (written,) = one(cli, tmp_path).data["key-files"]
    path = Path(written["path"])
    content = path.read_bytes()
    path.write_bytes(b"before")
    plain = tmp_path / "plain"
    plain.touch()
    one(cli, tmp_path)
    assert path.read_bytes() == content
    assert path.stat().st_mode == plain.stat().st_mode
    assert names(tmp_path) == [path.name, "plain"]


@pytest.mark.parametrize("which", ["--all", "--filter key-reference=0x21"])
def test_a_directory_that_is_not_there_is_an_error_before_the_hsm_is_asked(
    cli: Any, tmp_path: Path, which: str
) -> None:
    cli.holds(private(0x21))
    (tmp_path / "file").touch()
    for path in (tmp_path / "none", tmp_path / "file"):
        assert f"there is no directory {path}" in generate(cli, path, which).error
    assert "there is no directory" in cli(f"key generate-file --encoding ksp-key-reference --path '' {which}").error
    assert cli.client.calls == []
    assert names(tmp_path) == ["file"]


def test_a_disk_that_fails_midway_leaves_whole_files_and_the_error_says_which(cli: Any, tmp_path: Path) -> None:
    cli.holds(private(1), private(2), private(3))
    in_the_way = tmp_path / "k-0000000000000003.json"
    in_the_way.mkdir()
    error = generate(cli, tmp_path, "--all").error
    assert error == (
        f"The file {in_the_way} cannot be written: Is a directory. Of 3 files 2 are written, those of keys up to "
        "0x0000000000000002."
    )
    assert names(tmp_path) == [f"k-000000000000000{at}.json" for at in (1, 2, 3)]
    assert [read(tmp_path / name).reference for name in names(tmp_path)[:2]] == [1, 2]
    assert one(cli, tmp_path, 3).error.endswith("Of 1 files 0 are written, none.")


def test_a_full_disk_leaves_what_was_there(cli: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cli.holds(private(1))
    one(cli, tmp_path, 1)
    before = (tmp_path / names(tmp_path)[0]).read_bytes()

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    cli.holds(private(1, more={Attribute.ID: b"\x01"}))
    monkeypatch.setattr(os, "fsync", full)
    assert "cannot be written: No space left on device." in one(cli, tmp_path, 1).error
    assert [(tmp_path / name).read_bytes() for name in names(tmp_path)] == [before]


def test_an_hsm_that_fails_midway_leaves_nothing_written(
    cli: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("strongroom.client.objects.PAGE", 2)
    cli.holds(private(1), private(2), private(3))
    find = cli.client.answers[Operation.FIND]

    def fails(body: dict[str, Any]) -> dict[str, Any]:
        if body["after"] >= 2:
            raise Refused(ReturnCode.DEVICE_ERROR, "the HSM is gone")
        answer: dict[str, Any] = find(body)
        return answer

    cli.client.answers[Operation.FIND] = fails
    assert generate(cli, tmp_path, "--all").error == "the HSM is gone"
    assert names(tmp_path) == []


# -- options ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--encoding ksp-key-reference", "Missing option '--filter'."),
        ("--encoding pem", "Missing option '--filter'."),
        ("--encoding pem --all", "--all is for --encoding ksp-key-reference only"),
        ("--encoding reference-pem --all", "--all is for --encoding ksp-key-reference only"),
        ("--encoding cloudhsm-reference-pem --all --filter attr.label=k", "--all is for --encoding ksp-key-reference"),
        ("--encoding ksp-key-reference --all --filter attr.label=k", "--filter says which key, --all takes each"),
    ],
)
def test_options_that_do_not_go_together_are_refused(cli: Any, tmp_path: Path, options: str, message: str) -> None:
    error = cli(f"key generate-file --path {tmp_path} {options}").error
    assert error.startswith(message)
    assert error.endswith("See `cloudhsm-cli key generate-file --help`.")
    assert cli.client.calls == []


def test_a_public_key_in_a_file_is_one_that_others_load(cli: Any, tmp_path: Path) -> None:
    cli.holds(private(0x21))
    (written,) = one(cli, tmp_path).data["key-files"]
    assert load_pem_public_key(json.loads(Path(written["path"]).read_text())["public-key"].encode()) == (
        EC_KEY.public_key()
    )
