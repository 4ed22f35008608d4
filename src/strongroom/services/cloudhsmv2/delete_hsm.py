"""DeleteHsm. https://docs.aws.amazon.com/cloudhsm/latest/APIReference/API_DeleteHsm.html

Marks the membership; the fleet stops the process and removes the membership, and the HSM is gone from the API.
"""

from __future__ import annotations

import msgspec

from strongroom.aws.gateway import Call
from strongroom.services.cloudhsmv2 import clusters, refusals
from strongroom.services.cloudhsmv2.context import Context
from strongroom.services.cloudhsmv2.observation import ObservedCluster, ObservedHsm, observe
from strongroom.storage.interface import Compare, Transaction, Write
from strongroom.vocabulary import records


class Request(msgspec.Struct, frozen=True, rename="pascal"):
    """DeleteHsmRequest: exactly one of the three names of the HSM."""

    cluster_id: str
    hsm_id: str | None = None
    eni_id: str | None = None
    eni_ip: str | None = None


class Response(msgspec.Struct, frozen=True, rename="pascal"):
    """DeleteHsmResponse."""

    hsm_id: str


def delete_hsm(context: Context, call: Call, request: Request) -> Response:
    """Ask the HSM to hand over and stop. Asking again changes nothing."""
    if sum(name is not None for name in (request.hsm_id, request.eni_id, request.eni_ip)) != 1:
        raise refusals.invalid_request("Name the HSM by exactly one of HsmId, EniId and EniIp.")
    with context.changing:
        stored = clusters.find(context.control, call.identity.account, request.cluster_id)
        hsm = _find(observe(context, stored.cluster), request)
        response = Response(hsm.membership.hsm_id)
        if not hsm.membership.deleting:
            key = f"{records.DESIRED_HSM}{hsm.membership.hsm_id}"
            changed = msgspec.msgpack.encode(msgspec.structs.replace(hsm.membership, deleting=True))
            context.cluster_stores.open(request.cluster_id).transact(
                Transaction(
                    compares=(Compare(key, hsm.membership_revision),),
                    writes=(Write(key, changed), *call.record(response, request.cluster_id)),
                )
            )
    return response


def _find(observed: ObservedCluster, request: Request) -> ObservedHsm:
    wanted = request.hsm_id or request.eni_id or request.eni_ip
    found = [
        hsm for hsm in observed.hsms if wanted in {hsm.membership.hsm_id, hsm.membership.eni_id, hsm.membership.address}
    ]
    if not found:
        raise refusals.not_found(f"Cluster {request.cluster_id} has no HSM {wanted}.")
    if len(found) > 1:
        # Only where HSMs share one address and differ by port.
        raise refusals.invalid_request(f"Several HSMs have the address {wanted}; name the HSM by its HsmId.")
    return found[0]
