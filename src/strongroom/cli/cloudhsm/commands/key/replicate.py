"""``key replicate`` (aws-cloudhsm 2.5, 4.2)."""

from __future__ import annotations

import click

from strongroom.cli.cloudhsm import filters, key_objects, replication
from strongroom.cli.cloudhsm.click_types import ManyValues, command
from strongroom.cli.cloudhsm.envelope import CommandError, Data
from strongroom.cli.cloudhsm.program import Program
from strongroom.client import Attribute

_INSTEAD = "give it a key with `key wrap` and `key unwrap`"


@command(
    "replicate",
    examples=[
        "key replicate --filter attr.label=k1 --source-cluster-id cluster-abcdefghijk "
        "--destination-cluster-id cluster-abcdefghijk",
    ],
)
@click.option("--filter", "terms", cls=ManyValues, required=True, metavar="TERM…", help="The key to replicate.")
@replication.CLUSTER_OPTIONS
def replicate(program: Program, terms: tuple[str, ...], source_cluster_id: str, destination_cluster_id: str) -> Data:
    """Copy a key to a cluster that was made from a backup; within one cluster every HSM has it already."""
    wanted = filters.parse(terms)
    session = replication.session(program, source_cluster_id, destination_cluster_id, _INSTEAD)
    key = filters.one(session, wanted)
    if key.value(Attribute.TOKEN) is False:
        raise CommandError(
            f"The key {key_objects.reference(key)} is a session key: it is on one HSM and gone with the login."
        )
    return {"key": key_objects.full(key), "message": "Successfully replicated key"}
