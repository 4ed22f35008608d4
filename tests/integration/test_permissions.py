"""Every operation and every command, as everybody who may not: the documented refusal, nothing changed, an entry in the
audit log where the operation has one.

Generated from the operation table: requests go as frames written by hand, past the product's client, which would refuse
some of them by itself; commands go through the real command line in this process.
"""

from __future__ import annotations

import contextlib
import json
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from every_command import ALICE, COMMANDS, LABEL, Lines, leaves, lines, write_configuration
from every_operation import bodies
from frames import Peer, Refused, request_id
from one_cluster import ADMIN_PASSWORD, OneCluster, create_user, generate_aes

from strongroom.cli.cloudhsm import commands
from strongroom.cli.cloudhsm.click_types import Group
from strongroom.cli.cloudhsm.main import run
from strongroom.client import Cluster
from strongroom.storage.interface import prefix_end
from strongroom.vocabulary.attributes import Attribute
from strongroom.vocabulary.operations import RULES, Operation
from strongroom.vocabulary.records import HEAD, REQUEST
from strongroom.vocabulary.roles import CLI_NAMES, Role

NOT_LOGGED_IN, OTHER_ROLE, PIN_INCORRECT, PIN_LOCKED, NOT_INITIALIZED = 0x101, 0x103, 0xA0, 0xA4, 0x102
HSM = "hsm-1"
TOKEN, VALUE_LEN = int(Attribute.TOKEN), int(Attribute.VALUE_LEN)
NO_LOGIN = {operation for operation, rule in RULES.items() if Role.NONE in rule.roles}


def make(directory: Path) -> OneCluster:
    """A cluster of one HSM, initialized and not activated."""
    made = OneCluster(directory)
    made.approve(HSM)
    made.start(HSM)
    made.initialize()
    made.until_health(HSM, "ACTIVE")
    return made


@pytest.fixture(scope="module")
def unactivated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OneCluster]:
    made = make(tmp_path_factory.mktemp("unactivated"))
    yield made
    made.close()


class Active:
    """An active cluster with the crypto-users alice, who has a key, bob and mallory, who is locked."""

    def __init__(self, cluster: OneCluster) -> None:
        self.cluster = cluster
        cluster.client().call(int(Operation.ACTIVATE), {"username": "admin", "password": ADMIN_PASSWORD})
        self.admin = cluster.login("admin", ADMIN_PASSWORD, Role.ADMIN)
        for name in ("alice", "bob", "mallory"):
            create_user(self.admin, name)
        self.alice = cluster.alice()
        self.key = generate_aes(self.alice, LABEL)
        self.config = write_configuration(cluster, HSM)
        self.locked_login = self.peer("mallory")
        with self.peer(source="127.0.0.77") as guesser:
            for _ in range(6):
                assert code(guesser, Operation.LOGIN, login_body("mallory", b"wrong-password")) in {0xA0, PIN_LOCKED}

    def peer(self, username: str | None = None, role: Role = Role.CRYPTO_USER, *, source: str = "") -> Peer:
        return peer_of(self.cluster, username, role, source=source)

    def state(self) -> tuple[bytes, list[str]]:
        """The head, which every change of users, logins and objects advances, and the results of requests."""
        return state(self.cluster)

    def entries(self) -> list[tuple[str, int]]:
        return [(entry.operation, entry.response) for entry in self.cluster.audit(HSM)]


@pytest.fixture(scope="module")
def active(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Active]:
    cluster = make(tmp_path_factory.mktemp("active"))
    try:
        made = Active(cluster)
        yield made
        made.locked_login.close()
    finally:
        cluster.close()


def peer_of(
    cluster: OneCluster, username: str | None = None, role: Role = Role.CRYPTO_USER, *, source: str = ""
) -> Peer:
    made = Peer(*cluster.listening()[HSM], source=source)
    made.hello()
    if username is not None:
        made.login(username, ADMIN_PASSWORD if role is Role.ADMIN else f"{username}-password", role)
    return made


def state(cluster: OneCluster) -> tuple[bytes, list[str]]:
    head = cluster.store.get(HEAD)
    assert head is not None
    return head.value, [record.key for record in cluster.store.list(REQUEST, prefix_end(REQUEST))]


def code(peer: Peer, operation: Operation, body: Mapping[int, Any]) -> int:
    try:
        peer.call(operation, body)
    except Refused as refusal:
        assert refusal.text
        return refusal.rv
    return 0


def login_body(username: str, password: bytes, role: int = Role.CRYPTO_USER) -> dict[int, Any]:
    return {1: username, 2: int(role), 3: password, 4: bytes(32)}


def test_there_is_a_request_of_every_operation():
    assert set(bodies(1)) == set(RULES) - NO_LOGIN


# -- frames -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("role", [Role.CRYPTO_USER, Role.ADMIN], ids=lambda role: CLI_NAMES[role])
def test_a_role_that_the_table_does_not_name_is_refused_and_its_commands_are_audited(active: Active, role: Role):
    refused = {operation: body for operation, body in bodies(active.key).items() if role not in RULES[operation].roles}
    with active.peer({Role.CRYPTO_USER: "alice", Role.ADMIN: "admin"}[role], role) as peer:
        before, entries = active.state(), active.entries()
        assert {operation.name: code(peer, operation, body) for operation, body in refused.items()} == {
            operation.name: OTHER_ROLE for operation in refused
        }
        expected = [(operation.name.lower(), OTHER_ROLE) for operation in refused if RULES[operation].opcode]
        assert active.entries()[len(entries) :] == expected
        assert active.state() == before


def test_nobody_does_what_needs_a_login_and_the_attempts_are_audited(active: Active):
    before, entries = active.state(), active.entries()
    for number, (operation, body) in enumerate(bodies(active.key).items()):
        # Entries without a login are limited for each address, so each attempt comes from another.
        with active.peer(source=f"127.0.0.{100 + number}") as peer:
            assert code(peer, operation, body) == NOT_LOGGED_IN, operation.name
    expected = [(operation.name.lower(), NOT_LOGGED_IN) for operation in bodies(1) if RULES[operation].opcode]
    assert active.entries()[len(entries) :] == expected
    assert active.state() == before


def login_of_another_connection(active: Active) -> Peer:
    peer = active.peer()
    peer.login_id = active.locked_login.login_id
    return peer


def logged_out(active: Active) -> Peer:
    peer = active.peer("alice")
    peer.call(Operation.LOGOUT, {15: request_id()})
    return peer


def with_another_password(active: Active) -> Peer:
    peer = active.peer("bob")
    body = {"username": "bob", "role": int(Role.CRYPTO_USER), "password": "bob-password"}
    active.admin.call(int(Operation.CHANGE_PASSWORD), body)
    return peer


def locked(active: Active) -> Peer:
    """The user is locked since the login."""
    return active.locked_login


@pytest.mark.parametrize("ended", [login_of_another_connection, logged_out, with_another_password, locked])
def test_a_login_that_is_over_or_of_another_connection_does_nothing(active: Active, ended: Any):
    with contextlib.ExitStack() as closing:
        peer = ended(active)
        if peer is not active.locked_login:
            closing.enter_context(peer)
        before, entries = active.state(), active.entries()
        tried = {**bodies(active.key), Operation.USER_LIST: {}, Operation.HSM_INFO: {}}
        found = {operation.name: code(peer, operation, body) for operation, body in tried.items()}
        assert found == dict.fromkeys(found, NOT_LOGGED_IN)
        assert active.state() == before
        assert active.entries() == entries


def test_a_locked_user_a_wrong_role_and_the_user_of_the_hsm_cannot_log_in(active: Active):
    for body, expected in (
        (login_body("mallory", b"mallory-password"), PIN_LOCKED),
        (login_body("alice", b"alice-password", Role.ADMIN), PIN_INCORRECT),
        (login_body("admin", ADMIN_PASSWORD.encode(), Role.CRYPTO_USER), PIN_INCORRECT),
        (login_body("admin", ADMIN_PASSWORD.encode(), Role.UNACTIVATED_ADMIN), PIN_INCORRECT),
        (login_body("app_user", b"alice-password", Role.APPLIANCE_USER), PIN_INCORRECT),
    ):
        with active.peer() as peer:
            entries = active.entries()
            assert code(peer, Operation.LOGIN, body) == expected
            (entry,) = active.entries()[len(entries) :]
            assert entry[0] == "login"
            assert entry[1] in {157, 163}


@pytest.mark.parametrize("operation", [Operation.CHANGE_PASSWORD, Operation.CHANGE_MFA])
def test_a_crypto_user_changes_no_password_and_second_factor_but_the_own_one(active: Active, operation: Operation):
    with active.peer("bob") as bob:
        for username, role in (("alice", Role.CRYPTO_USER), ("admin", Role.ADMIN)):
            before, entries = active.state(), active.entries()
            body = {1: username, 2: int(role), 3: b"eve-password", 15: request_id()}
            assert code(bob, operation, body) == OTHER_ROLE
            assert code(bob, Operation.MFA_TOKEN, {1: username, 2: int(role)}) == OTHER_ROLE
            assert active.entries()[len(entries) :] == [(operation.name.lower(), OTHER_ROLE)]
            assert active.state() == before


def test_before_activation_there_is_nothing_but_the_first_password(unactivated: OneCluster):
    before = state(unactivated)
    for number, (operation, body) in enumerate(bodies(1).items()):
        with peer_of(unactivated, source=f"127.0.0.{100 + number}") as peer:
            assert code(peer, operation, body) == NOT_LOGGED_IN, operation.name
    with peer_of(unactivated) as peer:
        for role in (Role.ADMIN, Role.UNACTIVATED_ADMIN):
            assert code(peer, Operation.LOGIN, login_body("admin", b"any-password", role)) == NOT_INITIALIZED
        assert code(peer, Operation.USER_LIST, {}) == 0
        assert code(peer, Operation.HSM_INFO, {}) == 0
        for password in (b"short", b"x" * 33):
            assert code(peer, Operation.ACTIVATE, {1: "admin", 2: password, 15: request_id()}) == 0xA2
        for name in ("app_user", "nobody", ""):
            assert code(peer, Operation.ACTIVATE, {1: name, 2: b"any-password", 15: request_id()}) != 0
    assert state(unactivated) == before


# -- commands ---------------------------------------------------------------------------------------------------------
def interactive(active: Active, *said: str) -> list[dict[str, Any]]:
    terminal = Lines(said)
    run(["interactive", "--config", str(active.config)], {}, terminal, Cluster.open)
    return terminal.answers


def test_there_is_a_line_for_every_command():
    assert set(COMMANDS) == set(leaves(Group("", "", commands.COMMANDS)))


@pytest.mark.parametrize(("role", "username"), [(Role.CRYPTO_USER, "alice"), (Role.ADMIN, "admin")])
def test_a_command_of_the_other_role_is_refused_and_changes_nothing(active: Active, role: Role, username: str):
    names = [name for name, (_, roles) in COMMANDS.items() if role not in roles]
    password = {Role.CRYPTO_USER: "alice-password", Role.ADMIN: ADMIN_PASSWORD}[role]
    login = f"login --username {username} --role {CLI_NAMES[role]} --password {password}"
    entries = active.entries()
    users = active.alice.call(int(Operation.USER_LIST), {})
    keys = active.alice.call(int(Operation.FIND), {"template": {}, "after": 0, "limit": 99, "with_attributes": True})
    first, *answers = interactive(active, login, *lines(active.cluster, names))
    assert first["error_code"] == 0
    assert len(answers) == len(names)
    for name, answer in zip(names, answers, strict=True):
        assert answer["error_code"] == 1, name
        assert f"you are logged in as {CLI_NAMES[role]}" in answer["data"], (name, answer)
    assert active.alice.call(int(Operation.USER_LIST), {}) == users
    assert keys == active.alice.call(
        int(Operation.FIND), {"template": {}, "after": 0, "limit": 99, "with_attributes": True}
    )
    refused = [entry for entry in active.entries()[len(entries) :] if entry[0] not in {"login", "logout"}]
    assert {response for _, response in refused} == {OTHER_ROLE}
    audited = [name for name in names if not name.startswith("crypto ") and name != "user replicate"]
    assert len(refused) == len(audited)


def test_an_admin_changes_no_attribute_but_trusted_and_learns_no_public_key(active: Active):
    login = f"login --username admin --role admin --password {ADMIN_PASSWORD}"
    names = ["key set-attribute", "key export-public", "key generate-file"]
    _, change, export, file = interactive(active, login, *lines(active.cluster, names))
    assert (change["error_code"], export["error_code"], file["error_code"]) == (1, 1, 1)
    (key,) = active.alice.call(int(Operation.ATTRIBUTES), {"references": [active.key]})["objects"]
    assert key["attributes"][int(Attribute.LABEL)] == LABEL


def needing_a_login() -> list[str]:
    return [name for name, (_, roles) in COMMANDS.items() if Role.NONE not in roles]


def test_without_a_login_every_command_that_needs_one_says_so_and_asks_no_hsm(active: Active):
    before = active.state()
    for line in lines(active.cluster, needing_a_login()):
        terminal = Lines()
        words = [*shlex.split(line), "--config", str(active.config)]
        assert run(words, {}, terminal, lambda *_: pytest.fail("a connection was made")) == 1
        assert terminal.answers[0]["data"].startswith("This command needs a login: set CLOUDHSM_ROLE"), line
    for answer in interactive(active, *lines(active.cluster, needing_a_login())):
        assert answer["data"].startswith("No user is logged in; log in first: login ")
    assert active.state() == before


def test_a_locked_user_is_told_so_and_nothing_else_works(active: Active):
    before = active.state()
    login = "login --username mallory --role crypto-user --password mallory-password"
    first, *answers = interactive(active, login, *lines(active.cluster, needing_a_login()))
    assert first["data"].startswith("the user is locked after too many failed logins: an admin unlocks it")
    assert all(answer["data"].startswith("No user is logged in") for answer in answers)
    terminal = Lines()
    environment = {"CLOUDHSM_ROLE": "crypto-user", "CLOUDHSM_PIN": "mallory:mallory-password"}
    assert run(["key", "list", "--config", str(active.config)], environment, terminal, Cluster.open) == 1
    assert terminal.answers[0]["data"].startswith("the user is locked")
    assert active.state() == before


def test_before_activation_commands_say_what_to_do(unactivated: OneCluster, tmp_path: Path):
    address, port = unactivated.listening()[HSM]
    entry = {"hsm_ca_file": str(unactivated.trust_anchor), "servers": [{"hostname": address, "port": port}]}
    config = tmp_path / "client.json"
    config.write_text(json.dumps({"clusters": [{"cluster": entry}]}))
    before = state(unactivated)
    environment = {"CLOUDHSM_ROLE": "admin", "CLOUDHSM_PIN": "admin:any-password"}
    for line in ("key list", f"user delete {ALICE}"):
        terminal = Lines()
        assert run([*line.split(), "--config", str(config)], environment, terminal, Cluster.open) == 1
        assert terminal.answers[0]["data"].endswith("set the admin's first password with cluster activate")
    terminal = Lines()
    assert run(["user", "list", "--config", str(config)], {}, terminal, Cluster.open) == 0
    assert {user["role"] for user in terminal.answers[0]["data"]["users"]} >= {"unactivated-admin"}
    assert state(unactivated) == before
