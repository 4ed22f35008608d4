"""Requests that are nearly right, of each role and without a login: an answer each time, and nobody harmed.

Runs for ``STRONGROOM_FUZZ_SECONDS`` (a moment where that is not set), each role beside the others. What fails is
printed with the request that did it.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
from every_operation import bodies
from frames import Peer, Refused, frame, sign_body
from one_cluster import OneCluster, create_user, generate_aes

from strongroom.client.return_codes import ReturnCode
from strongroom.vocabulary.mechanisms import Mechanism
from strongroom.vocabulary.operations import Operation
from strongroom.vocabulary.quorum import QuorumService
from strongroom.vocabulary.roles import Role

SECONDS = float(os.environ.get("STRONGROOM_FUZZ_SECONDS", "2"))
HSM = "hsm-1"
NUMBERS = (0, 1, -1, 9, 255, 256, 2**31, 2**32, 2**63 - 1, 2**64 - 1)
TEXTS = ("", "\0", "a" * 300, "naïve", "/../", "🔑", "admin\n")
OUR_FAULT = {ReturnCode.GENERAL_ERROR, ReturnCode.FUNCTION_FAILED, ReturnCode.HOST_MEMORY, ReturnCode.DEVICE_MEMORY}
"""Codes that say that the HSM did something wrong, not its caller."""
LEFT_OUT = {Operation.LOGIN, Operation.ACTIVATE, Operation.LOGIN_WITH_TOKEN}
"""Wrong passwords are slow on purpose, and lock users; they have tests of their own."""


class Spoiler:
    """Makes requests that are nearly right."""

    def __init__(self, seed: int, key: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - repeatable
        without_body = [operation for operation in Operation if operation not in LEFT_OUT]
        self.bodies: dict[Operation, dict[int, Any]] = {operation: {} for operation in without_body} | bodies(key)
        # Right ones would lock out those who look on.
        for body in self.bodies.values():
            body.update({member: "nobody" for member, value in body.items() if value == "alice"})
        self.bodies[Operation.SET_QUORUM_VALUE] = {1: int(QuorumService.USER), 2: 99}

    def request(self) -> tuple[int, bytes]:
        """An operation's number, and a body."""
        operation, body = self.random.choice(list(self.bodies.items()))
        for _ in range(self.random.randrange(1, 4)):
            body = self.spoil(body)
        encoded = msgspec.msgpack.encode(body)
        match self.random.randrange(12):
            case 0:
                encoded = encoded[: self.random.randrange(len(encoded))]
            case 1:
                encoded = self.flip(encoded)
            case 2:
                encoded += self.random.randbytes(self.random.randrange(1, 40))
        code = self.random.randrange(2**16) if self.random.randrange(50) == 0 else int(operation)
        return (0xFFFF if code in map(int, LEFT_OUT) else code), encoded

    def spoil(self, value: Any) -> Any:
        """A value that differs in one thing."""
        match value:
            case dict() if value and self.random.randrange(6):
                member = self.random.choice(list(value))
                return {**value, member: self.spoil(value[member])}
            case dict():
                return {**value, self.random.choice(NUMBERS[:8]): self.any()}
            case bool() | int():
                return self.random.choice((*NUMBERS, value))
            case bytes() if value and self.random.randrange(3):
                return self.flip(value)
            case bytes():
                return self.random.choice((b"", value + b"\0", value[:-1], bytes(5000)))
            case str():
                return self.random.choice((*TEXTS, value))
            case list() if value and self.random.randrange(2):
                return [self.spoil(value[0]), *value[1:]]
            case _:
                return self.any()

    def any(self) -> Any:
        return self.random.choice((None, {}, [], True, 1.5, [[[]]], {1: {1: {1: 1}}}, *NUMBERS, *TEXTS, b"bytes"))

    def flip(self, data: bytes) -> bytes:
        position = self.random.randrange(len(data))
        return data[:position] + self.random.randbytes(1) + data[position + 1 :]


class Fuzzer:
    """One caller of a role, for whom a new user is made whenever the old one can do nothing more."""

    def __init__(self, peer: Callable[[], Peer], seed: int, key: int) -> None:
        self.peer = peer
        self.spoiler = Spoiler(seed, key)
        self.answered = 0
        self.found: list[str] = []

    def run(self) -> None:
        end = time.monotonic() + SECONDS
        while time.monotonic() < end and not self.found:
            with self.peer() as peer:
                while time.monotonic() < end and not self.found and self.goes_on(peer):
                    self.answered += 1

    def goes_on(self, peer: Peer) -> bool:
        """Send a request; whether its login can be used further."""
        operation, body = self.spoiler.request()
        said = f"operation {operation:#06x}, body {body.hex()}"
        try:
            peer.send(frame(operation, body, login=peer.login_id))
            peer.answer()
        except Refused as refused:
            if refused.rv not in set(ReturnCode) or refused.rv in OUR_FAULT:
                self.found.append(f"{said}: {refused.rv:#x} {refused.text}")
            return refused.rv != ReturnCode.USER_NOT_LOGGED_IN or not peer.login_id
        except Exception as error:
            self.found.append(f"{said}: {error!r}")
        return True


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[OneCluster]:
    made = OneCluster(tmp_path)
    yield made
    made.close()


def newcomer(cluster: OneCluster, admin: Any, role: Role | None) -> Peer:
    """A connection that a new user of the role has logged in on; of nobody without a role."""
    if role is None:
        return connected(cluster)
    name = f"fuzzer_{os.urandom(4).hex()}"
    create_user(admin, name, role)
    return connected(cluster, name, role)


def connected(cluster: OneCluster, name: str = "", role: Role = Role.CRYPTO_USER) -> Peer:
    peer = Peer(*cluster.listening()[HSM])
    peer.hello()
    if name:
        peer.login(name, f"{name}-password", role)
    return peer


def test_requests_of_every_role_are_answered_and_harm_nobody_else(cluster: OneCluster) -> None:
    admin = cluster.begin(HSM)
    key = generate_aes(cluster.alice(), "alice's")
    encrypt = {**sign_body(key, bytes(16)), 2: int(Mechanism.AES_ECB)}
    fuzzers = [
        Fuzzer(partial(newcomer, cluster, admin, role), seed, key)
        for seed, role in enumerate((None, Role.CRYPTO_USER, Role.ADMIN))
    ]
    with connected(cluster, "alice") as alice:
        before = alice.call(Operation.ENCRYPT, encrypt)
        with ThreadPoolExecutor(len(fuzzers)) as pool:
            for running in [pool.submit(fuzzer.run) for fuzzer in fuzzers]:
                running.result()
        after = alice.call(Operation.ENCRYPT, encrypt)

    print(f"answered without a login, of a crypto-user and of an admin: {[fuzzer.answered for fuzzer in fuzzers]}")
    assert [found for fuzzer in fuzzers for found in fuzzer.found] == []
    assert all(fuzzer.answered for fuzzer in fuzzers)
    assert cluster.processes[HSM].poll() is None
    assert after == before
    assert "Traceback" not in cluster.log(HSM)
