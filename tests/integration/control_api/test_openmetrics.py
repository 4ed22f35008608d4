"""``/metrics``: what it shows, who may read it, and that dashboard, alert rules and reference name what is there."""

from __future__ import annotations

import json
import re
from pathlib import Path

import msgspec
import pytest
import urllib3
import yaml
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_plain
from starlette.requests import Request

from strongroom.services.openmetrics import page as metrics_page
from strongroom.services.openmetrics.page import MetricsPage
from strongroom.services.openmetrics.request_counts import RequestCounts
from strongroom.services.readings import Readings
from strongroom.storage.interface import Transaction, Write
from strongroom.storage.memory import MemoryStore
from strongroom.vocabulary.records import METRICS, HsmMetrics, OperationFigures

HTTP = urllib3.PoolManager()
ROOT = Path(__file__).resolve().parents[3]
MONITORING = ROOT / "deploy" / "monitoring"
TOKEN = "0123456789abcdef0123"


@pytest.fixture
def hsm(installation):
    """An HSM that has published figures; gives its cluster's id and its own."""
    cluster_id, hsm_id = installation.active_cluster()
    signed = OperationFigures("sign", "ecdsa", 1, 3_000, [0, 0, 0, 4, 0, 2])
    figures = HsmMetrics(hsm_id, at=1e9, started_at=0.0, users=3, token_keys=7, operations=[signed])
    write = Write(METRICS + hsm_id, msgspec.msgpack.encode(figures))
    installation.stores.open(cluster_id).transact(Transaction(writes=(write,)))
    return cluster_id, hsm_id


def page(installation, accept=None):
    return HTTP.request("GET", f"{installation.endpoint}/metrics", headers={"Accept": accept} if accept else {})


def samples(installation) -> dict[str, list[tuple[dict[str, str], float]]]:
    found: dict[str, list[tuple[dict[str, str], float]]] = {}
    for family in read_openmetrics(page(installation).data.decode()):
        for sample in family.samples:
            found.setdefault(sample.name, []).append((sample.labels, sample.value))
    return found


def test_the_page_shows_what_an_hsm_published(installation, hsm):
    cluster_id, hsm_id = hsm
    place = {"cluster_id": cluster_id, "hsm_id": hsm_id, "zone": "us-east-1a"}
    shown = samples(installation)
    assert shown["strongroom_hsm_working"] == [(place, 1)]
    assert shown["strongroom_hsm_token_keys"] == [(place, 7)]
    sign = place | {"operation": "sign", "mechanism": "ecdsa"}
    assert shown["strongroom_hsm_operations_total"] == [
        (sign | {"outcome": "success"}, 5),
        (sign | {"outcome": "error"}, 1),
    ]
    assert shown["strongroom_hsm_operation_duration_seconds_count"] == [(sign, 6)]
    assert shown["strongroom_hsm_operation_duration_seconds_sum"] == [(sign, 0.003)]
    buckets = {labels["le"]: value for labels, value in shown["strongroom_hsm_operation_duration_seconds_bucket"]}
    assert buckets == {"1e-06": 0, "2e-06": 0, "4e-06": 0, "8e-06": 4, "1.6e-05": 4, "+Inf": 6}


def test_the_page_counts_the_services_requests(installation, hsm):
    shown = samples(installation)["strongroom_api_requests_total"]
    assert ({"service": "cloudhsmv2", "operation": "CreateCluster", "status": "200"}, 1) in shown
    HTTP.request("POST", installation.endpoint, body=b"{}")
    openmetrics_page = page(installation, "text/plain").data.decode()
    assert 'strongroom_api_requests_total{operation="-",service="-",status="400"} 1.0' in openmetrics_page


def test_a_spoilt_record_of_one_cluster_hides_no_other(installation, hsm):
    other, spoilt = installation.active_cluster()
    installation.stores.open(other).transact(Transaction(writes=(Write(METRICS + spoilt, b"\x81\xa6hsm_id\xa1\xff"),)))
    assert [labels["hsm_id"] for labels, _ in samples(installation)["strongroom_hsm_working"]] == [hsm[1]]


def test_an_hsm_that_does_not_run_shows_no_old_figures(installation, hsm):
    store = installation.stores.open(hsm[0])
    (lease,) = store.leases()
    store.release_lease(lease.name, lease.epoch)
    shown = samples(installation)
    assert [value for _, value in shown["strongroom_hsm_working"]] == [0]
    assert "strongroom_hsm_token_keys" not in shown


def test_both_formats_are_served(installation, hsm):
    assert page(installation).headers["content-type"].startswith("application/openmetrics-text")
    plain = page(installation, "text/plain;version=0.0.4")
    assert plain.headers["content-type"].startswith("text/plain")
    assert any(family.name == "strongroom_hsm_working" for family in read_plain(plain.data.decode()))


def test_no_label_names_an_account_or_a_user(installation, hsm):
    text = page(installation).data.decode()
    assert "111122223333" not in text
    assert "username" not in text


# -- who may read -----------------------------------------------------------------------------------------------------


def asked(*, peer="127.0.0.1", server="127.0.0.1", token=None, **headers) -> int:
    """The status that a reader gets; 0 for the page."""
    made = MetricsPage(Readings(MemoryStore(), None), RequestCounts(), lambda: token, "1")
    sent = {"host": f"{server}:8223"} | {name.replace("_", "-"): value for name, value in headers.items()}
    scope = {
        "type": "http",
        "method": "GET",
        "scheme": "http",
        "path": "/metrics",
        "query_string": b"",
        "client": (peer, 40_000),
        "server": (server, 8223),
        "headers": [(name.encode(), value.encode()) for name, value in sent.items()],
    }
    refusal = made._refusal(Request(scope))
    return 0 if refusal is None else refusal.status_code


def test_programs_on_the_machine_need_no_token():
    assert asked() == 0
    assert asked(peer="::1", server="::1", host="[::1]:8223") == 0
    assert asked(host="localhost:8223") == 0


@pytest.mark.parametrize(
    "reader",
    [
        {"peer": "192.0.2.7", "server": "192.0.2.1"},
        {"host": "rebound.example:8223"},
        {"x_forwarded_for": "192.0.2.7"},
        {"forwarded": "for=192.0.2.7"},
        {"peer": "192.0.2.7", "server": "192.0.2.1", "host": "localhost"},
    ],
)
def test_nobody_else_reads_without_a_token(reader):
    assert asked(**reader) == 403
    assert asked(**reader, authorization="Bearer ") == 403
    assert asked(**reader, token=TOKEN) == 401
    assert asked(**reader, token=TOKEN, authorization=f"Bearer {TOKEN}x") == 401
    assert asked(**reader, token=TOKEN, authorization=f"Bearer {TOKEN}") == 0


def test_a_token_is_wanted_from_programs_on_the_machine_too():
    assert asked(token=TOKEN) == 401
    assert asked(token=TOKEN, authorization=f"Bearer {TOKEN}") == 0


def test_a_short_token_opens_nothing():
    assert asked(token="", authorization="Bearer ") == 403
    assert asked(token="short", authorization="Bearer short") == 403


# -- what is written about it -----------------------------------------------------------------------------------------


def named(text: str) -> set[str]:
    return set(re.findall(r"\bstrongroom_[a-z_]+", text))


@pytest.mark.parametrize("file", ["grafana-dashboard.json", "strongroom-alerts.yml"])
def test_what_dashboard_and_alerts_name_is_on_the_page(installation, hsm, file):
    text = (MONITORING / file).read_text()
    assert named(text) - {"strongroom_alerts"} <= set(samples(installation))


def test_every_alert_has_an_expression_a_summary_and_advice():
    (group,) = yaml.safe_load((MONITORING / "strongroom-alerts.yml").read_text())["groups"]
    advice = (ROOT / "docs" / "how-to" / "metrics.md").read_text()
    for rule in group["rules"]:
        assert rule["expr"].count("(") == rule["expr"].count(")"), rule["alert"]
        assert rule["annotations"]["summary"], rule["alert"]
        assert rule["labels"]["severity"] in {"warning", "critical"}, rule["alert"]
        assert rule["alert"] in advice


def test_the_dashboard_is_one_and_its_panels_do_not_overlap():
    dashboard = json.loads((MONITORING / "grafana-dashboard.json").read_text())
    taken: set[tuple[int, int]] = set()
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])


def test_the_reference_lists_every_metric_and_its_text(installation, hsm):
    reference = (ROOT / "docs" / "reference" / "metrics.md").read_text()
    families = {family.name: family for family in read_openmetrics(page(installation).data.decode())}
    rows = re.findall(r"^\| `(strongroom_\w+)` \| (\w+) \| .* \| (.*) \|$", reference, re.MULTILINE)
    listed = {name: (kind, text) for name, kind, text in rows}
    assert listed == {name: (family.type, family.documentation) for name, family in families.items()}


def test_the_page_is_not_made_anew_for_each_reader(installation, hsm, monkeypatch):
    monkeypatch.setattr(metrics_page, "_FRESH_SECONDS", 60.0)
    first = page(installation).data
    installation.client().describe_clusters()
    assert page(installation).data == first
