"""Which HSM has which address: the control plane's own book, so that no two HSMs of an installation share one.

An entry is written before the HSM's membership and outlives it until the next look: entries whose membership is gone
are dropped when an address or a quota is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from strongroom.services.cloudhsmv2 import clusters, refusals
from strongroom.services.cloudhsmv2.context import Context
from strongroom.services.cloudhsmv2.network import AddressUnavailable
from strongroom.storage.interface import Compare, Transaction, Write, prefix_end
from strongroom.vocabulary import records
from strongroom.vocabulary.records import HsmAddress
from strongroom.vocabulary.states import ClusterState


def held_by(context: Context, account: str) -> list[HsmAddress]:
    """The addresses of an account's HSMs that still exist."""
    return _drop_stale(context, [entry for entry in _entries(context) if entry.account == account])


def reserve(
    context: Context, *, account: str, cluster_id: str, hsm_id: str, zone: str, wanted_ip: str | None
) -> HsmAddress:
    """Give a new HSM an address in a zone. Raises the API's invalid-request error when there is none."""
    entries = _entries(context)
    try:
        address, port = context.zone_plan.allocate(zone, _taken(entries), wanted_ip)
    except AddressUnavailable:
        # Perhaps it belongs to an HSM that is gone.
        entries = _drop_stale(context, entries)
        try:
            address, port = context.zone_plan.allocate(zone, _taken(entries), wanted_ip)
        except AddressUnavailable as unavailable:
            raise refusals.invalid_request(f"{unavailable}.".replace("..", ".")) from None
    entry = HsmAddress(address, port, account, cluster_id, hsm_id)
    key = records.control_address_key(address, port)
    context.control.transact(
        Transaction(compares=(Compare(key, None),), writes=(Write(key, msgspec.msgpack.encode(entry)),))
    )
    return entry


def release(context: Context, entries: Sequence[HsmAddress]) -> None:
    """Take addresses out of the book."""
    if entries:
        writes = tuple(Write(records.control_address_key(entry.address, entry.port), None) for entry in entries)
        context.control.transact(Transaction(writes=writes))


def _taken(entries: Sequence[HsmAddress]) -> set[tuple[str, int]]:
    return {(entry.address, entry.port) for entry in entries}


def _entries(context: Context) -> list[HsmAddress]:
    found = context.control.list(records.CONTROL_ADDRESS, prefix_end(records.CONTROL_ADDRESS))
    decoder = msgspec.msgpack.Decoder(HsmAddress)
    return [decoder.decode(record.value) for record in found]


def _drop_stale(context: Context, entries: Sequence[HsmAddress]) -> list[HsmAddress]:
    kept = [entry for entry in entries if _exists(context, entry)]
    release(context, [entry for entry in entries if entry not in kept])
    return kept


def _exists(context: Context, entry: HsmAddress) -> bool:
    record = context.control.get(records.control_cluster_key(entry.account, entry.cluster_id))
    if record is None or clusters.decode(record.value).state != ClusterState.UNINITIALIZED:
        return False  # Only a cluster with a store has HSMs; see ControlCluster.
    store = context.cluster_stores.open(entry.cluster_id)
    return store.get(f"{records.DESIRED_HSM}{entry.hsm_id}") is not None
