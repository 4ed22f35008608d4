"""The HTTP application of an installation's services, for any ASGI server."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from starlette.applications import Starlette

from strongroom.audit.sources import AuditSources
from strongroom.aws.access_keys import AccessKeys
from strongroom.aws.gateway import Gateway
from strongroom.aws.paging import NextTokens
from strongroom.aws.sigv4 import SignatureVerifier
from strongroom.services.cloudhsmv2.cluster_stores import ClusterStores
from strongroom.services.cloudhsmv2.context import Context, Limits
from strongroom.services.cloudhsmv2.network import ZonePlan
from strongroom.services.cloudhsmv2.service import cloudhsmv2, finish_interrupted
from strongroom.services.cloudtrail.context import Context as TrailContext
from strongroom.services.cloudtrail.recorder import TrailRecorder
from strongroom.services.cloudtrail.service import cloudtrail
from strongroom.services.cloudwatch import context as metrics
from strongroom.services.cloudwatch.hsm_points import HsmPoints
from strongroom.services.cloudwatch.service import cloudwatch
from strongroom.services.cloudwatch.user_points import UserPoints
from strongroom.services.logs.service import logs as logs_service
from strongroom.services.openmetrics.page import MetricsPage
from strongroom.services.openmetrics.request_counts import RequestCounts
from strongroom.services.patience import MAX_HEAD_BYTES, PatientHttp
from strongroom.services.readings import Readings
from strongroom.services.settled_stores import SettledStores
from strongroom.storage.interface import Store

SERVER_OPTIONS: Final[dict[str, Any]] = {
    "http": PatientHttp,
    "loop": "strongroom.services.patience:PatientLoop",
    "ws": "none",
    "h11_max_incomplete_event_size": MAX_HEAD_BYTES,
    "lifespan": "on",
    "date_header": False,
    "server_header": False,
    "access_log": False,
    "proxy_headers": False,
}
"""What ``uvicorn.Config`` must be given: the application sends the Date header and writes the log itself, and peers
have limits."""


def application(
    *,
    control: Store,
    logs: Store,
    cluster_stores: ClusterStores,
    buckets: Path,
    zone_plan: ZonePlan,
    region: str,
    open_sealed: Callable[[str, bytes], bytes],
    limits: Limits | None = None,
    operator_account: str = "",
    clock: Callable[[], float] = time.time,
    metrics_token: Callable[[], str | None] = lambda: None,
    request_counts: RequestCounts | None = None,
) -> Starlette:
    """The ASGI application that answers AWS's APIs; run it as ``uvicorn.Config(application(…), **SERVER_OPTIONS)``.

    ``control`` is the control plane's store; ``cluster_stores`` makes, opens and removes those of clusters; ``logs`` is
    the logs store (ADR 0070); ``buckets`` is the directory for exports; ``zone_plan`` knows subnets and gives
    addresses. ``region`` is the only one that requests may be signed for. ``open_sealed(context, sealed)`` opens an
    access key's secret (the native ``Installation.open_sealed``). ``operator_account`` is shown the calls that nobody
    signed. ``clock`` gives seconds since 1970. ``metrics_token()`` is what a reader of ``/metrics`` must send; with
    ``None`` only programs on this machine may read it. Requests are counted in ``request_counts``.

    When the application starts (ASGI lifespan) it moves what a stop left in outboxes to the trail, finishes interrupted
    creations of clusters, and begins to finish interrupted deletions, in a thread that ends with the process; when it
    stops it writes the rest of the trail.
    ``GET /health`` needs no signature and answers 200 when the control store can be read, else 503. Requests run in
    threads; the stores must be usable from several, and stay the caller's to close. Queries and exports of CloudWatch
    Logs run in threads that end with the process.

    What the fleet sees in the stores: CreateHsm writes ``desired/hsm/<id>``, DeleteHsm sets its ``deleting``, and the
    HSM is gone from the API when that record is removed; DeleteCluster deletes the record ``cluster``, copies the
    cluster's audit logs into ``logs``, and then calls ``cluster_stores.delete``.
    """
    tokens = NextTokens(secrets.token_bytes(32))
    recorder = TrailRecorder(
        control=control,
        clusters=cluster_stores,
        logs=logs,
        region=region,
        operator_account=operator_account,
        clock=clock,
    )
    context = Context(
        control=control,
        logs=logs,
        cluster_stores=SettledStores(cluster_stores, recorder),
        zone_plan=zone_plan,
        clock=clock,
        tokens=tokens,
        limits=limits or Limits(),
    )
    sources = AuditSources(control, logs, cluster_stores)
    services = [
        cloudhsmv2(context),
        cloudtrail(TrailContext(logs, recorder, clock, tokens)),
        cloudwatch(metrics.Context(HsmPoints(logs, region), UserPoints(logs), clock, tokens)),
        logs_service(sources=sources, store=logs, buckets=buckets, region=region, clock=clock),
    ]
    counts = request_counts or RequestCounts()
    page = MetricsPage(Readings(control, cluster_stores), counts, metrics_token, release())
    verifier = SignatureVerifier(
        region=region,
        signing_names={service.model.signing_name for service in services},
        lookup=AccessKeys(control, open_sealed),
        clock=clock,
    )
    gateway = Gateway(
        services=services,
        verifier=verifier,
        recorder=recorder,
        ready=lambda: _read(control),
        clock=clock,
        finished=counts.finished,
    )

    def start() -> None:
        recorder.start()
        finish_interrupted(context)

    return gateway.application(on_start=start, on_stop=recorder.stop, pages=[page.route()])


def _read(control: Store) -> None:
    """Raises when the store cannot be read."""
    control.get("health")


def release() -> str:
    """The version of this package."""
    try:
        return version("strongroom")
    except PackageNotFoundError:
        return "unknown"
