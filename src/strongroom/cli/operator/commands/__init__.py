"""The commands of ``strongroom``."""

from __future__ import annotations

import click

from strongroom.cli.operator.commands.access_key import access_key
from strongroom.cli.operator.commands.down import down
from strongroom.cli.operator.commands.env import env
from strongroom.cli.operator.commands.execute import execute
from strongroom.cli.operator.commands.logs import logs
from strongroom.cli.operator.commands.status import show_status
from strongroom.cli.operator.commands.store import store
from strongroom.cli.operator.commands.up import up
from strongroom.cli.operator.commands.wipe import wipe

COMMANDS: tuple[click.Command, ...] = (up, down, show_status, env, logs, access_key, execute, wipe, store)
