"""A wall clock that is set a day forward or back under running HSMs changes nothing that matters."""

from __future__ import annotations

import time

import pytest
from faulty_clusters import LEASE_SECONDS, Faulty
from one_cluster import sign

DAY = 86_400.0


@pytest.mark.timeout(180)
def test_a_clock_that_jumps_ends_no_login_moves_no_lease_and_puts_no_audit_entry_before_another(shimmed):
    disk, cluster = shimmed
    faulty = Faulty(cluster, "hsm-1", "hsm-2")
    for seconds in (DAY, -DAY, 0.0):
        disk.jump(seconds)
        end = time.monotonic() + LEASE_SECONDS + 1
        while time.monotonic() < end:
            for client in faulty.clients.values():
                assert len(sign(client, faulty.key, bytes(32))) == 64
            time.sleep(0.1)
        faulty.recovers()
        assert len(sign(cluster.alice("hsm-2"), faulty.key, bytes(32))) == 64
    for hsm_id in ("hsm-1", "hsm-2"):
        status = cluster.status(hsm_id)
        assert status is not None
        assert (status.health, status.message) == ("ACTIVE", "")
        times = [entry.time_us for entry in cluster.audit(hsm_id)]
        assert times == sorted(times)
