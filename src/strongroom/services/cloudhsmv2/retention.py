"""The backup retention policy: ``DAYS`` and 7 to 379 of them; 90 where nothing is said (aws-cloudhsm 1.3, 2.2)."""

from __future__ import annotations

from typing import Final

from strongroom.services.cloudhsmv2 import refusals
from strongroom.services.cloudhsmv2.shapes import BackupRetentionPolicy

DEFAULT: Final = BackupRetentionPolicy("DAYS", "90")
_MIN_DAYS: Final = 7
_MAX_DAYS: Final = 379


def checked(policy: BackupRetentionPolicy) -> tuple[str, str]:
    """Type and value of a policy that is complete and in range."""
    if policy.type is None or policy.value is None:
        raise refusals.invalid_request("BackupRetentionPolicy needs both Type (DAYS) and Value (a number of days).")
    days = int(policy.value)
    if not _MIN_DAYS <= days <= _MAX_DAYS:
        raise refusals.invalid_request(f"BackupRetentionPolicy Value must be between {_MIN_DAYS} and {_MAX_DAYS} days.")
    return policy.type, str(days)
