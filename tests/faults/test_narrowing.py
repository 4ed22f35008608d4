"""Issue: a destroy, a password change and a lock are in force on the other HSM when they are acknowledged.

One connection per HSM, so that no answer comes from the other; no connection has seen the other's revision.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from frames import Peer, Refused, request_id, sign_body
from one_cluster import OneCluster, create_user, generate_p256

from strongroom.vocabulary.operations import Operation
from strongroom.vocabulary.roles import Role

DIGEST = bytes(range(32))
NOT_THERE = {0x60, 0x82}
"""CKR_KEY_HANDLE_INVALID, CKR_OBJECT_HANDLE_INVALID."""
NOT_LOGGED_IN = 0x101
PIN_INCORRECT, PIN_LOCKED = 0xA0, 0xA4
LONGEST_LEASE_SECONDS = 4.0


class Two:
    """A cluster of two HSMs and connections to each alone."""

    def __init__(self, cluster: OneCluster) -> None:
        self.cluster = cluster
        self.admin = cluster.begin("hsm-1", "hsm-2")
        self.peers: list[Peer] = []

    def peer(self, hsm_id: str) -> Peer:
        status = self.cluster.status(hsm_id)
        assert status is not None
        peer = Peer(status.address, status.port)
        self.peers.append(peer)
        assert peer.hello()[3] == hsm_id
        return peer

    def logged_in(self, hsm_id: str, username: str = "alice", password: str = "") -> Peer:
        peer = self.peer(hsm_id)
        peer.login(username, password or f"{username}-password")
        return peer

    def key(self) -> int:
        return generate_p256(self.cluster.alice())[1]


@pytest.fixture
def two(cluster: OneCluster) -> Iterator[Two]:
    made = Two(cluster)
    yield made
    for peer in made.peers:
        peer.close()


def code(peer: Peer) -> int:
    with pytest.raises(Refused) as refusal:
        peer.answer()
    return refusal.value.rv


def destroy(peer: Peer, key: int) -> None:
    peer.call(Operation.DESTROY_OBJECT, {1: key, 15: request_id()})


def test_a_destroyed_key_is_refused_by_the_other_hsm_at_once(two: Two):
    first, second = two.logged_in("hsm-1"), two.logged_in("hsm-2")
    keys = [generate_p256(two.cluster.alice())[1] for _ in range(30)]
    for place, key in enumerate(keys):
        here, there = (first, second) if place % 2 else (second, first)
        there.sign(key, DIGEST)
        destroy(here, key)
        there.begin(Operation.SIGN, sign_body(key, DIGEST))
        assert code(there) in NOT_THERE


def test_after_a_password_change_the_other_hsm_ends_the_old_login_and_refuses_the_old_password(two: Two):
    password = "alice-password"
    hsms = ("hsm-1", "hsm-2")
    for number in range(8):
        here, there = two.logged_in(hsms[number % 2], password=password), hsms[1 - number % 2]
        old = two.logged_in(there, password=password)
        newer = f"password number {number}"
        body = {1: "alice", 2: int(Role.CRYPTO_USER), 3: newer.encode(), 15: request_id()}
        here.call(Operation.CHANGE_PASSWORD, body)
        old.begin(Operation.FIND, {1: {}, 2: 0, 3: 10, 4: False})
        assert code(old) == NOT_LOGGED_IN
        with pytest.raises(Refused) as refusal:
            two.logged_in(there, password=password)
        assert refusal.value.rv == PIN_INCORRECT
        two.logged_in(there, password=newer)
        password = newer


def test_a_user_locked_on_one_hsm_is_locked_on_the_other(two: Two):
    for place, username in enumerate(("bob", "carol", "dave")):
        create_user(two.admin, username)
        here, there = (("hsm-1", "hsm-2"), ("hsm-2", "hsm-1"))[place % 2]
        old = two.logged_in(there, username)
        guesses = []
        for _ in range(6):
            with pytest.raises(Refused) as refusal:
                two.logged_in(here, username, "a wrong password")
            guesses.append(refusal.value.rv)
        assert guesses == [PIN_INCORRECT] * 5 + [PIN_LOCKED]
        old.begin(Operation.FIND, {1: {}, 2: 0, 3: 10, 4: False})
        assert code(old) == NOT_LOGGED_IN
        with pytest.raises(Refused) as refusal:
            two.logged_in(there, username)
        assert refusal.value.rv == PIN_LOCKED


@pytest.mark.parametrize("pause", [0.0, 0.4, 0.9])
def test_a_standing_hsm_holds_an_answer_up_for_its_lease_and_then_does_not_serve_the_destroyed_key(
    two: Two, pause: float, capsys
):
    first, second = two.logged_in("hsm-1"), two.logged_in("hsm-2")
    key, kept = two.key(), two.key()
    second.sign(key, DIGEST)
    second.sign(kept, DIGEST)
    time.sleep(pause)
    with two.cluster.standing("hsm-2"):
        started = time.monotonic()
        destroy(first, key)
        waited = time.monotonic() - started
        second.begin(Operation.SIGN, sign_body(key, DIGEST))
    with capsys.disabled():
        print(f"\nthe answer came after {waited:.2f} s")
    assert waited <= LONGEST_LEASE_SECONDS
    with pytest.raises(Refused):
        second.answer()
    served = 0
    deadline = time.monotonic() + 20
    while served < 20 and time.monotonic() < deadline:
        second.begin(Operation.SIGN, sign_body(key, DIGEST))
        with pytest.raises(Refused):
            second.answer()
        try:
            second.sign(kept, DIGEST)
            served += 1
        except Refused:
            time.sleep(0.01)  # until it has its lease again
    assert served == 20
