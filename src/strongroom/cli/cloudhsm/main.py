"""The program ``cloudhsm-cli``."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence

from strongroom.cli.cloudhsm import commands
from strongroom.cli.cloudhsm.click_types import Group, output_option
from strongroom.cli.cloudhsm.dispatch import NAME, dispatch
from strongroom.cli.cloudhsm.interactive import interactive
from strongroom.cli.cloudhsm.program import OpenCluster, Program
from strongroom.cli.cloudhsm.terminal import Terminal
from strongroom.client import Cluster

_HELP = """Users and keys of a cluster of HSMs.

Every command prints one JSON object, {"error_code": 0, "data": …}, and returns 0; a failed one prints
{"error_code": 1, "data": "what was wrong"} and returns 1. With --output table answers are text for people, and
errors are on standard error.

A command that needs a login takes it from CLOUDHSM_ROLE (admin or crypto-user) and CLOUDHSM_PIN (user:password); in
`interactive` mode from `login`. The cluster is that of the configuration file of --config, else of STRONGROOM_CONFIG.
"""


def main() -> None:
    """Run the command line and exit with its status."""
    from strongroom._native import forbid_dumps

    forbid_dumps()
    try:
        status = run(sys.argv[1:], os.environ, Terminal(), Cluster.open)
    except BrokenPipeError:
        # Whoever read our output has gone; Python would complain of it once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 1
    sys.exit(status)


def run(words: Sequence[str], environment: Mapping[str, str], terminal: Terminal, open_cluster: OpenCluster) -> int:
    """Run one command, or the interactive mode; gives the exit status."""
    root = Group(NAME, _HELP, [*commands.COMMANDS, interactive])
    root.params.append(output_option())
    program = Program(terminal, environment, open_cluster)
    try:
        return dispatch(program, root, words or ["--help"])
    finally:
        program.close()
