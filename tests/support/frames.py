"""Frames over real TLS, written by hand: for what the product's client would never send, and to one HSM alone.

The product's client learns every HSM of the cluster from any of them; a :class:`Peer` speaks to the one it was given.
"""

from __future__ import annotations

import os
import socket
import ssl
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from strongroom.vocabulary.mechanisms import Mechanism
from strongroom.vocabulary.operations import Operation
from strongroom.vocabulary.roles import Role

HEADER = struct.Struct(">IBBHQQQIIQ")
LENGTH_OF_HEADER = 48
REQUEST, RESPONSE, ERROR, CONTINUATION, NOTICE = 1, 2, 3, 4, 5
PATIENCE = 20.0


@dataclass
class Refused(Exception):
    """An error frame."""

    rv: int
    text: str


def frame(
    operation: int,
    body: bytes,
    *,
    number: int = 1,
    login: int = 0,
    kind: int = REQUEST,
    flags: int = 0,
    revision: int = 0,
) -> bytes:
    """One frame (crates/wire/src/frame.rs)."""
    return (
        HEADER.pack(LENGTH_OF_HEADER - 4 + len(body), kind, flags, operation, number, login, revision, 0, 0, 0) + body
    )


def context() -> ssl.SSLContext:
    """TLS 1.3 without a check of the server."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = ssl.TLSVersion.TLSv1_3
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    made.set_alpn_protocols(["strongroom/1"])
    return made


class Peer:
    """One connection to one HSM."""

    def __init__(self, address: str, port: int, *, source: str = "") -> None:
        raw = socket.create_connection((address, port), PATIENCE, (source, 0) if source else None)
        self.socket = context().wrap_socket(raw)
        self.login_id = 0
        self.seen_revision = 0
        """Of the HSM, at its last answer."""
        self.wanted_revision = 0
        """The HSM is to have applied it before it answers, as the product's client asks."""
        self._number = 0
        self._buffer = b""

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def begin(self, operation: Operation, body: Mapping[int, Any]) -> int:
        """Send a request and do not wait; gives its number."""
        self._number += 1
        self.send(
            frame(
                operation,
                msgspec.msgpack.encode(body),
                number=self._number,
                login=self.login_id,
                revision=self.wanted_revision,
            )
        )
        return self._number

    def has_answer(self) -> bool:
        """Whether a whole frame has been read that was not given out."""
        return len(self._buffer) >= 4 and len(self._buffer) >= 4 + int.from_bytes(self._buffer[:4])

    def answer(self) -> Any:
        """The next answer's body by member numbers; :class:`Refused` for an error, EOFError when the HSM closed."""
        while True:
            while not self.has_answer():
                data = self.socket.recv(65_536)
                if not data:
                    raise EOFError
                self._buffer += data
            end = 4 + int.from_bytes(self._buffer[:4])
            kind, body = self._buffer[4], self._buffer[LENGTH_OF_HEADER:end]
            self.seen_revision = max(self.seen_revision, int.from_bytes(self._buffer[24:32]))
            self._buffer = self._buffer[end:]
            if kind == NOTICE:
                continue
            members = msgspec.msgpack.decode(body, strict=False) if body else {}
            if kind == ERROR:
                raise Refused(members[1], members[2])
            return members

    def call(self, operation: Operation, body: Mapping[int, Any]) -> Any:
        self.begin(operation, body)
        return self.answer()

    def hello(self) -> Any:
        return self.call(Operation.HELLO, {1: 1, 2: 1, 3: "test", 5: 0})

    def login(self, username: str, password: str, role: Role = Role.CRYPTO_USER) -> Any:
        key = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
        answer = self.call(Operation.LOGIN, {1: username, 2: int(role), 3: password.encode(), 4: key})
        self.login_id = answer[1]
        return answer

    def sign(self, key: int, digest: bytes) -> bytes:
        return bytes(self.call(Operation.SIGN, sign_body(key, digest))[1])

    def closed(self) -> bool:
        """Whether the HSM ends the connection, instead of an answer."""
        try:
            self.answer()
        except (EOFError, ssl.SSLError, ConnectionError):
            return True
        except Refused:
            return False
        return False


def sign_body(key: int, digest: bytes) -> dict[int, Any]:
    return {1: key, 2: int(Mechanism.ECDSA), 4: digest}


def request_id() -> bytes:
    return os.urandom(16)
