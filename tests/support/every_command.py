"""Every command of `cloudhsm-cli` with right options: for tests that are generated from the commands."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from one_cluster import OneCluster

from strongroom.cli.cloudhsm.terminal import Terminal
from strongroom.vocabulary.roles import Role

LABEL = "permissions"
"""Of alice's key."""
FILTER = f"attr.label={LABEL}"
WRAP = f"--payload-filter {FILTER} --wrapping-filter {FILTER}"
UNWRAP = f"--filter {FILTER} --data AAAA --key-type-class aes --label eve"
GCM, OAEP = "--tag-length-bits 128", "--hash-function sha256 --mgf mgf1-sha256"
SIGN = f"--key-filter {FILTER} --hash-function sha256 --data AAAA"
PAIR = "--public-label eve --private-label eve"
ALICE = "--username alice --role crypto-user"
ADMINS, CRYPTO_USERS, BOTH, ALL = {Role.ADMIN}, {Role.CRYPTO_USER}, {Role.ADMIN, Role.CRYPTO_USER}, set(Role)
_MECHANISMS = {
    "aes-gcm": GCM,
    "aes-no-pad": "",
    "aes-pkcs5-pad": "",
    "aes-zero-pad": "",
    "cloudhsm-aes-gcm": GCM,
    "rsa-aes": OAEP,
    "rsa-oaep": OAEP,
    "rsa-pkcs": "",
}
COMMANDS: dict[str, tuple[str, set[Role]]] = {
    "cluster activate": ("--password eve-password", ALL),
    "cluster hsm-info": ("", ALL),
    "cluster mtls deregister-trust-anchor": ("--certificate-reference 0x01", ADMINS),
    "cluster mtls get-enforcement": ("", BOTH),
    "cluster mtls list-trust-anchors": ("", ALL),
    "cluster mtls register-trust-anchor": ("--path PEM", ADMINS),
    "cluster mtls set-enforcement": ("--level cluster", ADMINS),
    "crypto sign ecdsa": (SIGN, CRYPTO_USERS),
    "crypto sign ed25519": (f"--key-filter {FILTER} --data AAAA", CRYPTO_USERS),
    "crypto sign ed25519ph": (SIGN.replace("sha256", "sha512"), CRYPTO_USERS),
    "crypto sign ml-dsa": (f"--key-filter {FILTER} --hash-function shake256 --data AAAA", CRYPTO_USERS),
    "crypto sign rsa-pkcs": (SIGN, CRYPTO_USERS),
    "crypto sign rsa-pkcs-pss": (f"{SIGN} --mgf mgf1-sha256 --salt-length 32", CRYPTO_USERS),
    "crypto verify ecdsa": (f"{SIGN} --signature AAAA", CRYPTO_USERS),
    "crypto verify ed25519": (f"--key-filter {FILTER} --data AAAA --signature AAAA", CRYPTO_USERS),
    "crypto verify ed25519ph": (f"{SIGN.replace('sha256', 'sha512')} --signature AAAA", CRYPTO_USERS),
    "crypto verify ml-dsa": (
        f"--key-filter {FILTER} --hash-function shake256 --data AAAA --signature AAAA",
        CRYPTO_USERS,
    ),
    "crypto verify rsa-pkcs": (f"{SIGN} --signature AAAA", CRYPTO_USERS),
    "crypto verify rsa-pkcs-pss": (f"{SIGN} --mgf mgf1-sha256 --salt-length 32 --signature AAAA", CRYPTO_USERS),
    "help": ("", ALL),
    "key delete": (f"--filter {FILTER}", CRYPTO_USERS),
    # An admin is shown no public keys, and reads no more than `key list` tells.
    "key export-public": (f"--filter {FILTER}", BOTH),
    "key generate-asymmetric-pair ec": (f"--curve secp256r1 {PAIR}", CRYPTO_USERS),
    "key generate-asymmetric-pair ml-dsa": (f"--mldsa-algorithm ML-DSA-44 {PAIR}", CRYPTO_USERS),
    "key generate-asymmetric-pair rsa": (f"--modulus-size-bits 2048 --public-exponent 65537 {PAIR}", CRYPTO_USERS),
    "key generate-file": (f"--encoding reference-pem --path eve.pem --filter {FILTER}", BOTH),
    "key generate-symmetric aes": ("--label eve --key-length-bytes 32", CRYPTO_USERS),
    "key generate-symmetric generic-secret": ("--label eve --key-length-bytes 32", CRYPTO_USERS),
    "key import pem": ("--path PEM --label eve --key-type-class rsa-public", CRYPTO_USERS),
    "key list": ("", BOTH),
    "key replicate": (f"--filter {FILTER} --source-cluster-id ID --destination-cluster-id ID", BOTH),
    "key set-attribute": (f"--filter {FILTER} --name label --value eve", BOTH),
    "key share": (f"--filter {FILTER} --username bob --role crypto-user", CRYPTO_USERS),
    "key unshare": (f"--filter {FILTER} --username bob --role crypto-user", CRYPTO_USERS),
    **{f"key wrap {name}": (f"{WRAP} {options}", CRYPTO_USERS) for name, options in _MECHANISMS.items()},
    **{
        f"key unwrap {name}": (f"{UNWRAP} {options}{' --iv 0x00' if name == 'aes-gcm' else ''}", CRYPTO_USERS)
        for name, options in _MECHANISMS.items()
    },
    "login": (f"{ALICE} --password alice-password", ALL),
    "logout": ("", BOTH),
    "quorum token-sign delete": ("--scope all", ADMINS),
    "quorum token-sign generate": ("--service registration --token eve.token", BOTH),
    "quorum token-sign list": ("", BOTH),
    "quorum token-sign list-quorum-values": ("", ALL),
    "quorum token-sign list-timeouts": ("", ALL),
    "quorum token-sign set-timeout": ("--approved 600", ADMINS),
    "quorum token-sign set-quorum-value": ("--service user --value 2", ADMINS),
    "user change-quorum token-sign register": ("--public-key PEM --signed-token eve.token", BOTH),
    "user change-mfa token-sign": (f"{ALICE} --deregister --change-password eve-password", BOTH),
    "user change-password": (f"{ALICE} --password eve-password", BOTH),
    "user create": ("--username eve --role crypto-user --password eve-password", ADMINS),
    "user delete": (ALICE, ADMINS),
    "user list": ("", ALL),
    "user replicate": (f"{ALICE} --source-cluster-id ID --destination-cluster-id ID", ADMINS),
}
"""Every command with right options, and the roles that may use it (aws-cloudhsm 4.2); ``ALL`` need no login."""


class Lines(Terminal):
    """Commands on standard input, and their answers."""

    def __init__(self, lines: Sequence[str] = ()) -> None:
        self.lines = list(lines)
        self.answers: list[dict[str, Any]] = []

    def is_interactive(self) -> bool:
        return False

    def write(self, text: str) -> None:
        self.answers.append(json.loads(text))

    def read_line(self) -> str | None:
        return self.lines.pop(0) if self.lines else None


def leaves(group: click.Group, path: str = "") -> Iterator[str]:
    """The names of all commands."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from leaves(command, f"{path}{name} ")
        else:
            yield f"{path}{name}"


def lines(cluster: OneCluster, names: Sequence[str]) -> list[str]:
    """The right lines of these commands."""
    pem = cluster.directory / "public.pem"
    if not pem.exists():
        public = cluster.authority.key.public_key()
        pem.write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    said = [f"{name} {COMMANDS[name][0]}" for name in names]
    return [line.replace("ID", cluster.cluster_id).replace("PEM", str(pem)) for line in said]


def write_configuration(cluster: OneCluster, hsm: str) -> Path:
    """A client's file that names this HSM."""
    path = cluster.directory / "client.json"
    address, port = cluster.listening()[hsm]
    entry = {
        "hsm_ca_file": str(cluster.trust_anchor),
        "cluster_id": cluster.cluster_id,
        "servers": [{"hostname": address, "port": port}],
    }
    path.write_text(json.dumps({"clusters": [{"type": "hsm1", "cluster": entry}]}))
    return path
