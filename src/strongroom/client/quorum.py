"""Quorum approval (aws-cloudhsm 3.5): tokens, what users sign, and how many must."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from strongroom.client import messages
from strongroom.client.approvals import QuorumToken, body
from strongroom.client.messages import NamedUser, PendingToken, QuorumTimeouts, QuorumValues
from strongroom.client.objects import Call
from strongroom.vocabulary.operations import Operation
from strongroom.vocabulary.quorum import QuorumService

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes


class Quorum:
    """What more than one user must want. The HSM checks every approval, and spends a token once for all HSMs."""

    def __init__(self, call: Call) -> None:
        self._call = call

    def generate(self, service: QuorumService, *, key: int | None = None) -> QuorumToken:
        """A token for one operation of this session, to be approved and given to that operation as ``approval``.

        ``key`` is the reference of the key, for the services ``KEY_USAGE`` and ``KEY_MANAGEMENT``.
        """
        asked: dict[str, Any] = {"service": service.value}
        answer = self._call(Operation.QUORUM_TOKEN, asked if key is None else {**asked, "key": key})
        return QuorumToken(answer["approval_data"])

    def list(self, *, approval: QuorumToken | None = None) -> Sequence[PendingToken]:
        """The tokens of all users that may still be used.

        The HSM checks the approvals of ``approval``, refuses wrong ones, and counts them. That token is not spent.
        """
        return messages.pending_tokens(self._call(Operation.QUORUM_TOKENS, body(approval)))

    def delete(self, *, all: bool = False) -> None:
        """Delete one's own tokens, or everybody's; admins only."""
        self._call(Operation.DELETE_QUORUM_TOKENS, {"all": all})

    def list_quorum_values(self) -> QuorumValues:
        """How many admins must approve what; 1 is none."""
        return messages.quorum_values(self._call(Operation.QUORUM_VALUES, {}))

    def set_quorum_value(self, service: QuorumService, value: int, *, approval: QuorumToken | None = None) -> None:
        """Let so many admins have to approve what ``USER``, ``QUORUM`` or ``CLUSTER`` stands for; admins only.

        ``approval`` is a token of the service ``QUORUM``, where that is in force.
        """
        self._call(Operation.SET_QUORUM_VALUE, {"service": service.value, "value": value} | body(approval))

    def list_timeouts(self) -> QuorumTimeouts:
        """How long tokens are good for."""
        return messages.quorum_timeouts(self._call(Operation.QUORUM_TIMEOUTS, {}))

    def set_timeout(
        self, *, generated: int | None = None, approved: int | None = None, approval: QuorumToken | None = None
    ) -> None:
        """Set how long tokens are good for, 60 to 86,400 seconds; admins only. What is not given stays.

        ``approval`` is a token of the service ``QUORUM``, where that is in force.
        """
        given = {"generated": generated, "approved": approved}
        asked = {name: seconds for name, seconds in given.items() if seconds is not None}
        self._call(Operation.SET_QUORUM_TIMEOUT, asked | body(approval))

    def register(self, public_key: PublicKeyTypes, token: QuorumToken, signature: bytes) -> NamedUser:
        """Approve by this RSA-2048 key from now on; its private half has signed a token for ``REGISTRATION``."""
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        request = {
            "public_key": public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
            "approval_data": token.approval_data,
            "signature": signature,
        }
        return messages.named_user(self._call(Operation.REGISTER_QUORUM, request))
