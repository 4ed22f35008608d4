"""docs/how-to/trail.md, run as it stands."""

from __future__ import annotations

import pytest
from programs import Workshop

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(180)]


def test_the_page_finds_proves_and_sends_records(installations, own_environment, tmp_path):
    installation = installations("trail-page")
    installation.run("up", "-d")
    subnet = installation.status()["subnets"][0]["SubnetId"]
    values = {
        **own_environment,
        **installation.environment(),
        "STRONGROOM_STATE_DIR": str(installation.directory),
        "AWS_PAGER": "",
        "HOME": str(tmp_path),
    }
    workshop = Workshop(values, tmp_path)
    endpoint = values["AWS_ENDPOINT_URL"]
    create = ("cloudhsmv2", "create-cluster", "--hsm-type", "hsm2m.medium", "--subnet-ids", subnet)
    workshop.run("aws", "--endpoint-url", endpoint, *create)
    printed = workshop.follow("trail.md")
    assert "root\tcluster-" in printed
    assert "DeleteCluster CloudHsmResourceNotFoundException" in printed
    assert printed.count("The trail is valid") == 2
    assert "1 digests and " in printed
    assert "its content was changed" in printed
    assert "found" in printed
    assert "cloudtrail 0 CreateCluster" in printed
    assert "local  file" in printed
