"""docs/how-to/metrics.md as it stands, on a cluster that signs: what was done is what the figures say."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Mapping
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from installed import hsms
from programs import Workshop, until
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from strongroom.client import NamedCurve, connect

pytestmark = pytest.mark.cluster


def figures(environment: Mapping[str, str], name: str, **labels: str) -> float:
    """The sum of a metric's samples that have these labels."""
    with urllib.request.urlopen(f"{environment['AWS_ENDPOINT_URL']}/metrics", timeout=10) as page:
        families = text_string_to_metric_families(page.read().decode())
    return sum(
        sample.value
        for family in families
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )


def test_the_commands_of_the_page_show_the_cluster(ephemeral: Mapping[str, str], tmp_path: Path) -> None:
    printed = Workshop(ephemeral, tmp_path).follow("metrics.md")
    assert "strongroom_hsm_working{" in printed
    statistics, data = (json.loads(part) for part in _documents(printed))
    assert [point["Maximum"] for point in statistics["Datapoints"]][-1] == 0
    assert {result["Id"]: bool(result["Values"]) for result in data["MetricDataResults"]} == {
        "sessions": True,
        "users": True,
    }


def _documents(printed: str) -> list[str]:
    """The JSON documents among the lines that the page's commands print."""
    lines = printed.splitlines()
    starts = [number for number, line in enumerate(lines) if line == "{"]
    return ["\n".join(lines[start : lines.index("}", start) + 1]) for start in starts]


def test_signatures_are_counted_where_they_are_made(ephemeral: Mapping[str, str]) -> None:
    sign = {"operation": "sign", "mechanism": "ecdsa"}
    total, count = "strongroom_hsm_operations_total", "strongroom_hsm_operation_duration_seconds_count"
    before = figures(ephemeral, total, **sign, outcome="success"), figures(ephemeral, count, **sign)
    username, _, password = ephemeral["CLOUDHSM_PIN"].partition(":")
    with connect(ephemeral["STRONGROOM_CONFIG"], username=username, password=password) as session:
        key = session.keys.generate_ec(NamedCurve.P256, label="counted", persistent=False).private
        for _ in range(7):
            key.sign(b"a message", ec.ECDSA(hashes.SHA256()))

        def shown() -> tuple[float, float]:
            return figures(ephemeral, total, **sign, outcome="success"), figures(ephemeral, count, **sign)

        until(lambda: shown() >= (before[0] + 7, before[1] + 7), lambda: str((before, shown())), 40)
        (hsm,) = hsms(ephemeral)
        assert figures(ephemeral, "strongroom_hsm_session_keys", hsm_id=hsm["HsmId"]) >= 2
        assert figures(ephemeral, "strongroom_hsm_connections", hsm_id=hsm["HsmId"]) >= 1
        assert figures(ephemeral, "strongroom_hsm_received_bytes_total") > 0
