"""Looking into audit logs: times that are the entries' own, a tail without doubles, and what cannot be read."""

from __future__ import annotations

import itertools

import msgspec
import pytest
from audit_logs import make_known, write

from strongroom.audit.export import lines_of
from strongroom.audit.hsm_logs import HsmLog, hsm_logs
from strongroom.audit.receipts import heads_of
from strongroom.audit.search import Filter, Search
from strongroom.audit.verify import verify
from strongroom.cli.operator.commands.audit import printing
from strongroom.storage.interface import Append, LogEntry, Transaction, Write
from strongroom.storage.memory import MemoryStore

UNREADABLE = {
    "no msgpack": b"\xff\xfe",
    "no UTF-8": b"\x81\xa6hsm_id\xa2\xff\xfe",
    "too deep": b"\x81\xa1x" + b"\x91" * 50_000 + b"\xc0",
    "no members": b"\x80",
}


@pytest.fixture
def store():
    return MemoryStore()


def log_of(store, hsm_id="hsm-1"):
    return HsmLog("cluster-1", hsm_id, store)


def alter_times(store, times):
    rows = store._logs["audit/hsm-1"]
    rows[:] = [LogEntry(row.sequence, time_us, row.value) for row, time_us in zip(rows, times, strict=True)]


def found(store, **times):
    return [told.entry.sequence for told in Search([log_of(store)]).find(Filter(**times))]


@pytest.mark.parametrize("altered", [[0] * 8, [10**15] * 8, list(range(800, 0, -100))])
def test_a_search_by_time_goes_by_the_entries_own_times(store, altered):
    write(store, "hsm-1", range(100, 900, 100))
    alter_times(store, altered)
    assert found(store) == list(range(8))
    assert found(store, since_us=300) == list(range(2, 8))
    assert found(store, since_us=301, until_us=600) == [3, 4]
    assert found(store, until_us=101) == [0]
    assert found(store, since_us=801) == []
    breaks = [each.text for each in verify(lines_of([log_of(store)], "", {})).all_breaks]
    assert sum("which is not its own" in text for text in breaks) == 8


def test_what_is_written_while_a_tail_begins_is_shown_once(store, monkeypatch):
    write(store, "hsm-1", range(100, 500, 100))
    scan, sequences = store.scan, itertools.count(4)

    def busy(log, **options):
        rows = scan(log, **options)
        sequence = next(sequences)
        if sequence < 8:
            write(store, "hsm-1", [sequence * 100 + 100], first=sequence)
        return rows

    monkeypatch.setattr(store, "scan", busy)
    search = Search([log_of(store)])
    shown, places = search.newest(2)
    while after := search.after(places):
        shown += after
    assert [told.entry.sequence for told in shown] == [2, 3, 4, 5, 6, 7]


def test_the_newest_of_several_hsms_are_the_last_in_time(store):
    write(store, "hsm-1", [100, 300])
    write(store, "hsm-2", [200, 400, 500])
    make_known(store, "hsm-3")
    search = Search([log_of(store, hsm_id) for hsm_id in ("hsm-1", "hsm-2", "hsm-3")])
    for count, expected in ((0, []), (1, [500]), (3, [300, 400, 500]), (9, [100, 200, 300, 400, 500])):
        shown, places = search.newest(count)
        assert [told.entry.time_us for told in shown] == expected
        assert places == {"hsm-1": 1, "hsm-2": 2}


@pytest.mark.parametrize("value", UNREADABLE.values(), ids=UNREADABLE)
def test_what_cannot_be_read_is_named_or_counted_wherever_it_is_read(store, value):
    write(store, "hsm-1", [100])
    store.transact(
        Transaction(
            writes=(
                Write("identity/hsm-1", value),
                Write("archive/cluster-1", value),
                Write("cluster/cluster-2", value),
            ),
            appends=(
                Append("audit/hsm-1", LogEntry(1, 200, value)),
                Append("checkpoint/hsm-1", LogEntry(0, 200, value)),
            ),
        )
    )

    class Clusters:
        def open(self, cluster_id):
            assert cluster_id == "cluster-2"
            return MemoryStore()

    (log,) = hsm_logs(store, store, Clusters())
    assert (log.cluster_id, log.hsm_id) == ("", "hsm-1")
    search = Search([log])
    assert [told.entry.sequence for told in search.find(Filter(since_us=50))] == [0]
    assert search.unread == 1
    assert [(head.sequence, head.time_us) for head in heads_of([log])] == [(1, 0)]
    breaks = [each.text for each in verify(lines_of([log], "", {})).all_breaks]
    assert breaks == [
        "its identity cannot be read: it was altered",
        "entry 0x0 was chained to another one: it was altered, or what stood before it is gone",
        "a checkpoint cannot be read: it was altered",
        "entry 0x1 is not an audit entry: it was altered",
    ]


@pytest.mark.parametrize("time_us", [-(2**63), -1, 0, 253402300800000000, 2**64 - 1])
def test_a_row_is_shown_whatever_its_time_and_makes_no_second_line(store, time_us):
    write(store, "hsm-1", [100])
    ((told,), _) = Search([log_of(store)]).newest(1)
    entry = msgspec.structs.replace(told.entry, time_us=time_us, username="a\nb\x1b[2J", user_type=99)
    changed = msgspec.structs.replace(entry, opcode="CN_\u2028X")
    told = type(told)("cluster-1", changed)
    row = printing.row(told)
    assert row.isprintable()
    assert "a\\nb\\x1b[2J" in row
    assert msgspec.json.decode(printing.as_json(told))["sequence"] == 0
