"""Identifiers in AWS's forms (aws-cloudhsm 1.3): made at random, unguessable enough never to meet again."""

from __future__ import annotations

import re
import secrets
from typing import Final

_ALPHABET: Final = "abcdefghijklmnopqrstuvwxyz234567"
_ACCOUNT = re.compile(r"[0-9]{12}", re.ASCII)


def new_cluster_id() -> str:
    return f"cluster-{_random(11)}"


def new_hsm_id() -> str:
    return f"hsm-{_random(11)}"


def new_eni_id() -> str:
    return f"eni-{_hexadecimal()}"


def new_security_group_id() -> str:
    return f"sg-{_hexadecimal()}"


def is_account(text: str) -> bool:
    """Whether it is an account number: 12 digits."""
    return _ACCOUNT.fullmatch(text) is not None


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def _hexadecimal() -> str:
    return secrets.token_hex(9)[:17]
