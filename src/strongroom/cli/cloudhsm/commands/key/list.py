"""``key list`` (aws-cloudhsm 4.2, 4.3), page by page."""

from __future__ import annotations

from typing import Any

import click

from strongroom.cli.cloudhsm import filters, key_objects
from strongroom.cli.cloudhsm.click_types import ManyValues, command
from strongroom.cli.cloudhsm.envelope import CommandError, Data
from strongroom.cli.cloudhsm.program import Program


@command(
    "list",
    examples=[
        "key list",
        "key list --filter attr.label=k1 attr.class=private-key --verbose",
        "key list --max-items 100 --starting-token 0x0000000000540011",
    ],
)
@click.option("--filter", "terms", cls=ManyValues, metavar="TERM…", help="Which keys; all terms must match.")
@click.option("--max-items", type=click.IntRange(min=1), default=10, show_default=True, help="Keys in one answer.")
@click.option("--starting-token", help="The next_token of the answer before.")
@click.option("-v", "--verbose", is_flag=True, help="Show all that is known of each key.")
def list_keys(
    program: Program, terms: tuple[str, ...], max_items: int, starting_token: str | None, verbose: bool
) -> Data:
    """List the keys that the user can see."""
    wanted = filters.parse(terms)
    after = 0 if starting_token is None else _after(starting_token)
    found = filters.page(program.session(), wanted, after=after, limit=max_items)
    show = key_objects.full if verbose else key_objects.short
    answer: dict[str, Any] = {
        "matched_keys": [show(key) for key in found.objects],
        "total_key_count": found.total,
        "returned_key_count": len(found.objects),
    }
    if found.more:
        answer["next_token"] = key_objects.reference(found.objects[-1])
    return answer


def _after(token: str) -> int:
    try:
        return filters.parse_reference(token)
    except CommandError:
        raise CommandError(f"{token!r} is no starting token: use the next_token of an earlier answer.") from None
