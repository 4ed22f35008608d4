"""What every implementation of the store interface promises."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from strongroom.storage import open_store
from strongroom.storage.interface import (
    Append,
    Compare,
    CompareFailed,
    LeaseCompare,
    LogEntry,
    Store,
    StoreError,
    Transaction,
    Trim,
    Write,
    prefix_end,
)
from strongroom.storage.memory import MemoryStore
from strongroom.storage.sqlite import SqliteStore


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Iterator[Store]:
    made: Store
    if request.param == "memory":
        made = MemoryStore(monotonic=clock)
    else:
        made = SqliteStore(tmp_path / "store.db", boot_clock=clock)
    yield made
    made.close()


def put(store: Store, key: str, value: bytes | None) -> int:
    return store.transact(Transaction(writes=(Write(key, value),)))


def entry(sequence: int, value: bytes = b"entry", time_us: int = 0) -> LogEntry:
    return LogEntry(sequence, time_us, value)


def test_an_empty_store_has_revision_zero(store: Store) -> None:
    assert store.info().revision == 0
    assert store.watch(-1, 0) == 0
    assert store.get("a") is None
    assert store.list("", "z") == []
    assert store.scan("log") == []
    assert store.leases() == []


def test_each_transaction_raises_the_revision_by_one(store: Store) -> None:
    assert [put(store, "a", b"1"), put(store, "b", b"2"), put(store, "a", b"3")] == [1, 2, 3]
    assert store.transact(Transaction()) == 4
    record = store.get("a")
    assert record is not None
    assert (record.key, record.value, record.revision) == ("a", b"3", 3)


def test_values_are_any_bytes_and_keys_any_text(store: Store) -> None:
    value = bytes(range(256)) * 256
    put(store, "schlüssel/\U0001f511", value)
    put(store, "empty", b"")
    record = store.get("schlüssel/\U0001f511")
    assert record is not None
    assert record.value == value
    empty = store.get("empty")
    assert empty is not None
    assert empty.value == b""


def test_list_gives_a_half_open_range_in_order(store: Store) -> None:
    for key in ["b", "a/1", "a/2", "a", "a/10", "aa", "\uffff", "\U0001f511", "z"]:
        put(store, key, key.encode())
    assert [record.key for record in store.list("a/", prefix_end("a/"))] == ["a/1", "a/10", "a/2"]
    assert [record.key for record in store.list("a", "b")] == ["a", "a/1", "a/10", "a/2", "aa"]
    assert [record.key for record in store.list("a", "b", limit=2, reverse=True)] == ["aa", "a/2"]
    assert [record.key for record in store.list("a", "b", limit=2)] == ["a", "a/1"]
    assert [record.key for record in store.list("z", "\U0010ffff")] == ["z", "\uffff", "\U0001f511"]
    assert store.list("a", "a") == []
    assert store.list("b", "a") == []
    assert store.list("a", "b", limit=0) == []


def test_a_deleted_record_is_absent_and_may_come_back(store: Store) -> None:
    put(store, "a", b"1")
    put(store, "a", None)
    put(store, "never there", None)
    assert store.get("a") is None
    assert store.list("", "z") == []
    store.transact(Transaction(compares=(Compare("a", None),), writes=(Write("a", b"2"),)))
    record = store.get("a")
    assert record is not None
    assert record.revision == 4


@pytest.mark.parametrize(
    ("compare", "failed"),
    [
        (Compare("a", None), "a"),
        (Compare("a", 2), "a"),
        (Compare("b", 1), "b"),
    ],
)
def test_a_failed_compare_changes_nothing_and_names_the_key(store: Store, compare: Compare, failed: str) -> None:
    revision = put(store, "a", b"1")
    with pytest.raises(CompareFailed) as failure:
        store.transact(
            Transaction(
                compares=(Compare("a", revision), compare),
                writes=(Write("c", b"no"), Write("a", None)),
                appends=(Append("log", entry(0)),),
            )
        )
    assert failure.value.key == failed
    assert store.get("c") is None
    assert store.get("a") is not None
    assert store.scan("log") == []
    assert store.info().revision == revision


def test_later_writes_of_one_transaction_win(store: Store) -> None:
    store.transact(Transaction(writes=(Write("a", b"1"), Write("a", None), Write("a", b"2"))))
    record = store.get("a")
    assert record is not None
    assert record.value == b"2"


def test_a_log_takes_entries_without_gaps_only(store: Store) -> None:
    store.transact(Transaction(appends=(Append("log", entry(0)), Append("log", entry(1)), Append("other", entry(0)))))
    store.transact(Transaction(appends=(Append("log", entry(2)),)))
    for wrong in (0, 2, 4, -1):
        with pytest.raises(CompareFailed) as failure:
            store.transact(Transaction(writes=(Write("a", b"1"),), appends=(Append("log", entry(wrong)),)))
        assert failure.value.key == "log log"
    with pytest.raises(CompareFailed):
        store.transact(Transaction(appends=(Append("log", entry(3)), Append("log", entry(5)))))
    assert store.get("a") is None
    assert [found.sequence for found in store.scan("log")] == [0, 1, 2]
    assert [found.sequence for found in store.scan("other")] == [0]


def test_logs_are_listed_by_name(store: Store) -> None:
    for name in ("audit/b", "audit/a", "checkpoint/a"):
        store.transact(Transaction(appends=(Append(name, entry(0)), Append(name, entry(1)))))
    put(store, "audit/record", b"no log")
    assert store.logs("audit/", "audit0") == ["audit/a", "audit/b"]
    assert store.logs("a", "z") == ["audit/a", "audit/b", "checkpoint/a"]
    assert store.logs("b", "c") == []


def test_scans_by_sequence_time_direction_and_limit(store: Store) -> None:
    appends = tuple(Append("log", entry(n, b"%d" % n, 1_000 + 10 * n)) for n in range(10))
    store.transact(Transaction(appends=appends))

    def sequences(**arguments: int | bool) -> list[int]:
        return [found.sequence for found in store.scan("log", **arguments)]  # type: ignore[arg-type]

    assert sequences(after=6) == [7, 8, 9]
    assert sequences(after=6, limit=2) == [7, 8]
    assert sequences(after=2, reverse=True) == [1, 0]
    assert sequences(reverse=True, limit=3) == [9, 8, 7]
    assert sequences(since_us=1_075) == [8, 9]
    assert sequences(since_us=1_075, reverse=True) == [9, 8]
    assert sequences(after=8, since_us=1_075) == [9]
    assert sequences(after=99) == []
    (first, *_) = store.scan("log", after=2)
    assert first == entry(3, b"3", 1_030)


def filled(store: Store, times: list[int]) -> Store:
    """A log whose entries have these times."""
    appends = tuple(Append("log", entry(number, time_us=time_us)) for number, time_us in enumerate(times))
    store.transact(Transaction(appends=(*appends, Append("other", entry(0)))))
    return store


def test_scans_by_time_where_the_clock_stepped_back(store: Store) -> None:
    filled(store, [30, 10, 10, 20, 40])

    def sequences(start: tuple[int, int], end: tuple[int, int], **arguments: int | bool) -> list[int]:
        return [found.sequence for found in store.scan_by_time("log", start, end, **arguments)]  # type: ignore[arg-type]

    assert sequences((0, 0), (99, 0)) == [1, 2, 3, 0, 4]
    assert sequences((0, 0), (99, 0), reverse=True) == [4, 0, 3, 2, 1]
    assert sequences((10, 2), (40, 4)) == [2, 3, 0]
    assert sequences((10, 2), (40, 5), reverse=True, limit=2) == [4, 0]
    assert sequences((10, 3), (10, 9)) == []


def test_scans_by_time_can_skip_entries_and_look_into_values(store: Store) -> None:
    values = [b"a\0b", b"ab", b"b\0", b"a\0b\0"]
    store.transact(
        Transaction(appends=tuple(Append("log", entry(number, value, number)) for number, value in enumerate(values)))
    )

    def sequences(**arguments: object) -> list[int]:
        return [found.sequence for found in store.scan_by_time("log", (0, 0), (9, 0), **arguments)]  # type: ignore[arg-type]

    assert sequences(skip=1, limit=2) == [1, 2]
    assert sequences(skip=3) == [3]
    assert sequences(skip=1, reverse=True) == [2, 1, 0]
    assert sequences(containing=[b"a", b"b\0"]) == [3]
    assert sequences(containing=[b"\0b"], skip=1) == [3]
    assert sequences(containing=[b"c"]) == []


def test_trimmed_entries_are_gone_and_the_numbering_goes_on(store: Store) -> None:
    filled(store, [30, 10, 20, 5])
    store.transact(Transaction(trims=(Trim("log", 25, limit=1),)))
    assert [found.sequence for found in store.scan("log")] == [0, 2, 3]
    store.transact(Transaction(trims=(Trim("log", 99),)))
    assert [found.sequence for found in store.scan("log")] == [3]
    with pytest.raises(CompareFailed):
        store.transact(Transaction(appends=(Append("log", entry(0)),)))
    store.transact(Transaction(appends=(Append("log", entry(4, time_us=1)),), trims=(Trim("log", 99),)))
    assert [found.sequence for found in store.scan("log")] == [4]
    assert [found.sequence for found in store.scan("log", after=3)] == [4]
    assert [found.sequence for found in store.scan("log", after=4, reverse=True)] == []


def test_a_log_that_was_trimmed_whole_begins_again(store: Store) -> None:
    filled(store, [1, 2])
    store.transact(Transaction(trims=(Trim("log"), Trim("never there"))))
    assert store.scan("log") == []
    store.transact(Transaction(appends=(Append("log", entry(0)),)))
    assert [found.sequence for found in store.scan("other")] == [0]


def test_a_transaction_that_fails_trims_nothing(store: Store) -> None:
    filled(store, [1, 2])
    with pytest.raises(CompareFailed):
        store.transact(Transaction(compares=(Compare("a", 1),), trims=(Trim("log"),)))
    assert len(store.scan("log")) == 2


@pytest.mark.parametrize("last", ["a", "\ud7ff", "\U0010ffff", "a\U0010ffff\U0010ffff"])
def test_every_prefix_has_an_end(store: Store, last: str) -> None:
    for key in ("p/", f"p/{last}", f"p/{last}z", "p0"):
        put(store, key, b"")
    prefix = f"p/{last}"
    assert [record.key for record in store.list(prefix, prefix_end(prefix))] == [prefix, f"{prefix}z"]


def test_a_lease_lives_for_its_time(store: Store, clock: Clock) -> None:
    lease = store.acquire_lease("hsm", 3)
    assert (lease.name, lease.epoch, lease.applied, lease.live) == ("hsm", 1, 0, True)
    assert 0 < lease.expires_at - time.time() <= 3
    clock.now += 2.9
    assert store.leases()[0].live
    clock.now += 0.1
    (found,) = store.leases()
    assert not found.live
    assert found.expires_at <= time.time()


def test_a_renewed_lease_lives_on_and_shows_what_was_applied(store: Store, clock: Clock) -> None:
    lease = store.acquire_lease("hsm", 3)
    clock.now += 2
    renewed = store.renew_lease("hsm", lease.epoch, 3, 17)
    assert (renewed.epoch, renewed.applied, renewed.live) == (lease.epoch, 17, True)
    clock.now += 2
    assert store.leases()[0].live
    clock.now += 2
    assert not store.leases()[0].live
    assert store.renew_lease("hsm", lease.epoch, 3, 18).live


def test_a_transaction_under_a_lease_needs_its_epoch_and_its_time(store: Store, clock: Clock) -> None:
    first = store.acquire_lease("hsm", 3)
    store.transact(Transaction(lease=LeaseCompare("hsm", first.epoch), writes=(Write("a", b"1"),)))
    second = store.acquire_lease("hsm", 3)
    assert second.epoch == first.epoch + 1
    for stale in (LeaseCompare("hsm", first.epoch), LeaseCompare("other", 1)):
        with pytest.raises(CompareFailed) as failure:
            store.transact(Transaction(lease=stale, writes=(Write("a", b"2"),)))
        assert failure.value.key == f"lease {stale.name}"
    with pytest.raises(CompareFailed):
        store.renew_lease("hsm", first.epoch, 3, 0)
    store.transact(Transaction(lease=LeaseCompare("hsm", second.epoch), writes=(Write("a", b"3"),)))
    clock.now += 3
    with pytest.raises(CompareFailed):
        store.transact(Transaction(lease=LeaseCompare("hsm", second.epoch), writes=(Write("a", b"4"),)))
    record = store.get("a")
    assert record is not None
    assert record.value == b"3"


def test_a_released_lease_is_not_live_and_its_epoch_is_not_given_again(store: Store) -> None:
    first = store.acquire_lease("hsm", 3)
    store.release_lease("hsm", first.epoch)
    assert not store.leases()[0].live
    with pytest.raises(CompareFailed):
        store.transact(Transaction(lease=LeaseCompare("hsm", first.epoch)))
    second = store.acquire_lease("hsm", 3)
    assert second.epoch > first.epoch
    store.release_lease("hsm", first.epoch)
    store.release_lease("nobody", 1)
    assert store.leases()[0].live


def test_a_renewal_counts_as_a_transaction_only_when_it_tells_news(store: Store) -> None:
    lease = store.acquire_lease("hsm", 3)
    before = store.watch(-1, 0)
    store.renew_lease("hsm", lease.epoch, 3, 0)
    assert store.watch(-1, 0) == before
    store.renew_lease("hsm", lease.epoch, 3, 5)
    assert store.watch(-1, 0) == before + 1
    store.release_lease("hsm", lease.epoch)
    assert store.watch(-1, 0) == before + 2


def test_watch_returns_at_once_for_what_has_happened(store: Store) -> None:
    put(store, "a", b"1")
    put(store, "a", b"2")
    started = time.monotonic()
    assert store.watch(1, 5) == 2
    assert store.watch(0, 5) == 2
    assert time.monotonic() - started < 1


def test_watch_gives_the_revision_when_its_time_is_over(store: Store) -> None:
    put(store, "a", b"1")
    started = time.monotonic()
    assert store.watch(1, 0.05) == 1
    assert 0.04 <= time.monotonic() - started < 1


@pytest.mark.parametrize("change", ["transaction", "lease"])
def test_a_change_wakes_every_watcher_within_milliseconds(store: Store, change: str) -> None:
    lease = store.acquire_lease("hsm", 60)
    before = store.watch(-1, 0)
    woken: list[tuple[int, float]] = []
    ready = threading.Barrier(4)

    def watch() -> None:
        ready.wait()
        revision = store.watch(before, 10)
        woken.append((revision, time.monotonic()))

    threads = [threading.Thread(target=watch) for _ in range(3)]
    for thread in threads:
        thread.start()
    ready.wait()
    time.sleep(0.05)
    changed = time.monotonic()
    if change == "transaction":
        put(store, "a", b"1")
    else:
        store.renew_lease("hsm", lease.epoch, 60, 9)
    for thread in threads:
        thread.join()
    assert [revision for revision, _ in woken] == [before + 1] * 3
    assert max(at for _, at in woken) - changed < 0.5


def test_concurrent_writers_lose_no_update(store: Store) -> None:
    put(store, "counter", b"0")

    def count() -> None:
        done = 0
        while done < 25:
            record = store.get("counter")
            assert record is not None
            following = b"%d" % (int(record.value) + 1)
            try:
                store.transact(
                    Transaction(
                        compares=(Compare("counter", record.revision),),
                        writes=(Write("counter", following),),
                        appends=(Append("counts", entry(int(record.value), following)),),
                    )
                )
            except CompareFailed:
                continue
            done += 1

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    record = store.get("counter")
    assert record is not None
    assert record.value == b"100"
    assert [found.value for found in store.scan("counts")] == [b"%d" % n for n in range(1, 101)]


def test_readers_see_whole_transactions_only(store: Store) -> None:
    stop = threading.Event()

    def change() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            value = b"%d" % number
            store.transact(Transaction(writes=(Write("pair/a", value), Write("pair/b", value))))

    thread = threading.Thread(target=change)
    put(store, "pair/a", b"0")
    put(store, "pair/b", b"0")
    thread.start()
    try:
        for _ in range(300):
            assert len({record.value for record in store.list("pair/", "pair0")}) == 1
    finally:
        stop.set()
        thread.join()


def test_a_snapshot_is_a_store_of_its_own(store: Store, tmp_path: Path) -> None:
    put(store, "a", b"1")
    store.transact(Transaction(writes=(Write("b", b"2"),), appends=(Append("log", entry(0, b"x", 7)),)))
    store.acquire_lease("hsm", 3)
    revision = store.info().revision
    path = tmp_path / "copy.db"
    store.snapshot(str(path))
    put(store, "a", b"later")
    copy = open_store(f"sqlite:{path}")
    try:
        assert [(record.key, record.value, record.revision) for record in copy.list("", "z")] == [
            ("a", b"1", 1),
            ("b", b"2", 2),
        ]
        assert copy.scan("log") == [entry(0, b"x", 7)]
        assert copy.info().revision == revision
        assert copy.leases() == []
        put(copy, "c", b"3")
    finally:
        copy.close()
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(StoreError, match="exists already"):
        store.snapshot(str(path))


@pytest.mark.parametrize(
    "call",
    [
        lambda store: store.get("a"),
        lambda store: store.list("a", "b"),
        lambda store: store.transact(Transaction()),
        lambda store: store.scan("log"),
        lambda store: store.watch(0, 1),
        lambda store: store.acquire_lease("hsm", 1),
        lambda store: store.leases(),
        lambda store: store.info(),
    ],
)
def test_a_closed_store_refuses_by_name(store: Store, call: Callable[[Store], object]) -> None:
    store.close()
    store.close()
    with pytest.raises(StoreError, match="closed"):
        call(store)


def test_closing_ends_a_watch(store: Store) -> None:
    ended: list[float] = []

    def watch() -> None:
        with pytest.raises(StoreError):
            store.watch(99, 30)
        ended.append(time.monotonic())

    thread = threading.Thread(target=watch)
    thread.start()
    time.sleep(0.05)
    closed = time.monotonic()
    store.close()
    thread.join()
    assert ended[0] - closed < 1


@pytest.mark.parametrize("url", ["", "sqlite:", "sqlite", "postgresql://host/x", "memory:x", "/tmp/store.db"])
def test_an_unknown_url_is_refused_by_name(url: str) -> None:
    with pytest.raises(StoreError, match="not the URL of a store"):
        open_store(url)
