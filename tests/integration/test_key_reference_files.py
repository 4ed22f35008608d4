"""Key reference files of `cloudhsm-cli`: a program finds the key in a real cluster, OpenSSL verifies what it signs."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from installed import crypto_user

from strongroom.client import KeyNotFound, NamedCurve, Session, connect

pytestmark = pytest.mark.cluster

ECDSA = ec.ECDSA(hashes.SHA256())
MORE_THAN_A_PAGE = 110


def logged_in(environment: Mapping[str, str]) -> Session:
    username, _, password = environment["CLOUDHSM_PIN"].partition(":")
    return connect(environment["STRONGROOM_CONFIG"], username=username, password=password)


def generate(environment: Mapping[str, str], encoding: str, path: Path, *which: str) -> dict[str, Any]:
    words = ["cloudhsm-cli", "key", "generate-file", "--encoding", encoding, "--path", str(path), *which]
    done = subprocess.run(words, env=dict(environment), capture_output=True, text=True, check=True)
    data: dict[str, Any] = json.loads(done.stdout)["data"]
    return data


def openssl_verifies(file: Mapping[str, Any], data: bytes, signature: bytes, directory: Path) -> None:
    paths = {"key": file["public-key"].encode(), "data": data, "signature": signature}
    for name, content in paths.items():
        (directory / name).write_bytes(content)
    words = ["openssl", "dgst", "-sha256", "-verify", "key", "-signature", "signature", "data"]
    done = subprocess.run(words, cwd=directory, capture_output=True, text=True, check=False)
    assert done.stdout == "Verified OK\n", done.stderr


@pytest.mark.parametrize("kind", ["rsa", NamedCurve.P256, NamedCurve.P384, NamedCurve.P521])
def test_the_key_of_a_file_signs_and_openssl_verifies_with_the_public_key_in_it(
    ephemeral: Mapping[str, str], tmp_path: Path, kind: str
) -> None:
    mine = crypto_user(ephemeral, f"files_{kind}")
    with logged_in(mine) as session:
        pair = (
            session.keys.generate_rsa(2048, label="server")
            if kind == "rsa"
            else session.keys.generate_ec(NamedCurve(kind), label="server")
        )
        which = ("--filter", "attr.label=server", "attr.class=private-key")
        (written,) = generate(mine, "ksp-key-reference", tmp_path, *which)["key-files"]
        file = json.loads(Path(written["path"]).read_text("ascii"))
        key = session.keys.by_reference_file(written["path"])
        assert key == pair.private
        arguments = (ECDSA,) if kind != "rsa" else (padding.PKCS1v15(), hashes.SHA256())
        openssl_verifies(file, b"data", key.sign(b"data", *arguments), tmp_path)  # type: ignore[arg-type]
        generate(mine, "reference-pem", tmp_path / "server.pem", *which)
        pem = (tmp_path / "server.pem").read_text().splitlines()[1:-1]
        assert base64.b64decode("".join(pem)).endswith(file["pkcs11-uri"].encode())
        assert f"serial={session.cluster_id.removeprefix('cluster-')};" in file["pkcs11-uri"]
        pair.destroy()
        with pytest.raises(KeyNotFound):
            session.keys.by_reference_file(written["path"])


def test_all_private_keys_of_a_user_have_files_page_after_page(ephemeral: Mapping[str, str], tmp_path: Path) -> None:
    mine, other = crypto_user(ephemeral, "files_all"), crypto_user(ephemeral, "files_other")
    with logged_in(mine) as session, logged_in(other) as theirs:
        pairs = [session.keys.generate_ec(label="same") for _ in range(MORE_THAN_A_PAGE)]
        shared = theirs.keys.generate_ec(label="shared")
        shared.private.share("files_all")
        theirs.keys.generate_ec(label="not mine")
        session.keys.generate_aes(label="secret")
        data = generate(mine, "ksp-key-reference", tmp_path, "--all")
        expected = {pair.private for pair in pairs} | {
            session.keys.by_reference(shared.private.reference),
        }
        assert {session.keys.by_reference_file(written["path"]) for written in data["key-files"]} == expected
        assert len(list(tmp_path.iterdir())) == len(data["key-files"]) == MORE_THAN_A_PAGE + 1
        assert data["keys-left-out"] == []
        uris = {json.loads(path.read_text())["pkcs11-uri"] for path in tmp_path.iterdir()}
        assert len(uris) == MORE_THAN_A_PAGE + 1
        assert None not in uris
        for pair in pairs:
            pair.destroy()
