"""Zones, subnets and addresses."""

import random
import re
import socket

import pytest

from strongroom.fleet.zones import SUBNET_IDS, VPC_ID, RangeClaim, ZonePlan
from strongroom.services.cloudhsmv2.network import AddressUnavailable, Subnet


def test_the_service_sees_each_subnet_with_its_zone_and_the_vpc(plan):
    assert plan.subnets()[1] == Subnet(SUBNET_IDS[1], "us-east-1b", VPC_ID)


@pytest.fixture
def plan():
    return ZonePlan.over("us-east-1", "127.9.8.0")


def test_three_zones_have_subnets_with_ids_that_never_change(plan):
    assert [(zone.name, zone.subnet_id, str(zone.network)) for zone in plan.zones] == [
        ("us-east-1a", "subnet-0574204760000000a", "127.9.8.0/26"),
        ("us-east-1b", "subnet-0574204760000000b", "127.9.8.64/26"),
        ("us-east-1c", "subnet-0574204760000000c", "127.9.8.128/26"),
    ]
    assert all(re.fullmatch(r"subnet-[0-9a-f]{17}", subnet) for subnet in SUBNET_IDS)
    assert re.fullmatch(r"vpc-[0-9a-f]{17}", VPC_ID)


def test_each_hsm_gets_an_address_of_its_zone_and_the_port_2223(plan):
    first = plan.allocate("us-east-1b", [], None)
    second = plan.allocate("us-east-1b", [first], None)
    assert first == ("127.9.8.68", 2223)
    assert second == ("127.9.8.69", 2223)


def test_a_wanted_address_is_given_when_it_is_free(plan):
    assert plan.allocate("us-east-1a", [], "127.9.8.40") == ("127.9.8.40", 2223)


def test_a_wanted_address_that_is_taken_is_refused(plan):
    with pytest.raises(AddressUnavailable, match="in use by another HSM"):
        plan.allocate("us-east-1a", [("127.9.8.40", 2223)], "127.9.8.40")


@pytest.mark.parametrize("address", ["127.9.8.1", "127.9.8.63", "127.9.8.70", "10.0.0.1", "nonsense"])
def test_a_wanted_address_outside_the_subnet_is_refused(plan, address):
    with pytest.raises(AddressUnavailable, match="no address for HSMs"):
        plan.allocate("us-east-1a", [], address)


def test_a_full_subnet_is_refused(plan):
    taken = []
    for _ in range(59):
        taken.append(plan.allocate("us-east-1a", taken, None))
    assert len(set(taken)) == 59
    with pytest.raises(AddressUnavailable, match="no free address left"):
        plan.allocate("us-east-1a", taken, None)


def test_an_unknown_zone_is_refused_and_the_zones_are_named(plan):
    with pytest.raises(AddressUnavailable, match="us-east-1a, us-east-1b, us-east-1c"):
        plan.allocate("eu-west-1a", [], None)


def test_without_a_range_hsms_differ_by_port():
    plan = ZonePlan.over("us-east-1", "")
    first = plan.allocate("us-east-1a", [], None)
    second = plan.allocate("us-east-1b", [first], None)
    assert first[0] == second[0] == "127.0.0.1"
    assert first[1] != second[1]
    with pytest.raises(AddressUnavailable, match="one address for all"):
        plan.allocate("us-east-1a", [], "127.0.0.9")


def test_a_claimed_range_cannot_be_claimed_again_until_it_is_released():
    claim = RangeClaim.take("us-east-1", None)
    with pytest.raises(AddressUnavailable, match="another program listens"):
        RangeClaim.take("us-east-1", claim.plan.base)
    claim.release()
    again = RangeClaim.take("us-east-1", claim.plan.base)
    assert again.plan == claim.plan
    again.release()


def seed():
    return random.Random(7)  # noqa: S311


def test_two_installations_that_draw_the_same_range_get_different_ones():
    first = RangeClaim.take("us-east-1", None, chooser=seed())
    second = RangeClaim.take("us-east-1", None, chooser=seed())
    assert first.plan.base != second.plan.base
    first.release()
    second.release()


def test_where_loopback_addresses_cannot_be_bound_ports_are_used(monkeypatch):
    def refuse(self, address):
        raise OSError(99, "Cannot assign requested address")

    monkeypatch.setattr(socket.socket, "bind", refuse)
    assert RangeClaim.take("us-east-1", None).plan.base == ""
