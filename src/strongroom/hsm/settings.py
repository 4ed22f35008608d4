"""The figures that the brain works by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

LIMITS: Final = ("max_keys", "max_certificates", "max_users")
"""What an operator may set."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Limits and times; the defaults are the product's."""

    lease_ttl_seconds: float = 3.0
    lease_renew_seconds: float = 1.0
    request_life_seconds: float = 15 * 60
    """How long the result of a create or change is kept for a repeat (ARCHITECTURE, seam 5)."""
    login_idle_seconds: float = 12 * 60
    """A login that no HSM has seen for so long is over: a ticket's life of 10 minutes and a margin."""
    login_seen_seconds: float = 60.0
    """How often an HSM tells which logins are in use on it."""
    max_keys: int = 100_000
    max_certificates: int = 60
    """AWS's limit (aws-cloudhsm 1.7)."""
    max_users: int = 1_024
    max_logins: int = 20_000
    max_failed_logins: int = 5
    """The login that fails after so many failed ones locks the user (aws-cloudhsm 3.3)."""
    anchor_seconds: float = 0.2
    audit_anchor_seconds: float = 1.0
    drain_milliseconds: int = 3_000
    batch_size: int = 64
    checkpoint_seconds: float = 50.0
    """Between checkpoints while something is new: an entry is signed for within a minute, also by a slow store."""
    status_seconds: float = 15.0
    """How often an HSM writes its status and figures."""
