"""A program that is a crowd of bad peers: ``hostile.py KIND ADDRESS PORT NUMBER``.

It says ``ready N`` once N connections are made, goes on until its input ends, and runs at low priority: the machines of
bad peers are not the server's. Kinds: ``idle`` connects and says nothing; ``greeted`` says HELLO over TLS and nothing
more; ``slow-tls`` and ``slow-http`` send one byte a second of something that is right so far; ``garbage`` sends random
bytes, again and again; ``handshakes`` makes TLS connections as fast as it can and drops them; ``logins`` fails to log
in over each connection as fast as it can, from three addresses and with known and unknown names, and says how many were
refused.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import resource
import select
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BEGINNINGS = {
    "slow-http": b"POST / HTTP/1.1\r\nhost: strongroom\r\nx-filler: ",
    "slow-tls": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
}


def _connect(address: tuple[str, int]) -> socket.socket:
    made = socket.create_connection(address, 20)
    made.setblocking(False)
    return made


def _tls(address: tuple[str, int]) -> ssl.SSLSocket:
    from frames import context

    return context().wrap_socket(socket.create_connection(address, 20))


def _greeted(address: tuple[str, int]) -> socket.socket:
    from frames import Peer

    peer = Peer(*address)
    peer.hello()
    return peer.socket


def _is_over(seconds: float) -> bool:
    """Whether the input ended; waits so long for that."""
    return bool(select.select([sys.stdin], [], [], seconds)[0])


def _slow(peers: list[socket.socket], begin: bytes) -> None:
    sent = 0
    while not _is_over(1.0):
        byte = begin[sent : sent + 1] or b"a"
        sent += 1
        for peer in peers:
            with contextlib.suppress(OSError):
                peer.send(byte)


def _garbage(address: tuple[str, int]) -> None:
    noise = random.Random(20_065)  # noqa: S311 - the same bytes in every run
    while not _is_over(0):
        with contextlib.suppress(OSError), socket.create_connection(address, 20) as peer:
            peer.sendall(noise.randbytes(noise.randrange(1, 100_000)))


def _handshakes(address: tuple[str, int]) -> None:
    while not _is_over(0):
        with contextlib.suppress(OSError):
            _tls(address).close()


def _logins(address: tuple[str, int], number: int) -> None:
    """Keep many wrong logins on their way over each connection."""
    from frames import Peer

    from strongroom.vocabulary.operations import Operation
    from strongroom.vocabulary.roles import Role

    peers = [Peer(*address, source=f"127.0.0.{2 + place % 3}") for place in range(number)]
    names = itertools.cycle([("admin", Role.ADMIN), ("mallory", Role.CRYPTO_USER), ("nobody", Role.CRYPTO_USER)])
    for peer in peers:
        peer.hello()
    print(f"ready {number}", flush=True)
    refused = 0
    begun = [0] * number
    while not _is_over(0):
        for place, peer in enumerate(peers):
            while begun[place] < 100:
                name, role = next(names)
                peer.begin(Operation.LOGIN, {1: name, 2: int(role), 3: b"wrong password", 4: bytes(32)})
                begun[place] += 1
        readable, _, _ = select.select([peer.socket for peer in peers], [], [], 0.1)
        for place, peer in enumerate(peers):
            while peer.socket in readable and begun[place] and (begun[place] > 50 or peer.has_answer()):
                refused += _is_refused(peer)
                begun[place] -= 1
    print(f"refused {refused}", flush=True)


def _is_refused(peer: Any) -> bool:
    from frames import Refused

    try:
        peer.answer()
    except Refused:
        return True
    return False


def main(kind: str, host: str, port: str, number: str) -> None:
    os.nice(15)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    address = (host, int(port))
    if kind == "logins":
        _logins(address, int(number))
        return
    connects = kind not in {"garbage", "handshakes"}
    connect = _greeted if kind == "greeted" else _connect
    peers = [connect(address) for _ in range(min(int(number), hard - 100) if connects else 0)]
    print(f"ready {len(peers)}", flush=True)
    if kind in BEGINNINGS:
        _slow(peers, BEGINNINGS[kind])
    elif kind == "garbage":
        _garbage(address)
    elif kind == "handshakes":
        _handshakes(address)
    else:
        _is_over(3600)


@dataclass
class Crowd:
    """Bad peers at work."""

    connected: int
    last_word: str = ""
    """What the program said at its end."""


@contextlib.contextmanager
def crowd(kind: str, address: tuple[str, int], number: int) -> Iterator[Crowd]:
    """Run the program for the length of the block."""
    command = [sys.executable, __file__, kind, address[0], str(address[1]), str(number)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(str(path) for path in _paths())}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as program:
        assert program.stdin is not None
        assert program.stdout is not None
        try:
            word, _, count = program.stdout.readline().partition(b" ")
            assert word == b"ready", f"{kind} could not connect"
            made = Crowd(int(count))
            yield made
        finally:
            program.stdin.close()
        made.last_word = program.stdout.read().decode()


def _paths() -> list[Path]:
    here = Path(__file__).resolve().parent
    return [here, here.parents[1] / "src"]


if __name__ == "__main__":
    main(*sys.argv[1:])
