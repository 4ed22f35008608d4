"""Log files, digests, and what their verification finds; each fault is made on the files or in the raw log."""

from __future__ import annotations

import gzip
import hashlib
import json

import msgspec
import pytest

from strongroom.services.cloudtrail.digest import read_public_key
from strongroom.services.cloudtrail.event import own_event
from strongroom.services.cloudtrail.files import TrailFiles, delivered
from strongroom.services.cloudtrail.recorder import TrailRecorder
from strongroom.services.cloudtrail.verification import verify_files, verify_log
from strongroom.storage.interface import LogEntry, StoreUnwritable
from strongroom.storage.memory import MemoryStore
from strongroom.vocabulary.records import TrailEntry

ACCOUNTS = ("111122223333", "444455556666")
HOUR = 3600
START = 1_800_000_000 - 1_800_000_000 % HOUR + 120.0


class Bench:
    """A trail that grows with a clock of its own, and its files."""

    def __init__(self, directory) -> None:
        self.now = START
        self.directory = directory
        self.logs = MemoryStore()
        self.recorder = TrailRecorder(
            control=MemoryStore(),
            clusters={},
            logs=self.logs,
            region="us-east-1",
            operator_account=ACCOUNTS[0],
            clock=lambda: self.now,
        )
        self.files = self.another()
        self.number = 0

    def another(self) -> TrailFiles:
        return TrailFiles(
            logs=self.logs,
            directory=self.directory,
            region="us-east-1",
            seal=lambda context, secret: context.encode() + secret[::-1],
            open_sealed=lambda context, sealed: sealed[len(context) :][::-1],
            clock=lambda: self.now,
        )

    def events(self, count, account=ACCOUNTS[0]) -> None:
        for _ in range(count):
            self.number += 1
            details = {"number": self.number}
            event = own_event("Test", "us-east-1", account, self.now, source_ip=None, details=details, text="")
            self.recorder._keep(event)

    def pass_time(self, seconds) -> None:
        self.now += seconds
        self.files.deliver()

    def found(self, *, with_log=True):
        found = verify_files(self.directory, read_public_key(self.directory / "public-key.pem"))
        if with_log:
            verify_log(self.logs, found)
        return found

    def paths(self, kind, account=ACCOUNTS[0]):
        return sorted((self.directory / "AWSLogs" / account / kind).glob("**/*.json.gz"))

    def numbers(self, account=ACCOUNTS[0]):
        """The events that the log files of an account hold, in order of the files' names."""
        records = [
            json.loads(gzip.decompress(path.read_bytes()))["Records"] for path in self.paths("CloudTrail", account)
        ]
        return sorted(record["additionalEventData"]["number"] for group in records for record in group)


@pytest.fixture
def bench(tmp_path):
    bench = Bench(tmp_path / "trail")
    for _ in range(3):
        bench.events(2)
        bench.events(1, ACCOUNTS[1])
        bench.pass_time(300)
        bench.events(1)
        bench.pass_time(HOUR)
    return bench


def test_files_hold_every_event_of_their_account_and_verify(bench):
    assert bench.numbers() == [1, 2, 4, 5, 6, 8, 9, 10, 12]
    assert bench.numbers(ACCOUNTS[1]) == [3, 7, 11]
    found = bench.found()
    assert (found.problems, found.not_covered) == ([], [])
    assert (found.digests, found.files, found.entries) == (6, 9, 12)
    first = json.loads(gzip.decompress(bench.paths("CloudTrail-Digest")[0].read_bytes()))
    second = json.loads(gzip.decompress(bench.paths("CloudTrail-Digest")[1].read_bytes()))
    assert first["previousDigestS3Object"] is None
    assert second["previousDigestS3Object"] == first["digestS3Object"]
    assert second["digestStartTime"] == first["digestEndTime"]
    assert second["digestEndTime"].endswith(":00:00Z")


def test_an_hour_without_events_has_a_digest_that_says_so(bench):
    bench.pass_time(HOUR)
    newest = json.loads(gzip.decompress(bench.paths("CloudTrail-Digest")[-1].read_bytes()))
    assert newest["logFiles"] == []
    assert bench.found().problems == []


def test_files_that_no_digest_covers_yet_are_told_apart(bench):
    bench.events(1)
    bench.pass_time(300)
    found = bench.found()
    assert found.problems == []
    assert len(found.not_covered) == 1


def test_a_stop_covers_everything_by_a_digest(bench):
    bench.events(1)
    bench.files.deliver(end=True)
    again = bench.another()
    again.deliver(end=True)
    found = bench.found()
    assert (found.problems, found.not_covered) == ([], [])


def test_files_left_by_a_crash_are_written_again_under_the_same_names(bench, monkeypatch):
    bench.events(3)

    def fail(_transaction):
        raise StoreUnwritable("the disk is full")

    before = len(bench.paths("CloudTrail"))
    with monkeypatch.context() as patch:
        patch.setattr(bench.logs, "transact", fail)
        with pytest.raises(StoreUnwritable):
            bench.pass_time(300)
    assert len(bench.paths("CloudTrail")) == before + 1
    bench.now += 300
    bench.events(2)
    bench.pass_time(300)
    assert len(bench.paths("CloudTrail")) == before + 1
    assert bench.found().problems == []


@pytest.mark.parametrize("end", [False, True])
def test_digests_left_by_a_crash_are_written_again_under_the_same_names(bench, monkeypatch, end):
    bench.events(3)
    bench.pass_time(300)
    transact = bench.logs.transact

    def fail(transaction):
        if not delivered(bench.logs).planned_end:
            return transact(transaction)
        raise StoreUnwritable("the disk is full")

    before = len(bench.paths("CloudTrail-Digest"))
    bench.now += 100 if end else HOUR
    with monkeypatch.context() as patch:
        patch.setattr(bench.logs, "transact", fail)
        with pytest.raises(StoreUnwritable):
            bench.files.deliver(end=end)
    left = bench.paths("CloudTrail-Digest")[-1]
    content = left.read_bytes()
    assert len(bench.paths("CloudTrail-Digest")) == before + 1
    found = bench.found()
    assert (found.problems, found.not_covered) == ([], [])

    bench.files = bench.another()
    bench.events(2)
    bench.now += 700
    bench.files.deliver(end=True)
    assert left.read_bytes() == content
    assert len(bench.paths("CloudTrail-Digest")) == before + 2
    found = bench.found()
    assert (found.problems, found.not_covered) == ([], [])
    assert delivered(bench.logs).planned_end == 0


def test_files_are_written_after_whatever_failed(bench, monkeypatch):
    def fail(**_):
        raise ZeroDivisionError("nobody thought of it")

    bench.events(1)
    bench.now += 400
    with monkeypatch.context() as patch:
        patch.setattr(bench.files, "deliver", fail)
        bench.files.start()
        bench.files.stop()
    bench.pass_time(HOUR)
    found = bench.found()
    assert (found.problems, found.not_covered) == ([], [])


def rewrite(path, change):
    path.write_bytes(gzip.compress(change(gzip.decompress(path.read_bytes()))))


def change_file(bench):
    rewrite(bench.paths("CloudTrail")[1], lambda content: content.replace(b'"number":4', b'"number":7'))


def remove_file(bench):
    bench.paths("CloudTrail")[0].unlink()


def truncate_file(bench):
    path = bench.paths("CloudTrail")[0]
    path.write_bytes(path.read_bytes()[:40])


def change_digest(bench):
    rewrite(bench.paths("CloudTrail-Digest")[1], lambda content: content.replace(b'"SHA-256"', b'"SHA-255"'))


def remove_first_digest(bench):
    bench.paths("CloudTrail-Digest")[0].unlink()


def remove_middle_digest(bench):
    bench.paths("CloudTrail-Digest")[1].unlink()


def remove_signature(bench):
    path = bench.paths("CloudTrail-Digest")[1]
    path.with_name(f"{path.name}.metadata.json").unlink()


def swap_digests(bench):
    first, second, _ = bench.paths("CloudTrail-Digest")
    for suffix in ("", ".metadata.json"):
        one, two = (path.with_name(path.name + suffix) for path in (first, second))
        content = one.read_bytes()
        one.write_bytes(two.read_bytes())
        two.write_bytes(content)


FAULTS = {
    change_file: "its content was changed",
    remove_file: "missing",
    truncate_file: "it cannot be read",
    change_digest: "its signature is not that of this key",
    remove_first_digest: "missing;",
    remove_middle_digest: "it follows",
    remove_signature: "its signature is missing",
    swap_digests: "it was moved",
}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_what_was_done_to_files_is_named(bench, fault):
    fault(bench)
    problems = bench.found(with_log=False).problems
    assert any(FAULTS[fault] in problem for problem in problems), problems


def entries(bench) -> list[LogEntry]:
    return bench.logs._logs["trail"]


def change_entry(bench):
    entry = entries(bench)[4]
    decoded = msgspec.msgpack.decode(entry.value, type=TrailEntry)
    event = msgspec.structs.replace(decoded.event, text=decoded.event.text.replace("Test", "Best"))
    value = msgspec.msgpack.encode(msgspec.structs.replace(decoded, event=event))
    entries(bench)[4] = LogEntry(entry.sequence, entry.time_us, value)


def spoil_entry(bench):
    entry = entries(bench)[4]
    entries(bench)[4] = LogEntry(entry.sequence, entry.time_us, b"\x81\xa5event\x81\xa8event_id\xa1\xff")


def remove_entry(bench):
    del entries(bench)[4]


def remove_last_entries(bench):
    del entries(bench)[-3:]


def swap_entries(bench):
    fourth, fifth = entries(bench)[4:6]
    entries(bench)[4:6] = [LogEntry(4, fourth.time_us, fifth.value), LogEntry(5, fifth.time_us, fourth.value)]


def make_the_chain_anew(bench):
    change_entry(bench)
    previous = bytes(32)
    for number, entry in enumerate(entries(bench)):
        decoded = msgspec.structs.replace(msgspec.msgpack.decode(entry.value, type=TrailEntry), previous=previous)
        value = msgspec.msgpack.encode(decoded)
        entries(bench)[number] = LogEntry(entry.sequence, entry.time_us, value)
        previous = hashlib.sha256(value).digest()


def remove_newest_digests(bench):
    for account in ACCOUNTS:
        bench.paths("CloudTrail-Digest", account)[-1].unlink()


def add_file(bench):
    path = bench.paths("CloudTrail")[0]
    path.with_name("111122223333_CloudTrail_us-east-1_x_0.json.gz").write_bytes(path.read_bytes())


LOG_FAULTS = {
    change_entry: "it does not follow the entry before it",
    spoil_entry: "entry 4: it cannot be read",
    remove_entry: "entry 4: missing",
    remove_last_entries: "the log ends before it",
    swap_entries: "it was written as entry 5",
    make_the_chain_anew: "it is not the one that a digest covers",
    remove_newest_digests: "the newest digest of account 111122223333 is missing",
    add_file: "no digest names this file",
}


@pytest.mark.parametrize("fault", LOG_FAULTS, ids=lambda fault: fault.__name__)
def test_what_was_done_to_the_log_is_named(bench, fault):
    fault(bench)
    problems = bench.found().problems
    assert any(LOG_FAULTS[fault] in problem for problem in problems), problems
