"""``strongroom env``."""

from __future__ import annotations

import click

from strongroom.cli.operator.state_option import state_option
from strongroom.installation.environment import environment, export_lines, trust_bundle
from strongroom.installation.lock import running_service
from strongroom.installation.state_directory import StateDirectory


@click.command()
@click.option("--admin", is_flag=True, help="STRONGROOM_ADMIN_PIN too.")
@state_option
def env(state: StateDirectory, admin: bool) -> None:
    """Print export lines that make every tool work with the running service.

    It names the endpoint, access key and region for the AWS tools, the crypto-user's PIN, the client configuration,
    the PKCS #11 library and the trust anchor.

    \b
    Example:
        eval "$(strongroom env)"
    """
    variables = environment(state, running_service(state), trust_bundle=trust_bundle(state), admin=admin)
    click.echo(export_lines(variables), nl=False)
