"""Logs Insights by boto3."""

from __future__ import annotations

import time

import audit_logs
import pytest
from botocore.exceptions import ClientError

NOW = int(time.time())


@pytest.fixture
def group(installation):
    """The group of a cluster whose HSM wrote 40 entries, one a second."""
    cluster_id, hsm_id = installation.active_cluster()
    times = [(NOW - 600 + second) * 1_000_000 for second in range(40)]
    audit_logs.write(installation.stores.open(cluster_id), hsm_id, times)
    return f"/aws/cloudhsm/{cluster_id}"


@pytest.fixture
def logs(installation):
    return installation.client(service="logs")


def finished(logs, query_id: str) -> dict:
    end = time.monotonic() + 30
    while (reply := logs.get_query_results(queryId=query_id))["status"] in {"Scheduled", "Running"}:
        assert time.monotonic() < end
        time.sleep(0.02)
    return reply


def ask(logs, group: str, text: str, **members) -> dict:
    times = {"startTime": NOW - 3600, "endTime": NOW}
    return finished(logs, logs.start_query(logGroupName=group, queryString=text, **times, **members)["queryId"])


def rows(reply: dict) -> list[dict]:
    assert reply["status"] == "Complete"
    return [{field["field"]: field["value"] for field in row} for row in reply["results"]]


def test_who_failed_to_log_in(logs, group):
    found = "filter @message like /RET_USER_LOGIN_FAILURE/"
    reply = ask(logs, group, rf"{found} | parse @message /User Name\s*: (?<u>\S+)/ | stats count(*) as n by u")
    assert rows(reply) == [{"u": "mallory", "n": "10"}]
    assert reply["statistics"]["recordsMatched"] == 10
    assert reply["statistics"]["recordsScanned"] == 40
    assert reply["queryLanguage"] == "CWLI"


def test_rows_are_newest_first_and_their_pointers_lead_to_them(logs, group):
    found = rows(ask(logs, group, "fields @timestamp, @message", limit=3))
    assert len(found) == 3
    assert found[0]["@timestamp"] > found[1]["@timestamp"]
    record = logs.get_log_record(logRecordPointer=found[1]["@ptr"])["logRecord"]
    assert record["@message"] == found[1]["@message"]
    for pointer in ("x", found[1]["@ptr"][:-4] + "AAAA"):
        with pytest.raises(ClientError):
            logs.get_log_record(logRecordPointer=pointer)


def test_several_groups_are_searched_and_results_come_in_pages(logs, group):
    logs.create_log_group(logGroupName="app")
    logs.create_log_stream(logGroupName="app", logStreamName="one")
    event = {"timestamp": (NOW - 590) * 1000, "message": '{"level": "error"}'}
    logs.put_log_events(logGroupName="app", logStreamName="one", logEvents=[event])
    times = {"startTime": NOW - 3600, "endTime": NOW}
    names = [group, "app"]
    started = logs.start_query(logGroupNames=names, queryString="fields @log, level | sort @timestamp", **times)
    found = rows(finished(logs, started["queryId"]))
    assert len(found) == 41
    assert [row["@log"] for row in found if row.get("level") == "error"] == ["111122223333:app"]
    page = logs.get_query_results(queryId=started["queryId"], maxItems=40)
    rest = logs.get_query_results(queryId=started["queryId"], maxItems=40, nextToken=page["nextToken"])
    assert (len(page["results"]), len(rest["results"])) == (40, 1)
    assert "nextToken" not in rest


def test_queries_are_described_and_stopped(logs, group):
    started = logs.start_query(logGroupName=group, queryString="limit 1", startTime=NOW - 60, endTime=NOW)["queryId"]
    finished(logs, started)
    (shown,) = logs.describe_queries(logGroupName=group)["queries"]
    assert (shown["queryId"], shown["status"], shown["queryString"]) == (started, "Complete", "limit 1")
    assert logs.describe_queries(status="Running")["queries"] == []
    with pytest.raises(ClientError, match="already ended"):
        logs.stop_query(queryId=started)
    with pytest.raises(ClientError, match="does not exist"):
        logs.stop_query(queryId="nothing")


def test_a_long_query_can_be_stopped(installation, logs, group):
    cluster_id = group.rpartition("/")[2]
    (stream,) = logs.describe_log_streams(logGroupName=group)["logStreams"]
    store = installation.stores.open(cluster_id)
    audit_logs.write(store, stream["logStreamName"], [(NOW - 300) * 1_000_000] * 30_000, 40)
    text = "parse @message /(?<a>.*)/ | stats count(*) by a"
    started = logs.start_query(logGroupName=group, queryString=text, startTime=0, endTime=NOW)["queryId"]
    assert logs.stop_query(queryId=started)["success"]
    assert logs.get_query_results(queryId=started)["status"] == "Cancelled"
    assert rows(ask(logs, group, "limit 1"))


def test_wrong_queries_say_where(logs, group):
    with pytest.raises(ClientError) as failure:
        logs.start_query(logGroupName=group, queryString="fields a b", startTime=0, endTime=1)
    assert failure.value.response["Error"]["Code"] == "MalformedQueryException"
    told = failure.value.response["queryCompileError"]
    assert told["location"] == {"startCharOffset": 9, "endCharOffset": 10}
    assert "unexpected symbol found b" in told["message"]


def test_wrong_requests_are_refused(logs):
    for members, code in (
        ({"logGroupName": "nothing"}, "ResourceNotFoundException"),
        ({}, "InvalidParameterException"),
        ({"logGroupName": "a", "logGroupNames": ["a"]}, "InvalidParameterException"),
        ({"logGroupNames": [f"g{number}" for number in range(51)]}, "InvalidParameterException"),
        ({"logGroupName": "a", "startTime": 2, "endTime": 1}, "InvalidParameterException"),
        ({"logGroupName": "a", "queryLanguage": "SQL"}, "InvalidParameterException"),
        ({"logGroupName": "a", "queryString": "x" * 10_001}, "InvalidParameterException"),
    ):
        with pytest.raises(ClientError) as failure:
            logs.start_query(**{"queryString": "limit 1", "startTime": 0, "endTime": 1, **members})
        assert failure.value.response["Error"]["Code"] == code


def test_another_account_sees_no_queries(installation, logs, group):
    started = logs.start_query(logGroupName=group, queryString="limit 1", startTime=0, endTime=NOW)["queryId"]
    other = installation.client("444455556666", "logs")
    assert other.describe_queries()["queries"] == []
    with pytest.raises(ClientError, match="does not exist"):
        other.get_query_results(queryId=started)
