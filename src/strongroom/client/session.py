"""A login: user management for admins, keys and their use for crypto-users. The HSM decides who may do what."""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from strongroom.client import messages
from strongroom.client.errors import CKR_OBJECT_HANDLE_INVALID, AmbiguousKey, KeyNotFound, Refused
from strongroom.client.messages import FoundObjects, MechanismParameters, NamedUser, ObjectView, Template
from strongroom.client.native import NativeClient
from strongroom.client.object_kinds import ObjectClass
from strongroom.vocabulary.attributes import Attribute
from strongroom.vocabulary.mechanisms import Mechanism
from strongroom.vocabulary.operations import Operation
from strongroom.vocabulary.roles import Role

if TYPE_CHECKING:
    from strongroom.client.ec import HsmEllipticCurvePrivateKey
    from strongroom.client.rsa import HsmRsaPrivateKey

PAGE = 100
"""Objects asked for at a time when all are wanted."""


class Session:
    """A logged-in user of a cluster; get one with ``Cluster.login``."""

    def __init__(self, client: NativeClient, username: str, role: Role) -> None:
        self._client = client
        self.username = username
        self.role = role

    def logout(self) -> None:
        """End the login: its session objects are gone, its ticket is void."""
        self._client.logout()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.logout()

    # -- users --------------------------------------------------------------------------------------------------------
    def create_user(self, username: str, role: Role, password: str) -> NamedUser:
        body = {"username": username, "role": role.value, "password": password}
        return messages.named_user(self._client.call(Operation.USER_CREATE, body))

    def delete_user(self, username: str, role: Role) -> NamedUser:
        body = {"username": username, "role": role.value}
        return messages.named_user(self._client.call(Operation.USER_DELETE, body))

    def change_password(self, username: str, role: Role, password: str) -> NamedUser:
        """An admin changes anybody's, others their own; unlocks a locked user."""
        body = {"username": username, "role": role.value, "password": password}
        return messages.named_user(self._client.call(Operation.CHANGE_PASSWORD, body))

    # -- objects ------------------------------------------------------------------------------------------------------
    def find(self, template: Template, *, after: int = 0, limit: int = PAGE) -> FoundObjects:
        """At most ``limit`` visible objects above the reference ``after`` that have all attributes of ``template``."""
        body = {"template": template, "after": after, "limit": limit, "with_attributes": True}
        return messages.found(self._client.call(Operation.FIND, body))

    def find_all(self, template: Template) -> Iterator[ObjectView]:
        """Every visible object that matches, in ascending order of reference."""
        after, more = 0, True
        while more:
            page = self.find(template, after=after)
            yield from page.objects
            more = page.more and bool(page.objects)
            after = page.objects[-1].reference if page.objects else after

    def object(self, reference: int) -> ObjectView:
        """The object of a reference; :class:`KeyNotFound` when it is not there or not visible."""
        absent = KeyNotFound(f"No key has the reference 0x{reference:016x}.")
        try:
            answer = messages.objects(self._client.call(Operation.ATTRIBUTES, {"references": [reference]}))
        except Refused as error:
            # The native client itself refuses a session object that no HSM of its logins made.
            raise absent if error.rv == CKR_OBJECT_HANDLE_INVALID else error from None
        if not answer:
            raise absent
        return answer[0]

    def generate_key(self, mechanism: Mechanism, template: Template) -> ObjectView:
        body = {"mechanism": mechanism.value, "template": template}
        return messages.objects(self._client.call(Operation.GENERATE_KEY, body))[0]

    def generate_key_pair(
        self, mechanism: Mechanism, public_template: Template, private_template: Template
    ) -> tuple[ObjectView, ObjectView]:
        """The public key first."""
        body = {
            "mechanism": mechanism.value,
            "public_template": public_template,
            "private_template": private_template,
        }
        public, private = messages.objects(self._client.call(Operation.GENERATE_KEY_PAIR, body))
        return public, private

    def destroy(self, reference: int) -> None:
        """Destroy an object on every HSM of the cluster; in force when the call returns."""
        self._client.call(Operation.DESTROY_OBJECT, {"reference": reference})

    def set_attributes(self, reference: int, template: Template) -> None:
        self._client.call(Operation.SET_ATTRIBUTES, {"reference": reference, "template": template})

    # -- use of keys --------------------------------------------------------------------------------------------------
    def sign(self, key: int, mechanism: Mechanism, data: bytes, parameters: MechanismParameters | None = None) -> bytes:
        """A signature in the mechanism's own form (ECDSA: r and s of equal length)."""
        return self._crypt(Operation.SIGN, key, mechanism, data, parameters)

    def verify(
        self,
        key: int,
        mechanism: Mechanism,
        data: bytes,
        signature: bytes,
        parameters: MechanismParameters | None = None,
    ) -> None:
        """Raise :class:`SignatureInvalid` unless the signature is right."""
        body = self._crypt_body(key, mechanism, data, parameters) | {"signature": signature}
        self._client.call(Operation.VERIFY, body)

    def decrypt(
        self, key: int, mechanism: Mechanism, data: bytes, parameters: MechanismParameters | None = None
    ) -> bytes:
        return self._crypt(Operation.DECRYPT, key, mechanism, data, parameters)

    def private_key(
        self, *, label: str | None = None, reference: int | None = None
    ) -> HsmRsaPrivateKey | HsmEllipticCurvePrivateKey:
        """A private key of the cluster as pyca/cryptography's programs use one, found by label or reference.

        Raises KeyNotFound, AmbiguousKey, and ``TypeError`` for a key that is neither RSA nor EC.
        """
        from strongroom.client.private_keys import wrap

        if reference is not None:
            return wrap(self, self.object(reference))
        template: Template = {Attribute.CLASS.value: ObjectClass.PRIVATE_KEY.value}
        if label is not None:
            template[Attribute.LABEL.value] = label
        page = self.find(template, limit=2)
        if not page.objects:
            raise KeyNotFound(f"No private key has the label {label!r}.")
        if len(page.objects) > 1:
            raise AmbiguousKey(f"{page.total} private keys have the label {label!r}: name one by its reference.")
        return wrap(self, page.objects[0])

    def _crypt(
        self,
        operation: Operation,
        key: int,
        mechanism: Mechanism,
        data: bytes,
        parameters: MechanismParameters | None,
    ) -> bytes:
        answer = self._client.call(operation, self._crypt_body(key, mechanism, data, parameters))
        return bytes(answer["data"])

    @staticmethod
    def _crypt_body(
        key: int, mechanism: Mechanism, data: bytes, parameters: MechanismParameters | None
    ) -> dict[str, Any]:
        body: dict[str, Any] = {"key": key, "mechanism": mechanism.value, "data": data}
        if parameters is not None:
            body["parameters"] = messages.body(parameters)
        return body
