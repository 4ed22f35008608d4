"""The stores of clusters, of which none is removed before its records of changes are in the trail."""

from __future__ import annotations

from strongroom.services.cloudhsmv2.cluster_stores import ClusterStores
from strongroom.services.cloudtrail.recorder import TrailRecorder
from strongroom.storage.interface import Store


class SettledStores:
    """:class:`ClusterStores` over others.

    :meth:`delete` raises ``StoreError`` while the trail cannot be written, or the cluster's store cannot be read.
    """

    def __init__(self, stores: ClusterStores, recorder: TrailRecorder) -> None:
        self._stores = stores
        self._recorder = recorder

    def create(self, cluster_id: str) -> Store:
        return self._stores.create(cluster_id)

    def open(self, cluster_id: str) -> Store:
        return self._stores.open(cluster_id)

    def delete(self, cluster_id: str) -> None:
        # One that an interrupted deletion removed already is made again, so that the recorder finds it empty.
        self._stores.create(cluster_id)
        self._recorder.settle(cluster_id)
        self._stores.delete(cluster_id)
