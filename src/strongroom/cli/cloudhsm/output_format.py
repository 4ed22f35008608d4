"""``--output``, which AWS does not have: in what form a command answers."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from itertools import pairwise


class OutputFormat(StrEnum):
    """JSON is the envelope of AWS's program, for scripts; a table is for people."""

    JSON = "json"
    TABLE = "table"


OPTION = "--output"


def asked_for(words: Sequence[str]) -> OutputFormat | None:
    """The format that a command line asks for, even one that is wrong otherwise: its error has the format too."""
    found = None
    for word, following in pairwise([*words, ""]):
        name, equals, value = word.partition("=")
        if name == OPTION and (given := value if equals else following) in set(OutputFormat):
            found = OutputFormat(given)
    return found
