"""Key reference files: what is written is read, and the key that is found is the one that was meant."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from software_hsm import AES_REFERENCE, EC_REFERENCE, ED25519_REFERENCE, RSA_REFERENCE, SoftwareHsm

from strongroom.client import KeyNotFound, Session
from strongroom.client.key_reference_files import KeyReferenceFile, encode, read


def of(key: Any, reference: int, **more: Any) -> KeyReferenceFile:
    """What the file of a key says."""
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    said: dict[str, Any] = {
        "cluster_id": "cluster-a",
        "key_reference": f"0x{reference:016x}",
        "pkcs11_uri": "pkcs11:serial=a;object=ca;type=private",
        "label": "ca",
        "id": "0x",
        "key_type": "ec",
        "public_key": pem,
    }
    return KeyReferenceFile(**said | more)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "k.json"


def test_what_is_written_is_read_and_is_ascii(hsm: SoftwareHsm, path: Path) -> None:
    file = of(hsm.ec_key, EC_REFERENCE, label="é\u202e\n", id="0x01ab", curve="secp256r1")
    path.write_bytes(encode(file))
    assert path.read_bytes().isascii()
    assert read(path) == file
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert read(path) == file


def test_the_key_of_a_file_signs(hsm: SoftwareHsm, session: Session, path: Path) -> None:
    path.write_bytes(encode(of(hsm.ec_key, EC_REFERENCE)))
    signature = session.keys.by_reference_file(path).sign(b"data", ec.ECDSA(hashes.SHA256()))
    hsm.ec_key.public_key().verify(signature, b"data", ec.ECDSA(hashes.SHA256()))
    path.write_bytes(encode(of(hsm.rsa_key, RSA_REFERENCE, key_type="rsa", cluster_id=None)))
    signature = session.keys.by_reference_file(str(path)).sign(b"data", padding.PKCS1v15(), hashes.SHA256())
    hsm.rsa_key.public_key().verify(signature, b"data", padding.PKCS1v15(), hashes.SHA256())


def test_a_file_of_another_cluster_finds_nothing(hsm: SoftwareHsm, session: Session, path: Path) -> None:
    path.write_bytes(encode(of(hsm.ec_key, EC_REFERENCE, cluster_id="cluster-b")))
    with pytest.raises(KeyNotFound, match="a key of cluster-b, and this session is with cluster-a"):
        session.keys.by_reference_file(path)
    assert hsm.calls == []


@pytest.mark.parametrize("reference", [RSA_REFERENCE, EC_REFERENCE + 1, AES_REFERENCE, ED25519_REFERENCE])
def test_another_key_of_that_reference_is_not_taken(
    hsm: SoftwareHsm, session: Session, path: Path, reference: int
) -> None:
    path.write_bytes(encode(of(hsm.ec_key, reference)))
    with pytest.raises(KeyNotFound, match="is not the private key that the file was written for"):
        session.keys.by_reference_file(path)


def test_a_file_without_a_public_key_finds_private_keys_of_its_kinds_only(
    hsm: SoftwareHsm, session: Session, path: Path
) -> None:
    path.write_bytes(encode(of(hsm.ec_key, EC_REFERENCE, public_key=None)))
    assert session.keys.by_reference_file(path).reference == EC_REFERENCE
    path.write_bytes(encode(of(hsm.ec_key, AES_REFERENCE, public_key=None)))
    with pytest.raises(KeyNotFound, match="is not the private key"):
        session.keys.by_reference_file(path)


def test_a_key_that_is_gone_is_not_found(hsm: SoftwareHsm, session: Session, path: Path) -> None:
    path.write_bytes(encode(of(hsm.ec_key, 0x99)))
    with pytest.raises(KeyNotFound, match="0x0000000000000099"):
        session.keys.by_reference_file(path)


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("version", 2),
        ("format", "another"),
        ("key-reference", "0x1"),
        ("key-reference", 33),
        ("class", "public-key"),
        ("key-type", "aes"),
        ("id", "zz"),
        ("label", None),
    ],
)
def test_a_file_that_says_something_else_is_refused(
    hsm: SoftwareHsm, session: Session, path: Path, member: str, value: object
) -> None:
    path.write_text(json.dumps(json.loads(encode(of(hsm.ec_key, EC_REFERENCE))) | {member: value}))
    with pytest.raises(ValueError, match=rf"k\.json is no key reference file of version 1: .*{member}"):
        session.keys.by_reference_file(path)
    assert hsm.calls == []


@pytest.mark.parametrize("content", [b"", b"[]", b"-----BEGIN PKCS#11 PROVIDER URI-----", b"\xff\xfe{\x00}\x00", b"{}"])
def test_another_file_is_refused(session: Session, path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(ValueError, match="is no key reference file"):
        session.keys.by_reference_file(path)


def test_a_public_key_that_is_none_is_refused(hsm: SoftwareHsm, session: Session, path: Path) -> None:
    path.write_bytes(encode(of(hsm.ec_key, EC_REFERENCE, public_key="é")))
    with pytest.raises(ValueError, match="holds no public key in PEM"):
        session.keys.by_reference_file(path)
    assert hsm.calls == []


def test_members_of_later_releases_are_ignored(hsm: SoftwareHsm, path: Path) -> None:
    file = of(hsm.ec_key, EC_REFERENCE)
    path.write_text(json.dumps(json.loads(encode(file)) | {"more": 1}))
    assert read(path) == file


def test_a_file_that_is_not_there_is_an_error_of_the_system(session: Session, path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        session.keys.by_reference_file(path)
