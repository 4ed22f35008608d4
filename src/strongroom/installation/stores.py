"""The stores of an installation on one machine: SQLite files for the control plane, for logs, and for each cluster."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Sequence

from strongroom.installation.state_directory import StateDirectory
from strongroom.storage.interface import Store, StoreError, prefix_end
from strongroom.storage.opening import open_store
from strongroom.vocabulary import records


class Stores:
    """Opens each store once and gives the same object to everybody in this process; thread-safe."""

    def __init__(self, state: StateDirectory) -> None:
        self._state = state
        self._lock = threading.Lock()
        self._clusters: dict[str, Store] = {}
        self._control = open_store(f"sqlite:{state.control_store}")
        self._logs = open_store(f"sqlite:{state.logs_store}")

    @property
    def control(self) -> Store:
        return self._control

    @property
    def logs(self) -> Store:
        return self._logs

    def cluster_ids(self) -> Sequence[str]:
        """The clusters that have a store now; one that is being created or was deleted has none."""
        prefix = records.CONTROL_CLUSTER
        ids = [record.key.removeprefix(prefix) for record in self._control.list(prefix, prefix_end(prefix))]
        return [cluster_id for cluster_id in ids if self._state.cluster_store(cluster_id).exists()]

    def url(self, cluster_id: str) -> str:
        return f"sqlite:{self._state.cluster_store(cluster_id)}"

    def create(self, cluster_id: str) -> Store:
        with self._lock:
            if cluster_id not in self._clusters:
                self._clusters[cluster_id] = open_store(self.url(cluster_id))
            return self._clusters[cluster_id]

    def open(self, cluster_id: str) -> Store:
        """Raises :class:`~strongroom.storage.interface.StoreError` when there is no such store."""
        if cluster_id not in self._clusters and not self._state.cluster_store(cluster_id).exists():
            raise StoreError(f"the store of {cluster_id} is missing: {self._state.cluster_store(cluster_id)}")
        return self.create(cluster_id)

    def delete(self, cluster_id: str) -> None:
        with self._lock:
            store = self._clusters.pop(cluster_id, None)
            if store is not None:
                store.close()
            path = self._state.cluster_store(cluster_id)
            for name in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
                name.unlink(missing_ok=True)
            shutil.rmtree(path.with_name(f"{path.name}.wake"), ignore_errors=True)

    def close(self) -> None:
        with self._lock:
            for store in self._clusters.values():
                store.close()
            self._clusters.clear()
            self._control.close()
            self._logs.close()
