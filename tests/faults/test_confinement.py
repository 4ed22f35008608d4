"""Issue: the HSM process gives up what it does not need before it opens its port. Real HSM processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from one_cluster import OneCluster, generate_p256, sign
from process_memory import areas

POWERLESS = ("setpriv", "--bounding-set=-all", "--inh-caps=-all") if os.geteuid() == 0 else ()
"""Starts a program without capabilities: root is a user like others then."""
CAPABILITIES = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OneCluster]:
    made = OneCluster(tmp_path_factory.mktemp("confined"))
    made.begin("hsm-1")
    _, key = generate_p256(made.alice())
    sign(made.alice(), key, bytes(32))
    yield made
    made.close()


def threads(pid: int) -> list[dict[str, str]]:
    """``status`` of each thread."""
    texts = [(task / "status").read_text() for task in Path(f"/proc/{pid}/task").iterdir()]
    return [dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line) for text in texts]


def test_no_thread_of_an_hsm_has_a_capability(cluster: OneCluster):
    may_empty_bounding_set = os.geteuid() == 0
    for status in threads(cluster.processes["hsm-1"].pid):
        for name in CAPABILITIES:
            if name != "CapBnd" or may_empty_bounding_set:
                assert int(status[name], 16) == 0, (name, status)


def test_every_thread_of_an_hsm_is_under_the_system_call_filter(cluster: OneCluster):
    found = threads(cluster.processes["hsm-1"].pid)
    assert len(found) > 4
    for status in found:
        assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2"), status


def test_an_hsm_writes_no_core(cluster: OneCluster):
    limits = Path(f"/proc/{cluster.processes['hsm-1'].pid}/limits").read_text()
    (line,) = [line for line in limits.splitlines() if line.startswith("Max core file size")]
    assert line.split()[-3:-1] == ["0", "0"]


def test_a_process_of_the_same_user_cannot_look_into_an_hsm(cluster: OneCluster):

    def look_into(pid: int) -> str:
        command = [*POWERLESS, "head", "-c1", f"/proc/{pid}/mem"]
        return subprocess.run(command, capture_output=True, text=True).stderr

    # Nothing is mapped at the address 0, so who may open the file gets an error from reading it.
    with subprocess.Popen([*POWERLESS, "cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as ordinary:
        assert ordinary.stdin and ordinary.stdout
        ordinary.stdin.write(b"started\n")
        ordinary.stdin.flush()
        assert ordinary.stdout.readline() == b"started\n"
        said = look_into(ordinary.pid)
        ordinary.stdin.close()
    assert "Input/output error" in said
    assert "Permission denied" in look_into(cluster.processes["hsm-1"].pid)


def test_the_memory_for_keys_is_locked_and_in_no_dump(cluster: OneCluster):
    pid = cluster.processes["hsm-1"].pid
    undumped = [area for area in areas(pid) if "dd" in area.flags and not area.path]
    assert undumped
    assert all("lo" in area.flags for area in undumped)
    assert int(threads(pid)[0]["VmLck"].split()[0]) > 0


def test_an_hsm_that_never_had_a_capability_works_and_is_confined(tmp_path: Path):
    cluster = OneCluster(tmp_path)
    cluster.launcher = POWERLESS
    try:
        cluster.begin("hsm-1")
        _, key = generate_p256(cluster.alice())
        sign(cluster.alice(), key, bytes(32))
        pid = cluster.processes["hsm-1"].pid
        for status in threads(pid):
            assert (int(status["CapEff"], 16), status["NoNewPrivs"], status["Seccomp"]) == (0, "1", "2")
        assert any(area.is_for_keys for area in areas(pid)), "keys are locked as far as the limit goes"
    finally:
        cluster.close()


ATTEMPTS = {
    "execve": "os.execv('/bin/true', ['true'])",
    "fork": "os.fork()",
    "posix_spawn": "os.posix_spawn('/bin/true', ['true'], {})",
    "ptrace": "call('ptrace', 16, os.getppid(), 0, 0)",
    "process_vm_readv": "call('process_vm_readv', os.getppid(), None, 0, None, 0, 0)",
    "process_vm_writev": "call('process_vm_writev', os.getppid(), None, 0, None, 0, 0)",
    "kill": "os.kill(os.getppid(), 0)",
    "writable code": "mmap.mmap(-1, 4096, prot=mmap.PROT_WRITE | mmap.PROT_EXEC)",
    "netlink": "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)",
    "raw packets": "socket.socket(socket.AF_PACKET, socket.SOCK_RAW)",
    "dumpable": "call('prctl', 4, 1, 0, 0, 0)",
    "setuid": "os.setuid(os.getuid())",
    "memfd_create": "os.memfd_create('code')",
    "unshare": "call('unshare', 0x10000000)",
    "mount": "call('mount', b'none', b'/mnt', b'tmpfs', 0, None)",
}


def run_confined(program: str) -> str:
    """Run Python in a process that is confined as an HSM is; gives what it printed."""
    source = """
        import ctypes, errno, json, mmap, os, socket, threading
        from strongroom._native import confine_hsm_process
        libc = ctypes.CDLL(None, use_errno=True)
        def call(name, *arguments):
            if getattr(libc, name)(*arguments) == -1:
                raise OSError(ctypes.get_errno(), name)
        confine_hsm_process()
    """
    command = [sys.executable, "-c", textwrap.dedent(source) + textwrap.dedent(program)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_an_hsm_never_needs_is_refused():
    program = f"""
        answers = {{}}
        def attempt(name, code):
            try:
                eval(code)
                answers[name] = "done"
            except OSError as error:
                answers[name] = errno.errorcode[error.errno]
        for name, code in {ATTEMPTS!r}.items():
            attempt(name, code)
        thread = threading.Thread(target=attempt, args=("execve by a later thread", "os.execv('/bin/true', ['true'])"))
        thread.start()
        thread.join()
        print(json.dumps(answers))
    """
    answers = json.loads(run_confined(program))
    assert answers.keys() == {*ATTEMPTS, "execve by a later thread"}
    assert set(answers.values()) == {"EPERM"}, answers


def test_a_process_with_threads_is_not_confined():
    program = """
        import threading, time
        from strongroom._native import HsmError, confine_hsm_process
        threading.Thread(target=time.sleep, args=(1,), daemon=True).start()
        try:
            confine_hsm_process()
        except HsmError as error:
            print(error.text)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, timeout=60)
    assert done.stdout == "capabilities cannot be dropped: the process has 2 threads\n", done.stderr
