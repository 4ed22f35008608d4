"""The rules of keys through the front door: random requests of two crypto-users and an admin, by frames to two HSMs.

The boundary's own property test (crates/boundary/src/objects/tests/key_rules) runs many more sequences over more rules.
This one shows that what it proves holds where requests come from: over sessions, on every HSM, after every commit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap
from frames import Peer, Refused, request_id
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, multiple, rule, run_state_machine_as_test
from one_cluster import ADMIN_PASSWORD, OneCluster, create_user

from strongroom.vocabulary.attributes import Attribute
from strongroom.vocabulary.mechanisms import Mechanism
from strongroom.vocabulary.operations import Operation
from strongroom.vocabulary.roles import Role

A = Attribute
SECRET_KEY, AES = 4, 0x1F
KNOWN = bytes(range(32))
"""The value of a wrapping key that every user knows."""
SESSIONS = (("alice", "hsm-1"), ("alice", "hsm-2"), ("bob", "hsm-2"))
USES = (A.ENCRYPT, A.DECRYPT, A.WRAP, A.UNWRAP)
CHANGES = (*USES, A.EXTRACTABLE, A.WRAP_WITH_TRUSTED, A.SENSITIVE, A.MODIFIABLE, A.COPYABLE, A.DESTROYABLE)
FALLS = frozenset({A.EXTRACTABLE, A.MODIFIABLE, A.COPYABLE})
RISES = frozenset({A.WRAP_WITH_TRUSTED, A.SENSITIVE})
DEFAULTS = {
    **dict.fromkeys((*USES, A.WRAP_WITH_TRUSTED, A.TRUSTED, A.WRAPPING_ONLY, A.EVER_COPIED), False),
    **dict.fromkeys((A.EXTRACTABLE, A.SENSITIVE, A.MODIFIABLE, A.COPYABLE, A.DESTROYABLE), True),
}


@dataclass(frozen=True)
class Key:
    """A key as the model has it. ``check`` stands for its value: nobody reads that."""

    reference: int
    owner: str
    check: bytes
    promised: bool
    shared: set[str] = field(default_factory=set, compare=False)
    flags: dict[Attribute, bool] = field(default_factory=dict, compare=False)
    gone: list[bool] = field(default_factory=list, compare=False)

    def sees(self, user: str) -> bool:
        return not self.gone and user in {self.owner, *self.shared}

    def owns(self, user: str) -> bool:
        return not self.gone and user == self.owner

    @property
    def was_trusted(self) -> bool:
        return self.flags[A.TRUSTED] or self.flags[A.WRAPPING_ONLY]

    def may_become(self, attribute: Attribute, value: bool) -> bool:
        if not self.flags[A.MODIFIABLE]:
            return False
        if value and attribute in {A.ENCRYPT, A.DECRYPT}:
            return not self.flags[A.WRAPPING_ONLY]
        if attribute in FALLS:
            return self.flags[attribute] or not value
        return value or not self.flags[attribute] if attribute in RISES else True


@dataclass(frozen=True)
class Wrapped:
    data: bytes
    by: bytes
    check: bytes
    promised: bool


def check_value(value: bytes) -> bytes:
    return Cipher(algorithms.AES(value), modes.ECB()).encryptor().update(bytes(16))[:3]  # noqa: S305 (5.4)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OneCluster]:
    made = OneCluster(tmp_path_factory.mktemp("key-rules"))
    try:
        admin = made.begin("hsm-1", "hsm-2")
        create_user(admin, "bob")
        yield made
    finally:
        made.close()


class Keys(RuleBasedStateMachine):
    """Every answer is what the model expects, and no answer holds a promised key."""

    cluster: OneCluster
    keys = Bundle("keys")
    wrapped = Bundle("wrapped")
    sessions = st.sampled_from(range(len(SESSIONS)))
    flags = st.dictionaries(st.sampled_from(CHANGES), st.booleans(), max_size=4)

    def __init__(self) -> None:
        super().__init__()
        self.peers = [self.peer(hsm, user) for user, hsm in SESSIONS]
        self.admin = self.peer("hsm-1", "admin", ADMIN_PASSWORD, Role.ADMIN)
        template = {A.CLASS: SECRET_KEY, A.KEY_TYPE: AES, A.VALUE: KNOWN, A.TOKEN: True, A.WRAP: True, A.DECRYPT: True}
        self.outside = [
            self.done(peer, Operation.CREATE_OBJECT, {1: numbers(template)})[0][1] for peer in self.peers[1:]
        ]

    def teardown(self) -> None:
        for peer in (*self.peers, self.admin):
            peer.close()

    def peer(self, hsm: str, user: str, password: str = "", role: Role = Role.CRYPTO_USER) -> Peer:
        made = Peer(*self.cluster.listening()[hsm])
        made.hello()
        made.login(user, password or f"{user}-password", role)
        return made

    def done(self, peer: Peer, operation: Operation, body: dict[int, Any]) -> Any:
        return peer.call(operation, {**body, 15: request_id()})[1]

    def know_the_newest_revision(self) -> None:
        """One client knows what any HSM has told it, so that each HSM first applies what another one has committed."""
        peers = (*self.peers, self.admin)
        newest = max(peer.seen_revision for peer in peers)
        for peer in peers:
            peer.wanted_revision = newest

    def answered(self, expected: bool, session: int | None, operation: Operation, body: dict[int, Any]) -> Any:
        """The answer, if there is one; whether there is must be as expected."""
        peer = self.admin if session is None else self.peers[session]
        self.know_the_newest_revision()
        try:
            answer = peer.call(operation, {**body, 15: request_id()})
        except Refused as refusal:
            assert not expected, refusal
            return None
        assert expected, (operation, body)
        return answer

    def made(self, session: int, view: dict[int, Any], flags: dict[Attribute, bool], *, promised: bool) -> Key:
        attributes = view[2]
        key = Key(
            view[1], SESSIONS[session][0], bytes(attributes[A.CHECK_VALUE]), promised, flags={**DEFAULTS, **flags}
        )
        assert {name: attributes[name] for name in key.flags} == key.flags
        return key

    @rule(target=keys, session=sessions, flags=flags)
    def generate(self, session: int, flags: dict[Attribute, bool]) -> Key:
        body = {1: int(Mechanism.AES_KEY_GEN), 2: numbers({**flags, A.TOKEN: True, A.VALUE_LEN: 32})}
        answer = self.answered(True, session, Operation.GENERATE_KEY, body)
        kept = flags.get(A.EXTRACTABLE) is False or flags.get(A.WRAP_WITH_TRUSTED) is True
        return self.made(session, answer[1][0], flags, promised=kept)

    @rule(target=keys)
    def generate_what_may_be_trusted(self) -> Key:
        return self.generate(0, {A.WRAP: True, A.UNWRAP: True, A.EXTRACTABLE: False})

    @rule(target=keys)
    def generate_what_is_entrusted(self) -> Key:
        return self.generate(0, {A.WRAP_WITH_TRUSTED: True})

    @rule(session=sessions, key=keys, attribute=st.sampled_from(CHANGES), value=st.booleans())
    def change(self, session: int, key: Key, attribute: Attribute, value: bool) -> None:
        expected = key.owns(SESSIONS[session][0]) and key.may_become(attribute, value)
        body = {1: key.reference, 2: {int(attribute): value}}
        if self.answered(expected, session, Operation.SET_ATTRIBUTES, body):
            key.flags[attribute] = value

    @rule(key=keys, value=st.sampled_from([True, True, False]))
    def trust(self, key: Key, value: bool) -> None:
        """The admin trusts what was generated here and was never extractable."""
        body = {1: key.reference, 2: {int(A.TRUSTED): value}}
        self.answered(False, 0, Operation.SET_ATTRIBUTES, body) if value else None
        if not key.promised or key.flags[A.EXTRACTABLE] or self.is_unwrapped(key):
            return
        if self.answered(not key.gone, None, Operation.SET_ATTRIBUTES, body):
            key.flags[A.TRUSTED] = value
            if value and not any(key.flags[name] for name in (A.ENCRYPT, A.DECRYPT, A.EVER_COPIED)):
                key.flags[A.WRAPPING_ONLY] = True

    def is_unwrapped(self, key: Key) -> bool:
        self.know_the_newest_revision()
        answer = self.peers[0 if key.owner == "alice" else 2].call(Operation.ATTRIBUTES, {1: [key.reference]})
        return not (answer[1] and answer[1][0][2][A.LOCAL] and answer[1][0][2][A.NEVER_EXTRACTABLE])

    @rule(target=keys, session=sessions, key=keys, flags=flags)
    def copy(self, session: int, key: Key, flags: dict[Attribute, bool]) -> Any:
        allowed = all(key.flags[name] == value or key.may_become(name, value) for name, value in flags.items())
        expected = key.owns(SESSIONS[session][0]) and key.flags[A.COPYABLE] and allowed
        answer = self.answered(expected, session, Operation.COPY_OBJECT, {1: key.reference, 2: numbers(flags)})
        if answer is None:
            return multiple()
        key.flags[A.EVER_COPIED] = True
        return self.made(session, answer[1][0], {**key.flags, **flags, A.TRUSTED: False}, promised=key.promised)

    @rule(session=sessions, key=keys, on=st.sampled_from([True, True, False]))
    def share(self, session: int, key: Key, on: bool) -> None:
        other = "bob" if key.owner == "alice" else "alice"
        expected = key.owns(SESSIONS[session][0]) and (on or other in key.shared)
        operation = Operation.SHARE_KEY if on else Operation.UNSHARE_KEY
        if self.answered(expected, session, operation, {1: key.reference, 2: other}):
            key.shared.symmetric_difference_update(key.shared ^ ({other} if on else set()))

    @rule(target=wrapped, session=sessions, wrapping=keys, key=keys)
    def wrap(self, session: int, wrapping: Key, key: Key) -> Any:
        user = SESSIONS[session][0]
        needs_trust = key.flags[A.WRAP_WITH_TRUSTED] or key.was_trusted
        trusted = wrapping.flags[A.TRUSTED] and wrapping.flags[A.WRAPPING_ONLY]
        expected = wrapping.sees(user) and wrapping.flags[A.WRAP] and key.owns(user) and key.flags[A.EXTRACTABLE]
        body = {1: wrapping.reference, 2: int(Mechanism.AES_KEY_WRAP), 4: key.reference}
        answer = self.answered(expected and (trusted or not needs_trust), session, Operation.WRAP_KEY, body)
        if answer is None:
            return multiple()
        return Wrapped(bytes(answer[1]), wrapping.check, key.check, key.promised)

    @rule(session=sessions, key=keys)
    def wrap_under_a_key_that_is_known(self, session: int, key: Key) -> None:
        user = SESSIONS[session][0]
        needs_trust = key.flags[A.WRAP_WITH_TRUSTED] or key.was_trusted
        expected = key.owns(user) and key.flags[A.EXTRACTABLE] and not needs_trust
        outside = self.outside[0 if user == "alice" else 1]
        body = {1: outside, 2: int(Mechanism.AES_KEY_WRAP), 4: key.reference}
        answer = self.answered(expected, session, Operation.WRAP_KEY, body)
        if answer is not None:
            assert check_value(aes_key_unwrap(KNOWN, bytes(answer[1]))) == key.check
            assert not key.promised

    @rule(target=keys, session=sessions, by=keys, wrapped=wrapped, flags=flags)
    def unwrap(self, session: int, by: Key, wrapped: Wrapped, flags: dict[Attribute, bool]) -> Any:
        kept = {A.WRAP_WITH_TRUSTED: True} if by.was_trusted else {}
        fits = flags.get(A.WRAP_WITH_TRUSTED) is not False or not kept
        expected = by.sees(SESSIONS[session][0]) and by.flags[A.UNWRAP] and by.check == wrapped.by and fits
        template = numbers({**flags, A.CLASS: SECRET_KEY, A.KEY_TYPE: AES, A.TOKEN: True})
        body = {1: by.reference, 2: int(Mechanism.AES_KEY_WRAP), 4: wrapped.data, 5: template}
        answer = self.answered(expected, session, Operation.UNWRAP_KEY, body)
        if answer is None:
            return multiple()
        return self.made(session, answer[1][0], {**flags, **kept}, promised=wrapped.promised)

    @rule(session=sessions, by=keys, wrapped=wrapped)
    def decrypt_what_was_wrapped(self, session: int, by: Key, wrapped: Wrapped) -> None:
        """RFC 3394 section 2.2.2, block by block."""
        expected = by.sees(SESSIONS[session][0]) and by.flags[A.DECRYPT]
        first, rest = wrapped.data[:8], [wrapped.data[8 * at : 8 * at + 8] for at in range(1, 5)]
        for step in range(24, 0, -1):
            at = (step - 1) % 4
            block = (int.from_bytes(first) ^ step).to_bytes(8) + rest[at]
            body = {1: by.reference, 2: int(Mechanism.AES_ECB), 4: block}
            answer = self.answered(expected, session, Operation.DECRYPT, body)
            if answer is None:
                return
            first, rest[at] = bytes(answer[1])[:8], bytes(answer[1])[8:]
        assert not (wrapped.promised and check_value(b"".join(rest)) == wrapped.check)

    @rule(session=sessions, key=consumes(keys))
    def destroy(self, session: int, key: Key) -> None:
        expected = key.owns(SESSIONS[session][0]) and key.flags[A.DESTROYABLE]
        if self.answered(expected, session, Operation.DESTROY_OBJECT, {1: key.reference}) is not None:
            key.gone.append(True)


def numbers(template: dict[Attribute, Any]) -> dict[int, Any]:
    return dict(sorted((int(name), value) for name, value in template.items()))


def test_no_sequence_of_requests_reveals_a_promised_key_or_widens_a_right(cluster: OneCluster):
    machine = type("KeysOfThisCluster", (Keys,), {"cluster": cluster})
    chosen = settings(
        max_examples=12, stateful_step_count=25, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    run_state_machine_as_test(machine, settings=chosen)
