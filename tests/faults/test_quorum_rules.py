"""The rules of quorum through the front door: random requests of several users, by frames to two HSMs.

A model (tests/support/quorum_model.py) says what each request must come to. Whatever is refused has changed nothing,
and no token is spent twice. STRONGROOM_ALL_VECTORS=1 (`make conformance`) runs many more sequences.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from frames import Peer, Refused, request_id
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from one_cluster import ADMIN_PASSWORD, P256, OneCluster
from quorum_model import (
    ARGUMENTS_BAD,
    FAILED,
    INVALID,
    KEY_INVALID,
    LOCKING_FAILURES,
    NOT_PERMITTED,
    OBJECT_INVALID,
    PIN_INCORRECT,
    PIN_LOCKED,
    PROHIBITED,
    SIGNATURE_INVALID,
    Approval,
    Fault,
    Key,
    Login,
    Model,
    Signed,
    Token,
    User,
)
from storage_faults import FaultyDisk

from strongroom.vocabulary.attributes import Attribute
from strongroom.vocabulary.mechanisms import Mechanism
from strongroom.vocabulary.operations import Operation
from strongroom.vocabulary.quorum import ADMIN_SERVICES, SERVICE_NAMES, QuorumService
from strongroom.vocabulary.records import HEAD
from strongroom.vocabulary.roles import Role

LONG = bool(os.environ.get("STRONGROOM_ALL_VECTORS"))
HSMS = ("hsm-1", "hsm-2")
KEEPERS = ("admin", "warden", "deputy")
"""Admins that every sequence has: with their approvals it is undone."""
USAGE, MANAGEMENT = QuorumService.KEY_USAGE, QuorumService.KEY_MANAGEMENT
DIGEST = bytes(range(32))
WAYS = (
    "none",
    "right",
    "right",
    "right",
    "few",
    "kept",
    "kept",
    "altered",
    "forged",
    "role",
    "stranger",
    "service",
    "twice",
)
"""How a request is approved."""


class Board:
    """What all sequences share: two HSMs whose clock can be moved, three admins, and RSA keys for approvals."""

    def __init__(self, directory: Path) -> None:
        (directory / "disk").mkdir()
        self.disk = FaultyDisk(directory / "disk")
        self.cluster = OneCluster(self.disk.directory)
        self.rsa = [rsa.generate_private_key(65537, 2048) for _ in range(8)]
        self.der = [key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) for key in self.rsa]
        self.offset = 0
        self.sequences = 0

    def begin(self) -> None:
        self.cluster.begin(*HSMS)
        for hsm in HSMS:
            self.cluster.stop(hsm)
            self.cluster.start(hsm, environment=self.disk.environment())
        for hsm in HSMS:
            self.cluster.until_health(hsm, "ACTIVE")

    def peer(self, hsm: str) -> Peer:
        made = Peer(*self.cluster.listening()[hsm])
        made.hello()
        return made

    def head(self) -> bytes:
        record = self.cluster.store.get(HEAD)
        assert record is not None
        return record.value


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Board]:
    made = Board(tmp_path_factory.mktemp("quorum-rules"))
    try:
        made.begin()
        yield made
    finally:
        made.cluster.close()


class Quorum(RuleBasedStateMachine):
    """Every answer is what the model says."""

    board: Board
    chance = st.randoms(use_true_random=False)
    ways = st.sampled_from(WAYS)
    places = st.integers(0, 40)

    def __init__(self) -> None:
        super().__init__()
        board = self.board
        board.sequences += 1
        self.model = Model(board.rsa, now=board.offset)
        self.peers: dict[Login, Peer] = {}
        self.watchers = [board.peer(hsm) for hsm in HSMS]
        self.kept: list[Approval] = []
        model, number = self.model, board.sequences
        self.admin_names = [f"adm{number}_{place}" for place in range(3)]
        self.user_names = [f"cu{number}_{place}" for place in range(4)]
        for place, name in enumerate(KEEPERS):
            password = ADMIN_PASSWORD if name == "admin" else f"{name}-password"
            model.users[name] = User(name, Role.ADMIN, password, is_kept=True)
            if number == 1 and name != "admin":
                body = {1: name, 2: int(Role.ADMIN), 3: password.encode()}
                self.done(model.logins[0], Operation.USER_CREATE, body)
            login = self.log_in(name, HSMS[place % 2])
            self.register_key(login, place)
        for place, (name, role) in enumerate(
            [(self.admin_names[0], Role.ADMIN), *((name, Role.CRYPTO_USER) for name in self.user_names[:3])]
        ):
            self.make_user(self.model.logins[0], name, role, None)
            self.register_key(self.log_in(name, HSMS[place % 2]), 3 + place)
        self.key_number = 0
        self.make_key_of(self.live_login(self.user_names[0]), self.user_names[1:3], 2, 2)

    @initialize(user=st.integers(1, 3), quorum=st.integers(1, 3))
    def turn_on(self, user: int, quorum: int) -> None:
        login = self.live_login("admin")
        self.set_a_value(login, QuorumService.USER, user, None)
        self.set_a_value(login, QuorumService.QUORUM, quorum, None)

    # -- asking -------------------------------------------------------------------------------------------------------
    def ask(self, login: Login, operation: Operation, body: dict[int, Any], faults: Sequence[Fault]) -> Any:
        """The answer, if there is one; whether there is, and which code it has otherwise, must be as expected."""
        newest = max(peer.seen_revision for peer in self.peers.values())
        peer = self.peers[login]
        peer.wanted_revision = newest
        before = self.board.head()
        try:
            answer = self.call(peer, operation, {**body, 15: request_id()})
        except Refused as refusal:
            assert any(refusal.rv == code and text in refusal.text for code, text in faults), (refusal, faults)
            assert self.board.head() == before, "what was refused has changed something"
            return None
        assert not faults, (operation, faults)
        return answer

    def call(self, peer: Peer, operation: Operation, body: dict[int, Any]) -> Any:
        """As the product's client: what an HSM whose lease has run out refuses on a busy machine is asked again."""
        for _ in range(20):
            try:
                return peer.call(operation, body)
            except Refused as refusal:
                if "lease has run out" not in refusal.text:
                    raise
                time.sleep(0.5)
        raise AssertionError("the HSM has no lease any more")

    def done(self, login: Login, operation: Operation, body: dict[int, Any]) -> Any:
        return self.ask(login, operation, body, [])

    def login_at(self, place: int, role: Role) -> Login:
        """Most often one that is live and of this role."""
        logins = self.model.logins
        fitting = [login for login in logins if login.live and login.user.role is role]
        return logins[place % len(logins)] if place % 8 == 0 or not fitting else fitting[place % len(fitting)]

    def live_login(self, name: str) -> Login:
        return next(login for login in self.model.logins if login.live and login.user.name == name)

    def log_in(self, name: str, hsm: str) -> Login:
        user = self.model.users[name]
        peer = self.board.peer(hsm)
        peer.wanted_revision = max((known.seen_revision for known in self.peers.values()), default=0)
        peer.login(name, user.password, user.role)
        login = Login(user, hsm)
        user.failures = 0
        self.model.logins.append(login)
        self.peers[login] = peer
        return login

    def teardown(self) -> None:
        """Every value back to 1 and the sequence's admins gone, by the approvals of the three that there always are."""
        model = self.model
        login = self.log_in("admin", "hsm-2")
        self.done(login, Operation.DELETE_QUORUM_TOKENS, {1: True})
        for token in model.tokens:
            token.gone = True
        for service in ADMIN_SERVICES:
            approval = self.approval(login, "right", QuorumService.QUORUM, None, Random(0))  # noqa: S311 (no secret)
            self.set_a_value(login, service, 1, approval)
        self.done(login, Operation.SET_QUORUM_TIMEOUT, {1: 600, 2: 600})
        for name in [name for name in self.admin_names if name in model.users]:
            self.change_a_password(login, name, False, None)
            self.remove_user(login, name, None)
        for live in [live for live in model.logins if live.live]:
            self.done(live, Operation.LOGOUT, {})
        for peer in (*self.peers.values(), *self.watchers):
            peer.close()

    # -- approvals ----------------------------------------------------------------------------------------------------
    def token(self, login: Login, service: QuorumService, key: Key | None) -> Token | None:
        """A new token, or the one that there is already."""
        model, user = self.model, login.user
        of_user = [token for token in model.tokens if token.login.user is user]
        faults: list[Fault] = model.faults_of_login(login, None)
        if service in ADMIN_SERVICES:
            faults += model.faults_of_login(login, Role.ADMIN)
            if any(token.service is service for token in of_user if model.is_live(token)):
                faults.append((PROHIBITED, "has a token for the service"))
        elif key is not None:
            faults += model.faults_of_login(login, Role.CRYPTO_USER if service is USAGE else None)
            if not key.sees(user):
                faults.append((KEY_INVALID, ""))
            elif not key.manage:
                faults.append((ARGUMENTS_BAD, "has no quorum values"))
        body = {1: int(service)} if key is None else {1: int(service), 2: key.reference}
        answer = self.ask(login, Operation.QUORUM_TOKEN, body, faults)
        if answer is None:
            live = [token for token in of_user if model.is_live(token) and token.service is service]
            return live[0] if live else None
        assert answer[2] == min(model.timeouts.values())
        for token in of_user:
            token.gone |= not model.is_live(token)
        token = Token(bytes(answer[1]), service, key.reference if key else 0, login, model.now)
        model.tokens.append(token)
        return token

    def approval(
        self, login: Login, way: str, service: QuorumService, key: Key | None, chance: Random
    ) -> Approval | None:
        """An approval of what the login is about to ask, good or bad: the model sees for itself what is wrong."""
        model = self.model
        if way == "none":
            return None
        if way == "kept":
            return chance.choice(self.kept) if self.kept else None
        if way == "service":
            service = {USAGE: MANAGEMENT, MANAGEMENT: USAGE, QuorumService.USER: QuorumService.QUORUM}.get(
                service, QuorumService.USER
            )
        if key is not None and login.user.role is Role.ADMIN:
            return None
        token = self.token(login, service, key)
        if token is None:
            return None
        needed = model.values[SERVICE_NAMES[service]] if key is None else max(key.manage, key.usage)
        names = [name for name in (model.admins() if key is None else sorted(key.users())) if name in model.users]
        able = [model.users[name] for name in names]
        able = [user for user in able if user.key is not None and not user.locked]
        chance.shuffle(able)
        by_key = {user.key: user for user in able}
        chosen = list(by_key.values())[: max(needed, 1)]
        if way == "few" and chosen:
            chosen = [*chosen[:-1], *chosen[: max(len(chosen) - 1, 1)]]
        if way == "stranger":
            chosen.append(chance.choice([*model.users.values()]))
        signed = []
        for user in chosen:
            signature = bytes(256) if user.key is None else model.sign(user.key, token.data)
            signed.append(Signed(user.name, chance.choice([0, int(user.role)]), signature))
        data = token.data
        if way == "altered":
            place = chance.randrange(len(data))
            data = data[:place] + bytes([data[place] ^ 1 << chance.randrange(8)]) + data[place + 1 :]
        if way == "forged" and signed:
            place = chance.randrange(len(signed))
            signed[place] = Signed(signed[place].name, 0, signed[place - 1].signature if place else bytes(256))
        if way == "role" and signed:
            signed[0] = Signed(signed[0].name, 3 - int(model.users[signed[0].name].role), signed[0].signature)
        made = Approval(data, tuple(signed))
        self.kept.append(made)
        return made

    # -- users --------------------------------------------------------------------------------------------------------
    def make_user(self, login: Login, name: str, role: Role, approval: Approval | None) -> None:
        model = self.model
        faults = model.faults_of_login(login, Role.ADMIN)
        faults += model.faults_of_admins(login, QuorumService.USER, approval)
        if name in model.users:
            faults.append((ARGUMENTS_BAD, "already"))
        password = f"{name}-password"
        body = {1: name.upper(), 2: int(role), 3: password.encode(), **given(approval, 4)}
        if self.ask(login, Operation.USER_CREATE, body, faults) is not None:
            model.spend(approval)
            model.users[name] = User(name, role, password)

    @rule(place=places, who=st.integers(0, 6), way=ways, chance=chance)
    def create(self, place: int, who: int, way: str, chance: Random) -> None:
        name = [*self.admin_names, *self.user_names][who]
        login = self.login_at(place, Role.ADMIN)
        approval = self.approval(login, way, QuorumService.USER, None, chance)
        self.make_user(login, name, Role.ADMIN if name in self.admin_names else Role.CRYPTO_USER, approval)
        other = next((name for name in self.user_names if name not in self.model.users), None)
        if way == "twice" and other is not None:
            self.make_user(login, other, Role.CRYPTO_USER, approval)

    def remove_user(self, login: Login, name: str, approval: Approval | None) -> None:
        model = self.model
        user = model.users.get(name)
        faults = model.faults_of_login(login, Role.ADMIN)
        faults += model.faults_of_admins(login, QuorumService.USER, approval)
        needing = [key for key in model.keys if not key.gone and name in key.shared]
        if user is None:
            faults.append((ARGUMENTS_BAD, "there is no user"))
        elif model.logins_of(user):
            faults.append((PROHIBITED, "is logged in"))
        elif any(key.owner is user and not key.gone for key in model.keys):
            faults.append((PROHIBITED, "owns"))
        elif any(len(key.shared) < max(key.manage, key.usage) for key in needing):
            faults.append((PROHIBITED, "too few would be left"))
        role = Role.ADMIN if name in self.admin_names else Role.CRYPTO_USER
        body = {1: name, 2: int(role), **given(approval, 3)}
        if self.ask(login, Operation.USER_DELETE, body, faults) is not None:
            model.spend(approval)
            del model.users[name]
            for key in needing:
                key.shared.discard(name)

    @rule(place=places, who=st.integers(0, 6), way=ways, chance=chance)
    def delete(self, place: int, who: int, way: str, chance: Random) -> None:
        login = self.login_at(place, Role.ADMIN)
        approval = self.approval(login, way, QuorumService.USER, None, chance)
        self.remove_user(login, [*self.admin_names, *self.user_names][who], approval)

    def change_a_password(self, login: Login, name: str, deregister: bool, approval: Approval | None) -> None:
        model, user = self.model, self.model.users[name]
        faults = model.faults_of_login(login, None)
        if login.user is not user:
            faults += model.faults_of_login(login, Role.ADMIN)
        if login.user is not user or approval is not None:
            faults += model.faults_of_admins(login, QuorumService.USER, approval)
        password = user.password[:20] + str(len(model.tokens))
        body = {1: name, 2: int(user.role), 3: password.encode(), 5: deregister, **given(approval, 6)}
        if self.ask(login, Operation.CHANGE_PASSWORD, body, faults) is not None:
            model.spend(approval)
            user.password, user.failures = password, 0
            user.key = None if deregister else user.key
            model.end_logins(user, but=login)

    @rule(place=places, who=st.integers(0, 6), deregister=st.booleans(), way=ways, chance=chance)
    def change_password(self, place: int, who: int, deregister: bool, way: str, chance: Random) -> None:
        login, name = self.login_at(place, Role.ADMIN), [*self.admin_names, *self.user_names][who]
        if name in self.model.users:
            approval = self.approval(login, way, QuorumService.USER, None, chance)
            self.change_a_password(login, name, deregister, approval)

    @rule(who=st.integers(0, 9), hsm=st.sampled_from(HSMS))
    def log_in_again(self, who: int, hsm: str) -> None:
        name = [*self.admin_names, *self.user_names, *KEEPERS][who]
        user = self.model.users.get(name)
        if user is not None and not user.locked:
            self.log_in(name, hsm)

    @precondition(lambda _: LONG)  # failed logins have little of the processors, and take long
    @rule(who=st.integers(0, 6), hsm=st.sampled_from(HSMS), chance=chance)
    def log_in_with_a_wrong_password(self, who: int, hsm: str, chance: Random) -> None:
        """Sometimes so often that the user is locked."""
        user = self.model.users.get([*self.admin_names, *self.user_names][who])
        if user is None:
            return
        for _ in range(LOCKING_FAILURES + 1 if chance.random() < 0.3 else 1):
            source = f"127.9.{chance.randrange(256)}.{chance.randrange(1, 255)}"
            with Peer(*self.board.cluster.listening()[hsm], source=source) as peer:
                peer.hello()
                peer.wanted_revision = max(known.seen_revision for known in self.peers.values())
                with pytest.raises(Refused) as refused:
                    peer.login(user.name, "a-wrong-password", user.role)
                user.failures += 1
                assert refused.value.rv == (PIN_LOCKED if user.locked else PIN_INCORRECT)
                self.peers[self.model.logins[0]].seen_revision = max(
                    self.peers[self.model.logins[0]].seen_revision, peer.seen_revision
                )
            if user.locked:
                self.model.end_logins(user)

    @rule(place=places)
    def log_out(self, place: int) -> None:
        login = self.login_at(place, Role.ADMIN if place % 2 else Role.CRYPTO_USER)
        if self.ask(login, Operation.LOGOUT, {}, self.model.faults_of_login(login, None)) is not None:
            login.live = False

    # -- quorum -------------------------------------------------------------------------------------------------------
    def register_key(self, login: Login, key: int, wrong: str = "") -> None:
        service = QuorumService.USER if wrong == "service" else QuorumService.REGISTRATION
        token = self.token(login, service, None)
        if token is None:
            return
        faults: list[Fault] = self.model.faults_of_login(login, None)
        if wrong == "signature":
            faults.append((SIGNATURE_INVALID, ""))
        if wrong == "service":
            faults.append((PROHIBITED, FAILED))
            faults += [(PROHIBITED, FAILED)] if token.login is not login else []
        if not self.model.is_live(token):
            faults.append((PROHIBITED, INVALID))
        signer = key + 1 if wrong == "signature" else key
        signature = self.model.sign(signer % len(self.board.rsa), token.data)
        body = {1: self.board.der[key], 2: token.data, 3: signature}
        if self.ask(login, Operation.REGISTER_QUORUM, body, faults) is not None:
            token.gone = True
            login.user.key = key

    @rule(place=places, key=st.integers(3, 7), wrong=st.sampled_from(["", "", "", "signature", "service"]))
    def register(self, place: int, key: int, wrong: str) -> None:
        login = self.login_at(place, Role.ADMIN if place % 2 else Role.CRYPTO_USER)
        if not login.user.is_kept or wrong:
            self.register_key(login, key, wrong)

    def set_a_value(self, login: Login, service: QuorumService, value: int, approval: Approval | None) -> None:
        model = self.model
        faults = model.faults_of_login(login, Role.ADMIN)
        faults += model.faults_of_admins(login, QuorumService.QUORUM, approval)
        if service not in ADMIN_SERVICES or not 1 <= value <= 8:
            faults.append((ARGUMENTS_BAD, "value"))
        elif value > 1 and value > len(model.admins()):
            faults.append((PROHIBITED, "nobody could approve anything any more"))
        body = {1: int(service), 2: value, **given(approval, 3)}
        if self.ask(login, Operation.SET_QUORUM_VALUE, body, faults) is not None:
            model.spend(approval)
            model.values[SERVICE_NAMES[service]] = value

    @rule(
        place=places,
        service=st.sampled_from([QuorumService.USER, QuorumService.USER, *ADMIN_SERVICES, USAGE]),
        value=st.sampled_from([1, 2, 2, 3, 3, 7, 0, 9]),
        way=ways,
        chance=chance,
    )
    def set_value(self, place: int, service: QuorumService, value: int, way: str, chance: Random) -> None:
        login = self.login_at(place, Role.ADMIN)
        approval = self.approval(login, way, QuorumService.QUORUM, None, chance)
        self.set_a_value(login, service, value, approval)

    @rule(place=places, seconds=st.sampled_from([300, 600, 900, 59, 86_401]), way=ways, chance=chance)
    def set_timeout(self, place: int, seconds: int, way: str, chance: Random) -> None:
        login, model = self.login_at(place, Role.ADMIN), self.model
        approval = self.approval(login, way, QuorumService.QUORUM, None, chance)
        name = chance.choice(["generated", "approved"])
        faults = model.faults_of_login(login, Role.ADMIN)
        faults += model.faults_of_admins(login, QuorumService.QUORUM, approval)
        if seconds not in {300, 600, 900}:
            faults.append((ARGUMENTS_BAD, "60 to 86400 seconds"))
        body = {1 if name == "generated" else 2: seconds, **given(approval, 3)}
        if self.ask(login, Operation.SET_QUORUM_TIMEOUT, body, faults) is not None:
            model.spend(approval)
            model.timeouts[name] = seconds

    @rule(place=places, everybodys=st.booleans())
    def delete_tokens(self, place: int, everybodys: bool) -> None:
        login = self.login_at(place, Role.ADMIN)
        faults = self.model.faults_of_login(login, Role.ADMIN)
        if self.ask(login, Operation.DELETE_QUORUM_TOKENS, {1: everybodys}, faults) is not None:
            for token in self.model.tokens:
                token.gone |= everybodys or token.login.user is login.user

    @rule(place=places, chance=chance)
    def list_and_count(self, place: int, chance: Random) -> None:
        login, model = self.login_at(place, Role.ADMIN), self.model
        approval = self.approval(login, "kept", QuorumService.USER, None, chance)
        faults, counted = model.faults_of_login(login, None), None
        if approval is not None:
            counted = model.token_of(approval)
            faults += model.faults_of_signatures(approval)
            if counted is None or not model.is_live(counted):
                faults.append((PROHIBITED, INVALID))
        answer = self.ask(login, Operation.QUORUM_TOKENS, given(approval, 1), faults)
        if answer is None:
            return
        listed = sorted((view[1], view[2], view.get(3) or 0, view[6]) for view in answer.get(1, []))
        expected = []
        for token in model.live_tokens():
            number = 0
            if token is counted and approval is not None:
                key = next((key for key in model.keys if key.reference == token.key), None)
                number = model.count(approval, model.admins() if key is None else key.users() if not key.gone else ())
            expected.append((token.login.user.name, int(token.service), token.key, number))
        assert listed == sorted(expected)

    @precondition(lambda self: self.model.tokens)
    @rule(seconds=st.sampled_from([200, 700]))
    def pass_time(self, seconds: int) -> None:
        self.board.offset += seconds
        self.model.now = self.board.offset
        self.board.disk.jump(self.board.offset)

    # -- keys ---------------------------------------------------------------------------------------------------------
    def make_key_of(self, login: Login, shared: Sequence[str], manage: int, usage: int) -> None:
        model = self.model
        faults = model.faults_of_login(login, Role.CRYPTO_USER)
        others = {name for name in shared if name in model.users and model.users[name].role is Role.CRYPTO_USER}
        if others != set(shared):
            faults.append((ARGUMENTS_BAD, "there is no crypto-user"))
        if login.user.name in shared:
            faults.append((ARGUMENTS_BAD, "owns the key"))
        if (manage or usage) and not (2 <= manage <= 1 + len(shared) and 2 <= usage <= 1 + len(shared)):
            faults.append((ARGUMENTS_BAD, ""))
        self.key_number += 1
        public = {int(Attribute.TOKEN): True, int(Attribute.EC_PARAMS): P256, int(Attribute.VERIFY): True}
        private = {int(Attribute.TOKEN): True, int(Attribute.SIGN): True}
        body = {1: int(Mechanism.EC_KEY_PAIR_GEN), 2: dict(sorted(public.items())), 3: private, 4: list(shared)}
        if manage or usage:
            body[5] = {1: manage, 2: usage}
        answer = self.ask(login, Operation.GENERATE_KEY_PAIR, body, faults)
        if answer is not None:
            made = Key(answer[1][1][1], answer[1][0][1], login.user, set(shared), manage, usage)
            model.keys.append(made)

    @rule(place=places, shared=st.sets(st.integers(0, 3)), manage=st.integers(0, 3), usage=st.integers(0, 3))
    def make_key(self, place: int, shared: set[int], manage: int, usage: int) -> None:
        self.make_key_of(
            self.login_at(place, Role.CRYPTO_USER), [self.user_names[each] for each in sorted(shared)], manage, usage
        )

    @rule(place=places, which=places, way=ways, chance=chance)
    def sign(self, place: int, which: int, way: str, chance: Random) -> None:
        login, key, model = (
            self.login_at(place, Role.CRYPTO_USER),
            self.model.keys[which % len(self.model.keys)],
            self.model,
        )
        approval = self.approval(login, way, USAGE, key, chance)
        faults = model.faults_of_login(login, Role.CRYPTO_USER) + model.faults_of_key(login, key, USAGE, approval)
        if not key.sees(login.user):
            faults.append((KEY_INVALID, ""))
        body = {1: key.reference, 2: int(Mechanism.ECDSA), 4: DIGEST, **given(approval, 5)}
        if self.ask(login, Operation.SIGN_WITH_APPROVAL, body, faults) is not None:
            model.spend(approval)
            if way == "twice":
                again = [(PROHIBITED, INVALID)]
                assert self.ask(login, Operation.SIGN_WITH_APPROVAL, body, again) is None

    @rule(place=places, which=places)
    def sign_alone(self, place: int, which: int) -> None:
        login, key = self.login_at(place, Role.CRYPTO_USER), self.model.keys[which % len(self.model.keys)]
        faults = self.model.faults_of_login(login, Role.CRYPTO_USER)
        if not key.sees(login.user):
            faults.append((KEY_INVALID, ""))
        elif key.usage:
            faults.append((NOT_PERMITTED, "Quorum approval is required"))
        self.ask(login, Operation.SIGN, {1: key.reference, 2: int(Mechanism.ECDSA), 4: DIGEST}, faults)

    def faults_of_owner(self, login: Login, key: Key) -> list[Fault]:
        faults = self.model.faults_of_login(login, Role.CRYPTO_USER)
        if not key.sees(login.user):
            faults.append((OBJECT_INVALID, ""))
        elif key.owner is not login.user:
            faults.append((PROHIBITED, "only the object's owner"))
        return faults

    @rule(place=places, which=places, who=st.integers(0, 3), on=st.booleans(), way=ways, chance=chance)
    def share(self, place: int, which: int, who: int, on: bool, way: str, chance: Random) -> None:
        login, key, model = (
            self.login_at(place, Role.CRYPTO_USER),
            self.model.keys[which % len(self.model.keys)],
            self.model,
        )
        name = self.user_names[who]
        approval = self.approval(login, way, MANAGEMENT, key, chance)
        faults = self.faults_of_owner(login, key) + model.faults_of_key(login, key, MANAGEMENT, approval)
        if on and (name not in model.users or name == key.owner.name):
            faults.append((ARGUMENTS_BAD, ""))
        if not on and name not in key.shared:
            faults.append((ARGUMENTS_BAD, "not shared with"))
        elif not on and len(key.shared) < max(key.manage, key.usage):
            faults.append((PROHIBITED, "too few would be left"))
        operation = Operation.SHARE_KEY if on else Operation.UNSHARE_KEY
        if self.ask(login, operation, {1: key.reference, 2: name, **given(approval, 3)}, faults) is not None:
            model.spend(approval)
            key.shared = key.shared | {name} if on else key.shared - {name}

    @rule(place=places, which=places, way=ways, chance=chance)
    def label(self, place: int, which: int, way: str, chance: Random) -> None:
        login, key, model = (
            self.login_at(place, Role.CRYPTO_USER),
            self.model.keys[which % len(self.model.keys)],
            self.model,
        )
        if login.user.role is Role.ADMIN:
            return
        approval = self.approval(login, way, MANAGEMENT, key, chance)
        faults = self.faults_of_owner(login, key) + model.faults_of_key(login, key, MANAGEMENT, approval)
        label = f"label {len(model.tokens)}"
        body = {1: key.reference, 2: {int(Attribute.LABEL): label}, **given(approval, 3)}
        if self.ask(login, Operation.SET_ATTRIBUTES, body, faults) is not None:
            model.spend(approval)
            key.label = label

    @rule(place=places, which=places)
    def destroy(self, place: int, which: int) -> None:
        login, key = self.login_at(place, Role.CRYPTO_USER), self.model.keys[which % len(self.model.keys)]
        if self.ask(login, Operation.DESTROY_OBJECT, {1: key.reference}, self.faults_of_owner(login, key)) is not None:
            # The other half is an object of its owner's too.
            self.ask(login, Operation.DESTROY_OBJECT, {1: key.public}, [])
            key.gone = True

    # -- two at once --------------------------------------------------------------------------------------------------
    @rule(place=places, which=places, chance=chance)
    def sign_twice_at_once(self, place: int, which: int, chance: Random) -> None:
        """Both are under way before the first is answered: one token is one signature."""
        login, key, model = (
            self.login_at(place, Role.CRYPTO_USER),
            self.model.keys[which % len(self.model.keys)],
            self.model,
        )
        approval = self.approval(login, "right", USAGE, key, chance)
        faults = model.faults_of_login(login, Role.CRYPTO_USER) + model.faults_of_key(login, key, USAGE, approval)
        if faults or not key.sees(login.user):
            return
        peer = self.peers[login]
        peer.wanted_revision = max(known.seen_revision for known in self.peers.values())
        body = {1: key.reference, 2: int(Mechanism.ECDSA), 4: DIGEST, **given(approval, 5)}
        for _ in range(2):
            peer.begin(Operation.SIGN_WITH_APPROVAL, {**body, 15: request_id()})
        refusals = []
        for _ in range(2):
            try:
                assert len(peer.answer()[1]) == 64
            except Refused as refusal:
                refusals.append(refusal)
        assert [refusal.rv for refusal in refusals] == [PROHIBITED]
        assert INVALID in refusals[0].text
        model.spend(approval)

    # -- the whole ----------------------------------------------------------------------------------------------------
    @invariant()
    def every_hsm_has_what_the_model_has(self) -> None:
        model = self.model
        newest = max(peer.seen_revision for peer in self.peers.values())
        for peer in self.watchers:
            peer.wanted_revision = newest
            mine = {*KEEPERS, *self.admin_names, *self.user_names}
            users = {
                view[1]: (view[2], bool(view.get(3)), bool(view.get(5)))
                for view in peer.call(Operation.USER_LIST, {})[1]
                if view[1] in mine
            }
            assert users == {
                user.name: (int(user.role), user.locked, user.key is not None) for user in model.users.values()
            }
            values = peer.call(Operation.QUORUM_VALUES, {})
            assert [values[1], values[2], values[3]] == [model.values[name] for name in ("user", "quorum", "cluster")]
            timeouts = peer.call(Operation.QUORUM_TIMEOUTS, {})
            assert [timeouts[1], timeouts[2]] == [model.timeouts["generated"], model.timeouts["approved"]]


def given(approval: Approval | None, member: int) -> dict[int, Any]:
    """An approval by member numbers, in the member of the request."""
    if approval is None:
        return {}
    signed = [{1: each.name, 2: each.role, 3: each.signature} for each in approval.signed]
    return {member: {1: approval.data, 2: signed}}


@pytest.mark.timeout(3600)
def test_no_sequence_of_requests_does_without_approvals_or_spends_a_token_twice(board: Board) -> None:
    machine = type("QuorumOfThisCluster", (Quorum,), {"board": board})
    chosen = settings(
        max_examples=60 if LONG else 4,
        stateful_step_count=60 if LONG else 40,
        deadline=None,
        database=None,
        phases=(Phase.generate,),  # each sequence makes its users anew, so that shrinking one takes minutes
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(machine, settings=chosen)
