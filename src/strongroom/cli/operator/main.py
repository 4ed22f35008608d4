"""The program ``strongroom``."""

from __future__ import annotations

import importlib
import sys

import click

from strongroom.cli.operator import commands
from strongroom.cli.operator.refusals import NOT_RUNNING, Refusal
from strongroom.installation.errors import InstallationError, NotRunning
from strongroom.quickstart.errors import QuickstartError

_HELP = """Run clusters of HSMs on this machine.

\b
    strongroom up -d --quickstart    start, with a cluster that is ready to use
    eval "$(strongroom env)"         let the AWS CLI, cloudhsm-cli and PKCS #11 programs find it
    strongroom status                what runs
    strongroom down                  stop; state stays

Exit status: 0 done, 1 failed, 2 wrong usage, 3 the service does not run.
"""


class _Group(click.Group):
    """Loads a command when it is called for, and turns the refusals of inner rooms into text and exit status."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return sorted(commands.COMMANDS)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, commands.COMMANDS[name].summary) for name in self.list_commands(ctx)])

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = commands.COMMANDS.get(cmd_name)
        if entry is None:
            return None
        module, _, attribute = entry.place.partition(":")
        command: click.Command = getattr(importlib.import_module(f"{commands.__name__}.{module}"), attribute)
        return command

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except NotRunning as error:
            raise Refusal(error.text, error.hint, NOT_RUNNING) from None
        except (InstallationError, QuickstartError) as error:
            raise Refusal(error.text, error.hint) from None


def _show_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        from strongroom import _native

        click.echo(f"strongroom {_native.__version__} ({_native.crypto_library()})")
        ctx.exit()


@click.group(cls=_Group, help=_HELP, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--version", is_flag=True, expose_value=False, is_eager=True, callback=_show_version, help="Show the versions."
)
def strongroom() -> None:
    """The group of all commands."""


def main() -> None:
    """Run the command line and exit with its status."""
    sys.exit(strongroom(prog_name="strongroom"))
