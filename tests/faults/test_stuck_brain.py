"""A brain that cannot renew its lease does not keep it alive: the engine refuses by its own clock.

Another process holds the write lock of the store, so that the brain stands still wherever it writes.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterator

from frames import Peer, Refused, request_id
from one_cluster import OneCluster, generate_p256

from strongroom.hsm.settings import Settings
from strongroom.vocabulary.attributes import Attribute
from strongroom.vocabulary.mechanisms import Mechanism
from strongroom.vocabulary.operations import Operation

DEVICE_ERROR = 0x30
HANG_SECONDS = 10.0
NEW_KEY = {int(Attribute.TOKEN): True, int(Attribute.VALUE_LEN): 32}


@contextlib.contextmanager
def nobody_can_write(cluster: OneCluster) -> Iterator[None]:
    holder = sqlite3.connect(cluster.store_path, isolation_level=None)
    try:
        holder.execute("PRAGMA busy_timeout=5000")
        holder.execute("BEGIN IMMEDIATE")
        yield
        holder.execute("ROLLBACK")
    finally:
        holder.close()


def test_a_stuck_brain_does_not_keep_the_lease_alive(cluster: OneCluster, capsys):
    cluster.begin("hsm-1")
    _, key = generate_p256(cluster.alice())
    status = cluster.status("hsm-1")
    assert status is not None
    with Peer(status.address, status.port) as peer:
        peer.hello()
        peer.login("alice", "alice-password")

        def refusal_of_a_signature() -> Refused | None:
            try:
                peer.sign(key, bytes(32))
            except Refused as refused:
                return refused
            return None

        assert refusal_of_a_signature() is None
        with nobody_can_write(cluster):
            held = time.monotonic()
            hot = cluster.until(refusal_of_a_signature)
            after = time.monotonic() - held
            asked = time.monotonic()
            managed = None
            try:
                peer.call(Operation.GENERATE_KEY, {1: int(Mechanism.AES_KEY_GEN), 2: NEW_KEY, 15: request_id()})
            except Refused as refused:
                managed = refused
            answered = time.monotonic() - asked
        with capsys.disabled():
            print(f"\nsignatures are refused {after:.1f} s after the store's last writer; a key at once")
        assert (hot.rv, "lease has run out" in hot.text) == (DEVICE_ERROR, True)
        assert managed == hot
        assert answered < 1.0, "it was decided by the engine and waited for nobody"
        assert after <= Settings().lease_ttl_seconds + HANG_SECONDS / 2
        cluster.until(lambda: refusal_of_a_signature() is None)
        assert peer.call(Operation.GENERATE_KEY, {1: int(Mechanism.AES_KEY_GEN), 2: NEW_KEY, 15: request_id()})
