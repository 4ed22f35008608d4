"""``quorum token-sign generate`` (aws-cloudhsm 3.5, 4.2)."""

from __future__ import annotations

import click

from strongroom.cli.cloudhsm import filters, key_objects, quorum_file
from strongroom.cli.cloudhsm.click_types import ManyValues, command
from strongroom.cli.cloudhsm.envelope import CommandError, Data
from strongroom.cli.cloudhsm.program import Program
from strongroom.client import QuorumService
from strongroom.vocabulary.quorum import KEY_SERVICES, SERVICE_NAMES

_SERVICES = {name: service for service, name in SERVICE_NAMES.items()}


@command(
    "generate",
    examples=[
        "quorum token-sign generate --service registration --token registration.token",
        "quorum token-sign generate --service user --token user.token",
        "quorum token-sign generate --service key-usage --filter attr.label=k1 --token usage.token",
    ],
)
@click.option("--service", required=True, type=click.Choice(list(_SERVICES)), help="What the token is for.")
@click.option("--token", required=True, metavar="PATH", help="File that the token to sign is written to.")
@click.option("--filter", "terms", cls=ManyValues, metavar="TERM…", help="The key, for the services of keys.")
def generate(program: Program, service: str, token: str, terms: tuple[str, ...]) -> Data:
    """Write a token for one operation of this login; list-timeouts tells for how long."""
    is_of_a_key = _SERVICES[service] in KEY_SERVICES
    if is_of_a_key != bool(terms):
        raise CommandError("Give --filter for the key of the services key-management and key-usage, and for no other.")
    session = program.session()
    if is_of_a_key:
        key = filters.one(session, filters.parse(terms))
        made = session.quorum.generate(_SERVICES[service], key=key.reference)
        of_a_key = {"service": service, "key_reference": key_objects.reference(key)}
        quorum_file.write_for_approval(token, made, of_a_key)
        return {"path": token}
    made = session.quorum.generate(_SERVICES[service])
    if _SERVICES[service] is QuorumService.REGISTRATION:
        quorum_file.write_for_registration(token, made)
    else:
        quorum_file.write_for_approval(token, made, {})
    return {"path": token}
