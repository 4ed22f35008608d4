"""The numbered steps that bring a store's schema up to date: one folder per engine, one file per step.

A step that has been released is never edited. A store that a newer program wrote is refused, not guessed at.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Migration:
    """One step: after it the schema has this version."""

    version: int
    name: str
    statements: tuple[str, ...]


def migrations(engine: str) -> tuple[Migration, ...]:
    """All steps of an engine, in order; the versions are 1, 2, 3 …"""
    folder = files(__name__).joinpath(engine)
    found = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    steps = []
    for expected, name in enumerate(found, start=1):
        number, _, title = name.removesuffix(".sql").partition("_")
        if int(number) != expected:
            raise RuntimeError(f"migration {name} of {engine} should have the number {expected:04d}")
        statements = _statements(folder.joinpath(name).read_text(encoding="utf-8"))
        steps.append(Migration(version=expected, name=title, statements=statements))
    return tuple(steps)


def _statements(text: str) -> tuple[str, ...]:
    """The statements of a file, which end with a semicolon at the end of a line; comment lines are left out."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("--")]
    return tuple(part.strip() for part in "\n".join(lines).split(";\n") if part.strip())
