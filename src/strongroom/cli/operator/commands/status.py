"""``strongroom status``."""

from __future__ import annotations

import json
from typing import Any

import click

from strongroom.cli.operator.refusals import NOT_RUNNING
from strongroom.cli.operator.state_option import state_option
from strongroom.installation.state_directory import StateDirectory
from strongroom.installation.status import status


@click.command("status")
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
@state_option
@click.pass_context
def show_status(context: click.Context, state: StateDirectory, as_json: bool) -> None:
    """Show the service, its subnets, and its clusters with their HSMs. Exit status 3 when it does not run.

    \b
    Examples:
        strongroom status
        strongroom status --json | jq -r '.clusters[].Hsms[].EniIp'
    """
    values = status(state)
    click.echo(json.dumps(values, indent=2) if as_json else _text(values))
    if not values["running"]:
        context.exit(NOT_RUNNING)


def _text(values: dict[str, Any]) -> str:
    lines = []
    if values["running"]:
        lines.append(f"Strongroom {values['version']} runs (process {values['pid']}), endpoint {values['endpoint']}")
    else:
        lines.append(f"Strongroom {values['version']} does not run; start it with `strongroom up -d`")
    lines.append(f"State in {values['state_directory']}, region {values['region']}, account {values['account']}")
    lines.append(f"Subnets of {values['vpc']}:")
    for subnet in values["subnets"]:
        lines.append(_row(2, subnet["SubnetId"], subnet["AvailabilityZone"], subnet["CidrBlock"] or ""))
    lines.append("Clusters:" if values["clusters"] else "No clusters.")
    for cluster in values["clusters"]:
        lines.append(_row(2, cluster["ClusterId"], cluster["State"], cluster["Mode"], cluster["StateMessage"]))
        for hsm in cluster["Hsms"]:
            place = f"{hsm['EniIp']}:{hsm['port']}"
            process = f"process {hsm['pid']}" if hsm["pid"] else "no process"
            note = "memory is not locked" if hsm["memory_locked"] is False else ""
            zone = hsm["AvailabilityZone"]
            lines.append(_row(4, hsm["HsmId"], hsm["State"], zone, place, process, note, hsm["StateMessage"]))
    return "\n".join(lines)


def _row(indent: int, *columns: str) -> str:
    return " " * indent + "  ".join(column for column in columns if column)
