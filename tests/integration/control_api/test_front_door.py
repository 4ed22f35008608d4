"""The HTTP front: signatures through real clients, CBOR, limits, health, and what a reply always carries."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import uuid
from email.utils import parsedate_to_datetime
from pathlib import Path

import cbor2
import pytest
from botocore.exceptions import ClientError
from signed_http import HTTP, JSON, TARGET, send

from strongroom.aws.gateway import MAX_BODY_BYTES
from strongroom.aws.sigv4 import SignatureVerifier


def code(reply) -> str:
    assert reply.status == 400
    return reply.json()["__type"]


def test_a_reply_carries_request_id_date_and_type(installation):
    reply = send(installation)
    assert (reply.status, reply.json()) == (200, {"Clusters": []})
    assert uuid.UUID(reply.headers["x-amzn-requestid"])
    assert reply.headers["content-type"] == "application/x-amz-json-1.1"
    assert len(reply.headers.getlist("date")) == 1
    assert abs(parsedate_to_datetime(reply.headers["date"]).timestamp() - installation.clock()) < 5
    assert "server" not in reply.headers


def test_an_error_names_itself_in_body_and_header(installation):
    reply = send(installation, b'{"MaxResults":99}')
    assert code(reply) == reply.headers["x-amzn-errortype"] == "CloudHsmInvalidRequestException"
    assert "Member must have value less than or equal to 25" in reply.json()["Message"]


def test_an_unsigned_request_is_refused(installation):
    reply = HTTP.request("POST", installation.endpoint, headers=JSON, body=b"{}")
    assert code(reply) == "MissingAuthenticationTokenException"


def test_a_wrong_secret_is_refused(installation):
    with pytest.raises(ClientError) as caught:
        installation.client(secret="x" * 40).describe_clusters()
    assert caught.value.response["Error"]["Code"] == "InvalidSignatureException"


def test_an_unknown_key_is_refused(installation):
    client = installation.client()
    client._request_signer._credentials.access_key = "AKIAAAAAAAAAAAAAAAAA"
    with pytest.raises(ClientError) as caught:
        client.describe_clusters()
    assert caught.value.response["Error"]["Code"] == "UnrecognizedClientException"


@pytest.mark.parametrize("skew", [400, -400])
def test_an_expired_signature_is_refused(installation, skew):
    installation.clock.skew = skew
    with pytest.raises(ClientError) as caught:
        installation.client().describe_clusters()
    error = caught.value.response["Error"]
    assert error["Code"] == "InvalidSignatureException"
    assert error["Message"].startswith("Signature expired" if skew > 0 else "Signature not yet current")


def test_another_region_is_refused(installation):
    with pytest.raises(ClientError) as caught:
        installation.client(region="eu-west-1").describe_clusters()
    assert "valid region" in caught.value.response["Error"]["Message"]


def test_another_service_is_refused(installation):
    assert code(send(installation, service="kms")) == "InvalidSignatureException"


def test_a_request_whose_target_was_swapped_is_refused(installation):
    def swap(headers):
        return {**headers, "X-Amz-Target": "BaldrApiService.CreateCluster"}

    assert code(send(installation, change=swap)) == "InvalidSignatureException"
    assert (
        code(send(installation, headers={}, change=lambda headers: {**headers, **JSON})) == "InvalidSignatureException"
    )


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "application/x-amz-json-1.1"},
        {"X-Amz-Target": "BaldrApiService.LaunchRocket"},
        {"X-Amz-Target": "TrentService.CreateKey"},
        {"X-Amz-Target": "DescribeClusters"},
        {"X-Amz-Target": "."},
    ],
)
def test_an_operation_that_does_not_exist_is_refused(installation, headers):
    assert code(send(installation, headers=headers)) == "UnknownOperationException"


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"MaxResults":"many"}', b"\xff\xfe"])
def test_a_body_that_is_no_request_is_refused(installation, body):
    assert code(send(installation, body)) == "SerializationException"


def test_a_body_over_the_limit_is_refused(installation):
    reply = send(installation, b" " * (MAX_BODY_BYTES + 1))
    assert (reply.status, reply.json()["__type"]) == (413, "RequestEntityTooLarge")
    assert send(installation, b" " * (MAX_BODY_BYTES - 2) + b"{}").status == 200


def test_an_endless_body_is_refused(installation):
    def chunks():
        for _ in range(MAX_BODY_BYTES // 65536 + 2):
            yield b" " * 65536

    reply = HTTP.request("POST", installation.endpoint, body=chunks(), headers=JSON, chunked=True)
    assert reply.status == 413


def test_a_packed_body_is_unpacked_after_its_signature_was_checked(installation):
    packed = {**JSON, "Content-Encoding": "gzip"}
    assert send(installation, gzip.compress(b'{"MaxResults":2}'), packed).json() == {"Clusters": []}
    unsigned = HTTP.request("POST", installation.endpoint, headers=packed, body=b"no gzip")
    assert code(unsigned) == "MissingAuthenticationTokenException"


@pytest.mark.parametrize("body", [b"{}", gzip.compress(b"{}")[:-1], gzip.compress(b"{}") * 2])
def test_a_body_that_is_not_packed_as_it_says_is_refused(installation, body):
    assert code(send(installation, body, {**JSON, "Content-Encoding": "gzip"})) == "SerializationException"


def test_a_small_body_that_unpacks_to_a_large_one_is_refused(installation):
    bomb = gzip.compress(b" " * (MAX_BODY_BYTES + 1))
    assert len(bomb) < 10_000
    assert send(installation, bomb, {**JSON, "Content-Encoding": "gzip"}).status == 413


def test_another_content_encoding_is_refused(installation):
    assert send(installation, headers={**JSON, "Content-Encoding": "br"}).status == 415


def test_a_path_and_a_query_are_signed_too(installation):
    assert send(installation, path="/some/path?b=2&a=1&c").status == 200
    assert send(installation, path="/gr%C3%B6%C3%9Fe/%20x").status == 200


def test_a_presigned_request_is_let_in(installation):
    assert send(installation, presigned=True).status == 200


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_other_methods_are_told_what_is_wrong(installation, method):
    reply = HTTP.request(method, installation.endpoint + "/anything")
    assert code(reply) == "UnknownOperationException"
    assert "requests to AWS services are POST" in reply.json()["message"]


# -- CBOR --------------------------------------------------------------------------------------------------------------

CBOR = {"Smithy-Protocol": "rpc-v2-cbor", "Content-Type": "application/cbor", "Accept": "application/cbor"}
PATH = "/service/BaldrApiService/operation/"


def test_the_operations_speak_cbor_too(installation):
    members = {"HsmType": "hsm2m.medium", "SubnetIds": ["subnet-0000000000000000a"]}
    reply = send(installation, cbor2.dumps(members), CBOR, path=PATH + "CreateCluster")
    assert reply.status == 200
    assert (reply.headers["smithy-protocol"], reply.headers["content-type"]) == ("rpc-v2-cbor", "application/cbor")
    cluster = cbor2.loads(reply.data)["Cluster"]
    assert cluster["State"] == "UNINITIALIZED"
    assert abs(cluster["CreateTimestamp"].timestamp() - installation.clock()) < 60
    assert installation.client().describe_clusters()["Clusters"][0]["ClusterId"] == cluster["ClusterId"]


def test_errors_speak_cbor_too(installation):
    reply = send(installation, cbor2.dumps({"ClusterId": "cluster-aaaaaaaaaaa"}), CBOR, path=PATH + "DeleteCluster")
    assert (reply.status, reply.headers["smithy-protocol"]) == (400, "rpc-v2-cbor")
    assert cbor2.loads(reply.data)["__type"] == "CloudHsmResourceNotFoundException"
    assert "x-amzn-errortype" not in reply.headers
    unsigned = HTTP.request("POST", installation.endpoint + PATH + "DeleteCluster", headers=CBOR, body=b"")
    assert cbor2.loads(unsigned.data)["__type"] == "MissingAuthenticationTokenException"


@pytest.mark.parametrize(
    "path", ["/", "/service/BaldrApiService/operation/Launch", "/service/X/operation/DescribeClusters"]
)
def test_a_cbor_path_that_names_no_operation_is_refused(installation, path):
    reply = send(installation, b"", CBOR, path=path)
    assert cbor2.loads(reply.data)["__type"] == "UnknownOperationException"


def test_two_names_for_the_operation_are_refused(installation):
    reply = send(installation, b"", {**CBOR, "X-Amz-Target": TARGET}, path=PATH + "CreateCluster")
    assert cbor2.loads(reply.data)["__type"] == "UnknownOperationException"


# -- health and failures -----------------------------------------------------------------------------------------------


def test_health_needs_no_signature(installation):
    reply = HTTP.request("GET", installation.endpoint + "/health")
    assert (reply.status, reply.json()) == (200, {"status": "ok"})


def test_health_tells_when_the_store_is_away(installation):
    installation.control.close()
    reply = HTTP.request("GET", installation.endpoint + "/health")
    assert (reply.status, reply.json()) == (503, {"status": "unavailable"})


def test_an_unforeseen_failure_gives_the_request_id_and_no_traceback(installation, capsys):
    installation.stores.failure = RuntimeError("a pipe burst")
    client = installation.client()
    with pytest.raises(ClientError) as caught:
        client.create_cluster(HsmType="hsm2m.medium", SubnetIds=["subnet-0000000000000000a"])
    response = caught.value.response
    assert response["Error"]["Code"] == "CloudHsmInternalFailureException"
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 500
    assert response["ResponseMetadata"]["RequestId"] in response["Error"]["Message"]
    assert "pipe" not in json.dumps(response)
    logged = capsys.readouterr().out
    assert response["ResponseMetadata"]["RequestId"] in logged
    assert "a pipe burst" in logged
    assert installation.key().secret_access_key not in logged


def test_no_secret_is_logged(installation, capsys, monkeypatch):
    installation.client().describe_clusters()
    monkeypatch.setattr(SignatureVerifier, "_check_time", lambda *_: 1 / 0)
    with pytest.raises(ClientError):
        installation.client().describe_clusters()
    assert installation.key().secret_access_key not in capsys.readouterr().out


# -- the AWS CLI -------------------------------------------------------------------------------------------------------

VENV_AWS = Path(sys.executable).with_name("aws")


def environment(installation, tmp_path, **more) -> dict[str, str]:
    key = installation.key()
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "AWS_ACCESS_KEY_ID": key.access_key_id,
        "AWS_SECRET_ACCESS_KEY": key.secret_access_key,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_PAGER": "",
        **more,
    }


def run(program, *arguments, env):
    return subprocess.run([program, "cloudhsmv2", *arguments], env=env, capture_output=True, text=True, check=False)


def check_cli(program, env, *options):
    made = run(
        program,
        "create-cluster",
        "--hsm-type",
        "hsm2m.medium",
        "--subnet-ids",
        "subnet-0000000000000000a",
        *options,
        env=env,
    )
    assert made.returncode == 0, made.stderr
    cluster = json.loads(made.stdout)["Cluster"]
    arguments = ["--filters", f"clusterIds={cluster['ClusterId']}", "--output", "text", "--query", "Clusters[].State"]
    shown = run(program, "describe-clusters", *arguments, *options, env=env)
    assert shown.stdout.strip() == "UNINITIALIZED", shown.stderr
    failed = run(program, "delete-cluster", "--cluster-id", "cluster-aaaaaaaaaaa", *options, env=env)
    assert failed.returncode != 0
    assert "(CloudHsmResourceNotFoundException) when calling the DeleteCluster operation" in failed.stderr


def test_the_aws_cli_works_by_its_environment(installation, tmp_path):
    check_cli(VENV_AWS, environment(installation, tmp_path, AWS_ENDPOINT_URL=installation.endpoint))


def test_the_aws_cli_works_with_an_endpoint_option(installation, tmp_path):
    check_cli(VENV_AWS, environment(installation, tmp_path), "--endpoint-url", installation.endpoint)


def test_debians_aws_cli_works_with_an_endpoint_option(installation, tmp_path):
    check_cli("/usr/bin/aws", environment(installation, tmp_path), "--endpoint-url", installation.endpoint)
