"""Roles of HSM users.

Generated from tables/roles.toml by tables/generate.py; edit that file, then run ``make tables``.
"""

from __future__ import annotations

from enum import IntEnum


class Role(IntEnum):
    """The role of an HSM user (aws-cloudhsm 3.1)."""

    NONE = 0
    CRYPTO_USER = 1
    ADMIN = 2
    APPLIANCE_USER = 5
    UNACTIVATED_ADMIN = 6


CLI_NAMES: dict[Role, str] = {
    Role.NONE: "none",
    Role.CRYPTO_USER: "crypto-user",
    Role.ADMIN: "admin",
    Role.APPLIANCE_USER: "internal(APPLIANCE_USER)",
    Role.UNACTIVATED_ADMIN: "unactivated-admin",
}
"""The spelling of ``cloudhsm-cli``."""


AUDIT_NAMES: dict[Role, str] = {
    Role.NONE: "CN_UNAUTHENTICATED (0)",
    Role.CRYPTO_USER: "CN_CRYPTO_USER (1)",
    Role.ADMIN: "CN_CRYPTO_OFFICER (2)",
    Role.APPLIANCE_USER: "CN_APPLIANCE_USER (5)",
    Role.UNACTIVATED_ADMIN: "CN_CRYPTO_PRE_OFFICER (6)",
}
"""The user type of an audit entry."""
