"""Every limit that an operator sets, hit on a real HSM: a clear error, nothing changed (docs/reference/limits.md)."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptoki import CryptokiError, Module
from frames import Peer, Refused, request_id
from one_cluster import ADMIN_PASSWORD, P256, OneCluster, create_user, refused
from self_signed import self_signed

from strongroom.client import ReturnCode
from strongroom.installation.settings import Limits
from strongroom.vocabulary.attributes import Attribute
from strongroom.vocabulary.mechanisms import Mechanism
from strongroom.vocabulary.operations import Operation
from strongroom.vocabulary.quorum import QuorumService
from strongroom.vocabulary.records import HEAD
from strongroom.vocabulary.roles import Role

pytestmark = pytest.mark.cluster

ROOT = Path(__file__).parents[2]
A = Attribute
SET = {
    "max_keys": 8,
    "max_asymmetric_keys": 1,
    "max_certificates": 2,
    "max_data_objects": 1,
    "max_users": 4,
    "max_logins": 6,
    "max_connections": 8,
    "max_quorum_tokens": 2,
    "max_trust_anchors": 1,
    "max_trust_anchor_bytes": 600,
    "max_label_characters": 10,
    "max_secret_bytes": 16,
    "max_data_object_bytes": 100,
    "max_data_bytes": 2_048,
    "certificate_reads_per_second": 4,
    "certificate_writes_per_second": 2,
}
SLOW = "The HSM could not queue the request for processing."
TOO_LONG, TOO_MANY, BUSY, DATA = 0x13, 0x31, 0x6, 0x21


class Small:
    """A cluster of one HSM with small limits, and alice."""

    def __init__(self, directory: Path) -> None:
        self.cluster = OneCluster(directory)
        self.cluster.client_options = {"deadline_ms": 3_000}
        self.cluster.approve("hsm-1")
        limits = itertools.chain.from_iterable(("--limit", f"{name}={number}") for name, number in SET.items())
        self.cluster.start("hsm-1", extra=tuple(limits))
        self.cluster.initialize()
        self.cluster.until_health("hsm-1", "ACTIVE")
        self.cluster.client().call(int(Operation.ACTIVATE), {"username": "admin", "password": ADMIN_PASSWORD})
        self.admin = self.cluster.login("admin", ADMIN_PASSWORD, Role.ADMIN)
        create_user(self.admin, "alice")
        self.alice = self.cluster.alice()

    def unchanged(self, call: Callable[[], Any], code: int, text: str) -> None:
        """The call hits a limit: this code and text, and the cluster is as it was."""
        before = self.cluster.store.get(HEAD)
        found = refused(call)
        assert (found[0], text in found[1]) == (code, True), found
        after = self.cluster.store.get(HEAD)
        assert before is not None and after is not None and before.value == after.value

    def certificate(self, **options: Any) -> Any:
        der = self_signed(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256()).public_bytes(Encoding.DER)
        template = {int(A.CLASS): 1, int(A.CERTIFICATE_TYPE): 0, int(A.VALUE): der, int(A.SUBJECT): b"", **options}
        return self.alice.call(int(Operation.CREATE_OBJECT), {"template": {**template, int(A.TOKEN): True}})

    def secret(self, length: int, label: str = "k", *, token: bool = True) -> int:
        template = {int(A.TOKEN): token, int(A.VALUE_LEN): length, int(A.LABEL): label, int(A.SIGN): True}
        body = {"mechanism": int(Mechanism.GENERIC_SECRET_KEY_GEN), "template": template}
        return int(self.alice.call(int(Operation.GENERATE_KEY), body)["objects"][0]["reference"])

    def data(self, length: int, *, token: bool) -> int:
        template = {int(A.CLASS): 0, int(A.TOKEN): token, int(A.VALUE): bytes(length)}
        return int(self.alice.call(int(Operation.CREATE_OBJECT), {"template": template})["objects"][0]["reference"])

    def pair(self) -> Any:
        public = {int(A.TOKEN): True, int(A.EC_PARAMS): P256}
        body = {
            "mechanism": int(Mechanism.EC_KEY_PAIR_GEN),
            "public_template": public,
            "private_template": {int(A.TOKEN): True},
        }
        return self.alice.call(int(Operation.GENERATE_KEY_PAIR), body)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Small]:
    made = Small(tmp_path_factory.mktemp("limits"))
    try:
        yield made
    finally:
        made.cluster.close()


def test_sizes_of_labels_secrets_and_data(small: Small) -> None:
    key = small.secret(16, "é" * 10)
    small.unchanged(lambda: small.secret(16, "é" * 11), TOO_LONG, "CKA_LABEL is longer than 10 characters")
    small.unchanged(lambda: small.secret(17), TOO_LONG, "a generic secret has 1 to 16 bytes")
    longer = {"reference": key, "template": {int(A.LABEL): "x" * 11}}
    small.unchanged(lambda: small.alice.call(int(Operation.SET_ATTRIBUTES), longer), TOO_LONG, "longer than 10")
    sign = {"key": key, "mechanism": int(Mechanism.SHA256_HMAC), "data": bytes(2_048)}
    assert len(small.alice.call(int(Operation.SIGN), sign)["data"]) == 32
    text = "at most 2048 bytes of data in one operation"
    small.unchanged(lambda: small.alice.call(int(Operation.SIGN), {**sign, "data": bytes(2_049)}), DATA, text)


def test_sizes_and_numbers_of_data_objects(small: Small) -> None:
    text = "CKA_VALUE of a data object is longer than 100 bytes"
    for token, whose in ((True, "the cluster has its limit"), (False, "the HSM's sessions have their limit")):
        small.unchanged(lambda token=token: small.data(101, token=token), TOO_LONG, text)
        made = small.data(100, token=token)
        full = f"{whose} of 1 data objects"
        small.unchanged(lambda token=token: small.data(1, token=token), TOO_MANY, full)
        copy = {"reference": made, "template": {}}
        small.unchanged(lambda copy=copy: small.alice.call(int(Operation.COPY_OBJECT), copy), TOO_MANY, full)
        longer = {"reference": made, "template": {int(A.VALUE): bytes(101)}}
        small.unchanged(lambda body=longer: small.alice.call(int(Operation.SET_ATTRIBUTES), body), TOO_LONG, text)
        small.alice.call(int(Operation.DESTROY_OBJECT), {"reference": made})


def test_numbers_of_keys_and_certificates(small: Small) -> None:
    small.pair()
    small.unchanged(small.pair, TOO_MANY, "its limit of 1 private keys")
    small.certificate()
    time.sleep(1)
    small.certificate()
    time.sleep(1)
    small.unchanged(small.certificate, BUSY, "MaxObjectsReached: the cluster has its limit of 2 certificates")
    for _ in range(3):
        small.secret(8)
    small.unchanged(lambda: small.secret(8), TOO_MANY, "its limit of 8 token objects")
    small.secret(8, token=False)


def test_certificates_are_written_and_read_as_fast_as_is_set(small: Small) -> None:
    time.sleep(1)
    found = small.alice.call(
        int(Operation.FIND), {"template": {int(A.CLASS): 1}, "after": 0, "limit": 9, "with_attributes": False}
    )
    one, other = (view["reference"] for view in found["objects"])
    with Peer(*small.cluster.listening()["hsm-1"]) as peer:
        peer.hello()
        peer.login("alice", "alice-password")
        reads = [peer.begin(Operation.ATTRIBUTES, {1: [one, other]}) for _ in range(5)]
        assert sorted(answer_of(peer) for _ in reads) == ["", "", SLOW, SLOW, SLOW]
        bodies = [{1: one, 2: {int(A.LABEL): f"c{number}"}, 15: request_id()} for number in range(3)]
        writes = [peer.begin(Operation.SET_ATTRIBUTES, body) for body in bodies]
        assert sorted(answer_of(peer)[: len(SLOW)] for _ in writes) == ["", "", SLOW]
        peer.call(Operation.LOGOUT, {15: request_id()})


def answer_of(peer: Peer) -> str:
    """The text of a refusal, none of an answer."""
    try:
        peer.answer()
    except Refused as refusal:
        return refusal.text
    return ""


def test_numbers_of_users_tokens_and_trust_anchors(small: Small) -> None:
    create_user(small.admin, "bob")
    small.unchanged(lambda: create_user(small.admin, "carol"), TOO_MANY, "its limit of 4 users")
    body = {"service": int(QuorumService.REGISTRATION)}
    for _ in range(2):
        small.alice.call(int(Operation.QUORUM_TOKEN), body)
    small.unchanged(
        lambda: small.alice.call(int(Operation.QUORUM_TOKEN), body), TOO_MANY, "its limit of 2 quorum tokens"
    )
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    anchors = [self_signed(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode().strip() for key in keys]

    def register(pem: str) -> Any:
        return small.admin.call(int(Operation.MTLS_REGISTER), {"certificate": pem})

    small.unchanged(lambda: register("\n".join([*anchors, *anchors])), DATA, "a chain has at most 600 bytes")
    register(anchors[0])
    small.unchanged(lambda: register(anchors[1]), TOO_MANY, "Maximum number of certificates registered.")


def test_numbers_of_logins_and_connections(small: Small) -> None:
    address = small.cluster.listening()["hsm-1"]
    peers = []
    try:
        for _ in range(4):
            peers.append(Peer(*address))
            peers[-1].hello()
            peers[-1].login("alice", "alice-password")
        peers.append(Peer(*address))
        peers[-1].hello()
        with pytest.raises(Exception, match="its limit of 6 logins") as full:
            peers[-1].login("alice", "alice-password")
        assert getattr(full.value, "rv", 0) == 0xB1
        with pytest.raises((OSError, EOFError)):
            for _ in range(9):
                peers.append(Peer(*address))
                peers[-1].hello()
            # Who has no login makes room for who comes: of those that are left some were closed.
            for peer in peers[4:]:
                peer.hello()
        for peer in peers[:4]:
            peer.call(Operation.RENEW_TICKET, {})
    finally:
        for peer in peers:
            peer.close()


def test_a_program_opens_as_many_sessions_as_its_configuration_says(
    ephemeral: Mapping[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = Path(ephemeral["STRONGROOM_CONFIG"])
    given = json.loads(config.read_text())
    cluster = given["clusters"][0]["cluster"]
    cluster["hsm_ca_file"] = str(config.parent / cluster["hsm_ca_file"])
    cluster["options"] = {"max_sessions": 3}
    changed = tmp_path / "client.json"
    changed.write_text(json.dumps(given))
    monkeypatch.setenv("STRONGROOM_CONFIG", str(changed))
    module = Module(ephemeral["STRONGROOM_PKCS11_MODULE"])
    try:
        for _ in range(3):
            module.session()
        with pytest.raises(CryptokiError) as full:
            module.session()
        assert full.value.rv == ReturnCode.SESSION_COUNT
    finally:
        module.finalize()


def test_the_table_of_limits_names_each_with_its_default() -> None:
    page = (ROOT / "docs" / "reference" / "limits.md").read_text()
    for name in Limits.__struct_fields__:
        assert f"| `{name}` | {getattr(Limits(), name):,} |" in page, name
