"""Limits as operators write them: ``NAME=NUMBER``. Which there are is known to the installation's settings."""

from __future__ import annotations

from collections.abc import Iterable

import click

from strongroom.cli.operator.refusals import Refusal

limit_option = click.option(
    "--limit",
    "limits",
    multiple=True,
    metavar="NAME=NUMBER",
    help="What clusters may hold, as of `strongroom limits`; remembered.",
)


def numbers(words: Iterable[str]) -> dict[str, int]:
    """What was given; refuses what is no number."""
    given = {}
    for word in words:
        name, _, number = word.partition("=")
        if not (number.isascii() and number.isdigit()):
            raise Refusal(f"{word!r} gives no limit a number", "write NAME=NUMBER, such as max_keys=100000")
        given[name] = int(number)
    return given
