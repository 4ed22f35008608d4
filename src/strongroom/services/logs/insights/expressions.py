"""Expressions: conditions, arithmetic and functions over a row, and how they are read."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final

from strongroom.services.logs.insights.rows import Row
from strongroom.services.logs.insights.tokens import Kind, MalformedQuery, Token
from strongroom.services.logs.insights.values import Timestamp, Value, equal, is_true, number, order_key, shown
from strongroom.services.logs.linear_regex import InvalidRegex, LinearRegex

Expression = Callable[[Row], Value]
_DEEPEST: Final = 32
_MOST_TEXT: Final = 1 << 20
_UNIT_MS: Final = {
    "ms": 1,
    "s": 1_000,
    "m": 60_000,
    "h": 3_600_000,
    "d": 86_400_000,
    "w": 7 * 86_400_000,
}
_ORDERS: Final[dict[str, Callable[[Value, Value], bool]]] = {
    "<": lambda left, right: order_key(left) < order_key(right),
    "<=": lambda left, right: order_key(left) <= order_key(right),
    ">": lambda left, right: order_key(left) > order_key(right),
    ">=": lambda left, right: order_key(left) >= order_key(right),
}


class Reader:
    """Reads tokens from left to right."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0

    @property
    def next(self) -> Token:
        return self._tokens[self._at]

    def take(self) -> Token:
        token = self.next
        if token.kind is not Kind.END:
            self._at += 1
        return token

    def take_word(self, *words: str) -> bool:
        """Take the next token if it is one of these words or signs."""
        if not self.next.is_word(*words):
            return False
        self._at += 1
        return True

    def expect(self, word: str) -> None:
        if not self.take_word(word):
            raise self.unexpected(f"expected {word}")

    def name(self) -> str:
        """The name of a field."""
        if self.next.kind not in {Kind.NAME, Kind.QUOTED_NAME}:
            raise self.unexpected("expected the name of a field")
        return self.take().text

    def column(self) -> str:
        """The name of a field, or of a column without an alias: ``count(*)``, ``bin(5m)``."""
        start = self.next
        name = self.name()
        if start.kind is not Kind.NAME or not self.take_word("("):
            return name
        depth = 1
        while depth:
            token = self.take()
            if token.kind is Kind.END:
                raise self.unexpected("expected )")
            depth += token.is_word("(") - token.is_word(")")
        return self.source(start)

    def names(self) -> list[str]:
        found = [self.name()]
        while self.take_word(","):
            found.append(self.name())
        return found

    def whole_number(self) -> int:
        if self.next.kind is not Kind.NUMBER or not self.next.text.isdecimal():
            raise self.unexpected("expected a whole number")
        return int(self.take().text)

    def duration_ms(self) -> int:
        token = self.next
        if token.kind is not Kind.DURATION:
            raise self.unexpected("expected a time such as 5m")
        unit = token.text.lstrip("0123456789.eE+")
        amount = float(token.text.removesuffix(unit)) if unit in _UNIT_MS else 0.0
        if amount < 1 or not amount.is_integer():
            raise self.unexpected("a time is a whole number and one of ms, s, m, h, d, w")
        self.take()
        return int(amount) * _UNIT_MS[unit]

    def regex(self) -> LinearRegex:
        token = self.take()
        try:
            return LinearRegex(token.text)
        except InvalidRegex as error:
            raise MalformedQuery(f"Invalid regular expression: {error}", token.start, token.end) from None

    def source(self, start: Token) -> str:
        """The query's own words from a token to here, which name a column without an alias."""
        words = self._tokens[self._tokens.index(start) : self._at]
        return "".join(token.text for token in words)

    def unexpected(self, why: str) -> MalformedQuery:
        token = self.next
        what = f"unexpected symbol found {token.text}" if token.kind is not Kind.END else "the query ends too early"
        return MalformedQuery(f"{what}: {why}", token.start, max(token.end, token.start + 1))

    # -- expressions, the loosest first ------------------------------------------------------------------------------

    def expression(self) -> Expression:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self.unexpected("the expression is nested too deeply")
        either = [self._all()]
        while self.take_word("or"):
            either.append(self._all())
        self._depth -= 1
        return either[0] if len(either) == 1 else lambda row: any(is_true(one(row)) for one in either)

    def _all(self) -> Expression:
        every = [self._not()]
        while self.take_word("and"):
            every.append(self._not())
        return every[0] if len(every) == 1 else lambda row: all(is_true(one(row)) for one in every)

    def _not(self) -> Expression:
        negated = False
        while self.take_word("not"):
            negated = not negated
        inner = self._comparison()
        return (lambda row: not is_true(inner(row))) if negated else inner

    def _comparison(self) -> Expression:
        left = self._sum()
        sign = self.next.text.lower() if self.next.kind is Kind.SIGN else ""
        if sign in _ORDERS:
            self.take()
            return _ordered(_ORDERS[sign], left, self._sum())
        if sign in {"=", "!="}:
            self.take()
            right = self._sum()
            if sign == "=":
                return lambda row: equal(left(row), right(row))
            return lambda row: not equal(left(row), right(row))
        negated = self.take_word("not")
        if self.take_word("like", "=~"):
            return self._like(left, negated=negated)
        if self.take_word("in"):
            return self._in(left, negated=negated)
        if negated:
            raise self.unexpected("expected like or in")
        return left

    def _like(self, left: Expression, *, negated: bool) -> Expression:
        if self.next.kind is Kind.REGEX:
            regex = self.regex()
            return lambda row: regex.found_in(shown(left(row))) is not negated
        if self.next.kind is not Kind.TEXT:
            raise self.unexpected("expected a text in quotes or a regular expression between slashes")
        text = self.take().text
        return lambda row: (text in shown(left(row))) is not negated

    def _in(self, left: Expression, *, negated: bool) -> Expression:
        self.expect("[")
        choices = [self._sum()]
        while self.take_word(","):
            choices.append(self._sum())
        self.expect("]")
        return lambda row: any(equal(left(row), choice(row)) for choice in choices) is not negated

    def _sum(self) -> Expression:
        left = self._product()
        while self.next.kind is Kind.SIGN and self.next.text in {"+", "-"}:
            left = _arithmetic(self.take().text, left, self._product())
        return left

    def _product(self) -> Expression:
        left = self._unary()
        while (self.next.kind is Kind.SIGN) and self.next.text in {"*", "%", "/"}:
            left = _arithmetic(self.take().text, left, self._unary())
        return left

    def _unary(self) -> Expression:
        if self.take_word("-"):
            self._depth += 1
            if self._depth > _DEEPEST:
                raise self.unexpected("the expression is nested too deeply")
            inner = self._unary()
            self._depth -= 1
            return lambda row: None if (value := number(inner(row))) is None else -value
        return self._primary()

    def _primary(self) -> Expression:
        token = self.next
        if self.take_word("("):
            inner = self.expression()
            self.expect(")")
            return inner
        if token.kind is Kind.TEXT:
            text = self.take().text
            return lambda _: text
        if token.kind is Kind.NUMBER:
            value = float(self.take().text)
            return lambda _: value
        name = self.name()
        if token.kind is Kind.NAME and self.next.is_word("("):
            return self._call(token)
        return lambda row: row.get(name)

    def _call(self, function: Token) -> Expression:
        name = function.text.lower()
        self.expect("(")
        if name == "bin":
            width = self.duration_ms()
            self.expect(")")
            return lambda row: _binned(row.get("@timestamp"), width)
        arguments = [] if self.next.is_word(")") else [self.expression()]
        while self.take_word(","):
            arguments.append(self.expression())
        self.expect(")")
        known = FUNCTIONS.get(name)
        if known is None:
            raise MalformedQuery(f"unknown function {function.text}", function.start, function.end)
        least, most, compute = known
        if not least <= len(arguments) <= most:
            raise MalformedQuery(f"wrong number of arguments of {function.text}", function.start, function.end)
        return lambda row: compute([argument(row) for argument in arguments])


def _ordered(order: Callable[[Value, Value], bool], left: Expression, right: Expression) -> Expression:
    def compare(row: Row) -> bool:
        values = left(row), right(row)
        return None not in values and order(*values)

    return compare


def _arithmetic(sign: str, left: Expression, right: Expression) -> Expression:
    def compute(row: Row) -> Value:
        first, second = number(left(row)), number(right(row))
        if first is None or second is None:
            return None
        try:
            match sign:
                case "+":
                    return first + second
                case "-":
                    return first - second
                case "*":
                    return float(first) * second
                case "/":
                    return first / second
                case _:
                    return math.fmod(first, second)
        except (ZeroDivisionError, OverflowError, ValueError):
            return None

    return compute


def _binned(value: Value, width_ms: int) -> Value:
    return Timestamp(value - value % width_ms) if isinstance(value, Timestamp) else None


def _is_blank(value: Value) -> bool:
    return value is None or not shown(value).strip()


def _rounded(round_: Callable[[float], float]) -> Callable[[Sequence[Value]], Value]:
    return lambda values: None if (value := number(values[0])) is None else round_(value)


FUNCTIONS: Final[dict[str, tuple[int, int, Callable[[Sequence[Value]], Value]]]] = {
    "ispresent": (1, 1, lambda values: values[0] is not None),
    "isempty": (1, 1, lambda values: values[0] is None or shown(values[0]) == ""),
    "isblank": (1, 1, lambda values: _is_blank(values[0])),
    "coalesce": (1, 99, lambda values: next((value for value in values if value is not None), None)),
    "strlen": (1, 1, lambda values: len(shown(values[0]))),
    "tolower": (1, 1, lambda values: shown(values[0]).lower()),
    "toupper": (1, 1, lambda values: shown(values[0]).upper()),
    "trim": (1, 1, lambda values: shown(values[0]).strip()),
    "strcontains": (2, 2, lambda values: shown(values[1]) in shown(values[0])),
    "concat": (1, 99, lambda values: "".join(map(shown, values))[:_MOST_TEXT]),
    "abs": (1, 1, _rounded(abs)),
    "ceil": (1, 1, _rounded(math.ceil)),
    "floor": (1, 1, _rounded(math.floor)),
}
"""Name, least and greatest number of arguments, and what is computed."""
