"""An installation's life: up, quick start, down, up again; and what survives kill -9."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time

import pytest

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(240)]


def wait_for(condition, seconds=20.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if result := condition():
            return result
        time.sleep(0.05)
    raise AssertionError("it did not come true in time")


@pytest.fixture
def quick(installations):
    """A running installation with its quick-start cluster."""
    installation = installations("quick")
    installation.output = installation.run("up", "-d", "--quickstart").stdout
    return installation


def only_cluster(installation):
    (cluster,) = installation.status()["clusters"]
    return cluster


def hsms_active(installation, count):
    cluster = only_cluster(installation)
    states = [hsm["State"] for hsm in cluster["Hsms"]]
    return cluster if states == ["ACTIVE"] * count else None


def test_the_quick_start_ends_with_an_active_cluster_that_signed_and_everything_comes_back(quick):
    assert "OpenSSL verified the signature" in quick.output
    assert "eval" in quick.output
    before = only_cluster(quick)
    assert before["State"] == "ACTIVE"
    assert [hsm["AvailabilityZone"][-1] for hsm in before["Hsms"]] == ["a", "b"]
    assert all(hsm["port"] == 2223 and hsm["EniIp"].startswith("127.") for hsm in before["Hsms"])
    assert len({hsm["pid"] for hsm in before["Hsms"]}) == 2
    keys = quick.tool("cloudhsm-cli", "key", "list")
    processes = quick.processes()
    assert len(processes) == 3

    quick.run("down")
    assert not quick.processes()
    shown = quick.status()
    assert shown["running"] is False
    assert all(hsm["pid"] is None for hsm in only_cluster(quick)["Hsms"])

    again = quick.run("up", "-d", "--quickstart").stdout
    assert "OpenSSL verified the signature" in again
    after = wait_for(lambda: hsms_active(quick, 2))
    assert after["ClusterId"] == before["ClusterId"]
    assert [hsm["HsmId"] for hsm in after["Hsms"]] == [hsm["HsmId"] for hsm in before["Hsms"]]
    assert [hsm["EniIp"] for hsm in after["Hsms"]] == [hsm["EniIp"] for hsm in before["Hsms"]]
    assert json.loads(quick.tool("cloudhsm-cli", "key", "list"))["data"] == json.loads(keys)["data"]


def test_up_on_a_running_installation_changes_nothing(lasting):
    before = only_cluster(lasting)
    again = lasting.run("up", "-d", "--quickstart")
    assert "runs already" in again.stderr
    assert only_cluster(lasting)["Hsms"] == before["Hsms"]


def test_a_killed_hsm_comes_back_under_its_id_and_address(lasting):
    before = only_cluster(lasting)["Hsms"]
    os.kill(before[0]["pid"], signal.SIGKILL)

    def back():
        hsms = only_cluster(lasting)["Hsms"]
        return hsms if hsms[0]["pid"] not in {None, before[0]["pid"]} and hsms[0]["State"] == "ACTIVE" else None

    after = wait_for(back)
    assert after[0]["HsmId"] == before[0]["HsmId"]
    assert after[0]["EniIp"] == before[0]["EniIp"]
    assert after[0]["reboot_counter"] == before[0]["reboot_counter"] + 1
    assert after[1]["pid"] == before[1]["pid"]


def test_a_killed_service_takes_its_hsms_along_and_comes_back_with_them(lasting):
    shown = lasting.status()
    os.kill(shown["pid"], signal.SIGKILL)
    wait_for(lambda: not lasting.processes(), seconds=5)
    assert lasting.status()["running"] is False
    lasting.run("up", "-d")
    wait_for(lambda: hsms_active(lasting, 2))
    assert "quickstart" in lasting.tool("cloudhsm-cli", "key", "list", "--verbose")


def test_delete_hsm_ends_its_process_and_removes_its_directory(quick):
    cluster = only_cluster(quick)
    gone = cluster["Hsms"][1]
    directory = quick.directory / "hsms" / gone["HsmId"]
    assert directory.exists()
    quick.tool("aws", "cloudhsmv2", "delete-hsm", "--cluster-id", cluster["ClusterId"], "--hsm-id", gone["HsmId"])
    wait_for(lambda: len(only_cluster(quick)["Hsms"]) == 1)
    wait_for(lambda: not directory.exists())
    assert len(quick.processes()) == 2
    assert "quickstart" in quick.tool("cloudhsm-cli", "key", "list", "--verbose")


def test_secrets_are_in_files_of_mode_0600_and_in_no_argument_log_or_environment_of_a_process(lasting):
    environment = lasting.environment()
    secrets = [
        environment["AWS_SECRET_ACCESS_KEY"],
        environment["CLOUDHSM_PIN"].partition(":")[2],
        environment["STRONGROOM_ADMIN_PIN"].partition(":")[2],
    ]
    for path in lasting.directory.rglob("*"):
        if path.is_file():
            assert path.stat().st_mode & 0o077 == 0, path
            content = path.read_bytes()
            if path.name not in {"credentials", "pins.json"}:
                assert not any(secret.encode() in content for secret in secrets), path
        elif path.is_dir():
            assert path.stat().st_mode & 0o077 == 0, path
    for pid in lasting.processes():
        for name in ("cmdline", "environ"):
            with open(f"/proc/{pid}/{name}", "rb") as file:  # noqa: PTH123
                content = file.read()
            assert not any(secret.encode() in content for secret in secrets)


def test_a_service_in_the_foreground_stops_cleanly_on_ctrl_c(installations):
    installation = installations("front")
    command = [installation.program, "up", "--state-dir", str(installation.directory)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        line = process.stderr.readline()
        assert "Ctrl-C stops it" in line
        process.send_signal(signal.SIGINT)
        assert "has stopped" in process.stderr.read()
        assert process.wait(20) == 0
    assert not installation.processes()
    assert not (installation.directory / "run" / "service.json").exists()


def test_a_second_service_on_the_same_directory_is_refused(installations):
    installation = installations("one")
    installation.run("up", "-d")
    refused = installation.run("up", check=False)
    assert refused.returncode == 1
    assert "a service runs already" in refused.stderr


def test_an_address_range_that_was_taken_meanwhile_is_an_error_that_names_it(installations):
    installation = installations("range")
    installation.run("up", "-d")
    installation.run("down")
    settings = json.loads((installation.directory / "settings.json").read_text())
    claim = settings["address_range"].removesuffix("0") + "1"
    with socket.create_server((claim, 2223)):
        refused = installation.run("up", "-d", check=False)
    assert refused.returncode == 1
    assert claim in refused.stderr
    installation.run("up", "-d")


def test_another_root_key_is_refused_by_name(installations):
    installation = installations("root")
    installation.run("up", "-d")
    installation.run("down")
    key = installation.directory / "root.key"
    key.write_bytes(bytes(32))
    refused = installation.run("up", "-d", check=False)
    assert refused.returncode == 1
    assert "root key" in refused.stderr
    assert "hint:" in refused.stderr
    key.chmod(0o644)
    assert "chmod 600" in installation.run("up", "-d", check=False).stderr


def test_a_lost_bundle_is_not_replaced_by_a_new_one(installations):
    installation = installations("bundle")
    installation.run("up", "-d")
    installation.run("down")
    (installation.directory / "installation.sealed").unlink()
    refused = installation.run("up", "-d", check=False)
    assert refused.returncode == 1
    assert "installation.sealed is missing" in refused.stderr


def test_an_access_key_of_another_account_sees_nothing_of_the_first(lasting):
    made = json.loads(lasting.run("access-key", "create", "--account", "444455556666").stdout)["AccessKey"]
    environment = {
        **lasting.environment(),
        "AWS_ACCESS_KEY_ID": made["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": made["SecretAccessKey"],
    }
    command = ["aws", "cloudhsmv2", "describe-clusters"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == {"Clusters": []}


def test_wipe_destroys_what_the_crypto_user_owns(quick):
    assert json.loads(quick.tool("cloudhsm-cli", "key", "list"))["data"]["total_key_count"] == 2
    quick.run("wipe", "--user", "app", "--yes")
    assert json.loads(quick.tool("cloudhsm-cli", "key", "list"))["data"]["total_key_count"] == 0
    assert "owns nothing" in quick.run("wipe", "--user", "app", "--yes").stderr


def test_the_control_api_is_served_with_tls_where_files_are_given(installations, tmp_path):
    certificate, key = tmp_path / "api.crt", tmp_path / "api.key"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", *subject, *files]
    subprocess.run(make, check=True, capture_output=True)
    installation = installations("tls")
    installation.run("up", "-d", "--tls-cert", str(certificate), "--tls-key", str(key))
    environment = installation.environment()
    assert environment["AWS_ENDPOINT_URL"].startswith("https://127.0.0.1:")
    assert environment["AWS_CA_BUNDLE"] == str(certificate)
    assert json.loads(installation.tool("aws", "cloudhsmv2", "describe-clusters")) == {"Clusters": []}
