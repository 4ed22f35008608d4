"""What SQLite's store promises beyond the interface: several processes, kill -9, and errors that say what to do."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from strongroom.storage import open_store
from strongroom.storage.interface import Compare, Store, StoreError, StoreUnavailable, Transaction, Write
from strongroom.storage.sqlite import SqliteStore
from strongroom.storage.sqlite.database import LOCK_TIMEOUT_SECONDS

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2] / "src")}

WRITER = """
import sys
from strongroom.storage import open_store
from strongroom.storage.interface import Append, LogEntry, Transaction, Write
store = open_store("sqlite:" + sys.argv[1])
for number in range(1_000_000):
    value = b"%d" % number
    store.transact(Transaction(
        writes=(Write("pair/a", value), Write("pair/b", value)),
        appends=(Append("numbers", LogEntry(number, number, value)),),
    ))
    sys.stdout.write(f"{number}\\n")
    sys.stdout.flush()
"""

COUNTER = """
import sys
from strongroom.storage import open_store
from strongroom.storage.interface import Append, Compare, CompareFailed, LogEntry, Transaction, Write
store = open_store("sqlite:" + sys.argv[1])
done = 0
while done < int(sys.argv[2]):
    record = store.get("counter")
    count = int(record.value) if record else 0
    try:
        store.transact(Transaction(
            compares=(Compare("counter", record.revision if record else None),),
            writes=(Write("counter", b"%d" % (count + 1)),),
            appends=(Append("counts", LogEntry(count, 0, b"")),),
        ))
    except CompareFailed:
        continue
    done += 1
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


def child(program: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments], stdout=subprocess.PIPE, text=True, env=ENVIRONMENT
    )


def put(store: Store, key: str, value: bytes) -> int:
    return store.transact(Transaction(writes=(Write(key, value),)))


def test_what_was_acknowledged_is_there_after_kill_9_and_nothing_is_half_there(path: Path) -> None:
    acknowledged = -1
    for wanted in (1, 40, 7):
        writer = child(WRITER.replace("range(1_000_000)", f"range({acknowledged + 1}, 1_000_000)"), str(path))
        assert writer.stdout is not None
        seen = [int(writer.stdout.readline()) for _ in range(wanted)]
        writer.send_signal(signal.SIGKILL)
        seen += [int(line) for line in writer.stdout.read().split("\n") if line]
        writer.wait()
        writer.stdout.close()
        store = open_store(f"sqlite:{path}")
        values = [record.value for record in store.list("pair/", "pair0")]
        numbers = [int(entry.value) for entry in store.scan("numbers")]
        store.close()
        assert numbers == list(range(len(numbers)))
        assert numbers[-1] >= seen[-1]
        assert values == [b"%d" % numbers[-1]] * 2
        acknowledged = numbers[-1]


def test_writers_of_several_processes_lose_no_update(path: Path) -> None:
    writers = [child(COUNTER, str(path), "60") for _ in range(2)]
    for writer in writers:
        assert writer.wait(60) == 0
        assert writer.stdout is not None
        writer.stdout.close()
    store = open_store(f"sqlite:{path}")
    record = store.get("counter")
    assert record is not None
    assert record.value == b"120"
    assert len(store.scan("counts")) == 120
    store.close()


def test_a_commit_of_another_process_wakes_a_watcher_within_milliseconds(path: Path) -> None:
    store = open_store(f"sqlite:{path}")
    writer = child(
        "import sys, time\n"
        "from strongroom.storage import open_store\n"
        "from strongroom.storage.interface import Transaction\n"
        "store = open_store('sqlite:' + sys.argv[1])\n"
        "for _ in range(20):\n"
        "    time.sleep(0.02)\n"
        "    store.transact(Transaction())\n"
        "    print(time.monotonic(), flush=True)\n",
        str(path),
    )
    woken = []
    revision = 0
    while revision < 20:
        revision = store.watch(revision, 10)
        woken.append((revision, time.monotonic()))
    output, _ = writer.communicate()
    committed = [float(line) for line in output.split()]
    delays = sorted(at - committed[seen - 1] for seen, at in woken)
    assert delays[len(delays) // 2] < 0.05
    store.close()


def test_the_wake_directory_is_left_clean(path: Path) -> None:
    wake = path.with_name("store.db.wake")
    dead = child(
        "import sys, time\n"
        "from strongroom.storage import open_store\n"
        "store = open_store('sqlite:' + sys.argv[1])\n"
        "store.watch(-1, 0)\n"
        "print('ready', flush=True)\n"
        "time.sleep(60)\n",
        str(path),
    )
    assert dead.stdout is not None
    assert dead.stdout.readline() == "ready\n"
    dead.kill()
    dead.wait()
    dead.stdout.close()
    assert len(list(wake.iterdir())) == 1
    store = open_store(f"sqlite:{path}")
    store.watch(-1, 0)
    assert len(list(wake.iterdir())) == 2
    put(store, "a", b"1")
    assert len(list(wake.iterdir())) == 1
    store.close()
    assert list(wake.iterdir()) == []


def test_a_watcher_whose_socket_was_removed_still_sees_the_change(path: Path) -> None:
    watcher = open_store(f"sqlite:{path}")
    watcher.watch(-1, 0)
    for socket in path.with_name("store.db.wake").iterdir():
        socket.unlink()
    other = open_store(f"sqlite:{path}")
    timer = threading.Timer(0.05, put, (other, "a", b"1"))
    timer.start()
    assert watcher.watch(0, 10) == 1
    timer.join()
    watcher.close()
    other.close()


def test_a_path_longer_than_a_socket_address_works(tmp_path: Path) -> None:
    store = open_store(f"sqlite:{tmp_path / ('long' * 30) / 'store.db'}")
    put(store, "a", b"1")
    assert store.watch(0, 5) == 1
    store.close()


def test_a_lease_does_not_outlive_a_restart_of_the_machine(path: Path) -> None:
    before = SqliteStore(path, boot_id="first")
    before.acquire_lease("hsm", 1_000_000)
    after = SqliteStore(path, boot_id="second")
    assert before.leases()[0].live
    assert not after.leases()[0].live
    before.close()
    after.close()


def test_a_lease_renewal_makes_no_fsync_and_a_change_makes_one(path: Path, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    program = (
        "import sys, os\n"
        "from strongroom.storage import open_store\n"
        "from strongroom.storage.interface import Transaction, Write\n"
        "store = open_store('sqlite:' + sys.argv[1])\n"
        "lease = store.acquire_lease('hsm', 60)\n"
        "os.write(1, b'renewals')\n"
        "for n in range(10): store.renew_lease('hsm', lease.epoch, 60, n)\n"
        "os.write(1, b'changes')\n"
        "for n in range(5): store.transact(Transaction(writes=(Write('a', b'%d' % n),)))\n"
        "os.write(1, b'done')\n"
        "os._exit(0)\n"
    )
    try:
        subprocess.run(
            ["strace", "-f", "-e", "trace=fsync,fdatasync,write", "-o", trace, sys.executable, "-c", program, path],
            check=True,
            stdout=subprocess.DEVNULL,
            env=ENVIRONMENT,
        )
    except FileNotFoundError:
        pytest.skip("strace is not installed")
    text = trace.read_text()
    renewals = text[text.index('"renewals"') : text.index('"changes"')]
    changes = text[text.index('"changes"') : text.index('"done"')]
    assert renewals.count("sync(") == 0
    assert changes.count("sync(") >= 5


def test_files_are_readable_by_their_owner_alone(path: Path) -> None:
    before = os.umask(0)
    try:
        store = open_store(f"sqlite:{path}")
        put(store, "a", b"1")
        modes = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
        store.close()
    finally:
        os.umask(before)
    assert modes == {"store.db": 0o600, "store.db-wal": 0o600, "store.db-shm": 0o600, "store.db.wake": 0o700}


def test_a_store_of_a_newer_program_is_refused_by_name(path: Path) -> None:
    open_store(f"sqlite:{path}").close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version=99")
    connection.close()
    with pytest.raises(StoreError, match=r"newer Strongroom \(schema 99"):
        open_store(f"sqlite:{path}")


def test_a_file_of_another_program_is_refused_by_name(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE other (x)")
    connection.close()
    with pytest.raises(StoreError, match="another program"):
        open_store(f"sqlite:{path}")
    path.write_bytes(b"not a database at all" * 100)
    with pytest.raises(StoreError, match="damaged"):
        open_store(f"sqlite:{path}")


def test_a_full_disk_is_unavailable_and_changes_nothing(path: Path) -> None:
    store = SqliteStore(path)
    put(store, "a", b"1")
    limit = store._database._writer
    (pages,) = limit.execute("PRAGMA page_count").fetchone()
    limit.execute(f"PRAGMA max_page_count={pages}")
    with pytest.raises(StoreUnavailable, match="disk is full: make room"):
        store.transact(Transaction(writes=(Write("a", b"2"), Write("big", b"x" * 1_000_000))))
    record = store.get("a")
    assert record is not None
    assert record.value == b"1"
    limit.execute("PRAGMA max_page_count=1000000")
    store.transact(Transaction(compares=(Compare("a", record.revision),), writes=(Write("a", b"3"),)))
    store.close()


def test_a_writer_that_never_ends_makes_the_store_unavailable(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("strongroom.storage.sqlite.database.LOCK_TIMEOUT_SECONDS", 0.1)
    store = open_store(f"sqlite:{path}")
    blocker = sqlite3.connect(path, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="another writer held it"):
        put(store, "a", b"1")
    blocker.execute("ROLLBACK")
    blocker.close()
    put(store, "a", b"1")
    store.close()


def test_a_read_waits_as_long_as_a_write_does(path: Path) -> None:
    store = SqliteStore(path)
    with store._database.reading() as connection:
        (milliseconds,) = connection.execute("PRAGMA busy_timeout").fetchone()
    assert milliseconds == LOCK_TIMEOUT_SECONDS * 1000
    store.close()


def test_opening_a_store_again_leaves_the_locks_of_its_connections(path: Path) -> None:
    """They keep other processes from believing that they are the last ones, and from removing the write-ahead log."""
    store = open_store(f"sqlite:{path}")
    store.get("a")
    inode = f":{path.stat().st_ino} "

    def locks() -> int:
        return sum(inode in line for line in Path("/proc/locks").read_text().splitlines())

    before = locks()
    assert before > 0
    again = open_store(f"sqlite:{path}")
    assert locks() >= before
    again.close()
    store.close()


def test_a_store_that_may_not_be_read_says_so(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_store(f"sqlite:{path}").close()
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(StoreUnavailable, match="check the owner and the mode of its directory"):
        open_store(f"sqlite:{path}")


def test_a_directory_that_cannot_be_made_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnavailable, match="cannot be opened"):
        open_store(f"sqlite:{tmp_path / 'file' / 'store.db'}")
