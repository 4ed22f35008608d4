r"""``%regex%`` in patterns: AWS's subset of regular expressions, run by RE2, whose time is linear in the message.

Allowed are letters and digits, the symbols ``: _ # = @ / ; , -``, the operators ``^ $ ? [ ] { } | \ * + .`` and at most
two expressions in a pattern; no brackets for groups.
"""

from __future__ import annotations

import re
from typing import Final

from strongroom.services.logs.linear_regex import InvalidRegex, LinearRegex
from strongroom.services.logs.patterns.refusal import InvalidPattern

_MOST_IN_A_PATTERN: Final = 2
_ALLOWED: Final = re.compile(
    r"(?:[A-Za-z0-9:_#=@/;,\-^$?\[\]{}|*+.]|\\(?:[dDsSwW^$?\[\]{}|*+.\\/\-]|x[0-9A-Fa-f]{2}))+"
)


class Regexes:
    """Compiles the regular expressions of one pattern, and counts them."""

    def __init__(self) -> None:
        self._count = 0

    def compile(self, expression: str) -> LinearRegex:
        self._count += 1
        if self._count > _MOST_IN_A_PATTERN:
            raise InvalidPattern(f"at most {_MOST_IN_A_PATTERN} regular expressions are allowed")
        if not _ALLOWED.fullmatch(expression):
            raise InvalidPattern(f"Invalid character(s) in regular expression '{expression}'")
        try:
            return LinearRegex(expression)
        except InvalidRegex as error:
            raise InvalidPattern(f"Invalid regular expression '{expression}': {error}") from None
