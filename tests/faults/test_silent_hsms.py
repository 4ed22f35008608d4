"""An HSM that hangs or is cut off under a load of signatures: no call on token keys fails, and none waits for long.

Nothing tells the client: connections stay open, and new ones are taken by the kernel or by the relay.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import threading
import time
from collections import Counter
from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from one_cluster import OneCluster, generate_aes, generate_p256, sign
from relay import Relay

from strongroom._native import HsmError
from strongroom.vocabulary.attributes import Attribute
from strongroom.vocabulary.operations import Operation

THREADS = 6
SILENT_SECONDS = 6.0
"""Longer than it takes to leave the HSM and than its lease."""
STALL_SECONDS = 10.0
"""A call that takes so long hangs. The aim is 2.5 s, which a busy machine may miss; the figure is printed."""


class Load:
    """Threads that sign with one key, and one that makes keys, through one client until they are stopped."""

    def __init__(self, client, key: int) -> None:
        self.client = client
        self.calls: list[tuple[float, float]] = []
        self.signed: list[tuple[bytes, bytes]] = []
        self.failed: list[str] = []
        self.made: dict[str, int] = {}
        self._ending = threading.Event()
        self._threads = [threading.Thread(target=self._sign, args=(key,)) for _ in range(THREADS)]
        self._threads.append(threading.Thread(target=self._make_keys))
        for thread in self._threads:
            thread.start()

    def _sign(self, key: int) -> None:
        while not self._ending.is_set():
            digest = os.urandom(32)
            before = time.monotonic()
            try:
                signature = sign(self.client, key, digest)
            except HsmError as error:
                self.failed.append(str(error))
                continue
            self.calls.append((before, time.monotonic()))
            self.signed.append((digest, signature))

    def _make_keys(self) -> None:
        for number in itertools.count():
            if self._ending.wait(0.02):
                return
            label = f"made {number}"
            try:
                self.made[label] = generate_aes(self.client, label)
            except HsmError as error:
                self.failed.append(f"{label}: {error}")

    def stop(self) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join()


@contextlib.contextmanager
def reached_through_a_relay(cluster: OneCluster) -> Iterator[Relay]:
    """Clients reach hsm-1 through a relay from now on."""
    status = cluster.status("hsm-1")
    assert status is not None
    relay = Relay((status.address, status.port))
    try:
        cluster.reroute("hsm-1", *relay.address)
        yield relay
    finally:
        relay.close()


@contextlib.contextmanager
def cut_off(relay: Relay) -> Iterator[None]:
    relay.cut()
    try:
        yield
    finally:
        relay.mend()


def has(client, hsm_id: str) -> bool:
    """Whether the client has a connection to the HSM."""
    return any(member["hsm_id"] == hsm_id for member in client.members())


@pytest.mark.parametrize("how", ["hangs", "is cut off"])
def test_a_silent_hsm_fails_no_call_is_left_and_is_taken_again(cluster: OneCluster, how: str, capsys):
    cluster.begin("hsm-1", "hsm-2")
    with contextlib.ExitStack() as stack:
        relay = stack.enter_context(reached_through_a_relay(cluster)) if how == "is cut off" else None
        alice = cluster.alice()
        public, key = generate_p256(alice)
        cluster.until(lambda: sign(alice, key, bytes(32)) and has(alice, "hsm-1") and has(alice, "hsm-2"))
        load = Load(alice, key)
        try:
            time.sleep(1)
            silent_since = time.monotonic()
            with cut_off(relay) if relay else cluster.standing("hsm-1"):
                cluster.until(lambda: not has(alice, "hsm-1"))
                left = time.monotonic() - silent_since
                time.sleep(SILENT_SECONDS - left)
            spoke = time.monotonic()
            cluster.until(lambda: has(alice, "hsm-1"))
            back = time.monotonic() - spoke
            time.sleep(0.5)
        finally:
            load.stop()
        usual = max(end - start for start, end in load.calls if end < silent_since)
        longest = max(end - start for start, end in load.calls if end > silent_since)
        with capsys.disabled():
            print(
                f"\nan HSM that {how}: {len(load.calls)} signatures by {THREADS} threads, {len(load.made)} keys made,"
                f" {len(load.failed)} failed; longest signature {usual * 1000:.0f} ms before, {longest * 1000:.0f} ms"
                f" since; left after {left:.1f} s, taken again {back:.1f} s after it spoke"
            )
        assert not load.failed
        assert longest <= STALL_SECONDS
        check_signatures(alice, public, load)
        check_keys(cluster, load)


def check_signatures(client, public: int, load: Load) -> None:
    view = client.call(int(Operation.ATTRIBUTES), {"references": [public]})["objects"][0]
    point = bytes(view["attributes"][int(Attribute.EC_POINT)])[2:]
    verifier = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    for digest, signature in load.signed[:: max(1, len(load.signed) // 200)]:
        encoded = utils.encode_dss_signature(int.from_bytes(signature[:32]), int.from_bytes(signature[32:]))
        verifier.verify(encoded, digest, ec.ECDSA(utils.Prehashed(hashes.SHA256())))


def check_keys(cluster: OneCluster, load: Load) -> None:
    """Every key that was acknowledged is there once: nothing was done a second time by the HSM that was silent."""
    alice = cluster.alice("hsm-2")
    found, after, more = [], 0, True
    while more:
        body = {"template": {}, "after": after, "limit": 100, "with_attributes": True}
        page = alice.call(int(Operation.FIND), body)
        found += page["objects"]
        more, after = page["more"], page["objects"][-1]["reference"]
    labels = Counter(view["attributes"][int(Attribute.LABEL)] for view in found)
    assert {label: labels[label] for label in load.made} == dict.fromkeys(load.made, 1)
    assert {label for label in labels if label.startswith("made")} == set(load.made)
