"""How commands, groups and options of this program differ from click's own."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

import click

from strongroom.cli.cloudhsm import output_format
from strongroom.cli.cloudhsm.envelope import CommandError, Data
from strongroom.cli.cloudhsm.output_format import OutputFormat
from strongroom.cli.cloudhsm.program import Program
from strongroom.client.credentials import ROLES
from strongroom.vocabulary.roles import CLI_NAMES, Role

Decorated = TypeVar("Decorated", bound=Callable[..., Any])
_WIDTH: Final = {"max_content_width": 100}
_LONGEST_SUMMARY: Final = 1000


FILTER_TERMS: Final = "TERM…"
"""How help shows the values of options that take filters."""
ATTRIBUTE_VALUES: Final = "NAME=VALUE…"
"""How help shows the values of options that take attributes."""


class ManyValues(click.Option):
    """An option that takes every value up to the next option: ``--attributes sign=true verify=true``."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "multiple": True})


def output_option() -> click.Option:
    """``--output``. Its value is taken from the words before they are parsed: what is wrong with them has it too."""
    formats = click.Choice([known.value for known in OutputFormat])
    return click.Option([output_format.OPTION], type=formats, expose_value=False, help="Form of the answer, else json.")


class Command(click.Command):
    """A command with the options that all have, and with :class:`ManyValues`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params += [
            click.Option(["--cluster-id"], help="Cluster to use, where the configuration has several."),
            click.Option(["--config"], metavar="PATH", help="Configuration file; else STRONGROOM_CONFIG."),
            output_option(),
        ]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        many = {name for option in self.params if isinstance(option, ManyValues) for name in option.opts}
        return super().parse_args(ctx, _repeat_names(args, many))

    def invoke(self, ctx: click.Context) -> Data | None:
        program: Program = ctx.obj
        program.choose(ctx.params.pop("config"), ctx.params.pop("cluster_id"))
        answer: Data | None = super().invoke(ctx)
        return answer


class Group(click.Group):
    """A group whose unknown and missing commands are answered with those that it has."""

    def __init__(self, name: str, help: str, commands: Sequence[click.Command]) -> None:
        super().__init__(name, help=help, commands=commands, no_args_is_help=False, context_settings=_WIDTH)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """With whole summaries; click cuts them to a line."""
        commands = [(name, self.commands[name]) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl([(name, known.get_short_help_str(limit=_LONGEST_SUMMARY)) for name, known in commands])

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args:
            raise CommandError(f"`{_spoken(ctx)}` needs a command: {', '.join(self.list_commands(ctx))}.")
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            raise CommandError(unknown_command(ctx, self, args[0]))
        return super().resolve_command(ctx, args)


def unknown_command(ctx: click.Context, group: click.Group, name: str) -> str:
    """What to say to a command that the group does not have."""
    known = group.list_commands(ctx)
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean `{close[0]}`?" if close else f"it has: {', '.join(known)}."
    return f"`{_spoken(ctx)}` has no command {name!r}; {hint}"


def command(name: str, *, examples: Sequence[str]) -> Callable[[Callable[..., Data | None]], click.Command]:
    """Make a function ``f(program, **options) -> data`` a command; its docstring is the help text.

    The data goes into the envelope; ``None`` means that the command has printed what there is.
    """
    lines = "\n".join(f"  {example}" for example in examples)

    def decorate(function: Callable[..., Data | None]) -> click.Command:
        made: click.Command = click.command(
            name, cls=Command, epilog=f"\b\nExamples:\n{lines}", context_settings=_WIDTH
        )(click.pass_obj(function))
        return made

    return decorate


def options(*decorators: Callable[[Decorated], Decorated]) -> Callable[[Decorated], Decorated]:
    """Several option decorators as one, in the order in which help shows them."""

    def decorate(function: Decorated) -> Decorated:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return decorate


USER_AND_ROLE = options(
    click.option("--username", required=True, help="Name of the user."),
    click.option("--role", required=True, type=click.Choice(list(ROLES)), help="Role of the user."),
)
SHARING_USER = options(
    click.option("--username", required=True, help="Name of the other crypto-user."),
    click.option("--role", required=True, type=click.Choice([CLI_NAMES[Role.CRYPTO_USER]]), help="Role of that user."),
)
PASSWORD = click.option("--password", help="Password; asked for when it is not given.")


def _repeat_names(args: Sequence[str], many: set[str]) -> list[str]:
    repeated: list[str] = []
    current: str | None = None
    first = False
    for argument in args:
        if argument.startswith("--"):
            name = argument.partition("=")[0]
            current, first = (name if name in many else None), "=" not in argument
            repeated.append(argument)
        elif current is not None and not argument.startswith("-"):
            repeated += [argument] if first else [current, argument]
            first = False
        else:
            current = None
            repeated.append(argument)
    return repeated


def _spoken(ctx: click.Context) -> str:
    return ctx.command_path
