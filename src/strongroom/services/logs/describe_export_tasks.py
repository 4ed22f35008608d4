"""DescribeExportTasks. https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeExportTasks.html"""

from __future__ import annotations

import msgspec

from strongroom.aws.gateway import Call
from strongroom.services.logs import paging
from strongroom.services.logs.context import TOKENS, Context
from strongroom.vocabulary.records import LogExportTask


class Request(msgspec.Struct, frozen=True, rename="camel"):
    """DescribeExportTasksRequest."""

    task_id: str | None = None
    status_code: str | None = None
    next_token: str | None = None
    limit: int = 50


class ExportTaskStatus(msgspec.Struct, frozen=True, rename="camel"):
    """How far a task is."""

    code: str
    message: str


class ExportTaskExecutionInfo(msgspec.Struct, frozen=True, rename="camel"):
    """Times in milliseconds since 1970."""

    creation_time: int
    completion_time: int | None


class ExportTask(msgspec.Struct, frozen=True, rename="camel"):
    """A task; ``from_`` and ``to`` are in milliseconds since 1970."""

    task_id: str
    log_group_name: str
    to: int
    destination: str
    destination_prefix: str
    status: ExportTaskStatus
    execution_info: ExportTaskExecutionInfo
    from_: int = msgspec.field(name="from")
    task_name: str | None = None


class Response(msgspec.Struct, frozen=True, rename="camel"):
    """DescribeExportTasksResponse."""

    export_tasks: list[ExportTask]
    next_token: str | None = None


def describe_export_tasks(context: Context, call: Call, request: Request) -> Response:
    """The account's tasks, the newest first."""
    found = [
        task
        for task in context.exports.of(call.identity.account)
        if request.task_id in {None, task.task_id} and request.status_code in {None, task.status}
    ]
    scope = paging.scope(call, request.task_id, request.status_code)
    start = paging.open_token(scope, request.next_token, int) or 0
    end = start + request.limit
    token = TOKENS.issue(scope, str(end)) if end < len(found) else None
    return Response([_view(task) for task in found[start:end]], token)


def _view(task: LogExportTask) -> ExportTask:
    return ExportTask(
        task_id=task.task_id,
        task_name=task.name,
        log_group_name=task.group_name,
        from_=task.from_ms,
        to=task.to_ms,
        destination=task.destination,
        destination_prefix=task.prefix,
        status=ExportTaskStatus(task.status, task.message),
        execution_info=ExportTaskExecutionInfo(task.created_ms, task.completed_ms),
    )
