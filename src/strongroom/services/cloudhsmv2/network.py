"""The network that clusters are created in: subnets, one per zone, and the addresses of HSMs in them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Subnet:
    """A subnet (``subnet-…``) of a VPC (``vpc-…``) in an availability zone (``us-east-1a``)."""

    subnet_id: str
    zone: str
    vpc_id: str


class AddressUnavailable(Exception):
    """No address can be given; the message says why and what to do, and is shown to the caller of CreateHsm."""


class ZonePlan(Protocol):
    """What the installation offers. The service asks; it never binds an address."""

    def subnets(self) -> Sequence[Subnet]:
        """All subnets, one per zone."""

    def allocate(self, zone: str, taken: Collection[tuple[str, int]], wanted_ip: str | None) -> tuple[str, int]:
        """An address and port for a new HSM in a zone, none of ``taken``; ``wanted_ip`` asks for one address.

        Raises :class:`AddressUnavailable`, also when the wanted address is taken or not in the zone's subnet.
        """
