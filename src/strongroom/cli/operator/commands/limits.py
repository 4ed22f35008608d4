"""``strongroom limits``."""

from __future__ import annotations

from collections.abc import Sequence

import click
import msgspec

from strongroom.cli.operator.limit_option import numbers
from strongroom.cli.operator.refusals import Refusal
from strongroom.cli.operator.state_option import state_option
from strongroom.installation.settings import Limits, limits_of, load_settings, save_settings, with_limits
from strongroom.installation.state_directory import StateDirectory

_DEFAULT = "=default"


@click.command()
@click.option("--cluster", "cluster_id", metavar="CLUSTER-ID", help="Of this cluster alone.")
@click.argument("changed", nargs=-1, metavar="[NAME=NUMBER]…")
@state_option
def limits(state: StateDirectory, cluster_id: str | None, changed: Sequence[str]) -> None:
    """Show what clusters may hold, or set it.

    A cluster's HSMs follow a change when they start the next time. What a limit means stands in
    docs/reference/limits.md; NAME=default takes back what was set.

    \b
    Examples:
        strongroom limits
        strongroom limits max_keys=100000 max_asymmetric_keys=100000
        strongroom limits --cluster cluster-abcdefghijk certificate_writes_per_second=1
    """
    if not state.exists():
        raise Refusal(f"no installation was made in {state.root}", "make one with `strongroom up`")
    if cluster_id is not None and not state.cluster_store(cluster_id).exists():
        raise Refusal(f"there is no cluster {cluster_id} in {state.root}", "see `strongroom status`")
    settings = load_settings(state.settings)
    taken_back = {word.removesuffix(_DEFAULT) for word in changed if word.endswith(_DEFAULT)}
    given = numbers(word for word in changed if not word.endswith(_DEFAULT))
    defaults = {name: getattr(Limits(), name, 0) for name in taken_back}
    if cluster_id is None:
        shown = with_limits(settings.limits, defaults | given)
        settings = msgspec.structs.replace(settings, limits=shown)
    else:
        before = settings.cluster_limits.get(cluster_id, {})
        own = {name: number for name, number in before.items() if name not in taken_back} | given
        with_limits(settings.limits, defaults | own)
        clusters = {name: each for name, each in settings.cluster_limits.items() if name != cluster_id}
        settings = msgspec.structs.replace(settings, cluster_limits=clusters | ({cluster_id: own} if own else {}))
        shown = limits_of(settings, cluster_id)
    if changed:
        save_settings(state.settings, settings)
    for name, number in msgspec.structs.asdict(shown).items():
        click.echo(f"{name:<30} {number}")
