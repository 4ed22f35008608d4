"""``strongroom up``: start an installation."""

from __future__ import annotations

import json
import os
import sys
import threading
from typing import Any

import click

from strongroom.cli.operator.ephemeral import EphemeralInstallation
from strongroom.cli.operator.limit_option import limit_option, numbers
from strongroom.cli.operator.progress import Progress
from strongroom.cli.operator.refusals import Refusal
from strongroom.cli.operator.state_option import state_option
from strongroom.installation.detached import DetachedService
from strongroom.installation.environment import environment, export_lines, trust_bundle
from strongroom.installation.lock import ServiceRecord, holder, running_service
from strongroom.installation.options import Options
from strongroom.installation.state_directory import StateDirectory
from strongroom.quickstart.errors import QuickstartError


@click.command()
@click.option("-d", "--detach", is_flag=True, help="Return once it is ready; it goes on in the background.")
@click.option("--quickstart", is_flag=True, help="Make the quick-start cluster where there is none, and sign with it.")
@click.option("--ephemeral", is_flag=True, help="A throw-away installation with a cluster; it ends with its parent.")
@click.option("--hsms", type=click.IntRange(1, 3), help="HSMs of the quick-start cluster: 2, or 1 when ephemeral.")
@click.option("--mode", type=click.Choice(["FIPS", "NON_FIPS"]), default="FIPS", help="Of the quick-start cluster.")
@click.option("--region", help="The AWS region to play; fixed at the first start. Default us-east-1.")
@click.option("--listen", metavar="HOST[:PORT]", help="The control API's address; remembered. Default 127.0.0.1.")
@click.option("--tls-cert", type=click.Path(resolve_path=True), help="PEM certificate of the control API; remembered.")
@click.option("--tls-key", type=click.Path(resolve_path=True), help="PEM key of that certificate; remembered.")
@limit_option
@click.option("--allow-unlocked-memory", is_flag=True, help="Start HSMs where memory cannot be locked.")
@click.option("--parent-pid", type=int, help="With --ephemeral: end with this process instead of the caller.")
@state_option
def up(state: StateDirectory, detach: bool, quickstart: bool, ephemeral: bool, **given: Any) -> None:
    """Start the service and its HSMs.

    In the foreground it runs until Ctrl-C; with -d it returns once ready.

    \b
    Examples:
        strongroom up -d --quickstart
        strongroom up --state-dir ./state --region eu-west-1 --listen 127.0.0.1:9000
        eval "$(strongroom up --ephemeral -d)"
    """
    hsms = given["hsms"] or (1 if ephemeral else 2)
    options = Options(
        state_directory=str(state.root),
        region=given["region"],
        listen=given["listen"],
        tls_certificate=given["tls_cert"],
        tls_key=given["tls_key"],
        limits=numbers(given["limits"]),
        allow_unlocked_memory=given["allow_unlocked_memory"],
    )
    if ephemeral:
        _ephemeral(options, detach=detach, mode=given["mode"], hsms=hsms, parent=given["parent_pid"] or os.getppid())
    elif detach:
        _detached(state, options, quickstart=quickstart, mode=given["mode"], hsms=hsms)
    else:
        _foreground(state, options, quickstart=quickstart, mode=given["mode"], hsms=hsms)


def _detached(state: StateDirectory, options: Options, *, quickstart: bool, mode: str, hsms: int) -> None:
    say = Progress()
    starting = None
    if holder(state) is None:
        say("Starting Strongroom")
        starting = DetachedService(options)
    if quickstart:
        # What it needs takes long to load, and the service long to start.
        from strongroom.cli.operator.quickstart import make_quickstart_cluster, show_that_it_works
        from strongroom.quickstart.control_api import ControlApi

        ControlApi.load()
    if starting is None:
        service = running_service(state)
        say(f"Strongroom runs already (process {service.pid}), endpoint {service.endpoint}")
    else:
        service = starting.wait()
        say(f"Strongroom runs (process {service.pid}), endpoint {service.endpoint}, state in {state.root}")
    if quickstart:
        cluster_id = make_quickstart_cluster(state, service, say, mode=mode, hsms=hsms)
        say(f"Cluster {cluster_id} is ACTIVE with {hsms} HSMs")
        show_that_it_works(state, service, say)


def _foreground(state: StateDirectory, options: Options, *, quickstart: bool, mode: str, hsms: int) -> None:
    from strongroom.cli.operator.quickstart import make_quickstart_cluster, show_that_it_works
    from strongroom.installation.service import serve

    say = Progress()
    failures: list[QuickstartError] = []

    def ready(service: ServiceRecord) -> None:
        say(f"Strongroom is ready, endpoint {service.endpoint}, state in {state.root}; Ctrl-C stops it")
        if quickstart:
            threading.Thread(target=quick, args=(service,), name="quickstart", daemon=True).start()

    def quick(service: ServiceRecord) -> None:
        try:
            make_quickstart_cluster(state, service, say, mode=mode, hsms=hsms)
            show_that_it_works(state, service, say)
        except QuickstartError as error:
            if holder(state) is not None:
                Refusal(error.text, error.hint).show()
            failures.append(error)

    serve(options, on_ready=ready, echo=sys.stderr)
    say("Strongroom has stopped")
    if failures:
        raise failures[0]


def _ephemeral(options: Options, *, detach: bool, mode: str, hsms: int, parent: int) -> None:
    say = Progress()
    installation = EphemeralInstallation(options, end_with=(parent,) if detach else (parent, os.getpid()))
    try:
        service = installation.start(say, mode=mode, hsms=hsms)
        variables = environment(installation.state, service, trust_bundle=trust_bundle(installation.state), admin=True)
        if detach:
            click.echo(export_lines(variables), nl=False)
            return
        ready = {"state_directory": str(installation.state.root), "pid": service.pid, "environment": variables}
        click.echo(json.dumps(ready))
        sys.stdout.flush()
        installation.wait()
    except BaseException:
        installation.stop()
        raise
    if not detach:
        installation.stop()
