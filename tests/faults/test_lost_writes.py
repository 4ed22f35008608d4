"""A power cut: everything is killed and what was not synced is gone. Nothing acknowledged is lost, nothing half there.

The disk is that of storage_faults.c; the first tests show that it forgets what a disk may forget, and no more.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from one_cluster import OneCluster, generate_aes
from storage_faults import FaultyDisk

from strongroom._native import HsmError
from strongroom.vocabulary.attributes import Attribute
from strongroom.vocabulary.mechanisms import Mechanism
from strongroom.vocabulary.operations import Operation

SEED = 20_095
HSMS = ("hsm-1", "hsm-2")
WRITERS = 3
CUTS = 3


@pytest.fixture
def disk(tmp_path: Path) -> FaultyDisk:
    (tmp_path / "disk").mkdir()
    return FaultyDisk(tmp_path / "disk")


def run_and_kill(disk: FaultyDisk, program: str) -> None:
    """Run Python on the disk; it kills itself, so that nothing is written at its exit."""
    kill = "os.kill(os.getpid(), signal.SIGKILL)"
    code = f"import os, signal, sqlite3\nos.chdir({str(disk.directory)!r})\n{program}\n{kill}"
    done = subprocess.run([sys.executable, "-c", code], env={**os.environ, **disk.environment()}, timeout=30)
    assert done.returncode == -signal.SIGKILL


def test_the_disk_forgets_what_was_not_synced(disk: FaultyDisk):
    (disk.directory / "old").write_bytes(b"12345678")
    run_and_kill(
        disk,
        "old = os.open('old', os.O_RDWR)\n"
        "os.pwrite(old, b'synced', 0); os.fsync(old)\n"
        "os.pwrite(old, b'LOST', 2); os.pwrite(old, b'LONGER', 6); os.ftruncate(old, 3)\n"
        "new = os.open('new', os.O_WRONLY | os.O_CREAT); os.write(new, b'content'); os.fsync(new)\n"
        "os.rename('new', 'renamed')\n",
    )
    assert (disk.directory / "old").read_bytes() == b"syL"
    assert disk.lose_unsynced() == 5
    assert (disk.directory / "old").read_bytes() == b"synced78"
    assert {path.name for path in disk.directory.iterdir()} == {"old", "journal"}


def test_the_disk_keeps_names_of_a_synced_directory_and_brings_back_replaced_files(disk: FaultyDisk):
    for name in ("kept", "replaced", "removed"):
        (disk.directory / name).write_text("before")
    run_and_kill(
        disk,
        "def write(name):\n"
        "    file = os.open(name, os.O_WRONLY | os.O_CREAT); os.write(file, b'after!'); os.fsync(file)\n"
        "write('a'); os.replace('a', 'kept')\n"
        "here = os.open('.', os.O_RDONLY); os.fsync(here)\n"
        "write('b'); os.replace('b', 'replaced'); os.unlink('removed')\n",
    )
    disk.lose_unsynced()
    names = ("kept", "replaced", "removed")
    assert {name: (disk.directory / name).read_text() for name in names} == {
        "kept": "after!",
        "replaced": "before",
        "removed": "before",
    }


@pytest.mark.parametrize(("synchronous", "kept"), [("FULL", 20), ("OFF", 0)])
def test_sqlite_keeps_its_commits_on_this_disk_only_where_it_syncs(disk: FaultyDisk, synchronous: str, kept: int):
    import sqlite3

    path = disk.directory / "test.db"
    with sqlite3.connect(path) as before:
        before.execute("PRAGMA journal_mode=WAL")
        before.execute("CREATE TABLE t (n)")
    before.close()
    run_and_kill(
        disk,
        "db = sqlite3.connect('test.db', isolation_level=None)\n"
        f"db.execute('PRAGMA synchronous={synchronous}')\n"
        "for _ in range(20): db.execute('INSERT INTO t DEFAULT VALUES')\n",
    )
    disk.lose_unsynced()
    after = sqlite3.connect(path)
    assert after.execute("SELECT count(*) FROM t").fetchone() == (kept,)
    after.close()


class Writers:
    """Threads that make keys and destroy every third one, until they are told to stop."""

    def __init__(self, cluster: OneCluster, prefix: str) -> None:
        self.cluster = cluster
        self.made: dict[str, int] = {}
        self.destroyed: dict[str, int] = {}
        self.unknown: set[str] = set()
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self._write, args=(f"{prefix}{n}",)) for n in range(WRITERS)]
        for thread in self.threads:
            thread.start()

    def _write(self, prefix: str) -> None:
        client = self.cluster.alice()
        number = 0
        while not self.stopping.is_set():
            number += 1
            label = f"{prefix} {number}"
            self.unknown.add(label)
            try:
                reference = generate_aes(client, label)
                if number % 3:
                    self.made[label] = reference
                else:
                    client.call(int(Operation.DESTROY_OBJECT), {"reference": reference})
                    self.destroyed[label] = reference
                self.unknown.discard(label)
            except HsmError:
                return

    def join(self) -> None:
        self.stopping.set()
        for thread in self.threads:
            thread.join(30)
            assert not thread.is_alive()


def keys_of(cluster: OneCluster, hsm_id: str) -> dict[int, str]:
    client, found, after, more = cluster.alice(hsm_id), {}, 0, True
    while more:
        body = {"template": {}, "after": after, "limit": 100, "with_attributes": True}
        page = client.call(int(Operation.FIND), body)
        found |= {view["reference"]: view["attributes"][int(Attribute.LABEL)] for view in page["objects"]}
        after, more = max(found, default=0), page["more"]
    for reference in found:
        body = {"key": reference, "mechanism": int(Mechanism.AES_ECB), "data": bytes(16)}
        assert len(client.call(int(Operation.ENCRYPT), body)["data"]) == 16
    return found


@pytest.mark.timeout(240)
def test_a_power_cut_loses_nothing_that_was_acknowledged(disk: FaultyDisk, capsys):
    chance = random.Random(SEED)  # noqa: S311 - the same cuts in every run
    cluster = OneCluster(disk.directory)
    cluster.client_options = {"deadline_ms": 2_000}  # so long a writer waits for HSMs that are killed
    made: dict[str, int] = {}
    destroyed: dict[str, int] = {}
    unknown: set[str] = set()
    lost = []
    try:
        cluster.begin(*HSMS)
        for hsm_id in HSMS:
            cluster.stop(hsm_id)
        # The test's own writes are not noted, so that from here on it leaves the store alone while an HSM runs.
        cluster.close_store()
        for cut in range(CUTS):
            for hsm_id in HSMS:
                cluster.start(hsm_id, environment=disk.environment())
            for hsm_id in HSMS:
                cluster.until_listening(hsm_id)
            writers = Writers(cluster, f"cut {cut} writer ")
            time.sleep(chance.uniform(0.5, 1.0))
            for hsm_id in chance.sample(HSMS, len(HSMS)):
                cluster.kill(hsm_id)
            writers.join()
            lost.append(disk.lose_unsynced(chance if cut % 2 else None))
            made |= writers.made
            destroyed |= writers.destroyed
            unknown |= writers.unknown
            assert writers.made
        for hsm_id in HSMS:
            cluster.start(hsm_id)
        cluster.open_store()
        for hsm_id in HSMS:
            assert cluster.until_health(hsm_id, "ACTIVE").message == ""
        first, second = (keys_of(cluster, hsm_id) for hsm_id in HSMS)
        assert first == second
        for label, reference in made.items():
            assert first[reference] == label
        assert not set(destroyed.values()) & set(first)
        assert set(first.values()) <= set(made) | unknown
        for hsm_id in HSMS:
            assert [entry.sequence for entry in cluster.audit(hsm_id)] == list(range(len(cluster.audit(hsm_id))))
        with capsys.disabled():
            print(f"\n{len(made)} keys made, {len(destroyed)} destroyed; unsynced changes lost at each cut: {lost}")
    finally:
        cluster.close()
