"""The services of quorum approval (aws-cloudhsm 3.5).

The numbers are those of approval data: 3 and 5 as published, 4 by the numbering of AWS's older tools, others chosen.
"""

from __future__ import annotations

from enum import IntEnum


class QuorumService(IntEnum):
    """What a token is for."""

    USER = 3
    QUORUM = 4
    KEY_USAGE = 5
    KEY_MANAGEMENT = 6
    CLUSTER = 7
    REGISTRATION = 8


SERVICE_NAMES: dict[QuorumService, str] = {
    QuorumService.USER: "user",
    QuorumService.QUORUM: "quorum",
    QuorumService.CLUSTER: "cluster",
    QuorumService.KEY_MANAGEMENT: "key-management",
    QuorumService.KEY_USAGE: "key-usage",
    QuorumService.REGISTRATION: "registration",
}
"""The spelling of ``cloudhsm-cli``."""
ADMIN_SERVICES = (QuorumService.USER, QuorumService.QUORUM, QuorumService.CLUSTER)
"""What admins approve; how many must is a value of the cluster."""
KEY_SERVICES = (QuorumService.KEY_MANAGEMENT, QuorumService.KEY_USAGE)
"""What those approve who own or share a key; how many must is a value of that key."""
QUORUM_OFF = 1
"""The value of an admin service that needs no approval."""
LARGEST_QUORUM = 8
TOKEN_SECONDS = 600
"""How long a token is good for where an admin has set nothing else."""
TIMEOUTS = range(60, 86_400 + 1)
"""What an admin may set, in seconds: less than a minute is no time to sign in, and a login rarely lasts for a day."""
