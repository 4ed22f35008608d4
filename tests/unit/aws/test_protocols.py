"""JSON 1.1 and RPC v2 CBOR: what botocore's serialisers write is read, what is written botocore's parsers read."""

from __future__ import annotations

from datetime import UTC, datetime

import botocore.parsers
import botocore.serialize
import botocore.session
import cbor2
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.aws import json_protocol, rpc_v2_cbor
from strongroom.aws.errors import AwsError
from strongroom.aws.models import service_model

MODEL = service_model("cloudhsmv2")
BOTOCORE = botocore.session.get_session().get_service_model("cloudhsmv2")
CODECS = {"json": json_protocol, "smithy-rpc-v2-cbor": rpc_v2_cbor}

tags = st.lists(st.fixed_dictionaries({"Key": st.text(), "Value": st.text()}), max_size=4)
create_cluster = st.fixed_dictionaries(
    {"HsmType": st.text(), "SubnetIds": st.lists(st.text(), max_size=4)},
    optional={"TagList": tags, "Mode": st.text(), "BackupRetentionPolicy": st.fixed_dictionaries({"Value": st.text()})},
)
cluster = st.fixed_dictionaries(
    {
        "ClusterId": st.text(),
        "CreateTimestamp": st.floats(0, 4e9).map(lambda value: round(value, 3)),
        "SubnetMapping": st.dictionaries(st.text(), st.text(), max_size=3),
        "Hsms": st.lists(st.fixed_dictionaries({"HsmId": st.text(), "EniIp": st.none() | st.text()}), max_size=3),
        "TagList": tags,
    }
)


@pytest.mark.parametrize("protocol", CODECS)
@given(members=create_cluster)
def test_what_botocore_sends_is_read(protocol, members):
    operation = BOTOCORE.operation_model("CreateCluster")
    body = botocore.serialize.create_serializer(protocol, include_validation=False).serialize_to_request(
        members, operation
    )["body"]
    assert (
        CODECS[protocol].parse(MODEL.input_shape("CreateCluster"), body if isinstance(body, bytes) else body.encode())
        == members
    )


@pytest.mark.parametrize("protocol", CODECS)
@given(members=st.fixed_dictionaries({"Cluster": cluster}))
def test_what_is_written_botocore_reads(protocol, members):
    shape = MODEL.output_shape("CreateCluster")
    body = CODECS[protocol].serialise(shape, members)
    headers = {"smithy-protocol": "rpc-v2-cbor"} if protocol != "json" else {}
    parser = botocore.parsers.create_parser(protocol)
    parsed = parser.parse({"headers": headers, "body": body, "status_code": 200}, shape)["Cluster"]
    sent = members["Cluster"]
    assert parsed["CreateTimestamp"].timestamp() == pytest.approx(sent["CreateTimestamp"], abs=0.002)
    assert parsed["SubnetMapping"] == sent["SubnetMapping"]
    assert parsed["Hsms"] == [{name: value for name, value in hsm.items() if value is not None} for hsm in sent["Hsms"]]


def test_timestamps_are_numbers_in_json():
    body = json_protocol.serialise(MODEL.output_shape("CreateCluster"), {"Cluster": {"CreateTimestamp": 1700000000.5}})
    assert msgspec.json.decode(body) == {"Cluster": {"CreateTimestamp": 1700000000.5}}
    body = json_protocol.serialise(MODEL.output_shape("CreateCluster"), {"Cluster": {"CreateTimestamp": 1700000000.0}})
    assert body == b'{"Cluster":{"CreateTimestamp":1700000000}}'


def test_timestamps_are_tagged_doubles_in_cbor():
    body = rpc_v2_cbor.serialise(MODEL.output_shape("CreateCluster"), {"Cluster": {"CreateTimestamp": 1700000000}})
    assert b"\xc1\xfb" in body
    assert cbor2.loads(body)["Cluster"]["CreateTimestamp"] == datetime.fromtimestamp(1700000000, UTC)


def test_members_that_are_none_are_left_out_of_a_reply():
    reply = {"Cluster": {"ClusterId": "cluster-abc", "StateMessage": None, "Unknown": 1}}
    body = json_protocol.serialise(MODEL.output_shape("CreateCluster"), reply)
    assert body == b'{"Cluster":{"ClusterId":"cluster-abc"}}'


@pytest.mark.parametrize("encode", [msgspec.json.encode, cbor2.dumps])
def test_unknown_members_and_nulls_are_ignored(encode):
    codec = json_protocol if encode is msgspec.json.encode else rpc_v2_cbor
    body = encode({"ClusterId": "c", "Novelty": {"a": [1]}, "SignedCert": None})
    assert codec.parse(MODEL.input_shape("InitializeCluster"), body) == {"ClusterId": "c"}


@pytest.mark.parametrize("body", [b"", b"{}", b"  "])
def test_an_empty_body_is_an_empty_request(body):
    assert json_protocol.parse(MODEL.input_shape("DescribeClusters"), body) == {}


@pytest.mark.parametrize(
    "body",
    [b"[]", b"1", b'"x"', b"{", b"\xff", b"null", b"[" * 5000, b'{"ClusterId":1}', b'{"ClusterId":{}}', b'{"a":NaN}'],
)
def test_a_body_that_is_no_request_is_a_serialization_exception_in_json(body):
    with pytest.raises(AwsError) as caught:
        json_protocol.parse(MODEL.input_shape("DeleteCluster"), body)
    assert caught.value.code == "SerializationException"


@pytest.mark.parametrize(
    "body",
    [
        b"\x80",
        b"\x01",
        b"\xff",
        b"\x81" * 100,
        b"\xa1",
        cbor2.dumps({"ClusterId": b"x"}),
        cbor2.dumps({"ClusterId": 1}),
    ],
)
def test_a_body_that_is_no_request_is_a_serialization_exception_in_cbor(body):
    with pytest.raises(AwsError) as caught:
        rpc_v2_cbor.parse(MODEL.input_shape("DeleteCluster"), body)
    assert caught.value.code == "SerializationException"


@given(body=st.binary(max_size=200))
def test_random_bytes_give_members_or_a_refusal(body):
    for codec in CODECS.values():
        try:
            assert isinstance(codec.parse(MODEL.input_shape("CreateCluster"), body), dict)
        except AwsError as error:
            assert error.code == "SerializationException"


@pytest.mark.parametrize(("value", "accepted"), [(1, True), (1.0, True), (1.5, False), (True, False), ("1", False)])
def test_whole_numbers_are_numbers_without_fraction(value, accepted):
    body = msgspec.json.encode({"MaxResults": value})
    if accepted:
        assert json_protocol.parse(MODEL.input_shape("DescribeClusters"), body) == {"MaxResults": 1}
    else:
        with pytest.raises(AwsError):
            json_protocol.parse(MODEL.input_shape("DescribeClusters"), body)


def test_an_error_carries_its_name_and_the_members_name_of_the_service():
    member = MODEL.error_message_member("CloudHsmInvalidRequestException")
    assert json_protocol.serialise_error("E", member, "text") == b'{"__type":"E","Message":"text"}'
    assert MODEL.error_message_member("InvalidSignatureException") == "message"
    assert cbor2.loads(rpc_v2_cbor.serialise_error("E", "message", "text")) == {"__type": "E", "message": "text"}
