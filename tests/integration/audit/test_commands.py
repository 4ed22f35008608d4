"""``strongroom audit`` on installations that run, that are stopped, and whose clusters are gone."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import boto3
import msgspec
import pytest
from click.testing import CliRunner
from installed import STRONGROOM, Installation, crypto_user
from programs import Workshop, until

from strongroom.cli.operator.main import strongroom
from strongroom.vocabulary.records import Checkpoint

pytestmark = pytest.mark.cluster


def audit(environment: Mapping[str, str], *arguments: str, status: int = 0) -> str:
    """What a command printed on standard output, or on standard error where it is wrong usage or a refusal."""
    done = CliRunner(env={"STRONGROOM_STATE_DIR": None, **environment}).invoke(strongroom, ["audit", *arguments])
    assert done.exit_code == status, done.output
    return done.stdout or done.stderr


def entries(environment: Mapping[str, str], *arguments: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in audit(environment, "search", "--json", *arguments).splitlines()]


def cloudhsm_cli(environment: Mapping[str, str], *arguments: str) -> None:
    subprocess.run(["cloudhsm-cli", *arguments], env=dict(environment), capture_output=True, timeout=60)


def test_the_audit_page_works_as_it_stands(ephemeral, tmp_path):
    printed = Workshop(crypto_user(ephemeral, "auditor"), tmp_path).follow("audit.md")
    assert "GENERATE_KEY          auditor" in printed
    assert "157: user isn't initialized or user with this name doesn't exist" in printed
    assert "BREAKS: entry 0x2 is missing" in printed
    assert printed.count("Nothing was removed, changed, moved or added.") == 3
    assert "holds what was seen elsewhere, up to entry 0x" in printed


def test_searches_filter_by_user_opcode_time_session_and_failure(ephemeral):
    seeker = crypto_user(ephemeral, "seeker")
    cloudhsm_cli(seeker, "key", "generate-symmetric", "aes", "--key-length-bytes", "32", "--label", "found")
    cloudhsm_cli({**seeker, "CLOUDHSM_PIN": "seeker:not-the-password"}, "key", "list")
    mine = entries(seeker, "--user", "seeker", "--since", "10m")
    opcodes = [entry["opcode"] for entry in mine]
    assert opcodes == ["CN_CREATE_USER", "CN_LOGIN", "CN_GENERATE_KEY", "CN_LOGOUT", "CN_LOGIN"]
    assert mine[-1]["response"] == 163
    assert entries(seeker, "--user", "seeker", "--failed") == mine[-1:]
    for opcode in ("0x17", "CN_GENERATE_KEY", "generate_key"):
        assert entries(seeker, "--user", "seeker", "--opcode", opcode) == mine[2:3]
    assert entries(seeker, "--key", str(mine[2]["private_key"])) == mine[2:3]
    assert entries(seeker, "--user", "seeker", "--session", str(mine[2]["session"])) == mine[1:4]
    assert entries(seeker, "--user", "seeker", "--until", "1h") == []
    assert entries(seeker, "--user", "seeker", "--since", str(mine[-1]["time"])) == mine[-1:]
    assert entries(seeker, "--user", "seeker", "--limit", "2") == mine[:2]
    assert "is neither a time" in audit(seeker, "search", "--since", "yesterday", status=2)
    assert "no audit log of hsm-none" in audit(seeker, "search", "--hsm", "hsm-none", status=1)


def test_tail_shows_the_newest_and_follows_what_is_written(ephemeral, tmp_path):
    user = crypto_user(ephemeral, "tailed")
    shown = audit(user, "tail", "-n", "1").splitlines()
    assert shown[0].startswith("TIME (UTC)")
    assert len(shown) == 2
    path = tmp_path / "followed"
    command = [STRONGROOM, "audit", "tail", "-n", "1", "--follow", "--json"]
    with path.open("wb") as output, subprocess.Popen(command, env=dict(user), stdout=output) as process:
        try:
            until(lambda: path.read_text().count("\n") >= 1, path.read_text)
            cloudhsm_cli(user, "key", "list")
            until(lambda: path.read_text().count("\n") >= 3, path.read_text)
        finally:
            process.terminate()
    told = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(entry["opcode"], entry["username"]) for entry in told[1:]] == [
        ("CN_LOGIN", "tailed"),
        ("CN_LOGOUT", "tailed"),
    ]


def test_the_logs_of_a_deleted_cluster_stay_and_verify(ephemeral, tmp_path):
    client = boto3.client(
        "cloudhsmv2",
        endpoint_url=ephemeral["AWS_ENDPOINT_URL"],
        region_name=ephemeral["AWS_DEFAULT_REGION"],
        aws_access_key_id=ephemeral["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=ephemeral["AWS_SECRET_ACCESS_KEY"],
    )
    subnets = [
        subnet for cluster in client.describe_clusters()["Clusters"] for subnet in cluster["SubnetMapping"].items()
    ]
    created = client.create_cluster(HsmType="hsm2m.medium", SubnetIds=[subnet for _, subnet in subnets], Mode="FIPS")
    cluster_id = created["Cluster"]["ClusterId"]

    def described():
        return client.describe_clusters(Filters={"clusterIds": [cluster_id]})["Clusters"][0]

    hsm_id = client.create_hsm(ClusterId=cluster_id, AvailabilityZone=subnets[0][0])["Hsm"]["HsmId"]
    until(lambda: "ClusterCsr" in described().get("Certificates", {}), lambda: str(described()), 60)
    audit(ephemeral, "receipt", str(tmp_path / "receipt.json"), "--cluster", cluster_id)
    client.delete_hsm(ClusterId=cluster_id, HsmId=hsm_id)
    until(lambda: not described()["Hsms"], lambda: str(described()), 60)
    assert client.delete_cluster(ClusterId=cluster_id)["Cluster"]["State"] == "DELETED"
    told = entries(ephemeral, "--cluster", cluster_id)
    assert [entry["opcode"] for entry in told] == [
        "CN_INIT_TOKEN",
        "CN_GEN_PSWD_ENC_KEY",
        "CN_CREATE_APPLIANCE_USER",
        "CN_INIT_DONE",
        "END_MARKER_OPCODE",
    ]
    assert (told[-1]["opcode_number"], [entry["sequence"] for entry in told]) == (0xFFFF, list(range(5)))
    receipt = ("--receipt", str(tmp_path / "receipt.json"))
    for where in (("--live",), ("--live", "--cluster", cluster_id)):
        report = json.loads(audit(ephemeral, "verify", "--json", *where, *receipt))
        (found,) = (hsm for hsm in report["hsms"] if hsm["hsm_id"] == hsm_id)
        assert (found["cluster_id"], found["proven_to"], found["newest_head"]) == (cluster_id, 4, 3)
        assert report["holds"]


@pytest.mark.timeout(180)
def test_a_stopped_installation_is_searched_exported_and_verified(tmp_path):
    installation = Installation(tmp_path / "state")
    installation.run("up", "-d", "--quickstart", "--hsms", "1", "--allow-unlocked-memory")
    installation.run("down")
    environment = {**os.environ, "STRONGROOM_STATE_DIR": str(tmp_path / "state")}
    told = entries(environment)
    assert [entry["sequence"] for entry in told] == list(range(len(told)))
    export, anchor = tmp_path / "audit.jsonl", tmp_path / "root.pem"
    assert " of 1 HSMs" in audit(environment, "export", str(export))
    assert export.stat().st_mode & 0o777 == 0o600
    anchor.write_text(json.loads(export.read_text().splitlines()[0])["roots"]["hardware"])
    elsewhere = {name: value for name, value in environment.items() if name != "STRONGROOM_STATE_DIR"}
    report = json.loads(audit(elsewhere, "verify", str(export), "--trust-anchor", str(anchor), "--json"))
    # A clean stop signs for everything.
    assert (report["holds"], report["hsms"][0]["proven_to"]) == (True, told[-1]["sequence"])
    without = audit(elsewhere, "verify", str(export))
    assert "The certificates are those that the export brings along" in without
    assert "whether entries after the last checkpoint were cut off cannot be told" in without
    (head,) = audit(environment, "receipt").splitlines()
    assert "holds what was seen elsewhere" in audit(elsewhere, "verify", str(export), "--head", head)
    shown = audit(elsewhere, "verify", str(export), "--head", head.replace("0x", "0xf"), status=1)
    assert "are missing, which the head that was given has seen" in shown
    lines = export.read_text().splitlines(keepends=True)
    _check_broken_files(elsewhere, tmp_path, lines)


def test_an_export_verifies_against_the_logs_after_more_was_written_unless_its_end_was_cut(ephemeral, tmp_path):
    user = crypto_user(ephemeral, "exporter")
    time.sleep(3.0)  # longer than a commit may be under way
    export, cut = tmp_path / "audit.jsonl", tmp_path / "cut.jsonl"
    audit(user, "export", str(export))
    cloudhsm_cli(user, "key", "list")
    assert "Nothing was removed" in audit(user, "verify", str(export), "--live")
    lines = export.read_text().splitlines()
    place = max(number for number, line in enumerate(lines) if '"kind":"entry"' in line)
    end = next(number for number in range(place, len(lines)) if '"kind":"hsm-end"' in lines[number])
    counts = json.loads(lines[end])
    counts["entries"] -= 1
    counts["checkpoints"] -= sum('"kind":"checkpoint"' in line for line in lines[place:end])
    cut.write_text("\n".join([*lines[:place], json.dumps(counts), *lines[end + 1 :]]) + "\n")
    assert "is missing, which this installation has seen" in audit(user, "verify", str(cut), "--live", status=1)
    cut.write_text(export.read_text().replace(json.loads(lines[0])["made_at"], "then"))
    assert "missing, which this installation has seen" in audit(user, "verify", str(cut), "--live", status=1)


def test_verify_of_a_cluster_looks_at_that_clusters_hsms_alone(ephemeral, tmp_path):
    export, other = tmp_path / "audit.jsonl", tmp_path / "other.jsonl"
    audit(ephemeral, "export", str(export))
    hsms = json.loads(audit(ephemeral, "verify", str(export), "--json"))["hsms"]
    cluster_id = hsms[0]["cluster_id"]
    mine = {hsm["hsm_id"] for hsm in hsms if hsm["cluster_id"] == cluster_id}
    for arguments in ((str(export),), (str(export), "--live"), ("--live",), (str(export), "--checkpoint", str(other))):
        # The lines of a cluster that is not looked at are not, and its checkpoints are not missed.
        foreign = [Checkpoint("cluster-other", "hsm-other", 1, 1, bytes(32), 1, b"x")]
        encoded = [base64.b64encode(msgspec.msgpack.encode(each)).decode() for each in foreign]
        other.write_text("".join(json.dumps({"kind": "checkpoint", "value": value}) + "\n" for value in encoded))
        report = json.loads(audit(ephemeral, "verify", *arguments, "--cluster", cluster_id, "--json"))
        assert {hsm["hsm_id"] for hsm in report["hsms"]} == mine
    lines = export.read_text().splitlines()
    added = [
        {"kind": "hsm", "cluster_id": "cluster-other", "hsm_id": "hsm-other", "identity": None},
        {"kind": "hsm-end", "entries": 7, "checkpoints": 0},
    ]
    total = json.loads(lines[-1])["hsms"]
    other.write_text("\n".join([*lines[:-1], *map(json.dumps, added), json.dumps({"kind": "end", "hsms": total + 1})]))
    assert "hsm-other" in audit(ephemeral, "verify", str(other), status=1)
    assert "hsm-other" not in audit(ephemeral, "verify", str(other), "--cluster", cluster_id)
    assert "no audit log of cluster-none in" in audit(
        ephemeral, "verify", str(export), "--cluster", "cluster-none", status=1
    )
    other.write_text("\n".join([*lines[:-1], json.dumps({"kind": "end", "hsms": total + 1})]))
    assert "the export says that it holds" in audit(ephemeral, "verify", str(other), "--cluster", cluster_id, status=1)


def _check_broken_files(environment: Mapping[str, str], directory: Path, lines: list[str]) -> None:
    broken = directory / "broken.jsonl"
    last_entry = max(number for number, line in enumerate(lines) if '"kind":"entry"' in line)
    for text, said in (
        ("", "the export is empty"),
        ("".join(lines[:-1]), "its last line has not been reached"),
        ("".join(lines[1:]), "this is not an export of the format"),
        ("".join(lines[:4]) + "nonsense\n", "line 5 of the export is not one of its lines"),
        ("".join([lines[0], *lines[2:]]), "the lines of the export are not in their order"),
        ("".join([*lines, lines[-1]]), "the lines of the export are not in their order"),
        ("".join([*lines[:last_entry], *lines[last_entry + 1 :]]), "for which the HSM has signed"),
        ("".join(line for line in lines if '"kind":"checkpoint"' not in line), "the export says that it holds"),
    ):
        broken.write_text(text)
        assert said in audit(environment, "verify", str(broken), status=1), said


def test_commands_on_nothing_say_so(tmp_path):
    environment = {**os.environ, "STRONGROOM_STATE_DIR": str(tmp_path / "none")}
    assert "no installation was made in" in audit(environment, "tail", status=1)
    assert "Give an export to verify, or --live." in audit(environment, "verify", status=2)
    assert not (tmp_path / "none").exists()
