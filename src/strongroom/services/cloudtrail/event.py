"""A call as a CloudTrail record: shape and order of eventVersion 1.11 (aws-apis 3.1)."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from strongroom.aws.errors import AwsError
from strongroom.aws.recording import MadeCall, Resource
from strongroom.services.cloudtrail.members import shown
from strongroom.vocabulary.records import TrailEvent

EVENT_VERSION: Final = "1.11"
OWN_SOURCE: Final = "strongroom"
"""The eventSource of records that this program makes of itself."""
_TEXT_BYTES: Final = 1024
"""Of a user agent, of an error's message and of a resource's ARN, whose end a caller can choose."""
_MEMBERS_BYTES: Final = 100 * 1024
"""Of the members of a request, and of a reply."""
_NAME: Final = re.compile(r"[A-Za-z0-9]{1,64}")


def call_event(
    call: MadeCall, region: str, reply: Mapping[str, Any] | None = None, error: AwsError | None = None
) -> TrailEvent:
    """The record of a call whose signature was right; of a reply or of an error."""
    identity, service = call.identity, call.service
    assert identity is not None  # noqa: S101 - the recorder sums up the others
    members = dict(call.members or {})
    reads = service.reads(call.operation) if service else False
    request_shape = service.model.input_shape(call.operation) if service else None
    reply_shape = service.model.output_shape(call.operation) if service else None
    unrecorded = service.secrets | service.bulk if service else frozenset[str]()
    omitted: list[str] = []
    request_shown = _bounded("requestParameters", shown(request_shape, members, unrecorded), omitted)
    reply_shown = None
    if reply is not None and not reads:
        reply_shown = _bounded("responseElements", shown(reply_shape, reply, unrecorded), omitted)
    record: dict[str, Any] = {
        "eventVersion": EVENT_VERSION,
        "userIdentity": {
            "type": "Root",
            "principalId": identity.account,
            "arn": f"arn:aws:iam::{identity.account}:root",
            "accountId": identity.account,
            "accessKeyId": identity.access_key_id,
        },
        "eventTime": moment(call.received_at),
        "eventSource": f"{identity.signing_name}.amazonaws.com",
        "eventName": call.operation if _NAME.fullmatch(call.operation) else "UnknownOperation",
        "awsRegion": region,
        "sourceIPAddress": call.source_ip,
        "userAgent": _shortened(call.user_agent),
    }
    if error is not None:
        record |= {"errorCode": error.code, "errorMessage": _shortened(error.message)}
    record |= {"requestParameters": request_shown, "responseElements": reply_shown}
    if omitted:
        record["additionalEventData"] = {"omitted": omitted}
    record |= {"requestID": call.request_id, "eventID": str(uuid.uuid4()), "readOnly": reads}
    resources = service.resources(members, reply or {}) if service else ()
    if resources:
        record["resources"] = [_resource(item, identity.signing_name, region, identity.account) for item in resources]
    record |= {
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": identity.account,
        "eventCategory": "Management",
    }
    if call.tls is not None:
        record["tlsDetails"] = {
            "tlsVersion": call.tls.version,
            "cipherSuite": call.tls.cipher_suite,
            "clientProvidedHostHeader": _shortened(call.host),
        }
    return _event(record, identity.account, call.received_at)


def own_event(
    name: str, region: str, account: str, at: float, *, source_ip: str | None, details: Mapping[str, Any], text: str
) -> TrailEvent:
    """A record that this program makes of what nobody signed, or of what it could not keep."""
    record = {
        "eventVersion": EVENT_VERSION,
        "userIdentity": {"type": "Unknown"},
        "eventTime": moment(at),
        "eventSource": OWN_SOURCE,
        "eventName": name,
        "awsRegion": region,
        "sourceIPAddress": source_ip,
        "errorMessage": text,
        "requestParameters": None,
        "responseElements": None,
        "additionalEventData": dict(details),
        "eventID": str(uuid.uuid4()),
        "readOnly": False,
        "eventType": "AwsServiceEvent",
        "managementEvent": True,
        "recipientAccountId": account or None,
        "eventCategory": "Management",
    }
    return _event(record, account, at)


def moment(seconds: float) -> str:
    """An eventTime."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def seconds_of(record: Mapping[str, Any]) -> int:
    """A record's eventTime in Unix seconds."""
    return int(datetime.fromisoformat(record["eventTime"]).timestamp())


def _event(record: dict[str, Any], account: str, at: float) -> TrailEvent:
    return TrailEvent(record["eventID"], int(at * 1_000_000), account, msgspec.json.encode(record).decode())


def _resource(resource: Resource, signing_name: str, region: str, account: str) -> dict[str, str]:
    arn = f"arn:aws:{signing_name}:{region}:{account}:{resource.arn_path}"
    return {"accountId": account, "type": resource.kind, "ARN": _shortened(arn)}


def _bounded(name: str, members: dict[str, Any], omitted: list[str]) -> dict[str, Any] | None:
    if len(msgspec.json.encode(members)) > _MEMBERS_BYTES:
        omitted.append(name)
        return None
    return members or None


def _shortened(text: str) -> str:
    encoded = text.encode(errors="replace")
    return text if len(encoded) <= _TEXT_BYTES else encoded[:_TEXT_BYTES].decode(errors="ignore")


def resource_names(record: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    """Types and names of a record's resources: the name is the end of the ARN."""
    return [(item["type"], item["ARN"].rpartition("/")[2]) for item in record.get("resources", ())]
