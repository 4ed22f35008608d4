"""``strongroom audit search``."""

from __future__ import annotations

from itertools import islice

import click

from strongroom.audit.search import Filter, Search
from strongroom.cli.operator.commands.audit import printing
from strongroom.cli.operator.commands.audit.opening import audit_logs
from strongroom.cli.operator.commands.audit.options import Number, When, cluster_option, hsm_option, json_option
from strongroom.cli.operator.state_option import state_option
from strongroom.installation.state_directory import StateDirectory


@click.command()
@click.option("--user", metavar="NAME", help="The user that an entry names.")
@click.option(
    "--opcode", "opcodes", multiple=True, metavar="NAME|NUMBER", help="Such as CN_LOGIN or 0xd; may be repeated."
)
@click.option("--key", type=Number(), metavar="REFERENCE", help="A key, by its reference.")
@click.option("--session", type=Number(), metavar="HANDLE", help="A session handle.")
@click.option("--failed", is_flag=True, help="What was refused or failed.")
@click.option("--since", type=When(), metavar="TIME", help="Not before: 2026-05-03T08:15 (UTC), or 15m, 2h, 7d ago.")
@click.option("--until", type=When(), metavar="TIME", help="Before this time.")
@click.option("--limit", type=click.IntRange(min=1), metavar="NUMBER", help="The first of what is found.")
@cluster_option
@hsm_option
@json_option
@state_option
def search(
    state: StateDirectory,
    user: str | None,
    opcodes: tuple[str, ...],
    key: int | None,
    session: int | None,
    failed: bool,
    since: int | None,
    until: int | None,
    limit: int | None,
    cluster_id: str | None,
    hsm_id: str | None,
    as_json: bool,
) -> None:
    """Show the entries of the HSMs' audit logs that fit all options, in the order of their times.

    \b
    Examples:
        strongroom audit search --user alice --since 1h
        strongroom audit search --opcode CN_LOGIN --failed --json
        strongroom audit search --key 0x00000000004c0012
    """
    wanted = Filter(
        user=user.lower() if user else None,
        opcodes=frozenset(_opcode(opcode) for opcode in opcodes),
        key=key,
        session=session,
        failed=failed,
        since_us=since,
        until_us=until,
    )
    with audit_logs(state, cluster_id, hsm_id) as look:
        looked = Search(look())
        if not as_json:
            click.echo(printing.heading())
        for told in islice(looked.find(wanted), limit):
            click.echo(printing.as_json(told) if as_json else printing.row(told))
    if looked.unread:
        click.echo(f"{looked.unread} entries cannot be read; see `strongroom audit verify --live`", err=True)


def _opcode(text: str) -> str:
    try:
        return f"{int(text, 0):#x}"
    except ValueError:
        name = text.upper()
        return name if name.startswith(("CN_", "STRONGROOM_", "END_")) else f"CN_{name}"
