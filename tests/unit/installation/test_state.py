"""State directory, settings, lock and private files."""

import os
import subprocess
import sys
from itertools import pairwise
from types import SimpleNamespace

import pytest

from strongroom.hsm.settings import LIMITS
from strongroom.hsm.settings import Settings as HsmSettings
from strongroom.installation.errors import InstallationError, NotRunning
from strongroom.installation.keys import root_key_provider
from strongroom.installation.launching import launch_plan
from strongroom.installation.lock import InstanceLock, ServiceRecord, holder, running_service, stop_service
from strongroom.installation.settings import (
    Limits,
    Settings,
    check_account,
    check_region,
    limits_of,
    load_settings,
    save_settings,
)
from strongroom.installation.state_directory import StateDirectory, default_state_directory
from strongroom.private_files import write_private


@pytest.fixture
def state(tmp_path):
    state = StateDirectory(tmp_path / "state")
    state.make()
    return state


def test_the_default_directory_follows_the_xdg_rules(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert default_state_directory() == tmp_path / "strongroom"
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_state_directory() == tmp_path / ".local" / "state" / "strongroom"


def test_directories_are_for_their_owner_alone(state):
    for path in (state.root, state.clusters, state.hsms, state.quickstart, state.run, state.service_log.parent):
        assert path.stat().st_mode & 0o777 == 0o700


def test_a_private_file_is_replaced_whole_and_leaves_nothing_behind(tmp_path):
    path = tmp_path / "secret"
    write_private(path, "one")
    write_private(path, b"two")
    assert path.read_bytes() == b"two"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_settings_come_back_as_they_were_saved(state):
    settings = Settings(region="eu-west-1", address_range="127.3.4.0", listen_port=8223)
    save_settings(state.settings, settings)
    assert load_settings(state.settings) == settings


def test_missing_settings_are_the_defaults(state):
    assert load_settings(state.settings).region == "us-east-1"


@pytest.mark.parametrize("text", ['{"region": 4}', '{"limits": {"max_keys": 0}}', '{"limits": {"max_certs": 5}}'])
def test_damaged_settings_are_refused_by_name(state, text):
    state.settings.write_text(text)
    with pytest.raises(InstallationError, match=r"settings\.json is damaged"):
        load_settings(state.settings)


def test_an_hsm_is_started_with_the_limits_that_the_settings_have_then(state):
    root_key_provider(state).create()
    plan = launch_plan(state, SimpleNamespace(url=lambda _: "sqlite:x"), allow_unlocked_memory=False)
    member = SimpleNamespace(hsm_id="hsm-aaaaaaaaaaa")

    def limits():
        launch = plan("cluster-aaaaaaaaaaa", member)
        for descriptor in launch.pass_fds:
            os.close(descriptor)
        command = list(launch.command)
        return dict(word.split("=") for flag, word in pairwise(command) if flag == "--limit")

    defaults = HsmSettings()
    assert limits() == {name: str(getattr(defaults, name)) for name in LIMITS}
    save_settings(state.settings, Settings(limits=Limits(max_keys=100_000, max_certificates=5)))
    assert limits() == {**limits(), "max_keys": "100000", "max_certificates": "5"}


def test_a_cluster_has_limits_of_its_own():
    settings = Settings(limits=Limits(max_keys=7), cluster_limits={"cluster-aaaaaaaaaaa": {"max_users": 3}})
    assert limits_of(settings, "cluster-aaaaaaaaaaa") == Limits(max_keys=7, max_users=3)
    assert limits_of(settings, "cluster-bbbbbbbbbbb") == Limits(max_keys=7)


@pytest.mark.parametrize("changed", [{"max_keys": 0}, {"max_certs": 5}, {"max_data_bytes": 2**20}, {"max_users": "3"}])
def test_limits_that_cannot_be_are_refused_by_name(changed):
    with pytest.raises(InstallationError, match="limits: ") as refused:
        limits_of(Settings(cluster_limits={"cluster-aaaaaaaaaaa": changed}), "cluster-aaaaaaaaaaa")
    assert "max_keys, max_asymmetric_keys" in refused.value.hint


@pytest.mark.parametrize("limit", ["max_keys", "max_keys=-1", "max_login=3", "=5"])
def test_an_hsm_refuses_a_limit_that_there_is_not(limit):
    done = subprocess.run(
        [sys.executable, "-m", "strongroom.hsm", "--limit", limit], capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 2
    assert "is no limit" in done.stderr


def test_settings_of_a_later_release_are_refused(state):
    state.settings.write_text('{"version": 9}')
    with pytest.raises(InstallationError, match="version 9"):
        load_settings(state.settings)


@pytest.mark.parametrize("region", ["", "US-EAST-1", "us_east_1", "us-east-1/../x", "us-east"])
def test_what_is_no_region_is_refused(region):
    with pytest.raises(InstallationError, match="no region name"):
        check_region(region)


@pytest.mark.parametrize("account", ["", "12345678901", "1234567890123", "12345678901a", "١٢٣٤٥٦٧٨٩٠١٢"])
def test_what_is_no_account_is_refused(account):
    with pytest.raises(InstallationError, match="no account id"):
        check_account(account)


def test_one_service_runs_per_state_directory(state):
    lock = InstanceLock.acquire(state)
    assert holder(state) == os.getpid()
    with pytest.raises(InstallationError, match="a service runs already"):
        InstanceLock.acquire(state)
    lock.release()
    assert holder(state) is None
    InstanceLock.acquire(state).release()


def test_a_service_is_found_once_it_announced_itself(state):
    with pytest.raises(NotRunning, match="no service runs"):
        running_service(state)
    lock = InstanceLock.acquire(state)
    with pytest.raises(NotRunning, match="starting or stopping"):
        running_service(state)
    record = ServiceRecord(pid=os.getpid(), endpoint="http://127.0.0.1:1", region="us-east-1", started_at=1.0)
    lock.announce(record)
    assert running_service(state) == record
    lock.release()


def test_a_killed_service_leaves_no_lock(state):
    program = f"""
import os, signal, pathlib
from strongroom.installation.lock import InstanceLock
from strongroom.installation.state_directory import StateDirectory
lock = InstanceLock.acquire(StateDirectory(pathlib.Path({str(state.root)!r})))
os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", program], env={**os.environ, "PYTHONPATH": "src"}, check=False)
    assert state.lock.read_text().isdigit()
    assert holder(state) is None
    assert not stop_service(state, 1.0)
