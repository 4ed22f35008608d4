"""``hsm-info``: what every HSM of the cluster says of itself (aws-cloudhsm 4.2)."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

import msgspec

from strongroom.hsm.brain import Brain, Reply
from strongroom.storage.interface import prefix_end
from strongroom.vocabulary.records import DESIRED_HSM, STATUS_HSM, HsmStatus
from strongroom.vocabulary.states import Mode

if TYPE_CHECKING:
    from strongroom._native import ManagedRequest

VENDOR = "Strongroom"
MODEL = "software"
FIPS_STATES = {
    Mode.FIPS: "2 [FIPS mode with single factor authentication]",
    Mode.NON_FIPS: "0 [non-FIPS mode with single factor authentication]",
}
"""In FIPS mode the boundary refuses what the FIPS column of the mechanism table does; no validation is claimed."""


def hsm_info(brain: Brain, request: ManagedRequest) -> Reply:
    """Needs no login, as on AWS."""
    del request
    major, minor, build, text = _version()
    members = {
        record.key.removeprefix(DESIRED_HSM) for record in brain.store.list(DESIRED_HSM, prefix_end(DESIRED_HSM))
    }
    views: list[dict[str, object]] = []
    for record in brain.store.list(STATUS_HSM, prefix_end(STATUS_HSM)):
        status = msgspec.msgpack.decode(record.value, type=HsmStatus)
        if status.hsm_id not in members or not status.serial_number:
            continue
        views.append(
            {
                "vendor": VENDOR,
                "model": MODEL,
                "serial_number": status.serial_number,
                "hardware_version_major": 0,
                "hardware_version_minor": 0,
                "firmware_version_major": major,
                "firmware_version_minor": minor,
                "firmware_build_number": build,
                "firmware_id": f"strongroom-{text}",
                "fips_state": status.fips_state,
            }
        )
    return Reply({"hsms": views})


def _version() -> tuple[int, int, int, str]:
    try:
        text = version("strongroom")
    except PackageNotFoundError:
        from strongroom._native import __version__ as text
    numbers = [int(part) if part.isdigit() else 0 for part in text.split(".")[:3]]
    major, minor, build = (*numbers, 0, 0, 0)[:3]
    return major, minor, build, text
