"""A query: its commands in order, and the columns of its results."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from strongroom.services.logs.insights.aggregates import AGGREGATES, Aggregate, Count
from strongroom.services.logs.insights.commands import (
    Command,
    Dedup,
    Fields,
    Filter,
    Limit,
    ParseGlob,
    ParseRegex,
    Sort,
    Stats,
)
from strongroom.services.logs.insights.expressions import Expression, Reader
from strongroom.services.logs.insights.rows import DEFAULT_COLUMNS, Row
from strongroom.services.logs.insights.tokens import Kind, MalformedQuery, tokens

MOST_RESULTS: Final = 10_000
_MOST_COMMANDS: Final = 50


@dataclass(frozen=True, slots=True)
class Query:
    """``columns`` are shown, in this order, where a row has them."""

    commands: Sequence[Command]
    columns: Sequence[str]

    def run(self, rows: Iterator[Row], matched: Callable[[], None]) -> Iterator[Row]:
        """Rows must come newest first. ``matched`` is told of each that the filters let through, up to the first
        command that keeps or counts rows. Raises :class:`TooMuch`.
        """
        is_counted = False
        for command in self.commands:
            if not is_counted and not isinstance(command, Fields | Filter | ParseGlob | ParseRegex):
                rows = _told(rows, matched)
                is_counted = True
            rows = command.apply(rows)
        return rows


_KEEP_ROWS: Final = (Fields, ParseGlob, ParseRegex, Limit)


def parse(text: str, limit: int = MOST_RESULTS) -> Query:
    """A query that gives at most ``limit`` rows. Raises :class:`MalformedQuery`."""
    return _Parser(text, min(limit, MOST_RESULTS)).query()


def _told(rows: Iterator[Row], matched: Callable[[], None]) -> Iterator[Row]:
    for row in rows:
        matched()
        yield row


class _Parser:
    """Reads the commands one after the other."""

    def __init__(self, text: str, limit: int) -> None:
        self._reader = Reader(tokens(text))
        self._limit = limit
        self._fields: list[str] = []
        self._parsed: list[str] = []
        self._shown: list[str] | None = None

    def query(self) -> Query:
        commands = [self._command()]
        while self._reader.take_word("|"):
            commands.append(self._command())
            if len(commands) > _MOST_COMMANDS:
                raise self._reader.unexpected("there are too many commands")
        if self._reader.next.kind is not Kind.END:
            raise self._reader.unexpected("expected | and a command")
        commands.append(Limit(self._limit))
        commands = [
            # The first rows are all that is wanted only where nothing behind drops or counts rows.
            Sort(command.keys, self._limit)
            if isinstance(command, Sort) and all(isinstance(later, _KEEP_ROWS) for later in commands[number:])
            else command
            for number, command in enumerate(commands, start=1)
        ]
        columns = self._shown if self._shown is not None else [*(self._fields or DEFAULT_COLUMNS), *self._parsed]
        return Query(commands, list(dict.fromkeys(columns)))

    def _command(self) -> Command:
        readers: dict[str, Callable[[], Command]] = {
            "fields": self._read_fields,
            "display": self._read_display,
            "filter": lambda: Filter(self._reader.expression()),
            "parse": self._read_parse,
            "stats": self._read_stats,
            "sort": self._read_sort,
            "limit": lambda: Limit(max(1, self._reader.whole_number())),
            "dedup": lambda: Dedup(self._reader.names()),
        }
        word = self._reader.next
        read = readers.get(word.text.lower()) if word.kind is Kind.NAME else None
        if read is None:
            raise self._reader.unexpected(f"expected one of the commands {', '.join(readers)}")
        self._reader.take()
        return read()

    def _read_fields(self) -> Fields:
        named = self._named_expressions()
        self._fields += [name for name, _ in named]
        if self._shown is not None:
            self._shown += [name for name, _ in named]
        return Fields(named)

    def _read_display(self) -> Fields:
        named = self._named_expressions()
        self._shown = [name for name, _ in named]
        return Fields(named)

    def _read_parse(self) -> Command:
        source = self._reader.name() if self._reader.next.kind in {Kind.NAME, Kind.QUOTED_NAME} else "@message"
        token = self._reader.next
        if token.kind is Kind.REGEX:
            regex = self._reader.regex()
            if not regex.groups:
                raise MalformedQuery("the expression has no named group (?<name>…)", token.start, token.end)
            self._parsed += regex.groups
            return ParseRegex(source, regex)
        if token.kind is not Kind.TEXT:
            raise self._reader.unexpected("expected a text with * or a regular expression between slashes")
        texts = self._reader.take().text.split("*")
        self._reader.expect("as")
        names = self._reader.names()
        if len(names) != len(texts) - 1:
            raise MalformedQuery("there must be as many names as * in the text", token.start, token.end)
        self._parsed += names
        return ParseGlob(source, texts, names)

    def _read_stats(self) -> Stats:
        aggregates = [self._aggregate()]
        while self._reader.take_word(","):
            aggregates.append(self._aggregate())
        keys = self._named_expressions() if self._reader.take_word("by") else []
        self._shown = [*(name for name, _ in keys), *(name for name, _ in aggregates)]
        return Stats(aggregates, keys)

    def _aggregate(self) -> tuple[str, Callable[[], Aggregate]]:
        start = self._reader.next
        name = self._reader.name().lower()
        if name not in AGGREGATES:
            raise MalformedQuery(f"unknown function {name}: use one of {', '.join(AGGREGATES)}", start.start, start.end)
        self._reader.expect("(")
        make: Callable[[], Aggregate]
        if name == "count" and (self._reader.next.is_word(")") or self._reader.take_word("*")):
            make = partial(Count, None)
        else:
            make = partial(AGGREGATES[name], self._reader.expression())
        self._reader.expect(")")
        source = self._reader.source(start)
        return (self._reader.name() if self._reader.take_word("as") else source), make

    def _read_sort(self) -> Sort:
        keys = []
        while True:
            name = self._reader.column()
            descending = self._reader.take_word("desc")
            if not descending:
                self._reader.take_word("asc")
            keys.append((name, descending))
            if not self._reader.take_word(","):
                return Sort(keys)

    def _named_expressions(self) -> list[tuple[str, Expression]]:
        """``a, b + 1 as c, bin(5m)``; what has no alias is called as it is written."""
        found = []
        while True:
            start = self._reader.next
            expression = self._reader.expression()
            name = self._reader.source(start)
            if self._reader.take_word("as"):
                name = self._reader.name()
            found.append((name, expression))
            if not self._reader.take_word(","):
                return found
