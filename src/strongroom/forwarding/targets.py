"""Where events are sent: the settings of each kind of target."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

import msgspec

from strongroom.forwarding.events import Event

HSM: Final = "hsm"
TRAIL: Final = "trail"
CONTENTS: Final = (HSM, TRAIL)
"""What can be sent: the audit logs of all HSMs with their checkpoints, and the trail of calls."""


class Target(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What every target has: a name, and what is sent to it."""

    name: str
    contents: tuple[str, ...] = CONTENTS


class FileTarget(Target, frozen=True, kw_only=True, tag="file"):
    """A file of JSON lines; when it would grow over ``max_bytes`` it becomes ``<path>.1``, that ``.2`` and so on."""

    path: str
    max_bytes: int = 100_000_000
    keep: int = 10


class SyslogTarget(Target, frozen=True, kw_only=True, tag="syslog"):
    """A syslog server that takes RFC 5424 over TLS (RFC 5425)."""

    host: str
    port: int = 6514
    ca_file: str = ""
    """Certificates to trust; empty: the system's."""
    certificate: str = ""
    key: str = ""
    """PEM files of the client's certificate and key, where the server asks for one."""
    confirmed: bool = True
    """Whether events count as sent only when the server has answered the end of the connection, as RFC 5425 asks."""


class CloudWatchLogsTarget(Target, frozen=True, kw_only=True, tag="cloudwatch-logs"):
    """A log group of CloudWatch Logs; each log is a stream in it."""

    group: str
    region: str
    endpoint_url: str = ""
    profile: str = ""
    credentials_file: str = ""
    """Where the access key is, as in AWS's tools; empty: as they find it."""
    ca_file: str = ""


class OtlpTarget(Target, frozen=True, kw_only=True, tag="otlp"):
    """An OpenTelemetry collector, by OTLP over HTTP."""

    endpoint_url: str
    """Without ``/v1/logs``."""
    ca_file: str = ""
    headers_file: str = ""
    """Lines such as ``Authorization: Bearer …``, which are secret and so stand nowhere else."""


AnyTarget = FileTarget | SyslogTarget | CloudWatchLogsTarget | OtlpTarget


class DeliveryFailed(Exception):
    """The receiver did not take the events; the message says why, for the operator."""


class Sender(Protocol):
    """Sends to one target. Not thread-safe."""

    def send(self, events: Sequence[Event]) -> None:
        """Return when the receiver has them; they are of one log, in its order. Raises :class:`DeliveryFailed`."""

    def close(self) -> None:
        """Give resources back."""
