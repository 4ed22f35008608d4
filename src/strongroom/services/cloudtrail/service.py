"""The operations of the service, tied to botocore's model."""

from __future__ import annotations

from strongroom.aws.gateway import HostedService
from strongroom.aws.models import service_model
from strongroom.services.cloudtrail import lookup_events, refusals, trails
from strongroom.services.cloudtrail.context import Context
from strongroom.services.handlers import Handlers


def cloudtrail(context: Context) -> HostedService:
    """The service over an installation's logs store."""
    handler = Handlers(context, refusals.store_unavailable, refusals.store_unavailable).of

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
