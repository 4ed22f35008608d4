"""The messages of the data plane as frozen types (crates/wire/src/messages.rs has the same members)."""

from __future__ import annotations

from typing import Any

import msgspec

from strongroom.vocabulary.attributes import Attribute
from strongroom.vocabulary.quorum import QuorumService
from strongroom.vocabulary.roles import Role

Template = dict[int, Any]
"""Attribute numbers with their values: ``bool``, ``int``, ``bytes``, ``str``, a list of mechanisms or a template."""


class HsmInformation(msgspec.Struct, frozen=True):
    """One HSM of ``hsm_info`` (aws-cloudhsm 4.2)."""

    vendor: str
    model: str
    serial_number: str
    hardware_version_major: int
    hardware_version_minor: int
    firmware_version_major: int
    firmware_version_minor: int
    firmware_build_number: int
    firmware_id: str
    fips_state: str


class User(msgspec.Struct, frozen=True):
    """One user of ``user_list``; ``mfa`` and ``quorum`` say whether a key is registered for them."""

    username: str
    role: Role
    locked: bool = False
    mfa: bool = False
    quorum: bool = False


class NamedUser(msgspec.Struct, frozen=True):
    """The user that an operation was about."""

    username: str
    role: Role


class TrustAnchor(msgspec.Struct, frozen=True):
    """A certificate whose holder's certificates let clients in (mutual TLS)."""

    reference: int
    certificate: str
    """PEM."""


class MutualTls(msgspec.Struct, frozen=True):
    """Trust anchors of a cluster, and whether clients must have a certificate by one."""

    anchors: list[TrustAnchor]
    enforced: bool


class PendingToken(msgspec.Struct, frozen=True):
    """A quorum token that may still be used: whose it is, what for, and how many must approve."""

    username: str
    service: QuorumService
    approvals_required: int
    timeout_seconds: int
    key: int | None = None
    """Reference of the key, of a service of a key's."""
    number_of_approvals: int = 0
    """Of those that were given to be counted, how many count; 0 for other tokens."""


class QuorumTimeouts(msgspec.Struct, frozen=True):
    """How long quorum tokens are good for, in seconds: the shorter of both, from when they are made."""

    generated: int
    """Within which a token is approved."""
    approved: int
    """Within which what was approved is used."""


class QuorumValues(msgspec.Struct, frozen=True):
    """How many admins must approve what; 1 is none."""

    user: int
    quorum: int
    cluster: int


class KeyQuorum(msgspec.Struct, frozen=True):
    """How many of those who own or share a key must approve what is done with it: at least 2, at most 8."""

    manage: int
    """Wrapping it and with it, unwrapping with it, sharing, changes of its attributes."""
    usage: int
    """Signatures. Such a key does nothing else."""


class ObjectView(msgspec.Struct, frozen=True):
    """An object as its user sees it; sensitive attributes are not in it."""

    reference: int
    attributes: Template = {}
    version: int = 0
    owner: str = ""
    shared_users: list[str] = []
    quorum: KeyQuorum | None = None
    """``None`` where one user alone may do everything."""

    def value(self, attribute: Attribute) -> Any:  # noqa: ANN401 - the attribute decides the type
        """The attribute's value, ``None`` when the object has none that can be read."""
        return self.attributes.get(attribute.value)


class FoundObjects(msgspec.Struct, frozen=True):
    """One page of ``find``: objects in ascending order of reference, and how many match in all."""

    objects: list[ObjectView]
    more: bool
    total: int


class MechanismParameters(msgspec.Struct, frozen=True, omit_defaults=True):
    """Parameters of a mechanism: only those that the mechanism reads are given."""

    iv: bytes | None = None
    counter_bits: int | None = None
    aad: bytes | None = None
    tag_bits: int | None = None
    hash: int | None = None
    """``CKM_*`` number of a digest."""
    mgf: int | None = None
    """``CKG_MGF1_*``."""
    salt_length: int | None = None
    """Bytes."""
    label: bytes | None = None
    key_bits: int | None = None
    """Of the AES key between an RSA key and the key that ``CKM_RSA_AES_KEY_WRAP`` wraps with it."""
    kdf: int | None = None
    """``CKD_*``: what ``CKM_ECDH1_DERIVE`` makes of the shared secret."""
    public_data: bytes | None = None
    """The other party's EC point."""
    info: bytes | None = None
    """What a derived key is bound to: SharedInfo of X9.63, info of HKDF."""
    prehash: bool = False
    """Ed25519ph: the data is its SHA-512."""
    context: bytes | None = None
    """Of Ed25519ph and Ed25519ctx."""


class CryptResult(msgspec.Struct, frozen=True):
    """What ``encrypt`` and ``wrap`` give; ``iv`` is there where the HSM made one."""

    data: bytes
    iv: bytes | None = None


class _Objects(msgspec.Struct, frozen=True):
    objects: list[ObjectView] = []


class _HsmInformationList(msgspec.Struct, frozen=True):
    hsms: list[HsmInformation] = []


class _PendingTokens(msgspec.Struct, frozen=True):
    tokens: list[PendingToken] = []


class _UserList(msgspec.Struct, frozen=True):
    users: list[User] = []


def objects(answer: dict[str, Any]) -> list[ObjectView]:
    """The objects of an ``ObjectsResponse``."""
    return msgspec.convert(answer, _Objects).objects


def found(answer: dict[str, Any]) -> FoundObjects:
    """A ``FindResponse``."""
    return msgspec.convert(answer, FoundObjects)


def crypt_result(answer: dict[str, Any]) -> CryptResult:
    """A ``CryptResponse``."""
    return msgspec.convert(answer, CryptResult)


def hsm_information(answer: dict[str, Any]) -> list[HsmInformation]:
    """The HSMs of an ``HsmInfoResponse``."""
    return msgspec.convert(answer, _HsmInformationList).hsms


def users(answer: dict[str, Any]) -> list[User]:
    """The users of a ``UserListResponse``."""
    return msgspec.convert(answer, _UserList).users


def mutual_tls(answer: dict[str, Any]) -> MutualTls:
    """A ``MutualTlsResponse``."""
    return msgspec.convert(answer, MutualTls)


def trust_anchor(answer: dict[str, Any]) -> TrustAnchor:
    """A ``TrustAnchorView``."""
    return msgspec.convert(answer, TrustAnchor)


def pending_tokens(answer: dict[str, Any]) -> list[PendingToken]:
    """The tokens of a ``QuorumTokensResponse``."""
    return msgspec.convert(answer, _PendingTokens).tokens


def quorum_values(answer: dict[str, Any]) -> QuorumValues:
    """A ``QuorumValuesResponse``."""
    return msgspec.convert(answer, QuorumValues)


def quorum_timeouts(answer: dict[str, Any]) -> QuorumTimeouts:
    """A ``QuorumTimeoutsResponse``."""
    return msgspec.convert(answer, QuorumTimeouts)


def named_user(answer: dict[str, Any]) -> NamedUser:
    """A ``UserResponse``."""
    return msgspec.convert(answer, NamedUser)


def body(parameters: MechanismParameters | None) -> dict[str, Any] | None:
    """Parameters as the native client takes them; none where none is set."""
    return msgspec.to_builtins(parameters, builtin_types=(bytes,)) or None if parameters is not None else None
