"""StartQuery. https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_StartQuery.html

Times are in seconds here, and both are inclusive. Only CloudWatch Logs' own language is offered (ADR 0074).
"""

from __future__ import annotations

from typing import Final

import msgspec

from strongroom.aws.gateway import Call
from strongroom.services.logs import groups, refusals, streams
from strongroom.services.logs.context import Context
from strongroom.services.logs.events import at_ms
from strongroom.services.logs.get_log_events import check_range
from strongroom.services.logs.groups import LogGroup
from strongroom.services.logs.insights.query import MOST_RESULTS, parse
from strongroom.services.logs.insights.tokens import MalformedQuery
from strongroom.services.logs.queries import Source, StartedQuery

LANGUAGE: Final = "CWLI"
_MOST_GROUPS: Final = 50


class Request(msgspec.Struct, frozen=True, rename="camel"):
    """StartQueryRequest."""

    start_time: int
    end_time: int
    query_string: str
    query_language: str = LANGUAGE
    log_group_name: str | None = None
    log_group_names: list[str] | None = None
    log_group_identifiers: list[str] | None = None
    limit: int = MOST_RESULTS


class Response(msgspec.Struct, frozen=True, rename="camel"):
    """StartQueryResponse."""

    query_id: str


def start_query(context: Context, call: Call, request: Request) -> Response:
    """Check a query and let it run."""
    if request.query_language != LANGUAGE:
        raise refusals.invalid_parameter(f"The query language {request.query_language} is not offered here.")
    check_range(request.start_time, request.end_time)
    found = _groups(context, call.identity.account, request)
    try:
        query = parse(request.query_string, request.limit)
    except MalformedQuery as error:
        raise refusals.malformed_query(error.message, error.start, error.end) from None
    now_ms = context.now_ms()
    sources = [
        Source(
            group.account,
            group.name,
            streams.all_of(context, group),
            at_ms(max(request.start_time * 1000, group.oldest_ms(now_ms))),
            at_ms((request.end_time + 1) * 1000),
        )
        for group in found
    ]
    names = [group.name for group in found]
    started = StartedQuery(call.identity.account, request.query_string, names, now_ms, query, sources)
    context.queries.start(started)
    return Response(started.query_id)


def _groups(context: Context, account: str, request: Request) -> list[LogGroup]:
    given = [
        names
        for names in (
            None if request.log_group_name is None else [request.log_group_name],
            request.log_group_names,
            request.log_group_identifiers,
        )
        if names is not None
    ]
    if len(given) != 1 or not 1 <= len(given[0]) <= _MOST_GROUPS:
        raise refusals.invalid_parameter(
            "Exactly one of logGroupName, logGroupNames and logGroupIdentifiers must be given, with at most "
            f"{_MOST_GROUPS} log groups."
        )
    found = {group.name: group for group in (groups.find_identified(context, account, name) for name in given[0])}
    return list(found.values())
