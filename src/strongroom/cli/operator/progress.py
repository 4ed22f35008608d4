"""Progress lines, on standard error, so that standard output stays for results."""

from __future__ import annotations

import time

import click


class Progress:
    """Says each step with the seconds since the start."""

    def __init__(self) -> None:
        self._started = time.monotonic()

    def __call__(self, text: str) -> None:
        click.echo(f"[{self.seconds():6.1f} s] {text}", err=True)

    def seconds(self) -> float:
        return time.monotonic() - self._started
