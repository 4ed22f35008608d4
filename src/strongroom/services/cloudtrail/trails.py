"""DescribeTrails, ListTrails, GetTrailStatus and GetEventSelectors: no trail can be made here, so there is none.

The event history, which LookupEvents reads, needs none; its log files are the operator's, not an account's.
"""

from __future__ import annotations

import msgspec

from strongroom.aws.gateway import Call
from strongroom.services.cloudtrail import refusals
from strongroom.services.cloudtrail.context import Context


class DescribeTrailsRequest(msgspec.Struct, frozen=True):
    """DescribeTrailsRequest; its members do not change that the list is empty."""


class DescribeTrailsResponse(msgspec.Struct, frozen=True):
    """DescribeTrailsResponse."""

    trailList: list[str]  # noqa: N815 - as the API spells it


class ListTrailsRequest(msgspec.Struct, frozen=True, rename="pascal"):
    """ListTrailsRequest."""

    next_token: str | None = None


class ListTrailsResponse(msgspec.Struct, frozen=True, rename="pascal"):
    """ListTrailsResponse."""

    trails: list[str]


class GetTrailStatusRequest(msgspec.Struct, frozen=True, rename="pascal"):
    """GetTrailStatusRequest."""

    name: str


class GetEventSelectorsRequest(msgspec.Struct, frozen=True, rename="pascal"):
    """GetEventSelectorsRequest."""

    trail_name: str


def describe_trails(_context: Context, _call: Call, _request: DescribeTrailsRequest) -> DescribeTrailsResponse:
    return DescribeTrailsResponse([])


def list_trails(_context: Context, _call: Call, _request: ListTrailsRequest) -> ListTrailsResponse:
    return ListTrailsResponse([])


def get_trail_status(_context: Context, _call: Call, request: GetTrailStatusRequest) -> msgspec.Struct:
    raise refusals.trail_not_found(request.name)


def get_event_selectors(_context: Context, _call: Call, request: GetEventSelectorsRequest) -> msgspec.Struct:
    raise refusals.trail_not_found(request.trail_name)
