"""A right request of every operation, for tests that send all of them."""

from __future__ import annotations

from typing import Any

from frames import request_id, sign_body

from strongroom.vocabulary.attributes import Attribute
from strongroom.vocabulary.mechanisms import Mechanism
from strongroom.vocabulary.operations import RULES, Operation
from strongroom.vocabulary.quorum import QuorumService
from strongroom.vocabulary.roles import Role

TOKEN, VALUE_LEN = int(Attribute.TOKEN), int(Attribute.VALUE_LEN)


def bodies(key: int) -> dict[Operation, dict[int, Any]]:
    """A right request of every operation that needs a login; ``key`` is alice's."""
    template = {TOKEN: True, VALUE_LEN: 32}
    aes, wrap = int(Mechanism.AES_KEY_GEN), int(Mechanism.AES_KEY_WRAP)
    made: dict[Operation, dict[int, Any]] = {
        Operation.RENEW_TICKET: {},
        Operation.SIGN: sign_body(key, bytes(32)),
        Operation.VERIFY: {**sign_body(key, bytes(32)), 5: bytes(64)},
        Operation.SIGN_RECOVER: sign_body(key, bytes(32)),
        Operation.VERIFY_RECOVER: sign_body(key, bytes(256)),
        Operation.ENCRYPT: sign_body(key, bytes(32)),
        Operation.DECRYPT: sign_body(key, bytes(32)),
        Operation.STREAM_OPEN: {1: key, 2: int(Mechanism.AES_CMAC), 4: int(Operation.SIGN)},
        Operation.STREAM_UPDATE: {1: 1, 2: 0, 3: bytes(32)},
        Operation.STREAM_FINISH: {1: 1, 2: 0, 3: bytes(32)},
        Operation.STREAM_REPEAT: {1: 1, 2: 0, 3: bytes(32), 4: bytes(32)},
        Operation.STREAM_CLOSE: {1: 1},
        Operation.FIND: {1: {}, 2: 0, 3: 10, 4: True},
        Operation.ATTRIBUTES: {1: [key]},
        Operation.DIGEST: {1: int(Mechanism.SHA256), 2: [{1: bytes(8), 2: key}]},
        Operation.LOGOUT: {},
        Operation.USER_CREATE: {1: "eve", 2: int(Role.ADMIN), 3: b"eve-password"},
        Operation.USER_DELETE: {1: "alice", 2: int(Role.CRYPTO_USER)},
        Operation.CHANGE_PASSWORD: {1: "alice", 2: int(Role.CRYPTO_USER), 3: b"eve-password"},
        Operation.MFA_TOKEN: {1: "alice", 2: int(Role.CRYPTO_USER)},
        Operation.CHANGE_MFA: {1: "alice", 2: int(Role.CRYPTO_USER), 3: b"eve-password"},
        Operation.MTLS_REGISTER: {1: "PEM"},
        Operation.MTLS_DEREGISTER: {1: [1]},
        Operation.MTLS_SET_ENFORCEMENT: {1: True},
        Operation.QUORUM_TOKEN: {1: int(QuorumService.KEY_USAGE), 2: key},
        Operation.QUORUM_TOKENS: {},
        Operation.DELETE_QUORUM_TOKENS: {1: True},
        Operation.SET_QUORUM_VALUE: {1: int(QuorumService.USER), 2: 2},
        Operation.SET_QUORUM_TIMEOUT: {1: 60},
        Operation.REGISTER_QUORUM: {1: b"key", 2: bytes(80), 3: bytes(256)},
        Operation.GENERATE_KEY: {1: aes, 2: template, 3: []},
        Operation.GENERATE_KEY_PAIR: {1: int(Mechanism.EC_KEY_PAIR_GEN), 2: {TOKEN: True}, 3: {TOKEN: True}, 4: []},
        Operation.CREATE_OBJECT: {1: template},
        Operation.DESTROY_OBJECT: {1: key},
        Operation.SET_ATTRIBUTES: {1: key, 2: {int(Attribute.LABEL): "eve"}},
        Operation.WRAP_KEY: {1: key, 2: wrap, 4: key},
        Operation.UNWRAP_KEY: {1: key, 2: wrap, 4: bytes(40), 5: template, 6: []},
        Operation.DERIVE_KEY: {1: key, 2: int(Mechanism.SP800_108_COUNTER_KDF), 4: template},
        Operation.ENCAPSULATE_KEY: {1: key, 2: int(Mechanism.ML_KEM), 4: template},
        Operation.DECAPSULATE_KEY: {1: key, 2: int(Mechanism.ML_KEM), 4: bytes(768), 5: template},
        Operation.COPY_OBJECT: {1: key, 2: {TOKEN: True}},
        Operation.SIGN_WITH_APPROVAL: {1: key, 2: int(Mechanism.ECDSA), 4: bytes(32)},
        Operation.WRAP_WITH_APPROVAL: {1: key, 2: wrap, 4: key},
        Operation.SHARE_KEY: {1: key, 2: "bob"},
        Operation.UNSHARE_KEY: {1: key, 2: "bob"},
    }
    return {
        operation: {**body, 15: request_id()} if RULES[operation].retry in {"create", "change"} else body
        for operation, body in made.items()
    }
