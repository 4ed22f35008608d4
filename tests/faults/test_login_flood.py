"""A flood of failed logins: few audit entries, the last admin gets in, and signing goes on."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

from frames import Peer
from hostile import crowd
from one_cluster import ADMIN_PASSWORD, OneCluster, create_user, generate_p256, sign

from strongroom.vocabulary.operations import Operation
from strongroom.vocabulary.roles import Role

SECONDS = 4.0
CONNECTIONS = 6
ENTRIES = 100
"""More than the flood may make: 10 for each of 3 addresses, few each second, and those that lock a user."""
BURST_SECONDS = 0.15
SHARE = 1 / 16
"""What failed logins from strange addresses may take of the processors (ADR 0079)."""
A_CHECK_SECONDS = 0.05


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


def hashing_seconds(pid: int) -> float:
    """CPU time of the threads of a process that have ended: each password has one of its own, and no other ends."""
    process = Path(f"/proc/{pid}")
    living = 0.0
    for task in (process / "task").iterdir():
        with contextlib.suppress(OSError):  # it has ended
            living += cpu_seconds(task / "stat")
    return cpu_seconds(process / "stat") - living


def cpu_seconds(stat: Path) -> float:
    fields = stat.read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")  # fields 14 and 15 of proc(5)


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
    hashed, began = hashing_seconds(status.pid), time.monotonic()
    with crowd("logins", (status.address, status.port), CONNECTIONS) as flood:
        end = time.monotonic() + SECONDS
        rates = []
        while time.monotonic() < end:
            hashing.append(threads(status.pid, "hsm-password"))
            rates.append(signatures_a_second(alice, key, 0.05))
        hashed, lasted = hashing_seconds(status.pid) - hashed, time.monotonic() - began
        # The admin gets in meanwhile, from the address that it has used before, and a user from a new one.
        cluster.login("admin", ADMIN_PASSWORD, Role.ADMIN)
        with Peer(status.address, status.port, source="127.0.0.9") as newcomer:
            newcomer.hello()
            newcomer.login("alice", "alice-password")
        cluster.until(lambda: any(entry.dropped for entry in cluster.audit("hsm-1")))
    refused = int(flood.last_word.removeprefix("refused "))
    during = sum(rates) / len(rates)
    made = cluster.audit("hsm-1")[entries:]
    with capsys.disabled():
        print(
            f"\n{refused} logins refused in {SECONDS:.0f} s over {CONNECTIONS} connections: {len(made)} audit entries,"
            f" {hashed:.2f} s of hashing;"
            f" {usual:.0f} signatures/s before, {during:.0f} during ({during / usual - 1:+.0%})"
        )
    share = lasted * SHARE * len(os.sched_getaffinity(0))
    # Two checks may be in work when the time is used up, and two more when it is read; each thread's clock is rounded.
    assert 0 < hashed <= BURST_SECONDS + share + 8 * A_CHECK_SECONDS
    assert refused > 3 * ENTRIES
    assert len(made) <= ENTRIES
    assert sum(entry.dropped for entry in made) <= refused
    assert all(len(at_once) <= 2 and set(at_once) <= {10} for at_once in hashing)
    assert any(hashing)
    assert threads(status.pid, "hsm-handshake")
    users = admin.call(int(Operation.USER_LIST), {})["users"]
    assert {user["username"]: user["locked"] for user in users}["admin"] is False
