"""From the words of one command to its answer: the one place where errors become answers."""

from __future__ import annotations

from collections.abc import Sequence

import click

from strongroom.cli.cloudhsm import envelope, tables
from strongroom.cli.cloudhsm.envelope import CommandError
from strongroom.cli.cloudhsm.output_format import OutputFormat
from strongroom.cli.cloudhsm.program import Program
from strongroom.client import ClientError
from strongroom.printable import printable

NAME = "cloudhsm-cli"
LONGEST_MESSAGE = 1_000


def dispatch(program: Program, root: click.Group, words: Sequence[str]) -> int:
    """Run one command and print its answer; gives the exit status, 0 or 1. Never raises for what a command does."""
    program.choose_output(words)
    try:
        answer = _run(program, root, words)
    except (CommandError, ClientError) as error:
        return fail(program, str(error))
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx else NAME
        return fail(program, f"{error.format_message()} See `{path} --help`.")
    except (KeyboardInterrupt, click.Abort, EOFError):
        return fail(program, "Interrupted; a change that was under way may have been made.")
    except BrokenPipeError:
        raise
    except OverflowError:
        return fail(program, "A number that was given is larger than any that an HSM takes.")
    except Exception as error:
        # People and scripts read the envelope; a traceback would break both, and could show a value.
        return fail(program, f"Unexpected {type(error).__name__} in the program: {error}. Please report this defect.")
    if isinstance(answer, int):
        return answer
    if answer is not None:
        in_a_table = program.output is OutputFormat.TABLE
        program.terminal.write(tables.rendered(answer) if in_a_table else envelope.success(answer))
    return 0


def fail(program: Program, message: str) -> int:
    """Print what was wrong; gives the exit status. A table is read by people, who want the error beside it."""
    if len(message) > LONGEST_MESSAGE:
        # It repeats a value that was given, and that is no name.
        message = f"{message[: LONGEST_MESSAGE // 2]} … {message[-LONGEST_MESSAGE // 2 :]}"
    if program.output is OutputFormat.TABLE:
        program.terminal.warn(f"Error: {printable(' '.join(message.split()))}")
    else:
        program.terminal.write(envelope.failure(message))
    return 1


def _run(program: Program, root: click.Group, words: Sequence[str]) -> envelope.Data | int | None:
    """The command's data; ``None`` when it printed by itself; an exit status when click showed help or was left."""
    answer: envelope.Data | int | None = root.main(
        args=list(words), prog_name=root.name, standalone_mode=False, obj=program
    )
    return answer
