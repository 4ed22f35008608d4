"""What a running process holds in memory, as root can read it (``/proc/PID/mem``), and looking for secrets in it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

HEAD = re.compile(r"^([0-9a-f]+)-([0-9a-f]+) (\S{4}) \S+ \S+ (\d+) *(.*)$")
PIECE = 1 << 24


@dataclass(frozen=True)
class Area:
    """A mapping of a process."""

    start: int
    end: int
    readable: bool
    path: str
    anonymous: bool
    """It has pages of its own in memory or in swap, not only a file's."""
    flags: frozenset[str]
    """Of proc_pid_smaps(5): ``lo`` locked, ``dd`` not in core dumps."""

    @property
    def is_for_keys(self) -> bool:
        """The key arena and the crypto library's heap: the only memory that is locked and in no dump."""
        return {"lo", "dd"} <= self.flags and not self.path


def areas(pid: int) -> list[Area]:
    found: list[Area] = []
    head, anonymous = None, False
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        if match := HEAD.match(line):
            head, anonymous = match, False
        elif line.startswith(("Anonymous:", "Swap:")):
            anonymous = anonymous or line.split()[1] != "0"
        elif line.startswith("VmFlags:") and head is not None:
            start, end, rights, _, path = head.groups()
            flags = frozenset(line.split()[1:])
            found.append(Area(int(start, 16), int(end, 16), rights[0] == "r", path, anonymous, flags))
    return found


@contextmanager
def _stopped(pid: int) -> Iterator[None]:
    """A process that stands still, so that nothing moves while it is read."""
    os.kill(pid, signal.SIGSTOP)
    try:
        while Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "Tt":
            time.sleep(0.001)
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def found_in_memory(pid: int, needles: Mapping[str, bytes], *, with_keys: bool = False) -> set[str]:
    """Names of the needles that stand somewhere in the process; ``with_keys`` looks into the memory for keys too."""
    found = set()
    with _stopped(pid):
        try:
            memory = os.open(f"/proc/{pid}/mem", os.O_RDONLY)
        except PermissionError:
            pytest.skip("reading another process's memory needs CAP_SYS_PTRACE")
        longest = max(map(len, needles.values()))
        for area in areas(pid):
            if not area.readable or not area.anonymous:
                continue
            if area.is_for_keys and not with_keys:
                continue
            for start in range(area.start, area.end, PIECE):
                piece = os.pread(memory, min(PIECE + longest, area.end - start), start)
                found |= {
                    f"{name} in {area.path or 'memory of its own'}"
                    for name, needle in needles.items()
                    if needle in piece
                }
        os.close(memory)
    return found


def halves(secrets: Mapping[str, bytes], numbers: Mapping[str, bytes] | None = None) -> dict[str, bytes]:
    """Both halves of each secret; of numbers also with their bytes in reverse, as the crypto library keeps them."""
    pieces = {}
    for name, secret in {**secrets, **(numbers or {})}.items():
        middle = len(secret) // 2
        pieces[f"first half of {name}"], pieces[f"second half of {name}"] = secret[:middle], secret[middle:]
    for name in numbers or {}:
        for which in ("first", "second"):
            pieces[f"{which} half of {name}, reversed"] = pieces[f"{which} half of {name}"][::-1]
    return pieces


def found_in_files(directory: Path, needles: Mapping[str, bytes], leave_out: frozenset[str]) -> set[str]:
    """Names of the needles that stand in a file below a directory, whatever the file is.

    Another process reads them: a process that closes a database's file loses all its locks on it (fcntl(2)).
    """
    files = [path for path in directory.rglob("*") if path.is_file() and path.name not in leave_out]
    assert files
    contents = {path: subprocess.run(["cat", path], check=True, capture_output=True).stdout for path in files}
    return {f"{name} in {path}" for path in files for name, needle in needles.items() if needle in contents[path]}
