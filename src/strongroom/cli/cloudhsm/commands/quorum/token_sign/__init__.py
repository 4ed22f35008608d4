"""``quorum token-sign``: quorum by signatures over tokens (aws-cloudhsm 3.5)."""

from strongroom.cli.cloudhsm.click_types import Group
from strongroom.cli.cloudhsm.commands.quorum.token_sign.delete import delete
from strongroom.cli.cloudhsm.commands.quorum.token_sign.generate import generate
from strongroom.cli.cloudhsm.commands.quorum.token_sign.list import list_tokens
from strongroom.cli.cloudhsm.commands.quorum.token_sign.list_quorum_values import list_quorum_values
from strongroom.cli.cloudhsm.commands.quorum.token_sign.list_timeouts import list_timeouts
from strongroom.cli.cloudhsm.commands.quorum.token_sign.set_quorum_value import set_quorum_value
from strongroom.cli.cloudhsm.commands.quorum.token_sign.set_timeout import set_timeout

GROUP = Group(
    "token-sign",
    "Tokens that approvers sign.",
    [delete, generate, list_tokens, list_quorum_values, list_timeouts, set_quorum_value, set_timeout],
)
