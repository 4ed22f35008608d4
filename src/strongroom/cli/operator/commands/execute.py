"""``strongroom exec``."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import click

from strongroom.cli.operator.ephemeral import EphemeralInstallation
from strongroom.cli.operator.limit_option import limit_option, numbers
from strongroom.cli.operator.progress import Progress
from strongroom.cli.operator.refusals import Refusal
from strongroom.installation.options import Options

_NOT_FOUND = 127


@click.command("exec", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option("--hsms", type=click.IntRange(1, 3), default=1, show_default=True, help="HSMs of the cluster.")
@click.option(
    "--mode",
    type=click.Choice(["FIPS", "NON_FIPS"]),
    default="FIPS",
    show_default=True,
    help="FIPS allows approved algorithms only.",
)
@click.option("--region", help="The AWS region to play.")
@limit_option
@click.argument("command", nargs=-1, required=True)
@click.pass_context
def execute(
    context: click.Context,
    command: tuple[str, ...],
    hsms: int,
    mode: str,
    region: str | None,
    limits: tuple[str, ...],
) -> None:
    """Run COMMAND against a throw-away installation with a cluster, and stop that again.

    COMMAND gets everything that `strongroom env --admin` gives, and its exit status is this program's.

    \b
    Examples:
        strongroom exec -- pytest tests
        strongroom exec -- sh -c 'cloudhsm-cli user list'
    """
    options = Options(state_directory="", region=region, limits=numbers(limits))
    installation = EphemeralInstallation(options, end_with=(os.getpid(),))
    try:
        service = installation.start(Progress(), mode=mode, hsms=hsms)
        # Loaded by now; the service was to start before that.
        from strongroom.installation.environment import environment, tool_environment

        variables = tool_environment(environment(installation.state, service, admin=True))
        programs = str(Path(sys.executable).parent)
        variables["PATH"] = os.pathsep.join([*os.environ.get("PATH", os.defpath).split(os.pathsep), programs])
        status = _run(command, variables)
    finally:
        installation.stop()
    context.exit(status)


def _run(command: tuple[str, ...], variables: dict[str, str]) -> int:
    """The command's exit status, as a shell gives it; signals that stop us are passed on to it."""
    try:
        process = subprocess.Popen(command, env=variables)
    except FileNotFoundError:
        raise Refusal(f"{command[0]}: command not found", exit_code=_NOT_FOUND) from None
    except PermissionError:
        raise Refusal(f"{command[0]}: permission denied", exit_code=_NOT_FOUND - 1) from None
    previous = {
        number: signal.signal(number, lambda received, _frame: process.send_signal(received))
        for number in (signal.SIGTERM, signal.SIGHUP)
    }
    previous[signal.SIGINT] = signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal sends it to both of us
    try:
        status = process.wait()
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    return status if status >= 0 else 128 - status
