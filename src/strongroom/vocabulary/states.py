"""The states of AWS CloudHSM's control plane, to the letter (aws-cloudhsm 1.4)."""

from __future__ import annotations

from enum import StrEnum


class ClusterState(StrEnum):
    """States of a cluster."""

    CREATE_IN_PROGRESS = "CREATE_IN_PROGRESS"
    UNINITIALIZED = "UNINITIALIZED"
    INITIALIZE_IN_PROGRESS = "INITIALIZE_IN_PROGRESS"
    INITIALIZED = "INITIALIZED"
    ACTIVE = "ACTIVE"
    UPDATE_IN_PROGRESS = "UPDATE_IN_PROGRESS"
    MODIFY_IN_PROGRESS = "MODIFY_IN_PROGRESS"
    ROLLBACK_IN_PROGRESS = "ROLLBACK_IN_PROGRESS"
    DELETE_IN_PROGRESS = "DELETE_IN_PROGRESS"
    DELETED = "DELETED"
    DEGRADED = "DEGRADED"


class HsmState(StrEnum):
    """States of an HSM as the API shows them."""

    CREATE_IN_PROGRESS = "CREATE_IN_PROGRESS"
    ACTIVE = "ACTIVE"
    DEGRADED = "DEGRADED"
    DELETE_IN_PROGRESS = "DELETE_IN_PROGRESS"
    DELETED = "DELETED"


class HsmHealth(StrEnum):
    """What an HSM process says of itself in its status record."""

    STARTING = "STARTING"
    JOINING = "JOINING"
    """Waiting for an envelope from a live member."""
    WAITING_FOR_CERTIFICATE = "WAITING_FOR_CERTIFICATE"
    """The first HSM of a cluster, with its CSR made; port 2223 is closed."""
    ACTIVE = "ACTIVE"
    ERROR = "ERROR"
    """It refuses work; the status message says why."""
    STOPPED = "STOPPED"


class Mode(StrEnum):
    """The mode of a cluster, fixed at its creation."""

    FIPS = "FIPS"
    NON_FIPS = "NON_FIPS"
