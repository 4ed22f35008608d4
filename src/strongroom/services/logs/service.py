"""The operations of the service, tied to botocore's model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from strongroom.audit.sources import AuditSources
from strongroom.aws.gateway import HostedService
from strongroom.aws.models import service_model
from strongroom.services.handlers import Handlers
from strongroom.services.logs import (
    cancel_export_task,
    create_export_task,
    create_log_group,
    create_log_stream,
    delete_log_group,
    delete_log_stream,
    delete_retention_policy,
    describe_export_tasks,
    describe_log_groups,
    describe_log_streams,
    describe_queries,
    filter_log_events,
    get_log_events,
    get_log_record,
    get_query_results,
    list_log_groups,
    list_tags_for_resource,
    list_tags_log_group,
    put_log_events,
    put_retention_policy,
    refusals,
    start_live_tail,
    start_query,
    stop_query,
    tag_log_group,
    tag_resource,
    test_metric_filter,
    untag_log_group,
    untag_resource,
)
from strongroom.services.logs.context import Context
from strongroom.services.logs.exports import Exports
from strongroom.services.logs.live_sessions import LiveSessions
from strongroom.services.logs.queries import Queries
from strongroom.storage.interface import Store


def logs(
    *, sources: AuditSources, store: Store, buckets: Path, region: str, clock: Callable[[], float]
) -> HostedService:
    """The service over the audit logs and the logs store of an installation.

    Exports go to directories in ``buckets``. They and queries run in threads of their own.
    """
    context = Context(
        sources=sources,
        logs=store,
        region=region,
        clock=clock,
        sessions=LiveSessions(),
        queries=Queries(),
        exports=Exports(store, buckets, lambda: int(clock() * 1000)),
    )

    handler = Handlers(context, refusals.changed_meanwhile, refusals.store_unavailable).of

    return HostedService(
        model=service_model("logs"),
        handlers={
            "CancelExportTask": handler(cancel_export_task.cancel_export_task, cancel_export_task.Request),
            "CreateExportTask": handler(create_export_task.create_export_task, create_export_task.Request),
            "CreateLogGroup": handler(create_log_group.create_log_group, create_log_group.Request),
            "CreateLogStream": handler(create_log_stream.create_log_stream, create_log_stream.Request),
            "DeleteLogGroup": handler(delete_log_group.delete_log_group, delete_log_group.Request),
            "DeleteLogStream": handler(delete_log_stream.delete_log_stream, delete_log_stream.Request),
            "DeleteRetentionPolicy": handler(
                delete_retention_policy.delete_retention_policy, delete_retention_policy.Request
            ),
            "DescribeExportTasks": handler(describe_export_tasks.describe_export_tasks, describe_export_tasks.Request),
            "DescribeLogGroups": handler(describe_log_groups.describe_log_groups, describe_log_groups.Request),
            "DescribeLogStreams": handler(describe_log_streams.describe_log_streams, describe_log_streams.Request),
            "DescribeQueries": handler(describe_queries.describe_queries, describe_queries.Request),
            "FilterLogEvents": handler(filter_log_events.filter_log_events, filter_log_events.Request),
            "GetLogEvents": handler(get_log_events.get_log_events, get_log_events.Request),
            "GetLogRecord": handler(get_log_record.get_log_record, get_log_record.Request),
            "GetQueryResults": handler(get_query_results.get_query_results, get_query_results.Request),
            "ListLogGroups": handler(list_log_groups.list_log_groups, list_log_groups.Request),
            "ListTagsForResource": handler(
                list_tags_for_resource.list_tags_for_resource, list_tags_for_resource.Request
            ),
            "ListTagsLogGroup": handler(list_tags_log_group.list_tags_log_group, list_tags_log_group.Request),
            "PutLogEvents": handler(put_log_events.put_log_events, put_log_events.Request),
            "PutRetentionPolicy": handler(put_retention_policy.put_retention_policy, put_retention_policy.Request),
            "StartLiveTail": handler(start_live_tail.start_live_tail, start_live_tail.Request),
            "StartQuery": handler(start_query.start_query, start_query.Request),
            "StopQuery": handler(stop_query.stop_query, stop_query.Request),
            "TagLogGroup": handler(tag_log_group.tag_log_group, tag_log_group.Request),
            "TagResource": handler(tag_resource.tag_resource, tag_resource.Request),
            "TestMetricFilter": handler(test_metric_filter.test_metric_filter, test_metric_filter.Request),
            "UntagLogGroup": handler(untag_log_group.untag_log_group, untag_log_group.Request),
            "UntagResource": handler(untag_resource.untag_resource, untag_resource.Request),
        },
        invalid_request=refusals.INVALID_REQUEST,
        internal_failure=refusals.INTERNAL_FAILURE,
        bulk=frozenset({"logEvents", "logEventMessages"}),
        reading=frozenset({"StartLiveTail", "StartQuery", "StopQuery"}),
    )
