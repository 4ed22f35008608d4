"""The commands of a query: each takes rows and gives rows.

Rows come newest first and go through one by one; ``sort``, ``stats`` and ``dedup`` keep what they must, within limits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from strongroom.services.logs.insights.aggregates import Aggregate
from strongroom.services.logs.insights.expressions import Expression
from strongroom.services.logs.insights.rows import Row
from strongroom.services.logs.insights.values import Value, is_true, order_key, shown, weight
from strongroom.services.logs.linear_regex import LinearRegex

MOST_BYTES: Final = 64 << 20
"""What ``sort``, ``stats`` or ``dedup`` may keep."""
_GROUP_BYTES: Final = 1_000


class TooMuch(Exception):
    """The query needs more memory than it gets; the message says for what."""


class Command(Protocol):
    """One step of a query."""

    def apply(self, rows: Iterator[Row]) -> Iterator[Row]: ...


@dataclass(frozen=True, slots=True)
class Fields:
    """``fields a, b + 1 as c``: computes what has an expression."""

    computed: Sequence[tuple[str, Expression]]

    def apply(self, rows: Iterator[Row]) -> Iterator[Row]:
        for row in rows:
            for name, expression in self.computed:
                row.values[name] = expression(row)
            yield row


@dataclass(frozen=True, slots=True)
class Filter:
    """``filter condition``."""

    condition: Expression

    def apply(self, rows: Iterator[Row]) -> Iterator[Row]:
        return (row for row in rows if is_true(self.condition(row)))


@dataclass(frozen=True, slots=True)
class ParseRegex:
    """``parse field /…(?<name>…)…/``."""

    source: str
    regex: LinearRegex

    def apply(self, rows: Iterator[Row]) -> Iterator[Row]:
        for row in rows:
            row.values.update(self.regex.named_groups(shown(row.get(self.source))) or {})
            yield row


@dataclass(frozen=True, slots=True)
class ParseGlob:
    """``parse field "a*b*" as x, y``: the texts between the stars are found one after the other."""

    source: str
    texts: Sequence[str]
    names: Sequence[str]

    def apply(self, rows: Iterator[Row]) -> Iterator[Row]:
        for row in rows:
            found = self._match(shown(row.get(self.source)))
            if found is not None:
                row.values.update(zip(self.names, found, strict=True))
            yield row

    def _match(self, text: str) -> list[str] | None:
        first, *others = self.texts
        at = text.find(first)
        if at < 0:
            return None
        at += len(first)
        found = []
        for other in others:
            end = text.find(other, at) if other else len(text)
            if end < 0:
                return None
            found.append(text[at:end])
            at = end + len(other)
        return found


@dataclass(frozen=True, slots=True)
class Stats:
    """``stats count(*) as n by opcode, bin(5m)``."""

    aggregates: Sequence[tuple[str, Callable[[], Aggregate]]]
    keys: Sequence[tuple[str, Expression]]

    def apply(self, rows: Iterator[Row]) -> Iterator[Row]:
        groups: dict[tuple[str | None, ...], tuple[dict[str, Value], list[Aggregate]]] = {}
        size = 0
        for row in rows:
            values = {name: expression(row) for name, expression in self.keys}
            key = tuple(None if value is None else shown(value) for value in values.values())
            if key not in groups:
                groups[key] = values, [make() for _, make in self.aggregates]
                size += _GROUP_BYTES * (1 + len(self.aggregates)) + sum(map(weight, values.values()))
            size += sum(aggregate.add(row) for aggregate in groups[key][1])
            if size > MOST_BYTES:
                raise TooMuch("stats makes too many groups")
        if not self.keys and not groups:
            groups[()] = {}, [make() for _, make in self.aggregates]
        for values, aggregates in groups.values():
            results = zip((name for name, _ in self.aggregates), aggregates, strict=True)
            yield Row(None, values={**values, **{name: aggregate.result() for name, aggregate in results}})


@dataclass(frozen=True, slots=True)
class Sort:
    """``sort a desc, b``; ``most`` is how many of the first rows are wanted at all, ``None`` where it may be all."""

    keys: Sequence[tuple[str, bool]]
    most: int | None = None

    def apply(self, rows: Iterator[Row]) -> Iterator[Row]:
        kept: list[Row] = []
        size = 0
        for row in rows:
            kept.append(row)
            size += row.weight()
            if size > MOST_BYTES or (self.most is not None and len(kept) >= 2 * self.most):
                kept.sort(key=self._key)
                if self.most is not None:
                    del kept[self.most :]
                size = sum(row.weight() for row in kept)
                if size > MOST_BYTES:
                    raise TooMuch("sort keeps too much")
        kept.sort(key=self._key)
        yield from kept[: self.most]

    def _key(self, row: Row) -> tuple[_Directed, ...]:
        key = tuple(_Directed(order_key(row.get(name)), descending) for name, descending in self.keys)
        row.forget_document()
        return key


@dataclass(frozen=True, slots=True)
class _Directed:
    """A sort key that may be turned round."""

    key: tuple[int, float, str]
    descending: bool

    def __lt__(self, other: _Directed) -> bool:
        return other.key < self.key if self.descending else self.key < other.key


@dataclass(frozen=True, slots=True)
class Limit:
    """``limit n``."""

    most: int

    def apply(self, rows: Iterator[Row]) -> Iterator[Row]:
        for number, row in enumerate(rows, start=1):
            yield row
            if number == self.most:
                return


@dataclass(frozen=True, slots=True)
class Dedup:
    """``dedup a, b``: the first row of each combination of values; rows without one of them stay."""

    names: Sequence[str]

    def apply(self, rows: Iterator[Row]) -> Iterator[Row]:
        seen: set[tuple[str, ...]] = set()
        size = 0
        for row in rows:
            values = [row.get(name) for name in self.names]
            key = tuple(map(shown, values))
            if None in values:
                yield row
            elif key not in seen:
                seen.add(key)
                size += _GROUP_BYTES + sum(map(len, key))
                if size > MOST_BYTES:
                    raise TooMuch("dedup sees too many values")
                yield row
