"""The brain of one or two HSMs over one store, without engine, processes or threads.

Where the native module is not built, a plain double of the boundary stands in for it; it seals with an HMAC, chains
heads as the boundary does, and knows objects as dictionaries.
"""

from __future__ import annotations

import hashlib
import hmac
import itertools
import secrets
import sys
import types
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest


class HsmError(Exception):
    pass


class IntegrityError(HsmError):
    pass


@dataclass(frozen=True)
class Caller:
    username: str
    role: int
    login_id: int
    approvals: Any = ()


def encode_response(operation: int, body: dict[str, Any]) -> bytes:
    return msgspec.msgpack.encode([operation, body])


def _double_module() -> types.ModuleType:
    module = types.ModuleType("strongroom._native")
    module.HsmError, module.IntegrityError, module.Caller = HsmError, IntegrityError, Caller  # type: ignore[attr-defined]
    module.Hsm, module.encode_response, module.__version__ = object, encode_response, "0.1.0"  # type: ignore[attr-defined]
    return module


try:
    from strongroom import _native

    HsmError, IntegrityError = _native.HsmError, _native.IntegrityError  # type: ignore[misc]
except (ImportError, AttributeError):
    sys.modules["strongroom._native"] = _double_module()

from strongroom.hsm.audit import AuditLog  # noqa: E402
from strongroom.hsm.brain import Brain  # noqa: E402
from strongroom.hsm.committer import Committer  # noqa: E402
from strongroom.hsm.dispatch import Dispatcher  # noqa: E402
from strongroom.hsm.drafts import Proposal  # noqa: E402
from strongroom.hsm.joining import Joining  # noqa: E402
from strongroom.hsm.narrowing import NarrowingWaits  # noqa: E402
from strongroom.hsm.rates import Rate  # noqa: E402
from strongroom.hsm.replica import Replica  # noqa: E402
from strongroom.hsm.requests import RequestIds  # noqa: E402
from strongroom.hsm.settings import Settings  # noqa: E402
from strongroom.storage.interface import LeaseCompare, Store, Transaction, Write, prefix_end  # noqa: E402
from strongroom.storage.memory import MemoryStore  # noqa: E402
from strongroom.vocabulary.operations import Operation  # noqa: E402
from strongroom.vocabulary.records import LEASE_HSM, AuditEntry  # noqa: E402
from strongroom.vocabulary.roles import Role  # noqa: E402

CLUSTER_KEY = b"cluster key"
TOKEN = 0x1
SHARED = -1
COPIED = 0x80005302
"""Where the double keeps the users that an object is shared with."""
QUORUM = -2
"""Where it keeps how many must approve management and use."""
DATA_CLASS, CERTIFICATE_CLASS, PUBLIC_KEY_CLASS, PRIVATE_KEY_CLASS = range(4)


@dataclass(frozen=True)
class Password:
    """Stands for a secret ticket."""

    text: str

    def __len__(self) -> int:
        return len(self.text)


@dataclass
class Staged:
    reference: int
    version: int
    record: bytes
    view: dict[str, Any]
    is_token: bool


@dataclass(frozen=True)
class Request:
    token: int
    operation: int
    body: dict[str, Any]
    login_id: int = 0
    username: str = ""
    role: int = 0
    session: int = 7
    peer: str = "192.0.2.1:40000"
    is_mutual: bool = False
    request_id: bytes | None = None
    digest: bytes = b""
    deadline_ms: int = 10_000
    trace_id: int = 0


def _mac(*parts: object) -> bytes:
    return hmac.digest(CLUSTER_KEY, msgspec.msgpack.encode([repr(part) for part in parts]), "sha256")


def sign_token(public_key: bytes, token: bytes) -> bytes:
    """The signature by a key's private half, as far as :class:`BoundaryDouble` goes."""
    return b"signature by " + public_key + hashlib.sha256(token).digest()


class BoundaryDouble:
    """What the brain uses of ``Hsm``."""

    def __init__(self) -> None:
        self.keys = False
        self.objects: dict[int, tuple[int, str, dict[int, Any]]] = {}
        self.staged: dict[int, tuple[int, str, dict[int, Any]]] = {}
        self.logins: dict[int, tuple[str, int, int]] = {}
        self.attached: list[tuple[int, int]] = []
        self.answers: dict[int, Any] = {}
        self.revision = 0
        self.hashed = 0
        self.signatures_checked = 0
        self.client_trust: tuple[list[bytes], bool] = ([], False)

    # keys and records
    def create_cluster_keys(self) -> None:
        self.keys = True

    def open_envelope(self, envelope: bytes) -> None:
        if not envelope.startswith(b"envelope:"):
            raise IntegrityError(0x30, "the envelope was altered")
        self.keys = True

    open_recovery_envelope = open_envelope

    def seal_envelope(self, hsm_id: str, statement: bytes) -> bytes:
        if not statement.startswith(b"identity of " + hsm_id.encode()):
            raise HsmError(0x30, f"the identity of {hsm_id} is not certified by this installation")
        return b"envelope:" + hsm_id.encode()

    def seal_recovery_envelope(self) -> bytes:
        return b"envelope:recovery"

    def identity_statement(self) -> bytes:
        return b"identity of hsm-a"

    def certificates(self) -> dict[str, str]:
        return {"ClusterCsr": "csr"}

    def seal_rule(self, key: str, version: int, plaintext: bytes) -> bytes:
        return _mac("rule", key, version, plaintext) + plaintext

    def open_rule(self, key: str, version: int, sealed: bytes) -> bytes:
        if not hmac.compare_digest(_mac("rule", key, version, sealed[32:]), sealed[:32]):
            raise IntegrityError(0x30, f"{key} was altered")
        return sealed[32:]

    def audit_mac(self, entry: bytes) -> bytes:
        return _mac("audit", entry)

    def sign_checkpoint(self, checkpoint: bytes) -> bytes:
        return b"signed" + _mac("checkpoint", checkpoint)

    def identity_certificates(self) -> list[bytes]:
        return [b"identity", b"host", b"root"]

    def advance_head(self, previous: bytes | None, writes: Any) -> bytes:
        revision, index = self._head(previous) if previous else (0, b"\0" * 32)
        for key, old, new, _ in writes:
            for version in (old, new):
                if version is not None:
                    index = bytes(a ^ b for a, b in zip(index, _mac("index", key, version), strict=True))
        mac = _mac("head", previous, revision + 1, index, [list(write) for write in writes])
        body = msgspec.msgpack.encode([revision + 1, index, mac])
        return body + _mac("head body", body)

    def _head(self, head: bytes) -> tuple[int, bytes]:
        if not hmac.compare_digest(_mac("head body", head[:-32]), head[-32:]):
            raise IntegrityError(0x30, "the head was altered")
        revision, index, _ = msgspec.msgpack.decode(head[:-32])
        return revision, index

    def verify_head(self, previous: bytes | None, writes: Any, head: bytes) -> None:
        if self.advance_head(previous, writes) != head:
            raise IntegrityError(0x30, "the head does not follow")

    def head_revision(self, head: bytes) -> int:
        return self._head(head)[0]

    def verify_index(self, head: bytes, entries: Any) -> bool:
        index = b"\0" * 32
        for key, version in entries:
            index = bytes(a ^ b for a, b in zip(index, _mac("index", key, version), strict=True))
        return index == self._head(head)[1]

    # logins
    def make_verifier(self, password: Password) -> bytes:
        self.hashed += 1
        return hashlib.sha256(password.text.encode()).digest()

    def verify_password(self, token: int, password: Password, verifier: bytes | None) -> bool:
        self.hashed += 1
        return verifier is not None and hashlib.sha256(password.text.encode()).digest() == verifier

    def check_second_factor(self, public_key: bytes) -> None:
        if not public_key.startswith(b"rsa-2048"):
            raise HsmError(0x63, "a key that signs tokens is an RSA key of 2048 bits: give its public key")

    def verify_second_factor(self, public_key: bytes | None, token: bytes, signature: bytes) -> bool:
        self.signatures_checked += 1
        return public_key is not None and signature == sign_token(public_key, token)

    def seal_quorum_key(self, username: str, public_key: bytes, signed: bytes, signature: bytes) -> bytes:
        self.check_second_factor(public_key)
        if signature != sign_token(public_key, signed):
            raise HsmError(0xC0, "the token was not signed by the private key of the public key that was given")
        return _mac("quorum key", username, public_key) + public_key

    def verify_approval(self, username: str, sealed_key: bytes, approval_data: bytes, signature: bytes) -> None:
        public_key = sealed_key[32:]
        if not hmac.compare_digest(_mac("quorum key", username, public_key), sealed_key[:32]):
            raise IntegrityError(0x30, f"quorum-key/{username} was altered")
        self.signatures_checked += 1
        if signature != sign_token(public_key, approval_data):
            raise HsmError(0xC0, "Invalid username-signature pair for quorum authorization")

    def random(self, length: int) -> bytes:
        return secrets.token_bytes(length)

    def new_login_id(self) -> int:
        return secrets.randbits(62) + 1

    def issue_ticket(self, login_id: int, username: str, role: int, epoch: int, client_key: bytes) -> tuple[bytes, int]:
        return b"ticket", 600

    def apply_login(self, login_id: int, username: str, role: int, epoch: int, client_key: bytes) -> None:
        self.logins[login_id] = (username, role, epoch)

    def remove_login(self, login_id: int) -> None:
        self.logins.pop(login_id, None)

    def attach_login(self, token: int, login_id: int) -> None:
        self.attached.append((token, login_id))

    def active_logins(self) -> list[int]:
        return [login_id for _, login_id in self.attached if login_id in self.logins]

    # objects
    def _stage(self, reference: int, version: int, owner: str, template: dict[int, Any]) -> Staged:
        self.staged[reference] = (version, owner, template)
        plaintext = msgspec.msgpack.encode([owner, list(template.items())])
        record = _mac("object", reference, version, plaintext) + plaintext
        is_token = bool(template.get(TOKEN))
        return Staged(
            reference, version, record if is_token else b"", {"reference": reference, "attributes": template}, is_token
        )

    def generate_key(self, caller: Caller, mechanism: int, template: dict[int, Any]) -> Staged:
        if mechanism == 0:
            raise HsmError(0x70, "the mechanism is not a generation mechanism")
        return self._stage(secrets.randbits(62) + 1, 1, caller.username, dict(template))

    def generate_key_pair(self, caller: Caller, mechanism: int, public: dict[int, Any], private: dict[int, Any]) -> Any:
        return self.generate_key(caller, mechanism, {0: 2, **public}), self.generate_key(
            caller, mechanism, {0: 3, **private}
        )

    def create_object(self, caller: Caller, ticket: dict[int, Any]) -> Staged:
        return self.generate_key(caller, 1, ticket)

    def unwrap_key(
        self, caller: Caller, key: int, mechanism: int, parameters: Any, wrapped: bytes, template: dict[int, Any]
    ) -> Staged:
        if not self.sees(caller, key):
            raise HsmError(0x82, "there is no such object")
        self.check_quorum(caller, key, 6)
        return self.generate_key(caller, mechanism, template)

    def derive_key(self, caller: Caller, key: int, mechanism: int, parameters: Any, template: dict[int, Any]) -> Staged:
        self._own(caller, key)
        return self.generate_key(caller, mechanism, template)

    def encapsulate_key(
        self, caller: Caller, key: int, mechanism: int, parameters: Any, template: dict[int, Any]
    ) -> tuple[Staged, bytes]:
        self._own(caller, key)
        return self.generate_key(caller, mechanism, template), secrets.token_bytes(16)

    def decapsulate_key(
        self, caller: Caller, key: int, mechanism: int, parameters: Any, ciphertext: bytes, template: dict[int, Any]
    ) -> Staged:
        self._own(caller, key)
        return self.generate_key(caller, mechanism, template)

    def set_quorum(self, caller: Caller, reference: int, manage: int, usage: int) -> Staged:
        version, owner, attributes = self.staged[reference]
        if not 1 < min(manage, usage) <= max(manage, usage) <= 1 + len(attributes.get(SHARED, [])):
            raise HsmError(0x7, "The manage key and use key quorum values must be set to a value greater than 1")
        return self._stage(reference, version, owner, {**attributes, QUORUM: [manage, usage]})

    def quorum_of(self, reference: int) -> tuple[int, int] | None:
        found = self.objects.get(reference)
        return tuple(found[2][QUORUM]) if found is not None and QUORUM in found[2] else None  # type: ignore[return-value]

    def check_quorum(self, caller: Caller, reference: int, service: int) -> None:
        needed = dict(zip((6, 5), self.quorum_of(reference) or (0, 0), strict=True))[service]
        _, owner, attributes = self.objects[reference]
        if needed and not caller.approvals:
            raise HsmError(0x1B, "Quorum approval is required for this operation")
        keys = set()
        for data, approvers in caller.approvals if needed else ():
            for name, sealed, signature in approvers:
                if name not in {owner, *attributes.get(SHARED, [])}:
                    raise HsmError(0x1B, "Invalid username-signature pair for quorum authorization")
                self.verify_approval(name, sealed, data, signature)
                keys.add(sealed)
        if len(keys) < needed:
            raise HsmError(0x1B, f"Too few quorum approvals: currently {len(keys)} approvals")

    def sign(self, caller: Caller, key: int, mechanism: int, parameters: Any, data: bytes) -> bytes:
        self.check_quorum(caller, key, 5)
        return b"signature"

    def copy_object(self, caller: Caller, reference: int, template: dict[int, Any]) -> tuple[Staged, Staged | None]:
        version, owner, attributes = self._own(caller, reference)
        marked = None
        if not attributes.get(COPIED):
            attributes = {**attributes, COPIED: True}
            marked = self._stage(reference, version + 1, owner, attributes)
        return self._stage(secrets.randbits(62) + 1, 1, owner, {**attributes, **template}), marked

    def set_attributes(self, caller: Caller, reference: int, template: dict[int, Any]) -> Staged:
        version, owner, attributes = self._own(caller, reference)
        self.check_quorum(caller, reference, 6)
        if template.get(TOKEN) and not attributes.get(TOKEN):
            return self._stage(secrets.randbits(62) + 1, 1, owner, {**attributes, **template})
        return self._stage(reference, version + 1, owner, {**attributes, **template})

    def share_key(self, caller: Caller, reference: int, username: str) -> Staged:
        version, owner, attributes = self._own(caller, reference)
        self.check_quorum(caller, reference, 6)
        shared = sorted({*attributes.get(SHARED, []), username})
        return self._stage(reference, version + 1, owner, {**attributes, SHARED: shared})

    def unshare_key(self, caller: Caller, reference: int, username: str) -> Staged:
        self._own(caller, reference)
        self.check_quorum(caller, reference, 6)
        return self.withdraw(reference, username)

    def share_staged(self, caller: Caller, reference: int, usernames: list[str]) -> Staged:
        version, owner, attributes = self.staged[reference]
        if not attributes.get(TOKEN):
            raise HsmError(0x1B, "only a token key is shared")
        return self._stage(reference, version, owner, {**attributes, SHARED: usernames})

    def references_shared_with(self, username: str) -> list[int]:
        return [reference for reference, found in self.objects.items() if username in found[2].get(SHARED, [])]

    def withdraw(self, reference: int, username: str) -> Staged:
        version, owner, attributes = self.objects[reference]
        if username not in attributes.get(SHARED, []):
            raise HsmError(0x7, f"the key is not shared with {username}")
        shared = [name for name in attributes[SHARED] if name != username]
        return self._stage(reference, version + 1, owner, {**attributes, SHARED: shared})

    def sees(self, caller: Caller, reference: int) -> bool:
        found = self.objects.get(reference)
        return found is not None and caller.username in {found[1], *found[2].get(SHARED, [])}

    def is_public_key(self, reference: int) -> bool:
        return reference in self.objects and self.objects[reference][2].get(0) == PUBLIC_KEY_CLASS

    def check_destroy(self, caller: Caller, reference: int) -> bool:
        return bool(self._own(caller, reference)[2].get(TOKEN))

    def wrap_key(self, caller: Caller, wrapping_key: int, mechanism: int, parameters: Any, key: int) -> dict[str, Any]:
        self._own(caller, key)
        for used in (wrapping_key, key):
            self.check_quorum(caller, used, 6)
        return {"data": b"wrapped"}

    def _own(self, caller: Caller, reference: int) -> tuple[int, str, dict[int, Any]]:
        found = self.objects.get(reference)
        if found is None or found[1] != caller.username:
            raise HsmError(0x82, "there is no such object")
        return found

    def publish(self, references: list[int]) -> None:
        for reference in references:
            self.objects[reference] = self.staged.pop(reference)

    def discard(self, references: list[int]) -> None:
        for reference in references:
            self.staged.pop(reference, None)

    def remove_objects(self, references: list[int]) -> None:
        for reference in references:
            self.objects.pop(reference, None)

    def load_object(self, reference: int, version: int, record: bytes) -> None:
        if not hmac.compare_digest(_mac("object", reference, version, record[32:]), record[:32]):
            raise IntegrityError(0x30, f"object {reference:016x} was altered")
        owner, items = msgspec.msgpack.decode(record[32:], strict=False)
        self.objects[reference] = (version, owner, {int(key): value for key, value in items})

    def is_certificate(self, reference: int) -> bool:
        return reference in self.objects and self.objects[reference][2].get(0) == CERTIFICATE_CLASS

    def private_key_count(self) -> int:
        return sum(
            bool(found[2].get(TOKEN)) and found[2].get(0) == PRIVATE_KEY_CLASS for found in self.objects.values()
        )

    def certificate_count(self) -> int:
        return self._count(CERTIFICATE_CLASS, are_tokens=True)

    def data_object_count(self, are_tokens: bool) -> int:
        return self._count(DATA_CLASS, are_tokens=are_tokens)

    def _count(self, object_class: int, *, are_tokens: bool) -> int:
        kinds = [(found[2].get(0), bool(found[2].get(TOKEN))) for found in self.objects.values()]
        return kinds.count((object_class, are_tokens))

    def object_count(self, username: str | None = None) -> int:
        return sum(
            bool(attributes.get(TOKEN)) for _, owner, attributes in self.objects.values() if username in {None, owner}
        )

    # engine
    @staticmethod
    def read_trust_anchors(pem: bytes) -> list[bytes]:
        if not pem.startswith(b"pem "):
            raise HsmError(0x7, "it is not valid PEM")
        return [pem]

    def set_client_trust(self, anchors: list[bytes], required: bool) -> None:
        self.client_trust = (anchors, required)

    def set_revision(self, revision: int, head: bytes) -> None:
        self.revision = revision

    def respond(self, token: int, body: bytes, revision: int) -> None:
        assert token not in self.answers
        self.answers[token] = body

    def respond_error(self, token: int, rv: int, text: str, retry: int) -> None:
        assert token not in self.answers
        self.answers[token] = Refused(rv, text, retry)


@dataclass(frozen=True)
class Refused:
    rv: int
    text: str
    retry: int


@dataclass(frozen=True)
class Login:
    login_id: int
    username: str
    role: int


@dataclass
class Member:
    """One HSM. ``call`` gives the answer's body, or :class:`Refused`; ``None`` while the answer is held back."""

    name: str
    store: Store
    clock: Callable[[], float]
    settings: Settings = field(default_factory=Settings)
    tokens: Any = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        self.hsm: Any = BoundaryDouble()
        self.replica = Replica(self.hsm, self.store)
        self.audit = AuditLog(self.hsm, self.store, "cluster-a", self.name, 1, self.clock)
        self.requests = RequestIds(self.hsm, self.store, self.settings.request_life_seconds, self.clock)
        self.narrowing = NarrowingWaits(self.store, self.name)
        self.epoch = self.store.acquire_lease(LEASE_HSM + self.name, 3).epoch
        self.diverged: list[Exception] = []
        self.trouble = ""
        self.committer = Committer(
            self.hsm,
            self.store,
            self.replica,
            self.audit,
            self.requests,
            self.narrowing,
            hsm_id=self.name,
            lease=self.lease,
            encode=lambda operation, body: msgspec.msgpack.encode(body),
            batch_size=64,
            trouble=lambda: self.trouble,
            on_diverged=self.diverged.append,
        )
        self.brain = Brain(
            self.hsm,
            self.store,
            self.replica,
            self.settings,
            Caller,  # type: ignore[arg-type]
            clock=self.clock,
            certificate_writes=Rate(self.settings.certificate_writes_per_second, self.clock),
        )
        self.queue: list[Proposal] = []
        self.hold = False
        self.dispatcher = Dispatcher(
            self.brain, self.requests, self._submit, lambda operation, body: msgspec.msgpack.encode(body)
        )

    def lease(self) -> LeaseCompare:
        return LeaseCompare(LEASE_HSM + self.name, self.epoch)

    def _submit(self, proposal: Proposal) -> None:
        self.queue.append(proposal)
        if not self.hold:
            self.flush()

    def flush(self) -> None:
        while self.queue:
            batch, self.queue = self.queue, []
            self.queue = self.committer.commit(batch)

    def renew(self) -> None:
        self.store.renew_lease(LEASE_HSM + self.name, self.epoch, 3, self.replica.revision)

    def settle(self) -> None:
        """Give the narrowing answers whose time has come."""
        self.narrowing._release(self.narrowing._slowest())

    def call(
        self,
        operation: Operation,
        body: dict[str, Any] | None = None,
        login: Login | None = None,
        *,
        request_id: bytes | None = None,
        digest: bytes = b"digest",
        peer: str = "192.0.2.1:40000",
        is_mutual: bool = False,
    ) -> Any:
        token = next(self.tokens)
        request = Request(
            token,
            int(operation),
            body or {},
            login_id=login.login_id if login else 0,
            username=login.username if login else "",
            role=login.role if login else 0,
            request_id=request_id or secrets.token_bytes(16),
            digest=digest,
            peer=peer,
            is_mutual=is_mutual,
        )
        self.dispatcher.dispatch(request)  # type: ignore[arg-type]
        if not self.hold:
            self.settle()
        return self.answer(token)

    def answer(self, token: int) -> Any:
        found = self.hsm.answers.get(token)
        return msgspec.msgpack.decode(found) if isinstance(found, bytes) else found

    def activate(self, password: str = "adminpassword") -> Any:  # noqa: S107 - a test
        return self.call(Operation.ACTIVATE, {"username": "admin", "password": Password(password)})

    def login(self, username: str, password: str, role: Role = Role.CRYPTO_USER, **options: Any) -> Any:
        body = {"username": username, "role": int(role), "password": Password(password), "client_key": b"k" * 32}
        answer = self.call(Operation.LOGIN, body, **options)
        if answer is None or isinstance(answer, Refused):
            return answer
        return Login(answer["login_id"], username.lower(), int(role))

    def admin(self) -> Login:
        return self.login("admin", "adminpassword", Role.ADMIN)  # type: ignore[no-any-return]

    def user(self, admin: Login, name: str = "alice", role: Role = Role.CRYPTO_USER) -> Login:
        created = self.call(
            Operation.USER_CREATE,
            {"username": name, "role": int(role), "password": Password(name + "-password")},
            admin,
        )
        assert created == {"username": name, "role": int(role)}
        return self.login(name, name + "-password", role)  # type: ignore[no-any-return]

    def entries(self) -> list[AuditEntry]:
        return [msgspec.msgpack.decode(entry.value, type=AuditEntry) for entry in self.store.scan(self.audit.name)]


class Clock:
    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


class Cluster:
    """A store and what its tests need."""

    Refused, Login, Password = Refused, Login, Password
    sign_token = staticmethod(sign_token)

    def __init__(self) -> None:
        self.clock = Clock()
        self.store = MemoryStore(monotonic=self.clock)
        self.members: list[Member] = []

    def member(self, name: str = "hsm-a", settings: Settings | None = None) -> Member:
        member = Member(name, self.store, self.clock, settings or Settings())
        if not self.members:
            joining = Joining(member.hsm, self.store, name, member.lease)
            assert joining.obtain_keys(member.replica, member.audit, print)
        member.replica.catch_up()
        member.renew()
        self.members.append(member)
        return member

    def put(self, key: str, value: bytes | None) -> None:
        """Write behind everybody's back."""
        self.store.transact(Transaction(writes=(Write(key, value),)))

    def keys(self, prefix: str) -> list[str]:
        return [record.key for record in self.store.list(prefix, prefix_end(prefix))]


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


@pytest.fixture
def hsm(cluster: Cluster) -> Member:
    return cluster.member()
