"""Throw-away installations: fast, many at once, and gone without a trace."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(180)]


def wait_for(condition, seconds=10.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if result := condition():
            return result
        time.sleep(0.05)
    raise AssertionError("it did not come true in time")


def processes_of(directory):
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                arguments = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if directory.encode() in arguments:
                found.add(int(entry.name))
    return found


def addresses_of(ready):
    """The range of an installation, and its endpoint's port, as /proc/net/tcp writes them."""
    settings = json.loads((Path(ready["state_directory"]) / "settings.json").read_text())
    first, second, third, _ = (int(part) for part in settings["address_range"].split("."))
    return f"{third:02X}{second:02X}{first:02X}:", f":{settings['listen_port']:04X}"


def listeners(addresses):
    """The sockets of an installation that somebody listens on, as the kernel tells them."""
    hsms, endpoint = addresses
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    listening = [fields[1] for fields in lines if fields[3] == "0A"]
    return [address for address in listening if address[2:9] == hsms or address.endswith(endpoint)]


def start(program, own_environment, *options):
    """Start one in the foreground; gives the process and what it said when it was ready."""
    process = subprocess.Popen(
        [program, "up", "--ephemeral", *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=own_environment
    )
    line = process.stdout.readline()
    if not line:
        pytest.fail(process.stderr.read().decode())
    return process, json.loads(line)


def can_log_in(own_environment, ready):
    command = ["cloudhsm-cli", "key", "list"]
    done = subprocess.run(command, env={**own_environment, **ready["environment"]}, capture_output=True, text=True)
    return json.loads(done.stdout)["error_code"] == 0


@pytest.mark.timeout(50)  # ten times what `make bench` holds it to
def test_it_is_ready_with_a_crypto_user_who_can_log_in(program, own_environment):
    process, ready = start(program, own_environment)
    assert can_log_in(own_environment, ready)
    process.terminate()
    process.communicate(timeout=30)


def test_several_run_at_once_with_ranges_ports_and_keys_of_their_own(program, own_environment):
    running = [start(program, own_environment) for _ in range(3)]
    environments = [ready["environment"] for _, ready in running]
    for name in ("AWS_ENDPOINT_URL", "AWS_SECRET_ACCESS_KEY", "CLOUDHSM_PIN", "STRONGROOM_CONFIG"):
        assert len({environment[name] for environment in environments}) == 3
    for process, ready in running:
        assert can_log_in(own_environment, ready)
        process.terminate()
        process.communicate(timeout=30)


def test_nothing_is_left_when_it_is_stopped(program, own_environment):
    process, ready = start(program, own_environment)
    directory, addresses = ready["state_directory"], addresses_of(ready)
    assert processes_of(directory)
    assert len(listeners(addresses)) == 3  # the claim, the endpoint, the HSM
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == 0
    assert not processes_of(directory)
    assert not Path(directory).exists()
    assert not listeners(addresses)


def test_nothing_is_left_when_its_parent_is_killed(program, own_environment):
    parent_program = (
        "import subprocess, sys\n"
        f"child = subprocess.Popen([{program!r}, 'up', '--ephemeral'], stdout=subprocess.PIPE)\n"
        "print(child.stdout.readline().decode(), flush=True)\n"
        "child.wait()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", parent_program],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=own_environment,
        text=True,
    ) as parent:
        ready = json.loads(parent.stdout.readline())
        addresses = addresses_of(ready)
        assert len(listeners(addresses)) == 3
        parent.kill()
    directory = ready["state_directory"]
    wait_for(lambda: not processes_of(directory))
    wait_for(lambda: not Path(directory).exists())
    wait_for(lambda: not listeners(addresses))


def test_only_its_directory_is_left_when_the_service_itself_is_killed(program, own_environment):
    process, ready = start(program, own_environment)
    os.kill(ready["pid"], signal.SIGKILL)
    process.communicate(timeout=30)
    wait_for(lambda: not processes_of(ready["state_directory"]))


def test_detached_it_prints_export_lines_and_ends_with_the_process_that_is_named(program, own_environment):
    with subprocess.Popen(["sleep", "100"]) as owner:
        script = f'eval "$({program} up --ephemeral -d --parent-pid {owner.pid})" && cloudhsm-cli key list && env'
        done = subprocess.run(["bash", "-c", script], env=own_environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        directory = next(line for line in done.stdout.splitlines() if line.startswith("STRONGROOM_STATE_DIR="))
        directory = directory.partition("=")[2]
        assert processes_of(directory)
        owner.kill()
    wait_for(lambda: not processes_of(directory))
    wait_for(lambda: not Path(directory).exists())


def test_two_hsms_can_be_asked_for(program, own_environment):
    process, ready = start(program, own_environment, "--hsms", "2")
    configuration = json.loads(Path(ready["environment"]["STRONGROOM_CONFIG"]).read_text())
    servers = configuration["clusters"][0]["cluster"]["servers"]
    assert len(servers) == 2
    for server in servers:
        socket.create_connection((server["hostname"], server["port"]), 5).close()
    process.terminate()
    process.communicate(timeout=30)


def test_exec_gives_everything_that_env_gives_and_the_commands_own_status(program, own_environment):
    script = (
        'cloudhsm-cli user list >/dev/null && test -n "$STRONGROOM_ADMIN_PIN" && echo "$STRONGROOM_STATE_DIR"; exit 7'
    )
    done = subprocess.run(
        [program, "exec", "--", "sh", "-c", script], env=own_environment, capture_output=True, text=True
    )
    assert done.returncode == 7, done.stderr
    directory = done.stdout.strip()
    assert directory
    assert not Path(directory).exists()
    assert not processes_of(directory)


def test_exec_of_an_unknown_command_says_so_with_the_shells_status(program, own_environment):
    done = subprocess.run([program, "exec", "--", "no-such"], env=own_environment, capture_output=True, text=True)
    assert done.returncode == 127
    assert "command not found" in done.stderr


def test_exec_that_is_killed_leaves_no_process(program, own_environment):
    script = 'echo "$STRONGROOM_STATE_DIR"; exec sleep 30'
    with subprocess.Popen(
        [program, "exec", "--", "sh", "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=own_environment,
        text=True,
    ) as process:
        directory = process.stdout.readline().strip()
        assert processes_of(directory)
        process.kill()
        wait_for(lambda: not processes_of(directory))
        wait_for(lambda: not Path(directory).exists())
