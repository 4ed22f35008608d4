"""From the text of a pattern to what matches messages; which of the three kinds it is shows in its first character."""

from __future__ import annotations

from typing import Protocol

from strongroom.services.logs.patterns import columns, json_selectors, terms
from strongroom.services.logs.patterns.regexes import Regexes


class Pattern(Protocol):
    """A compiled pattern."""

    @property
    def phrases(self) -> tuple[str, ...]:
        """Texts that every message has that matches, where that can be told beforehand."""

    def matches(self, message: str) -> bool: ...

    def extracted(self, message: str) -> dict[str, str]:
        """The values of the fields that the pattern names, of a message that matches (TestMetricFilter)."""


def compile_pattern(text: str) -> Pattern:
    """Raises :class:`InvalidPattern`."""
    regexes = Regexes()
    stripped = text.strip()
    if stripped.startswith("{"):
        return json_selectors.parse(stripped, regexes)
    if stripped.startswith("["):
        return columns.parse(stripped, regexes)
    return terms.parse(stripped, regexes)
