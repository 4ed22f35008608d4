"""What the recorder does when stores fail, and what it keeps in memory."""

from __future__ import annotations

import json
from collections import Counter

import msgspec
import pytest

from strongroom.aws.errors import AwsError
from strongroom.aws.gateway import Call, HostedService
from strongroom.aws.models import service_model
from strongroom.aws.paging import NextTokens
from strongroom.aws.recording import CONTROL, LOGS, MadeCall
from strongroom.aws.sigv4 import Identity
from strongroom.services.cloudtrail import lookup_events, unsigned
from strongroom.services.cloudtrail import recorder as recorder_module
from strongroom.services.cloudtrail.context import Context
from strongroom.services.cloudtrail.recorder import TrailRecorder
from strongroom.services.cloudtrail.unsigned import UnsignedRequests
from strongroom.services.settled_stores import SettledStores
from strongroom.storage.interface import StoreUnavailable, StoreUnwritable, Transaction, Write
from strongroom.storage.memory import MemoryStore
from strongroom.vocabulary.records import ControlCluster, TrailEntry

ACCOUNT = "111122223333"
SERVICE = HostedService(
    service_model("cloudhsmv2"), {}, "CloudHsmInvalidRequestException", "CloudHsmInternalFailureException"
)


class FailingStore(MemoryStore):
    def __init__(self) -> None:
        super().__init__()
        self.fails = False
        self.reads_fail = False
        self.transactions = 0

    def transact(self, transaction):
        if self.fails:
            raise StoreUnwritable("the disk is full")
        self.transactions += 1
        return super().transact(transaction)

    def list(self, start, end, **limits):
        if self.reads_fail:
            raise StoreUnavailable("the disk cannot be read")
        return super().list(start, end, **limits)


class Clusters(dict):
    def create(self, cluster_id):
        return self.setdefault(cluster_id, MemoryStore())

    def delete(self, cluster_id):
        self.pop(cluster_id, None)

    def open(self, cluster_id):
        if cluster_id not in self:
            raise StoreUnavailable("it is missing")
        return self[cluster_id]


def made(operation="DescribeClusters", at=1_800_000_000.0, identity=True, source="192.0.2.7") -> MadeCall:
    call = MadeCall("request", at, source, "agent", "localhost")
    if identity:
        call.identity = Identity(ACCOUNT, "AKIAAAAAAAAAAAAAAAAA", "cloudhsm")
        call.service, call.operation, call.members = SERVICE, operation, {}
    return call


class Bench:
    def __init__(self) -> None:
        self.control, self.logs, self.clusters = MemoryStore(), FailingStore(), Clusters()
        self.now = 1_800_000_000.0
        self.recorder = self.another()

    def another(self) -> TrailRecorder:
        """As a new process would have it; nothing is started."""
        return TrailRecorder(
            control=self.control,
            clusters=self.clusters,
            logs=self.logs,
            region="us-east-1",
            operator_account=ACCOUNT,
            clock=lambda: self.now,
        )

    def add_cluster(self, cluster_id):
        """As the control plane has it."""
        cluster = ControlCluster(
            cluster_id, ACCOUNT, "hsm2m.medium", "FIPS", "IPV4", 0.0, {}, "sg", "vpc", "DAYS", "90", "UNINITIALIZED"
        )
        write = Write(f"account/{ACCOUNT}/cluster/{cluster_id}", msgspec.msgpack.encode(cluster))
        self.control.transact(Transaction(writes=(write,)))
        self.clusters[cluster_id] = MemoryStore()

    def commit(self, name=CONTROL):
        """A change with its record, as an operation makes it."""
        call = made("TagResource")
        write = self.recorder.change(call, {}, name)
        store = {CONTROL: self.control, LOGS: self.logs, **self.clusters}[name]
        store.transact(Transaction(writes=(write,)))
        return call

    def names(self) -> list[str]:
        entries = [msgspec.msgpack.decode(entry.value, type=TrailEntry) for entry in self.logs.scan("trail")]
        return [json.loads(entry.event.text)["eventName"] for entry in entries]


@pytest.fixture
def bench(monkeypatch):
    monkeypatch.setattr(recorder_module, "MAX_WAITING", 20)
    return Bench()


@pytest.fixture
def failed(bench):
    """The log cannot be written, and that is known."""
    bench.recorder._stopped = False
    bench.logs.fails = True
    bench.recorder.answered(made(), {})
    with pytest.raises(StoreUnwritable):
        bench.recorder.flush()
    return bench


@pytest.mark.parametrize("name", [CONTROL, LOGS, "cluster-a"])
def test_a_change_that_was_committed_before_a_crash_is_recorded_at_the_next_start(bench, name):
    bench.add_cluster("cluster-a")
    bench.commit(name)
    after = bench.another()
    after.start()
    after.stop()
    assert bench.names() == ["TagResource"]
    for store in (bench.control, bench.logs, bench.clusters["cluster-a"]):
        assert store.list("trail/", "trail0") == []


def test_an_outbox_that_was_not_cleared_gives_no_double(bench, monkeypatch):
    bench.recorder.answered(bench.commit(), {})
    with monkeypatch.context() as patch:
        patch.setattr(TrailRecorder, "_clear_outbox", lambda *_: False)
        bench.recorder.flush()
    assert len(bench.control.list("trail/", "trail0")) == 1
    after = bench.another()
    after.start()
    after.stop()
    assert bench.names() == ["TagResource"]
    assert bench.control.list("trail/", "trail0") == []


def test_a_change_in_work_is_not_overlooked(bench):
    call = made("TagResource")
    write = bench.recorder.change(call, {}, CONTROL)
    bench.recorder.flush()
    bench.control.transact(Transaction(writes=(write,)))
    bench.recorder.flush()
    assert bench.names() == ["TagResource"]
    bench.recorder.answered(call, {})
    bench.recorder.flush()
    assert bench.names() == ["TagResource"]
    assert bench.recorder._outboxes == {}


def test_a_change_that_is_made_while_a_batch_is_written_is_not_overlooked(bench, monkeypatch):
    bench.recorder.answered(bench.commit(), {})
    append = bench.recorder._append

    def slow(events):
        append(events)
        if len(bench.names()) == 1:
            bench.recorder.answered(bench.commit(), {})

    monkeypatch.setattr(bench.recorder, "_append", slow)
    bench.recorder.flush()
    assert bench.recorder._has_work()
    bench.recorder.flush()
    assert bench.names() == ["TagResource", "TagResource"]
    assert bench.recorder._outboxes == {}


def test_a_refusal_after_the_change_is_a_record_of_its_own(bench):
    call = bench.commit()
    bench.recorder.refused(call, AwsError("CloudHsmInternalFailureException", "the disk is full"))
    bench.recorder.flush()
    assert bench.names() == ["TagResource", "TagResource"]


def test_a_clusters_store_that_cannot_be_opened_holds_nothing_up(bench):
    bench.clusters["cluster-a"] = MemoryStore()
    call = bench.commit("cluster-a")
    lost = bench.clusters.pop("cluster-a")
    bench.recorder.answered(call, {})
    bench.recorder.answered(made(), {})
    bench.recorder.flush()
    assert bench.names() == ["DescribeClusters"]
    bench.clusters["cluster-a"] = lost
    bench.recorder.flush()
    assert bench.names() == ["DescribeClusters", "TagResource"]
    bench.recorder.settle("cluster-a")


def test_a_clusters_store_is_removed_only_when_its_records_are_in_the_trail(bench):
    bench.add_cluster("cluster-a")
    bench.commit("cluster-a")
    stores = SettledStores(bench.clusters, bench.recorder)
    bench.logs.fails = True
    with pytest.raises(StoreUnwritable):
        stores.delete("cluster-a")
    assert "cluster-a" in bench.clusters
    bench.logs.fails = False
    stores.delete("cluster-a")
    assert "cluster-a" not in bench.clusters
    assert bench.names() == ["TagResource"]
    stores.delete("cluster-a")


def test_a_clusters_store_is_removed_only_when_its_outbox_could_be_read(bench, monkeypatch):
    bench.add_cluster("cluster-a")
    bench.recorder.answered(bench.commit("cluster-a"), {})
    stores = SettledStores(bench.clusters, bench.recorder)

    def fail(*_, **__):
        raise StoreUnavailable("the disk cannot be read")

    with monkeypatch.context() as patch:
        patch.setattr(bench.clusters["cluster-a"], "list", fail)
        with pytest.raises(StoreUnavailable):
            stores.delete("cluster-a")
    assert "cluster-a" in bench.clusters
    stores.delete("cluster-a")
    assert "cluster-a" not in bench.clusters
    assert bench.names() == ["TagResource"]


def test_a_clusters_store_is_looked_into_before_it_is_removed_whatever_is_known_of_it(bench):
    bench.add_cluster("cluster-a")
    bench.commit("cluster-a")
    bench.recorder = bench.another()
    SettledStores(bench.clusters, bench.recorder).delete("cluster-a")
    assert bench.names() == ["TagResource"]


def test_nothing_that_waits_is_lost_while_the_log_cannot_be_read(failed):
    for _ in range(30):
        failed.recorder.answered(made(), {})
    call = failed.commit()
    failed.logs.reads_fail = True
    for _ in range(3):
        with pytest.raises(StoreUnavailable):
            failed.recorder.flush()
    failed.logs.fails = failed.logs.reads_fail = False
    failed.recorder.answered(call, {})
    failed.recorder.flush()
    assert Counter(failed.names()) == {"DescribeClusters": 20, "TagResource": 1, "UnrecordedCalls": 1}
    assert failed.recorder._waiting_bytes == 0


def test_while_the_log_cannot_be_written_no_change_is_taken_and_reads_are_counted_over_a_bound(failed):
    assert not failed.recorder.takes_changes()
    for _ in range(30):
        failed.recorder.answered(made(), {})
    assert len(failed.recorder._waiting) == 20
    failed.logs.fails = False
    failed.recorder.flush()
    assert failed.recorder.takes_changes()
    assert failed.names().count("DescribeClusters") == 20
    assert failed.names().count("UnrecordedCalls") == 1
    (event,) = [
        json.loads(msgspec.msgpack.decode(entry.value, type=TrailEntry).event.text)
        for entry in failed.logs.scan("trail")
        if b"UnrecordedCalls" in entry.value
    ]
    assert event["additionalEventData"] == {"count": 11}


def test_callers_write_themselves_what_finds_no_room(bench):
    bench.recorder._stopped = False
    for _ in range(45):
        bench.recorder.answered(made(), {})
    assert len(bench.names()) >= 40
    assert len(bench.recorder._waiting) <= 20
    assert bench.recorder._waiting_bytes == sum(len(event.text) for event in bench.recorder._waiting)


def test_a_stopped_recorder_writes_at_once(bench):
    bench.recorder.start()
    bench.recorder.stop()
    bench.recorder.answered(made(), {})
    assert bench.names() == ["DescribeClusters"]


def test_unsigned_requests_take_bounded_memory(monkeypatch):
    monkeypatch.setattr(unsigned, "MAX_SOURCES", 10)
    sums = UnsignedRequests()
    for number in range(1_000):
        sums.add(f"192.0.2.{number}", "InvalidSignatureException", 60.0 * (number // 100))
    assert sum(len(minute) for minute in sums._minutes.values()) <= 2 * 11
    events = [json.loads(event.text) for event in sums.take("us-east-1", ACCOUNT, None)]
    assert sum(event["additionalEventData"]["count"] for event in events) == 1_000
    assert "others" in {event["sourceIPAddress"] for event in events}
    assert not sums


def test_unsigned_requests_do_not_use_the_room_of_signed_ones(failed):
    for number in range(100):
        failed.recorder.refused(made(identity=False, source=f"s{number}"), AwsError("InvalidSignatureException", ""))
    assert len(failed.recorder._waiting) == 1


@pytest.mark.parametrize("value", [b"\x00", b"\x81\xa8event_id\xa1\xff"], ids=["no record", "no text"])
def test_an_outbox_that_somebody_spoilt_holds_up_neither_calls_nor_changes(bench, value):
    bench.control.transact(Transaction(writes=(Write("trail/spoilt", value),)))
    bench.recorder.start()
    bench.recorder.answered(bench.commit(), {})
    bench.recorder.stop()
    assert bench.names() == ["TagResource"]
    assert bench.recorder.takes_changes()


def test_a_page_reads_no_more_than_it_shows_however_long_the_trail_is(bench, monkeypatch):
    for number in range(300):
        bench.recorder.answered(made(at=bench.now - number), {})
    context = Context(bench.logs, bench.recorder, lambda: bench.now, NextTokens(b"k" * 32))
    read = []
    for name in ("list", "scan"):
        called = getattr(bench.logs, name)

        def counted(*arguments, called=called, **limits):
            found = called(*arguments, **limits)
            read.append(len(found))
            return found

        monkeypatch.setattr(bench.logs, name, counted)
    request = lookup_events.Request(max_results=10)
    page = lookup_events.lookup_events(context, Call("LookupEvents", made().identity, "r", "192.0.2.7"), request)
    assert len(page.events) == 10
    assert sum(read) == 11 + 10
