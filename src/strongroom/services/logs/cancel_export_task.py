"""CancelExportTask. https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CancelExportTask.html"""

from __future__ import annotations

import msgspec

from strongroom.aws.gateway import Call
from strongroom.aws.recording import LOGS
from strongroom.services.logs.context import Context


class Request(msgspec.Struct, frozen=True, rename="camel"):
    """CancelExportTaskRequest."""

    task_id: str


class Response(msgspec.Struct, frozen=True, rename="camel"):
    """CancelExportTask answers nothing."""


def cancel_export_task(context: Context, call: Call, request: Request) -> Response:
    """End a task that waits or runs; the files that are whole stay."""
    response = Response()
    context.exports.cancel(call.identity.account, request.task_id, call.record(response, LOGS))
    return response
