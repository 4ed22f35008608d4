"""The quick start of a running service, with the demonstration and what to type next."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import click

from strongroom.fleet.zones import ZonePlan
from strongroom.installation.environment import environment, trust_bundle
from strongroom.installation.lock import ServiceRecord
from strongroom.installation.settings import load_settings
from strongroom.installation.state_directory import StateDirectory, default_state_directory
from strongroom.quickstart.demonstration import demonstrate
from strongroom.quickstart.files import QuickstartFiles
from strongroom.quickstart.steps import Say, Wish, make_cluster


def make_quickstart_cluster(state: StateDirectory, service: ServiceRecord, say: Say, *, mode: str, hsms: int) -> str:
    """The quick-start cluster's id, once it is ACTIVE with all its HSMs."""
    settings = load_settings(state.settings)
    plan = ZonePlan.over(settings.region, settings.address_range or "")
    wish = Wish(state.root, {zone.name: zone.subnet_id for zone in plan.zones}, mode, hsms)
    variables = environment(state, service, trust_bundle=trust_bundle(state))
    return make_cluster(QuickstartFiles(state.quickstart), variables, wish, say)


def show_that_it_works(state: StateDirectory, service: ServiceRecord, say: Say) -> None:
    """Sign a file through PKCS #11, verify it with OpenSSL, and print both and what comes next."""
    say("Generating a P-256 key, signing a file through PKCS #11, verifying it with OpenSSL")
    variables = environment(state, service, trust_bundle=trust_bundle(state))
    document = demonstrate(state.quickstart / "demonstration", variables)
    program = shlex.quote(_typed(Path(sys.argv[0])))
    here = "" if state.root == default_state_directory() else f" --state-dir {shlex.quote(str(state.root))}"
    click.echo(f"""
A P-256 key in the cluster signed {document}
through the PKCS #11 library, and OpenSSL verified the signature.

Next:
    eval "$({program} env{here})"
    aws cloudhsmv2 describe-clusters
    cloudhsm-cli user list
    pkcs11-tool --module "$STRONGROOM_PKCS11_MODULE" --login --pin env:CLOUDHSM_PIN --list-objects
Stop it with `{program} down{here}`; state stays in {state.root}.""")


def _typed(path: Path) -> str:
    """A path as somebody would type it here."""
    try:
        return str(path.absolute().relative_to(Path.cwd()))
    except ValueError:
        return str(path)
