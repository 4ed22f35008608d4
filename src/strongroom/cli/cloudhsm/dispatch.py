"""From the words of one command to its envelope: the one place where errors become answers."""

from __future__ import annotations

from collections.abc import Sequence

import click

from strongroom.cli.cloudhsm import envelope
from strongroom.cli.cloudhsm.envelope import CommandError
from strongroom.cli.cloudhsm.program import Program
from strongroom.client import ClientError

NAME = "cloudhsm-cli"


def dispatch(program: Program, root: click.Group, words: Sequence[str]) -> int:
    """Run one command and print its envelope; gives the exit status, 0 or 1. Never raises for what a command does."""
    try:
        answer = _run(program, root, words)
    except (CommandError, ClientError) as error:
        return _fail(program, str(error))
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx else NAME
        return _fail(program, f"{error.format_message()} See `{path} --help`.")
    except (KeyboardInterrupt, click.Abort, EOFError):
        return _fail(program, "Interrupted; a change that was under way may have been made.")
    except BrokenPipeError:
        raise
    except Exception as error:
        # People and scripts read the envelope; a traceback would break both, and could show a value.
        return _fail(program, f"Unexpected {type(error).__name__} in the program: {error}. Please report this defect.")
    if isinstance(answer, int):
        return answer
    if answer is not None:
        program.terminal.write(envelope.success(answer))
    return 0


def _run(program: Program, root: click.Group, words: Sequence[str]) -> envelope.Data | int | None:
    """The command's data; ``None`` when it printed by itself; an exit status when click showed help or was left."""
    answer: envelope.Data | int | None = root.main(
        args=list(words), prog_name=root.name, standalone_mode=False, obj=program
    )
    return answer


def _fail(program: Program, message: str) -> int:
    program.terminal.write(envelope.failure(message))
    return 1
