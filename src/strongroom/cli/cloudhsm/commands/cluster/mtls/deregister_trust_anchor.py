"""``cluster mtls deregister-trust-anchor`` (aws-cloudhsm 4.2)."""

from __future__ import annotations

from collections.abc import Sequence

import click

from strongroom.cli.cloudhsm import quorum_file
from strongroom.cli.cloudhsm.click_types import ManyValues, command
from strongroom.cli.cloudhsm.envelope import CommandError, Data
from strongroom.cli.cloudhsm.program import Program


@command("deregister-trust-anchor", examples=["cluster mtls deregister-trust-anchor --certificate-reference 0x01"])
@click.option(
    "--certificate-reference",
    "references",
    cls=ManyValues,
    required=True,
    help="Reference of the trust anchor: 0x01 or 0x02, or both.",
)
@quorum_file.APPROVAL
def deregister_trust_anchor(program: Program, references: Sequence[str], approval_path: str | None) -> Data:
    """Let nobody in by a trust anchor any more; admins only."""
    numbers = [(text, _number(text)) for text in references]
    approval = quorum_file.approval(approval_path)
    if approval is not None and len(numbers) > 1:
        raise CommandError("A quorum token is good for one trust anchor: give one reference with each --approval.")
    mutual_tls = program.session().mutual_tls
    for _, number in numbers:
        mutual_tls.deregister(number, approval=approval)
    named = ", ".join(f"{number:#04x}" for _, number in numbers)
    return {"message": f"Trust anchor with reference {named} deregistered successfully"}


def _number(text: str) -> int:
    try:
        return int(text, 0)
    except ValueError as error:
        raise CommandError(
            f"{text!r} is not a certificate reference: give one that list-trust-anchors shows, as 0x01."
        ) from error
