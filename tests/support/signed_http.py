"""Requests to a control API as clients sign them, and as nobody should."""

from __future__ import annotations

import urllib3
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

HTTP = urllib3.PoolManager()
TARGET = "BaldrApiService.DescribeClusters"
JSON = {"X-Amz-Target": TARGET, "Content-Type": "application/x-amz-json-1.1"}


def send(
    installation,
    body=b"{}",
    headers=None,
    *,
    path="/",
    method="POST",
    region="us-east-1",
    service="cloudhsm",
    change=lambda headers: headers,
    presigned=False,
):
    key = installation.key()
    credentials = Credentials(key.access_key_id, key.secret_access_key)
    request = AWSRequest(
        method, installation.endpoint + path, headers=dict(JSON if headers is None else headers), data=body
    )
    signer = SigV4QueryAuth if presigned else SigV4Auth
    signer(credentials, service, region).add_auth(request)
    prepared = request.prepare()
    sent = change(dict(prepared.headers.items()))
    return HTTP.request(method, prepared.url, headers=sent, body=body, retries=False)
