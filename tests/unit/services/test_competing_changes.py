"""What happens when another service changes the same cluster between a look and a write."""

from __future__ import annotations

import time

import msgspec
import pytest

from strongroom.aws.errors import AwsError
from strongroom.aws.gateway import Call
from strongroom.aws.paging import NextTokens
from strongroom.aws.sigv4 import Identity
from strongroom.services import Limits, Subnet
from strongroom.services.cloudhsmv2 import create_cluster, create_hsm, delete_cluster, service
from strongroom.services.cloudhsmv2.context import Context
from strongroom.storage.interface import CompareFailed, StoreUnavailable, Transaction, Write
from strongroom.storage.memory import MemoryStore
from strongroom.vocabulary.records import MembershipRecord

CALL = Call("-", Identity("111122223333", "AKIAAAAAAAAAAAAAAAAA", "cloudhsm"), "request", "127.0.0.1")
SUBNET = Subnet("subnet-00000000", "us-east-1a", "vpc-00000000")
ZONE = SUBNET.zone


class CompetingStore(MemoryStore):
    """Somebody else writes just before the next transaction."""

    def __init__(self) -> None:
        super().__init__()
        self.competitor: tuple[Write, ...] = ()

    def transact(self, transaction):
        writes, self.competitor = self.competitor, ()
        if writes:
            super().transact(Transaction(writes=writes))
        return super().transact(transaction)


class Stores(dict):
    def create(self, cluster_id):
        return self.setdefault(cluster_id, CompetingStore())

    def open(self, cluster_id):
        return self[cluster_id]

    def delete(self, cluster_id):
        self.pop(cluster_id, None)


class OneSubnet:
    def subnets(self):
        return [SUBNET]

    def allocate(self, zone, taken, wanted_ip):
        return next(f"127.0.1.{host}" for host in range(4, 60) if (f"127.0.1.{host}", 2223) not in taken), 2223


@pytest.fixture
def context():
    return Context(MemoryStore(), MemoryStore(), Stores(), OneSubnet(), time.time, NextTokens(b"k" * 32), Limits())


@pytest.fixture
def cluster_id(context):
    request = create_cluster.Request(hsm_type="hsm2m.medium", subnet_ids=[SUBNET.subnet_id])
    return create_cluster.create_cluster(context, CALL, request).cluster.cluster_id


def addresses(context):
    return [record.key for record in context.control.list("address/", "address0")]


def test_an_hsm_is_not_added_to_a_cluster_that_is_deleted_meanwhile(context, cluster_id):
    context.cluster_stores[cluster_id].competitor = (Write("cluster", None),)
    with pytest.raises(CompareFailed):
        create_hsm.create_hsm(context, CALL, create_hsm.Request(cluster_id, ZONE))
    assert context.cluster_stores[cluster_id].list("desired/", "desired0") == []
    assert addresses(context) == []


def test_a_cluster_is_not_deleted_while_an_hsm_is_added_meanwhile(context, cluster_id):
    store = context.cluster_stores[cluster_id]
    membership = MembershipRecord(
        "hsm-aaaaaaaaaaa", ZONE, SUBNET.subnet_id, "127.0.1.4", 2223, 0.0, "eni-0", "hsm2m.medium"
    )
    store.competitor = (
        Write("cluster", store.get("cluster").value),
        Write("desired/hsm/hsm-aaaaaaaaaaa", msgspec.msgpack.encode(membership)),
    )
    with pytest.raises(CompareFailed):
        delete_cluster.delete_cluster(context, CALL, delete_cluster.Request(cluster_id))
    with pytest.raises(AwsError, match="still has HSMs"):
        delete_cluster.delete_cluster(context, CALL, delete_cluster.Request(cluster_id))
    assert cluster_id in context.cluster_stores


def test_a_lost_race_is_told_as_such(context, cluster_id):
    context.cluster_stores[cluster_id].competitor = (Write("cluster", None),)
    handler = service.cloudhsmv2(context).handlers["CreateHsm"]
    with pytest.raises(AwsError) as caught:
        handler(CALL, {"ClusterId": cluster_id, "AvailabilityZone": ZONE})
    assert (caught.value.code, caught.value.status) == ("CloudHsmServiceException", 400)
    assert "send it again" in caught.value.message


def test_a_full_disk_is_told_without_naming_the_installations_files(context, cluster_id, monkeypatch):
    def full(_transaction):
        raise StoreUnavailable("the store /srv/strongroom/x.db is unavailable: the disk is full: make room")

    monkeypatch.setattr(context.cluster_stores[cluster_id], "transact", full)
    handler = service.cloudhsmv2(context).handlers["CreateHsm"]
    with pytest.raises(AwsError) as caught:
        handler(CALL, {"ClusterId": cluster_id, "AvailabilityZone": ZONE})
    assert (caught.value.code, caught.value.status) == ("CloudHsmInternalFailureException", 500)
    assert "disk may be full" in caught.value.message
    assert "/srv" not in caught.value.message
    monkeypatch.undo()
    assert addresses(context) == []
    assert handler(CALL, {"ClusterId": cluster_id, "AvailabilityZone": ZONE})["Hsm"]["State"] == "CREATE_IN_PROGRESS"


def test_the_address_of_an_hsm_that_is_gone_is_given_again(context, cluster_id):
    first = create_hsm.create_hsm(context, CALL, create_hsm.Request(cluster_id, ZONE)).hsm
    assert len(addresses(context)) == 1
    gone = Write(f"desired/hsm/{first.hsm_id}", None)
    context.cluster_stores[cluster_id].transact(Transaction(writes=(gone,)))
    second = create_hsm.create_hsm(context, CALL, create_hsm.Request(cluster_id, ZONE)).hsm
    assert second.eni_ip == first.eni_ip
    assert len(addresses(context)) == 1
