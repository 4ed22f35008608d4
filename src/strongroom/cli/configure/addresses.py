"""Where HSMs are: from addresses that are given, or from the control API by the cluster's id."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Any, Final

from strongroom.cli.configure.errors import ConfigureError

PORT: Final = 2223
FALLBACK_REGION: Final = "us-east-1"
_NAME: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,252})")


def parse(text: str) -> tuple[str, int]:
    """``ADDRESS`` or ``ADDRESS:PORT``; the port is 2223 unless HSMs share an address."""
    address, separator, port = text.rpartition(":")
    if not separator or _is_ipv6(text):
        address, port = text, str(PORT)
    number = int(port) if port.isascii() and port.isdecimal() and len(port) <= 5 else 0
    if not 0 < number < 65_536:
        raise ConfigureError(f"{text!r} has no port: write ADDRESS or ADDRESS:PORT, as in 10.0.0.5.")
    if not _NAME.fullmatch(address) and not _is_ipv6(address):
        raise ConfigureError(f"{text!r} is no address of an HSM: write ADDRESS or ADDRESS:PORT, as in 10.0.0.5.")
    return address, number


def by_cluster_id(
    cluster_id: str, region: str | None, endpoint: str | None, environment: Mapping[str, str]
) -> list[tuple[str, int]]:
    """The HSMs of a cluster by DescribeClusters, with the credentials that AWS's own tools use."""
    import botocore.session
    from botocore.exceptions import BotoCoreError, ClientError

    session = botocore.session.Session()
    chosen = (
        region
        or environment.get("AWS_DEFAULT_REGION")
        or environment.get("AWS_REGION")
        or session.get_config_variable("region")
        or FALLBACK_REGION
    )
    try:
        client = session.create_client("cloudhsmv2", region_name=chosen, endpoint_url=endpoint)
        clusters = client.describe_clusters(Filters={"clusterIds": [cluster_id]})["Clusters"]
    except (BotoCoreError, ClientError, ValueError) as error:
        raise ConfigureError(
            f"{cluster_id} could not be described: {error}. Check --endpoint, --region and the credentials, or give "
            "the HSMs' addresses with -a."
        ) from error
    if not clusters:
        raise ConfigureError(f"There is no cluster {cluster_id} in {chosen}; check --cluster-id and --region.")
    found = [(str(hsm["EniIp"]), PORT) for hsm in clusters[0].get("Hsms", []) if _can_be_asked(hsm)]
    if not found:
        raise ConfigureError(f"{cluster_id} has no HSM with an address yet; create one, or give addresses with -a.")
    return found


def _can_be_asked(hsm: Mapping[str, Any]) -> bool:
    return bool(hsm.get("EniIp")) and hsm.get("State") not in ("DELETE_IN_PROGRESS", "DELETED")


def _is_ipv6(text: str) -> bool:
    try:
        return ipaddress.ip_address(text).version == 6
    except ValueError:
        return False
