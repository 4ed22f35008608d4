"""A login: keys and their use for crypto-users, user management for admins. The HSM decides who may do what."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from strongroom.client.certificates import Certificates
from strongroom.client.errors import LoginEnded
from strongroom.client.keys import Keys
from strongroom.client.mutual_tls import MutualTlsSettings
from strongroom.client.native import NativeClient
from strongroom.client.objects import Objects
from strongroom.client.quorum import Quorum
from strongroom.client.return_codes import ReturnCode
from strongroom.client.users import Users
from strongroom.vocabulary.operations import Operation
from strongroom.vocabulary.roles import CLI_NAMES, Role

if TYPE_CHECKING:
    from strongroom.client.native import Password

RANDOM_CHUNK: Final = 65_536
"""Bytes asked for at a time; an HSM gives up to 1 MiB less 4 KiB."""


class Session:
    """A logged-in user of a cluster; get one with :func:`connect` or ``Cluster.login``. Threads may share it."""

    keys: Keys
    """Keys, with the handles that use them."""
    certificates: Certificates
    """Certificates that are kept beside the keys."""
    users: Users
    """HSM users."""
    mutual_tls: MutualTlsSettings
    """Whose certificates let clients in."""
    quorum: Quorum
    """What more than one user must want."""
    objects: Objects
    """All of this by reference, template and mechanism, as PKCS #11 has it."""

    def __init__(
        self,
        client: NativeClient,
        username: str,
        role: Role,
        cluster_id: str = "",
        *,
        ended: Event | None = None,
        close: Callable[[], None] | None = None,
    ) -> None:
        self._client = client
        self._ended = ended or Event()
        self._close = close
        self.username = username
        self.role = role
        self.cluster_id = cluster_id
        self.objects = Objects(self._call)
        self.keys = Keys(self.objects, cluster_id)
        self.certificates = Certificates(self.objects)
        self.users = Users(self._call)
        self.mutual_tls = MutualTlsSettings(self._call)
        self.quorum = Quorum(self._call)

    def random(self, length: int) -> bytes:
        """Random bytes from the HSM."""
        chunks = []
        for start in range(0, length, RANDOM_CHUNK):
            body = {"length": min(RANDOM_CHUNK, length - start)}
            chunks.append(self._call(Operation.RANDOM, body)["data"])
        return b"".join(chunks)

    def change_password(self, password: Password) -> None:
        """Change one's own password; this login stays, all others of the user end."""
        self.users.change_password(self.username, password=password, role=self.role)

    def logout(self) -> None:
        """End the login: its session objects are gone, its ticket is void, every later call is refused."""
        self._check()
        self._client.logout()
        self._ended.set()

    def _call(self, operation: Operation, body: dict[str, Any]) -> dict[str, Any]:
        self._check()
        return self._client.call(operation, body)

    def _check(self) -> None:
        if self._ended.is_set():
            raise LoginEnded(ReturnCode.USER_NOT_LOGGED_IN, f"This session of {self.username} is over: log in again.")

    def __repr__(self) -> str:
        state = ", over" if self._ended.is_set() else ""
        return f"<Session of {self.username} ({CLI_NAMES[self.role]}) with {self.cluster_id or 'a cluster'}{state}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.logout()
        except LoginEnded:
            pass  # The HSM, or the block itself, ended it before; that is what leaving the block is for.
        finally:
            if self._close is not None:
                self._close()
