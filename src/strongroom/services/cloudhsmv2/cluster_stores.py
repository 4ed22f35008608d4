"""The stores of clusters: one each, which the service and the cluster's HSMs meet in."""

from __future__ import annotations

from typing import Protocol

from strongroom.storage.interface import Store


class ClusterStores(Protocol):
    """Makes, opens and removes the stores of clusters. Safe to call from several threads."""

    def create(self, cluster_id: str) -> Store:
        """Make an empty store, or open the one that is there (a creation that was interrupted is done again)."""

    def open(self, cluster_id: str) -> Store:
        """The store of an existing cluster; the same object may be given each time, and callers do not close it."""

    def delete(self, cluster_id: str) -> None:
        """Close and remove a store with all that is in it; no error when it is not there."""
