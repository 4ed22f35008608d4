"""What ``key replicate`` and ``user replicate`` share (aws-cloudhsm 2.5).

Clusters exchange keys and users where one was made from the other's backup. Clusters of this release never were, so
none of them takes what is another's; and within a cluster every HSM has every key and user already.
"""

from __future__ import annotations

import click

from strongroom.cli.cloudhsm.click_types import options
from strongroom.cli.cloudhsm.envelope import CommandError
from strongroom.cli.cloudhsm.program import Program
from strongroom.client import Session

CLUSTER_OPTIONS = options(
    click.option("--source-cluster-id", required=True, help="Cluster that has it."),
    click.option("--destination-cluster-id", required=True, help="Cluster that is to have it."),
)


def session(program: Program, source: str, destination: str, instead: str) -> Session:
    """The login to the source, where the destination is a cluster that can be given something."""
    program.choose_cluster(source)
    found = program.session()
    if source != destination:
        raise CommandError(
            f"{destination} was not made from a backup of {source}, so it takes nothing of it; {instead}. "
            "Within a cluster every HSM has every key and user."
        )
    return found
