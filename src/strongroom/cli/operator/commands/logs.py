"""``strongroom logs``."""

from __future__ import annotations

import subprocess
from pathlib import Path

import click

from strongroom.cli.operator.refusals import Refusal
from strongroom.cli.operator.state_option import state_option
from strongroom.installation.state_directory import StateDirectory


@click.command()
@click.option("-n", "--lines", type=click.IntRange(min=1), default=50, show_default=True, help="How many of each log.")
@click.option("-f", "--follow", is_flag=True, help="Go on with what is written; Ctrl-C ends.")
@click.option("--hsm", metavar="HSM-ID", help="This HSM's log alone.")
@state_option
def logs(state: StateDirectory, lines: int, follow: bool, hsm: str | None) -> None:
    """Show the end of the service's log and of each HSM's.

    \b
    Examples:
        strongroom logs
        strongroom logs -f --hsm hsm-abcdefghijk
    """
    paths = _logs(state, hsm)
    if not paths:
        raise Refusal(f"there is no log in {state.root}", "was it started with another --state-dir?")
    if follow:
        subprocess.run(["tail", "-n", str(lines), "-F", "--", *map(str, paths)], check=False)
        return
    for path in paths:
        click.echo(f"==> {path} <==")
        for line in path.read_text(errors="replace").splitlines()[-lines:]:
            click.echo(line)


def _logs(state: StateDirectory, hsm: str | None) -> list[Path]:
    of_hsms = {path.parent.name: path for path in sorted(state.hsms.glob("*/hsm.log"))}
    if hsm is None:
        return [path for path in (state.service_log, *of_hsms.values()) if path.exists()]
    if hsm not in of_hsms:
        known = ", ".join(of_hsms) or "none"
        raise Refusal(f"there is no HSM {hsm} here", f"the HSMs are: {known}")
    return [of_hsms[hsm]]
