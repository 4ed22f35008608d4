"""A cluster as a client reaches it, before and after login."""

from __future__ import annotations

import os
from threading import Event
from types import TracebackType
from typing import TYPE_CHECKING, Self

from strongroom.client import configuration, messages
from strongroom.client.messages import HsmInformation, MutualTls, NamedUser, QuorumTimeouts, QuorumValues, User
from strongroom.client.native import Connection, NativeClient
from strongroom.client.second_factor import SignToken, digest_of
from strongroom.client.session import Session
from strongroom.vocabulary.operations import Operation
from strongroom.vocabulary.roles import Role

if TYPE_CHECKING:
    from strongroom.client.native import Password

FIRST_ADMIN = "admin"
"""The name of the unactivated admin (aws-cloudhsm 2.1)."""


class Cluster:
    """A connection pool to one cluster: thread-safe, survives the loss of an HSM; one login at a time."""

    def __init__(self, client: NativeClient, cluster_id: str = "") -> None:
        self._client = client
        self._ended = Event()
        self.cluster_id = cluster_id

    @classmethod
    def open(cls, path: str | os.PathLike[str] | None = None, cluster_id: str | None = None) -> Cluster:
        """Read the configuration file; nothing is connected before the first call.

        Raises :class:`ConfigurationError`.
        """
        found = configuration.load(path, cluster_id)
        return cls(Connection(found.text), found.cluster_id)

    def hsms(self) -> list[HsmInformation]:
        """What each HSM of the cluster says of itself; needs no login."""
        return messages.hsm_information(self._client.call(Operation.HSM_INFO, {}))

    def users(self) -> list[User]:
        """All HSM users; needs no login."""
        return messages.users(self._client.call(Operation.USER_LIST, {}))

    def mutual_tls(self) -> MutualTls:
        """Whose certificates let clients in; needs no login."""
        return messages.mutual_tls(self._client.call(Operation.MTLS_LIST, {}))

    def quorum_values(self) -> QuorumValues:
        """How many admins must approve what; needs no login."""
        return messages.quorum_values(self._client.call(Operation.QUORUM_VALUES, {}))

    def quorum_timeouts(self) -> QuorumTimeouts:
        """How long quorum tokens are good for; needs no login."""
        return messages.quorum_timeouts(self._client.call(Operation.QUORUM_TIMEOUTS, {}))

    def activate(self, password: Password) -> NamedUser:
        """Give the user ``admin`` its first password; the cluster is ACTIVE afterwards."""
        return messages.named_user(
            self._client.call(Operation.ACTIVATE, {"username": FIRST_ADMIN, "password": password})
        )

    def login(
        self,
        username: str,
        role: Role,
        password: Password,
        *,
        sign_token: SignToken | None = None,
        closes_cluster: bool = False,
    ) -> Session:
        """Log in; the session is good until its logout, over all connections.

        ``sign_token`` is for a user with a second factor: it is called once, with the digest to sign.
        ``closes_cluster`` makes the end of the session's ``with`` block close the connections too. Raises
        :class:`LoginFailed`, :class:`ConnectionFailed`.
        """
        if sign_token is None:
            answer = self._client.login(username, role, password)
        else:
            token = self._client.login_token(username, role)
            signature = sign_token(digest_of(token.token))
            answer = self._client.login_with_token(username, role, password, token, signature)
        user = messages.named_user(answer)
        # The session before has lost its login, or this one would have been refused; it must not act under the new one.
        self._ended.set()
        self._ended = Event()
        close = self.close if closes_cluster else None
        return Session(self._client, user.username, user.role, self.cluster_id, ended=self._ended, close=close)

    def close(self) -> None:
        """Close the connections. A login that was not ended ends by itself within its lifetime."""
        self._client.close()

    def __repr__(self) -> str:
        return f"<Cluster {self.cluster_id or '(without id)'}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
