"""Issue: an fsync lies between a change and its acknowledgement.

strace shows the HSM's system calls in their order: the request's bytes are read from the client's connection, the
cluster's store is synced, the answer is written to that connection.
"""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from frames import Peer, request_id
from one_cluster import OneCluster

from strongroom.vocabulary.attributes import Attribute
from strongroom.vocabulary.mechanisms import Mechanism
from strongroom.vocabulary.operations import Operation
from strongroom.vocabulary.roles import Role

CALLS = "fsync,fdatasync,read,recvfrom,recvmsg,write,writev,sendto,sendmsg"
LINE = re.compile(
    r"^(?P<task>\d+) +(?P<at>[\d.]+) (?:(?P<name>\w+)\(\d+<(?P<file>[^>]*)>|<\.\.\. (?P<resumed>\w+) resumed)"
)
SYNCS = {"fsync", "fdatasync"}
RECEIVES = {"read", "recvfrom", "recvmsg"}
SENDS = {"write", "writev", "sendto", "sendmsg"}


@dataclass(frozen=True)
class Call:
    at: float
    name: str
    file: str
    ended: bool
    """False where it began and had not ended when the next line was written."""


@contextmanager
def traced(pid: int, output: Path) -> Iterator[None]:
    """Attach strace for as long as the block runs; skip where the system does not allow it."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    command = ["strace", "-f", "-y", "-ttt", "-p", str(pid), "-e", f"trace={CALLS}", "-o", str(output)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as tracer:
        assert tracer.stderr is not None
        said = tracer.stderr.readline()
        if "attached" not in said:
            tracer.wait()
            pytest.skip(f"ptrace is not allowed here: {said.strip()}")
        time.sleep(0.5)
        try:
            yield
        finally:
            tracer.send_signal(signal.SIGINT)
            tracer.wait(20)


def calls(output: Path) -> list[Call]:
    """Beginnings and ends of calls on files and sockets, in their order."""
    found = []
    files: dict[str, str] = {}
    for line in output.read_text(errors="replace").splitlines():
        match = LINE.match(line)
        if match is None:
            continue
        if match["name"]:
            files[match["task"]] = match["file"]
        name, file = match["name"] or match["resumed"], files.get(match["task"], "")
        found.append(Call(float(match["at"]), name, file, ended=not line.endswith("<unfinished ...>")))
    return found


def token(label: str) -> dict[int, object]:
    return {int(Attribute.TOKEN): True, int(Attribute.LABEL): label, int(Attribute.VALUE_LEN): 32}


def test_an_fsync_of_the_store_lies_between_each_change_and_its_answer(cluster: OneCluster):
    cluster.begin("hsm-1")
    status = cluster.status("hsm-1")
    assert status is not None
    with Peer(status.address, status.port) as peer:
        peer.hello()
        peer.login("alice", "alice-password")
        key = peer.call(Operation.GENERATE_KEY, {1: int(Mechanism.AES_KEY_GEN), 2: token("one"), 15: request_id()})
        reference = key[1][0][1]
        new_label = {int(Attribute.LABEL): "another"}
        changes = {
            Operation.GENERATE_KEY: {1: int(Mechanism.AES_KEY_GEN), 2: token("two"), 15: request_id()},
            Operation.SET_ATTRIBUTES: {1: reference, 2: new_label, 15: request_id()},
            Operation.DESTROY_OBJECT: {1: reference, 15: request_id()},
            Operation.CHANGE_PASSWORD: {1: "alice", 2: int(Role.CRYPTO_USER), 3: b"new-password", 15: request_id()},
        }
        output = cluster.directory / "trace"
        spans = []
        with traced(cluster.processes["hsm-1"].pid, output):
            for operation, body in changes.items():
                before = time.time()
                peer.call(operation, body)
                spans.append((operation, before, time.time()))
    trace = calls(output)
    for operation, before, after in spans:
        during = [call for call in trace if before <= call.at <= after]
        connection = next(call.file for call in during if call.name in RECEIVES and call.file.startswith("socket:"))
        answer = next(place for place, call in enumerate(during) if call.name in SENDS and call.file == connection)
        synced = [call.file for call in during[:answer] if call.name in SYNCS and call.ended]
        assert any(file.startswith(str(cluster.store_path)) for file in synced), (
            f"{operation.name} was answered without a sync: {during}"
        )
