from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from strongroom.hsm.log_stream import LogStream


@pytest.fixture
def descriptor(tmp_path: Path) -> Iterator[int]:
    made = os.open(tmp_path / "log", os.O_WRONLY | os.O_CREAT)
    yield made
    os.close(made)


def redirect(descriptor: int, path: str | Path) -> None:
    """Let a descriptor be that of another file, as a disk that is full and has room again."""
    other = os.open(path, os.O_WRONLY | os.O_APPEND)
    os.dup2(other, descriptor)
    os.close(other)


def test_a_full_disk_costs_lines_and_the_next_line_says_how_many(descriptor: int, tmp_path: Path):
    stream = LogStream(descriptor)
    stream.write('{"event": "first"}\n')
    redirect(descriptor, "/dev/full")
    for _ in range(3):
        stream.write('{"event": "lost"}\n')
    redirect(descriptor, tmp_path / "log")
    stream.write('{"event": "last"}\n')
    events = [json.loads(line)["event"] for line in (tmp_path / "log").read_text().splitlines()]
    assert events == ["first", "3 lines of this log could not be written: was the disk full?", "last"]


def test_a_line_that_was_torn_ends_before_the_next_one(tmp_path: Path):
    reader, writer = os.pipe2(os.O_NONBLOCK)
    stream = LogStream(writer)
    size = 65_536
    stream.write("x" * (size + 10) + "\n")  # more than the pipe takes
    assert len(os.read(reader, 2 * size)) == size
    stream.write('{"event": "after"}\n')
    told = os.read(reader, size).decode()
    assert told.startswith('\n{"event": "1 lines')
    assert json.loads(told.splitlines()[-1]) == {"event": "after"}
    os.close(reader)
    os.close(writer)
