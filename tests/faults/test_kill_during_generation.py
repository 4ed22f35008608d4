"""Issue: kill -9 of an HSM, of the service and of everything at random instants during 1,000 key generations.

The whole product runs, and programs generate through the Python SDK and the PKCS #11 library. Afterwards every
acknowledged key exists exactly once and works, and none is half there.
"""

from __future__ import annotations

import itertools
import os
import random
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptoki import CryptokiError, Module
from installed import Installation

from strongroom.client import Cluster, ObjectClass, Refused, Session
from strongroom.vocabulary.attributes import Attribute
from strongroom.vocabulary.mechanisms import Mechanism
from strongroom.vocabulary.roles import Role

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]

KEYS = 1_000
P256 = bytes.fromhex("06082a8648ce3d030107")
SDK_THREADS, LIBRARY_THREADS = 3, 3
DURING = 60
"""Keys that are generated while a kill is being mended, at most."""
SEED = 20_063
DATA = b"signed after the kills"


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    made = Installation(tmp_path / "state")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    # A port of its own: the default one may be taken by somebody else while the service is dead.
    made.run("up", "-d", "--quickstart", "--listen", f"127.0.0.1:{port}")
    yield made
    made.run("down")


class Killer:
    """Kills, and returns when all HSMs are ACTIVE again."""

    def __init__(self, installation: Installation, chance: random.Random) -> None:
        self.installation = installation
        self.chance = chance

    def kill(self, what: str) -> None:
        hsms = self.installation.hsms()
        victims = {
            "an HSM": [self.chance.choice(hsms)["pid"]],
            "the service": [self.installation.service_pid()],
            "everything": [self.installation.service_pid(), *(hsm["pid"] for hsm in hsms)],
        }[what]
        self.chance.shuffle(victims)
        for pid in victims:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                assert what == "everything"  # an HSM ends with its service
        if what != "an HSM":
            self.installation.run("up", "-d")
        self._until_active({hsm["pid"] for hsm in hsms} if what != "an HSM" else set(victims))

    def _until_active(self, gone: set[int]) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            hsms = self.installation.hsms()
            if all(hsm["State"] == "ACTIVE" and hsm["pid"] and hsm["pid"] not in gone for hsm in hsms):
                return
            time.sleep(0.1)
        raise AssertionError(self.installation.hsms())


class Writers:
    """Threads that generate keys under labels of their own until all are acknowledged.

    They stop at :meth:`allow`'s number, so that the keys last for all kills and each kill meets calls in flight.
    """

    def __init__(self, session: Session, module: Module) -> None:
        self.session = session
        self.acknowledged: dict[str, int] = {}
        """Labels with the reference of the private or secret key, 0 where the library knows a handle only."""
        self.unknown: list[str] = []
        self._allowed = threading.Semaphore(0)
        self._given = 0
        self._numbers = itertools.count()
        makers = [self._with_sdk] * SDK_THREADS
        makers += [self._with_library(module) for _ in range(LIBRARY_THREADS)]
        self.threads = [threading.Thread(target=self._write, args=(make,), daemon=True) for make in makers]

    def allow(self, total: int) -> None:
        """Go on until so many keys are acknowledged."""
        self._allowed.release(total - self._given)
        self._given = total

    def _write(self, make) -> None:
        while True:
            self._allowed.acquire()
            number = next(self._numbers)
            if number >= KEYS:
                self._allowed.release()
                return
            label = f"key {number}"
            while label not in self.acknowledged:
                try:
                    self.acknowledged[label] = make(label)
                except (Refused, CryptokiError):
                    # Not acknowledged: it may exist or not, so its label is not used again.
                    self.unknown.append(label)
                    label += "'"
                    time.sleep(0.05)

    def _with_sdk(self, label: str) -> int:
        common = {Attribute.TOKEN.value: True, Attribute.LABEL.value: label}
        if int(label.strip("key '")) % 5 == 0:
            template = {**common, Attribute.VALUE_LEN.value: 32, Attribute.ENCRYPT.value: True}
            return self.session.objects.generate(
                Mechanism.AES_KEY_GEN, {**template, Attribute.DECRYPT.value: True}
            ).reference
        _, private = self.session.objects.generate_pair(
            Mechanism.EC_KEY_PAIR_GEN,
            {**common, Attribute.EC_PARAMS.value: P256, Attribute.VERIFY.value: True},
            {**common, Attribute.SIGN.value: True},
        )
        return private.reference

    @staticmethod
    def _with_library(module: Module):
        session = module.session()

        def make(label: str) -> int:
            session.generate_p256(label)
            return 0

        return make


def check(session: Session, writers: Writers) -> None:
    """What is there is what was acknowledged, each once and whole."""
    pairs = {ObjectClass.PUBLIC_KEY.value, ObjectClass.PRIVATE_KEY.value}
    found: dict[str, Counter[int]] = {}
    for view in session.objects.find_all({}):
        label = view.value(Attribute.LABEL)
        if label.startswith("key "):
            found.setdefault(label, Counter())[view.value(Attribute.CLASS)] += 1
    for label, classes in found.items():
        assert set(classes) in (pairs, {ObjectClass.SECRET_KEY.value}), label
        assert set(classes.values()) == {1}, label
    assert set(writers.acknowledged) <= set(found)
    assert set(found) <= {*writers.acknowledged, *writers.unknown}


def check_use(session: Session, label: str, reference: int) -> None:
    """The key found by its label is the one that was acknowledged, and works; pyca verifies what it signs."""
    page = session.objects.find({Attribute.LABEL.value: label})
    kinds = {view.value(Attribute.CLASS): view for view in page.objects}
    if ObjectClass.SECRET_KEY.value in kinds:
        assert kinds[ObjectClass.SECRET_KEY.value].reference == reference
        encrypted = session.objects.encrypt(reference, Mechanism.AES_ECB, bytes(32)).data
        assert encrypted != bytes(32)
        assert session.objects.decrypt(reference, Mechanism.AES_ECB, encrypted) == bytes(32)
        return
    key = session.keys.private_key(label=label)
    assert reference in (0, kinds[ObjectClass.PRIVATE_KEY.value].reference)
    key.public_key().verify(key.sign(DATA, ec.ECDSA(hashes.SHA256())), DATA, ec.ECDSA(hashes.SHA256()))


def test_every_acknowledged_key_exists_once_and_works_after_kills_of_everything(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest, capsys
):
    chance = random.Random(SEED)  # noqa: S311 - the same kills in every run
    environment = installation.environment()
    monkeypatch.setenv("STRONGROOM_CONFIG", environment["STRONGROOM_CONFIG"])
    username, _, password = environment["CLOUDHSM_PIN"].partition(":")
    module = Module(environment["STRONGROOM_PKCS11_MODULE"])
    request.addfinalizer(module.finalize)
    module.session().login(environment["CLOUDHSM_PIN"])
    kills = ["an HSM", "the service", "everything", "an HSM"]
    chance.shuffle(kills)
    instants = sorted(chance.sample(range(20, KEYS - DURING), len(kills)))
    killer = Killer(installation, chance)
    with Cluster.open(environment["STRONGROOM_CONFIG"]) as cluster:
        session = cluster.login(username, Role.CRYPTO_USER, password)
        writers = Writers(session, module)
        started = time.monotonic()
        for thread in writers.threads:
            thread.start()
        done = []
        for what, instant in zip(kills, instants, strict=True):
            writers.allow(instant + DURING)
            while len(writers.acknowledged) < instant:
                time.sleep(0.001)
            time.sleep(chance.uniform(0, 0.01))
            done.append(f"{what} at {len(writers.acknowledged)}")
            killer.kill(what)
        writers.allow(KEYS + 1)
        for thread in writers.threads:
            thread.join()
        took = time.monotonic() - started
        check(session, writers)
        for label, reference in writers.acknowledged.items():
            check_use(session, label, reference)
    with capsys.disabled():
        print(
            f"\n{len(writers.acknowledged)} keys acknowledged in {took:.1f} s, {len(writers.unknown)} calls failed;"
            f" killed: {', '.join(done)}"
        )
    assert len(writers.acknowledged) == KEYS
