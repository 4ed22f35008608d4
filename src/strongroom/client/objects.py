"""Objects by reference, template and mechanism: what PKCS #11 says, without the comfort of :mod:`.keys`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from strongroom.client import approvals, messages
from strongroom.client.approvals import QuorumToken
from strongroom.client.errors import KeyNotFound, Refused
from strongroom.client.messages import CryptResult, FoundObjects, KeyQuorum, MechanismParameters, ObjectView, Template
from strongroom.client.return_codes import ReturnCode
from strongroom.vocabulary.mechanisms import Mechanism
from strongroom.vocabulary.operations import Operation

PAGE = 100
"""Objects asked for at a time when all are wanted."""

Call = Callable[[Operation, dict[str, Any]], dict[str, Any]]
"""One request under the session's login."""


class Objects:
    """The objects that a login sees. The HSM decides who may do what, and refuses with :class:`Refused`."""

    def __init__(self, call: Call) -> None:
        self._call = call

    # -- finding ------------------------------------------------------------------------------------------------------
    def find(self, template: Template, *, after: int = 0, limit: int = PAGE) -> FoundObjects:
        """At most ``limit`` visible objects above the reference ``after`` that have all attributes of ``template``."""
        body = {"template": template, "after": after, "limit": limit, "with_attributes": True}
        return messages.found(self._call(Operation.FIND, body))

    def find_all(self, template: Template) -> Iterator[ObjectView]:
        """Every visible object that matches, in ascending order of reference."""
        after, more = 0, True
        while more:
            page = self.find(template, after=after, limit=PAGE)
            yield from page.objects
            more = page.more and bool(page.objects)
            after = page.objects[-1].reference if page.objects else after

    def get(self, reference: int) -> ObjectView:
        """The object of a reference; :class:`KeyNotFound` when it is not there or not visible."""
        absent = KeyNotFound(f"No key has the reference 0x{reference:016x}.")
        try:
            answer = messages.objects(self._call(Operation.ATTRIBUTES, {"references": [reference]}))
        except Refused as error:
            # The native client itself refuses a session object that no HSM of its logins made.
            raise absent if error.rv == ReturnCode.OBJECT_HANDLE_INVALID else error from None
        if not answer:
            raise absent
        return answer[0]

    # -- making, changing, destroying ---------------------------------------------------------------------------------
    def generate(
        self,
        mechanism: Mechanism,
        template: Template,
        *,
        shared_users: Sequence[str] = (),
        quorum: KeyQuorum | None = None,
    ) -> ObjectView:
        """Make a secret key; shared with these crypto-users as soon as there is that key.

        ``quorum`` says how many of them and its owner must approve what is done with it, from then on and for good.
        """
        body: dict[str, Any] = {"mechanism": mechanism.value, "template": template} | _shared(shared_users, quorum)
        return messages.objects(self._call(Operation.GENERATE_KEY, body))[0]

    def generate_pair(
        self,
        mechanism: Mechanism,
        public_template: Template,
        private_template: Template,
        *,
        shared_users: Sequence[str] = (),
        quorum: KeyQuorum | None = None,
    ) -> tuple[ObjectView, ObjectView]:
        """Make a key pair; the public key first. Sharing and quorum are the private key's."""
        body: dict[str, Any] = {
            "mechanism": mechanism.value,
            "public_template": public_template,
            "private_template": private_template,
        }
        public, private = messages.objects(
            self._call(Operation.GENERATE_KEY_PAIR, body | _shared(shared_users, quorum))
        )
        return public, private

    def create(self, template: Template) -> ObjectView:
        """Import what the template holds: a key in clear, a certificate, or data.

        The value of a data object is in no answer but that of :meth:`get`.
        """
        return messages.objects(self._call(Operation.CREATE_OBJECT, {"template": template}))[0]

    def set_attributes(self, reference: int, template: Template, *, approval: QuorumToken | None = None) -> ObjectView:
        """Change attributes; in force on every HSM of the cluster when the call returns.

        ``approval``, here and below, is an approved token of the service ``KEY_MANAGEMENT`` for a key with a quorum.
        """
        body: dict[str, Any] = {"reference": reference, "template": template} | approvals.body(approval)
        return messages.objects(self._call(Operation.SET_ATTRIBUTES, body))[0]

    def share(self, reference: int, username: str, *, approval: QuorumToken | None = None) -> ObjectView:
        """Let another crypto-user use a key; its owner only."""
        body: dict[str, Any] = {"reference": reference, "username": username} | approvals.body(approval)
        return messages.objects(self._call(Operation.SHARE_KEY, body))[0]

    def unshare(self, reference: int, username: str, *, approval: QuorumToken | None = None) -> ObjectView:
        """Take that back; in force on every HSM of the cluster when the call returns."""
        body: dict[str, Any] = {"reference": reference, "username": username} | approvals.body(approval)
        return messages.objects(self._call(Operation.UNSHARE_KEY, body))[0]

    def destroy(self, reference: int) -> None:
        """Destroy an object on every HSM of the cluster; in force when the call returns."""
        self._call(Operation.DESTROY_OBJECT, {"reference": reference})

    # -- use of keys --------------------------------------------------------------------------------------------------
    def sign(
        self,
        key: int,
        mechanism: Mechanism,
        data: bytes,
        parameters: MechanismParameters | None = None,
        *,
        approval: QuorumToken | None = None,
    ) -> bytes:
        """A signature or MAC in the mechanism's own form (ECDSA: r and s of equal length).

        ``approval`` is an approved token of the service ``KEY_USAGE``, for a key with a quorum.
        """
        operation = Operation.SIGN if approval is None else Operation.SIGN_WITH_APPROVAL
        body = _crypt_body(key, mechanism, data, parameters) | approvals.body(approval)
        return messages.crypt_result(self._call(operation, body)).data

    def verify(
        self,
        key: int,
        mechanism: Mechanism,
        data: bytes,
        signature: bytes,
        parameters: MechanismParameters | None = None,
    ) -> None:
        """Raise :class:`SignatureInvalid` unless the signature is right."""
        self._call(Operation.VERIFY, _crypt_body(key, mechanism, data, parameters) | {"signature": signature})

    def encrypt(
        self, key: int, mechanism: Mechanism, data: bytes, parameters: MechanismParameters | None = None
    ) -> CryptResult:
        """Encrypt in one go: with AES and 3DES data of any length, with AES-XTS up to 16 MiB.

        ``CKM_AES_GCM`` gives the IV that the HSM made, unless the parameters have one, which mode NON_FIPS allows.
        """
        return messages.crypt_result(self._call(Operation.ENCRYPT, _crypt_body(key, mechanism, data, parameters)))

    def decrypt(
        self, key: int, mechanism: Mechanism, data: bytes, parameters: MechanismParameters | None = None
    ) -> bytes:
        """Decrypt in one go; :class:`DecryptionFailed` where the mechanism can tell that it is not right."""
        return messages.crypt_result(self._call(Operation.DECRYPT, _crypt_body(key, mechanism, data, parameters))).data

    def wrap(
        self,
        wrapping_key: int,
        mechanism: Mechanism,
        key: int,
        parameters: MechanismParameters | None = None,
        *,
        wrapping_approval: QuorumToken | None = None,
        payload_approval: QuorumToken | None = None,
    ) -> CryptResult:
        """A key under another key; the wrapped key's owner only. Each key with a quorum needs a token of its own."""
        body: dict[str, Any] = {"wrapping_key": wrapping_key, "mechanism": mechanism.value, "key": key}
        given = approvals.body(wrapping_approval, "wrapping_approval")
        given |= approvals.body(payload_approval, "payload_approval")
        operation = Operation.WRAP_WITH_APPROVAL if given else Operation.WRAP_KEY
        return messages.crypt_result(self._call(operation, body | _parameters(parameters) | given))

    def unwrap(
        self,
        unwrapping_key: int,
        mechanism: Mechanism,
        wrapped_key: bytes,
        template: Template,
        parameters: MechanismParameters | None = None,
        *,
        shared_users: Sequence[str] = (),
        quorum: KeyQuorum | None = None,
        approval: QuorumToken | None = None,
    ) -> ObjectView:
        """Make a key of what :meth:`wrap` gave; the template names at least its class and key type."""
        body: dict[str, Any] = {
            "unwrapping_key": unwrapping_key,
            "mechanism": mechanism.value,
            "wrapped_key": wrapped_key,
            "template": template,
        }
        body |= _parameters(parameters) | _shared(shared_users, quorum) | approvals.body(approval)
        return messages.objects(self._call(Operation.UNWRAP_KEY, body))[0]

    def derive(
        self,
        base_key: int,
        mechanism: Mechanism,
        template: Template,
        parameters: MechanismParameters | None = None,
    ) -> ObjectView:
        """Make a key from another; the template names at least its class and key type."""
        body: dict[str, Any] = {"base_key": base_key, "mechanism": mechanism.value, "template": template}
        return messages.objects(self._call(Operation.DERIVE_KEY, body | _parameters(parameters)))[0]


def _crypt_body(key: int, mechanism: Mechanism, data: bytes, parameters: MechanismParameters | None) -> dict[str, Any]:
    return {"key": key, "mechanism": mechanism.value, "data": data} | _parameters(parameters)


def _shared(usernames: Sequence[str], quorum: KeyQuorum | None) -> dict[str, Any]:
    body: dict[str, Any] = {"shared_users": list(usernames)} if usernames else {}
    return body if quorum is None else {**body, "quorum": {"manage": quorum.manage, "usage": quorum.usage}}


def _parameters(parameters: MechanismParameters | None) -> dict[str, Any]:
    body = messages.body(parameters)
    return {} if body is None else {"parameters": body}
