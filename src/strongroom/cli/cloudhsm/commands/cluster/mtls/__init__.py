"""``cluster mtls``: whose certificates let clients in (aws-cloudhsm 3.6)."""

from strongroom.cli.cloudhsm.click_types import Group
from strongroom.cli.cloudhsm.commands.cluster.mtls.deregister_trust_anchor import deregister_trust_anchor
from strongroom.cli.cloudhsm.commands.cluster.mtls.get_enforcement import get_enforcement
from strongroom.cli.cloudhsm.commands.cluster.mtls.list_trust_anchors import list_trust_anchors
from strongroom.cli.cloudhsm.commands.cluster.mtls.register_trust_anchor import register_trust_anchor
from strongroom.cli.cloudhsm.commands.cluster.mtls.set_enforcement import set_enforcement

GROUP = Group(
    "mtls",
    "Mutual TLS: trust anchors of clients, and their enforcement.",
    [deregister_trust_anchor, get_enforcement, list_trust_anchors, register_trust_anchor, set_enforcement],
)
