"""CloudWatch: metrics of HSMs and of users, by boto3 (JSON 1.0), by the query protocol and by CBOR."""

from __future__ import annotations

import json
import os
import subprocess
import time
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

import cbor2
import msgspec
import pytest
from botocore.exceptions import ClientError
from signed_http import send

from strongroom.services.cloudwatch import get_metric_data, list_metrics, retention, user_points
from strongroom.services.cloudwatch.sampler import Sampler
from strongroom.services.readings import Readings
from strongroom.storage.interface import Transaction, Write
from strongroom.vocabulary.records import METRICS, HsmMetrics
from strongroom.vocabulary.states import HsmHealth

NAMESPACE = "AWS/CloudHSM"
SPACE = "{http://monitoring.amazonaws.com/doc/2010-08-01/}"


class Watched:
    """A control API with one active cluster, whose HSMs say what a test wants, and its minutes."""

    def __init__(self, installation) -> None:
        self.installation = installation
        self.cluster_id, self.hsm_id = installation.active_cluster()
        readings = Readings(installation.control, installation.stores)
        self.sampler = Sampler(readings, installation.logs, "us-east-1", clock=installation.clock)
        self.api = installation.client(service="cloudwatch")
        self.start = datetime.fromtimestamp(time.time() // 3600 * 3600, UTC)

    def at_minute(self, minute: int, **figures: int) -> None:
        """Sample what the HSM says at a minute of this hour."""
        engine = {"session_objects": figures.pop("session_keys", 0), "connections": figures.pop("connections", 0)}
        said = HsmMetrics(self.hsm_id, at=0.0, started_at=0.0, users_max=1024, engine=engine, **figures)
        write = Write(METRICS + self.hsm_id, msgspec.msgpack.encode(said))
        self.installation.stores.open(self.cluster_id).transact(Transaction(writes=(write,)))
        self.sample(minute)

    def sample(self, minute: int) -> None:
        """Sample at a minute of this hour."""
        self.installation.clock.skew = self.start.timestamp() + minute * 60 + 1 - time.time()
        self.sampler.sample()
        self.installation.clock.skew = 0.0

    def of_hsm(self) -> list[dict[str, str]]:
        return [{"Name": "HsmId", "Value": self.hsm_id}, *self.of_cluster()]

    def of_cluster(self) -> list[dict[str, str]]:
        return [{"Name": "ClusterId", "Value": self.cluster_id}]

    def statistics(self, name="HsmSessionCount", dimensions=None, minutes=(0, 10), **members):
        members = {"Period": 60, "Statistics": ["Average"], **members}
        reply = self.api.get_metric_statistics(
            Namespace=members.pop("Namespace", NAMESPACE),
            MetricName=name,
            Dimensions=self.of_hsm() if dimensions is None else dimensions,
            StartTime=self.start + timedelta(minutes=minutes[0]),
            EndTime=self.start + timedelta(minutes=minutes[1]),
            **members,
        )
        return reply["Datapoints"]

    def data(self, *queries, minutes=(0, 10), **members):
        return self.api.get_metric_data(
            MetricDataQueries=list(queries),
            StartTime=self.start + timedelta(minutes=minutes[0]),
            EndTime=self.start + timedelta(minutes=minutes[1]),
            **members,
        )

    def query(self, name="HsmSessionCount", identity="q", **members):
        stat = {
            "Metric": {"Namespace": NAMESPACE, "MetricName": name, "Dimensions": self.of_hsm()},
            "Period": 60,
            "Stat": "Average",
        }
        return {"Id": identity, "MetricStat": stat | members}


@pytest.fixture
def watched(installation):
    return Watched(installation)


def refused(call, code: str, text: str | None = None) -> None:
    with pytest.raises(ClientError, match=text) as caught:
        call()
    assert caught.value.response["Error"]["Code"] == code


def test_the_metrics_of_an_hsm_have_what_it_said(watched):
    watched.at_minute(0, token_keys=7, session_keys=3, connections=5, users=24)
    shown = {name: watched.statistics(name)[0]["Average"] for name in (
        "HsmUnhealthy", "HsmKeysTokenOccupied", "HsmKeysSessionOccupied", "HsmSessionCount", "HsmUsersAvailable"
    )}  # fmt: skip
    assert shown == {
        "HsmUnhealthy": 0,
        "HsmKeysTokenOccupied": 7,
        "HsmKeysSessionOccupied": 3,
        "HsmSessionCount": 5,
        "HsmUsersAvailable": 1000,
    }
    assert watched.statistics("HsmTemperature") == []


def test_an_hsm_that_does_not_run_is_unhealthy_and_has_no_other_figures(watched):
    store = watched.installation.stores.open(watched.cluster_id)
    (lease,) = store.leases()
    store.release_lease(lease.name, lease.epoch)
    watched.at_minute(0, connections=5)
    assert watched.statistics("HsmUnhealthy", Statistics=["Maximum"])[0]["Maximum"] == 1
    assert watched.statistics("HsmSessionCount") == []


def test_start_is_inclusive_and_end_exclusive(watched):
    for minute in range(4):
        watched.at_minute(minute, connections=minute)
    shown = watched.statistics(minutes=(1, 3))
    assert [(point["Timestamp"], point["Average"], point["Unit"]) for point in shown] == [
        (watched.start + timedelta(minutes=1), 1, "Count"),
        (watched.start + timedelta(minutes=2), 2, "Count"),
    ]


def test_a_minute_is_sampled_once(watched):
    watched.at_minute(0, connections=1)
    watched.at_minute(0, connections=9)
    assert [point["Average"] for point in watched.statistics()] == [1]


def test_figures_that_an_hsm_gave_later_in_a_minute_complete_its_sample(watched):
    watched.sample(0)
    assert watched.statistics() == []
    watched.at_minute(0, connections=5)
    assert [point["Average"] for point in watched.statistics()] == [5]
    assert watched.statistics("HsmUnhealthy", Statistics=["SampleCount"])[0]["SampleCount"] == 1


def test_statistics_and_percentiles_are_of_each_period(watched):
    for minute, connections in enumerate((1, 2, 3, 10, 20, 30)):
        watched.at_minute(minute, connections=connections)
    names = ["SampleCount", "Average", "Sum", "Minimum", "Maximum"]
    shown = watched.statistics(Period=180, Statistics=names, ExtendedStatistics=["p50", "p99.9"])
    assert [[point[name] for name in names] for point in shown] == [[3, 2, 6, 1, 3], [3, 20, 60, 10, 30]]
    assert [point["ExtendedStatistics"] for point in shown] == [{"p50": 2, "p99.9": 3}, {"p50": 20, "p99.9": 30}]


def test_a_cluster_and_the_region_put_their_hsms_together(watched):
    other = watched.installation.client().create_hsm(ClusterId=watched.cluster_id, AvailabilityZone="us-east-1b")
    watched.installation.hsm_says(watched.cluster_id, other["Hsm"]["HsmId"], HsmHealth.ERROR)
    watched.at_minute(0, connections=5)
    region = [{"Name": "Region", "Value": "us-east-1"}]
    for dimensions in (watched.of_cluster(), region):
        (point,) = watched.statistics("HsmUnhealthy", dimensions, Statistics=["SampleCount", "Maximum"])
        assert (point["SampleCount"], point["Maximum"]) == (2, 1)


EXTRA = {"Name": "X", "Value": "y"}


@pytest.mark.parametrize("change", [lambda it: [], lambda it: it.of_hsm()[:1], lambda it: [*it.of_hsm(), EXTRA]])
def test_dimensions_must_be_exactly_those_of_the_metric(watched, change):
    watched.at_minute(0, connections=5)
    assert watched.statistics(dimensions=change(watched)) == []
    assert watched.statistics(dimensions=watched.of_hsm()[::-1]) != []


def test_another_account_sees_nothing_of_it(watched):
    watched.at_minute(0, connections=5)
    watched.api = watched.installation.client("444455556666", service="cloudwatch")
    assert watched.statistics() == []
    assert watched.api.list_metrics()["Metrics"] == []


def test_queries_come_in_the_order_that_is_asked_for(watched):
    for minute in range(3):
        watched.at_minute(minute, connections=minute)
    (newest_first,) = watched.data(watched.query())["MetricDataResults"]
    assert newest_first["Values"] == [2, 1, 0]
    assert newest_first["Label"] == "HsmSessionCount"
    (oldest_first,) = watched.data(watched.query(Stat="Maximum"), ScanBy="TimestampAscending")["MetricDataResults"]
    assert oldest_first["Values"] == [0, 1, 2]
    assert oldest_first["Timestamps"][0] == watched.start


def test_an_unknown_metric_gives_empty_arrays(watched):
    (unknown,) = watched.data(watched.query("Nothing"))["MetricDataResults"]
    assert (unknown["Timestamps"], unknown["Values"], unknown["StatusCode"]) == ([], [], "Complete")


def test_pages_of_data_go_on_where_the_last_one_ended(watched):
    for minute in range(5):
        watched.at_minute(minute, connections=minute)
    queries = [watched.query(identity="a"), watched.query(identity="b")]
    first = watched.data(*queries, MaxDatapoints=3)
    (partial,) = first["MetricDataResults"]
    assert (partial["Id"], partial["Values"], partial["StatusCode"]) == ("a", [4, 3, 2], "PartialData")
    second = watched.data(*queries, MaxDatapoints=3, NextToken=first["NextToken"])
    assert [(result["Id"], result["Values"]) for result in second["MetricDataResults"]] == [("a", [1, 0]), ("b", [4])]
    third = watched.data(*queries, MaxDatapoints=3, NextToken=second["NextToken"])
    last = watched.data(*queries, MaxDatapoints=3, NextToken=third["NextToken"])
    assert [result["Values"] for page in (third, last) for result in page["MetricDataResults"]] == [[3, 2, 1], [0]]
    assert "NextToken" not in last
    refused(lambda: watched.data(*queries, MaxDatapoints=4, NextToken=first["NextToken"]), "InvalidNextToken")


def test_botocores_paginator_puts_pages_together(watched, monkeypatch):
    for minute in range(5):
        watched.at_minute(minute, connections=minute)
    monkeypatch.setattr(get_metric_data, "MAX_SAMPLES", 1)
    pages = watched.api.get_paginator("get_metric_data").paginate(
        MetricDataQueries=[watched.query(identity=name) for name in "abc"],
        StartTime=watched.start,
        EndTime=watched.start + timedelta(minutes=10),
    )
    shown = pages.build_full_result()["MetricDataResults"]
    assert [(result["Id"], len(result["Values"])) for result in shown] == [("a", 5), ("b", 5), ("c", 5)]


def test_wrong_queries_get_the_apis_errors(watched):
    wrong = [
        ([watched.query(identity="A")], "not matching the expected pattern"),
        ([watched.query(), watched.query()], "not unique"),
        ([watched.query(Stat="p101")], "MetricStat.Stat is not supported"),
        ([watched.query(Period=61)], "multiple of 60"),
        ([{"Id": "e", "Expression": "SUM(METRICS())"}], "Error in expression 'e'"),
        ([{"Id": "e"}], "exactly one of MetricStat and Expression"),
        ([watched.query() | {"ReturnData": False}], "must return data"),
        ([], "at least one query"),
        ([watched.query(identity=f"q{n}") for n in range(501)], "must not have a size greater than 500"),
        ([watched.query(Period=0)], "1 validation error detected: Value '0' at 'metricDataQueries.1.member.metricStat"),
    ]
    for queries, text in wrong:
        refused(lambda queries=queries: watched.data(*queries), "ValidationError", text)
    earlier = "The parameter StartTime must be less than the parameter EndTime."
    refused(lambda: watched.data(watched.query(), minutes=(1, 1)), "ValidationError", earlier)
    refused(lambda: watched.statistics(minutes=(1, 1)), "InvalidParameterValue", earlier)
    refused(lambda: watched.statistics(Statistics=[]), "ValidationError")
    refused(lambda: watched.statistics(minutes=(0, 1441)), "InvalidParameterCombination", "up to 1,441 datapoints")
    refused(lambda: watched.statistics(ExtendedStatistics=["tm90"]), "InvalidParameterValue")


def test_a_range_of_centuries_is_answered(watched):
    watched.at_minute(0, connections=5)
    centuries = {"StartTime": datetime(1, 1, 2, tzinfo=UTC), "EndTime": datetime(9999, 1, 1, tzinfo=UTC)}
    query = watched.query(Period=86_400 * 365)
    refused(lambda: watched.api.get_metric_data(MetricDataQueries=[query], **centuries), "ValidationError")
    centuries = {"StartTime": datetime(1000, 1, 1, tzinfo=UTC), "EndTime": datetime(5000, 1, 1, tzinfo=UTC)}
    (result,) = watched.api.get_metric_data(MetricDataQueries=[query], **centuries)["MetricDataResults"]
    assert result["Values"] == [5]


def test_metrics_are_listed_with_filters_and_pages(watched, monkeypatch):
    assert watched.api.list_metrics()["Metrics"] == []
    watched.at_minute(0)
    assert len(watched.api.list_metrics(Namespace=NAMESPACE, RecentlyActive="PT3H")["Metrics"]) == 15
    filters = {"MetricName": "HsmUnhealthy", "Dimensions": [{"Name": "HsmId"}]}
    (only,) = watched.api.list_metrics(**filters)["Metrics"]
    assert only["Dimensions"] == [
        {"Name": "ClusterId", "Value": watched.cluster_id},
        {"Name": "HsmId", "Value": watched.hsm_id},
    ]
    monkeypatch.setattr(list_metrics, "PAGE", 4)
    pages = list(watched.api.get_paginator("list_metrics").paginate())
    assert [len(page["Metrics"]) for page in pages] == [4, 4, 4, 3]
    refused(lambda: watched.api.list_metrics(NextToken="x"), "InvalidParameterValue")


def test_there_are_no_alarms(watched):
    reply = watched.api.describe_alarms(AlarmNamePrefix="x")
    assert (reply["MetricAlarms"], reply["CompositeAlarms"]) == ([], [])


def test_users_put_metrics_of_their_own(watched):
    now = watched.start + timedelta(minutes=1)
    wide = [{"Name": "Padding", "Value": "x" * 1000}]
    data = [{"MetricName": "Waits", "Timestamp": now, "Value": value, "Unit": "Seconds"} for value in (1, 2, 6)]
    data.append(
        {"MetricName": "Waits", "Timestamp": now, "Values": [3.0, 4.0], "Counts": [2.0, 1.0], "Unit": "Seconds"}
    )
    a_set = {"SampleCount": 2, "Sum": 9, "Minimum": 1, "Maximum": 8}
    data.append({"MetricName": "Sets", "Timestamp": now, "StatisticValues": a_set})
    data += [{"MetricName": f"Wide{n}", "Dimensions": wide, "Value": n} for n in range(12)]
    # Over 10 KiB: botocore sends it packed.
    reply = watched.api.put_metric_data(Namespace="Mine", MetricData=data)
    assert reply["ResponseMetadata"]["HTTPStatusCode"] == 200
    names = ["SampleCount", "Sum", "Minimum", "Maximum"]
    mine = {"Namespace": "Mine", "dimensions": [], "Statistics": names, "ExtendedStatistics": ["p50"]}
    (waits,) = watched.statistics("Waits", **mine)
    assert [waits[name] for name in names] == [6, 19, 1, 6]
    assert (waits["Unit"], waits["ExtendedStatistics"]) == ("Seconds", {"p50": 3})
    (sets,) = watched.statistics("Sets", **mine)
    assert [sets[name] for name in names] == [2, 9, 1, 8]
    assert "p50" not in sets.get("ExtendedStatistics", {})
    assert watched.statistics("Waits", Unit="Bytes", **mine) == []
    assert len(watched.api.list_metrics(Namespace="Mine")["Metrics"]) == 14


def test_wrong_points_are_refused_whole(watched, monkeypatch):
    def put(namespace="Mine", **datum):
        good = {"MetricName": "Good", "Value": 1.0}
        watched.api.put_metric_data(Namespace=namespace, MetricData=[good, {"MetricName": "Bad", **datum}])

    later = datetime.now(UTC) + timedelta(hours=3)
    refused(lambda: put("AWS/CloudHSM", Value=1.0), "InvalidParameterValue", "Namespace is invalid")
    refused(lambda: put(Value=1.0, Timestamp=later), "InvalidParameterValue", "two hours in the future")
    refused(lambda: put(Value=2.0**361), "InvalidParameterValue", "is invalid")
    refused(lambda: put(Values=[1.0], Counts=[1.0, 2.0]), "InvalidParameterValue", "same number")
    refused(lambda: put(Value=1.0, Values=[1.0]), "InvalidParameterCombination", "exclude each other")
    refused(put, "MissingParameter", "must be specified")
    monkeypatch.setattr(user_points, "MAX_SERIES", 1)
    refused(lambda: put(Value=1.0), "LimitExceeded")
    assert watched.api.list_metrics(Namespace="Mine")["Metrics"] == []


def test_what_is_older_than_is_kept_is_forgotten(watched):
    watched.at_minute(0, connections=5)
    watched.api.put_metric_data(Namespace="Mine", MetricData=[{"MetricName": "Waits", "Value": 1.0}])
    logs, later = watched.installation.logs, time.time() + 16 * 86_400
    assert len(logs.list("points/", "points0")) == 2
    retention.trim(logs, time.time())
    assert len(logs.list("points/", "points0")) == 2
    retention.trim(logs, later)
    assert [*logs.list("points/", "points0"), *logs.list("series/", "series0")] == []


# -- other protocols --------------------------------------------------------------------------------------------------

FORM = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}


def query(watched, action, headers=FORM, **fields):
    form = {"Action": action, "Version": "2010-08-01", **fields}
    return send(watched.installation, urlencode(form).encode(), headers, service="monitoring")


def test_the_query_protocol_is_spoken(watched):
    watched.at_minute(0, connections=5)
    reply = query(
        watched,
        "GetMetricStatistics",
        **{
            "Namespace": NAMESPACE,
            "MetricName": "HsmSessionCount",
            "Dimensions.member.1.Name": "ClusterId",
            "Dimensions.member.1.Value": watched.cluster_id,
            "Statistics.member.1": "Sum",
            "StartTime": watched.start.isoformat(),
            "EndTime": (watched.start + timedelta(hours=1)).isoformat(),
            "Period": "3600",
        },
    )
    assert (reply.status, reply.headers["content-type"]) == (200, "text/xml")
    root = ET.fromstring(reply.data)
    assert root.tag == f"{SPACE}GetMetricStatisticsResponse"
    (point,) = root.iter(f"{SPACE}Datapoints")
    assert point.find(f"{SPACE}member/{SPACE}Sum").text == "5.0"
    assert point.find(f"{SPACE}member/{SPACE}Timestamp").text == watched.start.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert root.find(f"{SPACE}ResponseMetadata/{SPACE}RequestId").text == reply.headers["x-amzn-requestid"]


def test_errors_of_the_query_protocol_are_xml(watched):
    reply = query(watched, "GetMetricStatistics", Namespace=NAMESPACE)
    assert (reply.status, ET.fromstring(reply.data).find(f"{SPACE}Error/{SPACE}Code").text) == (400, "ValidationError")
    unknown = query(watched, "NoSuchThing")
    assert (unknown.status, ET.fromstring(unknown.data).find("Error/Code").text) == (400, "InvalidAction")
    form = urlencode({"Action": "ListMetrics", "Version": "2010-08-01"}).encode()
    tampered = send(
        watched.installation,
        form,
        FORM,
        service="monitoring",
        change=lambda sent: {**sent, "Authorization": sent["Authorization"][:-4] + "0000"},
    )
    assert (tampered.status, ET.fromstring(tampered.data).find("Error/Code").text) == (403, "SignatureDoesNotMatch")


def test_debians_aws_cli_which_speaks_the_query_protocol_works(watched, tmp_path):
    watched.at_minute(0, connections=5)
    key = watched.installation.key()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "AWS_ACCESS_KEY_ID": key.access_key_id,
        "AWS_SECRET_ACCESS_KEY": key.secret_access_key,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_PAGER": "",
    }
    command = ["/usr/bin/aws", "cloudwatch", "get-metric-data", "--endpoint-url", watched.installation.endpoint]
    times = ["--start-time", watched.start.isoformat(), "--end-time", (watched.start + timedelta(hours=1)).isoformat()]
    arguments = ["--metric-data-queries", json.dumps([watched.query()]), *times, "--output", "json"]
    done = subprocess.run([*command, *arguments], env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["MetricDataResults"][0]["Values"] == [5.0]
    backwards = [*arguments[:2], "--start-time", times[3], "--end-time", times[1]]
    refusal = subprocess.run([*command, *backwards], env=environment, capture_output=True, text=True, timeout=60)
    assert "(ValidationError) when calling the GetMetricData operation: The parameter StartTime" in refusal.stderr


def test_cbor_is_spoken_with_the_old_names_of_errors_in_a_header(watched):
    watched.at_minute(0, connections=5)
    path = "/service/GraniteServiceVersion20100801/operation/"
    headers = {"Smithy-Protocol": "rpc-v2-cbor", "Content-Type": "application/cbor", "X-Amzn-Query-Mode": "true"}
    body = {
        "MetricDataQueries": [watched.query()],
        "StartTime": watched.start,
        "EndTime": watched.start + timedelta(minutes=9),
    }

    def call(operation, members):
        return send(watched.installation, cbor2.dumps(members), headers, path=path + operation, service="monitoring")

    reply = call("GetMetricData", body)
    assert (reply.status, reply.headers["smithy-protocol"]) == (200, "rpc-v2-cbor")
    (result,) = cbor2.loads(reply.data)["MetricDataResults"]
    assert (result["Values"], result["Timestamps"]) == ([5.0], [watched.start])
    wrong = call("GetMetricStatistics", {"Namespace": NAMESPACE, "MetricName": "x", "Period": 60} | {
        "StartTime": body["EndTime"], "EndTime": body["StartTime"], "Statistics": ["Sum"],
    })  # fmt: skip
    assert (wrong.status, wrong.headers["x-amzn-query-error"]) == (400, "InvalidParameterValue;Sender")
    assert cbor2.loads(wrong.data)["__type"] == "InvalidParameterValueException"


def test_json_answers_in_the_version_it_was_asked_in(watched):
    target = {"X-Amz-Target": "GraniteServiceVersion20100801.ListMetrics"}
    for version in ("1.0", "1.1"):
        content_type = f"application/x-amz-json-{version}"
        reply = send(watched.installation, b"{}", {**target, "Content-Type": content_type}, service="monitoring")
        assert (reply.headers["content-type"], reply.json()) == (content_type, {"Metrics": []})


def test_a_request_that_is_signed_for_another_service_is_refused(watched):
    target = {"X-Amz-Target": "GraniteServiceVersion20100801.ListMetrics", "Content-Type": "application/x-amz-json-1.0"}
    reply = send(watched.installation, b"{}", target, service="cloudhsm")
    assert (reply.status, reply.json()["__type"]) == (400, "InvalidSignatureException")
