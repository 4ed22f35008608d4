"""Those who approve, on an HSM whose boundary is a double: admins, and the crypto-users of a key."""

from __future__ import annotations

import itertools
from typing import Any

from strongroom.vocabulary.operations import Operation
from strongroom.vocabulary.quorum import QuorumService
from strongroom.vocabulary.records import DESIRED_HSM
from strongroom.vocabulary.roles import Role

ADMIN, USER = int(Role.ADMIN), int(Role.CRYPTO_USER)
NEEDED = "Quorum approval is required for this operation"
INVALID = "Invalid username-signature pair for quorum authorization"


def key_of(name: str) -> bytes:
    return b"rsa-2048 " + name.encode()


class Board:
    """Three admins who have registered, and the user quorum of 2 where a test asks for it."""

    def __init__(self, cluster: Any, hsm: Any) -> None:
        self.cluster, self.hsm = cluster, hsm
        for name in ("hsm-a", "hsm-b"):
            cluster.put(DESIRED_HSM + name, b"")
        hsm.activate()
        self.admins = {"admin": hsm.admin()}
        for name in ("carol", "dave"):
            self.admins[name] = hsm.user(self.admins["admin"], name, Role.ADMIN)
        for name, login in self.admins.items():
            assert self.register(login, key_of(name)) == {"username": name, "role": ADMIN}
        self.admin = self.admins["admin"]
        self.names = (f"user{number}" for number in itertools.count())

    def token(self, login: Any, service: QuorumService, hsm: Any = None) -> bytes:
        answer = (hsm or self.hsm).call(Operation.QUORUM_TOKEN, {"service": int(service)}, login)
        assert answer["lifetime_seconds"] == min(self.timeouts().values())
        return answer["approval_data"]  # type: ignore[no-any-return]

    def register(self, login: Any, key: bytes) -> Any:
        data = self.token(login, QuorumService.REGISTRATION)
        body = {"public_key": key, "approval_data": data, "signature": self.cluster.sign_token(key, data)}
        return self.hsm.call(Operation.REGISTER_QUORUM, body, login)

    def approved(self, data: bytes, *names: str) -> dict[str, Any]:
        given = [
            {"username": name, "role": ADMIN, "signature": self.cluster.sign_token(key_of(name), data)}
            for name in names
        ]
        return {"approval_data": data, "approvals": given}

    def approval(self, service: QuorumService = QuorumService.USER, names: Any = ("admin", "carol")) -> dict[str, Any]:
        return self.approved(self.token(self.admin, service), *names)

    def set_value(self, service: QuorumService, value: int, approval: Any = None, login: Any = None) -> Any:
        body = {"service": int(service), "value": value, "approval": approval}
        return self.hsm.call(Operation.SET_QUORUM_VALUE, body, login or self.admin)

    def create(self, approval: Any = None, login: Any = None, hsm: Any = None, **options: Any) -> Any:
        name = options.pop("name", None) or next(self.names)
        password = self.cluster.Password("a-password")
        body = {"username": name, "role": USER, "password": password, "approval": approval}
        return (hsm or self.hsm).call(Operation.USER_CREATE, body, login or self.admin, **options)

    def later(self, seconds: float) -> None:
        self.cluster.clock.now += seconds
        for member in self.cluster.members:
            member.renew()

    def values(self) -> Any:
        return self.hsm.call(Operation.QUORUM_VALUES)

    def tokens(self, hsm: Any = None) -> Any:
        return (hsm or self.hsm).call(Operation.QUORUM_TOKENS, {}, self.admin)["tokens"]

    def count(self, approval: Any) -> Any:
        """How many approvals a token has by the list, for those who ask before they use it."""
        answer = self.hsm.call(Operation.QUORUM_TOKENS, {"approval": approval}, self.admin)
        return [token["number_of_approvals"] for token in answer["tokens"]] if isinstance(answer, dict) else answer

    def set_timeout(self, approval: Any = None, login: Any = None, **seconds: int) -> Any:
        return self.hsm.call(Operation.SET_QUORUM_TIMEOUT, {"approval": approval, **seconds}, login or self.admin)

    def timeouts(self, hsm: Any = None) -> Any:
        return (hsm or self.hsm).call(Operation.QUORUM_TIMEOUTS)


class KeyBoard:
    """Alice owns a key that she shares with bob and eve; two of the three must approve what is done with it."""

    def __init__(self, board: Board) -> None:
        self.cluster, self.hsm = board.cluster, board.hsm
        self.people = {}
        for name in ("alice", "bob", "eve", "frank"):
            self.people[name] = self.hsm.user(board.admin, name)
            board.register(self.people[name], key_of(name))
        self.alice = self.people["alice"]
        self.key = self.generate(quorum={"manage": 2, "usage": 2})
        self.plain = self.generate()

    def generate(self, **options: Any) -> int:
        body = {"mechanism": 1, "template": {1: True}, "shared_users": ["bob", "eve"], **options}
        return int(self.hsm.call(Operation.GENERATE_KEY, body, self.alice)["objects"][0]["reference"])

    def token(self, service: QuorumService, key: int | None = None, login: Any = None) -> Any:
        body = {"service": int(service), "key": self.key if key is None else key}
        answer = self.hsm.call(Operation.QUORUM_TOKEN, body, login or self.alice)
        return answer["approval_data"] if isinstance(answer, dict) else answer

    def approved(self, data: bytes, *names: str) -> dict[str, Any]:
        given = [
            {"username": name, "role": USER, "signature": self.cluster.sign_token(key_of(name), data)} for name in names
        ]
        return {"approval_data": data, "approvals": given}

    def approval(self, service: QuorumService, *names: str) -> dict[str, Any]:
        return self.approved(self.token(service), *(names or ("alice", "bob")))

    def sign(self, approval: Any, login: Any = None, key: int | None = None, **options: Any) -> Any:
        body = {"key": key or self.key, "mechanism": 1, "data": b"data", "approval": approval}
        return self.hsm.call(Operation.SIGN_WITH_APPROVAL, body, login or self.alice, **options)
