"""The HTTP application of an installation's services, for any ASGI server."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import Any, Final

from starlette.applications import Starlette

from strongroom.aws.access_keys import AccessKeys
from strongroom.aws.gateway import Gateway
from strongroom.aws.paging import NextTokens
from strongroom.aws.sigv4 import SignatureVerifier
from strongroom.services.cloudhsmv2.cluster_stores import ClusterStores
from strongroom.services.cloudhsmv2.context import Context, Limits
from strongroom.services.cloudhsmv2.network import ZonePlan
from strongroom.services.cloudhsmv2.service import cloudhsmv2, finish_interrupted
from strongroom.services.patience import MAX_HEAD_BYTES, PatientHttp
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
    zone_plan: ZonePlan,
    region: str,
    open_sealed: Callable[[str, bytes], bytes],
    limits: Limits | None = None,
    clock: Callable[[], float] = time.time,
) -> Starlette:
    """The ASGI application that answers AWS's APIs; run it as ``uvicorn.Config(application(…), **SERVER_OPTIONS)``.

    ``control`` is the control plane's store; ``logs`` holds what outlives clusters; ``cluster_stores`` makes, opens and
    removes those of clusters; ``zone_plan`` knows subnets and gives addresses. ``region`` is the only one that requests
    may be signed for. ``open_sealed(context, sealed)`` opens an access key's secret (the native
    ``Installation.open_sealed``). ``clock`` gives seconds since 1970.

    When the application starts (ASGI lifespan) it finishes creations and deletions of clusters that were interrupted.
    ``GET /health`` needs no signature and answers 200 when the control store can be read, else 503. Requests run in
    threads; the stores must be usable from several. Nothing is started in the background and nothing needs closing
    but the stores, which stay the caller's.

    What the fleet sees in the stores: CreateHsm writes ``desired/hsm/<id>``, DeleteHsm sets its ``deleting``, and the
    HSM is gone from the API when that record is removed; DeleteCluster deletes the record ``cluster``, copies the
    cluster's audit logs into ``logs``, and then calls ``cluster_stores.delete``.
    """
    context = Context(
        control=control,
        logs=logs,
        cluster_stores=cluster_stores,
        zone_plan=zone_plan,
        clock=clock,
        tokens=NextTokens(secrets.token_bytes(32)),
        limits=limits or Limits(),
    )
    service = cloudhsmv2(context)
    verifier = SignatureVerifier(
        region=region,
        signing_names={service.model.signing_name},
        lookup=AccessKeys(control, open_sealed),
        clock=clock,
    )
    gateway = Gateway(services=[service], verifier=verifier, ready=lambda: _read(control), clock=clock)
    return gateway.application(on_start=lambda: finish_interrupted(context))


def _read(control: Store) -> None:
    """Raises when the store cannot be read."""
    control.get("health")
