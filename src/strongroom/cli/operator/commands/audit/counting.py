"""Progress of what goes through many lines: once a second on standard error, where somebody looks."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator

import click

from strongroom.audit.export import EntryLine, Line


def counted(lines: Iterable[Line], what: str) -> Iterator[Line]:
    """The lines, while it is said how many entries have passed."""
    entries, due, shown = 0, time.monotonic() + 1, False
    visible = sys.stderr.isatty()
    for line in lines:
        yield line
        if isinstance(line, EntryLine):
            entries += 1
            if visible and entries % 1_000 == 0 and time.monotonic() > due:
                click.echo(f"\r{what}: {entries:,} entries", nl=False, err=True)
                due, shown = time.monotonic() + 1, True
    if shown:
        click.echo("", err=True)
