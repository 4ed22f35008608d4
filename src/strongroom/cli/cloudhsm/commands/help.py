"""``help``: what ``--help`` shows, in interactive mode too."""

from __future__ import annotations

import click

from strongroom.cli.cloudhsm.click_types import unknown_command
from strongroom.cli.cloudhsm.envelope import CommandError


@click.command("help", epilog="\b\nExamples:\n  help\n  help key list")
@click.argument("words", metavar="[COMMAND]...", nargs=-1)
@click.pass_context
def show_help(ctx: click.Context, words: tuple[str, ...]) -> None:
    """Show the commands, or how one is used."""
    shown = ctx.find_root()
    for word in words:
        group = shown.command
        if not isinstance(group, click.Group):
            raise CommandError(f"`{shown.command_path}` has no commands of its own.")
        command = group.get_command(shown, word)
        if command is None:
            raise CommandError(unknown_command(shown, group, word))
        shown = click.Context(command, info_name=word, parent=shown)
    click.echo(shown.get_help())
