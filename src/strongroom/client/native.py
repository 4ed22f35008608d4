"""The seam to the native client: its shape, how it is opened, and the one place where its errors become ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from strongroom.client.errors import ConfigurationError, ConnectionFailed, refusal

if TYPE_CHECKING:
    from strongroom._native import SecretTicket

    Password = str | SecretTicket
    """A password: a ticket never becomes a string, which Python cannot wipe."""


class NativeLoginToken(Protocol):
    """What the SDK uses of ``strongroom._native.LoginToken``."""

    @property
    def token(self) -> bytes: ...


class NativeClient(Protocol):
    """What the SDK uses of ``strongroom._native.Client``."""

    def login(self, username: str, role: int, password: Password) -> dict[str, Any]: ...
    def login_token(self, username: str, role: int) -> NativeLoginToken: ...
    def login_with_token(
        self,
        username: str,
        role: int,
        password: Password,
        token: Any,  # noqa: ANN401 - the native client's own
        signature: bytes,
    ) -> dict[str, Any]: ...
    def logout(self) -> None: ...
    def is_logged_in(self) -> bool: ...
    def call(self, operation: int, body: dict[str, Any]) -> dict[str, Any]: ...
    def members(self) -> list[dict[str, Any]]: ...
    def close(self) -> None: ...


class Connection:
    """A native client whose refusals are :class:`strongroom.client.errors.ClientError`."""

    def __init__(self, configuration: str) -> None:
        from strongroom import _native

        try:
            with _translated():
                self._client = _native.Client(configuration)
        except ValueError as error:
            raise ConfigurationError(str(error)) from error

    def login(self, username: str, role: int, password: Password) -> dict[str, Any]:
        with _translated():
            return self._client.login(username, role, password)

    def login_token(self, username: str, role: int) -> NativeLoginToken:
        with _translated():
            return self._client.login_token(username, role)

    def login_with_token(
        self,
        username: str,
        role: int,
        password: Password,
        token: Any,  # noqa: ANN401 - the native client's own
        signature: bytes,
    ) -> dict[str, Any]:
        with _translated():
            return self._client.login_with_token(username, role, password, token, signature)

    def logout(self) -> None:
        with _translated():
            self._client.logout()

    def is_logged_in(self) -> bool:
        return self._client.is_logged_in()

    def call(self, operation: int, body: dict[str, Any]) -> dict[str, Any]:
        with _translated():
            return self._client.call(operation, body)

    def members(self) -> list[dict[str, Any]]:
        with _translated():
            return self._client.members()

    def close(self) -> None:
        self._client.close()


@contextmanager
def _translated() -> Iterator[None]:
    from strongroom import _native

    try:
        yield
    except _native.ConnectionFailed as error:
        raise ConnectionFailed(error.rv, error.text) from None
    except _native.HsmError as error:
        raise refusal(error.rv, error.text) from None
