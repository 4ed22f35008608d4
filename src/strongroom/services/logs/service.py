"""The operations of the service, tied to botocore's model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
import structlog

from strongroom.aws.event_stream import EventStream
from strongroom.aws.gateway import Call, Handler, HostedService
from strongroom.aws.models import service_model
from strongroom.services.logs import (
    create_log_group,
    create_log_stream,
    delete_log_group,
    delete_log_stream,
    delete_retention_policy,
    describe_log_groups,
    describe_log_streams,
    filter_log_events,
    get_log_events,
    list_log_groups,
    list_tags_for_resource,
    put_log_events,
    put_retention_policy,
    refusals,
    start_live_tail,
    tag_resource,
    test_metric_filter,
    untag_resource,
)
from strongroom.services.logs.context import Context
from strongroom.storage.interface import CompareFailed, StoreError

log = structlog.get_logger(__name__)
RequestT = TypeVar("RequestT", bound=msgspec.Struct)


def logs(context: Context) -> HostedService:
    """The service over the audit logs and the logs store of an installation."""

    def handler(
        function: Callable[[Context, Call, RequestT], msgspec.Struct | EventStream], request_type: type[RequestT]
    ) -> Handler:
        def handle(call: Call, members: dict[str, Any]) -> dict[str, Any] | EventStream:
            try:
                response = function(context, call, msgspec.convert(members, request_type))
            except CompareFailed:
                raise refusals.changed_meanwhile() from None
            except StoreError as error:
                log.error("store unavailable", request_id=call.request_id, reason=str(error))  # noqa: TRY400
                raise refusals.store_unavailable() from None
            if isinstance(response, EventStream):
                return response
            reply: dict[str, Any] = msgspec.to_builtins(response)
            return reply

        return handle

    return HostedService(
        model=service_model("logs"),
        handlers={
            "CreateLogGroup": handler(create_log_group.create_log_group, create_log_group.Request),
            "CreateLogStream": handler(create_log_stream.create_log_stream, create_log_stream.Request),
            "DeleteLogGroup": handler(delete_log_group.delete_log_group, delete_log_group.Request),
            "DeleteLogStream": handler(delete_log_stream.delete_log_stream, delete_log_stream.Request),
            "DeleteRetentionPolicy": handler(
                delete_retention_policy.delete_retention_policy, delete_retention_policy.Request
            ),
            "DescribeLogGroups": handler(describe_log_groups.describe_log_groups, describe_log_groups.Request),
            "DescribeLogStreams": handler(describe_log_streams.describe_log_streams, describe_log_streams.Request),
            "FilterLogEvents": handler(filter_log_events.filter_log_events, filter_log_events.Request),
            "GetLogEvents": handler(get_log_events.get_log_events, get_log_events.Request),
            "ListLogGroups": handler(list_log_groups.list_log_groups, list_log_groups.Request),
            "ListTagsForResource": handler(
                list_tags_for_resource.list_tags_for_resource, list_tags_for_resource.Request
            ),
            "PutLogEvents": handler(put_log_events.put_log_events, put_log_events.Request),
            "PutRetentionPolicy": handler(put_retention_policy.put_retention_policy, put_retention_policy.Request),
            "StartLiveTail": handler(start_live_tail.start_live_tail, start_live_tail.Request),
            "TagResource": handler(tag_resource.tag_resource, tag_resource.Request),
            "TestMetricFilter": handler(test_metric_filter.test_metric_filter, test_metric_filter.Request),
            "UntagResource": handler(untag_resource.untag_resource, untag_resource.Request),
        },
        invalid_request=refusals.INVALID_REQUEST,
        internal_failure=refusals.INTERNAL_FAILURE,
    )
