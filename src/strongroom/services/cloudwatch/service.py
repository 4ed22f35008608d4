"""The operations of the service, tied to botocore's model."""

from __future__ import annotations

from strongroom.aws.gateway import HostedService
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
from strongroom.services.handlers import Handlers


def cloudwatch(context: Context) -> HostedService:
    """The service over the logs store."""
    handler = Handlers(context, refusals.store_unavailable, refusals.store_unavailable).of

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
