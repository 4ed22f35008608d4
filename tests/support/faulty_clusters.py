"""A cluster under a fault: what must go on, what must be refused, and that it recovers by itself."""

from __future__ import annotations

import time

from one_cluster import OneCluster, generate_aes, generate_p256, references, refused, sign

from strongroom._native import HsmError

DEVICE_ERROR = 0x30
LEASE_SECONDS = 3.0


class Faulty:
    """A cluster with a key, used over one HSM at a time while nothing can be written."""

    def __init__(self, cluster: OneCluster, *hsm_ids: str) -> None:
        self.cluster = cluster
        cluster.client_options = {"deadline_ms": 8_000}
        self.clients = {hsm_id: cluster.alice(hsm_id) for hsm_id in hsm_ids}
        _, self.key = generate_p256(self.any)
        self.acknowledged: list[int] = []

    @property
    def any(self):
        return next(iter(self.clients.values()))

    def lasts(self, seconds: float, words: str) -> None:
        """For so long each HSM signs, and refuses with these words what must be on disk."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for client in self.clients.values():
                assert len(sign(client, self.key, bytes(32))) == 64
                code, text = refused(lambda client=client: generate_aes(client, "refused"))
                assert (code, words in text) == (DEVICE_ERROR, True), text
            time.sleep(0.2)

    def recovers(self) -> None:
        """Each HSM takes changes again, nothing that was refused is there, and what was acknowledged works."""
        for client in self.clients.values():
            self.cluster.until(lambda client=client: self._generated(client))
        for client in self.clients.values():
            assert len(sign(client, self.key, bytes(32))) == 64
            found = references(client)
            assert set(self.acknowledged) <= set(found)
            assert len(found) == 2 + len(self.acknowledged)  # the pair, and no key that was refused

    def _generated(self, client) -> bool:
        try:
            self.acknowledged.append(generate_aes(client, "acknowledged"))
        except HsmError as error:
            assert error.args[0] == DEVICE_ERROR
            return False
        return True
