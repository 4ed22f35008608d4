"""DescribeClusters. https://docs.aws.amazon.com/cloudhsm/latest/APIReference/API_DescribeClusters.html

Filters are ``clusterIds``, ``vpcIds`` and ``states``; a cluster must match all that are given. Clusters come in order
of their ids. A deleted cluster is shown as DELETED for a while.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

import msgspec

from strongroom.aws.gateway import Call
from strongroom.aws.paging import InvalidToken
from strongroom.services.cloudhsmv2 import clusters, refusals
from strongroom.services.cloudhsmv2.context import Context
from strongroom.services.cloudhsmv2.observation import ObservedCluster, observe
from strongroom.services.cloudhsmv2.shapes import Cluster
from strongroom.services.cloudhsmv2.views import cluster_view
from strongroom.vocabulary.records import ControlCluster
from strongroom.vocabulary.states import ClusterState

_MAX_PAGE: Final = 25
_FILTERS: Final = ("clusterIds", "states", "vpcIds")


class Request(msgspec.Struct, frozen=True, rename="pascal"):
    """DescribeClustersRequest."""

    filters: dict[str, list[str]] = {}
    next_token: str | None = None
    max_results: int = _MAX_PAGE


class Response(msgspec.Struct, frozen=True, rename="pascal"):
    """DescribeClustersResponse."""

    clusters: list[Cluster]
    next_token: str | None = None


def describe_clusters(context: Context, call: Call, request: Request) -> Response:
    """The account's clusters as their HSMs and the control plane left them."""
    _check_filters(request.filters)
    account = call.identity.account
    scope = f"DescribeClusters|{account}|{json.dumps(request.filters, sort_keys=True)}"
    after = ""
    if request.next_token is not None:
        try:
            after = context.tokens.open(scope, request.next_token)
        except InvalidToken:
            raise refusals.invalid_request("NextToken is not valid for this request.") from None
    page: list[Cluster] = []
    for observed in _matching(context, account, request.filters, after):
        if len(page) == request.max_results:
            return Response(page, context.tokens.issue(scope, page[-1].cluster_id))
        page.append(cluster_view(observed))
    return Response(page)


def _matching(context: Context, account: str, filters: dict[str, list[str]], after: str) -> Iterator[ObservedCluster]:
    now = context.clock()
    for stored in clusters.all_of(context.control, account, after):
        if clusters.is_forgotten(stored.cluster, now, context.limits.deleted_visible_seconds):
            continue
        if _record_matches(stored.cluster, filters):
            observed = observe(context, stored.cluster)
            if "states" not in filters or observed.state()[0] in filters["states"]:
                yield observed


def _record_matches(cluster: ControlCluster, filters: dict[str, list[str]]) -> bool:
    return all(
        name not in filters or value in filters[name]
        for name, value in (("clusterIds", cluster.cluster_id), ("vpcIds", cluster.vpc_id))
    )


def _check_filters(filters: dict[str, list[str]]) -> None:
    for name in filters:
        if name not in _FILTERS:
            raise refusals.invalid_request(f"Unknown filter {name}. The filters are {', '.join(_FILTERS)}.")
    for state in filters.get("states", []):
        if state not in list(ClusterState):
            raise refusals.invalid_request(f"Unknown state {state}. The states are {', '.join(ClusterState)}.")
