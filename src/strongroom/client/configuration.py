"""Finding the client's configuration file and choosing a cluster in it (its shape: aws-cloudhsm 4.4)."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from strongroom.client.errors import ConfigurationError

VARIABLE: Final = "STRONGROOM_CONFIG"
PLACEHOLDER: Final = "%%HSM_IP_ADDRESS%%"
SYSTEM_PATHS: Final = (Path("/etc/strongroom/client.json"), Path("/opt/cloudhsm/etc/cloudhsm-cli.cfg"))
"""Where a file is looked for when neither an argument nor the variable names one, after the user's own file."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """A configuration file cut down to one cluster: ``text`` is what the native client takes."""

    path: Path
    cluster_id: str
    text: str


def default_paths(environment: Mapping[str, str], system_paths: Sequence[Path]) -> list[Path]:
    """The documented default paths in their order: the user's file, then the system's."""
    home = environment.get("HOME", "")
    base = environment.get("XDG_CONFIG_HOME") or (f"{home}/.config" if home else "")
    own = [Path(base) / "strongroom" / "client.json"] if base else []
    return [*own, *system_paths]


def locate(path: str | os.PathLike[str] | None, environment: Mapping[str, str]) -> Path:
    """The file to use: ``path``, else ``STRONGROOM_CONFIG``, else the first default path that exists."""
    named = path or environment.get(VARIABLE)
    if named:
        return Path(named)
    candidates = default_paths(environment, SYSTEM_PATHS)
    for candidate in candidates:
        if candidate.exists():
            return candidate
    looked = ", ".join(str(candidate) for candidate in candidates)
    raise ConfigurationError(
        f'No configuration file: set {VARIABLE} (`eval "$(strongroom env)"` does it) or make one of {looked}.'
    )


def load(
    path: str | os.PathLike[str] | None = None,
    cluster_id: str | None = None,
    environment: Mapping[str, str] | None = None,
) -> Configuration:
    """Read the file and keep the cluster ``cluster_id``, or the only one that it names."""
    file = locate(path, os.environ if environment is None else environment)
    try:
        document = msgspec.json.decode(file.read_bytes())
    except OSError as error:
        raise ConfigurationError(f"The configuration file {file} cannot be read: {error.strerror}.") from error
    except msgspec.DecodeError as error:
        raise ConfigurationError(f"The configuration file {file} is not JSON: {error}.") from error
    entries = _clusters(document, file)
    chosen = _choose(entries, cluster_id, file)
    text = msgspec.json.encode(_with_whole_paths({**document, "clusters": [chosen]}, file.absolute().parent))
    return Configuration(path=file, cluster_id=_identifier(chosen), text=text.decode())


def _clusters(document: object, file: Path) -> list[dict[str, Any]]:
    clusters = document.get("clusters") if isinstance(document, dict) else None
    if not isinstance(clusters, list) or not clusters:
        raise ConfigurationError(f'The configuration file {file} names no cluster: it needs a list "clusters".')
    for entry in clusters:
        cluster = entry.get("cluster") if isinstance(entry, dict) else None
        servers = cluster.get("servers") if isinstance(cluster, dict) else None
        if not isinstance(servers, list) or not servers or not all(isinstance(server, dict) for server in servers):
            raise ConfigurationError(
                f'A cluster in the configuration file {file} names no server: "cluster" needs a list "servers".'
            )
        if any(server.get("hostname") == PLACEHOLDER for server in servers):
            raise ConfigurationError(
                f"The configuration file {file} still holds {PLACEHOLDER}: write an HSM's address there."
            )
    return clusters


def _choose(entries: list[dict[str, Any]], cluster_id: str | None, file: Path) -> dict[str, Any]:
    known = ", ".join(_identifier(entry) or "(without id)" for entry in entries)
    if cluster_id is None:
        if len(entries) == 1:
            return entries[0]
        raise ConfigurationError(f"{file} configures several clusters: choose one with --cluster-id ({known}).")
    for entry in entries:
        if _identifier(entry) == cluster_id:
            return entry
    raise ConfigurationError(f"The cluster {cluster_id} is not in {file}; it has: {known}.")


def _with_whole_paths(document: dict[str, Any], directory: Path) -> dict[str, Any]:
    """Relative paths in a configuration file are taken from its directory; its text alone does not know that."""
    cluster = document["clusters"][0]["cluster"]
    for settings, name in (
        (cluster, "hsm_ca_file"),
        (cluster, "client_cert_hsm_tls_file"),
        (cluster, "client_key_hsm_tls_file"),
        (document.get("logging"), "log_file"),
    ):
        if isinstance(settings, dict) and isinstance(settings.get(name), str):
            settings[name] = str(directory / settings[name])
    return document


def _identifier(entry: dict[str, Any]) -> str:
    return str(entry["cluster"].get("cluster_id", ""))
