"""The configuration file as a document, and the changes that options make to it.

Members that no option is about stay as they are, so that a file that was edited by hand can be configured further.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from strongroom.cli.configure.errors import ConfigureError
from strongroom.client.configuration import PLACEHOLDER

DEFAULT_TRUST_ANCHOR: Final = "customerCA.crt"
"""Beside the configuration file."""


def read(path: Path) -> dict[str, Any]:
    """The file's document; an empty one where there is no file."""
    try:
        document = json.loads(path.read_text())
    except FileNotFoundError:
        return {"clusters": []}
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigureError(f"The configuration file {path} cannot be read: {error}.") from error
    except json.JSONDecodeError as error:
        raise ConfigureError(f"The configuration file {path} is not JSON: {error}; correct or remove it.") from error
    if not isinstance(document, dict) or not _is_list_of_clusters(document.setdefault("clusters", [])):
        raise ConfigureError(f"The configuration file {path} is not one of a client; remove it.")
    return document


def write(path: Path, document: Mapping[str, Any]) -> None:
    """Put the document in the file's place as a whole; clients that read meanwhile see the old one or the new one."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            file.write(json.dumps(document, indent=2) + "\n")
        temporary = Path(file.name)
        # A temporary file is its owner's alone; this one holds no secret, and programs of other users read it.
        temporary.chmod(path.stat().st_mode & 0o777 if path.exists() else 0o644)
        temporary.replace(path)
    except OSError as error:
        raise ConfigureError(f"The configuration file {path} cannot be written: {error.strerror}.") from error


def only_cluster(document: dict[str, Any], cluster_id: str | None) -> dict[str, Any]:
    """The settings of the cluster that options without a subcommand are about: the named, the only, or a new one."""
    entries = document["clusters"]
    if len(entries) > 1:
        named = find(document, cluster_id) if cluster_id is not None else None
        if named is None:
            raise ConfigureError(
                f"The file configures several clusters: {', '.join(identifiers(document))}. Say which with "
                "--cluster-id, or use add-cluster and remove-cluster."
            )
        return named
    if not entries:
        entries.append(_new_entry())
    settings: dict[str, Any] = entries[0]["cluster"]
    return settings


def add(document: dict[str, Any], cluster_id: str) -> dict[str, Any]:
    """The settings of one more cluster; one that was never configured is replaced."""
    if find(document, cluster_id) is not None:
        raise ConfigureError(f"{cluster_id} is configured already; use remove-cluster first to add it anew.")
    document["clusters"] = [entry for entry in document["clusters"] if not _is_unconfigured(entry)]
    entry = _new_entry()
    document["clusters"].append(entry)
    settings: dict[str, Any] = entry["cluster"]
    settings["cluster_id"] = cluster_id
    return settings


def remove(document: dict[str, Any], cluster_id: str) -> None:
    """Take a cluster out."""
    if find(document, cluster_id) is None:
        raise ConfigureError(
            f"{cluster_id} is not configured; configured are: {', '.join(identifiers(document)) or 'none'}."
        )
    document["clusters"] = [entry for entry in document["clusters"] if entry["cluster"].get("cluster_id") != cluster_id]


def find(document: Mapping[str, Any], cluster_id: str) -> dict[str, Any] | None:
    """The settings of a cluster."""
    for entry in document["clusters"]:
        settings: dict[str, Any] = entry["cluster"]
        if settings.get("cluster_id") == cluster_id:
            return settings
    return None


def identifiers(document: Mapping[str, Any]) -> list[str]:
    """The ids of all clusters, as a person reads them."""
    return [str(entry["cluster"].get("cluster_id") or "(without id)") for entry in document["clusters"]]


def set_servers(settings: dict[str, Any], servers: Sequence[tuple[str, int]]) -> None:
    """The HSMs that are asked first."""
    settings["servers"] = [{"hostname": address, "port": port, "enable": True} for address, port in servers]


def _new_entry() -> dict[str, Any]:
    return {"type": "hsm1", "cluster": {"hsm_ca_file": DEFAULT_TRUST_ANCHOR, "servers": []}}


def _is_unconfigured(entry: Mapping[str, Any]) -> bool:
    """As installed: the placeholder of AWS's files, or no address at all."""
    servers = entry["cluster"].get("servers") or []
    return all(isinstance(server, dict) and server.get("hostname") == PLACEHOLDER for server in servers)


def _is_list_of_clusters(value: object) -> bool:
    return isinstance(value, list) and all(
        isinstance(entry, dict) and isinstance(entry.get("cluster"), dict) for entry in value
    )
