"""CloudTrail: every call is a record, found by LookupEvents."""

from __future__ import annotations

import datetime
import hashlib
import json
import uuid

import botocore.auth
import cbor2
import msgspec
import pytest
import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from strongroom.storage.interface import StoreUnwritable
from strongroom.vocabulary.records import TrailEntry

UTC = datetime.UTC
MEMBERS = [
    "eventVersion",
    "userIdentity",
    "eventTime",
    "eventSource",
    "eventName",
    "awsRegion",
    "sourceIPAddress",
    "userAgent",
    "errorCode",
    "errorMessage",
    "requestParameters",
    "responseElements",
    "additionalEventData",
    "requestID",
    "eventID",
    "readOnly",
    "resources",
    "eventType",
    "managementEvent",
    "recipientAccountId",
    "eventCategory",
    "tlsDetails",
]


HTTP = urllib3.PoolManager()
JSON = {"Content-Type": "application/x-amz-json-1.1"}
CBOR = {"Smithy-Protocol": "rpc-v2-cbor", "Content-Type": "application/cbor", "Accept": "application/cbor"}


def send(installation, body, headers, *, path="/", method="POST", signed=True):
    """A request as boto3 would not send it."""
    request = AWSRequest(method, installation.endpoint + path, headers=dict(headers), data=body)
    if signed:
        key = installation.key()
        SigV4Auth(Credentials(key.access_key_id, key.secret_access_key), "cloudhsm", "us-east-1").add_auth(request)
    prepared = request.prepare()
    return HTTP.request(method, prepared.url, headers=dict(prepared.headers.items()), body=body, retries=False)


@pytest.fixture
def trail(installation):
    return installation.client(service="cloudtrail")


def lookup(trail, **wanted):
    if "key" in wanted:
        attribute = {"AttributeKey": wanted.pop("key"), "AttributeValue": wanted.pop("value")}
        wanted["LookupAttributes"] = [attribute]
    return trail.lookup_events(**wanted)


def named(trail, name):
    """The records of an operation, newest first."""
    return [json.loads(event["CloudTrailEvent"]) for event in lookup(trail, key="EventName", value=name)["Events"]]


def refusal(call, *arguments, **members) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(*arguments, **members)
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


def test_a_change_is_recorded_with_request_and_reply(installation, client, trail):
    cluster_id = installation.cluster(client, TagList=[{"Key": "team", "Value": "payments"}])
    reply = client.create_hsm(ClusterId=cluster_id, AvailabilityZone="us-east-1b")
    (record,) = named(trail, "CreateHsm")
    hsm = reply["Hsm"]
    assert record["eventVersion"] == "1.11"
    assert record["userIdentity"] == {
        "type": "Root",
        "principalId": "111122223333",
        "arn": "arn:aws:iam::111122223333:root",
        "accountId": "111122223333",
        "accessKeyId": installation.key().access_key_id,
    }
    assert record["eventSource"] == "cloudhsm.amazonaws.com"
    assert (record["awsRegion"], record["sourceIPAddress"]) == ("us-east-1", "127.0.0.1")
    assert record["userAgent"].startswith("Boto3/")
    assert record["requestParameters"] == {"clusterId": cluster_id, "availabilityZone": "us-east-1b"}
    assert record["responseElements"] == {
        "hsm": {name[:1].lower() + name[1:]: value for name, value in hsm.items() if value is not None}
    }
    assert record["requestID"] == reply["ResponseMetadata"]["RequestId"]
    assert uuid.UUID(record["eventID"])
    assert record["readOnly"] is False
    assert record["resources"] == [
        {
            "accountId": "111122223333",
            "type": "AWS::CloudHSM::Cluster",
            "ARN": f"arn:aws:cloudhsm:us-east-1:111122223333:cluster/{cluster_id}",
        }
    ]
    assert (record["eventType"], record["eventCategory"], record["managementEvent"]) == (
        "AwsApiCall",
        "Management",
        True,
    )
    assert list(record) == [name for name in MEMBERS if name in record]
    (created,) = named(trail, "CreateCluster")
    assert created["requestParameters"]["tagList"] == [{"key": "team", "value": "payments"}]
    assert created["responseElements"]["cluster"]["state"] == "UNINITIALIZED"
    assert created["responseElements"]["cluster"]["createTimestamp"].endswith(("AM", "PM"))


def test_every_operation_is_recorded(installation, client, trail):
    cluster_id, hsm_id = installation.active_cluster(client)
    client.describe_clusters()
    client.modify_cluster(ClusterId=cluster_id, BackupRetentionPolicy={"Type": "DAYS", "Value": "8"})
    client.tag_resource(ResourceId=cluster_id, TagList=[{"Key": "a", "Value": "b"}])
    client.list_tags(ResourceId=cluster_id)
    client.untag_resource(ResourceId=cluster_id, TagKeyList=["a"])
    client.untag_resource(ResourceId=cluster_id, TagKeyList=["a"])
    client.delete_hsm(ClusterId=cluster_id, HsmId=hsm_id)
    client.delete_hsm(ClusterId=cluster_id, HsmId=hsm_id)
    installation.fleet_forgets(cluster_id, hsm_id)
    client.delete_cluster(ClusterId=cluster_id)
    found = [(event["EventName"], event["ReadOnly"]) for event in reversed(trail.lookup_events()["Events"])]
    assert sorted(found) == sorted(
        [
            ("CreateCluster", "false"),
            ("CreateHsm", "false"),
            ("InitializeCluster", "false"),
            ("DescribeClusters", "true"),
            ("ModifyCluster", "false"),
            ("TagResource", "false"),
            ("ListTags", "true"),
            ("UntagResource", "false"),
            ("UntagResource", "false"),
            ("DeleteHsm", "false"),
            ("DeleteHsm", "false"),
            ("DeleteCluster", "false"),
        ]
    )
    (deleted,) = named(trail, "DeleteCluster")
    assert deleted["responseElements"]["cluster"]["state"] == "DELETED"
    (described,) = named(trail, "DescribeClusters")
    assert described["responseElements"] is None
    assert named(trail, "LookupEvents")[-1]["readOnly"] is True


def test_refused_calls_are_recorded_with_their_error(installation, client, trail):
    code, message = refusal(client.create_hsm, ClusterId="cluster-aaaaaaaaaaa", AvailabilityZone="us-east-1a")
    refusal(client.create_hsm, ClusterId="nonsense", AvailabilityZone="us-east-1a")
    refusal(client.copy_backup_to_region, DestinationRegion="us-west-2", BackupId="backup-aaaaaaaaaaa")
    invalid, unknown = named(trail, "CreateHsm")
    assert (unknown["errorCode"], unknown["errorMessage"]) == (code, message)
    assert unknown["requestParameters"]["clusterId"] == "cluster-aaaaaaaaaaa"
    assert unknown["responseElements"] is None
    assert invalid["errorCode"] == "CloudHsmInvalidRequestException"
    (absent,) = named(trail, "CopyBackupToRegion")
    assert "not supported yet" in absent["errorMessage"]
    send(installation, b"{}", {**JSON, "X-Amz-Target": "BaldrApiService.No-Such-Operation"})
    (odd,) = named(trail, "UnknownOperation")
    assert odd["errorCode"] == "UnknownOperationException"


def test_cbor_and_json_give_the_same_record(installation, client, trail):
    cluster_id = installation.cluster(client)
    client.tag_resource(ResourceId=cluster_id, TagList=[{"Key": "k", "Value": "v"}])
    body = cbor2.dumps({"ResourceId": cluster_id, "TagList": [{"Key": "k", "Value": "v"}]})
    path = "/service/BaldrApiService/operation/TagResource"
    assert send(installation, body, CBOR, path=path).status == 200
    records = named(trail, "TagResource")
    for record in records:
        for name in ("requestID", "eventID", "eventTime", "userAgent"):
            record.pop(name)
    assert records[0] == records[1]


def test_a_secret_enters_no_record_and_no_error(installation, client, trail):
    body = json.dumps({"ClusterId": "cluster-aaaaaaaaaaa", "PreCoPassword": "correct-horse"}).encode()
    reply = send(installation, body, {**JSON, "X-Amz-Target": "BaldrApiService.DeleteCluster"})
    assert reply.status == 400
    trail.lookup_events()
    assert all(b"correct-horse" not in entry.value for entry in installation.logs.scan("trail"))


def test_requests_without_a_valid_signature_are_summed_up_for_source_and_minute(installation, client, trail):
    for _ in range(3):
        refusal(installation.client(secret="wrong" * 8).describe_clusters)
    send(installation, b"{}", JSON, signed=False)
    send(installation, b"{}", JSON, method="PUT")
    assert named(trail, "UnauthenticatedRequests") == []
    installation.clock.skew += 61
    found = named(trail, "UnauthenticatedRequests")
    assert sum(record["additionalEventData"]["count"] for record in found) == 5
    record = found[0]
    assert record["userIdentity"] == {"type": "Unknown"}
    assert record["sourceIPAddress"] == "127.0.0.1"
    errors = [record["additionalEventData"]["errorCodes"] for record in found]
    assert sum(one.get("InvalidSignatureException", 0) for one in errors) == 3
    other = installation.client("444455556666", service="cloudtrail")
    assert named(other, "UnauthenticatedRequests") == []


@pytest.mark.parametrize(
    "key",
    ["EventId", "EventName", "EventSource", "ReadOnly", "AccessKeyId", "Username", "ResourceName", "ResourceType"],
)
def test_events_are_found_by_each_attribute(installation, client, trail, key):
    cluster_id = installation.cluster(client)
    other = installation.client("444455556666")
    installation.cluster(other)
    wanted = trail.lookup_events(LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "CreateCluster"}])
    (event,) = wanted["Events"]
    values = {
        "EventId": event["EventId"],
        "EventName": "CreateCluster",
        "EventSource": "cloudhsm.amazonaws.com",
        "ReadOnly": "false",
        "AccessKeyId": installation.key().access_key_id,
        "Username": "root",
        "ResourceName": cluster_id,
        "ResourceType": "AWS::CloudHSM::Cluster",
    }
    found = lookup(trail, key=key, value=values[key])["Events"]
    assert event["EventId"] in [one["EventId"] for one in found]
    assert event["Resources"] == [{"ResourceType": "AWS::CloudHSM::Cluster", "ResourceName": cluster_id}]
    assert event["Username"] == "root"
    assert event["ReadOnly"] == "false"
    assert lookup(trail, key=key, value="nothing")["Events"] == []
    accounts = {json.loads(one["CloudTrailEvent"])["userIdentity"].get("accountId") for one in found}
    assert accounts == {"111122223333"}


def test_pages_follow_one_another_newest_first(installation, client, trail):
    for _ in range(7):
        client.describe_clusters()
        installation.clock.skew += 1
    pages = list(
        trail.get_paginator("lookup_events").paginate(
            LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "DescribeClusters"}],
            PaginationConfig={"PageSize": 3},
        )
    )
    assert [len(page["Events"]) for page in pages] == [3, 3, 1]
    times = [event["EventTime"] for page in pages for event in page["Events"]]
    assert times == sorted(times, reverse=True)
    assert len({event["EventId"] for page in pages for event in page["Events"]}) == 7
    assert "NextToken" not in pages[-1]


def test_time_ranges_include_both_ends(installation, client, trail):
    for _ in range(3):
        client.describe_clusters()
        installation.clock.skew += 10
    events = lookup(trail, key="EventName", value="DescribeClusters")["Events"]
    newest, middle, oldest = (event["EventTime"] for event in events)

    def between(**times):
        return [event["EventTime"] for event in lookup(trail, key="ReadOnly", value="true", **times)["Events"]]

    assert between(StartTime=middle, EndTime=middle) == [middle]
    assert between(EndTime=middle) == [middle, oldest]
    assert between(StartTime=middle, EndTime=newest) == [newest, middle]
    second = datetime.timedelta(seconds=1)
    assert between(StartTime=oldest + second, EndTime=middle - second) == []
    assert between(EndTime=datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)) == []
    assert between(StartTime=datetime.datetime(9000, 1, 1, tzinfo=datetime.UTC)) == []


def test_events_older_than_90_days_are_not_shown(installation, client, trail, monkeypatch):
    def move_clocks(days):
        installation.clock.skew += days * 86400
        monkeypatch.setattr(
            botocore.auth,
            "get_current_datetime",
            lambda: datetime.datetime.fromtimestamp(now(), UTC).replace(tzinfo=None),
        )

    now = installation.clock
    client.describe_clusters()
    move_clocks(89)
    assert [event["EventName"] for event in trail.lookup_events()["Events"]] == ["DescribeClusters"]
    move_clocks(2)
    assert [event["EventName"] for event in trail.lookup_events()["Events"]] == ["LookupEvents"]


def test_wrong_lookups_get_awss_errors(installation, client, trail):
    attribute = {"AttributeKey": "EventName", "AttributeValue": "x"}
    now = datetime.datetime.now(datetime.UTC)
    for _ in range(3):
        client.describe_clusters()
    token = trail.lookup_events(MaxResults=1)["NextToken"]
    cases = {
        "InvalidLookupAttributesException": [
            {"LookupAttributes": [attribute, attribute]},
            {"LookupAttributes": [{"AttributeKey": "Color", "AttributeValue": "x"}]},
            {"LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": "x" * 2001}]},
            {"LookupAttributes": [{"AttributeKey": "EventName"}]},
        ],
        "InvalidTimeRangeException": [{"StartTime": now, "EndTime": now - datetime.timedelta(seconds=2)}],
        "InvalidMaxResultsException": [{"MaxResults": 0}, {"MaxResults": 51}],
        "InvalidNextTokenException": [
            {"NextToken": "nonsense"},
            {"NextToken": token[:-2] + "AA"},
            {"NextToken": token, "LookupAttributes": [attribute]},
            {"NextToken": token, "EndTime": now},
        ],
        "InvalidEventCategoryException": [{"EventCategory": "other"}],
    }
    for code, requests in cases.items():
        for request in requests:
            assert refusal(trail.lookup_events, **request)[0] == code, request
    other = installation.client("444455556666", service="cloudtrail")
    assert refusal(other.lookup_events, MaxResults=1, NextToken=token)[0] == "InvalidNextTokenException"
    assert trail.lookup_events(EventCategory="insight")["Events"] == []


def test_there_are_no_trails(trail):
    assert trail.describe_trails()["trailList"] == []
    assert trail.list_trails()["Trails"] == []
    assert refusal(trail.get_trail_status, Name="mine")[0] == "TrailNotFoundException"
    assert refusal(trail.get_event_selectors, TrailName="mine")[0] == "TrailNotFoundException"
    assert refusal(trail.create_trail, Name="mine", S3BucketName="b")[0] == "UnsupportedOperationException"


def test_the_trail_is_one_chain_and_everything_is_written_at_a_stop(serve):
    with serve() as installation:
        client = installation.client()
        cluster_id = installation.cluster(client)
        client.describe_clusters()
        refusal(installation.client(secret="wrong" * 8).describe_clusters)
        logs, control, store = installation.logs, installation.control, installation.stores.open(cluster_id)
    entries = logs.scan("trail")
    names = [
        json.loads(msgspec.msgpack.decode(entry.value, type=TrailEntry).event.text)["eventName"] for entry in entries
    ]
    assert sorted(names) == ["CreateCluster", "DescribeClusters", "UnauthenticatedRequests"]
    previous = bytes(32)
    for sequence, entry in enumerate(entries):
        decoded = msgspec.msgpack.decode(entry.value, type=TrailEntry)
        assert (decoded.sequence, entry.sequence, decoded.previous) == (sequence, sequence, previous)
        previous = hashlib.sha256(entry.value).digest()
    assert control.list("trail/", "trail0") == store.list("trail/", "trail0") == []


def test_while_the_trail_cannot_be_written_changes_are_refused_and_reads_go_on(
    installation, client, trail, monkeypatch
):
    cluster_id = installation.cluster(client)
    trail.lookup_events()

    def full(_transaction):
        raise StoreUnwritable("the disk is full")

    monkeypatch.setattr(installation.logs, "transact", full)
    client.describe_clusters()
    assert trail.lookup_events()["Events"]
    code, message = refusal(client.create_hsm, ClusterId=cluster_id, AvailabilityZone="us-east-1a")
    assert code == "CloudHsmInternalFailureException"
    assert "Nothing was changed" in message
    assert installation.stores.open(cluster_id).list("desired/hsm/", "desired/hsm0") == []
    monkeypatch.undo()
    trail.lookup_events()
    client.create_hsm(ClusterId=cluster_id, AvailabilityZone="us-east-1a")
    done, refused = named(trail, "CreateHsm")
    assert "errorCode" not in done
    assert refused["errorCode"] == code
    assert len(named(trail, "DescribeClusters")) == 1


def test_a_deleted_clusters_records_are_not_lost_with_its_store(installation, client, trail):
    cluster_id = installation.cluster(client)
    hsm_id = client.create_hsm(ClusterId=cluster_id, AvailabilityZone="us-east-1a")["Hsm"]["HsmId"]
    client.delete_hsm(ClusterId=cluster_id, HsmId=hsm_id)
    installation.fleet_forgets(cluster_id, hsm_id)
    client.delete_cluster(ClusterId=cluster_id)
    events = lookup(trail, key="ResourceName", value=cluster_id)["Events"]
    assert sorted(event["EventName"] for event in events) == [
        "CreateCluster",
        "CreateHsm",
        "DeleteCluster",
        "DeleteHsm",
    ]


def test_every_services_calls_are_recorded_whatever_the_protocol(installation, client, trail):
    points = [{"MetricName": "depth", "Value": 3.0}]
    metrics = installation.client(service="cloudwatch")
    metrics.put_metric_data(Namespace="mine", MetricData=points)
    metrics.list_metrics()
    (put,) = named(trail, "PutMetricData")
    assert put["eventSource"] == "monitoring.amazonaws.com"
    assert put["requestParameters"] == {"namespace": "mine"}
    assert installation.logs.list("trail/", "trail0") == []
    (listed,) = named(trail, "ListMetrics")
    assert (listed["readOnly"], listed["responseElements"]) == (True, None)


def test_changes_of_log_groups_are_recorded_once_and_their_events_never(installation, trail, monkeypatch):
    logs = installation.client(service="logs")
    recorded, transact = [], installation.logs.transact

    def watched(transaction):
        recorded.extend(write.key for write in transaction.writes if write.key.startswith("trail/") and write.value)
        return transact(transaction)

    monkeypatch.setattr(installation.logs, "transact", watched)
    logs.create_log_group(logGroupName="mine", tags={"team": "payments"})
    logs.create_log_stream(logGroupName="mine", logStreamName="a")
    events = [{"timestamp": int(installation.clock() * 1000), "message": "kept private"}]
    logs.put_log_events(logGroupName="mine", logStreamName="a", logEvents=events)
    logs.put_retention_policy(logGroupName="mine", retentionInDays=7)
    logs.delete_retention_policy(logGroupName="mine")
    logs.tag_log_group(logGroupName="mine", tags={"a": "b"})
    logs.untag_log_group(logGroupName="mine", tags=["a"])
    logs.filter_log_events(logGroupName="mine")
    logs.delete_log_stream(logGroupName="mine", logStreamName="a")
    logs.delete_log_group(logGroupName="mine")
    found = lookup(trail, key="EventSource", value="logs.amazonaws.com")["Events"]
    assert sorted(event["EventName"] for event in found) == [
        "CreateLogGroup",
        "CreateLogStream",
        "DeleteLogGroup",
        "DeleteLogStream",
        "DeleteRetentionPolicy",
        "FilterLogEvents",
        "PutLogEvents",
        "PutRetentionPolicy",
        "TagLogGroup",
        "UntagLogGroup",
    ]
    assert {event["EventName"] for event in found if event["ReadOnly"] == "true"} == {"FilterLogEvents"}
    assert len(recorded) == 9, "every change has its record in its own transaction"
    assert not any("kept private" in event["CloudTrailEvent"] for event in found)
