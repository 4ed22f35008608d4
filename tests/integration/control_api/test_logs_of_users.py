"""Log groups that users write themselves, by boto3."""

from __future__ import annotations

import time

import pytest
from botocore.exceptions import ClientError

from strongroom.aws.errors import AwsError
from strongroom.services.logs.put_log_events import InputLogEvent, check_batch

NOW_MS = int(time.time() * 1000)
STREAM = {"logGroupName": "app", "logStreamName": "one"}
HOUR_MS = 3_600_000


@pytest.fixture
def logs(installation):
    client = installation.client(service="logs")
    client.create_log_group(logGroupName="app", tags={"team": "a"})
    client.create_log_stream(**STREAM)
    return client


def refused(code: str, text: str, operation, **members) -> None:
    with pytest.raises(ClientError, match=text) as failure:
        operation(**members)
    assert failure.value.response["Error"]["Code"] == code


def events(*times_ms: int, message: str = "event") -> list[dict]:
    return [{"timestamp": time_ms, "message": f"{message} {time_ms}"} for time_ms in times_ms]


def messages(logs, **members) -> list[str]:
    return [event["message"] for event in logs.filter_log_events(logGroupName="app", **members)["events"]]


def test_what_is_put_is_got(logs):
    reply = logs.put_log_events(**STREAM, logEvents=events(NOW_MS, NOW_MS, NOW_MS + 1), sequenceToken="wrong")
    assert "rejectedLogEventsInfo" not in reply
    logs.put_log_events(**STREAM, logEvents=events(NOW_MS - 10))
    got = logs.get_log_events(**STREAM)["events"]
    assert [event["timestamp"] for event in got] == [NOW_MS - 10, NOW_MS, NOW_MS, NOW_MS + 1]
    assert all(abs(event["ingestionTime"] - NOW_MS) < 600_000 for event in got)
    found = logs.filter_log_events(logGroupName="app")["events"]
    assert len({event["eventId"] for event in found}) == 4
    (stream,) = logs.describe_log_streams(logGroupName="app")["logStreams"]
    assert (stream["firstEventTimestamp"], stream["lastEventTimestamp"]) == (NOW_MS - 10, NOW_MS + 1)
    assert stream["lastIngestionTime"] >= NOW_MS - 600_000


def test_groups_and_streams_are_made_once_and_deleted(logs):
    refused("ResourceAlreadyExistsException", "already exists", logs.create_log_group, logGroupName="app")
    refused("ResourceAlreadyExistsException", "already exists", logs.create_log_stream, **STREAM)
    logs.put_log_events(**STREAM, logEvents=events(NOW_MS))
    logs.delete_log_stream(**STREAM)
    refused("ResourceNotFoundException", "stream does not exist", logs.get_log_events, **STREAM)
    logs.create_log_stream(**STREAM)
    assert logs.get_log_events(**STREAM)["events"] == []
    logs.put_log_events(**STREAM, logEvents=events(NOW_MS))
    logs.delete_log_group(logGroupName="app")
    assert logs.describe_log_groups()["logGroups"] == []
    refused("ResourceNotFoundException", "group does not exist", logs.create_log_stream, **STREAM)
    logs.create_log_group(logGroupName="app")
    assert logs.describe_log_streams(logGroupName="app")["logStreams"] == []
    for name in ("aws/x", "/aws/cloudhsm/x"):
        with pytest.raises(ClientError):
            logs.create_log_group(logGroupName=name)


def test_what_is_too_old_or_too_new_is_left_out_and_told(logs):
    old, new = NOW_MS - 15 * 24 * HOUR_MS, NOW_MS + 3 * HOUR_MS
    reply = logs.put_log_events(**STREAM, logEvents=events(old, old + 1))
    assert reply["rejectedLogEventsInfo"] == {"tooOldLogEventEndIndex": 2}
    reply = logs.put_log_events(**STREAM, logEvents=events(NOW_MS, new, new + 1))
    assert reply["rejectedLogEventsInfo"] == {"tooNewLogEventStartIndex": 1}
    logs.put_retention_policy(logGroupName="app", retentionInDays=1)
    expired = NOW_MS - 24 * HOUR_MS - 1000
    reply = logs.put_log_events(**STREAM, logEvents=events(expired, expired + 2 * HOUR_MS))
    assert reply["rejectedLogEventsInfo"] == {"expiredLogEventEndIndex": 1}
    assert len(messages(logs)) == 2


def test_batches_that_break_a_rule_are_refused_whole(logs):
    code = "InvalidParameterException"
    refused(code, "chronological", logs.put_log_events, **STREAM, logEvents=events(NOW_MS, NOW_MS - 1))
    refused(code, "24 hours", logs.put_log_events, **STREAM, logEvents=events(NOW_MS - 25 * HOUR_MS, NOW_MS))
    refused(code, "length", logs.put_log_events, **STREAM, logEvents=[])
    with pytest.raises(AwsError, match="exceeds limit of 1048576"):
        check_batch([InputLogEvent(NOW_MS, "ä" * 262_144)] * 2)
    check_batch([InputLogEvent(NOW_MS, "ä" * (262_144 - 13))] * 2)
    assert messages(logs) == []


def test_expired_events_are_removed(logs):
    logs.put_log_events(**STREAM, logEvents=events(NOW_MS - 30 * HOUR_MS, NOW_MS - 29 * HOUR_MS))
    logs.put_log_events(**STREAM, logEvents=events(NOW_MS))
    logs.put_retention_policy(logGroupName="app", retentionInDays=1)
    assert messages(logs) == [f"event {NOW_MS}"]
    logs.delete_retention_policy(logGroupName="app")
    assert messages(logs) == [f"event {NOW_MS}"]


def test_a_stream_keeps_any_text_and_any_name(logs):
    name = "a/b {\U0010ffff} \x00 ü"
    logs.create_log_stream(logGroupName="app", logStreamName=name)
    text = 'line 1\nline 2\t"quoted" \x00 \U0001f511'
    logs.put_log_events(logGroupName="app", logStreamName=name, logEvents=[{"timestamp": NOW_MS, "message": text}])
    found = logs.filter_log_events(logGroupName="app", logStreamNamePrefix="a/b {\U0010ffff")["events"]
    assert [(event["logStreamName"], event["message"]) for event in found] == [(name, text)]


def test_json_and_columns_are_searched(logs):
    lines = [
        '{"user": {"name": "alice"}, "code": 200}',
        '{"user": {"name": "bob"}, "code": 404, "detail": null}',
        '127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /a HTTP/1.0" 404 1534',
    ]
    logs.put_log_events(**STREAM, logEvents=[{"timestamp": NOW_MS + n, "message": m} for n, m in enumerate(lines)])
    assert messages(logs, filterPattern='{ $.user.name = "a*" && $.code < 300 }') == lines[:1]
    assert messages(logs, filterPattern="{ $.detail IS NULL || $.code = 200 }") == lines[:2]
    assert messages(logs, filterPattern="[ip, ..., status=4*, size>1000]") == lines[2:]


def test_a_filter_can_be_tried_out(logs):
    tried = logs.test_metric_filter(
        filterPattern="[ip, user, ..., size > 9]", logEventMessages=["1.1.1.1 a b 10", "1.1.1.1 a b 9", "x"]
    )
    assert tried["matches"] == [
        {
            "eventNumber": 1,
            "eventMessage": "1.1.1.1 a b 10",
            "extractedValues": {"$ip": "1.1.1.1", "$user": "a", "$size": "10"},
        }
    ]
    refused(
        "InvalidParameterException",
        "Invalid filter pattern",
        logs.test_metric_filter,
        filterPattern="[",
        logEventMessages=["x"],
    )


def test_other_accounts_see_none_of_it(logs, installation):
    other = installation.client("444455556666", "logs")
    other.create_log_group(logGroupName="app")
    assert other.describe_log_streams(logGroupName="app")["logStreams"] == []
    refused(
        "ResourceNotFoundException", "stream does not exist", other.put_log_events, **STREAM, logEvents=events(NOW_MS)
    )
    other.delete_log_group(logGroupName="app")
    assert len(logs.describe_log_groups()["logGroups"]) == 1


def test_what_is_not_offered_says_so(logs):
    refused("InvalidParameterException", "not supported yet", logs.describe_subscription_filters, logGroupName="app")
    refused("InvalidParameterException", "without a KMS key", logs.create_log_group, logGroupName="b", kmsKeyId="arn:x")
