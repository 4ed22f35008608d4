"""The supervisor over in-memory stores and real child processes."""

import os
import signal
import sys
import time

import msgspec
import pytest

from strongroom.fleet.supervisor import Launch, Supervisor
from strongroom.storage.interface import Transaction, Write
from strongroom.storage.memory import MemoryStore
from strongroom.vocabulary import records

POLITE = (
    "import signal, time; signal.signal(signal.SIGTERM, lambda *_: exit(0)); print('up', flush=True); time.sleep(60)"
)
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"


class Stores:
    def __init__(self):
        self.control = MemoryStore()
        self.stores = {}

    def add(self, cluster_id):
        self.stores[cluster_id] = MemoryStore()
        self.control.transact(Transaction(writes=(Write(f"cluster/{cluster_id}", b"x"),)))
        return self.stores[cluster_id]

    def cluster_ids(self):
        return list(self.stores)

    def open(self, cluster_id):
        return self.stores[cluster_id]

    def url(self, cluster_id):
        return "memory:"


def put_member(store, hsm_id, *, deleting=False):
    member = records.MembershipRecord(
        hsm_id, "us-east-1a", "subnet-1", "127.0.0.1", 2223, 0.0, "eni-1", "hsm2m.medium", deleting
    )
    store.transact(Transaction(writes=(Write(f"desired/hsm/{hsm_id}", msgspec.msgpack.encode(member)),)))


def wait_for(condition, seconds=5.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if result := condition():
            return result
        time.sleep(0.01)
    raise AssertionError("it did not come true in time")


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


class Fleet:
    def __init__(self, directory, program):
        self.directory = directory
        self.program = program
        self.stores = Stores()
        self.failures = 0
        self.supervisor = Supervisor(self.stores, self.plan, self.directory.joinpath, grace_seconds=0.3)

    def plan(self, cluster_id, member):
        if self.failures:
            self.failures -= 1
            raise OSError("not now")
        return Launch((sys.executable, "-c", self.program, member.hsm_id), (), self.directory / member.hsm_id)

    def pid(self, hsm_id):
        return self.supervisor.pids().get(hsm_id)

    def running(self, hsm_id):
        """The pid, once the program says that it is up."""
        log = self.directory / hsm_id / "hsm.log"
        wait_for(lambda: log.exists() and "up" in log.read_text())
        return wait_for(lambda: self.pid(hsm_id))


@pytest.fixture
def make_fleet(tmp_path):
    fleets = []

    def make(program=POLITE):
        fleet = Fleet(tmp_path, program)
        fleets.append(fleet)
        fleet.supervisor.start()
        return fleet

    yield make
    for fleet in fleets:
        fleet.supervisor.stop()


def test_an_hsm_that_is_desired_is_started_and_one_of_a_new_cluster_too(make_fleet):
    fleet = make_fleet()
    put_member(fleet.stores.add("cluster-1"), "hsm-1")
    first = fleet.running("hsm-1")
    put_member(fleet.stores.add("cluster-2"), "hsm-2")
    assert fleet.running("hsm-2") != first


def test_a_killed_hsm_is_started_again_under_its_id(make_fleet):
    fleet = make_fleet()
    put_member(fleet.stores.add("cluster-1"), "hsm-1")
    first = fleet.running("hsm-1")
    os.kill(first, signal.SIGKILL)
    second = wait_for(lambda: (pid := fleet.pid("hsm-1")) != first and pid)
    assert alive(second)


def test_an_hsm_that_cannot_be_started_is_tried_again(make_fleet):
    fleet = make_fleet()
    fleet.failures = 2
    put_member(fleet.stores.add("cluster-1"), "hsm-1")
    assert fleet.running("hsm-1")


def test_a_deleted_hsm_is_stopped_and_its_traces_go(make_fleet, tmp_path):
    fleet = make_fleet()
    store = fleet.stores.add("cluster-1")
    put_member(store, "hsm-1")
    traces = ("status/hsm/hsm-1", "metrics/hsm-1", "join/hsm-1", "envelope/hsm-1", "seen/hsm-1")
    store.transact(Transaction(writes=tuple(Write(key, b"x") for key in (*traces, "user/admin", "envelope/recovery"))))
    store.acquire_lease("hsm/hsm-1", 60)
    pid = fleet.running("hsm-1")
    put_member(store, "hsm-1", deleting=True)
    wait_for(lambda: store.get("desired/hsm/hsm-1") is None)
    wait_for(lambda: not (tmp_path / "hsm-1").exists())
    assert not alive(pid)
    assert all(store.get(trace) is None for trace in traces)
    assert store.get("user/admin") is not None
    assert store.get("envelope/recovery") is not None
    assert not any(lease.live for lease in store.leases())


def test_an_hsm_that_does_not_stop_in_time_is_killed(make_fleet):
    fleet = make_fleet(STUBBORN)
    store = fleet.stores.add("cluster-1")
    put_member(store, "hsm-1")
    pid = fleet.running("hsm-1")
    put_member(store, "hsm-1", deleting=True)
    wait_for(lambda: store.get("desired/hsm/hsm-1") is None)
    assert not alive(pid)


def test_an_hsm_whose_membership_vanished_is_stopped(make_fleet):
    fleet = make_fleet()
    store = fleet.stores.add("cluster-1")
    put_member(store, "hsm-1")
    pid = fleet.running("hsm-1")
    store.transact(Transaction(writes=(Write("desired/hsm/hsm-1", None),)))
    wait_for(lambda: not alive(pid))


def test_stopping_the_supervisor_stops_every_hsm_and_keeps_their_membership(make_fleet, tmp_path):
    fleet = make_fleet()
    store = fleet.stores.add("cluster-1")
    put_member(store, "hsm-1")
    put_member(store, "hsm-2")
    pids = [fleet.running("hsm-1"), fleet.running("hsm-2")]
    fleet.supervisor.stop()
    assert not any(alive(pid) for pid in pids)
    assert store.get("desired/hsm/hsm-1") is not None
    assert (tmp_path / "hsm-1").exists()
    fleet.supervisor.stop = lambda: None


def test_an_idle_supervisor_does_nothing(make_fleet):
    fleet = make_fleet()
    put_member(fleet.stores.add("cluster-1"), "hsm-1")
    fleet.running("hsm-1")
    time.sleep(0.1)
    before = time.process_time()
    time.sleep(0.3)
    assert time.process_time() - before < 0.05
