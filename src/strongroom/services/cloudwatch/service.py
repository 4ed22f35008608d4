"""The operations of the service, tied to botocore's model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
import structlog

from strongroom.aws.gateway import Call, Handler, HostedService
from strongroom.aws.models import service_model
from strongroom.services.cloudwatch import (
    describe_alarms,
    get_metric_data,
    get_metric_statistics,
    list_metrics,
    put_metric_data,
    refusals,
)
from strongroom.services.cloudwatch.context import Context
from strongroom.storage.interface import StoreUnavailable

log = structlog.get_logger(__name__)
RequestT = TypeVar("RequestT", bound=msgspec.Struct)


def cloudwatch(context: Context) -> HostedService:
    """The service over the logs store."""

    def handler(function: Callable[[Context, Call, RequestT], msgspec.Struct], request_type: type[RequestT]) -> Handler:
        def handle(call: Call, members: dict[str, Any]) -> dict[str, Any]:
            try:
                response = function(context, call, msgspec.convert(members, request_type))
            except StoreUnavailable as error:
                log.error("store unavailable", request_id=call.request_id, reason=str(error))  # noqa: TRY400
                raise refusals.store_unavailable() from None
            reply: dict[str, Any] = msgspec.to_builtins(response)
            return reply

        return handle

    return HostedService(
        model=service_model("cloudwatch"),
        handlers={
            "GetMetricData": handler(get_metric_data.get_metric_data, get_metric_data.Request),
            "GetMetricStatistics": handler(get_metric_statistics.get_metric_statistics, get_metric_statistics.Request),
            "ListMetrics": handler(list_metrics.list_metrics, list_metrics.Request),
            "PutMetricData": handler(put_metric_data.put_metric_data, put_metric_data.Request),
            "DescribeAlarms": handler(describe_alarms.describe_alarms, describe_alarms.Request),
        },
        invalid_request=refusals.VALIDATION,
        internal_failure=refusals.INTERNAL_FAILURE,
        bulk=frozenset({"MetricData", "EntityMetricData"}),
    )
