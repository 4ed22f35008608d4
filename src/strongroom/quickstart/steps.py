"""The quick start, step by step. Each step looks first whether it was done, so an interrupted one is taken up again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from strongroom.private_files import make_private_directory
from strongroom.quickstart.client_configuration import write_client_configuration
from strongroom.quickstart.control_api import Cluster, ControlApi
from strongroom.quickstart.customer_ca import make_customer_ca, sign_csr
from strongroom.quickstart.files import QuickstartFiles
from strongroom.quickstart.hsm_users import HsmUsers

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Wish:
    """What is wanted: how many HSMs, in which mode, and the zones (name → subnet id) to spread them over."""

    state_directory: Path
    zones: Mapping[str, str]
    mode: str = "FIPS"
    hsms: int = 2


def make_cluster(files: QuickstartFiles, environment: Mapping[str, str], wish: Wish, say: Say) -> str:
    """Make what is missing of the quick-start cluster; gives its id. ``environment`` names endpoint and access key."""
    make_private_directory(files.directory)
    api = ControlApi(environment)
    cluster = api.quickstart_cluster()
    if cluster is None:
        say(f"CreateCluster ({wish.mode} mode)")
        cluster = api.create_cluster(list(wish.zones.values()), wish.mode)
    cluster_id: str = cluster["ClusterId"]
    zones = list(wish.zones)
    if not _present(cluster):
        say(f"CreateHsm in {zones[0]}")
        api.create_hsm(cluster_id, zones[0])
    with HsmUsers(files.client_configuration) as users:
        if cluster["State"] != "ACTIVE":
            users.load()  # while the HSM starts
        cluster = _initialize(files, api, cluster, say)
        write_client_configuration(files, cluster, wish.state_directory)
        pins = files.make_pins()
        if cluster["State"] == "INITIALIZED":
            say("cloudhsm-cli cluster activate, user create")
            users.activate_and_create(pins, activate=True)
            cluster = api.wait_for(cluster_id, "become ACTIVE", lambda c: c["State"] == "ACTIVE")
        elif not users.crypto_user_exists():
            say("cloudhsm-cli user create")
            users.activate_and_create(pins, activate=False)
    for number in range(len(_present(cluster)), wish.hsms):
        zone = zones[number % len(zones)]
        say(f"CreateHsm in {zone}")
        api.create_hsm(cluster_id, zone)
    cluster = api.wait_for(cluster_id, "have all its HSMs ACTIVE", _all_active)
    write_client_configuration(files, cluster, wish.state_directory)
    return cluster_id


def _initialize(files: QuickstartFiles, api: ControlApi, cluster: Cluster, say: Say) -> Cluster:
    """The cluster once it has its certificate and an active HSM."""
    cluster_id: str = cluster["ClusterId"]
    make_customer_ca(files)
    if cluster["State"] == "UNINITIALIZED":
        cluster = api.wait_for(cluster_id, "show its CSR", lambda c: bool(c.get("Certificates", {}).get("ClusterCsr")))
        say("Signing the cluster's CSR with the customer CA, InitializeCluster")
        certificate = sign_csr(files, cluster["Certificates"]["ClusterCsr"])
        api.initialize_cluster(cluster_id, certificate, files.trust_anchor.read_text())
    api.wait_for(cluster_id, "become INITIALIZED", lambda c: c["State"] in {"INITIALIZED", "ACTIVE"})
    return api.wait_for(cluster_id, "have an active HSM", _any_active)


def _present(cluster: Cluster) -> list[Mapping[str, str]]:
    return [hsm for hsm in cluster["Hsms"] if hsm["State"] not in {"DELETE_IN_PROGRESS", "DELETED"}]


def _any_active(cluster: Cluster) -> bool:
    return any(hsm["State"] == "ACTIVE" for hsm in cluster["Hsms"])


def _all_active(cluster: Cluster) -> bool:
    present = _present(cluster)
    return bool(present) and all(hsm["State"] == "ACTIVE" for hsm in present)
