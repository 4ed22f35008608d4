"""``--state-dir``: which installation a command is for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from strongroom.installation.environment import STATE_VARIABLE
from strongroom.installation.state_directory import StateDirectory, default_state_directory

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


def _as_state(_context: click.Context, _parameter: click.Parameter, value: Path | None) -> StateDirectory:
    return StateDirectory((value or default_state_directory()).absolute())


def state_option(function: Decorated) -> Decorated:
    """The command gets ``state``: the directory of the option, of the variable, or by the XDG rules."""
    option = click.option(
        "--state-dir",
        "state",
        type=click.Path(file_okay=False, path_type=Path),
        envvar=STATE_VARIABLE,
        show_envvar=True,
        callback=_as_state,
        help="The installation's directory; by default $XDG_STATE_HOME/strongroom or ~/.local/state/strongroom.",
    )
    return option(function)
