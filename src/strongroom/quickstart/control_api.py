"""The control API as a customer's program calls it: botocore with an access key and the endpoint's URL."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final

from strongroom.quickstart.errors import QuickstartError

HSM_TYPE: Final = "hsm2m.medium"
TAG: Final = {"Key": "strongroom:quickstart", "Value": "true"}
_FIRST_POLL_SECONDS: Final = 0.03
_LONGEST_POLL_SECONDS: Final = 0.1
_WAIT_SECONDS: Final = 120.0

Cluster = Mapping[str, Any]
"""A cluster as DescribeClusters shows it."""


class ControlApi:
    """The calls that the quick start makes. ``environment`` is what ``strongroom env`` exports."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ClientError

        self._errors = (BotoCoreError, ClientError)
        self._client = _session().create_client(
            "cloudhsmv2",
            endpoint_url=environment["AWS_ENDPOINT_URL"],
            region_name=environment["AWS_DEFAULT_REGION"],
            aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
            verify=environment.get("AWS_CA_BUNDLE"),
            config=Config(retries={"max_attempts": 2}, connect_timeout=5, read_timeout=30, proxies={}),
        )

    @classmethod
    def load(cls) -> None:
        """Load ahead what the calls need, most of which a session keeps; calls nobody."""
        cls(
            {
                "AWS_ENDPOINT_URL": "http://127.0.0.1",
                "AWS_DEFAULT_REGION": "us-east-1",
                "AWS_ACCESS_KEY_ID": "-",
                "AWS_SECRET_ACCESS_KEY": "-",
            }
        )

    def quickstart_cluster(self) -> Cluster | None:
        """The cluster that carries our tag and is not deleted or being deleted."""
        found: list[Cluster] = []
        token: dict[str, str] = {}
        while True:
            page = self._call("describe_clusters", **token)
            found.extend(page["Clusters"])
            if not page.get("NextToken"):
                break
            token = {"NextToken": page["NextToken"]}
        for cluster in found:
            if TAG in cluster.get("TagList", []) and cluster["State"] not in {"DELETED", "DELETE_IN_PROGRESS"}:
                return cluster
        return None

    def create_cluster(self, subnet_ids: list[str], mode: str) -> Cluster:
        created = self._call("create_cluster", HsmType=HSM_TYPE, Mode=mode, SubnetIds=subnet_ids, TagList=[TAG])
        return self.wait_for(
            created["Cluster"]["ClusterId"], "be created", lambda c: c["State"] != "CREATE_IN_PROGRESS"
        )

    def create_hsm(self, cluster_id: str, zone: str) -> None:
        self._call("create_hsm", ClusterId=cluster_id, AvailabilityZone=zone)

    def initialize_cluster(self, cluster_id: str, certificate: str, trust_anchor: str) -> None:
        self._call("initialize_cluster", ClusterId=cluster_id, SignedCert=certificate, TrustAnchor=trust_anchor)

    def cluster(self, cluster_id: str) -> Cluster:
        clusters = self._call("describe_clusters", Filters={"clusterIds": [cluster_id]})["Clusters"]
        if not clusters:
            raise QuickstartError(f"cluster {cluster_id} is gone")
        found: Cluster = clusters[0]
        return found

    def wait_for(self, cluster_id: str, what: str, reached: Callable[[Cluster], bool]) -> Cluster:
        """Ask until ``reached``; :class:`QuickstartError` says what the cluster and its HSMs reported at the end."""
        end = time.monotonic() + _WAIT_SECONDS
        pause = _FIRST_POLL_SECONDS
        while True:
            cluster = self.cluster(cluster_id)
            if reached(cluster):
                return cluster
            if time.monotonic() > end:
                raise QuickstartError(
                    f"cluster {cluster_id} did not {what} within {_WAIT_SECONDS:.0f} s; {_reported(cluster)}",
                    "see `strongroom logs`",
                )
            time.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_POLL_SECONDS)

    def _call(self, operation: str, **parameters: object) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = getattr(self._client, operation)(**parameters)
        except self._errors as error:
            raise QuickstartError(f"{operation} failed: {error}", "see `strongroom logs`") from None
        return answer


@cache
def _session() -> Any:  # noqa: ANN401 — botocore is not typed
    from botocore.session import Session

    # Everything is given to the client, so whichever profile AWS_PROFILE names, it need not be there.
    return Session({"profile": (None, None, None, None)})


def _reported(cluster: Cluster) -> str:
    parts = [f"it is {cluster['State']} {cluster.get('StateMessage', '')}".strip()]
    parts += [f"{hsm['HsmId']} is {hsm['State']} {hsm.get('StateMessage', '')}".strip() for hsm in cluster["Hsms"]]
    return ", ".join(parts)
