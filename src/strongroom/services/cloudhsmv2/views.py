"""Clusters and HSMs as the API shows them."""

from __future__ import annotations

from typing import Final

import msgspec

from strongroom.services.cloudhsmv2.observation import ObservedCluster, ObservedHsm
from strongroom.services.cloudhsmv2.shapes import BackupRetentionPolicy, Certificates, Cluster, HsmInstance, Tag

_MESSAGE_CHARACTERS: Final = 300
"""Of a StateMessage, by the model."""


def cluster_view(observed: ObservedCluster) -> Cluster:
    cluster = observed.cluster
    state, message = observed.state()
    return Cluster(
        cluster_id=cluster.cluster_id,
        state=state,
        state_message=_shortened(message),
        hsm_type=cluster.hsm_type,
        mode=cluster.mode,
        network_type=cluster.network_type,
        create_timestamp=cluster.created_at,
        backup_policy="DEFAULT",
        backup_retention_policy=BackupRetentionPolicy(cluster.retention_type, cluster.retention_value),
        security_group=cluster.security_group,
        vpc_id=cluster.vpc_id,
        subnet_mapping=cluster.subnet_mapping,
        hsms=[hsm_view(cluster.cluster_id, hsm) for hsm in observed.hsms],
        certificates=msgspec.convert(observed.certificates(), Certificates),
        tag_list=tag_list(cluster.tags),
        source_backup_id=cluster.source_backup_id,
    )


def hsm_view(cluster_id: str, hsm: ObservedHsm) -> HsmInstance:
    membership = hsm.membership
    state, message = hsm.state()
    return HsmInstance(
        hsm_id=membership.hsm_id,
        cluster_id=cluster_id,
        availability_zone=membership.zone,
        subnet_id=membership.subnet_id,
        eni_id=membership.eni_id,
        eni_ip=membership.address,
        hsm_type=membership.hsm_type,
        state=state,
        state_message=_shortened(message),
    )


def tag_list(tags: dict[str, str]) -> list[Tag]:
    """Tags in order of their keys."""
    return [Tag(key, value) for key, value in sorted(tags.items())]


def _shortened(message: str | None) -> str | None:
    return message[:_MESSAGE_CHARACTERS] if message else None
