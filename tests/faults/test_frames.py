"""Issue: truncated, oversized and random frames cost their connection; the HSM lives and goes on signing."""

from __future__ import annotations

import random
import socket
import ssl
import time
from collections.abc import Callable, Iterator

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from frames import CONTINUATION, HEADER, REQUEST, RESPONSE, Peer, frame, sign_body
from one_cluster import OneCluster, generate_p256

from strongroom.vocabulary.attributes import Attribute
from strongroom.vocabulary.operations import Operation

DIGEST = bytes(range(32))
HELLO = int(Operation.HELLO)
SIGN = int(Operation.SIGN)
OVERSIZED = 2 * 1024 * 1024


class Target:
    """An HSM process, a key of it, and a connection that signs all the time."""

    def __init__(self, cluster: OneCluster) -> None:
        self.cluster = cluster
        cluster.begin("hsm-1")
        alice = cluster.alice()
        public, self.key = generate_p256(alice)
        view = alice.call(int(Operation.ATTRIBUTES), {"references": [public]})["objects"][0]
        point = bytes(view["attributes"][int(Attribute.EC_POINT)])[2:]
        self.public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
        self.pid = cluster.processes["hsm-1"].pid
        status = cluster.status("hsm-1")
        assert status is not None
        self.address = (status.address, status.port)
        self.steady = self.logged_in()

    def peer(self) -> Peer:
        return Peer(*self.address)

    def greeted(self) -> Peer:
        peer = self.peer()
        peer.hello()
        return peer

    def logged_in(self) -> Peer:
        peer = self.greeted()
        peer.login("alice", "alice-password")
        return peer

    def still_signs(self) -> None:
        """The same process, over a connection that was there before and over a new one."""
        assert self.cluster.processes["hsm-1"].poll() is None
        with self.logged_in() as fresh:
            for peer in (self.steady, fresh):
                signature = peer.sign(self.key, DIGEST)
                encoded = utils.encode_dss_signature(int.from_bytes(signature[:32]), int.from_bytes(signature[32:]))
                self.public.verify(encoded, DIGEST, ec.ECDSA(utils.Prehashed(hashes.SHA256())))
        status = self.cluster.status("hsm-1")
        assert status is not None
        assert (status.pid, status.health, status.reboot_counter) == (self.pid, "ACTIVE", 0)
        assert "panicked" not in self.cluster.log("hsm-1")


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    cluster = OneCluster(tmp_path_factory.mktemp("frames"))
    try:
        made = Target(cluster)
        yield made
        made.steady.close()
    finally:
        cluster.close()


def header(length: int, *, kind: int = REQUEST, operation: int = SIGN, number: int = 1, flags: int = 0) -> bytes:
    """A header that says so of the rest."""
    return HEADER.pack(length, kind, flags, operation, number, 0, 0, 0, 0, 0)


NO_FRAMES: dict[str, bytes] = {
    "a length of nothing": header(0),
    "a length below the header": header(43),
    "a length above a chunk": header(44 + 16 * 1024 + 1),
    "the greatest length": header(0xFFFFFFFF),
    "an unknown type": header(44, kind=99),
    "an answer from a client": header(44, kind=RESPONSE),
    "a chunk of nothing": header(44, kind=CONTINUATION),
    "two beginnings of one body": frame(SIGN, b"\x80", flags=1) * 2,
    "plain HTTP": b"GET / HTTP/1.1\r\nHost: hsm\r\n\r\n" + bytes(64),
}


@pytest.mark.parametrize("data", NO_FRAMES.values(), ids=NO_FRAMES)
@pytest.mark.parametrize("stage", ["before hello", "after hello", "after login"])
def test_what_is_no_frame_ends_its_connection(target: Target, stage: str, data: bytes):
    made = {"before hello": target.peer, "after hello": target.greeted, "after login": target.logged_in}
    with made[stage]() as peer:
        peer.send(data)
        assert peer.closed()
    target.still_signs()


def test_a_body_over_the_limit_ends_its_connection(target: Target):
    chunk = bytes(16 * 1024)
    with target.logged_in() as peer:
        try:
            peer.send(frame(SIGN, chunk, login=peer.login_id, flags=1))
            for _ in range(OVERSIZED // len(chunk)):
                peer.send(frame(SIGN, chunk, login=peer.login_id, kind=CONTINUATION, flags=1))
        except OSError:
            pass  # it was closed before the end
        assert peer.closed()
    target.still_signs()


def test_a_long_body_without_a_login_ends_its_connection(target: Target):
    chunk = bytes(16 * 1024)
    with target.greeted() as peer:
        try:
            peer.send(frame(SIGN, chunk, flags=1))
            for _ in range(OVERSIZED // len(chunk)):
                peer.send(frame(SIGN, chunk, kind=CONTINUATION, flags=1))
        except OSError:
            pass  # it was closed before the end
        assert peer.closed()
    target.still_signs()


def test_frames_that_are_cut_anywhere_leave_nothing_behind(target: Target):
    whole = frame(HELLO, b"\x84\x01\x01\x02\x01\x03\xa4test\x05\x00")
    for length in range(len(whole)):
        with target.peer() as peer:
            peer.send(whole[:length])
    with target.logged_in() as peer:
        peer.begin(Operation.SIGN, sign_body(target.key, DIGEST))
    target.still_signs()


def test_random_bytes_as_frames_bodies_and_before_tls_leave_the_hsm_alone(target: Target):
    noise = random.Random(20_062)  # noqa: S311 - the same bytes in every run

    def random_frames(peer: Peer) -> None:
        peer.send(noise.randbytes(noise.randrange(1, 4_000)))

    def random_bodies(peer: Peer) -> None:
        for number in range(2, 20):
            operation = noise.choice([*map(int, Operation), noise.randrange(0x10000)])
            body = noise.randbytes(noise.randrange(0, 200))
            peer.send(frame(operation, body, number=number, login=peer.login_id))

    def edited_frame(peer: Peer) -> None:
        data = bytearray(frame(SIGN, b"\x83\x01\x01\x02\x01\x04\xc4\x00", number=77, login=peer.login_id))
        data[noise.randrange(len(data))] = noise.randrange(256)
        peer.send(bytes(data))

    makers: list[Callable[[Peer], None]] = [random_frames, random_bodies, edited_frame]
    for turn in range(60):
        with noise.choice([target.peer, target.greeted, target.logged_in])() as peer:
            try:
                makers[turn % 3](peer)
                peer.socket.settimeout(0.02)
                peer.socket.recv(65_536)
            except (OSError, ssl.SSLError):
                pass  # closed, or waiting for more: both are fine
    for _ in range(40):
        with socket.create_connection(target.address, 20) as raw:
            raw.sendall(noise.randbytes(noise.randrange(1, 3_000)))
    target.still_signs()


@pytest.mark.parametrize(
    "data",
    [b"GET / HTTP/1.0\r\n\r\n", b"SSH-2.0-OpenSSH_9.2\r\n", bytes(500), frame(HELLO, b"\x80"), b"\x16\x03\x01\xff\xff"],
    ids=["HTTP", "SSH", "zeroes", "a frame without TLS", "a record too long"],
)
def test_a_peer_that_speaks_no_tls_is_closed(target: Target, data: bytes):
    with socket.create_connection(target.address, 20) as raw:
        raw.settimeout(20)
        raw.sendall(data)
        started = time.monotonic()
        try:
            while raw.recv(65_536):
                pass
        except ConnectionError:
            pass
        assert time.monotonic() - started < 15
    target.still_signs()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2])
def test_older_tls_is_refused(target: Target, version: ssl.TLSVersion):
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname = False
    old.verify_mode = ssl.CERT_NONE
    old.maximum_version = version
    with socket.create_connection(target.address, 20) as raw, pytest.raises((ssl.SSLError, ConnectionError)):
        old.wrap_socket(raw)
    target.still_signs()
