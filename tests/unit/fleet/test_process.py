"""Child processes."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from strongroom.fleet.process import ChildProcess, child_environment, describe_exit


def wait_until_gone(pid, seconds=5.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return
        except FileNotFoundError:
            return
        time.sleep(0.01)
    raise AssertionError(f"process {pid} is still there")


def test_a_child_dies_when_its_parent_is_killed(tmp_path):
    program = textwrap.dedent(f"""
        import sys, time, pathlib
        from strongroom.fleet.process import ChildProcess
        child = ChildProcess.start([sys.executable, "-c", "import time; time.sleep(60)"],
                                   log=pathlib.Path({str(tmp_path / "log")!r}), environment={{}})
        print(child.pid, flush=True)
        time.sleep(60)
    """)
    environment = {**os.environ, "PYTHONPATH": "src"}
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, env=environment) as parent:
        pid = int(parent.stdout.readline())
        parent.kill()
    wait_until_gone(pid)


def test_a_child_gets_the_descriptors_that_are_passed_and_no_others(tmp_path):
    kept, passed = os.open("/dev/null", os.O_RDONLY), os.open("/dev/zero", os.O_RDONLY)
    program = "import os; print(sorted(int(n) for n in os.listdir('/proc/self/fd') if int(n) > 2), flush=True)"
    log = tmp_path / "log"
    child = ChildProcess.start([sys.executable, "-I", "-c", program], log=log, pass_fds=(passed,), environment={})
    child._process.wait()
    child.close()
    os.close(kept)
    os.close(passed)
    listed = [int(text) for text in log.read_text().strip("[]\n").split(",")]
    assert passed in listed
    assert len(listed) == 2  # and the one that lists


def test_a_log_is_for_its_owner_alone_and_is_appended_to(tmp_path):
    log = tmp_path / "log"
    for _ in range(2):
        child = ChildProcess.start([sys.executable, "-c", "print('one line')"], log=log, environment={})
        child._process.wait()
        child.close()
    assert log.read_text() == "one line\none line\n"
    assert log.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", ["AWS_SECRET_ACCESS_KEY", "CLOUDHSM_PIN", "STRONGROOM_ADMIN_PIN"])
def test_credentials_of_clients_are_not_passed_on(name):
    assert child_environment({name: "secret", "PATH": "/bin"}) == {"PATH": "/bin"}


def test_how_a_process_ended_is_told_in_words():
    assert describe_exit(3) == "exit status 3"
    assert describe_exit(-signal.SIGKILL) == "signal SIGKILL"
