"""The clients' configuration file, in the shape that AWS's tools write (aws-cloudhsm 4.4)."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from strongroom.private_files import write_private
from strongroom.quickstart.control_api import Cluster
from strongroom.quickstart.errors import QuickstartError
from strongroom.quickstart.files import QuickstartFiles
from strongroom.quickstart.hsm_users import program
from strongroom.vocabulary.addresses import HSM_PORT

_ONE_ADDRESS: Final = "127.0.0.1"
"""Where all HSMs share this address they differ by port, which the control API does not show."""


def write_client_configuration(files: QuickstartFiles, cluster: Cluster, state_directory: Path) -> None:
    """Write the file for the cluster's HSMs as they are now."""
    servers = [
        {"hostname": hsm["EniIp"], "port": _port(hsm, state_directory), "enable": True}
        for hsm in cluster["Hsms"]
        if hsm["State"] != "DELETE_IN_PROGRESS"
    ]
    content = configuration(cluster["ClusterId"], files.trust_anchor, servers)
    write_private(files.client_configuration, json.dumps(content, indent=2) + "\n")


def configuration(cluster_id: str, trust_anchor: Path, servers: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The file's content."""
    cluster = {"hsm_ca_file": str(trust_anchor), "cluster_id": cluster_id, "servers": list(servers)}
    return {
        "clusters": [{"type": "hsm1", "cluster": cluster}],
        "logging": {"log_type": "term", "log_level": "warn"},
    }


def _port(hsm: dict[str, Any], state_directory: Path) -> int:
    if hsm["EniIp"] != _ONE_ADDRESS:
        return HSM_PORT
    done = subprocess.run(
        [program("strongroom"), "status", "--json", "--state-dir", str(state_directory)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise QuickstartError(f"`strongroom status --json` failed: {done.stderr.strip()}")
    for cluster in json.loads(done.stdout)["clusters"]:
        for shown in cluster["Hsms"]:
            if shown["HsmId"] == hsm["HsmId"]:
                return int(shown["port"])
    raise QuickstartError(f"`strongroom status --json` does not show {hsm['HsmId']}")
