"""The operations of the service, tied to botocore's model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
import structlog

from strongroom.aws.gateway import Call, Handler, HostedService
from strongroom.aws.models import service_model
from strongroom.services.cloudtrail import lookup_events, refusals, trails
from strongroom.services.cloudtrail.context import Context
from strongroom.storage.interface import StoreError

log = structlog.get_logger(__name__)
RequestT = TypeVar("RequestT", bound=msgspec.Struct)


def cloudtrail(context: Context) -> HostedService:
    """The service over an installation's logs store."""

    def handler(function: Callable[[Context, Call, RequestT], msgspec.Struct], request_type: type[RequestT]) -> Handler:
        def handle(call: Call, members: dict[str, Any]) -> dict[str, Any]:
            try:
                response = function(context, call, msgspec.convert(members, request_type))
            except StoreError as error:
                log.error("store unavailable", request_id=call.request_id, reason=str(error))  # noqa: TRY400
                raise refusals.store_unavailable() from None
            reply: dict[str, Any] = msgspec.to_builtins(response)
            return reply

        return handle

    return HostedService(
        model=service_model("cloudtrail"),
        handlers={
            "LookupEvents": handler(lookup_events.lookup_events, lookup_events.Request),
            "DescribeTrails": handler(trails.describe_trails, trails.DescribeTrailsRequest),
            "ListTrails": handler(trails.list_trails, trails.ListTrailsRequest),
            "GetTrailStatus": handler(trails.get_trail_status, trails.GetTrailStatusRequest),
            "GetEventSelectors": handler(trails.get_event_selectors, trails.GetEventSelectorsRequest),
        },
        invalid_request=refusals.UNSUPPORTED,
        internal_failure=refusals.INTERNAL_FAILURE,
        invalid_members=refusals.INVALID_MEMBERS,
    )
