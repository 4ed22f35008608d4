"""StartLiveTail by boto3, over a real connection."""

from __future__ import annotations

import contextlib
import time

import audit_logs
import pytest
from botocore.exceptions import ClientError

from strongroom.services.logs import start_live_tail

ACCOUNT, REGION = "111122223333", "us-east-1"


@pytest.fixture
def group(installation):
    """The ARN of a cluster's group, and its only HSM."""
    cluster_id, hsm_id = installation.active_cluster()
    audit_logs.write(installation.stores.open(cluster_id), hsm_id, [1_700_000_000_000_000])
    return f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/cloudhsm/{cluster_id}", cluster_id, hsm_id


@pytest.fixture
def logs(installation):
    return installation.client(service="logs")


def updates(stream, wanted: int) -> list[dict]:
    """Results until so many have come."""
    results: list[dict] = []
    end = time.monotonic() + 30
    for event in stream:
        results += event.get("sessionUpdate", {"sessionResults": []})["sessionResults"]
        if len(results) >= wanted:
            return results
        assert time.monotonic() < end
    raise AssertionError(f"the stream ended after {results}")


def test_what_is_written_meanwhile_comes_and_nothing_else(installation, logs, group):
    arn, cluster_id, hsm_id = group
    with contextlib.closing(logs.start_live_tail(logGroupIdentifiers=[arn])["responseStream"]) as stream:
        first = next(iter(stream))
        assert first["sessionStart"]["logGroupIdentifiers"] == [arn]
        audit_logs.write(
            installation.stores.open(cluster_id), hsm_id, [1_600_000_000_000_000, time.time_ns() // 1000], 1
        )
        (early, late) = updates(stream, 2)
    assert early["timestamp"] == 1_600_000_000_000
    assert late["logStreamName"] == hsm_id
    assert late["logGroupIdentifier"] == f"{ACCOUNT}:/aws/cloudhsm/{cluster_id}"
    assert "CN_LOGIN" in late["message"]


def test_a_pattern_and_streams_choose_events(installation, logs, group):
    arn, cluster_id, hsm_id = group
    parameters = {"logEventFilterPattern": "CN_DESTROY_OBJECT", "logStreamNamePrefixes": [hsm_id[:6]]}
    with contextlib.closing(logs.start_live_tail(logGroupIdentifiers=[arn], **parameters)["responseStream"]) as stream:
        assert "sessionStart" in next(iter(stream))
        audit_logs.write(installation.stores.open(cluster_id), hsm_id, [time.time_ns() // 1000] * 8, 1)
        found = updates(stream, 2)
    assert ["CN_DESTROY_OBJECT" in result["message"] for result in found] == [True, True]


def test_more_than_an_update_holds_is_sampled(installation, logs, group):
    arn, cluster_id, hsm_id = group
    with contextlib.closing(logs.start_live_tail(logGroupIdentifiers=[arn])["responseStream"]) as stream:
        events = iter(stream)
        assert "sessionStart" in next(events)
        audit_logs.write(installation.stores.open(cluster_id), hsm_id, [time.time_ns() // 1000] * 700, 1)
        update = next(events)["sessionUpdate"]
        while not update["sessionResults"]:
            update = next(events)["sessionUpdate"]
    assert (len(update["sessionResults"]), update["sessionMetadata"]) == (500, {"sampled": True})


def test_a_deleted_group_ends_the_session(logs):
    logs.create_log_group(logGroupName="app")
    arn = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:app"
    with contextlib.closing(logs.start_live_tail(logGroupIdentifiers=[arn])["responseStream"]) as stream:
        events = iter(stream)
        assert "sessionStart" in next(events)
        logs.delete_log_group(logGroupName="app")
        with pytest.raises(ClientError, match="log group does not exist"):
            for _ in events:
                pass


def test_sessions_are_bounded_and_end_with_their_client(installation, logs, group):
    arn = group[0]
    with contextlib.ExitStack() as stack:
        for _ in range(15):
            client = installation.client(service="logs")
            stream = client.start_live_tail(logGroupIdentifiers=[arn])["responseStream"]
            stack.enter_context(contextlib.closing(stream))
        with pytest.raises(ClientError, match="Too many") as failure:
            logs.start_live_tail(logGroupIdentifiers=[arn])
        assert failure.value.response["Error"]["Code"] == "LimitExceededException"
    end = time.monotonic() + 20
    while True:
        try:
            logs.start_live_tail(logGroupIdentifiers=[arn])["responseStream"].close()
        except ClientError:
            assert time.monotonic() < end
            time.sleep(0.2)
        else:
            return


def test_wrong_requests_are_refused_before_the_stream(logs, group):
    for members, code in (
        ({"logGroupIdentifiers": ["/aws/cloudhsm/cluster-1"]}, "InvalidParameterException"),
        ({"logGroupIdentifiers": ["arn:aws:logs:us-east-1:111122223333:log-group:x"]}, "ResourceNotFoundException"),
        ({"logEventFilterPattern": "{"}, "InvalidParameterException"),
        ({"logStreamNames": ["a"], "logStreamNamePrefixes": ["a"]}, "InvalidParameterException"),
    ):
        with pytest.raises(ClientError) as failure:
            logs.start_live_tail(**{"logGroupIdentifiers": [group[0]], **members})
        assert failure.value.response["Error"]["Code"] == code


def test_a_session_ends_after_its_time(logs, group, monkeypatch):
    monkeypatch.setattr(start_live_tail, "SESSION_SECONDS", 1.0)
    with contextlib.closing(logs.start_live_tail(logGroupIdentifiers=[group[0]])["responseStream"]) as stream:
        with pytest.raises(ClientError) as failure:
            for _ in stream:
                pass
    assert failure.value.response["Error"]["Code"] == "SessionTimeoutException"
