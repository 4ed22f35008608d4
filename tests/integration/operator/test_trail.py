"""The trail of a real service: what kill -9 leaves, TLS, the AWS CLI, and the files that prove it."""

from __future__ import annotations

import base64
import gzip
import json
import os
import signal
import sqlite3
import subprocess
import threading

import boto3
import pytest
import rsa
from awscli.customizations.cloudtrail.validation import Sha256RSADigestValidator
from botocore.config import Config
from botocore.exceptions import BotoCoreError
from cryptography.hazmat.primitives import serialization

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(180)]


@pytest.fixture
def installation(installations, tmp_path):
    """A running installation that serves its APIs with TLS; it has no HSM."""
    certificate, key = tmp_path / "api.crt", tmp_path / "api.key"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", *subject, *files]
    subprocess.run(make, check=True, capture_output=True)
    installation = installations("trail")
    installation.run("up", "-d", "--tls-cert", str(certificate), "--tls-key", str(key))
    return installation


def client(installation, service):
    values = installation.environment()
    return boto3.client(
        service,
        endpoint_url=values["AWS_ENDPOINT_URL"],
        region_name=values["AWS_DEFAULT_REGION"],
        aws_access_key_id=values["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=values["AWS_SECRET_ACCESS_KEY"],
        verify=values["AWS_CA_BUNDLE"],
        config=Config(retries={"total_max_attempts": 1}),
    )


def make_cluster(installation) -> str:
    subnet = installation.status()["subnets"][0]["SubnetId"]
    made = client(installation, "cloudhsmv2").create_cluster(HsmType="hsm2m.medium", SubnetIds=[subnet])
    return made["Cluster"]["ClusterId"]


def request_ids(installation, name: str) -> list[str]:
    pages = (
        client(installation, "cloudtrail")
        .get_paginator("lookup_events")
        .paginate(LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": name}])
    )
    return [json.loads(event["CloudTrailEvent"])["requestID"] for page in pages for event in page["Events"]]


def test_kill_9_loses_no_record_of_a_change(installation):
    cluster_id = make_cluster(installation)
    api = client(installation, "cloudhsmv2")
    acknowledged: list[str] = []
    enough = threading.Event()

    def change() -> None:
        for number in range(10_000):
            tag = {"Key": "number", "Value": str(number)}
            try:
                reply = api.tag_resource(ResourceId=cluster_id, TagList=[tag])
            except BotoCoreError:
                return
            acknowledged.append(reply["ResponseMetadata"]["RequestId"])
            if number == 20:
                enough.set()

    worker = threading.Thread(target=change)
    worker.start()
    assert enough.wait(60)
    os.kill(installation.status()["pid"], signal.SIGKILL)
    worker.join()
    installation.run("up", "-d")
    found = request_ids(installation, "TagResource")
    assert set(acknowledged) <= set(found)
    # One more may have been committed and not answered.
    assert len(found) == len(set(found)) <= len(acknowledged) + 1
    tags = client(installation, "cloudhsmv2").list_tags(ResourceId=cluster_id)["TagList"]
    assert tags == [{"Key": "number", "Value": str(len(found) - 1)}]


def test_debians_aws_finds_events_and_the_files_prove_them(installation):
    cluster_id = make_cluster(installation)
    attribute = "AttributeKey=EventSource,AttributeValue=cloudhsm.amazonaws.com"
    endpoint = installation.environment()["AWS_ENDPOINT_URL"]
    command = ["/usr/bin/aws", "--endpoint-url", endpoint, "cloudtrail", "lookup-events"]
    printed = installation.tool(*command, "--lookup-attributes", attribute, "--max-items", "1")
    (event,) = json.loads(printed)["Events"]
    assert (event["EventName"], event["Resources"][0]["ResourceName"]) == ("CreateCluster", cluster_id)
    record = json.loads(event["CloudTrailEvent"])
    assert record["tlsDetails"]["tlsVersion"] == "TLSv1.3"
    assert record["tlsDetails"]["clientProvidedHostHeader"].startswith("127.0.0.1:")
    assert record["userAgent"].startswith("Boto3/")

    installation.run("down")
    verified = json.loads(installation.run("trail", "verify", "--json").stdout)
    assert (verified["Valid"], verified["Digests"], verified["NotCovered"]) == (True, 1, [])
    assert verified["LogFiles"] >= 1
    check_as_aws_does(installation.directory / "trail")

    copy = installation.directory.parent / "copy"
    subprocess.run(["cp", "-a", str(installation.directory / "trail"), str(copy)], check=True)
    assert "valid" in installation.run("trail", "verify", "--directory", str(copy)).stdout

    logs = sqlite3.connect(installation.directory / "logs.db")
    (value,) = logs.execute("SELECT value FROM log_entry WHERE log = 'trail' AND sequence = 0").fetchone()
    logs.execute(
        "UPDATE log_entry SET value = ? WHERE log = 'trail' AND sequence = 0",
        (value.replace(b"CreateCluster", b"DeleteCluster"),),
    )
    logs.commit()
    logs.close()
    changed = installation.run("trail", "verify", check=False)
    assert changed.returncode == 1
    assert "log trail, entry 1: it does not follow" in changed.stdout


def check_as_aws_does(directory) -> None:
    """AWS's own program verifies the signature of the digest and the hash of a log file."""
    (path,) = directory.glob("AWSLogs/*/CloudTrail-Digest/**/*.json.gz")
    content = gzip.decompress(path.read_bytes())
    digest = json.loads(content)
    metadata = json.loads(path.with_name(f"{path.name}.metadata.json").read_text())
    assert metadata["signature-algorithm"] == digest["digestSignatureAlgorithm"] == "SHA256withRSA"
    public = serialization.load_pem_public_key((directory / "public-key.pem").read_bytes())
    numbers = public.public_numbers()
    key = rsa.PublicKey(numbers.n, numbers.e).save_pkcs1("DER")
    Sha256RSADigestValidator().validate(
        digest["digestS3Bucket"],
        digest["digestS3Object"],
        base64.b64encode(key),
        {**digest, "_signature": metadata["signature"]},
        content,
    )
