"""Where only one address can be had: a network namespace whose loopback has 127.0.0.1 alone."""

from __future__ import annotations

import json
import os
import subprocess

import pytest

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.timeout(180),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root makes network namespaces"),
]

ONE_ADDRESS = """
set -e
ip link set lo up
ip address delete 127.0.0.1/8 dev lo
ip address replace 127.0.0.1/32 dev lo
exec "$@"
"""
ASK = """
set -e
cloudhsm-cli key generate-symmetric aes --label once --key-length-bytes 16 > /dev/null
strongroom status --json
echo ,
cat "$STRONGROOM_CONFIG"
"""


def test_hsms_differ_by_port_and_the_configuration_carries_it(program, own_environment):
    inside = ["unshare", "--net", "sh", "-c", ONE_ADDRESS, "sh"]
    done = subprocess.run(
        [*inside, program, "exec", "--hsms", "2", "--", "sh", "-c", ASK],
        env=own_environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    status, configuration = json.loads(f"[{done.stdout}]")
    (cluster,) = status["clusters"]
    assert cluster["State"] == "ACTIVE"
    places = [(hsm["EniIp"], hsm["port"]) for hsm in cluster["Hsms"]]
    assert [address for address, _ in places] == ["127.0.0.1"] * 2
    assert len(set(places)) == 2
    servers = configuration["clusters"][0]["cluster"]["servers"]
    assert {(server["hostname"], server["port"]) for server in servers} == set(places)
