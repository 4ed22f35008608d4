"""Zones and addresses on one machine: loopback addresses play the addresses of AWS's network interfaces.

An installation takes a free ``127.x.y.0/24``. It is split into /26 subnets, one per zone, with ids that never change. A
listening socket on ``127.x.y.1`` claims the range as long as the service runs, so that two installations never share
one. Where such addresses cannot be bound, every HSM gets ``127.0.0.1`` and a port of its own.
"""

from __future__ import annotations

import errno
import ipaddress
import random
import socket
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from strongroom.services.cloudhsmv2.network import AddressUnavailable, Subnet
from strongroom.vocabulary.addresses import HSM_PORT

VPC_ID: Final = "vpc-05742047600000001"
SUBNET_IDS: Final = ("subnet-0574204760000000a", "subnet-0574204760000000b", "subnet-0574204760000000c")

_RESERVED_LOW: Final = 4
"""AWS keeps the first four addresses of a subnet and the last for itself; so do we (the claim is one of them)."""
_CLAIM_PORT: Final = HSM_PORT
_ATTEMPTS: Final = 50


@dataclass(frozen=True, slots=True)
class Zone:
    """An availability zone with its one subnet. ``network`` is ``None`` where HSMs differ by port only."""

    name: str
    subnet_id: str
    network: ipaddress.IPv4Network | None

    def addresses(self) -> Iterator[str]:
        if self.network is None:
            return
        for address in list(self.network)[_RESERVED_LOW:-1]:
            yield str(address)


@dataclass(frozen=True, slots=True)
class ZonePlan:
    """The zones of an installation. ``base`` is the first address of its range, or empty where there is none."""

    region: str
    base: str
    zones: tuple[Zone, ...]

    @staticmethod
    def over(region: str, base: str) -> ZonePlan:
        """The plan over a range; an empty ``base`` means that only ports tell HSMs apart."""
        networks: list[ipaddress.IPv4Network | None] = [None] * len(SUBNET_IDS)
        if base:
            networks[:] = list(ipaddress.IPv4Network(f"{base}/24").subnets(new_prefix=26))[: len(SUBNET_IDS)]
        names = [f"{region}{letter}" for letter in "abc"]
        zones = tuple(
            Zone(name, subnet, network) for name, subnet, network in zip(names, SUBNET_IDS, networks, strict=True)
        )
        return ZonePlan(region, base, zones)

    def subnets(self) -> Sequence[Subnet]:
        return [Subnet(zone.subnet_id, zone.name, VPC_ID) for zone in self.zones]

    def allocate(self, zone: str, taken: Collection[tuple[str, int]], wanted_ip: str | None) -> tuple[str, int]:
        """An address and port for a new HSM in a zone, none of ``taken``; ``wanted_ip`` asks for one address.

        Raises :class:`AddressUnavailable`, also when the wanted address is taken or outside the subnet.
        """
        place = next((place for place in self.zones if place.name == zone), None)
        if place is None:
            raise AddressUnavailable(f"there is no zone {zone}; the zones are {', '.join(self.zone_names())}")
        if place.network is None:
            return self._allocate_port(taken, wanted_ip)
        taken_addresses = {address for address, _ in taken}
        if wanted_ip is not None:
            if wanted_ip not in set(place.addresses()):
                raise AddressUnavailable(
                    f"{wanted_ip} is no address for HSMs in subnet {place.subnet_id} ({place.network})"
                )
            if wanted_ip in taken_addresses:
                raise AddressUnavailable(f"{wanted_ip} is in use by another HSM")
            return wanted_ip, HSM_PORT
        for address in place.addresses():
            if address not in taken_addresses:
                return address, HSM_PORT
        raise AddressUnavailable(f"subnet {place.subnet_id} has no free address left")

    def zone_names(self) -> list[str]:
        return [zone.name for zone in self.zones]

    def _allocate_port(self, taken: Collection[tuple[str, int]], wanted_ip: str | None) -> tuple[str, int]:
        if wanted_ip not in {None, "127.0.0.1"}:
            raise AddressUnavailable("this machine has one address for all HSMs, 127.0.0.1")
        for _ in range(_ATTEMPTS):
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                port = int(probe.getsockname()[1])
            if ("127.0.0.1", port) not in taken:
                return "127.0.0.1", port
        raise AddressUnavailable("no free port was found on 127.0.0.1")


class RangeClaim:
    """An address range that this process holds for an installation; :meth:`release` gives it up."""

    def __init__(self, plan: ZonePlan, claim: socket.socket | None) -> None:
        self.plan = plan
        self._claim = claim

    @staticmethod
    def take(region: str, remembered: str | None, *, chooser: random.Random | None = None) -> RangeClaim:
        """Claim the remembered range (``""``: ports only), or a free random one where none is remembered.

        Raises :class:`AddressUnavailable` when another running installation holds the remembered one.
        """
        if remembered == "":
            return RangeClaim(ZonePlan.over(region, ""), None)
        if remembered is not None:
            try:
                return RangeClaim(ZonePlan.over(region, remembered), _listen(_claim_address(remembered)))
            except OSError as error:
                raise AddressUnavailable(
                    f"the address range {remembered}/24 of this installation cannot be claimed ({error.strerror}):"
                    f" another program listens on {_claim_address(remembered)}:{_CLAIM_PORT}; stop it and start again"
                ) from None
        random_source = chooser or random.SystemRandom()
        for _ in range(_ATTEMPTS):
            base = f"127.{random_source.randint(1, 254)}.{random_source.randint(0, 254)}.0"
            try:
                return RangeClaim(ZonePlan.over(region, base), _listen(_claim_address(base)))
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    break
        return RangeClaim(ZonePlan.over(region, ""), None)

    def release(self) -> None:
        if self._claim is not None:
            self._claim.close()
            self._claim = None


def _claim_address(base: str) -> str:
    return str(ipaddress.IPv4Address(base) + 1)


def _listen(address: str) -> socket.socket:
    """A listener that accepts nobody: its only use is that nobody else can have the address and port."""
    claim = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        claim.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        claim.bind((address, _CLAIM_PORT))
        claim.listen(1)
    except OSError:
        claim.close()
        raise
    return claim
