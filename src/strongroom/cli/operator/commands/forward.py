"""``strongroom forward``: where audit and trail events are sent."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import click
import msgspec

from strongroom.cli.operator.refusals import Refusal
from strongroom.cli.operator.state_option import state_option
from strongroom.forwarding.forwarder import Position, position
from strongroom.forwarding.targets import (
    CONTENTS,
    AnyTarget,
    CloudWatchLogsTarget,
    FileTarget,
    OtlpTarget,
    SyslogTarget,
)
from strongroom.installation.endpoint import is_loopback, parse_listen
from strongroom.installation.settings import check_region, load_settings, save_settings
from strongroom.installation.state_directory import StateDirectory
from strongroom.installation.stores import Stores

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_SYSLOG_PORT: Final = 6514
Decorated = TypeVar("Decorated", bound=Callable[..., Any])


class _OptionalFile(click.Path):
    """A file that may be left out: an empty path stays empty, where click makes the current directory of it."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return value if value == "" else super().convert(value, param, ctx)


_FILE: Final = _OptionalFile(exists=True, dir_okay=False, resolve_path=True)


@click.group()
def forward() -> None:
    """Where HSM audit entries and trail events are sent: at least once, in order, while the service runs."""


@forward.group()
def add() -> None:
    """Add a target. A running service begins within seconds, with the oldest event."""


def _target_options(function: Decorated) -> Decorated:
    for option in (
        state_option,
        click.option(
            "--contents", type=click.Choice(CONTENTS), multiple=True, help="What is sent; by default everything."
        ),
        click.option("--name", required=True, help="Lower-case letters, digits and hyphens."),
    ):
        function = option(function)
    return function


@add.command("file")
@click.argument("path", type=click.Path(dir_okay=False, resolve_path=True))
@click.option("--max-megabytes", type=click.IntRange(min=1), default=100, show_default=True, help="Then it is rotated.")
@click.option("--keep", type=click.IntRange(min=1), default=10, show_default=True, help="How many rotated files stay.")
@_target_options
def add_file(
    state: StateDirectory, name: str, contents: tuple[str, ...], path: str, max_megabytes: int, keep: int
) -> None:
    """A file of JSON lines. When it is full it becomes PATH.1, that PATH.2 and so on.

    \b
    Example:
        strongroom forward add file --name local /var/log/strongroom-audit.jsonl
    """
    if not Path(path).parent.is_dir():
        raise Refusal(f"there is no directory {Path(path).parent}", "make it, or name another file")
    _add(
        state,
        FileTarget(name=name, contents=contents or CONTENTS, path=path, max_bytes=max_megabytes * 10**6, keep=keep),
    )


@add.command("syslog")
@click.argument("server", metavar="HOST[:PORT]")
@click.option("--ca-file", type=_FILE, default="", help="Certificates to trust.")
@click.option("--certificate", type=_FILE, default="", help="Of this client.")
@click.option("--key", type=_FILE, default="", help="Of that certificate.")
@click.option("--unconfirmed", is_flag=True, help="For a server that does not answer a close_notify (RFC 5425, 4.4).")
@_target_options
def add_syslog(
    state: StateDirectory, name: str, contents: tuple[str, ...], server: str, unconfirmed: bool, **files: str
) -> None:
    """A syslog server that takes RFC 5424 over TLS. The default port is 6514.

    With --unconfirmed events that are under way when the server dies are lost.

    \b
    Example:
        strongroom forward add syslog --name siem logs.example.org --ca-file ca.pem
    """
    host, port = parse_listen(server)
    if bool(files["certificate"]) != bool(files["key"]):
        raise Refusal("a certificate and its key belong together", "give both --certificate and --key")
    target = SyslogTarget(
        name=name,
        contents=contents or CONTENTS,
        host=host,
        port=port or _SYSLOG_PORT,
        confirmed=not unconfirmed,
        **files,
    )
    _add(state, target)


@add.command("cloudwatch-logs")
@click.argument("group")
@click.option("--region", required=True)
@click.option("--endpoint-url", default="", help="Of another installation; by default AWS's.")
@click.option("--profile", default="", help="Of the AWS configuration.")
@click.option("--credentials-file", type=_FILE, default="", help="As AWS's tools.")
@click.option("--ca-file", type=_FILE, default="", help="Certificates to trust.")
@_target_options
def add_cloudwatch_logs(
    state: StateDirectory, name: str, contents: tuple[str, ...], group: str, region: str, **given: str
) -> None:
    """A log GROUP of CloudWatch Logs, made when it is missing, with a stream for each log.

    An event over 256 KiB is sent cut: its beginning, its size and its SHA-256.

    \b
    Example:
        strongroom forward add cloudwatch-logs --name aws --region eu-central-1 --profile audit strongroom
    """
    check_region(region)
    if given["endpoint_url"]:
        _check_url(given["endpoint_url"], "an installation", "https://strongroom.example.org:8223")
    _add(state, CloudWatchLogsTarget(name=name, contents=contents or CONTENTS, group=group, region=region, **given))


@add.command("otlp")
@click.argument("endpoint_url")
@click.option("--ca-file", type=_FILE, default="", help="Certificates to trust.")
@click.option(
    "--headers-file",
    type=_FILE,
    default="",
    help='Lines such as "Authorization: Bearer TOKEN"; read anew for each request.',
)
@_target_options
def add_otlp(
    state: StateDirectory, name: str, contents: tuple[str, ...], endpoint_url: str, ca_file: str, headers_file: str
) -> None:
    """An OpenTelemetry collector that takes OTLP over HTTP at ENDPOINT_URL/v1/logs.

    \b
    Example:
        strongroom forward add otlp --name collector https://otel.example.org:4318
    """
    _check_url(endpoint_url, "a collector", "https://otel.example.org:4318")
    _add(
        state,
        OtlpTarget(
            name=name,
            contents=contents or CONTENTS,
            endpoint_url=endpoint_url,
            ca_file=ca_file,
            headers_file=headers_file,
        ),
    )


@forward.command("list")
@click.option("--json", "as_json", is_flag=True, help="As one JSON array.")
@state_option
def list_targets(state: StateDirectory, as_json: bool) -> None:
    """Show the targets and their settings.

    \b
    Example:
        strongroom forward list
    """
    targets = load_settings(state.settings).forward
    if as_json:
        click.echo(json.dumps(msgspec.to_builtins(targets), indent=2))
        return
    for target in targets:
        click.echo(f"{target.name}  {', '.join(target.contents)}  {_place(target)}")


@forward.command()
@click.argument("name")
@state_option
def remove(state: StateDirectory, name: str) -> None:
    """Send nothing more to a target. Added again under its name, it goes on where it was.

    \b
    Example:
        strongroom forward remove siem
    """
    settings = load_settings(state.settings)
    kept = [target for target in settings.forward if target.name != name]
    if len(kept) == len(settings.forward):
        raise Refusal(f"there is no target {name}", "see `strongroom forward list`")
    save_settings(state.settings, msgspec.structs.replace(settings, forward=kept))
    click.echo(f"Removed {name}")


@forward.command("status")
@click.option("--json", "as_json", is_flag=True, help="As one JSON array.")
@state_option
def show_status(state: StateDirectory, as_json: bool) -> None:
    """Show how far each target is, and what keeps it from going on.

    \b
    Example:
        strongroom forward status
    """
    targets = load_settings(state.settings).forward
    if not state.logs_store.exists():
        raise Refusal(f"no installation was made in {state.root}", "was it started with another --state-dir?")
    stores = Stores(state)
    try:
        found = [(target, position(stores.logs, target.name)) for target in targets]
    finally:
        stores.close()
    if as_json:
        shown = [{"name": target.name, **msgspec.to_builtins(there)} for target, there in found]
        click.echo(json.dumps(shown, indent=2))
        return
    for target, there in found:
        click.echo(f"{target.name}  {_place(target)}  {_progress(there)}")


def _check_url(text: str, of_what: str, example: str) -> None:
    """Refuse what is no URL, and what would send events over a network in clear."""
    try:
        url = urlsplit(text)
        is_url = url.scheme in {"http", "https"} and url.hostname and url.port != 0
    except ValueError:
        # A port that is no number or too large, or brackets that do not fit.
        is_url = False
    if not is_url:
        raise Refusal(f"{text!r} is no URL of {of_what}", f"give one such as {example}")
    if url.scheme == "http" and not is_loopback(url.hostname or ""):
        raise Refusal(
            f"events are not sent to {url.hostname} without TLS: others on the network could read them",
            "give an https URL, or one of this machine",
        )


def _add(state: StateDirectory, target: AnyTarget) -> None:
    if not state.exists():
        raise Refusal(f"no installation was made in {state.root}", "make one with `strongroom up`")
    if not _NAME.fullmatch(target.name):
        raise Refusal(f"{target.name!r} is no name for a target", "use lower-case letters, digits and hyphens")
    settings = load_settings(state.settings)
    if any(other.name == target.name for other in settings.forward):
        raise Refusal(f"there is a target {target.name} already", f"see `strongroom forward remove {target.name}`")
    save_settings(state.settings, msgspec.structs.replace(settings, forward=[*settings.forward, target]))
    click.echo(f"Added {target.name}: {_place(target)}")


def _place(target: AnyTarget) -> str:
    if isinstance(target, FileTarget):
        return f"file {target.path}"
    if isinstance(target, SyslogTarget):
        return f"syslog {target.host}:{target.port}"
    if isinstance(target, OtlpTarget):
        return f"otlp {target.endpoint_url}"
    return f"cloudwatch-logs {target.group} at {target.endpoint_url or target.region}"


def _progress(there: Position) -> str:
    sent = f"{there.sent} events sent"
    if there.sent_at:
        sent += f", the last at {_moment(there.sent_at)}"
    return f"{sent}; waits since {_moment(there.problem_at)}: {there.problem}" if there.problem else sent


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
