"""A record of the trail is bounded, whatever a caller sends."""

from __future__ import annotations

import json

import msgspec

from strongroom.aws.errors import AwsError
from strongroom.aws.gateway import HostedService
from strongroom.aws.models import service_model
from strongroom.aws.recording import MadeCall, Resource, TlsDetails
from strongroom.aws.sigv4 import Identity
from strongroom.services.cloudtrail.event import call_event

SERVICE = HostedService(
    service_model("cloudhsmv2"),
    {},
    "CloudHsmInvalidRequestException",
    "CloudHsmInternalFailureException",
    resources=lambda request, _: [Resource("AWS::CloudHSM::Cluster", "name", f"cluster/{request['ResourceId']}")],
)


def call(resource_id, **members) -> MadeCall:
    made = MadeCall("request", 1_800_000_000.0, "192.0.2.7", "a" * 500_000, "h" * 500_000)
    made.identity = Identity("111122223333", "AKIAAAAAAAAAAAAAAAAA", "cloudhsm")
    made.tls = TlsDetails("TLSv1.3", "TLS_AES_256_GCM_SHA384")
    made.service, made.operation = SERVICE, "TagResource"
    made.members = {"ResourceId": resource_id, **members}
    return made


def test_an_arn_that_a_caller_makes_long_is_shortened():
    event = call_event(call("é" * 500_000), "us-east-1", error=AwsError("Code", "m" * 500_000))
    record = json.loads(event.text)
    (resource,) = record["resources"]
    assert resource["ARN"].startswith("arn:aws:cloudhsm:us-east-1:111122223333:cluster/éé")
    assert len(resource["ARN"].encode()) in {1023, 1024}
    assert record["additionalEventData"] == {"omitted": ["requestParameters"]}
    assert len(event.text.encode()) < 8_000


def test_a_record_has_at_most_a_quarter_of_a_megabyte():
    tags = [{"Key": "k", "Value": "x" * 250}] * 350
    event = call_event(call("x" * 4_000, TagList=tags), "us-east-1", {"Cluster": {"ClusterId": "x" * 100_000}})
    assert "omitted" not in json.loads(event.text)
    assert len(msgspec.msgpack.encode(event)) < 250_000
