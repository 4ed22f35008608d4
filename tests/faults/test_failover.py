"""Issue: kill -9 of one of two HSMs during a signing load costs no failed call, and it gets its share again."""

from __future__ import annotations

import os
import signal
import socket
import struct
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptoki import CKA_CLASS, CKA_EC_POINT, CKA_LABEL, CKO_PRIVATE_KEY, CryptokiError, Module
from installed import hsms, throw_away_cluster, until_active

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(180)]
THREADS = 8
STALL_SECONDS = 5.0
"""What the test insists on; the aim is half a second, which a busy machine may miss. The figure is printed."""
BYTES_ACKED = 120
"""Offset of tcpi_bytes_acked in Linux's struct tcp_info."""


@pytest.fixture
def two_hsms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mapping[str, str]]:
    with throw_away_cluster(tmp_path / "log", "--hsms", "2") as environment:
        monkeypatch.setenv("STRONGROOM_CONFIG", environment["STRONGROOM_CONFIG"])
        yield environment


class Load:
    """Threads that sign with one token key through the library until they are stopped."""

    def __init__(self, module: Module, label: str) -> None:
        self.calls: list[tuple[float, float]] = []
        self.signed: list[tuple[bytes, bytes]] = []
        self.failed: list[str] = []
        self._ending = threading.Event()
        sessions = [module.session() for _ in range(THREADS)]
        self._threads = [threading.Thread(target=self._sign, args=(each, label)) for each in sessions]
        for thread in self._threads:
            thread.start()

    def _sign(self, session, label: str) -> None:
        (key,) = session.find({CKA_CLASS: CKO_PRIVATE_KEY, CKA_LABEL: label.encode()})
        while not self._ending.is_set():
            digest = os.urandom(32)
            before = time.monotonic()
            try:
                signature = session.sign(key, digest)
            except CryptokiError as error:
                self.failed.append(str(error))
                continue
            self.calls.append((before, time.monotonic()))
            self.signed.append((digest, signature))

    def stop(self) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join()


def sent_to(address: str) -> int:
    """Bytes that this process has sent to an HSM over the connections it has now."""
    total = 0
    for descriptor in Path("/proc/self/fd").iterdir():
        try:
            if not str(descriptor.readlink()).startswith("socket:"):
                continue
            with socket.socket(fileno=os.dup(int(descriptor.name))) as connection:
                if connection.family == socket.AF_INET and connection.getpeername()[0] == address:
                    information = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
                    total += struct.unpack_from("Q", information, BYTES_ACKED)[0]
        except OSError:
            continue  # closed meanwhile, or not connected
    return total


def test_a_killed_hsm_costs_no_failed_call_and_gets_its_share_when_it_is_back(two_hsms, capsys):
    module = Module(two_hsms["STRONGROOM_PKCS11_MODULE"])
    try:
        login = module.session()
        login.login(two_hsms["CLOUDHSM_PIN"])
        public, _ = login.generate_p256("failover")
        point = login.attribute(public, CKA_EC_POINT)
        victim, other = hsms(two_hsms)
        load = Load(module, "failover")
        try:
            time.sleep(2)
            killed = time.monotonic()
            os.kill(victim["pid"], signal.SIGKILL)
            until_active(two_hsms, victim["HsmId"], victim["pid"])
            time.sleep(5)
            before = {hsm["HsmId"]: sent_to(hsm["EniIp"]) for hsm in (victim, other)}
            time.sleep(4)
            window = {hsm["HsmId"]: sent_to(hsm["EniIp"]) - before[hsm["HsmId"]] for hsm in (victim, other)}
        finally:
            load.stop()
    finally:
        module.finalize()
    before_kill = max(end - start for start, end in load.calls if end < killed)
    stall = max(end - start for start, end in load.calls if start < killed + 1 and end > killed)
    longest, at = max((end - start, start - killed) for start, end in load.calls if end > killed)
    share = window[victim["HsmId"]] / sum(window.values())
    with capsys.disabled():
        print(
            f"\n{len(load.calls)} signatures by {THREADS} threads, {len(load.failed)} failed; longest call"
            f" {before_kill * 1000:.0f} ms before the kill, {stall * 1000:.0f} ms at it, {longest * 1000:.0f} ms in all"
            f" ({at:.1f} s after it); {share:.0%} of the calls for the HSM that came back"
        )
    assert not load.failed
    assert longest <= STALL_SECONDS
    assert share >= 0.3
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point[2:])
    for digest, signature in load.signed[:: max(1, len(load.signed) // 200)]:
        encoded = utils.encode_dss_signature(int.from_bytes(signature[:32]), int.from_bytes(signature[32:]))
        key.verify(encoded, digest, ec.ECDSA(utils.Prehashed(hashes.SHA256())))
