"""StopQuery. https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_StopQuery.html"""

from __future__ import annotations

import msgspec

from strongroom.aws.gateway import Call
from strongroom.services.logs import refusals
from strongroom.services.logs.context import Context


class Request(msgspec.Struct, frozen=True, rename="camel"):
    """StopQueryRequest."""

    query_id: str


class Response(msgspec.Struct, frozen=True, rename="camel"):
    """StopQueryResponse."""

    success: bool


def stop_query(context: Context, call: Call, request: Request) -> Response:
    """End a query that runs or waits."""
    if not context.queries.cancel(context.queries.find(call.identity.account, request.query_id)):
        raise refusals.invalid_parameter("The specified query has already ended.")
    return Response(success=True)
