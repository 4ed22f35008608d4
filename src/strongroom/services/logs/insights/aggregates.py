"""What ``stats`` computes of a group's rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from strongroom.services.logs.insights.expressions import Expression
from strongroom.services.logs.insights.rows import Row
from strongroom.services.logs.insights.values import Value, number, order_key, shown, weight

_BYTES_OF_A_HASH: Final = 100


class Aggregate(Protocol):
    """One figure of a group."""

    def add(self, row: Row) -> int:
        """Take a row in; gives how many bytes more are held now."""

    def result(self) -> Value: ...


class Count:
    """Rows, or those that have a value."""

    def __init__(self, expression: Expression | None) -> None:
        self._expression = expression
        self._count = 0

    def add(self, row: Row) -> int:
        self._count += self._expression is None or self._expression(row) is not None
        return 0

    def result(self) -> Value:
        return self._count


class CountDistinct:
    """Different values."""

    def __init__(self, expression: Expression) -> None:
        self._expression = expression
        self._seen: set[int] = set()

    def add(self, row: Row) -> int:
        value = self._expression(row)
        before = len(self._seen)
        if value is not None:
            self._seen.add(hash(shown(value)))
        return (len(self._seen) - before) * _BYTES_OF_A_HASH

    def result(self) -> Value:
        return len(self._seen)


class Total:
    """The sum of values that are numbers, or their mean."""

    def __init__(self, expression: Expression, *, mean: bool) -> None:
        self._expression = expression
        self._mean = mean
        self._sum: float = 0
        self._count = 0

    def add(self, row: Row) -> int:
        value = number(self._expression(row))
        if value is not None:
            self._sum += value
            self._count += 1
        return 0

    def result(self) -> Value:
        if not self._count:
            return None
        return self._sum / self._count if self._mean else self._sum


class Extreme:
    """The least or the greatest value."""

    def __init__(self, expression: Expression, *, greatest: bool) -> None:
        self._expression = expression
        self._greatest = greatest
        self._value: Value = None

    def add(self, row: Row) -> int:
        value, before = self._expression(row), self._value
        if value is not None and (before is None or (order_key(value) > order_key(before)) is self._greatest):
            self._value = value
        return weight(self._value) - weight(before)

    def result(self) -> Value:
        return self._value


class Seen:
    """The value of the earliest or of the latest row that has one; rows come newest first."""

    def __init__(self, expression: Expression, *, latest: bool) -> None:
        self._expression = expression
        self._latest = latest
        self._value: Value = None

    def add(self, row: Row) -> int:
        before = self._value
        if before is None or not self._latest:
            value = self._expression(row)
            self._value = before if value is None else value
        return weight(self._value) - weight(before)

    def result(self) -> Value:
        return self._value


AGGREGATES: Final[dict[str, Callable[[Expression], Aggregate]]] = {
    "count": Count,
    "count_distinct": CountDistinct,
    "sum": lambda expression: Total(expression, mean=False),
    "avg": lambda expression: Total(expression, mean=True),
    "min": lambda expression: Extreme(expression, greatest=False),
    "max": lambda expression: Extreme(expression, greatest=True),
    "earliest": lambda expression: Seen(expression, latest=False),
    "latest": lambda expression: Seen(expression, latest=True),
}
"""By their names in a query; ``count(*)`` has no expression."""
