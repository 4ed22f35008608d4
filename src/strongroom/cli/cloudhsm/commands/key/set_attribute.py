"""``key set-attribute`` (aws-cloudhsm 4.2, 5.2)."""

from __future__ import annotations

import click

from strongroom.cli.cloudhsm import attribute_values, filters, quorum_file
from strongroom.cli.cloudhsm.click_types import ManyValues, command
from strongroom.cli.cloudhsm.envelope import CommandError, Data
from strongroom.cli.cloudhsm.program import Program
from strongroom.vocabulary.attributes import CLI_NAMES


@command(
    "set-attribute",
    examples=[
        "key set-attribute --filter attr.label=k1 --name encrypt --value true",
        "key set-attribute --filter attr.label=k1 --name label --value k2",
    ],
)
@click.option("--filter", "terms", cls=ManyValues, required=True, metavar="TERM…", help="The key to change.")
@click.option("--name", required=True, help="Name of the attribute.")
@click.option("--value", required=True, help="Its new value.")
@quorum_file.APPROVAL
def set_attribute(program: Program, terms: tuple[str, ...], name: str, value: str, approval_path: str | None) -> Data:
    """Change an attribute of the one key that matches the filter; an admin changes `trusted` only."""
    wanted = filters.parse(terms)
    attribute = attribute_values.named(name)
    if attribute not in attribute_values.AFTERWARDS:
        changeable = sorted(CLI_NAMES[known] for known in attribute_values.AFTERWARDS)
        raise CommandError(f"The attribute {name} cannot be changed; these can: {', '.join(changeable)}.")
    template = {attribute.value: attribute_values.parse(attribute, value)}
    approval = quorum_file.approval(approval_path)
    session = program.session()
    session.objects.set_attributes(filters.one(session, wanted).reference, template, approval=approval)
    return {"message": "Attribute set successfully"}
