"""The trail of one installation in a log group of another, by the public API."""

from __future__ import annotations

import json
import time

import boto3
import pytest
from botocore.exceptions import ClientError

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(180)]
pytest.importorskip("strongroom.services.logs", reason="CloudWatch Logs is not offered")


def client(installation, service):
    values = installation.environment()
    return boto3.client(
        service,
        endpoint_url=values["AWS_ENDPOINT_URL"],
        region_name=values["AWS_DEFAULT_REGION"],
        aws_access_key_id=values["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=values["AWS_SECRET_ACCESS_KEY"],
    )


def received(logs) -> list[dict]:
    try:
        events = logs.get_log_events(logGroupName="audit", logStreamName="trail", startFromHead=True)["events"]
    except logs.exceptions.ResourceNotFoundException:
        return []
    return [json.loads(event["message"]) for event in events]


def wait_for(logs, count):
    end = time.monotonic() + 60
    while len(found := received(logs)) < count:
        assert time.monotonic() < end, found
        time.sleep(0.2)
    return found


def test_records_arrive_in_another_installations_group_also_after_it_was_away(installations):
    sender, receiver = installations("sender"), installations("receiver")
    sender.run("up", "-d")
    receiver.run("up", "-d")
    api = client(sender, "cloudhsmv2")
    for _ in range(3):
        api.describe_clusters()
    endpoint = receiver.environment()["AWS_ENDPOINT_URL"]
    credentials = str(receiver.directory / "credentials")
    where = ("--region", "us-east-1", "--endpoint-url", endpoint, "--credentials-file", credentials)
    sender.run("forward", "add", "cloudwatch-logs", "--name", "other", *where, "audit")
    wait_for(client(receiver, "logs"), 3)

    receiver.run("down")
    api.describe_clusters()
    for number in range(12):
        # Records that fit in a call as they are, and not as the JSON that a call is.
        with pytest.raises(ClientError):
            api.tag_resource(ResourceId="cluster-aaaaaaaaaaa", TagList=[{"Key": str(number), "Value": '"' * 40_000}])
    receiver.run("up", "-d")
    api.describe_clusters()
    found = wait_for(client(receiver, "logs"), 17)
    assert [event["sequence"] for event in found] == list(range(17))
    names = ["DescribeClusters"] * 4 + ["TagResource"] * 12 + ["DescribeClusters"]
    assert [event["record"]["eventName"] for event in found] == names
