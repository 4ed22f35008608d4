"""DescribeQueries. https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeQueries.html"""

from __future__ import annotations

import msgspec

from strongroom.aws.gateway import Call
from strongroom.services.logs import paging
from strongroom.services.logs.context import TOKENS, Context
from strongroom.services.logs.start_query import LANGUAGE


class Request(msgspec.Struct, frozen=True, rename="camel"):
    """DescribeQueriesRequest."""

    log_group_name: str | None = None
    status: str | None = None
    max_results: int = 1000
    next_token: str | None = None
    query_language: str = LANGUAGE


class QueryInfo(msgspec.Struct, frozen=True, rename="camel"):
    """A query; its time is in milliseconds since 1970."""

    query_language: str
    query_id: str
    query_string: str
    status: str
    create_time: int
    log_group_name: str


class Response(msgspec.Struct, frozen=True, rename="camel"):
    """DescribeQueriesResponse."""

    queries: list[QueryInfo]
    next_token: str | None = None


def describe_queries(context: Context, call: Call, request: Request) -> Response:
    """The account's queries of the last hour, the newest first."""
    found = [
        QueryInfo(LANGUAGE, query.query_id, query.text, query.status, query.created_ms, query.group_names[0])
        for query in context.queries.of(call.identity.account)
        if request.query_language == LANGUAGE
        and request.log_group_name in {None, *query.group_names}
        and request.status in {None, query.status}
    ]
    scope = paging.scope(call, request.log_group_name, request.status, request.query_language)
    start = paging.open_token(scope, request.next_token, int) or 0
    end = start + request.max_results
    return Response(found[start:end], TOKENS.issue(scope, str(end)) if end < len(found) else None)
