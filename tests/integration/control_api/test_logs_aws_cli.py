"""The AWS CLI against CloudWatch Logs: Debian's and the current one, with commands as people type them."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import audit_logs
import pytest

DEBIAN = "/usr/bin/aws"
CURRENT = str(Path(sys.executable).parent / "aws")
NOW_US = int(time.time()) * 1_000_000


@pytest.fixture
def audited(installation):
    """A cluster's group, its HSM and its store."""
    cluster_id, hsm_id = installation.active_cluster()
    store = installation.stores.open(cluster_id)
    audit_logs.write(store, hsm_id, [NOW_US - 60_000_000 + n * 1_000_000 for n in range(8)])
    return f"/aws/cloudhsm/{cluster_id}", hsm_id, store


@pytest.fixture
def environment(installation, tmp_path):
    key = installation.key()
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "AWS_ACCESS_KEY_ID": key.access_key_id,
        "AWS_SECRET_ACCESS_KEY": key.secret_access_key,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
        "AWS_PAGER": "",
        "PYTHONUNBUFFERED": "1",
    }


def command(program: str, endpoint: str, text: str) -> list[str]:
    if not Path(program).exists():
        pytest.skip(f"{program} is not installed (make test-packages)")
    return [program, "--endpoint-url", endpoint, "logs", *text.split("|")]


def aws(program: str, installation, environment, text: str) -> str:
    done = subprocess.run(
        command(program, installation.endpoint, text), env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def lines_until(process, wanted: str) -> str:
    """What a process prints until a word comes."""
    printed = ""
    for line in process.stdout:
        printed += line
        if wanted in line:
            return printed
    raise AssertionError(f"it ended after {printed}")


def test_a_recipe_of_the_knowledge_centre(installation, environment, audited):
    group, hsm_id, _ = audited
    times = f"--start-time|{NOW_US // 1000 - 3_600_000}|--end-time|{NOW_US // 1000}"
    pattern = "Opcode CN_LOGIN User Type CN_CRYPTO_USER Response RET_USER_LOGIN_FAILURE"
    text = f"filter-log-events|--log-group-name|{group}|{times}|--filter-pattern|{pattern}|--output|text"
    printed = aws(DEBIAN, installation, environment, text)
    assert printed.count("EVENTS\t") == 2
    assert hsm_id in printed


def test_tail_follows(installation, environment, audited):
    group, hsm_id, store = audited
    text = f"tail|{group}|--since|1h|--follow|--format|short|--filter-pattern|mallory"
    with subprocess.Popen(
        command(DEBIAN, installation.endpoint, text), env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            first = lines_until(process, "mallory") + lines_until(process, "mallory")
            audit_logs.write(store, hsm_id, [time.time_ns() // 1000] * 4, 8)
            later = lines_until(process, "mallory")
        finally:
            process.terminate()
    assert "Sequence No : 0x2\n" in first
    assert "Sequence No : 0xa\n" in later
    assert "Sequence No : 0x6\n" not in later


def test_live_tail_prints_what_is_written(installation, environment, audited):
    group, hsm_id, store = audited
    arn = f"arn:aws:logs:us-east-1:111122223333:log-group:{group}"
    text = f"start-live-tail|--log-group-identifiers|{arn}"
    with subprocess.Popen(
        command(CURRENT, installation.endpoint, text), env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            ended = threading.Event()

            def write() -> None:
                for sequence in range(8, 1000):
                    audit_logs.write(store, hsm_id, [time.time_ns() // 1000], sequence)
                    if ended.wait(0.2):
                        return

            writer = threading.Thread(target=write)
            writer.start()
            assert "Sequence No : 0x0\n" not in lines_until(process, "Sequence No")
            ended.set()
            writer.join()
        finally:
            process.terminate()
