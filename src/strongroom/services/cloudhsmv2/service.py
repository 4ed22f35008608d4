"""The operations of the service, tied to botocore's model, and what is done when the service starts."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import structlog

from strongroom.aws.gateway import HostedService
from strongroom.aws.models import service_model
from strongroom.aws.recording import Resource
from strongroom.services.cloudhsmv2 import (
    clusters,
    create_cluster,
    create_hsm,
    delete_cluster,
    delete_hsm,
    describe_clusters,
    initialize_cluster,
    list_tags,
    modify_cluster,
    refusals,
    tag_resource,
    untag_resource,
)
from strongroom.services.cloudhsmv2.context import Context
from strongroom.services.handlers import Handlers
from strongroom.vocabulary.states import ClusterState

log = structlog.get_logger(__name__)
_SECRETS: Final = frozenset({"PreCoPassword"})
"""The model marks nothing as sensitive."""


def cloudhsmv2(context: Context) -> HostedService:
    """The service over an installation's stores and network."""
    handler = Handlers(context, refusals.changed_meanwhile, refusals.store_unavailable).of

    return HostedService(
        model=service_model("cloudhsmv2"),
        handlers={
            "CreateCluster": handler(create_cluster.create_cluster, create_cluster.Request),
            "DescribeClusters": handler(describe_clusters.describe_clusters, describe_clusters.Request),
            "ModifyCluster": handler(modify_cluster.modify_cluster, modify_cluster.Request),
            "InitializeCluster": handler(initialize_cluster.initialize_cluster, initialize_cluster.Request),
            "DeleteCluster": handler(delete_cluster.delete_cluster, delete_cluster.Request),
            "CreateHsm": handler(create_hsm.create_hsm, create_hsm.Request),
            "DeleteHsm": handler(delete_hsm.delete_hsm, delete_hsm.Request),
            "TagResource": handler(tag_resource.tag_resource, tag_resource.Request),
            "UntagResource": handler(untag_resource.untag_resource, untag_resource.Request),
            "ListTags": handler(list_tags.list_tags, list_tags.Request),
        },
        invalid_request=refusals.INVALID_REQUEST,
        internal_failure=refusals.INTERNAL_FAILURE,
        secrets=_SECRETS,
        resources=_resources,
    )


def _resources(request: Mapping[str, Any], reply: Mapping[str, Any]) -> Sequence[Resource]:
    """The cluster that a call is about."""
    cluster = reply.get("Cluster") or {}
    cluster_id = request.get("ClusterId") or cluster.get("ClusterId") or request.get("ResourceId") or ""
    return [Resource("AWS::CloudHSM::Cluster", cluster_id, f"cluster/{cluster_id}")] if cluster_id else []


def finish_interrupted(context: Context) -> None:
    """Complete creations that a stop of the service interrupted, and begin to complete deletions, in a thread.

    An audit log that is to be kept may be long, so a cluster may stay in DELETE_IN_PROGRESS for a while. One that fails
    is told in the log and stays as it is: DeleteCluster can be called again, and so can this.
    """
    deletions = []
    with context.changing:
        for stored in list(clusters.everywhere(context.control)):
            if stored.cluster.state == ClusterState.CREATE_IN_PROGRESS:
                _try(create_cluster.make_store, context, stored)
            elif stored.cluster.state == ClusterState.DELETE_IN_PROGRESS:
                context.finishing.add(stored.cluster.cluster_id)
                deletions.append(stored)
    if deletions:
        threading.Thread(target=_finish_deletions, args=(context, deletions), name="deletions", daemon=True).start()


def _finish_deletions(context: Context, deletions: Sequence[clusters.Stored]) -> None:
    for stored in deletions:
        _try(_finish_deletion, context, stored)


def _finish_deletion(context: Context, stored: clusters.Stored) -> None:
    delete_cluster.finish(context, stored.cluster)


def _try(step: Callable[[Context, clusters.Stored], object], context: Context, stored: clusters.Stored) -> None:
    try:
        step(context, stored)
    except Exception as error:
        names = {"cluster_id": stored.cluster.cluster_id, "state": stored.cluster.state}
        log.error("cluster stays unfinished", **names, error=repr(error))  # noqa: TRY400 - the error says it all
