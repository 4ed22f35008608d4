"""What `strongroom status` shows: the service, the subnets, and all clusters with their HSMs."""

from __future__ import annotations

import time
from importlib import metadata
from typing import Any

from strongroom.aws.paging import NextTokens
from strongroom.fleet.zones import VPC_ID, ZonePlan
from strongroom.installation.errors import NotRunning
from strongroom.installation.lock import ServiceRecord, running_service
from strongroom.installation.settings import load_settings
from strongroom.installation.state_directory import StateDirectory
from strongroom.installation.stores import Stores
from strongroom.services.cloudhsmv2 import clusters
from strongroom.services.cloudhsmv2.context import Context
from strongroom.services.cloudhsmv2.observation import ObservedCluster, ObservedHsm, observe
from strongroom.vocabulary.states import ClusterState


def status(state: StateDirectory) -> dict[str, Any]:
    """The status as JSON values; read from the stores, so that it also works while the service is down."""
    service: ServiceRecord | None
    try:
        service = running_service(state)
    except NotRunning:
        service = None
    settings = load_settings(state.settings)
    plan = ZonePlan.over(settings.region, settings.address_range or "")
    anywhere = "127.0.0.1/32" if settings.address_range == "" else None
    return {
        "version": metadata.version("strongroom"),
        "running": service is not None,
        "pid": service.pid if service else None,
        "endpoint": service.endpoint if service else None,
        "region": settings.region,
        "account": settings.account,
        "state_directory": str(state.root),
        "vpc": VPC_ID,
        "subnets": [
            {
                "SubnetId": zone.subnet_id,
                "AvailabilityZone": zone.name,
                "CidrBlock": str(zone.network) if zone.network else anywhere,
            }
            for zone in plan.zones
        ],
        "clusters": _clusters(state, plan, running=service is not None),
    }


def _clusters(state: StateDirectory, plan: ZonePlan, *, running: bool) -> list[dict[str, Any]]:
    if not state.control_store.exists():
        return []
    stores = Stores(state)
    try:
        context = Context(stores.control, stores.logs, stores, plan, time.time, NextTokens(bytes(32)))
        everywhere = [stored.cluster for stored in clusters.everywhere(stores.control)]
        present = [cluster for cluster in everywhere if cluster.state != ClusterState.DELETED]
        return [_cluster(observe(context, cluster), running=running) for cluster in present]
    finally:
        stores.close()


def _cluster(observed: ObservedCluster, *, running: bool) -> dict[str, Any]:
    state, message = observed.state()
    return {
        "ClusterId": observed.cluster.cluster_id,
        "State": str(state),
        "StateMessage": message or "",
        "Mode": observed.cluster.mode,
        "HsmType": observed.cluster.hsm_type,
        "account": observed.cluster.account,
        "Hsms": [_hsm(hsm, running=running) for hsm in observed.hsms],
    }


def _hsm(hsm: ObservedHsm, *, running: bool) -> dict[str, Any]:
    state, message = hsm.state()
    alive = running and hsm.status is not None and (hsm.lease is None or hsm.lease.live)
    return {
        "HsmId": hsm.membership.hsm_id,
        "State": str(state),
        "StateMessage": message or "",
        "AvailabilityZone": hsm.membership.zone,
        "SubnetId": hsm.membership.subnet_id,
        "EniIp": hsm.membership.address,
        "port": hsm.membership.port,
        "pid": hsm.status.pid if alive and hsm.status else None,
        "memory_locked": hsm.status.memory_locked if hsm.status else None,
        "reboot_counter": hsm.status.reboot_counter if hsm.status else 0,
    }
