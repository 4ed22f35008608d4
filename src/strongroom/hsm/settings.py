"""The figures that the brain works by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

LIMITS: Final = (
    "max_keys",
    "max_asymmetric_keys",
    "max_certificates",
    "max_data_objects",
    "max_users",
    "max_logins",
    "max_connections",
    "max_quorum_tokens",
    "max_trust_anchors",
    "max_trust_anchor_bytes",
    "max_label_characters",
    "max_secret_bytes",
    "max_data_object_bytes",
    "max_data_bytes",
    "certificate_reads_per_second",
    "certificate_writes_per_second",
)
"""What an operator may set (docs/reference/limits.md)."""


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
    max_keys: int = 16_666
    """AWS's limit (aws-cloudhsm 1.7), as all of these that say nothing else."""
    max_asymmetric_keys: int = 3_333
    """Private keys."""
    max_certificates: int = 60
    max_data_objects: int = 512
    """Ours, as the next: AWS has none. As many session objects are on one HSM."""
    max_data_object_bytes: int = 131_072
    """Of the value of one."""
    max_users: int = 1_024
    max_logins: int = 20_000
    """Ours: AWS's HSMs have 2,048 sessions each."""
    max_connections: int = 10_000
    """Of one HSM. Ours: AWS's clusters have 900."""
    max_quorum_tokens: int = 1_024
    max_trust_anchors: int = 2
    max_trust_anchor_bytes: int = 6_980
    """Of one anchor, with the certificates above it, as PEM."""
    max_label_characters: int = 127
    max_secret_bytes: int = 800
    max_data_bytes: int = 1_044_480
    """Of one operation. Ours: AWS's take 16,224 to 16,288, which is what the profile ``aws`` of the library is for."""
    certificate_reads_per_second: int = 0
    """Of one HSM; 0 = no limit. AWS: 10."""
    certificate_writes_per_second: int = 0
    """Of one HSM; 0 = no limit. AWS: 1."""
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
