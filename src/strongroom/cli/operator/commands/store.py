"""``strongroom store``: decisions about a store that only the operator can take."""

from __future__ import annotations

import time

import click
import msgspec

from strongroom.cli.operator.refusals import Refusal
from strongroom.cli.operator.state_option import state_option
from strongroom.installation.state_directory import StateDirectory
from strongroom.installation.stores import Stores
from strongroom.storage.interface import Transaction, Write
from strongroom.vocabulary import records
from strongroom.vocabulary.records import AcceptRollbackRecord


@click.group()
def store() -> None:
    """Decisions about a cluster's store."""


@store.command("accept-rollback")
@click.option("--cluster", "cluster_id", required=True, metavar="CLUSTER-ID")
@click.option("--reason", default="accepted by the operator", help="Why; it stands in the audit log.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@state_option
def accept_rollback(state: StateDirectory, cluster_id: str, reason: str, yes: bool) -> None:
    """Let HSMs serve a store that is older than what they saw, such as one restored from a copy.

    Whatever was changed since that copy is lost: destroyed keys are back, new ones gone, old passwords valid. Every
    HSM of the cluster writes into its audit log that this was accepted, and why.

    \b
    Example:
        strongroom store accept-rollback --cluster cluster-abcdefghijk --reason "disk failure on Monday"
    """
    if not state.cluster_store(cluster_id).exists():
        raise Refusal(f"there is no cluster {cluster_id} in {state.root}", "see `strongroom status`")
    if not yes:
        click.confirm(f"Accept that {cluster_id} goes back to an older state?", abort=True, err=True)
    stores = Stores(state)
    try:
        record = AcceptRollbackRecord(reason, time.time())
        write = Write(records.DESIRED_ACCEPT_ROLLBACK, msgspec.msgpack.encode(record))
        stores.open(cluster_id).transact(Transaction(writes=(write,)))
    finally:
        stores.close()
    click.echo(f"Accepted for {cluster_id}: its HSMs go on with the state that the store has now.")
