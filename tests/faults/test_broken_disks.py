"""A disk that is full, read-only or failing: HSMs say what to do, use the keys they hold, and recover by themselves.

A full disk is a real one, a tmpfs of its own. One that turns read-only or fails under running HSMs is that of
storage_faults.c.
"""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from faulty_clusters import LEASE_SECONDS, Faulty
from one_cluster import OneCluster, generate_aes, references, sign

from strongroom._native import HsmError
from strongroom.vocabulary.operations import Operation

HSMS = ("hsm-1", "hsm-2")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 24 MiB."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a file system of its own")
    directory = tmp_path / "small"
    directory.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(directory)], check=True, timeout=20)
    yield directory
    subprocess.run(["umount", str(directory)], check=True, timeout=20)


@pytest.mark.timeout(180)
def test_a_full_disk_stops_changes_only_and_they_go_on_when_there_is_room(small_disk: Path):
    cluster = OneCluster(small_disk)
    try:
        cluster.begin(*HSMS)
        faulty = Faulty(cluster, *HSMS)
        fill(small_disk / "ballast")
        faulty.lasts(2 * LEASE_SECONDS, "disk is full: make room")
        (small_disk / "ballast").unlink()
        faulty.recovers()
        first, second = faulty.clients.values()
        first.call(int(Operation.DESTROY_OBJECT), {"reference": faulty.key})
        with pytest.raises(HsmError):
            sign(second, faulty.key, bytes(32))
        for hsm_id in HSMS:
            # The log is on that disk too.
            log = cluster.log(hsm_id)
            assert '"event": "lease renewed again"' in log
            assert "disk is full: make room" in log
            assert "lines of this log could not be written" in log
            assert cluster.stop(hsm_id) == 0
            cluster.start(hsm_id)
            assert cluster.until_health(hsm_id, "ACTIVE").message == ""
            entries = cluster.audit(hsm_id)
            assert [entry.sequence for entry in entries] == list(range(len(entries)))
        assert set(faulty.acknowledged) <= set(references(cluster.alice("hsm-2")))
    finally:
        cluster.close()


def fill(path: Path) -> None:
    """Take all the room that there is."""
    with path.open("wb", buffering=0) as file:
        for size in (1 << 20, 4096, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError as error:
                assert error.errno == errno.ENOSPC


def test_an_hsm_on_a_disk_that_cannot_be_written_ends_with_a_reason_and_starts_once_it_can(small_disk: Path):
    cluster = OneCluster(small_disk)
    try:
        cluster.begin("hsm-1")
        key = generate_aes(cluster.alice(), "kept")
        cluster.stop("hsm-1")
        cluster.close_store()
        remount(small_disk, "ro")
        logs = small_disk.parent / "logs"
        cluster.start("hsm-1", log=logs)
        assert cluster.exit_code("hsm-1") == 75  # start me again
        assert "mounted read-only; mount it for writing" in logs.read_text()
        remount(small_disk, "rw")
        cluster.open_store()
        cluster.start("hsm-1")
        cluster.until_health("hsm-1", "ACTIVE")
        assert key in references(cluster.alice())
    finally:
        remount(small_disk, "rw")
        cluster.close()


def remount(path: Path, mode: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{mode}", str(path)], check=True, timeout=20)


@pytest.mark.timeout(180)
def test_a_disk_that_turns_read_only_or_fails_stops_changes_only_and_for_as_long_as_it_does(shimmed):
    disk, cluster = shimmed
    faulty = Faulty(cluster, *HSMS)
    for error in (errno.EROFS, errno.EIO):
        disk.fail(error)
        faulty.lasts(1.5 * LEASE_SECONDS, "check the disk, and whether its file system is mounted read-only")
        disk.fail(0)
        faulty.recovers()
