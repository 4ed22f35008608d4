"""What the PKCS #11 library sends, counted in its log at level ``trace``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Trace:
    """An environment whose PKCS #11 library writes each request that it sends to a file."""

    environment: dict[str, str] = field(repr=False)
    log: Path

    def operations(self) -> list[str]:
        """The names of the operations sent since the last look, in their order."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        self.log.unlink(missing_ok=True)
        return [line.partition(" sends ")[2].partition(" to ")[0] for line in lines if " sends " in line]


def traced(environment: Mapping[str, str], directory: Path, *others: Mapping[str, str]) -> Trace:
    """The environment with a client configuration of its own, to which the clusters of ``others`` are added."""
    configurations = [json.loads(Path(each["STRONGROOM_CONFIG"]).read_text()) for each in (environment, *others)]
    log = directory / "client.log"
    content = {
        **configurations[0],
        "clusters": [cluster for each in configurations for cluster in each["clusters"]],
        "logging": {"log_type": "file", "log_file": str(log), "log_level": "trace"},
    }
    file = directory / "client.json"
    file.write_text(json.dumps(content))
    return Trace({**environment, "STRONGROOM_CONFIG": str(file)}, log)
