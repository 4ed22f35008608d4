"""``strongroom access-key``."""

from __future__ import annotations

import json
import time

import click

from strongroom.aws.access_keys import create_access_key
from strongroom.cli.operator.state_option import state_option
from strongroom.installation.keys import open_installation
from strongroom.installation.settings import check_account
from strongroom.installation.state_directory import StateDirectory
from strongroom.installation.stores import Stores


@click.group("access-key")
def access_key() -> None:
    """Access keys of accounts for the control API."""


@access_key.command()
@click.option("--account", required=True, help="Twelve digits; an account is there as soon as it has a key.")
@state_option
def create(state: StateDirectory, account: str) -> None:
    """Make an access key with full rights in an account, and print it: its secret is never shown again.

    \b
    Example:
        strongroom access-key create --account 444455556666
    """
    check_account(account)
    installation = open_installation(state)
    stores = Stores(state)
    try:
        key = create_access_key(stores.control, account, installation.seal, time.time())
    finally:
        stores.close()
    shown = {"Account": account, "AccessKeyId": key.access_key_id, "SecretAccessKey": key.secret_access_key}
    click.echo(json.dumps({"AccessKey": shown}, indent=2))
