from __future__ import annotations

import threading
import time

import msgspec

from strongroom.hsm.anchor import AnchorFile, AnchorKeeper


class Sealer:
    def seal_anchor(self, revision: int, head: bytes) -> bytes:
        return msgspec.msgpack.encode((revision, head))

    def open_anchor(self, sealed: bytes) -> tuple[int, bytes]:
        return msgspec.msgpack.decode(sealed, type=tuple[int, bytes])


def test_an_hsm_without_an_anchor_has_seen_nothing(tmp_path):
    assert AnchorFile(Sealer(), tmp_path).read() is None


def test_the_anchor_is_what_was_written_last(tmp_path):
    file = AnchorFile(Sealer(), tmp_path)
    file.write(1, b"a")
    file.write(2, b"b")
    anchor = file.read()
    assert (anchor.revision, anchor.head) == (2, b"b")
    assert [path.name for path in tmp_path.iterdir()] == ["anchor"]
    assert (tmp_path / "anchor").stat().st_mode & 0o777 == 0o600


def test_many_changes_cost_few_writes_and_the_last_is_written_at_the_end(tmp_path):
    writes = []
    file = AnchorFile(Sealer(), tmp_path)
    keeper = AnchorKeeper(file, 0.05)
    write, file.write = file.write, lambda revision, head: (writes.append(revision), write(revision, head))
    keeper.start()
    for revision in range(1, 500):
        keeper.note(revision, b"head")
    keeper.stop()
    assert file.read().revision == 499
    assert len(writes) <= 3


def test_an_anchor_that_could_not_be_written_is_tried_again(tmp_path):
    directory = tmp_path / "gone"
    file = AnchorFile(Sealer(), directory)
    keeper = AnchorKeeper(file, 0.01)
    tried = threading.Event()
    write, file.write = file.write, lambda *newest: (tried.set(), write(*newest))
    keeper.start()
    keeper.note(1, b"head")
    assert tried.wait(10)
    directory.mkdir()
    deadline = time.monotonic() + 10
    while file.read() is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    keeper.stop()
    assert file.read().revision == 1
