"""The shapes of the API that operations share (aws-cloudhsm 1.3). Members are pascal case on the wire."""

from __future__ import annotations

import msgspec


class Tag(msgspec.Struct, frozen=True, rename="pascal"):
    """A tag of a resource."""

    key: str
    value: str


class BackupRetentionPolicy(msgspec.Struct, frozen=True, rename="pascal"):
    """How long backups are kept: ``DAYS`` and a number from 7 to 379 as text."""

    type: str | None = None
    value: str | None = None


class Certificates(msgspec.Struct, frozen=True, rename="pascal"):
    """PEM texts; which are shown depends on the cluster's state."""

    cluster_csr: str | None = None
    hsm_certificate: str | None = None
    aws_hardware_certificate: str | None = None
    manufacturer_hardware_certificate: str | None = None
    cluster_certificate: str | None = None


class HsmInstance(msgspec.Struct, frozen=True, rename="pascal"):
    """The API's ``Hsm``: an HSM as the control plane shows it."""

    hsm_id: str
    cluster_id: str
    availability_zone: str
    subnet_id: str
    eni_id: str
    eni_ip: str
    hsm_type: str
    state: str
    state_message: str | None = None


class Cluster(msgspec.Struct, frozen=True, rename="pascal"):
    """A cluster; ``create_timestamp`` is in seconds since 1970."""

    cluster_id: str
    state: str
    hsm_type: str
    mode: str
    network_type: str
    create_timestamp: float
    backup_policy: str
    backup_retention_policy: BackupRetentionPolicy
    security_group: str
    vpc_id: str
    subnet_mapping: dict[str, str]
    hsms: list[HsmInstance]
    certificates: Certificates
    tag_list: list[Tag]
    state_message: str | None = None
    source_backup_id: str | None = None
