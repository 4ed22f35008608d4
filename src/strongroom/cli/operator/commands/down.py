"""``strongroom down``: stop an installation."""

from __future__ import annotations

import click

from strongroom.cli.operator.progress import Progress
from strongroom.cli.operator.state_option import state_option
from strongroom.installation.lock import holder, stop_service
from strongroom.installation.state_directory import StateDirectory


@click.command()
@click.option("--timeout", type=click.FloatRange(min=1), default=60.0, show_default=True, help="Seconds to wait.")
@state_option
def down(state: StateDirectory, timeout: float) -> None:
    """Stop the service and all its HSMs cleanly. State stays: `strongroom up` brings the same clusters back.

    \b
    Example:
        strongroom down
    """
    say = Progress()
    if holder(state) is None:
        say(f"Nothing runs on {state.root}")
        return
    say("Stopping the service and its HSMs")
    stop_service(state, timeout)
    say(f"Stopped; state stays in {state.root}")
