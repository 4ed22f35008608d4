"""CreateExportTask. https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateExportTask.html

A bucket is a directory here, ``buckets/<name>`` of the state directory, made when it is missing.
"""

from __future__ import annotations

import uuid

import msgspec

from strongroom.aws.gateway import Call
from strongroom.aws.recording import LOGS
from strongroom.services.logs import exports, groups, refusals, streams
from strongroom.services.logs.context import Context
from strongroom.services.logs.events import at_ms
from strongroom.vocabulary.records import LogExportTask


class Request(msgspec.Struct, frozen=True, rename="camel"):
    """CreateExportTaskRequest; ``from_`` and ``to`` are both inclusive."""

    log_group_name: str
    to: int
    destination: str
    from_: int = msgspec.field(name="from")
    task_name: str | None = None
    log_stream_name_prefix: str = ""
    destination_prefix: str = "exportedlogs"


class Response(msgspec.Struct, frozen=True, rename="camel"):
    """CreateExportTaskResponse."""

    task_id: str


def create_export_task(context: Context, call: Call, request: Request) -> Response:
    """Let the events of a group be written as files."""
    if request.from_ > request.to:
        raise refusals.invalid_parameter("The start time must be before the end time.")
    if not exports.is_bucket(request.destination):
        raise refusals.invalid_parameter("The given destination is no name of a bucket.")
    if not exports.is_prefix(request.destination_prefix):
        raise refusals.invalid_parameter(
            "A destinationPrefix has letters, digits and !_.*'()- here, in parts that are separated by slashes."
        )
    with context.changing:
        group = groups.find(context, call.identity.account, request.log_group_name)
        now_ms = context.now_ms()
        task = LogExportTask(
            task_id=str(uuid.uuid4()),
            account=call.identity.account,
            name=request.task_name,
            group_name=group.name,
            from_ms=request.from_,
            to_ms=request.to,
            destination=request.destination,
            prefix=request.destination_prefix,
            created_ms=now_ms,
            status=exports.Status.PENDING,
        )
        response = Response(task.task_id)
        context.exports.start(
            task,
            streams.all_of(context, group, request.log_stream_name_prefix),
            at_ms(max(request.from_, group.oldest_ms(now_ms))),
            at_ms(request.to + 1),
            call.record(response, LOGS),
        )
    return response
