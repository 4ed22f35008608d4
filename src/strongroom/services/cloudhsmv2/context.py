"""What the operations work with: the stores, the network, the clock and the limits of an installation."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from strongroom.aws.paging import NextTokens
from strongroom.services.cloudhsmv2.cluster_stores import ClusterStores
from strongroom.services.cloudhsmv2.network import ZonePlan
from strongroom.storage.interface import Store


@dataclass(frozen=True, slots=True)
class Limits:
    """Quotas of an account in a region (aws-cloudhsm 1.7) and how long a deleted cluster stays visible."""

    clusters: int = 4
    hsms: int = 6
    hsms_per_cluster: int = 28
    deleted_visible_seconds: float = 3600.0


@dataclass(frozen=True, slots=True)
class Context:
    """Given to every operation."""

    control: Store
    logs: Store
    cluster_stores: ClusterStores
    zone_plan: ZonePlan
    clock: Callable[[], float]
    tokens: NextTokens
    limits: Limits = field(default_factory=Limits)
    changing: threading.Lock = field(default_factory=threading.Lock)
    """Held by operations that change something: quotas span stores, which no transaction does (ADR 0062)."""
    finishing: set[str] = field(default_factory=set)
    """Clusters whose interrupted deletion a thread completes; guarded by ``changing``."""
