"""Operations of the data plane.

Generated from tables/operations.toml by tables/generate.py; edit that file, then run ``make tables``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from strongroom.vocabulary.roles import Role


class Operation(IntEnum):
    """An operation of the data plane."""

    HELLO = 0x0001
    PING = 0x0002
    ATTACH = 0x0003
    RENEW_TICKET = 0x0004
    MEMBERS = 0x0005
    SIGN = 0x0010
    VERIFY = 0x0011
    ENCRYPT = 0x0012
    DECRYPT = 0x0013
    RANDOM = 0x0014
    FIND = 0x0015
    ATTRIBUTES = 0x0016
    DIGEST = 0x0017
    SIGN_RECOVER = 0x0018
    VERIFY_RECOVER = 0x0019
    LOGIN = 0x0100
    LOGOUT = 0x0101
    ACTIVATE = 0x0102
    USER_CREATE = 0x0103
    USER_DELETE = 0x0104
    USER_LIST = 0x0105
    CHANGE_PASSWORD = 0x0106
    HSM_INFO = 0x0107
    LOGIN_TOKEN = 0x0108
    LOGIN_WITH_TOKEN = 0x0109
    MFA_TOKEN = 0x010A
    CHANGE_MFA = 0x010B
    QUORUM_TOKEN = 0x0110
    QUORUM_TOKENS = 0x0111
    DELETE_QUORUM_TOKENS = 0x0112
    QUORUM_VALUES = 0x0113
    SET_QUORUM_VALUE = 0x0114
    REGISTER_QUORUM = 0x0115
    QUORUM_TIMEOUTS = 0x0116
    SET_QUORUM_TIMEOUT = 0x0117
    MTLS_LIST = 0x0120
    MTLS_REGISTER = 0x0121
    MTLS_DEREGISTER = 0x0122
    MTLS_SET_ENFORCEMENT = 0x0123
    GENERATE_KEY = 0x0200
    GENERATE_KEY_PAIR = 0x0201
    CREATE_OBJECT = 0x0202
    DESTROY_OBJECT = 0x0203
    SET_ATTRIBUTES = 0x0204
    WRAP_KEY = 0x0205
    UNWRAP_KEY = 0x0206
    DERIVE_KEY = 0x0207
    ENCAPSULATE_KEY = 0x0210
    DECAPSULATE_KEY = 0x0211
    SHARE_KEY = 0x0208
    UNSHARE_KEY = 0x0209
    SIGN_WITH_APPROVAL = 0x0220
    WRAP_WITH_APPROVAL = 0x0221
    COPY_OBJECT = 0x0212
    STREAM_OPEN = 0x0230
    STREAM_UPDATE = 0x0231
    STREAM_FINISH = 0x0232
    STREAM_REPEAT = 0x0233
    STREAM_CLOSE = 0x0234


@dataclass(frozen=True, slots=True)
class OperationRule:
    """How an operation is handled; the columns are explained in tables/operations.toml."""

    path: str
    lane: str | None
    retry: str
    narrowing: bool
    opcode: tuple[str, int] | None
    roles: frozenset[Role]


RULES: dict[Operation, OperationRule] = {
    Operation.HELLO: OperationRule(
        path="hot",
        lane=None,
        retry="pure",
        narrowing=False,
        opcode=None,
        roles=frozenset({Role.NONE}),
    ),
    Operation.PING: OperationRule(
        path="hot",
        lane=None,
        retry="pure",
        narrowing=False,
        opcode=None,
        roles=frozenset({Role.NONE}),
    ),
    Operation.ATTACH: OperationRule(
        path="hot",
        lane=None,
        retry="pure",
        narrowing=False,
        opcode=None,
        roles=frozenset({Role.NONE}),
    ),
    Operation.RENEW_TICKET: OperationRule(
        path="hot",
        lane=None,
        retry="pure",
        narrowing=False,
        opcode=None,
        roles=frozenset({Role.CRYPTO_USER, Role.ADMIN, Role.UNACTIVATED_ADMIN}),
    ),
    Operation.MEMBERS: OperationRule(
        path="hot",
        lane=None,
        retry="pure",
        narrowing=False,
        opcode=None,
        roles=frozenset({Role.NONE}),
    ),
    Operation.SIGN: OperationRule(
        path="hot",
        lane=None,
        retry="pure",
        narrowing=False,
        opcode=None,
        roles=frozenset({Role.CRYPTO_USER}),
    ),
    Operation.VERIFY: OperationRule(
        path="hot",
        lane=None,
        retry="pure",
        narrowing=False,
        opcode=None,
        roles=frozenset({Role.CRYPTO_USER}),
    ),
    Operation.ENCRYPT: OperationRule(
        path="hot",
        lane=None,
        retry="pure",
        narrowing=False,
        opcode=None,
        roles=frozenset({Role.CRYPTO_USER}),
    ),
    Operation.DECRYPT: OperationRule(
        path="hot",
        lane=None,
        retry="pure",
        narrowing=False,
        opcode=None,
        roles=frozenset({Role.CRYPTO_USER}),
    ),
    Operation.RANDOM: OperationRule(
        path="hot",
        lane=None,
        retry="pure",
        narrowing=False,
        opcode=None,
        roles=frozenset({Role.NONE}),
    ),
    Operation.FIND: OperationRule(
        path="hot",
        lane=None,
        retry="pure",
        narrowing=False,
        opcode=None,
        roles=frozenset({Role.CRYPTO_USER, Role.ADMIN}),
    ),
    Operation.ATTRIBUTES: OperationRule(
        path="hot",
        lane=None,
        retry="pure",
        narrowing=False,
        opcode=None,
        roles=frozenset({Role.CRYPTO_USER, Role.ADMIN}),
    ),
    Operation.DIGEST: OperationRule(
        path="hot",
        lane=None,
        retry="pure",
        narrowing=False,
        opcode=None,
        roles=frozenset({Role.CRYPTO_USER}),
    ),
    Operation.SIGN_RECOVER: OperationRule(
        path="hot",
        lane=None,
        retry="pure",
        narrowing=False,
        opcode=None,
        roles=frozenset({Role.CRYPTO_USER}),
    ),
    Operation.VERIFY_RECOVER: OperationRule(
        path="hot",
        lane=None,
        retry="pure",
        narrowing=False,
        opcode=None,
        roles=frozenset({Role.CRYPTO_USER}),
    ),
    Operation.LOGIN: OperationRule(
        path="managed",
        lane="login",
        retry="pure",
        narrowing=False,
        opcode=("CN_LOGIN", 0xD),
        roles=frozenset({Role.NONE}),
    ),
    Operation.LOGOUT: OperationRule(
        path="managed",
        lane="general",
        retry="change",
        narrowing=True,
        opcode=("CN_LOGOUT", 0xE),
        roles=frozenset({Role.CRYPTO_USER, Role.ADMIN, Role.UNACTIVATED_ADMIN}),
    ),
    Operation.ACTIVATE: OperationRule(
        path="managed",
        lane="login",
        retry="change",
        narrowing=True,
        opcode=("CN_CHANGE_PSWD", 0x9),
        roles=frozenset({Role.NONE}),
    ),
    Operation.USER_CREATE: OperationRule(
        path="managed",
        lane="login",
        retry="create",
        narrowing=False,
        opcode=("CN_CREATE_USER", 0x3),
        roles=frozenset({Role.ADMIN}),
    ),
    Operation.USER_DELETE: OperationRule(
        path="managed",
        lane="general",
        retry="change",
        narrowing=True,
        opcode=("CN_DELETE_USER", 0xA1),
        roles=frozenset({Role.ADMIN}),
    ),
    Operation.USER_LIST: OperationRule(
        path="managed",
        lane="general",
        retry="pure",
        narrowing=False,
        opcode=None,
        roles=frozenset({Role.NONE}),
    ),
    Operation.CHANGE_PASSWORD: OperationRule(
        path="managed",
        lane="login",
        retry="change",
        narrowing=True,
        opcode=("CN_CHANGE_PSWD", 0x9),
        roles=frozenset({Role.CRYPTO_USER, Role.ADMIN}),
    ),
    Operation.HSM_INFO: OperationRule(
        path="managed",
        lane="general",
        retry="pure",
        narrowing=False,
        opcode=None,
        roles=frozenset({Role.NONE}),
    ),
    Operation.LOGIN_TOKEN: OperationRule(
        path="managed",
        lane="general",
        retry="pure",
        narrowing=False,
        opcode=None,
        roles=frozenset({Role.NONE}),
    ),
    Operation.LOGIN_WITH_TOKEN: OperationRule(
        path="managed",
        lane="login",
        retry="never",
        narrowing=False,
        opcode=("CN_LOGIN", 0xD),
        roles=frozenset({Role.NONE}),
    ),
    Operation.MFA_TOKEN: OperationRule(
        path="managed",
        lane="general",
        retry="pure",
        narrowing=False,
        opcode=None,
        roles=frozenset({Role.CRYPTO_USER, Role.ADMIN}),
    ),
    Operation.CHANGE_MFA: OperationRule(
        path="managed",
        lane="login",
        retry="change",
        narrowing=True,
        opcode=("CN_CHANGE_PSWD", 0x9),
        roles=frozenset({Role.CRYPTO_USER, Role.ADMIN}),
    ),
    Operation.QUORUM_TOKEN: OperationRule(
        path="managed",
        lane="general",
        retry="create",
        narrowing=False,
        opcode=("CN_GET_TOKEN", 0xA3),
        roles=frozenset({Role.CRYPTO_USER, Role.ADMIN}),
    ),
    Operation.QUORUM_TOKENS: OperationRule(
        path="managed",
        lane="general",
        retry="pure",
        narrowing=False,
        opcode=None,
        roles=frozenset({Role.CRYPTO_USER, Role.ADMIN}),
    ),
    Operation.DELETE_QUORUM_TOKENS: OperationRule(
        path="managed",
        lane="general",
        retry="change",
        narrowing=False,
        opcode=("CN_DELETE_TOKEN", 0xA4),
        roles=frozenset({Role.ADMIN}),
    ),
    Operation.QUORUM_VALUES: OperationRule(
        path="managed",
        lane="general",
        retry="pure",
        narrowing=False,
        opcode=None,
        roles=frozenset({Role.NONE}),
    ),
    Operation.SET_QUORUM_VALUE: OperationRule(
        path="managed",
        lane="general",
        retry="change",
        narrowing=True,
        opcode=("CN_SET_M_VALUE", 0xA2),
        roles=frozenset({Role.ADMIN}),
    ),
    Operation.REGISTER_QUORUM: OperationRule(
        path="managed",
        lane="general",
        retry="change",
        narrowing=False,
        opcode=("STRONGROOM_REGISTER_QUORUM_KEY", 0xFF03),
        roles=frozenset({Role.CRYPTO_USER, Role.ADMIN}),
    ),
    Operation.QUORUM_TIMEOUTS: OperationRule(
        path="managed",
        lane="general",
        retry="pure",
        narrowing=False,
        opcode=None,
        roles=frozenset({Role.NONE}),
    ),
    Operation.SET_QUORUM_TIMEOUT: OperationRule(
        path="managed",
        lane="general",
        retry="change",
        narrowing=True,
        opcode=("STRONGROOM_SET_QUORUM_TIMEOUT", 0xFF04),
        roles=frozenset({Role.ADMIN}),
    ),
    Operation.MTLS_LIST: OperationRule(
        path="managed",
        lane="general",
        retry="pure",
        narrowing=False,
        opcode=None,
        roles=frozenset({Role.NONE}),
    ),
    Operation.MTLS_REGISTER: OperationRule(
        path="managed",
        lane="general",
        retry="change",
        narrowing=False,
        opcode=("CN_CERT_AUTH_STORE_CERT", 0x15),
        roles=frozenset({Role.ADMIN}),
    ),
    Operation.MTLS_DEREGISTER: OperationRule(
        path="managed",
        lane="general",
        retry="change",
        narrowing=True,
        opcode=("CN_CERT_AUTH_STORE_CERT", 0x15),
        roles=frozenset({Role.ADMIN}),
    ),
    Operation.MTLS_SET_ENFORCEMENT: OperationRule(
        path="managed",
        lane="general",
        retry="change",
        narrowing=True,
        opcode=("CN_CERT_AUTH_VALIDATE_PEER_CERTS", 0x16),
        roles=frozenset({Role.ADMIN}),
    ),
    Operation.GENERATE_KEY: OperationRule(
        path="managed",
        lane="general",
        retry="create",
        narrowing=False,
        opcode=("CN_GENERATE_KEY", 0x17),
        roles=frozenset({Role.CRYPTO_USER}),
    ),
    Operation.GENERATE_KEY_PAIR: OperationRule(
        path="managed",
        lane="slow",
        retry="create",
        narrowing=False,
        opcode=("CN_GENERATE_KEY_PAIR", 0x19),
        roles=frozenset({Role.CRYPTO_USER}),
    ),
    Operation.CREATE_OBJECT: OperationRule(
        path="managed",
        lane="general",
        retry="create",
        narrowing=False,
        opcode=("CN_CREATE_OBJECT", 0x10),
        roles=frozenset({Role.CRYPTO_USER}),
    ),
    Operation.DESTROY_OBJECT: OperationRule(
        path="managed",
        lane="general",
        retry="change",
        narrowing=True,
        opcode=("CN_TOMBSTONE_OBJECT", 0x14),
        roles=frozenset({Role.CRYPTO_USER}),
    ),
    Operation.SET_ATTRIBUTES: OperationRule(
        path="managed",
        lane="general",
        retry="change",
        narrowing=True,
        opcode=("CN_MODIFY_OBJECT", 0x13),
        roles=frozenset({Role.CRYPTO_USER, Role.ADMIN}),
    ),
    Operation.WRAP_KEY: OperationRule(
        path="managed",
        lane="slow",
        retry="pure",
        narrowing=False,
        opcode=("CN_WRAP_KEY", 0x1A),
        roles=frozenset({Role.CRYPTO_USER}),
    ),
    Operation.UNWRAP_KEY: OperationRule(
        path="managed",
        lane="slow",
        retry="create",
        narrowing=False,
        opcode=("CN_UNWRAP_KEY", 0x1B),
        roles=frozenset({Role.CRYPTO_USER}),
    ),
    Operation.DERIVE_KEY: OperationRule(
        path="managed",
        lane="general",
        retry="create",
        narrowing=False,
        opcode=("CN_DERIVE_KEY", 0x1C),
        roles=frozenset({Role.CRYPTO_USER}),
    ),
    Operation.ENCAPSULATE_KEY: OperationRule(
        path="managed",
        lane="general",
        retry="create",
        narrowing=False,
        opcode=("CN_DERIVE_KEY", 0x1C),
        roles=frozenset({Role.CRYPTO_USER}),
    ),
    Operation.DECAPSULATE_KEY: OperationRule(
        path="managed",
        lane="general",
        retry="create",
        narrowing=False,
        opcode=("CN_DERIVE_KEY", 0x1C),
        roles=frozenset({Role.CRYPTO_USER}),
    ),
    Operation.SHARE_KEY: OperationRule(
        path="managed",
        lane="general",
        retry="change",
        narrowing=False,
        opcode=("CN_SHARE_OBJECT", 0x12),
        roles=frozenset({Role.CRYPTO_USER}),
    ),
    Operation.UNSHARE_KEY: OperationRule(
        path="managed",
        lane="general",
        retry="change",
        narrowing=True,
        opcode=("CN_SHARE_OBJECT", 0x12),
        roles=frozenset({Role.CRYPTO_USER}),
    ),
    Operation.SIGN_WITH_APPROVAL: OperationRule(
        path="managed",
        lane="slow",
        retry="change",
        narrowing=False,
        opcode=("CN_APPROVE_TOKEN", 0xA5),
        roles=frozenset({Role.CRYPTO_USER}),
    ),
    Operation.WRAP_WITH_APPROVAL: OperationRule(
        path="managed",
        lane="slow",
        retry="change",
        narrowing=False,
        opcode=("CN_WRAP_KEY", 0x1A),
        roles=frozenset({Role.CRYPTO_USER}),
    ),
    Operation.COPY_OBJECT: OperationRule(
        path="managed",
        lane="general",
        retry="create",
        narrowing=False,
        opcode=("CN_CREATE_OBJECT", 0x10),
        roles=frozenset({Role.CRYPTO_USER}),
    ),
    Operation.STREAM_OPEN: OperationRule(
        path="hot",
        lane=None,
        retry="pure",
        narrowing=False,
        opcode=None,
        roles=frozenset({Role.CRYPTO_USER}),
    ),
    Operation.STREAM_UPDATE: OperationRule(
        path="hot",
        lane=None,
        retry="never",
        narrowing=False,
        opcode=None,
        roles=frozenset({Role.CRYPTO_USER}),
    ),
    Operation.STREAM_FINISH: OperationRule(
        path="hot",
        lane=None,
        retry="never",
        narrowing=False,
        opcode=None,
        roles=frozenset({Role.CRYPTO_USER}),
    ),
    Operation.STREAM_REPEAT: OperationRule(
        path="hot",
        lane=None,
        retry="never",
        narrowing=False,
        opcode=None,
        roles=frozenset({Role.CRYPTO_USER}),
    ),
    Operation.STREAM_CLOSE: OperationRule(
        path="hot",
        lane=None,
        retry="never",
        narrowing=False,
        opcode=None,
        roles=frozenset({Role.CRYPTO_USER}),
    ),
}
