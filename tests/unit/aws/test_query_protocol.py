"""The query protocol: what botocore's serialiser writes is read, what is written botocore's parser reads."""

from __future__ import annotations

from urllib.parse import urlencode

import botocore.parsers
import botocore.serialize
import botocore.session
import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.aws import query_protocol
from strongroom.aws.errors import AwsError
from strongroom.aws.models import service_model
from strongroom.aws.query_protocol import QueryProtocol
from strongroom.aws.request import HttpRequest

MODEL = service_model("cloudwatch")
BOTOCORE = botocore.session.get_session().get_service_model("cloudwatch")
SERIALISER = botocore.serialize.create_serializer("query", include_validation=False)

xml_text = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)
numbers = st.floats(allow_nan=False, allow_infinity=False)
dimensions = st.lists(st.fixed_dictionaries({"Name": st.text(), "Value": st.text()}), max_size=3)
datum = st.fixed_dictionaries(
    {"MetricName": st.text()},
    optional={
        "Dimensions": dimensions,
        "Timestamp": st.integers(0, 4_000_000_000),
        "Value": numbers,
        "StatisticValues": st.fixed_dictionaries({"SampleCount": numbers, "Sum": numbers}),
        "Values": st.lists(numbers, max_size=12),
        "StorageResolution": st.integers(-(2**31), 2**31 - 1),
    },
)
put_metric_data = st.fixed_dictionaries(
    {"Namespace": st.text(), "MetricData": st.lists(datum, max_size=12)},
    optional={"StrictEntityValidation": st.booleans()},
)
result = st.fixed_dictionaries(
    {
        "Id": xml_text,
        "Timestamps": st.lists(st.integers(0, 4_000_000_000), max_size=3),
        "Values": st.lists(numbers, max_size=3),
        "StatusCode": xml_text,
    }
)


def request(body: bytes) -> HttpRequest:
    return HttpRequest("POST", "/", "", (), body)


def read(fields: dict[str, str] | bytes, signing_name: str = "monitoring"):
    body = fields if isinstance(fields, bytes) else urlencode({"Version": "2010-08-01", **fields}).encode()
    protocol = QueryProtocol()
    model, operation = protocol.find([service_model("cloudhsmv2"), MODEL], request(body), signing_name)
    return operation, protocol.parse(model, operation, request(body))


@given(members=put_metric_data)
def test_what_botocore_sends_is_read(members):
    form = SERIALISER.serialize_to_request(members, BOTOCORE.operation_model("PutMetricData"))["body"]
    assert read(urlencode(form).encode()) == ("PutMetricData", members)


@given(members=st.fixed_dictionaries({"MetricDataResults": st.lists(result, max_size=3)}))
def test_what_is_written_botocore_reads(members):
    reply = QueryProtocol().reply(MODEL, "GetMetricData", members, "an-id")
    shape = BOTOCORE.operation_model("GetMetricData").output_shape
    response = {"headers": {}, "body": reply.body, "status_code": reply.status}
    parsed = botocore.parsers.create_parser("query").parse(response, shape)
    assert parsed["ResponseMetadata"]["RequestId"] == "an-id"
    for told, sent in zip(parsed["MetricDataResults"], members["MetricDataResults"], strict=True):
        assert [at.timestamp() for at in told.pop("Timestamps")] == sent["Timestamps"]
        assert told == {name: value for name, value in sent.items() if name != "Timestamps"}


def test_a_result_without_members_has_its_request_id_only():
    reply = QueryProtocol().reply(MODEL, "PutMetricData", {}, "an-id")
    space = 'xmlns="http://monitoring.amazonaws.com/doc/2010-08-01/"'
    metadata = "<ResponseMetadata><RequestId>an-id</RequestId></ResponseMetadata>"
    assert reply.body.decode() == f"<PutMetricDataResponse {space}>{metadata}</PutMetricDataResponse>"
    assert reply.content_type == "text/xml"


def test_characters_that_xml_cannot_say_are_replaced():
    shown = {"MetricDataResults": [{"Id": "a\x00b\ud800<c>\uffff"}]}
    assert b"<Id>a\xef\xbf\xbdb\xef\xbf\xbd&lt;c&gt;\xef\xbf\xbd</Id>" in (
        QueryProtocol().reply(MODEL, "GetMetricData", shown, "x").body
    )


@pytest.mark.parametrize(
    ("error", "status", "fault", "code"),
    [
        (AwsError("InvalidParameterValueException", "a <b>"), 400, "Sender", "InvalidParameterValue"),
        (AwsError("InternalServiceFault", "x", 500), 500, "Receiver", "InternalServiceError"),
        (AwsError("InvalidSignatureException", "x"), 403, "Sender", "SignatureDoesNotMatch"),
        (AwsError("UnrecognizedClientException", "x"), 403, "Sender", "InvalidClientTokenId"),
    ],
)
def test_errors_have_the_names_of_the_query_protocol(error, status, fault, code):
    reply = QueryProtocol().refusal(MODEL, error, "an-id")
    parser = botocore.parsers.create_parser("query")
    parsed = parser.parse({"headers": {}, "body": reply.body, "status_code": reply.status}, None)
    assert reply.status == status
    assert parsed["Error"] == {"Type": fault, "Code": code, "Message": error.message}


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({}, "MissingAction"),
        ({"Action": "Nothing"}, "UnknownOperationException"),
        ({"Action": "ListMetrics", "Version": "2009-05-15"}, "UnknownOperationException"),
        ({"Action": "ListMetrics", "Namespace.member.1": "x"}, "SerializationException"),
        ({"Action": "ListMetrics", "Dimensions": "x"}, "SerializationException"),
        ({"Action": "ListMetrics", "Dimensions.member.first.Name": "x"}, "SerializationException"),
        ({"Action": "ListMetrics", "Dimensions.member": "x"}, None),
        ({"Action": "GetMetricStatistics", "Period": "1e3"}, "SerializationException"),
        ({"Action": "GetMetricStatistics", "StartTime": "yesterday"}, "SerializationException"),
        ({"Action": "PutMetricData", "MetricData.member.1.Value": "nan"}, "SerializationException"),
        (b"\xff=1", "SerializationException"),
        (b"Action=ListMetrics&Action=PutMetricData", "SerializationException"),
        (b"&".join(b"a%d=1" % number for number in range(query_protocol.MAX_FIELDS + 1)), "SerializationException"),
    ],
)
def test_a_form_that_is_no_request_is_refused(fields, code):
    if code is None:
        assert read(fields)[1] == {"Dimensions": []}
        return
    with pytest.raises(AwsError) as caught:
        read(fields)
    assert caught.value.code == code


def test_a_service_that_does_not_speak_it_has_no_operations_in_it():
    with pytest.raises(AwsError, match="Could not find operation"):
        read({"Action": "DescribeClusters", "Version": "2017-04-28"}, "cloudhsm")


@given(body=st.binary(max_size=200))
def test_random_bytes_give_members_or_a_refusal(body):
    try:
        read(b"Action=PutMetricData&Version=2010-08-01&" + body)
    except AwsError as error:
        assert error.code == "SerializationException"
