"""``strongroom trail``: the record of calls, as files that can be proved."""

from __future__ import annotations

import json
from pathlib import Path

import click

from strongroom.cli.operator.refusals import Refusal
from strongroom.cli.operator.state_option import state_option
from strongroom.installation.state_directory import StateDirectory
from strongroom.installation.stores import Stores
from strongroom.services.cloudtrail.digest import PUBLIC_KEY_FILE, read_public_key
from strongroom.services.cloudtrail.files import delivered
from strongroom.services.cloudtrail.verification import Verification, verify_files, verify_log


@click.group()
def trail() -> None:
    """The record of every call to the APIs (CloudTrail)."""


@trail.command()
@click.option("--directory", type=click.Path(exists=True, file_okay=False, path_type=Path), help="A copy to verify.")
@click.option(
    "--public-key",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The public key that you kept; by default the one beside the files.",
)
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
@state_option
@click.pass_context
def verify(
    context: click.Context, state: StateDirectory, directory: Path | None, public_key: Path | None, as_json: bool
) -> None:
    """Prove that no event of the trail was removed, changed or added, or name what is wrong. Exit status 1 if so.

    Without --directory: the installation's files, compared with its log, which is verified too. With it: a copy of the
    files by itself, up to its last digest.

    \b
    Examples:
        strongroom trail verify
        strongroom trail verify --directory /mnt/archive/trail --public-key trail-key.pem
    """
    if directory is None and not state.exists():
        raise Refusal(f"no installation was made in {state.root}", "was it started with another --state-dir?")
    place = directory or state.trail
    key_path = public_key or place / PUBLIC_KEY_FILE
    try:
        key = read_public_key(key_path)
    except FileNotFoundError:
        raise Refusal(
            f"there is no digest yet in {place}", "the first is written when an hour is over, or when the service stops"
        ) from None
    except (OSError, ValueError) as error:
        raise Refusal(f"{key_path} cannot be used: {error}", "give the trail's public key to --public-key") from None
    found = verify_files(place, key) if directory is not None else _verify_installation(state, key_path)
    click.echo(json.dumps(_values(found), indent=2) if as_json else _text(found, alone=directory is not None))
    if found.problems:
        context.exit(1)


def _verify_installation(state: StateDirectory, key_path: Path) -> Verification:
    key = read_public_key(key_path)
    stores = Stores(state)
    try:
        while True:
            before = delivered(stores.logs)
            found = verify_files(state.trail, key)
            verify_log(stores.logs, found)
            # Else the service wrote files meanwhile, and what was found of them is no finding.
            if delivered(stores.logs) == before:
                return found
    finally:
        stores.close()


def _values(found: Verification) -> dict[str, object]:
    return {
        "Valid": not found.problems,
        "Digests": found.digests,
        "LogFiles": found.files,
        "LogEntries": found.entries,
        "NotCovered": found.not_covered,
        "Problems": found.problems,
    }


def _text(found: Verification, *, alone: bool) -> str:
    lines = [f"{found.digests} digests and {found.files} log files verified"]
    if not alone:
        lines.append(f"{found.entries} entries of the log verified")
    if found.not_covered:
        lines.append(f"{len(found.not_covered)} log files are newer than the last digest and not proved by it")
    lines += [f"WRONG: {problem}" for problem in found.problems]
    lines.append("The trail is NOT valid" if found.problems else "The trail is valid")
    if alone and not found.problems:
        lines.append("Digests and files after the last digest, if there were any, cannot be missed in a copy alone")
    return "\n".join(lines)
