"""``strongroom audit receipt``."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from strongroom.audit.receipts import FORMAT, Receipt, heads_of
from strongroom.cli.operator.commands.audit.opening import audit_logs, now, roots
from strongroom.cli.operator.commands.audit.options import cluster_option, json_option
from strongroom.cli.operator.refusals import Refusal
from strongroom.cli.operator.state_option import state_option
from strongroom.installation.state_directory import StateDirectory
from strongroom.private_files import write_private


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), required=False)
@cluster_option
@json_option
@state_option
def receipt(state: StateDirectory, file: Path | None, cluster_id: str | None, as_json: bool) -> None:
    """Print how far each HSM's audit log is, for somebody else to keep; with FILE, write it there too.

    `strongroom audit verify --receipt FILE` proves later that a log still holds everything that it held now, whoever
    has had the stores meanwhile. The receipt is worth something only where they have not: give it away, or print it.

    \b
    Examples:
        strongroom audit receipt receipt.json
        strongroom audit receipt --json > /media/auditor/receipt.json
    """
    with audit_logs(state, cluster_id) as look:
        made = Receipt(FORMAT, now(), roots(state), heads_of(look()))
    text = msgspec.json.format(msgspec.json.encode(made), indent=2).decode()
    if file is not None:
        try:
            write_private(file.absolute(), text + "\n")
        except OSError as error:
            raise Refusal(f"{file} cannot be written: {error.strerror or error}") from None
    if as_json:
        click.echo(text)
        return
    for head in made.heads:
        click.echo(str(head))
