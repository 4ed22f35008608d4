"""Who logs in: from the variables that AWS's tools and ``strongroom env`` use (aws-cloudhsm 4.1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from strongroom.client.errors import ConfigurationError
from strongroom.vocabulary.roles import CLI_NAMES, Role

ROLE_VARIABLE: Final = "CLOUDHSM_ROLE"
PIN_VARIABLE: Final = "CLOUDHSM_PIN"
ROLES: Final = {CLI_NAMES[role]: role for role in (Role.ADMIN, Role.CRYPTO_USER)}
"""The roles that log in, as the variable and the command line spell them."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user's name, role and password."""

    username: str
    role: Role
    password: str = field(repr=False)


def from_environment(environment: Mapping[str, str]) -> Credentials | None:
    """What the variables say; ``None`` where one is missing, :class:`ConfigurationError` where one is malformed."""
    role_name, pin = environment.get(ROLE_VARIABLE), environment.get(PIN_VARIABLE)
    if not role_name or not pin:
        return None
    role = ROLES.get(role_name)
    if role is None:
        raise ConfigurationError(f"{ROLE_VARIABLE} is {role_name!r}; it must be admin or crypto-user.")
    username, separator, password = pin.partition(":")
    if not separator or not username or not password:
        raise ConfigurationError(f"{PIN_VARIABLE} must have the form user:password.")
    return Credentials(username, role, password)
