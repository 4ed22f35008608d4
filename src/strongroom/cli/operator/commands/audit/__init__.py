"""``strongroom audit``: the audit logs of all HSMs of the installation, also of those that were deleted.

The commands read the stores themselves, so they work while the service runs and while it does not.
"""

from __future__ import annotations

import click

from strongroom.cli.operator.commands.audit.export import export
from strongroom.cli.operator.commands.audit.receipt import receipt
from strongroom.cli.operator.commands.audit.search import search
from strongroom.cli.operator.commands.audit.tail import tail
from strongroom.cli.operator.commands.audit.verify import verify


@click.group()
def audit() -> None:
    """What HSMs were asked to do, by whom, and the proof of it."""


for _command in (tail, search, export, verify, receipt):
    audit.add_command(_command)
