"""The state directory: where everything of an installation lies.

::

    root.key              the root key (0600); a copy belongs elsewhere, never beside a copy of the rest
    installation.sealed   roots and host key, sealed by the root key
    settings.json         region, account, address range, endpoint
    credentials           the first access key, in the AWS tools' format (0600)
    metrics-token         what readers of /metrics must send; made by the operator (0600)
    control.db            the control plane's store
    trail/                log files of the trail and their signed digests
    buckets/NAME/         what CreateExportTask wrote
    logs.db               the logs store: trail, users' log groups, metrics, audit of deleted clusters
    clusters/ID.db        a cluster's store
    hsms/ID/              an HSM's own directory: identity, anchors, hsm.log
    quickstart/           customer CA, PINs (0600), client configuration
    run/                  lock, service.json while the service runs
    logs/service.log
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import platformdirs

from strongroom.private_files import make_private_directory


def default_state_directory() -> Path:
    """``$XDG_STATE_HOME/strongroom``, or ``~/.local/state/strongroom``."""
    return platformdirs.user_state_path("strongroom", appauthor=False)


@dataclass(frozen=True, slots=True)
class StateDirectory:
    """The paths in a state directory."""

    root: Path

    @property
    def root_key(self) -> Path:
        return self.root / "root.key"

    @property
    def sealed_installation(self) -> Path:
        return self.root / "installation.sealed"

    @property
    def settings(self) -> Path:
        return self.root / "settings.json"

    @property
    def credentials(self) -> Path:
        return self.root / "credentials"

    @property
    def metrics_token(self) -> Path:
        return self.root / "metrics-token"

    @property
    def control_store(self) -> Path:
        return self.root / "control.db"

    @property
    def logs_store(self) -> Path:
        return self.root / "logs.db"

    @property
    def buckets(self) -> Path:
        return self.root / "buckets"

    @property
    def trail(self) -> Path:
        return self.root / "trail"

    @property
    def clusters(self) -> Path:
        return self.root / "clusters"

    def cluster_store(self, cluster_id: str) -> Path:
        return self.clusters / f"{cluster_id}.db"

    @property
    def hsms(self) -> Path:
        return self.root / "hsms"

    def hsm(self, hsm_id: str) -> Path:
        return self.hsms / hsm_id

    @property
    def quickstart(self) -> Path:
        return self.root / "quickstart"

    @property
    def run(self) -> Path:
        return self.root / "run"

    @property
    def lock(self) -> Path:
        return self.run / "lock"

    @property
    def service_record(self) -> Path:
        return self.run / "service.json"

    @property
    def service_log(self) -> Path:
        return self.root / "logs" / "service.log"

    def exists(self) -> bool:
        """Whether an installation was made here."""
        return self.sealed_installation.exists()

    def make(self) -> None:
        """Make all directories, each for its owner alone."""
        make_private_directory(self.root)
        for directory in (self.clusters, self.hsms, self.quickstart, self.run, self.service_log.parent):
            make_private_directory(directory)
