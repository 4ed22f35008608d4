"""A flood of failed logins: few audit entries, the last admin gets in, and signing goes on."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

from hostile import crowd
from one_cluster import ADMIN_PASSWORD, OneCluster, create_user, generate_p256, sign

from strongroom.vocabulary.operations import Operation
from strongroom.vocabulary.roles import Role

SECONDS = 4.0
CONNECTIONS = 6
ENTRIES = 100
"""More than the flood may make: 10 for each of 3 addresses, few each second, and those that lock a user."""


def signatures_a_second(client, key: int, seconds: float) -> float:
    count, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        assert len(sign(client, key, bytes(32))) == 64
        count += 1
    return count / seconds


def threads(pid: int, name: str) -> list[int]:
    """The niceness of each thread of a process that has this name."""
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):  # it has ended
            before, _, after = (task / "stat").read_text().rpartition(")")
            if before.partition("(")[2] == name:
                found.append(int(after.split()[16]))  # field 19 of proc(5)
    return found


def test_a_flood_of_failed_logins_fills_no_log_locks_no_last_admin_and_lets_signing_go_on(cluster: OneCluster, capsys):
    admin = cluster.begin("hsm-1")
    create_user(admin, "mallory")
    alice = cluster.alice()
    _, key = generate_p256(alice)
    status = cluster.status("hsm-1")
    assert status is not None
    entries = len(cluster.audit("hsm-1"))
    usual = signatures_a_second(alice, key, 2)
    hashing: list[list[int]] = []
    with crowd("logins", (status.address, status.port), CONNECTIONS) as flood:
        end = time.monotonic() + SECONDS
        rates = []
        while time.monotonic() < end:
            hashing.append(threads(status.pid, "hsm-password"))
            rates.append(signatures_a_second(alice, key, 0.2))
        # The admin gets in meanwhile, from the address that it has used before.
        cluster.login("admin", ADMIN_PASSWORD, Role.ADMIN)
        cluster.until(lambda: any(entry.dropped for entry in cluster.audit("hsm-1")))
    refused = int(flood.last_word.removeprefix("refused "))
    during = sum(rates) / len(rates)
    made = cluster.audit("hsm-1")[entries:]
    with capsys.disabled():
        print(
            f"\n{refused} logins refused in {SECONDS:.0f} s over {CONNECTIONS} connections: {len(made)} audit entries;"
            f" {usual:.0f} signatures/s before, {during:.0f} during ({during / usual - 1:+.0%})"
        )
    assert refused > 3 * ENTRIES
    assert len(made) <= ENTRIES
    assert sum(entry.dropped for entry in made) <= refused
    assert all(len(at_once) <= 2 and set(at_once) <= {10} for at_once in hashing)
    assert any(hashing)
    assert threads(status.pid, "hsm-handshake")
    users = admin.call(int(Operation.USER_LIST), {})["users"]
    assert {user["username"]: user["locked"] for user in users}["admin"] is False
