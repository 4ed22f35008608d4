"""``strongroom audit export``."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import click

from strongroom.audit.export import CheckpointLine, EntryLine, HsmLine, Line, lines_of, write_lines
from strongroom.cli.operator.commands.audit.counting import counted
from strongroom.cli.operator.commands.audit.opening import audit_logs, now, roots
from strongroom.cli.operator.commands.audit.options import cluster_option, json_option
from strongroom.cli.operator.refusals import Refusal
from strongroom.cli.operator.state_option import state_option
from strongroom.installation.state_directory import StateDirectory
from strongroom.private_files import replacing


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@cluster_option
@json_option
@state_option
def export(state: StateDirectory, file: Path, cluster_id: str | None, as_json: bool) -> None:
    """Write the audit logs into a file that `strongroom audit verify` can check anywhere.

    It has every entry and checkpoint as the HSMs wrote them, the certificates of the HSMs and the installation's
    roots; no key and no password. An existing file is replaced when the new one is complete.

    \b
    Examples:
        strongroom audit export audit.jsonl
        strongroom audit export --cluster cluster-abcdefghijk audit.jsonl
    """
    with audit_logs(state, cluster_id) as look:
        lines = lines_of(look(), now(), roots(state))
        try:
            counts = _write(lines, file)
        except OSError as error:
            raise Refusal(f"{file} cannot be written: {error.strerror or error}") from None
    if as_json:
        click.echo(json.dumps({"file": str(file), **counts}))
    else:
        click.echo(
            f"{file}: {counts['entries']:,} entries and {counts['checkpoints']:,} checkpoints of {counts['hsms']} HSMs"
        )


def _write(lines: Iterable[Line], file: Path) -> dict[str, int]:
    counts = {"hsms": 0, "entries": 0, "checkpoints": 0}
    names = {HsmLine: "hsms", EntryLine: "entries", CheckpointLine: "checkpoints"}
    with replacing(file) as output:
        for line in counted(write_lines(lines, output), "Exporting"):
            if type(line) in names:
                counts[names[type(line)]] += 1
    return counts
