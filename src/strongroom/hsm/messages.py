"""The managed operations' messages as the brain reads them: frozen, checked at the door.

The engine has already decoded them (``crates/wire/src/messages.rs``); what is secret is a ticket here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from strongroom.hsm.refusals import Refusal, Rv

if TYPE_CHECKING:
    from strongroom._native import SecretTicket, Template
else:
    # msgspec takes any object where a ticket or a template stands.
    SecretTicket = Any
    Template = Any


class TokenApproval(msgspec.Struct, frozen=True):
    """One approval of a quorum token; the role is 0 where it was not said."""

    username: str
    role: int
    signature: bytes


class Approval(msgspec.Struct, frozen=True):
    """A quorum token with its approvals, in the request that it is for."""

    approval_data: bytes
    approvals: list[TokenApproval] = []


class QuorumTokenRequest(msgspec.Struct, frozen=True):
    """``quorum_token``."""

    service: int
    key: int | None = None


class DeleteQuorumTokensRequest(msgspec.Struct, frozen=True):
    """``delete_quorum_tokens``."""

    all: bool = False


class SetQuorumValueRequest(msgspec.Struct, frozen=True):
    """``set_quorum_value``."""

    service: int
    value: int
    approval: Approval | None = None


class QuorumTokensRequest(msgspec.Struct, frozen=True):
    """``quorum_tokens``."""

    approval: Approval | None = None


class SetQuorumTimeoutRequest(msgspec.Struct, frozen=True):
    """``set_quorum_timeout``; what is not given stays."""

    generated: int | None = None
    approved: int | None = None
    approval: Approval | None = None


class RegisterQuorumRequest(msgspec.Struct, frozen=True):
    """``register_quorum``."""

    public_key: bytes
    approval_data: bytes
    signature: bytes


class LoginRequest(msgspec.Struct, frozen=True):
    """``login``."""

    username: str
    role: int
    password: SecretTicket
    client_key: bytes


class LoginTokenRequest(msgspec.Struct, frozen=True):
    """``login_token``."""

    username: str
    role: int
    client_key: bytes


class LoginWithTokenRequest(msgspec.Struct, frozen=True):
    """``login_with_token``."""

    username: str
    role: int
    password: SecretTicket
    client_key: bytes
    token: bytes
    signature: bytes


class MfaTokenRequest(msgspec.Struct, frozen=True):
    """``mfa_token``."""

    username: str
    role: int


class ChangeMfaRequest(msgspec.Struct, frozen=True):
    """``change_mfa``; without a public key the second factor is deregistered."""

    username: str
    role: int
    password: SecretTicket
    public_key: bytes | None = None
    token: bytes | None = None
    signature: bytes | None = None
    change_quorum: bool = False
    approval: Approval | None = None


class ActivateRequest(msgspec.Struct, frozen=True):
    """``activate``."""

    username: str
    password: SecretTicket


class UserRequest(msgspec.Struct, frozen=True):
    """``user_create``."""

    username: str
    role: int
    password: SecretTicket
    approval: Approval | None = None


class ChangePasswordRequest(msgspec.Struct, frozen=True):
    """``change_password``."""

    username: str
    role: int
    password: SecretTicket
    deregister_mfa: bool = False
    deregister_quorum: bool = False
    approval: Approval | None = None


class UserDeleteRequest(msgspec.Struct, frozen=True):
    """``user_delete``."""

    username: str
    role: int
    approval: Approval | None = None


class KeyQuorum(msgspec.Struct, frozen=True):
    """How many of those who own or share a new key must approve what is done with it."""

    manage: int
    usage: int


class RegisterTrustAnchorRequest(msgspec.Struct, frozen=True):
    """``mtls_register``."""

    certificate: str
    approval: Approval | None = None


class DeregisterTrustAnchorRequest(msgspec.Struct, frozen=True):
    """``mtls_deregister``."""

    references: list[int]
    approval: Approval | None = None


class SetEnforcementRequest(msgspec.Struct, frozen=True):
    """``mtls_set_enforcement``."""

    enforced: bool
    approval: Approval | None = None


class GenerateKeyRequest(msgspec.Struct, frozen=True):
    """``generate_key``; parameters and a password are there where the key is made from one."""

    mechanism: int
    template: Template
    shared_users: list[str] = []
    parameters: dict[str, Any] | None = None
    password: SecretTicket | None = None
    quorum: KeyQuorum | None = None


class GenerateKeyPairRequest(msgspec.Struct, frozen=True):
    """``generate_key_pair``."""

    mechanism: int
    public_template: Template
    private_template: Template
    shared_users: list[str] = []
    """Of the private key."""
    quorum: KeyQuorum | None = None
    """Of the private key."""


class CreateObjectRequest(msgspec.Struct, frozen=True):
    """``create_object``; the ticket stands for the whole template, with its secrets."""

    template_ticket: SecretTicket


class DestroyObjectRequest(msgspec.Struct, frozen=True):
    """``destroy_object``."""

    reference: int


class SetAttributesRequest(msgspec.Struct, frozen=True):
    """``set_attributes``; the ticket stands for the whole template, with the value of a data object."""

    reference: int
    template_ticket: SecretTicket
    approval: Approval | None = None


class CopyObjectRequest(msgspec.Struct, frozen=True):
    """``copy_object``; the ticket's template says what differs."""

    reference: int
    template_ticket: SecretTicket


class ShareKeyRequest(msgspec.Struct, frozen=True):
    """``share_key`` and ``unshare_key``."""

    reference: int
    username: str
    approval: Approval | None = None


class WrapKeyRequest(msgspec.Struct, frozen=True):
    """``wrap_key``."""

    wrapping_key: int
    mechanism: int
    key: int
    parameters: dict[str, Any] | None = None


class WrapWithApprovalRequest(WrapKeyRequest, frozen=True):
    """``wrap_with_approval``."""

    wrapping_approval: Approval | None = None
    payload_approval: Approval | None = None


class SignWithApprovalRequest(msgspec.Struct, frozen=True):
    """``sign_with_approval``."""

    key: int
    mechanism: int
    data: bytes
    parameters: dict[str, Any] | None = None
    approval: Approval | None = None


class UnwrapKeyRequest(msgspec.Struct, frozen=True):
    """``unwrap_key``."""

    unwrapping_key: int
    mechanism: int
    wrapped_key: bytes
    template: Template
    parameters: dict[str, Any] | None = None
    shared_users: list[str] = []
    quorum: KeyQuorum | None = None
    approval: Approval | None = None


class DeriveKeyRequest(msgspec.Struct, frozen=True):
    """``derive_key``."""

    base_key: int
    mechanism: int
    template: Template
    parameters: dict[str, Any] | None = None


class EncapsulateKeyRequest(msgspec.Struct, frozen=True):
    """``encapsulate_key``."""

    public_key: int
    mechanism: int
    template: Template
    parameters: dict[str, Any] | None = None


class DecapsulateKeyRequest(msgspec.Struct, frozen=True):
    """``decapsulate_key``."""

    private_key: int
    mechanism: int
    ciphertext: bytes
    template: Template
    parameters: dict[str, Any] | None = None


Message = TypeVar("Message", bound=msgspec.Struct)


def read(body: dict[str, Any], kind: type[Message]) -> Message:
    """The message of a request's body; a refusal names the member that is wrong."""
    try:
        return msgspec.convert(body, kind)
    except msgspec.ValidationError as error:
        raise Refusal(Rv.ARGUMENTS_BAD, f"the request is not well-formed: {error}") from error
