"""HSM users, as an admin manages them (aws-cloudhsm 3.3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from strongroom.client import messages
from strongroom.client.messages import NamedUser, User
from strongroom.client.objects import Call
from strongroom.client.second_factor import MfaToken, SignToken
from strongroom.vocabulary.operations import Operation
from strongroom.vocabulary.roles import Role

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

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

    def change_password(
        self, username: str, *, password: Password, role: Role = Role.CRYPTO_USER, deregister_mfa: bool = False
    ) -> NamedUser:
        """An admin changes anybody's, others their own; ends the user's other logins and unlocks the user.

        A second factor stays unless ``deregister_mfa`` is set.
        """
        body = {"username": username, "role": role.value, "password": password}
        if deregister_mfa:
            body["deregister_mfa"] = True
        return messages.named_user(self._call(Operation.CHANGE_PASSWORD, body))

    def register_mfa(
        self,
        username: str,
        *,
        password: Password,
        public_key: PublicKeyTypes,
        sign_token: SignToken,
        role: Role = Role.CRYPTO_USER,
    ) -> NamedUser:
        """Let the user's logins need a signature too, by the private half of this RSA-2048 key; sets a new password.

        An admin does it for anybody, others for themselves; ends the user's other logins and unlocks the user.
        """
        token = self.mfa_token(username, role=role)
        signature = sign_token(token.digest)
        return self.finish_mfa(
            username, password=password, public_key=public_key, token=token, signature=signature, role=role
        )

    def mfa_token(self, username: str, *, role: Role = Role.CRYPTO_USER) -> MfaToken:
        """The first half of :meth:`register_mfa`: what is to be signed within 10 minutes."""
        answer = self._call(Operation.MFA_TOKEN, {"username": username, "role": role.value})
        return MfaToken(answer["token"])

    def finish_mfa(
        self,
        username: str,
        *,
        password: Password,
        public_key: PublicKeyTypes,
        token: MfaToken,
        signature: bytes,
        role: Role = Role.CRYPTO_USER,
    ) -> NamedUser:
        """The second half of :meth:`register_mfa`."""
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        body = {
            "username": username,
            "role": role.value,
            "password": password,
            "public_key": public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
            "token": token.token,
            "signature": signature,
        }
        return messages.named_user(self._call(Operation.CHANGE_MFA, body))

    def deregister_mfa(self, username: str, *, password: Password, role: Role = Role.CRYPTO_USER) -> NamedUser:
        """Let the user log in by password alone, which is new from now on; otherwise as :meth:`register_mfa`."""
        body = {"username": username, "role": role.value, "password": password}
        return messages.named_user(self._call(Operation.CHANGE_MFA, body))
