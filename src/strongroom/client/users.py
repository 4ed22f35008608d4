"""HSM users, as an admin manages them (aws-cloudhsm 3.3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from strongroom.client import approvals, messages
from strongroom.client.approvals import QuorumToken
from strongroom.client.messages import NamedUser, User
from strongroom.client.objects import Call
from strongroom.client.second_factor import MfaToken, SignToken
from strongroom.vocabulary.operations import Operation
from strongroom.vocabulary.roles import Role

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

    from strongroom.client.native import Password


class Users:
    """The HSM users of a cluster; a user is known by name and role. What an admin alone may do is said below.

    ``approval`` is an approved token of the service ``USER``, for what is done to others where that is in force.
    """

    def __init__(self, call: Call) -> None:
        self._call = call

    def list(self) -> Sequence[User]:
        """All users."""
        return messages.users(self._call(Operation.USER_LIST, {}))

    def create(
        self,
        username: str,
        *,
        password: Password,
        role: Role = Role.CRYPTO_USER,
        approval: QuorumToken | None = None,
    ) -> NamedUser:
        """Make a user; admins only. A password has 8 to 32 bytes."""
        body = {"username": username, "role": role.value, "password": password} | approvals.body(approval)
        return messages.named_user(self._call(Operation.USER_CREATE, body))

    def delete(self, username: str, *, role: Role = Role.CRYPTO_USER, approval: QuorumToken | None = None) -> NamedUser:
        """Delete a user who owns no keys and is not logged in; admins only."""
        body = {"username": username, "role": role.value} | approvals.body(approval)
        return messages.named_user(self._call(Operation.USER_DELETE, body))

    def change_password(
        self,
        username: str,
        *,
        password: Password,
        role: Role = Role.CRYPTO_USER,
        deregister_mfa: bool = False,
        deregister_quorum: bool = False,
        approval: QuorumToken | None = None,
    ) -> NamedUser:
        """An admin changes anybody's, others their own; ends the user's other logins and unlocks the user.

        A second factor and a key for quorum approvals stay unless ``deregister_mfa`` and ``deregister_quorum`` are set.
        """
        body = {"username": username, "role": role.value, "password": password} | approvals.body(approval)
        if deregister_mfa:
            body["deregister_mfa"] = True
        if deregister_quorum:
            body["deregister_quorum"] = True
        return messages.named_user(self._call(Operation.CHANGE_PASSWORD, body))

    def register_mfa(
        self,
        username: str,
        *,
        password: Password,
        public_key: PublicKeyTypes,
        sign_token: SignToken,
        role: Role = Role.CRYPTO_USER,
        change_quorum: bool = False,
        approval: QuorumToken | None = None,
    ) -> NamedUser:
        """Let the user's logins need a signature too, by the private half of this RSA-2048 key; sets a new password.

        An admin does it for anybody, others for themselves; ends the user's other logins and unlocks the user. With
        ``change_quorum`` the user approves by this key too.
        """
        token = self.mfa_token(username, role=role)
        signature = sign_token(token.digest)
        return self.finish_mfa(
            username,
            password=password,
            public_key=public_key,
            token=token,
            signature=signature,
            role=role,
            change_quorum=change_quorum,
            approval=approval,
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
        change_quorum: bool = False,
        approval: QuorumToken | None = None,
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
        } | _with_quorum(change_quorum=change_quorum, approval=approval)
        return messages.named_user(self._call(Operation.CHANGE_MFA, body))

    def deregister_mfa(
        self,
        username: str,
        *,
        password: Password,
        role: Role = Role.CRYPTO_USER,
        change_quorum: bool = False,
        approval: QuorumToken | None = None,
    ) -> NamedUser:
        """Let the user log in by password alone, which is new from now on; otherwise as :meth:`register_mfa`.

        A key that is registered for quorum approvals too goes with it, and any such key with ``change_quorum``.
        """
        body = {"username": username, "role": role.value, "password": password}
        body |= _with_quorum(change_quorum=change_quorum, approval=approval)
        return messages.named_user(self._call(Operation.CHANGE_MFA, body))


def _with_quorum(*, change_quorum: bool, approval: QuorumToken | None) -> dict[str, Any]:
    """What a change of the second factor says of quorum."""
    return ({"change_quorum": True} if change_quorum else {}) | approvals.body(approval)
