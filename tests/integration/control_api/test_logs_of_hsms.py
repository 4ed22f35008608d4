"""CloudWatch Logs of clusters, by boto3: the audit logs of HSMs as groups, streams and events."""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import audit_logs
import msgspec
import pytest
from botocore.exceptions import ClientError

from strongroom.audit.text import render
from strongroom.storage.interface import Append, LogEntry, Transaction, Write
from strongroom.vocabulary.records import ArchivedCluster, AuditIdentity, ControlCluster

ACCOUNT = "111122223333"
REGION = "us-east-1"
NOW_US = int(time.time()) * 1_000_000
START_US = NOW_US - 3600 * 1_000_000
"""The first entry's time; one follows each second."""
COUNT = 40
LOGIN_FAILURES = "Opcode CN_LOGIN User Type CN_CRYPTO_USER Response RET_USER_LOGIN_FAILURE"
DELETIONS = "Opcode CN_DESTROY_OBJECT Response SUCCESS"


@dataclass
class Audited:
    """A cluster with two HSMs, and its group."""

    installation: Any
    cluster_id: str
    hsm_ids: list[str]

    @property
    def group(self) -> str:
        return f"/aws/cloudhsm/{self.cluster_id}"

    def write(self, hsm: int, times_us, first: int = 0) -> None:
        audit_logs.write(self.installation.stores.open(self.cluster_id), self.hsm_ids[hsm], times_us, first)


@pytest.fixture
def audited(installation):
    """Two HSMs whose entries come by turns."""
    client = installation.client()
    cluster_id, first = installation.active_cluster(client)
    second = client.create_hsm(ClusterId=cluster_id, AvailabilityZone=f"{REGION}b")["Hsm"]["HsmId"]
    made = Audited(installation, cluster_id, [first, second])
    for hsm in (0, 1):
        made.write(hsm, [START_US + n * 1_000_000 + hsm * 500_000 for n in range(COUNT)])
    return made


@pytest.fixture
def logs(installation):
    return installation.client(service="logs")


def refused(code: str, text: str, operation, **members) -> None:
    with pytest.raises(ClientError, match=text) as failure:
        operation(**members)
    assert failure.value.response["Error"]["Code"] == code
    assert failure.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def everything(client, operation: str, member: str, **parameters) -> list:
    pages = client.get_paginator(operation).paginate(**parameters)
    return [item for page in pages for item in page[member]]


def test_a_cluster_is_a_group_and_an_hsm_a_stream(audited, logs):
    (group,) = logs.describe_log_groups(logGroupNamePrefix="/aws/cloudhsm/")["logGroups"]
    arn = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{audited.group}"
    assert (group["logGroupName"], group["arn"], group["logGroupArn"]) == (audited.group, f"{arn}:*", arn)
    assert "retentionInDays" not in group
    assert abs(group["creationTime"] / 1000 - time.time()) < 600
    streams = everything(logs, "describe_log_streams", "logStreams", logGroupName=audited.group)
    assert [stream["logStreamName"] for stream in streams] == sorted(audited.hsm_ids)
    first = next(stream for stream in streams if stream["logStreamName"] == audited.hsm_ids[0])
    assert first["arn"] == f"{arn}:log-stream:{audited.hsm_ids[0]}"
    assert first["firstEventTimestamp"] == START_US // 1000
    assert first["lastEventTimestamp"] == START_US // 1000 + (COUNT - 1) * 1000
    named = logs.describe_log_groups(logGroupIdentifiers=[arn])["logGroups"]
    assert [group["logGroupName"] for group in named] == [audited.group]


def test_streams_are_ordered_by_name_or_last_event(audited, logs):
    audited.write(0, [NOW_US], COUNT)
    by_time = everything(
        logs,
        "describe_log_streams",
        "logStreams",
        logGroupName=audited.group,
        orderBy="LastEventTime",
        descending=True,
        limit=1,
    )
    assert [stream["logStreamName"] for stream in by_time] == audited.hsm_ids
    downwards = everything(
        logs,
        "describe_log_streams",
        "logStreams",
        logGroupName=audited.group,
        descending=True,
        PaginationConfig={"PageSize": 1},
    )
    assert [stream["logStreamName"] for stream in downwards] == sorted(audited.hsm_ids, reverse=True)
    refused(
        "InvalidParameterException",
        "LastEventTime",
        logs.describe_log_streams,
        logGroupName=audited.group,
        orderBy="LastEventTime",
        logStreamNamePrefix="hsm",
    )


def test_groups_are_found_by_prefix_pattern_and_page(audited, logs):
    for name in ("a", "z/1", "z/2"):
        logs.create_log_group(logGroupName=name)
    pages = everything(logs, "describe_log_groups", "logGroups", PaginationConfig={"PageSize": 1})
    assert [group["logGroupName"] for group in pages] == [audited.group, "a", "z/1", "z/2"]
    (short,) = logs.describe_log_groups(logGroupNamePattern=audited.cluster_id)["logGroups"]
    assert set(short) == {"logGroupName", "creationTime", "arn"}
    listed = logs.list_log_groups(logGroupNamePattern="^/aws/cloudhsm|z/2")["logGroups"]
    assert [group["logGroupName"] for group in listed] == [audited.group, "z/2"]
    first = logs.list_log_groups(limit=3)
    assert len(logs.list_log_groups(limit=3, nextToken=first["nextToken"])["logGroups"]) == 1
    refused(
        "InvalidParameterException",
        "mutually exclusive",
        logs.describe_log_groups,
        logGroupNamePrefix="a",
        logGroupNamePattern="a",
    )
    token = logs.describe_log_groups(limit=1)["nextToken"]
    refused(
        "InvalidParameterException",
        "The specified nextToken is invalid.",
        logs.describe_log_groups,
        logGroupNamePrefix="z",
        nextToken=token,
    )


def test_events_have_the_layout_of_aws_and_the_newest_page_comes_first(audited, logs):
    reply = logs.get_log_events(logGroupName=audited.group, logStreamName=audited.hsm_ids[0], limit=3)
    wanted = list(audit_logs.entries(audited.hsm_ids[0], (START_US + n * 1_000_000 for n in range(COUNT))))
    assert [event["message"] for event in reply["events"]] == [render(entry) for entry in wanted[-3:]]
    assert [event["timestamp"] for event in reply["events"]] == [entry.time_us // 1000 for entry in wanted[-3:]]
    assert all(event["ingestionTime"] >= event["timestamp"] for event in reply["events"])
    arn = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{audited.group}"
    assert (
        logs.get_log_events(logGroupIdentifier=arn, logStreamName=audited.hsm_ids[0], limit=3)["events"]
        == reply["events"]
    )


def test_tokens_lead_both_ways_and_repeat_at_the_end(audited, logs):
    def get(**members):
        return logs.get_log_events(logGroupName=audited.group, logStreamName=audited.hsm_ids[0], limit=15, **members)

    page, sizes, sent = get(startFromHead=True), [], None
    first_backward = page["nextBackwardToken"]
    while page["nextForwardToken"] != sent:
        sizes.append(len(page["events"]))
        sent = page["nextForwardToken"]
        page = get(nextToken=sent, startFromHead=True)
    assert (sizes, page["events"]) == ([15, 15, 10], [])
    audited.write(0, [NOW_US], COUNT)
    (later,) = get(nextToken=sent)["events"]
    assert later["timestamp"] == NOW_US // 1000
    back = get(nextToken=page["nextBackwardToken"])
    assert [event["timestamp"] for event in back["events"]] == [START_US // 1000 + n * 1000 for n in range(25, 40)]
    before = get(nextToken=back["nextBackwardToken"])
    assert [event["timestamp"] for event in before["events"]] == [START_US // 1000 + n * 1000 for n in range(10, 25)]
    at_head = get(nextToken=first_backward)
    assert (at_head["events"], at_head["nextBackwardToken"]) == ([], first_backward)


def test_an_empty_stream_can_be_followed(audited, logs, installation):
    hsm_id = installation.client().create_hsm(ClusterId=audited.cluster_id, AvailabilityZone=f"{REGION}c")["Hsm"][
        "HsmId"
    ]
    audited.hsm_ids.append(hsm_id)
    audit_logs.make_known(installation.stores.open(audited.cluster_id), hsm_id)
    empty = logs.get_log_events(logGroupName=audited.group, logStreamName=hsm_id)
    assert empty["events"] == []
    audited.write(2, [NOW_US])
    token = empty["nextForwardToken"]
    reply = logs.get_log_events(logGroupName=audited.group, logStreamName=hsm_id, nextToken=token)
    assert len(reply["events"]) == 1


def test_the_end_is_exclusive_for_get_and_inclusive_for_filter(audited, logs):
    start, end = START_US // 1000 + 1000, START_US // 1000 + 3000
    got = logs.get_log_events(
        logGroupName=audited.group, logStreamName=audited.hsm_ids[0], startTime=start, endTime=end
    )
    assert [event["timestamp"] for event in got["events"]] == [start, start + 1000]
    found = logs.filter_log_events(
        logGroupName=audited.group, logStreamNames=[audited.hsm_ids[0]], startTime=start, endTime=end
    )
    assert [event["timestamp"] for event in found["events"]] == [start, start + 1000, end]
    refused(
        "InvalidParameterException",
        "startTime",
        logs.get_log_events,
        logGroupName=audited.group,
        logStreamName=audited.hsm_ids[0],
        startTime=2,
        endTime=1,
    )


def test_a_clock_that_stepped_back_leaves_events_in_the_order_of_time(audited, logs):
    audited.write(0, [START_US - 5_000_000, START_US + 500], COUNT)
    events = logs.get_log_events(logGroupName=audited.group, logStreamName=audited.hsm_ids[0])["events"]
    assert len(events) == COUNT + 2
    assert all(earlier["timestamp"] <= later["timestamp"] for earlier, later in pairwise(events))


def test_a_filter_interleaves_all_streams_page_by_page(audited, logs):
    parameters = {"logGroupName": audited.group, "PaginationConfig": {"PageSize": 7}}
    events = everything(logs, "filter_log_events", "events", **parameters)
    assert len(events) == 2 * COUNT
    assert all(earlier["timestamp"] < later["timestamp"] for earlier, later in pairwise(events))
    assert [event["logStreamName"] for event in events[:4]] == audited.hsm_ids * 2
    again = logs.filter_log_events(logGroupName=audited.group)
    assert again["events"] == events
    assert again["searchedLogStreams"] == []
    assert "nextToken" not in again
    assert len({event["eventId"] for event in events}) == len(events)
    downwards = everything(logs, "filter_log_events", "events", startFromHead=False, **parameters)
    assert downwards == events[::-1]


def test_recipes_and_patterns_find_what_they_say(audited, logs):
    for pattern, count in {
        LOGIN_FAILURES: COUNT // 2,
        DELETIONS: COUNT // 2,
        "Opcode CN_LOGIN": COUNT,
        "CN_LOG": 0,
        "?CN_DESTROY_OBJECT ?CN_GENERATE_KEY": COUNT,
        "CN_LOGIN -SUCCESS": COUNT // 2,
        '"User Name : mallory"': COUNT // 2,
        "%CN_[DG]E[A-Z_]+%": COUNT,
        "{ $.opcode = 1 }": 0,
    }.items():
        events = everything(logs, "filter_log_events", "events", logGroupName=audited.group, filterPattern=pattern)
        assert len(events) == count, pattern


def test_a_search_that_finds_nothing_goes_on_in_pages_of_bounded_work(audited, logs):
    audited.write(0, [START_US + 60_000_000 + n for n in range(10_000)], COUNT)
    search = {"logGroupName": audited.group, "filterPattern": "%nothing%"}
    first = logs.filter_log_events(**search)
    assert first["events"] == []
    assert "nextToken" not in logs.filter_log_events(**search, nextToken=first["nextToken"])


def test_streams_are_chosen_by_names_or_prefix(audited, logs):
    def streams(**members):
        events = logs.filter_log_events(logGroupName=audited.group, **members)["events"]
        return {event["logStreamName"] for event in events}

    assert streams(logStreamNames=[audited.hsm_ids[1]]) == {audited.hsm_ids[1]}
    assert streams(logStreamNamePrefix=audited.hsm_ids[0]) == {audited.hsm_ids[0]}
    assert streams(logStreamNamePrefix="nothing") == set()
    missing = {"logGroupName": audited.group, "logStreamNames": ["hsm-nothing"]}
    refused("ResourceNotFoundException", "log stream does not exist", logs.filter_log_events, **missing)
    both = {"logStreamNames": audited.hsm_ids, "logStreamNamePrefix": "hsm"}
    refused(
        "InvalidParameterException", "mutually exclusive", logs.filter_log_events, logGroupName=audited.group, **both
    )


def test_wrong_tokens_are_refused(audited, logs):
    code, text, group = "InvalidParameterException", "The specified nextToken is invalid.", audited.group
    for token in ("x", "f/123/s", "A" * 80, "f/" + "1" * 58 + "/s"):
        refused(code, text, logs.get_log_events, logGroupName=group, logStreamName=audited.hsm_ids[0], nextToken=token)
        refused(code, text, logs.filter_log_events, logGroupName=group, nextToken=token)
        refused(code, text, logs.describe_log_streams, logGroupName=group, nextToken=token)


def test_a_token_is_good_for_its_own_stream_and_pattern_only(audited, logs):
    text = "The specified nextToken is invalid."
    token = logs.get_log_events(logGroupName=audited.group, logStreamName=audited.hsm_ids[0])["nextForwardToken"]
    refused(
        "InvalidParameterException",
        text,
        logs.get_log_events,
        logGroupName=audited.group,
        logStreamName=audited.hsm_ids[1],
        nextToken=token,
    )
    token = logs.filter_log_events(logGroupName=audited.group, limit=1)["nextToken"]
    refused(
        "InvalidParameterException",
        text,
        logs.filter_log_events,
        logGroupName=audited.group,
        filterPattern="x",
        nextToken=token,
    )


def test_a_token_survives_a_restart(serve):
    with serve() as installation:
        cluster_id, hsm_id = installation.active_cluster()
        audit_logs.write(installation.stores.open(cluster_id), hsm_id, [START_US, START_US + 1, START_US + 2])
        group = f"/aws/cloudhsm/{cluster_id}"
        key = installation.key()
        token = installation.client(service="logs").filter_log_events(logGroupName=group, limit=1)["nextToken"]
    with serve() as installation:
        installation.keys[ACCOUNT] = key
        rest = installation.client(service="logs").filter_log_events(logGroupName=group, nextToken=token)
        assert len(rest["events"]) == 2


def test_malformed_patterns_are_refused(audited, logs):
    for pattern, text in {
        '"never closed': "Invalid character",
        "user-name": r"Invalid character\(s\) in term 'user-name'",
        "{ $.a = }": "Invalid filter pattern",
        "[a, b": "Invalid filter pattern",
        "%(a+)+$%": "Invalid character",
        "%a% %b% %c%": "at most 2",
        "%a{1001}%": "Invalid regular expression",
        "{" + "(" * 500 + "$.a = 1" + ")" * 500 + "}": "too many brackets",
        "x" * 1025: "length less than or equal to 1024",
    }.items():
        refused(
            "InvalidParameterException", text, logs.filter_log_events, logGroupName=audited.group, filterPattern=pattern
        )


def test_huge_and_mixed_parameters_are_refused_or_harmless(audited, logs):
    huge = 10**30
    stream = {"logGroupName": audited.group, "logStreamName": audited.hsm_ids[0]}
    assert logs.get_log_events(**stream, startTime=huge)["events"] == []
    assert len(logs.get_log_events(**stream, startTime=0, endTime=huge)["events"]) == COUNT
    assert logs.filter_log_events(logGroupName=audited.group, startTime=huge, endTime=huge)["events"] == []
    refused("InvalidParameterException", "less than or equal to 10000", logs.get_log_events, **stream, limit=10_001)
    refused("InvalidParameterException", "greater than or equal to 0", logs.get_log_events, **stream, startTime=-1)
    refused(
        "ValidationException",
        "LogGroup name and LogGroup ARN are mutually exclusive parameters.",
        logs.filter_log_events,
        logGroupName=audited.group,
        logGroupIdentifier=audited.group,
    )
    refused("ValidationException", "required", logs.filter_log_events)


def test_other_accounts_and_unknown_names_are_not_found(audited, logs, installation):
    other = installation.client("444455556666", "logs")
    assert other.describe_log_groups()["logGroups"] == []
    arn = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{audited.group}"
    text = "The specified log group does not exist."
    for client, name in ((other, audited.group), (logs, "/aws/cloudhsm/cluster-nothing"), (logs, "nothing")):
        refused("ResourceNotFoundException", text, client.describe_log_streams, logGroupName=name)
        refused("ResourceNotFoundException", text, client.filter_log_events, logGroupName=name)
        refused("ResourceNotFoundException", text, client.put_retention_policy, logGroupName=name, retentionInDays=1)
    refused("ResourceNotFoundException", text, other.filter_log_events, logGroupIdentifier=arn)
    refused(
        "ResourceNotFoundException",
        "The specified log stream does not exist.",
        logs.get_log_events,
        logGroupName=audited.group,
        logStreamName="hsm-nothing",
    )


def test_nobody_can_change_what_an_hsm_told(audited, logs):
    stream = {"logGroupName": audited.group, "logStreamName": audited.hsm_ids[0]}
    code, text = "AccessDeniedException", "because AWS CloudHSM writes it"
    event = {"timestamp": NOW_US // 1000, "message": "x"}
    refused(code, text, logs.put_log_events, **stream, logEvents=[event])
    refused(code, text, logs.delete_log_stream, **stream)
    refused(code, text, logs.create_log_stream, logGroupName=audited.group, logStreamName="x")
    refused(code, text, logs.delete_log_group, logGroupName=audited.group)
    refused("ResourceAlreadyExistsException", "already exists", logs.create_log_group, logGroupName=audited.group)
    assert len(logs.filter_log_events(logGroupName=audited.group)["events"]) == 2 * COUNT


def test_an_altered_entry_is_shown_as_such_and_hides_no_other(audited, logs, installation):
    store = installation.stores.open(audited.cluster_id)
    log = f"audit/{audited.hsm_ids[0]}"
    entry = msgspec.msgpack.decode(store.scan(log, limit=1)[0].value)
    spoilt = [b"nonsense", msgspec.msgpack.encode({**entry, "user_type": 99}), b"\x81\xa6hsm_id\xa1\xff"]
    for number, value in enumerate(spoilt):
        place = LogEntry(COUNT + number, NOW_US - 60_000_000 + number, value)
        store.transact(Transaction(appends=(Append(log, place),)))
    events = everything(logs, "filter_log_events", "events", logGroupName=audited.group)
    assert len(events) == 2 * COUNT + len(spoilt)
    assert events[-3]["message"] == f"Entry {COUNT:#x} of the audit log cannot be read: it was altered"


def test_retention_hides_events_of_an_hsm_and_removes_none(audited, logs, installation):
    old_us = NOW_US - 3 * 86_400_000_000
    audited.write(0, [old_us], COUNT)
    logs.put_retention_policy(logGroupName=audited.group, retentionInDays=1)
    (group,) = logs.describe_log_groups()["logGroups"]
    assert group["retentionInDays"] == 1
    assert len(logs.filter_log_events(logGroupName=audited.group)["events"]) == 2 * COUNT
    logs.delete_retention_policy(logGroupName=audited.group)
    assert len(logs.filter_log_events(logGroupName=audited.group)["events"]) == 2 * COUNT + 1
    assert "retentionInDays" not in logs.describe_log_groups()["logGroups"][0]
    refused(
        "InvalidParameterException",
        "enum value set",
        logs.put_retention_policy,
        logGroupName=audited.group,
        retentionInDays=2,
    )


def test_a_group_has_tags(audited, logs):
    arn = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{audited.group}"
    assert logs.list_tags_for_resource(resourceArn=arn)["tags"] == {}
    logs.tag_resource(resourceArn=arn, tags={"team": "a", "stage": "test"})
    logs.tag_resource(resourceArn=arn, tags={"team": "b"})
    logs.untag_resource(resourceArn=arn, tagKeys=["stage", "nothing"])
    assert logs.list_tags_for_resource(resourceArn=arn)["tags"] == {"team": "b"}
    logs.tag_log_group(logGroupName=audited.group, tags={"old": "1"})
    assert logs.list_tags_log_group(logGroupName=audited.group)["tags"] == {"team": "b", "old": "1"}
    logs.untag_log_group(logGroupName=audited.group, tags=["old"])
    listed = logs.list_log_groups(logGroupTags=[{"key": "team", "values": ["b*"]}])["logGroups"]
    assert [group["logGroupName"] for group in listed] == [audited.group]
    assert logs.list_log_groups(logGroupTags=[{"key": "team", "values": ["!b"]}])["logGroups"] == []
    refused("InvalidParameterException", "aws:", logs.tag_resource, resourceArn=arn, tags={"aws:x": "1"})
    many = {f"key-{number}": "" for number in range(50)}
    refused("TooManyTagsException", "50", logs.tag_resource, resourceArn=arn, tags=many)
    refused(
        "ResourceNotFoundException",
        "does not exist",
        logs.list_tags_for_resource,
        resourceArn=arn.replace(ACCOUNT, "444455556666"),
    )


def test_the_logs_of_a_deleted_cluster_are_read_from_the_archive(audited, logs, installation):
    events = logs.filter_log_events(logGroupName=audited.group)["events"]
    store = installation.stores.open(audited.cluster_id)
    archive = ArchivedCluster(audited.cluster_id, ACCOUNT, time.time(), time.time(), audited.hsm_ids)
    writes = [Write(f"archive/{audited.cluster_id}", msgspec.msgpack.encode(archive))]
    for hsm_id in audited.hsm_ids:
        identity = AuditIdentity(hsm_id, audited.cluster_id, "serial", time.time(), [])
        writes.append(Write(f"identity/{hsm_id}", msgspec.msgpack.encode(identity)))
        times = [entry.time_us for entry in store.scan(f"audit/{hsm_id}")]
        audit_logs.write(installation.logs, hsm_id, times)
    installation.logs.transact(Transaction(writes=tuple(writes)))
    key = f"account/{ACCOUNT}/cluster/{audited.cluster_id}"
    record = installation.control.get(key)
    cluster = msgspec.msgpack.decode(record.value, type=ControlCluster)
    deleted = msgspec.structs.replace(cluster, state="DELETED")
    installation.control.transact(Transaction(writes=(Write(key, msgspec.msgpack.encode(deleted)),)))
    installation.stores.delete(audited.cluster_id)
    assert logs.filter_log_events(logGroupName=audited.group)["events"] == events
    assert [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]] == [audited.group]
