"""HSM users, as an admin manages them (aws-cloudhsm 3.3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from strongroom.client import messages
from strongroom.client.messages import NamedUser, User
from strongroom.client.objects import Call
from strongroom.vocabulary.operations import Operation
from strongroom.vocabulary.roles import Role

if TYPE_CHECKING:
    from strongroom.client.native import Password


class Users:
    """The HSM users of a cluster; a user is known by name and role. What an admin alone may do is said below."""

    def __init__(self, call: Call) -> None:
        self._call = call

    def list(self) -> Sequence[User]:
        """All users."""
        return messages.users(self._call(Operation.USER_LIST, {}))

    def create(self, username: str, *, password: Password, role: Role = Role.CRYPTO_USER) -> NamedUser:
        """Make a user; admins only. A password has 8 to 32 bytes."""
        body = {"username": username, "role": role.value, "password": password}
        return messages.named_user(self._call(Operation.USER_CREATE, body))

    def delete(self, username: str, *, role: Role = Role.CRYPTO_USER) -> NamedUser:
        """Delete a user who owns no keys and is not logged in; admins only."""
        return messages.named_user(self._call(Operation.USER_DELETE, {"username": username, "role": role.value}))

    def change_password(self, username: str, *, password: Password, role: Role = Role.CRYPTO_USER) -> NamedUser:
        """An admin changes anybody's, others their own; ends the user's other logins and unlocks the user."""
        body = {"username": username, "role": role.value, "password": password}
        return messages.named_user(self._call(Operation.CHANGE_PASSWORD, body))
