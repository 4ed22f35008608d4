"""How a command refuses: what is wrong, what to do, and an exit status."""

from __future__ import annotations

from typing import IO, Any, Final

import click

FAILED: Final = 1
NOT_RUNNING: Final = 3


class Refusal(click.ClickException):
    """Printed as ``error: …`` and ``hint: …`` on standard error."""

    def __init__(self, text: str, hint: str = "", exit_code: int = FAILED) -> None:
        super().__init__(text)
        self.hint = hint
        self.exit_code = exit_code  # type: ignore[misc]  # click reads it from the instance

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(f"error: {self.message}", err=True, file=file)
        if self.hint:
            click.echo(f"hint: {self.hint}", err=True, file=file)
