"""Values in a query: text, numbers, times, truth and nothing; how they compare and how they are shown."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta
from typing import Final

Value = str | float | int | bool | None
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBER: Final = re.compile(r"\s*[+-]?(?:\d{1,300}\.?\d{0,300}|\.\d{1,300})(?:[eE][+-]?\d{1,3})?\s*", re.ASCII)
_MOST_MS: Final = 253_402_300_799_999


class Timestamp(int):
    """Milliseconds since 1970, shown as a date."""


def shown(value: Value) -> str:
    """A value as GetQueryResults gives it: text always."""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, Timestamp):
        moment = _EPOCH + timedelta(milliseconds=min(value, _MOST_MS))
        return f"{moment:%Y-%m-%d %H:%M:%S}.{value % 1000:03d}"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else f"{value:.12g}"
    return "" if value is None else str(value)


def number(value: Value) -> float | int | None:
    """A value as a number, where it is one or looks like one."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int | float):
        return value
    if not isinstance(value, str):
        return None
    if not _NUMBER.fullmatch(value):
        return None
    parsed = float(value)
    return parsed if math.isfinite(parsed) else None


def equal(left: Value, right: Value) -> bool:
    """As numbers where both are, else as text; nothing equals nothing."""
    if left is None or right is None:
        return False
    numbers = number(left), number(right)
    if None not in numbers:
        return numbers[0] == numbers[1]
    return shown(left) == shown(right)


def order_key(value: Value) -> tuple[int, float, str]:
    """For sorting: nothing, then numbers, then texts."""
    if value is None:
        return (0, 0.0, "")
    as_number = number(value)
    return (1, float(as_number), "") if as_number is not None else (2, 0.0, shown(value))


def weight(value: Value) -> int:
    """About how many bytes it takes."""
    return len(value) if isinstance(value, str) else 0


def is_true(value: Value) -> bool:
    return bool(value)
