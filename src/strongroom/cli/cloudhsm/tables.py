"""Answers as text for people: ``--output table``.

What an answer names is shown as rows under the names of their columns; what has many members is shown one below the
other. Texts come from HSM users: what a terminal would obey is written as an escape sequence of Python's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from strongroom.cli.cloudhsm.envelope import Data
from strongroom.printable import printable

MOST_COLUMNS: Final = 8
_NOTHING: Final = "-"


def rendered(data: Data) -> str:
    """An answer's data, without a newline at its end."""
    if isinstance(data, str):
        return printable(data)
    blocks: list[str] = []
    plain: dict[str, Any] = {}
    for name, value in data.items():
        if isinstance(value, Mapping):
            blocks.append(f"{printable(name)}\n{_members(_flat(value))}")
        elif isinstance(value, list):
            blocks.append(_elements(name, value))
        elif isinstance(value, str) and "\n" in value:
            blocks.append("\n".join(printable(line) for line in value.splitlines()))
        else:
            plain[name] = value
    if plain:
        blocks.append(_members(_flat(plain)))
    return "\n\n".join(blocks)


def _elements(name: str, elements: Sequence[Any]) -> str:
    rows = [_flat(element) if isinstance(element, Mapping) else {name: _cell(element)} for element in elements]
    if not rows:
        return f"{printable(name)}: none"
    columns = list(dict.fromkeys(column for row in rows for column in row))
    if len(columns) > MOST_COLUMNS:
        return "\n\n".join(_members(row) for row in rows)
    lines = [columns, *([row.get(column, _NOTHING) for column in columns] for row in rows)]
    widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def _members(members: Mapping[str, str]) -> str:
    width = max(map(len, members))
    return "\n".join(f"{name.ljust(width)}  {value}" for name, value in members.items())


def _flat(element: Mapping[str, Any]) -> dict[str, str]:
    """The members of an object and of the objects in it, as cells."""
    flat: dict[str, str] = {}
    for name, value in element.items():
        inner = _flat(value) if isinstance(value, Mapping) else {printable(name): _cell(value)}
        for inner_name, cell in inner.items():
            flat[inner_name if inner_name not in flat else f"{printable(name)}.{inner_name}"] = cell
    return flat


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join(map(_cell, value)) or _NOTHING
    if isinstance(value, Mapping):
        return " ".join(map(_cell, value.values()))
    return printable(str(value)) or _NOTHING
