"""Quorum through the front doors: SDK, command line and bare frames, approved with plain openssl."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from ctypes import c_ulong
from pathlib import Path
from typing import Any

import pytest
from cryptoki import CKU_SO, Module
from every_command import write_configuration
from frames import Peer, request_id
from frames import Refused as FrameRefused
from one_cluster import ADMIN_PASSWORD, P256, OneCluster, create_user, refused, sign

from strongroom import _native
from strongroom.client import ReturnCode
from strongroom.vocabulary.attributes import Attribute
from strongroom.vocabulary.mechanisms import Mechanism
from strongroom.vocabulary.operations import Operation
from strongroom.vocabulary.quorum import QuorumService
from strongroom.vocabulary.records import APPROVAL
from strongroom.vocabulary.roles import Role

pytestmark = pytest.mark.cluster

CKR_ACTION_PROHIBITED = 0x1B
DIGEST = hashlib.sha256(b"a certificate").digest()
ADMIN, USER = int(Role.ADMIN), int(Role.CRYPTO_USER)
NEEDED = "Quorum approval is required for this operation"
INVALID = "Invalid username-signature pair for quorum authorization"


class Officers:
    """RSA keys in files, as people have them, and openssl in their hands."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def make(self, name: str) -> None:
        self._openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", self._key(name))

    def public_key(self, name: str) -> bytes:
        return self._openssl("pkey", "-in", self._key(name), "-pubout", "-outform", "DER")

    def sign_digest(self, name: str, data: bytes) -> bytes:
        """Sign the token, as it stands in the file."""
        digest = hashlib.sha256(data).digest()
        return self._openssl("pkeyutl", "-sign", "-inkey", self._key(name), "-pkeyopt", "digest:sha256", given=digest)

    def sign_data(self, name: str, data: bytes) -> bytes:
        """Sign the approval data: the same signature."""
        return self._openssl("dgst", "-sha256", "-sign", self._key(name), given=data)

    def _key(self, name: str) -> str:
        return str(self.directory / f"{name}.key")

    def _openssl(self, *words: str, given: bytes = b"") -> bytes:
        return subprocess.run(["openssl", *words], input=given, capture_output=True, check=True, timeout=30).stdout


class Board:
    """A cluster of two HSMs with three admins who have registered; two must approve what is done to users."""

    def __init__(self, directory: Path) -> None:
        self.officers = Officers(directory)
        self.cluster = OneCluster(directory)
        admin = self.cluster.begin("hsm-1", "hsm-2")
        for name in ("bob", "carol"):
            create_user(admin, name, Role.ADMIN)
        self.clients = {"admin": admin}
        for name in ("bob", "carol"):
            self.clients[name] = self.cluster.login(name, f"{name}-password", Role.ADMIN)
        for name, client in self.clients.items():
            self.officers.make(name)
            self.register(client, name)
        self.admin = admin
        self.set_value(QuorumService.USER, 2)

    def token(self, client: Any, service: QuorumService, key: int | None = None) -> bytes:
        body = {"service": int(service), **({} if key is None else {"key": key})}
        return bytes(client.call(int(Operation.QUORUM_TOKEN), body)["approval_data"])

    def register(self, client: Any, name: str) -> None:
        data = self.token(client, QuorumService.REGISTRATION)
        signature = self.officers.sign_digest(name, data)
        body = {"public_key": self.officers.public_key(name), "approval_data": data, "signature": signature}
        client.call(int(Operation.REGISTER_QUORUM), body)

    def approved(self, data: bytes, *names: str, role: int = ADMIN) -> dict[str, Any]:
        sign = [self.officers.sign_digest, self.officers.sign_data]
        given = [
            {"username": name, "role": role, "signature": sign[number % 2](name, data)}
            for number, name in enumerate(names)
        ]
        return {"approval_data": data, "approvals": given}

    def approval(self, *names: str, service: QuorumService = QuorumService.USER) -> dict[str, Any]:
        return self.approved(self.token(self.admin, service), *names)

    def set_value(self, service: QuorumService, value: int) -> None:
        self.admin.call(int(Operation.SET_QUORUM_VALUE), {"service": int(service), "value": value})

    def create(self, name: str, approval: dict[str, Any] | None, client: Any = None) -> Any:
        body = {"username": name, "role": USER, "password": f"{name}-password"}
        if approval is not None:
            body["approval"] = approval
        return (client or self.admin).call(int(Operation.USER_CREATE), body)

    def users(self) -> set[str]:
        return {user["username"] for user in self.admin.call(int(Operation.USER_LIST), {})["users"]}

    def peer(self, hsm_id: str) -> Peer:
        """A connection to this HSM, with a login of the admin's own."""
        made = Peer(*self.cluster.listening()[hsm_id])
        made.hello()
        made.login("admin", ADMIN_PASSWORD, Role.ADMIN)
        return made


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Board]:
    made = Board(tmp_path_factory.mktemp("quorum"))
    try:
        yield made
    finally:
        made.cluster.close()


def wire(approval: dict[str, Any]) -> dict[int, Any]:
    """An approval by member numbers."""
    given = [{1: one["username"], 2: one["role"], 3: one["signature"]} for one in approval["approvals"]]
    return {1: approval["approval_data"], 2: given}


def create_body(name: str, approval: dict[str, Any] | None, number: bytes | None = None) -> dict[int, Any]:
    body: dict[int, Any] = {1: name, 2: USER, 3: b"a-password", 15: number or request_id()}
    return body if approval is None else {**body, 4: wire(approval)}


# -- admins -----------------------------------------------------------------------------------------------------------
def test_a_user_is_made_when_two_admins_have_signed_and_not_before(board: Board) -> None:
    assert refused(lambda: board.create("eve", None)) == (0x1B, NEEDED)
    data = board.token(board.admin, QuorumService.USER)
    assert len(data) == 2 * 80
    one = board.approved(data, "bob")
    assert refused(lambda: board.create("eve", one))[1] == (
        "Too few quorum approvals: currently 1 approvals, but 2 approvals required"
    )
    forged = board.approved(data, "bob", "carol")
    forged["approvals"][1]["signature"] = forged["approvals"][0]["signature"]
    assert INVALID in refused(lambda: board.create("eve", forged))[1]
    assert "eve" not in board.users()
    approval = board.approved(data, "bob", "carol")
    assert board.create("eve", approval) == {"username": "eve", "role": USER}
    assert INVALID in refused(lambda: board.create("frank", approval))[1]


def test_a_security_officer_by_pkcs11_has_no_approvals_to_give(
    board: Board, ephemeral: Mapping[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STRONGROOM_CONFIG", str(write_configuration(board.cluster, "hsm-1")))
    module = Module(str(shutil.copy(ephemeral["STRONGROOM_PKCS11_MODULE"], tmp_path / "library.so")))
    before = board.users()
    session = module.session()
    session.login("bob:bob-password", CKU_SO)
    pin = b"olga:olga-password"
    assert module.library.C_InitPIN(c_ulong(session.handle), pin, c_ulong(len(pin))) == CKR_ACTION_PROHIBITED
    module.finalize()
    assert board.users() == before


def test_bare_frames_without_an_approval_or_with_anothers_get_nothing(board: Board) -> None:
    approval = board.approval("bob", "carol")
    with board.peer("hsm-1") as peer:
        for body, said in (
            (create_body("gina", None), NEEDED),
            (create_body("gina", approval), "the token was made in another login"),
            ({**create_body("gina", None), 4: {1: b"", 2: []}}, INVALID),
        ):
            with pytest.raises(FrameRefused, match=said):
                peer.call(Operation.USER_CREATE, body)
        for operation, body in (
            (Operation.USER_DELETE, {1: "eve", 2: USER, 15: request_id()}),
            (Operation.CHANGE_PASSWORD, {1: "alice", 2: USER, 3: b"new-password", 15: request_id()}),
            (Operation.CHANGE_MFA, {1: "alice", 2: USER, 3: b"new-password", 15: request_id()}),
        ):
            with pytest.raises(FrameRefused, match=NEEDED):
                peer.call(operation, body)
    assert "gina" not in board.users()
    assert board.create("gina", approval)["username"] == "gina"


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """What each gives, or the refusal's text; all begin together."""
    barrier = threading.Barrier(len(calls))
    found: list[Any] = [None] * len(calls)

    def run(number: int, call: Callable[[], Any]) -> None:
        barrier.wait()
        try:
            found[number] = call()
        except _native.HsmError as error:
            found[number] = error.args[1]

    threads = [threading.Thread(target=run, args=(number, call)) for number, call in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


@pytest.mark.parametrize("round_number", range(5))
def test_two_requests_at_the_same_instant_spend_a_token_once(board: Board, round_number: int) -> None:
    with board.peer("hsm-1") as peer:
        data = peer.call(Operation.QUORUM_TOKEN, {1: int(QuorumService.USER), 15: request_id()})[1]
        approval = board.approved(bytes(data), "bob", "carol")
        names = [f"henry{round_number}", f"iris{round_number}"]
        numbers = [peer.begin(Operation.USER_CREATE, create_body(name, approval)) for name in names]
        answers: list[Any] = []
        for _ in numbers:
            try:
                answers.append(peer.answer()[1])
            except FrameRefused as error:
                answers.append(error.text)
    assert sorted(INVALID in answer for answer in answers) == [False, True]
    assert len(board.users() & set(names)) == 1


def test_two_hsms_that_are_asked_at_the_same_instant_spend_a_token_once(board: Board) -> None:
    for number in range(4):
        approval = board.approval("bob", "carol")
        names = [f"user{number}_{place}" for place in range(4)]
        answers = at_once(*(lambda name=name, given=approval: board.create(name, given) for name in names))
        assert sum(isinstance(answer, dict) for answer in answers) == 1, answers
        assert all(INVALID in answer for answer in answers if isinstance(answer, str))
        assert len(board.users() & set(names)) == 1
    for hsm_id in ("hsm-1", "hsm-2"):
        spent = [entry.operation for entry in board.cluster.audit(hsm_id) if entry.response == 0]
        assert "approve_token" in spent


def test_the_audit_log_tells_who_asked_who_approved_and_what_was_set(board: Board) -> None:
    entries = [entry for hsm_id in ("hsm-1", "hsm-2") for entry in board.cluster.audit(hsm_id)]
    done = {(entry.opcode, entry.username) for entry in entries if entry.response == 0}
    assert {
        ("CN_GET_TOKEN", "admin"),
        ("CN_CREATE_USER", "eve"),
        ("CN_APPROVE_TOKEN", "bob"),
        ("CN_APPROVE_TOKEN", "carol"),
        ("CN_SET_M_VALUE", "admin"),
        ("STRONGROOM_REGISTER_QUORUM_KEY", "carol"),
    } <= done
    for hsm_id in ("hsm-1", "hsm-2"):
        log = board.cluster.audit(hsm_id)
        for place, entry in enumerate(log):
            if entry.opcode == "CN_APPROVE_TOKEN":
                before = next(other for other in reversed(log[:place]) if other.operation != "approve_token")
                assert (before.response, before.request_id) == (0, entry.request_id)


def test_a_store_that_is_edited_gives_no_token_back_and_no_quorum_up(board: Board) -> None:
    approval = board.approval("bob", "carol")
    key = APPROVAL + hashlib.sha256(approval["approval_data"]).hexdigest()
    record = board.cluster.store.get(key)
    values = board.cluster.store.get("quorum/values")
    assert record is not None and values is not None
    board.create("judy", approval)
    board.cluster.put(key, record.value)
    board.cluster.put("quorum/values", None)
    try:
        assert INVALID in refused(lambda: board.create("kurt", approval))[1]
        assert refused(lambda: board.create("kurt", None)) == (0x1B, NEEDED)
    finally:
        board.cluster.put(key, None)
        board.cluster.put("quorum/values", values.value)


# -- keys -------------------------------------------------------------------------------------------------------------
class KeyBoard:
    """Alice's P-256 key, which bob_cu and eve_cu share; two of the three must approve its use and its management."""

    def __init__(self, board: Board) -> None:
        self.board = board
        board.set_value(QuorumService.USER, 1)
        self.clients = {"alice": board.cluster.alice()}
        for name in ("bob_cu", "eve_cu"):
            create_user(board.admin, name)
            self.clients[name] = board.cluster.login(name, f"{name}-password", Role.CRYPTO_USER)
        for name, client in self.clients.items():
            board.officers.make(name)
            board.register(client, name)
        board.set_value(QuorumService.USER, 2)
        self.alice = self.clients["alice"]
        self.public, self.key = self.generate()

    def generate(self) -> tuple[int, int]:
        answer = self.alice.call(
            int(Operation.GENERATE_KEY_PAIR),
            {
                "mechanism": int(Mechanism.EC_KEY_PAIR_GEN),
                "public_template": {
                    int(Attribute.TOKEN): True,
                    int(Attribute.EC_PARAMS): P256,
                    int(Attribute.VERIFY): True,
                },
                "private_template": {
                    int(Attribute.TOKEN): True,
                    int(Attribute.SIGN): True,
                    int(Attribute.DERIVE): True,
                    int(Attribute.LABEL): "root",
                },
                "shared_users": ["bob_cu", "eve_cu"],
                "quorum": {"manage": 2, "usage": 2},
            },
        )
        public, private = answer["objects"]
        assert private["quorum"] == {"manage": 2, "usage": 2}
        return public["reference"], private["reference"]

    def approval(self, *names: str, service: QuorumService = QuorumService.KEY_USAGE) -> dict[str, Any]:
        data = self.board.token(self.alice, service, self.key)
        return self.board.approved(data, *(names or ("alice", "bob_cu")), role=USER)

    def sign(self, approval: dict[str, Any] | None, client: Any = None) -> bytes:
        body = {"key": self.key, "mechanism": int(Mechanism.ECDSA), "data": DIGEST}
        if approval is not None:
            body["approval"] = approval
        return bytes((client or self.alice).call(int(Operation.SIGN_WITH_APPROVAL), body)["data"])

    def verify(self, signature: bytes) -> None:
        body = {"key": self.public, "mechanism": int(Mechanism.ECDSA), "data": DIGEST, "signature": signature}
        self.alice.call(int(Operation.VERIFY), body)


@pytest.fixture(scope="module")
def keys(board: Board) -> KeyBoard:
    return KeyBoard(board)


def test_a_key_signs_when_two_of_its_users_have_signed_and_not_before(keys: KeyBoard) -> None:
    code, text = refused(lambda: sign(keys.alice, keys.key, DIGEST))
    assert (code, text.startswith(NEEDED), "crypto sign" in text) == (ReturnCode.KEY_FUNCTION_NOT_PERMITTED, True, True)
    assert refused(lambda: keys.sign(None)) == (0x1B, NEEDED)
    data = keys.board.token(keys.alice, QuorumService.KEY_USAGE, keys.key)
    one = keys.board.approved(data, "bob_cu", role=USER)
    assert "Too few quorum approvals: currently 1" in refused(lambda: keys.sign(one))[1]
    admin = keys.board.approved(data, "bob", "carol")
    assert INVALID in refused(lambda: keys.sign(admin))[1]
    approval = keys.board.approved(data, "bob_cu", "eve_cu", role=USER)
    keys.verify(keys.sign(approval))
    assert INVALID in refused(lambda: keys.sign(approval))[1]
    others = keys.approval()
    assert "Quorum Failed" in refused(lambda: keys.sign(others, keys.clients["bob_cu"]))[1]
    keys.verify(keys.sign(others))


def test_of_four_signatures_at_the_same_instant_one_is_given_out(keys: KeyBoard) -> None:
    for _ in range(2):
        approval = keys.approval()
        answers = at_once(*(lambda given=approval: keys.sign(given) for _ in range(4)))
        assert sum(isinstance(answer, bytes) for answer in answers) == 1, answers
        assert all(INVALID in answer for answer in answers if isinstance(answer, str))


def test_a_key_with_a_quorum_is_managed_with_approvals_alone_and_derives_nothing(keys: KeyBoard) -> None:
    share = {"reference": keys.key, "username": "bob_cu"}
    label = {"reference": keys.key, "template": {int(Attribute.LABEL): "new"}}
    for operation, body in (
        (Operation.UNSHARE_KEY, share),
        (Operation.SET_ATTRIBUTES, label),
    ):
        assert refused(lambda what=operation, given=body: keys.alice.call(int(what), given)) == (0x1B, NEEDED)
    management = keys.approval("alice", "eve_cu", service=QuorumService.KEY_MANAGEMENT)
    few = refused(lambda: keys.alice.call(int(Operation.UNSHARE_KEY), {**share, "approval": keys.approval()}))
    assert "Quorum Failed" in few[1]
    keys.alice.call(int(Operation.SET_ATTRIBUTES), {**label, "approval": management})
    assert (
        INVALID in refused(lambda: keys.alice.call(int(Operation.SET_ATTRIBUTES), {**label, "approval": management}))[1]
    )
    derive = {
        "base_key": keys.key,
        "mechanism": int(Mechanism.ECDH1_DERIVE),
        "parameters": {"kdf": 1, "public_data": b""},
        "template": {int(Attribute.CLASS): 4, int(Attribute.KEY_TYPE): 0x10, int(Attribute.VALUE_LEN): 32},
    }
    derived = refused(lambda: keys.alice.call(int(Operation.DERIVE_KEY), derive))
    assert derived[0] == ReturnCode.KEY_FUNCTION_NOT_PERMITTED


def test_a_user_whose_approval_a_key_needs_cannot_be_deleted(keys: KeyBoard) -> None:
    management = keys.approval(service=QuorumService.KEY_MANAGEMENT)
    unshare = {"reference": keys.key, "username": "eve_cu", "approval": management}
    keys.alice.call(int(Operation.UNSHARE_KEY), unshare)
    keys.clients.pop("bob_cu").logout()
    delete = {"username": "bob_cu", "role": USER, "approval": keys.board.approval("bob", "carol")}
    text = refused(lambda: keys.board.admin.call(int(Operation.USER_DELETE), delete))[1]
    assert "needs 2 approvals, and too few would be left" in text
    keys.board.admin.call(int(Operation.DELETE_QUORUM_TOKENS), {"all": True})


def test_an_hsm_that_dies_after_the_commit_costs_neither_the_result_nor_the_token_a_second_time(board: Board) -> None:
    for number in range(2):
        approval = board.approval("bob", "carol")
        key = APPROVAL + hashlib.sha256(approval["approval_data"]).hexdigest()
        name = f"lena{number}"
        found: list[Any] = []

        def ask(name: str = name, approval: Any = approval, found: list[Any] = found) -> None:
            found.append(board.create(name, approval))

        thread = threading.Thread(target=ask)
        thread.start()
        board.cluster.until(lambda key=key: board.cluster.store.get(key) is None)
        board.cluster.kill("hsm-1")
        thread.join()
        assert found == [{"username": name, "role": USER}]
        assert INVALID in refused(lambda given=approval: board.create("mara", given))[1]
        board.cluster.start("hsm-1")
        board.cluster.until_health("hsm-1", "ACTIVE")
    assert "mara" not in board.users()


def test_an_hsm_that_is_replaced_between_generation_and_use_does_no_harm(board: Board) -> None:
    approval = board.approval("bob", "carol")
    board.cluster.approve("hsm-1", deleting=True)
    board.cluster.exit_code("hsm-1")
    board.cluster.put("desired/hsm/hsm-1", None)
    board.cluster.approve("hsm-3")
    board.cluster.start("hsm-3")
    board.cluster.until_health("hsm-3", "ACTIVE")
    assert board.create("nora", approval)["username"] == "nora"
    assert len(board.token(board.admin, QuorumService.USER)) == 2 * 80
