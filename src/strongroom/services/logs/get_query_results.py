"""GetQueryResults. https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetQueryResults.html"""

from __future__ import annotations

import msgspec

from strongroom.aws.gateway import Call
from strongroom.services.logs import paging
from strongroom.services.logs.context import TOKENS, Context
from strongroom.services.logs.queries import Status
from strongroom.services.logs.start_query import LANGUAGE


class Request(msgspec.Struct, frozen=True, rename="camel"):
    """GetQueryResultsRequest."""

    query_id: str
    next_token: str | None = None
    max_items: int | None = None


class ResultField(msgspec.Struct, frozen=True, rename="camel"):
    """A field of a row; values are texts always."""

    field: str
    value: str


class QueryStatistics(msgspec.Struct, frozen=True, rename="camel"):
    """How much was looked at."""

    records_matched: float
    records_scanned: float
    bytes_scanned: float
    log_groups_scanned: float


class Response(msgspec.Struct, frozen=True, rename="camel"):
    """GetQueryResultsResponse."""

    query_language: str
    results: list[list[ResultField]]
    statistics: QueryStatistics
    status: str
    next_token: str | None = None


def get_query_results(context: Context, call: Call, request: Request) -> Response:
    """The state of a query, and its rows once it is complete."""
    query = context.queries.find(call.identity.account, request.query_id)
    rows = query.results if query.status is Status.COMPLETE else []
    scope = paging.scope(call, request.query_id)
    start = paging.open_token(scope, request.next_token, int) or 0
    end = len(rows) if not request.max_items else start + request.max_items
    return Response(
        query_language=LANGUAGE,
        results=[[ResultField(name, value) for name, value in row] for row in rows[start:end]],
        statistics=QueryStatistics(query.matched, query.scanned, query.scanned_bytes, len(query.group_names)),
        status=query.status,
        next_token=TOKENS.issue(scope, str(end)) if end < len(rows) else None,
    )
