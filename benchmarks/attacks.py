"""What hostile peers cost honest callers: signatures under a flood of failed logins, and latency beside crowds."""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from benchmarks import promises
from benchmarks.load import Work, load
from benchmarks.processes import cpu_seconds, hsms
from benchmarks.tokens import Token
from strongroom.hsm.refusals import Rv
from strongroom.vocabulary.operations import Operation
from strongroom.vocabulary.roles import Role

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "support"))
from frames import Peer, Refused
from hostile import crowd

_LOGINS = 6
"""Connections of the flood; each has up to 100 wrong logins on their way."""
_CROWDS = (("idle", 9_900), ("greeted", 1_000), ("slow-tls", 500), ("garbage", 1), ("handshakes", 1))
_HTTP_CROWDS = (("idle", 9_900), ("slow-http", 500), ("garbage", 1))
_SIGN = Work("P-256 sign, 16 threads", "ecdsa:p256", 16, key="p256")
_SIGN_ALONE = Work("P-256 sign, 1 thread", "ecdsa:p256", 1, key="p256")
_CHECKS = 3
_BURSTS = 5
_PAUSE_SECONDS = 3.0
"""Failed attempts have a budget of CPU time; a burst of so many waits for nothing after such a pause."""
_QUIET_SOURCE = "127.0.0.77"
"""An address that no crowd comes from."""


@dataclass(frozen=True)
class Attacks:
    """Signatures a second, milliseconds of CPU for a password check, and p99 latencies as multiples of the idle one."""

    sign_per_second: list[float]
    sign_per_second_under_flood: list[float]
    password_check_ms: float
    hsm_p99: dict[str, float]
    control_api_p99: dict[str, float]

    @property
    def slowdown(self) -> float:
        return 1 - statistics.median(self.sign_per_second_under_flood) / statistics.median(self.sign_per_second)

    def problems(self) -> list[str]:
        """What is above its ceiling."""
        found = []
        if self.slowdown > promises.FLOOD_SLOWDOWN_CEILING:
            found.append("sign under a flood of logins")
        if self.password_check_ms > promises.PASSWORD_CHECK_CEILING_MS:
            found.append("password check")
        for server, figures in (("HSM", self.hsm_p99), ("control API", self.control_api_p99)):
            found += [
                f"{server} beside {kind}" for kind, times in figures.items() if times > promises.HONEST_P99_CEILING
            ]
        return found

    def lines(self) -> list[str]:
        ceiling = f"ceiling {promises.HONEST_P99_CEILING:g}"
        return [
            "hostile peers",
            f"  P-256 sign, 16 threads: {statistics.median(self.sign_per_second):,.0f}/s, under a flood of failed"
            f" logins {statistics.median(self.sign_per_second_under_flood):,.0f}/s: {self.slowdown:.1%} slower, ceiling"
            f" {promises.FLOOD_SLOWDOWN_CEILING:.0%}",
            f"  CPU time of the HSM for a failed login: {self.password_check_ms:.1f} ms, ceiling"
            f" {promises.PASSWORD_CHECK_CEILING_MS:g}",
            *(
                f"  honest p99 at the {server}, as a multiple of the idle one: "
                + ", ".join(f"{kind} {times:.1f}" for kind, times in figures.items())
                + f"; {ceiling}"
                for server, figures in (("HSM", self.hsm_p99), ("control API", self.control_api_p99))
            ),
        ]

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "slowdown": self.slowdown, "problems": self.problems()}


def measure(token: Token, runs: int, seconds: float) -> Attacks:
    """On our token and the service of the environment."""
    (hsm,) = hsms()
    address = (hsm["EniIp"], hsm["port"])
    usual, flooded = [], []
    for _ in range(runs):
        usual.append(load(token, _SIGN, warm_up_seconds=0.5, seconds=seconds).per_second)
        with crowd("logins", address, _LOGINS):
            flooded.append(load(token, _SIGN, warm_up_seconds=0.5, seconds=seconds).per_second)

    def sign_p99() -> float:
        return float(load(token, _SIGN_ALONE, warm_up_seconds=0.2, seconds=seconds).p99_us)

    return Attacks(
        usual,
        flooded,
        _password_check_ms(hsm["pid"], address),
        _beside_crowds(sign_p99, address, _CROWDS),
        _beside_crowds(_control_api_p99(seconds), _control_address(), _HTTP_CROWDS),
    )


def _password_check_ms(pid: int, address: tuple[str, int]) -> float:
    """CPU time of the HSM for each wrong password, less what it uses when nobody asks for anything."""
    with Peer(*address, source=_QUIET_SOURCE) as peer:
        peer.hello()
        time.sleep(_PAUSE_SECONDS)
        idle = _cpu_share(pid, lambda: time.sleep(_PAUSE_SECONDS))[0] / _PAUSE_SECONDS
        figures = []
        for burst in range(_BURSTS):
            used, seconds = _cpu_share(pid, lambda burst=burst: _try_passwords(peer, burst))
            figures.append((used - idle * seconds) * 1000 / _CHECKS)
            time.sleep(_PAUSE_SECONDS)
        return statistics.median(figures)


def _cpu_share(pid: int, work: Callable[[], None]) -> tuple[float, float]:
    """Seconds of CPU time that a process uses meanwhile, and of time."""
    used, began = cpu_seconds(pid), time.monotonic()
    work()
    return cpu_seconds(pid) - used, time.monotonic() - began


def _try_passwords(peer: Peer, burst: int) -> None:
    for number in range(_CHECKS):
        # A name of its own each time: those of one name are limited as well.
        name = f"nobody-{burst}-{number}"
        peer.begin(Operation.LOGIN, {1: name, 2: int(Role.CRYPTO_USER), 3: b"wrong password", 4: bytes(32)})
        _expect_wrong_password(peer)


def _expect_wrong_password(peer: Peer) -> None:
    """A login that was refused for another reason has cost no check, and would make the figure too small."""
    try:
        peer.answer()
    except Refused as refused:
        if refused.rv == Rv.PIN_INCORRECT:
            return
        raise
    raise AssertionError("a wrong password was taken")


def _beside_crowds(
    p99: Callable[[], float], address: tuple[str, int], crowds: Sequence[tuple[str, int]]
) -> dict[str, float]:
    idle = statistics.median(p99() for _ in range(3))
    figures = {}
    for kind, number in crowds:
        with crowd(kind, address, number):
            figures[kind] = statistics.median(p99() for _ in range(3)) / idle
    return figures


def _control_address() -> tuple[str, int]:
    host, _, port = os.environ["AWS_ENDPOINT_URL"].rpartition("//")[2].partition(":")
    return host, int(port)


def _control_api_p99(seconds: float) -> Callable[[], float]:
    """Microseconds of DescribeClusters by one caller."""
    client = boto3.client(
        "cloudhsmv2", endpoint_url=os.environ["AWS_ENDPOINT_URL"], config=Config(retries={"total_max_attempts": 1})
    )

    def p99() -> float:
        taken = []
        end = time.monotonic() + seconds
        while (before := time.monotonic()) < end:
            client.describe_clusters()
            taken.append(time.monotonic() - before)
        return sorted(taken)[int(len(taken) * 0.99)] * 1e6

    return p99
