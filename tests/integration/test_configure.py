"""The configure programs against real clusters: what they write, clients use."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pexpect
import pytest

pytestmark = pytest.mark.cluster


def only_cluster(environment: Mapping[str, str]) -> dict[str, Any]:
    (entry,) = json.loads(Path(environment["STRONGROOM_CONFIG"]).read_text())["clusters"]
    found: dict[str, Any] = entry["cluster"]
    return found


def addresses(environment: Mapping[str, str]) -> list[str]:
    return [f"{server['hostname']}:{server['port']}" for server in only_cluster(environment)["servers"]]


def run(environment: Mapping[str, str], *command: str, status: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(command, env=dict(environment), capture_output=True, text=True, timeout=60)
    assert done.returncode == status, done.stdout + done.stderr
    return done


def test_addresses_and_a_trust_anchor_are_enough(ephemeral: Mapping[str, str], tmp_path: Path) -> None:
    config, log = tmp_path / "client.json", tmp_path / "client.log"
    environment = {**ephemeral, "STRONGROOM_CONFIG": str(config)}
    run(
        environment,
        "configure-cli",
        *("-a", *addresses(ephemeral)),
        *("--hsm-ca-cert", ephemeral["STRONGROOM_TRUST_ANCHOR"]),
        *("--log-file", str(log), "--log-level", "trace", "--default-retry-mode", "off"),
        "--disable-key-availability-check",
    )
    answer = json.loads(run(environment, "cloudhsm-cli", "key", "list").stdout)
    assert answer["error_code"] == 0
    assert " sends find to " in log.read_text()
    listed = run(
        environment,
        *("pkcs11-tool", "--module", ephemeral["STRONGROOM_PKCS11_MODULE"], "--list-slots"),
    )
    assert "hsm1" in listed.stdout


def test_a_cluster_id_is_looked_up_in_the_control_api(ephemeral: Mapping[str, str], tmp_path: Path) -> None:
    config = tmp_path / "client.json"
    cluster_id = only_cluster(ephemeral)["cluster_id"]
    line = ["configure-pkcs11", "--config", str(config), "--hsm-ca-cert", ephemeral["STRONGROOM_TRUST_ANCHOR"]]
    run(ephemeral, *line, "--cluster-id", cluster_id)
    (entry,) = json.loads(config.read_text())["clusters"]
    assert entry["cluster"]["cluster_id"] == cluster_id
    assert {server["hostname"] for server in entry["cluster"]["servers"]} == {
        server["hostname"] for server in only_cluster(ephemeral)["servers"]
    }
    before = config.read_bytes()
    told = run(ephemeral, *line, "--cluster-id", "cluster-aaaaaaaaaaa", status=1).stderr
    assert told.startswith("configure-pkcs11: There is no cluster cluster-aaaaaaaaaaa in ")
    refused = {**ephemeral, "AWS_SECRET_ACCESS_KEY": "wrong"}
    told = run(refused, *line, "--cluster-id", cluster_id, status=1).stderr
    assert "could not be described" in told
    assert config.read_bytes() == before


def test_the_command_line_serves_two_clusters_at_once(
    ephemeral: Mapping[str, str], ephemeral_non_fips: Mapping[str, str], tmp_path: Path
) -> None:
    config = str(tmp_path / "client.json")
    ids = [only_cluster(each)["cluster_id"] for each in (ephemeral, ephemeral_non_fips)]
    for each, cluster_id in zip((ephemeral, ephemeral_non_fips), ids, strict=True):
        line = ["configure-cli", "--config", config, "add-cluster", "--cluster-id", cluster_id]
        run(each, *line, "-a", *addresses(each), "--hsm-ca-cert", each["STRONGROOM_TRUST_ANCHOR"])
    told = json.loads(run(ephemeral, "cloudhsm-cli", "user", "list", "--config", config, status=1).stdout)["data"]
    assert "choose one with --cluster-id" in told
    environment = {**ephemeral, "TERM": "xterm", "XDG_STATE_HOME": str(tmp_path)}
    child = pexpect.spawn(f"cloudhsm-cli interactive --config {config}", env=environment, encoding="utf-8", timeout=30)
    child.expect_exact("aws-cloudhsm > ")
    for each, cluster_id in zip((ephemeral, ephemeral_non_fips), ids, strict=True):
        username, _, password = each["CLOUDHSM_PIN"].partition(":")
        child.sendline(f"login --username {username} --role crypto-user --cluster-id {cluster_id}")
        child.expect_exact("Enter password:")
        child.sendline(password)
        child.expect_exact(f"{username}@{cluster_id} > ")
    key = "key generate-symmetric aes --label two-clusters --key-length-bytes 32"
    child.sendline(key)
    child.expect_exact(f"@{ids[1]} > ")
    counts = "key list --filter attr.label=two-clusters"
    for cluster_id, count in ((ids[0], 0), (ids[1], 1)):
        child.sendline(f"{counts} --cluster-id {cluster_id}")
        child.expect_exact(f'"total_key_count": {count}')
        child.expect_exact(f"@{ids[1]} > ")
    replicate = "key replicate --filter attr.label=two-clusters --source-cluster-id {} --destination-cluster-id {}"
    child.sendline(replicate.format(ids[1], ids[1]))
    child.expect_exact("Successfully replicated key")
    child.sendline(replicate.format(ids[1], ids[0]))
    child.expect_exact("was not made from a backup of")
    child.sendline("quit")
    child.expect(pexpect.EOF)
    child.close()
    run(ephemeral, "configure-cli", "--config", config, "remove-cluster", "--cluster-id", ids[1])
    run(ephemeral, "cloudhsm-cli", "user", "list", "--config", config)
