"""``cluster``: the cluster as a whole."""

from strongroom.cli.cloudhsm.click_types import Group
from strongroom.cli.cloudhsm.commands.cluster.activate import activate
from strongroom.cli.cloudhsm.commands.cluster.hsm_info import hsm_info
from strongroom.cli.cloudhsm.commands.cluster.mtls import GROUP as MTLS

GROUP = Group(
    "cluster", "Activate the cluster, see its HSMs, say which clients it lets in.", [activate, hsm_info, MTLS]
)
