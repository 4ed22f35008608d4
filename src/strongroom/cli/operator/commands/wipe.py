"""``strongroom wipe``: destroy what a crypto-user owns, under that user's own login."""

from __future__ import annotations

import os

import click

from strongroom.cli.operator.progress import Progress
from strongroom.cli.operator.refusals import Refusal
from strongroom.cli.operator.state_option import state_option
from strongroom.client import ClientError, Cluster, Session
from strongroom.installation.state_directory import StateDirectory
from strongroom.quickstart.files import QuickstartFiles, password_of
from strongroom.vocabulary.roles import Role

_SAY_EVERY = 500


@click.command()
@click.option("--user", required=True, metavar="NAME", help="The crypto-user whose objects are destroyed.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@state_option
def wipe(state: StateDirectory, user: str, yes: bool) -> None:
    """Destroy every key and certificate that a crypto-user owns, in the cluster that STRONGROOM_CONFIG names.

    The user's password comes from CLOUDHSM_PIN (user:password), or from the quick start where the user is its own.

    \b
    Examples:
        strongroom wipe --user app --yes
        CLOUDHSM_PIN=alice:secret-words strongroom wipe --user alice
    """
    files = QuickstartFiles(state.quickstart)
    password = _password(files, user)
    configuration = os.environ.get("STRONGROOM_CONFIG") or str(files.client_configuration)
    try:
        with Cluster.open(configuration) as cluster, cluster.login(user, Role.CRYPTO_USER, password) as session:
            _wipe(session, user, ask=not yes)
    except ClientError as error:
        raise Refusal(str(error)) from None


def _wipe(session: Session, user: str, *, ask: bool) -> None:
    say = Progress()
    owned = [found.reference for found in session.objects.find_all({}) if found.owner == user]
    if not owned:
        say(f"{user} owns nothing")
        return
    if ask:
        click.confirm(f"Destroy {len(owned)} objects of {user}? This cannot be undone", abort=True, err=True)
    for number, reference in enumerate(owned, start=1):
        session.objects.destroy(reference)
        if number % _SAY_EVERY == 0:
            say(f"{number} of {len(owned)} destroyed")
    say(f"All {len(owned)} objects of {user} are destroyed")


def _password(files: QuickstartFiles, user: str) -> str:
    saved = files.read_pins()
    for pin in (os.environ.get("CLOUDHSM_PIN", ""), saved.crypto_user if saved else ""):
        if pin.startswith(f"{user}:"):
            return password_of(pin)
    raise Refusal(f"the password of {user} is not known here", f"set CLOUDHSM_PIN to {user}:PASSWORD")
