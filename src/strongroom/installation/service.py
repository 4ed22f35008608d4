"""The service: control API and fleet over one state directory, from start to clean stop."""

from __future__ import annotations

import contextlib
import os
import resource
import select
import shutil
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final, TextIO

import msgspec
import structlog

from strongroom.fleet.supervisor import Supervisor
from strongroom.fleet.zones import RangeClaim
from strongroom.forwarding.forwarder import Forwarding
from strongroom.forwarding.sources import Sources
from strongroom.installation.endpoint import Listen, bind, check_listen, parse_listen
from strongroom.installation.environment import Credentials, read_credentials, write_credentials
from strongroom.installation.errors import InstallationError
from strongroom.installation.followed_settings import FollowedSettings
from strongroom.installation.keys import create_installation, open_installation
from strongroom.installation.launching import launch_plan
from strongroom.installation.lock import InstanceLock, ServiceRecord
from strongroom.installation.log_output import configure_logging
from strongroom.installation.options import Options
from strongroom.installation.settings import Settings, check_region, load_settings, save_settings, with_limits
from strongroom.installation.state_directory import StateDirectory
from strongroom.installation.stores import Stores
from strongroom.services.cloudhsmv2.network import AddressUnavailable
from strongroom.services.cloudwatch.sampler import Sampler
from strongroom.services.openmetrics.request_counts import RequestCounts
from strongroom.services.readings import Readings

if TYPE_CHECKING:
    import uvicorn

    from strongroom._native import Installation

_START_SECONDS: Final = 30.0
_DRAIN_SECONDS: Final = 5

_log = structlog.get_logger("service")


def serve(options: Options, *, on_ready: Callable[[ServiceRecord], None], echo: TextIO | None = None) -> None:
    """Run until SIGTERM, SIGINT or the end of a process that was named; then stop everything cleanly.

    ``on_ready`` is called once, from this thread, when requests are answered; ``echo`` gets the log's warnings. Must be
    called in the main thread. Raises :class:`InstallationError` when it cannot start.
    """
    from strongroom._native import forbid_dumps

    forbid_dumps()
    stop = threading.Event()
    state = StateDirectory(Path(options.state_directory))
    with _stop_signals(stop), contextlib.ExitStack() as stack:
        if options.ephemeral:
            stack.callback(shutil.rmtree, state.root, ignore_errors=True)
        for pid in options.end_with:
            _stop_with_process(pid, stop)
        settings = settle(state, options)
        state.make()
        lock = InstanceLock.acquire(state)
        stack.callback(lock.release)
        stack.callback(configure_logging(state.service_log, echo=echo))
        try:
            record = _start(state, settings, options, stop, stack)
        except InstallationError as error:
            _log.error("service cannot start", error=error.text, hint=error.hint)
            raise
        except Exception:
            _log.exception("service cannot start")
            raise
        lock.announce(record)
        _log.info("service ready", endpoint=record.endpoint, pid=record.pid)
        on_ready(record)
        stop.wait()
        _log.info("service stops")


def settle(state: StateDirectory, options: Options) -> Settings:
    """The settings of this run: what is remembered, with what was asked for now. Raises for what cannot change."""
    known = state.settings.exists()
    settings = load_settings(state.settings)
    if options.region is not None:
        check_region(options.region)
        if known and options.region != settings.region:
            raise InstallationError(
                f"this installation is in region {settings.region}; a region cannot be changed",
                "use another --state-dir for another region",
            )
        settings = msgspec.structs.replace(settings, region=options.region)
    if options.listen is not None:
        host, port = parse_listen(options.listen)
        settings = msgspec.structs.replace(settings, listen_host=host, listen_port=port)
    if options.tls_certificate is not None or options.tls_key is not None:
        settings = msgspec.structs.replace(
            settings, tls_certificate=options.tls_certificate or "", tls_key=options.tls_key or ""
        )
    settings = msgspec.structs.replace(settings, limits=with_limits(settings.limits, options.limits))
    check_listen(listen_of(settings))
    return settings


def listen_of(settings: Settings) -> Listen:
    return Listen(settings.listen_host, settings.listen_port, settings.tls_certificate, settings.tls_key)


def _start(
    state: StateDirectory, settings: Settings, options: Options, stop: threading.Event, stack: contextlib.ExitStack
) -> ServiceRecord:
    """Start the parts in order; each registers on the stack how it is stopped, so they stop in reverse order."""
    listen = listen_of(settings)
    _raise_descriptor_limit()
    create_installation(state)
    installation = open_installation(state)
    try:
        claim = RangeClaim.take(settings.region, settings.address_range)
    except AddressUnavailable as error:
        raise InstallationError(str(error)) from None
    stack.callback(claim.release)
    server_socket = bind(listen, any_port=options.ephemeral)
    stack.callback(server_socket.close)
    port = int(server_socket.getsockname()[1])
    save_settings(state.settings, msgspec.structs.replace(settings, address_range=claim.plan.base, listen_port=port))
    stores = Stores(state)
    stack.callback(stores.close)
    _ensure_access_key(state, settings, installation, stores)
    if not options.ephemeral:
        stack.callback(_write_trail_files(state, settings, installation, stores))
        stack.callback(_forward(state, stores))
    supervisor = Supervisor(
        stores,
        launch_plan(state, stores, allow_unlocked_memory=options.allow_unlocked_memory or options.ephemeral),
        state.hsm,
    )
    supervisor.start()
    stack.callback(supervisor.stop)
    sampler = Sampler(Readings(stores.control, stores), stores.logs, settings.region)
    sampler.start()
    stack.callback(sampler.stop)
    counts = RequestCounts()
    _export_metrics(stores, counts, stack)
    stack.callback(_serve_http(state, server_socket, listen, settings, installation, stores, claim, counts, stop))
    return ServiceRecord(
        pid=os.getpid(),
        endpoint=listen.url(port),
        region=settings.region,
        started_at=time.time(),
        ephemeral=options.ephemeral,
    )


def _write_trail_files(
    state: StateDirectory, settings: Settings, installation: Installation, stores: Stores
) -> Callable[[], None]:
    """Write the trail as files; gives what stops it, to be called when nothing is written to the trail any more."""
    from strongroom.services.cloudtrail.files import TrailFiles

    files = TrailFiles(
        logs=stores.logs,
        directory=state.trail,
        region=settings.region,
        seal=installation.seal,
        open_sealed=installation.open_sealed,
    )
    files.start()
    return files.stop


def _forward(state: StateDirectory, stores: Stores) -> Callable[[], None]:
    """Send audit and trail events where the settings say; gives what stops it."""
    forwarding = Forwarding(
        Sources(stores.control, stores.logs, stores), stores.logs, FollowedSettings(state.settings).targets
    )
    forwarding.start()
    return forwarding.stop


def _serve_http(
    state: StateDirectory,
    server_socket: socket.socket,
    listen: Listen,
    settings: Settings,
    installation: Installation,
    stores: Stores,
    claim: RangeClaim,
    counts: RequestCounts,
    stop: threading.Event,
) -> Callable[[], None]:
    """Answer HTTP in a thread of its own (so that uvicorn leaves signals to us); gives what stops it."""
    import uvicorn

    from strongroom.services.front import SERVER_OPTIONS, application

    app = application(
        control=stores.control,
        logs=stores.logs,
        cluster_stores=stores,
        buckets=state.buckets,
        zone_plan=claim.plan,
        region=settings.region,
        open_sealed=installation.open_sealed,
        operator_account=settings.account,
        metrics_token=lambda: _metrics_token(state),
        request_counts=counts,
    )
    config = uvicorn.Config(
        app,
        log_config=None,
        timeout_graceful_shutdown=_DRAIN_SECONDS,
        ssl_certfile=listen.tls_certificate or None,
        ssl_keyfile=listen.tls_key or None,
        **SERVER_OPTIONS,
    )
    server = uvicorn.Server(config)

    def run() -> None:
        try:
            server.run(sockets=[server_socket])
        finally:
            stop.set()

    thread = threading.Thread(target=run, name="http", daemon=True)
    thread.start()
    _wait_started(server, thread)

    def end() -> None:
        server.should_exit = True
        thread.join()

    return end


def _export_metrics(stores: Stores, counts: RequestCounts, stack: contextlib.ExitStack) -> None:
    """Send metrics to an OpenTelemetry collector where the environment asks for it."""
    if "OTEL_METRICS_EXPORTER" not in os.environ:
        return
    from strongroom.services.front import release
    from strongroom.services.openmetrics.families import collect
    from strongroom.services.openmetrics.otlp import OtlpExport, destination

    readings, version = Readings(stores.control, stores), release()
    try:
        to = destination(os.environ)
        if to is None:
            return
        export = OtlpExport(to, lambda: collect(readings.all, counts, version), version)
    except (ValueError, OSError) as error:
        hint = "correct the variable, or unset OTEL_METRICS_EXPORTER"
        raise InstallationError(f"metrics cannot be exported: {error}", hint) from None
    export.start()
    stack.callback(export.stop)


def _metrics_token(state: StateDirectory) -> str | None:
    """What the operator wants readers of ``/metrics`` to send, if anything. An empty file keeps everybody out."""
    try:
        return state.metrics_token.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None


def _wait_started(server: uvicorn.Server, thread: threading.Thread) -> None:
    end = time.monotonic() + _START_SECONDS
    while not server.started:
        if not thread.is_alive() or time.monotonic() > end:
            raise InstallationError("the control API did not start", "see `strongroom logs`")
        time.sleep(0.005)


def _ensure_access_key(state: StateDirectory, settings: Settings, installation: Installation, stores: Stores) -> None:
    from strongroom.aws.access_keys import create_access_key

    if read_credentials(state) is None:
        key = create_access_key(stores.control, settings.account, installation.seal, time.time())
        write_credentials(state, Credentials(key.access_key_id, key.secret_access_key))


def _raise_descriptor_limit() -> None:
    """HSMs inherit the limit, and one of them serves up to 10,000 connections."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


@contextlib.contextmanager
def _stop_signals(stop: threading.Event) -> Iterator[None]:
    previous = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _stop_with_process(pid: int, stop: threading.Event) -> None:
    """Stop when a process ends, however it ends."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        stop.set()
        return

    def watch() -> None:
        select.select([descriptor], [], [])
        stop.set()

    threading.Thread(target=watch, name=f"watch-{pid}", daemon=True).start()
