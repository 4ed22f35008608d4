"""``strongroom audit tail``."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable
from typing import Final

import click

from strongroom.audit.search import Search, Told
from strongroom.cli.operator.commands.audit import printing
from strongroom.cli.operator.commands.audit.opening import audit_logs
from strongroom.cli.operator.commands.audit.options import cluster_option, hsm_option, json_option
from strongroom.cli.operator.state_option import state_option
from strongroom.installation.state_directory import StateDirectory

_LOOK_SECONDS: Final = 0.25


@click.command()
@click.option("-n", "--entries", type=click.IntRange(min=0), default=20, show_default=True, help="How many.")
@click.option("-f", "--follow", is_flag=True, help="Go on with what is written; Ctrl-C ends.")
@cluster_option
@hsm_option
@json_option
@state_option
def tail(
    state: StateDirectory, entries: int, follow: bool, cluster_id: str | None, hsm_id: str | None, as_json: bool
) -> None:
    """Show the newest entries of the HSMs' audit logs, in the order of their times.

    \b
    Examples:
        strongroom audit tail
        strongroom audit tail -n 0 --follow --json
    """
    with audit_logs(state, cluster_id, hsm_id) as look:
        search = Search(look())
        found, places = search.newest(entries)
        if not as_json:
            click.echo(printing.heading())
        _show(found, as_json)
        if not follow:
            return
        with contextlib.suppress(KeyboardInterrupt):
            while True:
                time.sleep(_LOOK_SECONDS)
                # HSMs come and go, and a deleted cluster's logs move.
                search.logs = look()
                _show(search.after(places), as_json)


def _show(found: Iterable[Told], as_json: bool) -> None:
    for told in found:
        click.echo(printing.as_json(told) if as_json else printing.row(told))
