from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_public_key,
    load_pem_public_key,
    load_ssh_public_key,
)

from strongroom.client import curves
from strongroom.client.object_kinds import KeyType, ObjectClass
from strongroom.vocabulary.attributes import Attribute
from strongroom.vocabulary.operations import Operation

EC_KEY = ec.generate_private_key(ec.SECP256R1())
INFO = EC_KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
IMPORT = "key import pem --path {} --label p --key-type-class {}"


def view(
    reference: int, object_class: ObjectClass, label: str = "k", more: dict[Attribute, Any] | None = None
) -> dict[str, Any]:
    attributes = {
        Attribute.CLASS: object_class.value,
        Attribute.KEY_TYPE: KeyType.EC.value,
        Attribute.LABEL: label,
        Attribute.TOKEN: True,
        **(more or {}),
    }
    numbered = {attribute.value: value for attribute, value in attributes.items()}
    return {"reference": reference, "attributes": numbered, "version": 1, "owner": "alice", "shared_users": []}


PRIVATE = view(0x21, ObjectClass.PRIVATE_KEY, more={Attribute.PUBLIC_KEY_INFO: INFO, Attribute.ID: b"\x01\xab"})
PUBLIC = view(0x22, ObjectClass.PUBLIC_KEY, "p", {Attribute.PUBLIC_KEY_INFO: INFO})
SECRET = view(0x23, ObjectClass.SECRET_KEY, "s")


def written(path: Path, key: Any, public_format: PublicFormat = PublicFormat.SubjectPublicKeyInfo) -> Path:
    path.write_bytes(key.public_key().public_bytes(Encoding.PEM, public_format))
    return path


@pytest.fixture
def cli(cli: Any) -> Any:
    cli.holds(PRIVATE, PUBLIC, SECRET)
    cli.client.answers[Operation.CREATE_OBJECT] = {"objects": [PUBLIC]}
    return cli


def created(cli: Any) -> dict[str, Any]:
    (body,) = cli.client.asked(Operation.CREATE_OBJECT)
    return {Attribute(number).name: value for number, value in body["template"].items()}


# -- key import pem ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("public_format", [PublicFormat.SubjectPublicKeyInfo, PublicFormat.PKCS1])
def test_an_rsa_public_key_is_imported(cli: Any, tmp_path: Path, public_format: PublicFormat) -> None:
    key = rsa.generate_private_key(65537, 2048)
    data = cli(IMPORT.format(written(tmp_path / "p.pem", key, public_format), "rsa-public")).data
    assert (list(data), data["message"]) == (["key", "message"], "Successfully imported key")
    assert created(cli) == {
        "CLASS": ObjectClass.PUBLIC_KEY,
        "KEY_TYPE": KeyType.RSA,
        "MODULUS": key.public_key().public_numbers().n.to_bytes(256),
        "PUBLIC_EXPONENT": b"\x01\x00\x01",
        "LABEL": "p",
        "VERIFY": False,
        **dict.fromkeys(("TOKEN", "PRIVATE", "MODIFIABLE", "DESTROYABLE"), True),
    }


def test_an_ec_public_key_is_imported_with_attributes(cli: Any, tmp_path: Path) -> None:
    path = written(tmp_path / "p.pem", EC_KEY)
    cli(IMPORT.format(path, "ec-public") + " --attributes verify=true id=0x01")
    template = created(cli)
    point = EC_KEY.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    assert template["EC_POINT"] == curves.point_attribute(point)
    assert (template["VERIFY"], template["ID"]) == (True, b"\x01")


def test_an_ed25519_public_key_is_imported(cli: Any, tmp_path: Path) -> None:
    path = written(tmp_path / "p.pem", ed25519.Ed25519PrivateKey.generate())
    cli(IMPORT.format(path, "ec-edwards-public"))
    assert created(cli)["KEY_TYPE"] == KeyType.EC_EDWARDS


def test_what_no_public_key_is_or_none_that_hsms_have_is_refused_with_the_way_to_go(cli: Any, tmp_path: Path) -> None:
    name = x509.Name([])
    request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(EC_KEY, hashes.SHA256())
    files = {
        "private": EC_KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        "certificate": b"-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n",
        "request": request.public_bytes(Encoding.PEM),
        "der": INFO,
        "empty": b"",
        "truncated": EC_KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)[:-40],
    }
    told = {
        "private": "holds a private key. Such keys come in wrapped, with `key unwrap`",
        "certificate": "its public key is written by `openssl x509 -in FILE -noout -pubkey`",
    }
    for file, content in files.items():
        (tmp_path / file).write_bytes(content)
        assert told.get(file, "holds no public key in PEM") in cli(IMPORT.format(tmp_path / file, "ec-public")).error
    assert "holds a key of a kind that HSMs do not have" in (
        cli(IMPORT.format(written(tmp_path / "ed448", ed448.Ed448PrivateKey.generate()), "ec-edwards-public")).error
    )
    assert "An HSM has no curve brainpoolP256r1" in (
        cli(IMPORT.format(written(tmp_path / "bp", ec.generate_private_key(ec.BrainpoolP256R1())), "ec-public")).error
    )
    assert cli(IMPORT.format(written(tmp_path / "ec", EC_KEY), "rsa-public")).error == (
        f"The file {tmp_path}/ec holds a key of the class ec-public, not rsa-public."
    )
    assert "cannot be read: No such file" in cli(IMPORT.format(tmp_path / "none", "rsa-public")).error
    assert cli.client.calls == []


# -- key export-public ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("label", ["k", "p"])
def test_either_half_gives_the_public_key(cli: Any, label: str) -> None:
    data = cli(f"key export-public --filter attr.label={label}").data
    assert list(data) == ["key-reference", "public-key"]
    assert data["public-key"].encode() == EC_KEY.public_key().public_bytes(
        Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
    )


def test_a_public_key_has_three_encodings(cli: Any) -> None:
    line = "key export-public --filter attr.label=k --encoding"
    found = {encoding: cli(f"{line} {encoding}").data["public-key"] for encoding in ("pem", "der", "openssh")}
    keys = [
        load_pem_public_key(found["pem"].encode()),
        load_der_public_key(base64.b64decode(found["der"])),
        load_ssh_public_key(found["openssh"].encode()),
    ]
    assert keys == [EC_KEY.public_key()] * 3


def test_a_public_key_goes_into_a_file(cli: Any, tmp_path: Path) -> None:
    path = tmp_path / "p.der"
    data = cli(f"key export-public --filter attr.label=k --encoding der --path {path}").data
    assert data == {"key-reference": "0x0000000000000021", "message": "Successfully exported public key"}
    assert path.read_bytes() == INFO


def test_a_secret_key_has_no_public_key(cli: Any) -> None:
    assert cli("key export-public --filter attr.label=s").error == (
        "The key 0x0000000000000023 is a secret key; only a key pair has a public key."
    )


def test_an_admin_is_told_who_exports(cli: Any) -> None:
    seen = {"reference": 7, "attributes": {Attribute.LABEL.value: "k"}, "version": 1}
    cli.client.answers[Operation.ATTRIBUTES] = {"objects": [seen]}
    assert "log in as the crypto-user" in cli("key export-public --filter key-reference=0x7").error


def test_openssh_has_not_every_curve(cli: Any) -> None:
    info = (
        ec.generate_private_key(ec.SECP256K1())
        .public_key()
        .public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    )
    cli.holds(view(0x21, ObjectClass.PRIVATE_KEY, more={Attribute.PUBLIC_KEY_INFO: info}))
    assert "OpenSSH has no such keys" in cli("key export-public --filter attr.label=k --encoding openssh").error


# -- key generate-file ------------------------------------------------------------------------------------------------


def generate(cli: Any, path: Path, encoding: str, terms: str) -> Any:
    return cli(f"key generate-file --encoding {encoding} --path {path} --filter {terms}")


def uri(path: Path) -> str:
    """What a reference PEM refers to."""
    lines = path.read_text().splitlines()
    assert (lines[0], lines[-1]) == ("-----BEGIN PKCS#11 PROVIDER URI-----", "-----END PKCS#11 PROVIDER URI-----")
    content = base64.b64decode("".join(lines[1:-1]))
    assert content[2:].startswith(b"\x1a\x19PKCS#11 Provider URI v1.0\x0c")
    return content.split(b"v1.0\x0c", 1)[1][1:].decode()


def test_a_public_key_file_is_pem(cli: Any, tmp_path: Path) -> None:
    path = tmp_path / "p.pem"
    assert generate(cli, path, "pem", "attr.label=p").data == {"message": "Successfully generated key file"}
    assert load_pem_public_key(path.read_bytes()) == EC_KEY.public_key()


@pytest.mark.parametrize("encoding", ["reference-pem", "cloudhsm-reference-pem"])
def test_a_reference_file_names_a_private_key_by_id_and_label(cli: Any, tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "k.pem"
    line = "attr.label=k attr.class=private-key --cluster-id cluster-abcdefghijk"
    assert generate(cli, path, encoding, line).data == {"message": "Successfully generated key file"}
    assert uri(path) == "pkcs11:serial=abcdefghijk;id=%01%AB;object=k;type=private"


def test_a_label_is_quoted_in_the_reference(cli: Any, tmp_path: Path) -> None:
    cli.holds(view(1, ObjectClass.PRIVATE_KEY, "a;b=c é"))
    generate(cli, tmp_path / "k.pem", "reference-pem", "key-reference=0x1")
    assert uri(tmp_path / "k.pem") == "pkcs11:object=a%3Bb%3Dc%20%C3%A9;type=private"


def test_a_label_that_other_keys_have_does_only_with_an_id(cli: Any, tmp_path: Path) -> None:
    named = view(1, ObjectClass.PRIVATE_KEY, "same", {Attribute.ID: b"\x01"})
    cli.holds(named, view(2, ObjectClass.PRIVATE_KEY, "same"))
    assert generate(cli, tmp_path / "1", "reference-pem", "key-reference=0x1").status == 0
    error = generate(cli, tmp_path / "2", "reference-pem", "key-reference=0x2").error
    assert error.startswith("Other private keys have the same label and id as 0x0000000000000002")
    assert error.endswith("key set-attribute --filter key-reference=0x0000000000000002 --name id --value 0x…")
    assert not (tmp_path / "2").exists()


@pytest.mark.parametrize(
    ("encoding", "terms", "message"),
    [
        ("pem", "attr.label=k", "is a private key and does not leave the HSM: use --encoding reference-pem"),
        ("pem", "attr.label=s", "is a secret key; only a key pair has a public key."),
        ("reference-pem", "attr.label=p", "is not a private key, and reference-pem is for private keys"),
        ("reference-pem", "attr.label=s", "is not a private key"),
        ("ksp-key-reference", "attr.label=k", "--path must name a directory for ksp-key-reference"),
        ("pem", "attr.label=x", "No key matches the filter attr.label=x"),
    ],
)
def test_a_file_that_cannot_be_is_refused_and_not_written(
    cli: Any, tmp_path: Path, encoding: str, terms: str, message: str
) -> None:
    path = tmp_path / "file"
    assert message in generate(cli, path, encoding, terms).error
    assert not path.exists()


def test_nothing_refers_to_a_session_key_or_to_a_key_without_a_name(cli: Any, tmp_path: Path) -> None:
    cli.holds(
        view(1, ObjectClass.PRIVATE_KEY, "k", {Attribute.TOKEN: False}),
        view(2, ObjectClass.PRIVATE_KEY, ""),
    )
    assert "is a session key" in generate(cli, tmp_path / "f", "reference-pem", "key-reference=0x1").error
    assert "has neither id nor label" in generate(cli, tmp_path / "f", "reference-pem", "key-reference=0x2").error
