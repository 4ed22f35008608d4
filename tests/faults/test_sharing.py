"""Shared keys on two HSMs, by frames: who may do what, and the end of a share while another process uses it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from frames import Peer, Refused, request_id, sign_body
from one_cluster import ADMIN_PASSWORD, OneCluster, create_user, generate_aes, generate_p256, references, refused, sign

from strongroom.vocabulary.attributes import Attribute
from strongroom.vocabulary.mechanisms import Mechanism
from strongroom.vocabulary.operations import Operation
from strongroom.vocabulary.roles import Role

DIGEST = bytes(range(32))
SIGNING_LOOP = Path(__file__).resolve().parents[1] / "support" / "signing_loop.py"
ROUNDS = 6
OK, ACTION_PROHIBITED, NOT_LOGGED_IN, OTHER_ROLE, ARGUMENTS_BAD = 0x0, 0x1B, 0x101, 0x103, 0x7
KEY_HANDLE, OBJECT_HANDLE, WRAPPING_KEY_HANDLE, UNWRAPPING_KEY_HANDLE = 0x60, 0x82, 0x113, 0xF0
TOKEN, LABEL, VALUE_LEN, CLASS, KEY_TYPE = (
    int(Attribute[name]) for name in ("TOKEN", "LABEL", "VALUE_LEN", "CLASS", "KEY_TYPE")
)
SECRET_KEY, AES = 4, 0x1F


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OneCluster]:
    made = OneCluster(tmp_path_factory.mktemp("sharing"))
    try:
        admin = made.begin("hsm-1", "hsm-2")
        for name in ("bob", "mallory"):
            create_user(admin, name)
        yield made
    finally:
        made.close()


def peer(cluster: OneCluster, hsm_id: str, username: str | None, role: Role = Role.CRYPTO_USER) -> Peer:
    address, port = cluster.listening()[hsm_id]
    made = Peer(address, port)
    assert made.hello()[3] == hsm_id
    if username is not None:
        made.login(username, ADMIN_PASSWORD if role is Role.ADMIN else f"{username}-password", role)
    return made


def share(peer: Peer, key: int, username: str = "bob") -> Any:
    return peer.call(Operation.SHARE_KEY, {1: key, 2: username, 15: request_id()})


def unshare(peer: Peer, key: int, username: str = "bob") -> Any:
    return peer.call(Operation.UNSHARE_KEY, {1: key, 2: username, 15: request_id()})


def code(peer: Peer, operation: Operation, body: dict[int, Any]) -> int:
    try:
        peer.call(operation, body)
    except Refused as refusal:
        return refusal.rv
    return OK


def test_once_a_share_is_over_the_other_hsm_signs_nothing_that_is_asked_for_afterwards(cluster: OneCluster):
    with peer(cluster, "hsm-1", "alice") as alice:
        keys = [generate_p256(cluster.alice())[1] for _ in range(ROUNDS)]
        for key in keys:
            share(alice, key)
        address, port = cluster.listening()["hsm-2"]
        command = [sys.executable, str(SIGNING_LOOP), address, str(port), "bob", "bob-password", *map(str, keys)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as signing:
            assert signing.stdout is not None
            for number, key in enumerate(keys):
                assert signing.stdout.readline() == "begun\n"
                time.sleep(0.01 * number)
                unshare(alice, key)
                acknowledged = time.monotonic()
                told = json.loads(signing.stdout.readline())
                assert told["signatures"] > 0
                assert told["last_asked"] < acknowledged
                assert told["codes"] == [KEY_HANDLE]
        assert signing.returncode == 0


def test_a_share_is_in_force_on_the_other_hsm_at_once_and_survives_a_restart(cluster: OneCluster):
    with peer(cluster, "hsm-1", "alice") as alice, peer(cluster, "hsm-2", "bob") as bob:
        for _ in range(20):
            key = generate_p256(cluster.alice("hsm-1"))[1]
            bob.begin(Operation.SIGN, sign_body(key, DIGEST))
            with pytest.raises(Refused):
                bob.answer()
            share(alice, key)
            bob.sign(key, DIGEST)
    cluster.stop("hsm-2")
    cluster.start("hsm-2")
    cluster.until_health("hsm-2", "ACTIVE")
    with peer(cluster, "hsm-2", "bob") as bob, peer(cluster, "hsm-2", "mallory") as mallory:
        bob.sign(key, DIGEST)
        (found,) = bob.call(Operation.ATTRIBUTES, {1: [key]})[1]
        assert (found[4], found[5]) == ("alice", ["bob"])
        assert code(mallory, Operation.SIGN, sign_body(key, DIGEST)) == KEY_HANDLE


def ordered(template: dict[int, Any]) -> dict[int, Any]:
    """A template as it must stand in a frame: by attribute number."""
    return dict(sorted(template.items()))


def attempts(key: int, own: int, wrapped: bytes, cipher: bytes) -> dict[str, tuple[Operation, dict[int, Any]]]:
    """Every operation with a key, as its body in a frame. ``own`` is a key of the caller's, where it has one."""
    secret = ordered({TOKEN: False, CLASS: SECRET_KEY, KEY_TYPE: AES})
    ecb, cmac, kw, kdf = (
        int(Mechanism[name]) for name in ("AES_ECB", "AES_CMAC", "AES_KEY_WRAP", "SP800_108_COUNTER_KDF")
    )
    return {
        "sign": (Operation.SIGN, {1: key, 2: cmac, 4: DIGEST}),
        "verify": (Operation.VERIFY, {1: key, 2: cmac, 4: DIGEST, 5: bytes(16)}),
        "encrypt": (Operation.ENCRYPT, {1: key, 2: ecb, 4: bytes(16)}),
        "decrypt": (Operation.DECRYPT, {1: key, 2: ecb, 4: cipher}),
        "wrap with it": (Operation.WRAP_KEY, {1: key, 2: kw, 4: own}),
        "unwrap": (Operation.UNWRAP_KEY, {1: key, 2: kw, 4: wrapped, 5: secret, 15: request_id()}),
        "wrap it": (Operation.WRAP_KEY, {1: own, 2: kw, 4: key}),
        "derive": (Operation.DERIVE_KEY, {1: key, 2: kdf, 4: {**secret, VALUE_LEN: 32}, 15: request_id()}),
        "change": (Operation.SET_ATTRIBUTES, {1: key, 2: {LABEL: "mine"}, 15: request_id()}),
        "share": (Operation.SHARE_KEY, {1: key, 2: "mallory", 15: request_id()}),
        "unshare": (Operation.UNSHARE_KEY, {1: key, 2: "bob", 15: request_id()}),
        "destroy": (Operation.DESTROY_OBJECT, {1: key, 15: request_id()}),
    }


SIGNATURE_INVALID, MECHANISM_PARAM_INVALID, ATTRIBUTE_READ_ONLY = 0xC0, 0x71, 0x10
USES = ("sign", "verify", "encrypt", "decrypt", "wrap with it", "unwrap")
EXPECTED: dict[str, dict[str, int]] = {
    "bob": {
        **dict.fromkeys(USES, OK),
        "verify": SIGNATURE_INVALID,
        **dict.fromkeys(("wrap it", "derive", "change", "share", "unshare", "destroy"), ACTION_PROHIBITED),
    },
    "mallory": {
        **dict.fromkeys(("sign", "verify", "encrypt", "decrypt", "wrap it", "derive"), KEY_HANDLE),
        "wrap with it": WRAPPING_KEY_HANDLE,
        "unwrap": UNWRAPPING_KEY_HANDLE,
        **dict.fromkeys(("change", "share", "unshare", "destroy"), OBJECT_HANDLE),
    },
    # By role, whosever key it is; an admin changes attributes, but CKA_TRUSTED only.
    "admin": {
        **dict.fromkeys((*USES, "wrap it", "derive", "share", "unshare", "destroy"), OTHER_ROLE),
        "change": ATTRIBUTE_READ_ONLY,
    },
    "nobody": dict.fromkeys((*USES, "wrap it", "derive", "change", "share", "unshare", "destroy"), NOT_LOGGED_IN),
    # Last, since it leaves nothing behind: the derivation lacks its parameters.
    "alice": {
        **dict.fromkeys((*USES, "wrap it", "change", "share", "unshare", "destroy"), OK),
        "verify": SIGNATURE_INVALID,
        "derive": MECHANISM_PARAM_INVALID,
    },
}


def test_each_operation_with_a_shared_key_is_refused_to_whom_the_reference_does_not_give_it(cluster: OneCluster):
    flags = ("SIGN", "VERIFY", "ENCRYPT", "DECRYPT", "WRAP", "UNWRAP", "DERIVE", "EXTRACTABLE")
    template = ordered({TOKEN: True, VALUE_LEN: 32, **{int(Attribute[name]): True for name in flags}})
    body = {1: int(Mechanism.AES_KEY_GEN), 2: template, 3: ["bob"]}
    with peer(cluster, "hsm-1", "alice") as alice:
        key = alice.call(Operation.GENERATE_KEY, {**body, 15: request_id()})[1][0][1]
        own = alice.call(Operation.GENERATE_KEY, {**body, 3: [], 15: request_id()})[1][0][1]
        wrapped = alice.call(Operation.WRAP_KEY, {1: key, 2: int(Mechanism.AES_KEY_WRAP), 4: own})[1]
        cipher = alice.call(Operation.ENCRYPT, {1: key, 2: int(Mechanism.AES_ECB), 4: bytes(16)})[1]
    for name, expected in EXPECTED.items():
        role = Role.ADMIN if name == "admin" else Role.CRYPTO_USER
        with peer(cluster, "hsm-2", None if name == "nobody" else name, role) as caller:
            if name not in {"admin", "nobody"}:
                own = caller.call(Operation.GENERATE_KEY, {**body, 3: [], 15: request_id()})[1][0][1]
            tried = attempts(key, own, wrapped, cipher)
            found = {what: code(caller, operation, body) for what, (operation, body) in tried.items()}
        assert found == expected, name


MALFORMED: tuple[dict[int, Any], ...] = (
    {},
    {1: 1},
    {2: "bob"},
    {1: "1", 2: "bob"},
    {1: 1, 2: 2},
    {1: 1, 2: "bob", 15: b"short"},
)


def test_a_broken_request_is_answered_and_changes_nothing(cluster: OneCluster):
    with peer(cluster, "hsm-1", "alice") as alice:
        for operation in (Operation.SHARE_KEY, Operation.UNSHARE_KEY):
            for body in MALFORMED:
                assert code(alice, operation, body) not in {OK, OBJECT_HANDLE}, body
        key = generate_p256(cluster.alice())[1]
        for name in ("nobody", "admin", "alice", "", "bob" * 100):
            assert code(alice, Operation.SHARE_KEY, {1: key, 2: name, 15: request_id()}) == ARGUMENTS_BAD, name
        assert code(alice, Operation.SHARE_KEY, {1: key | 1 << 63, 2: "bob", 15: request_id()}) == OBJECT_HANDLE
        (found,) = alice.call(Operation.ATTRIBUTES, {1: [key]})[1]
        assert 5 not in found


def test_a_user_who_is_made_again_under_a_deleted_name_has_no_share(cluster: OneCluster):
    admin = cluster.login("admin", ADMIN_PASSWORD, Role.ADMIN)
    create_user(admin, "dave")
    alice = cluster.alice()
    private = generate_p256(alice)[1]
    secret = generate_aes(alice)
    for key in (private, secret):
        alice.call(int(Operation.SHARE_KEY), {"reference": key, "username": "dave"})
    dave = cluster.login("dave", "dave-password", Role.CRYPTO_USER)
    assert references(dave) == sorted([private, secret])
    deletion = {"username": "dave", "role": int(Role.CRYPTO_USER)}
    assert "is logged in" in refused(lambda: admin.call(int(Operation.USER_DELETE), deletion))[1]
    dave.logout()
    admin.call(int(Operation.USER_DELETE), deletion)
    create_user(admin, "dave")
    for hsm_id in ("hsm-1", "hsm-2"):
        dave = cluster.login("dave", "dave-password", Role.CRYPTO_USER, hsm_id)
        assert references(dave) == []
        assert refused(lambda dave=dave: sign(dave, private, DIGEST))[0] == KEY_HANDLE
    # An owner destroys a shared key, and it is gone for all.
    alice.call(int(Operation.SHARE_KEY), {"reference": private, "username": "dave"})
    sign(dave, private, DIGEST)
    alice.call(int(Operation.DESTROY_OBJECT), {"reference": private})
    assert refused(lambda: sign(dave, private, DIGEST))[0] == KEY_HANDLE
    assert references(dave) == []
