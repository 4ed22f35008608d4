"""What a gateway tells of calls, and to whom: the recorder keeps a record of every one, also of those it refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

from strongroom.aws.errors import AwsError
from strongroom.aws.sigv4 import Identity
from strongroom.storage.interface import Write

if TYPE_CHECKING:
    from strongroom.aws.gateway import HostedService

CONTROL: Final = "control"
"""The control plane's store, where a change names the store that commits it."""
LOGS: Final = "logs"
"""The logs store."""


@dataclass(frozen=True, slots=True)
class TlsDetails:
    """How a connection is encrypted, in the names that CloudTrail has for it."""

    version: str
    cipher_suite: str


@dataclass(frozen=True, slots=True)
class Resource:
    """What a call is about: a type such as ``AWS::CloudHSM::Cluster``, a name, and the end of its ARN."""

    kind: str
    name: str
    arn_path: str


@dataclass(slots=True)
class MadeCall:
    """What is known of a call so far; one that is refused early stays without the later members."""

    request_id: str
    received_at: float
    source_ip: str
    user_agent: str
    host: str
    tls: TlsDetails | None = None
    identity: Identity | None = None
    """Absent until the signature was found right."""
    service: HostedService | None = None
    operation: str = ""
    members: Mapping[str, Any] | None = None
    """The request's, by the model's names."""
    outboxes: list[str] = field(default_factory=list)
    """The stores where its record was written with the change: cluster ids, or :data:`CONTROL` or :data:`LOGS`."""


class Recorder(Protocol):
    """Keeps the records. Every call ends in exactly one :meth:`answered` or :meth:`refused`. Thread-safe."""

    def takes_changes(self) -> bool:
        """Whether records can be kept now; calls that change something are refused while they cannot."""

    def change(self, call: MadeCall, reply: Mapping[str, Any], store: str) -> Write:
        """The record of a change that happens when the transaction that it is written in does.

        ``reply`` is what the caller will get. ``store`` says which one commits it: a cluster's id, :data:`CONTROL` or
        :data:`LOGS`.
        """

    def answered(self, call: MadeCall, reply: Mapping[str, Any]) -> None:
        """The call succeeded."""

    def refused(self, call: MadeCall, error: AwsError) -> None:
        """The call failed. Does not wait for a store when the call has no identity."""
