"""Forwarding to real files and to a real TLS receiver that stalls, drops what it got, and returns."""

from __future__ import annotations

import contextlib
import hashlib
import ipaddress
import json
import re
import socket
import ssl
import struct
import threading
import time
from collections import Counter

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from self_signed import NAME, builder

from strongroom.forwarding import rotated_file
from strongroom.forwarding.events import Event
from strongroom.forwarding.forwarder import Forwarder, Forwarding, position
from strongroom.forwarding.rotated_file import RotatedFile
from strongroom.forwarding.sources import BATCH_BYTES, Sources
from strongroom.forwarding.syslog_tls import SyslogOverTls
from strongroom.forwarding.targets import DeliveryFailed, FileTarget, SyslogTarget
from strongroom.services.cloudtrail.event import own_event
from strongroom.services.cloudtrail.recorder import TrailRecorder
from strongroom.storage.interface import Append, LogEntry, StoreError, Transaction, Write
from strongroom.storage.memory import MemoryStore
from strongroom.storage.sqlite import SqliteStore
from strongroom.vocabulary.records import (
    ArchivedCluster,
    AuditEntry,
    AuditIdentity,
    Checkpoint,
    ClusterOwner,
    ControlCluster,
    TrailEntry,
    TrailEvent,
)

ACCOUNT, CLUSTER, HSM = "111122223333", "cluster-aaaaaaaaaaa", "hsm-bbbbbbbbbbb"
SYSLOG = re.compile(
    r"<110>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z \S+ strongroom"
    r" - (hsm-audit|hsm-checkpoint|cloudtrail) - \ufeff(.*)",
    re.DOTALL,
)


def until(condition, seconds=20.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.01)


class Installation:
    """The stores of an installation with a cluster whose HSM writes a log."""

    def __init__(self, directory) -> None:
        self.control, self.cluster = MemoryStore(), MemoryStore()
        self.logs = SqliteStore(directory / "logs.db")
        self.recorder = TrailRecorder(
            control=self.control, clusters=self, logs=self.logs, region="us-east-1", operator_account=ACCOUNT
        )
        self.recorder._stopped = False  # So that events wait for one flush.
        self.sources = Sources(self.control, self.logs, self)
        cluster = ControlCluster(
            CLUSTER, ACCOUNT, "hsm2m.medium", "FIPS", "IPV4", 0.0, {}, "sg", "vpc", "DAYS", "90", "UNINITIALIZED"
        )
        key = f"account/{ACCOUNT}/cluster/{CLUSTER}"
        self.control.transact(
            Transaction(
                writes=(
                    Write(key, msgspec.msgpack.encode(cluster)),
                    Write(f"cluster/{CLUSTER}", msgspec.msgpack.encode(ClusterOwner(ACCOUNT))),
                )
            )
        )
        identity = AuditIdentity(HSM, CLUSTER, "SR0000", 0.0, [])
        self.cluster.transact(Transaction(writes=(Write(f"identity/{HSM}", msgspec.msgpack.encode(identity)),)))
        self.hsm_entries = 0

    def open(self, _cluster_id):
        return self.cluster

    def hsm_writes(self, count=1) -> None:
        for _ in range(count):
            entry = AuditEntry(
                HSM,
                1,
                self.hsm_entries,
                1_800_000_000_000_000,
                "login",
                "CN_LOGIN",
                0xD,
                1,
                0,
                "SUCCESS",
                b"",
                "app",
                1,
            )
            self._append(f"audit/{HSM}", self.hsm_entries, entry)
            self.hsm_entries += 1

    def hsm_signs(self) -> None:
        checkpoint = Checkpoint(CLUSTER, HSM, 1, self.hsm_entries - 1, b"hash", 1_800_000_000_000_000, b"signature")
        self._append(f"checkpoint/{HSM}", 0, checkpoint)

    def _append(self, log, sequence, entry) -> None:
        appended = LogEntry(sequence, 1_800_000_000_000_000, msgspec.msgpack.encode(entry))
        self.cluster.transact(Transaction(appends=(Append(log, appended),)))

    def called(self, count=1) -> None:
        for _ in range(count):
            event = own_event("Test", "us-east-1", ACCOUNT, time.time(), source_ip=None, details={}, text="")
            self.recorder._keep(event)
        self.recorder.flush()

    def close(self) -> None:
        self.logs.close()


@pytest.fixture
def installation(tmp_path):
    made = Installation(tmp_path)
    yield made
    made.close()


def for_loopback(key) -> x509.Certificate:
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    return builder(NAME, key.public_key()).add_extension(names, critical=False).sign(key, hashes.SHA256())


class Receiver:
    """A syslog server with TLS; it can take, stall (read nothing), drop (cut connections), be rude (no goodbye)."""

    def __init__(self, directory) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = for_loopback(key)
        self.certificate = directory / "receiver.crt"
        self.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        private = directory / "receiver.key"
        private.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(self.certificate, private)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.behaviour = "take"
        self.connections = 0
        self.taken: list[dict] = []
        self.dropped: list[dict] = []
        self._held: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            with contextlib.suppress(OSError):
                self._handle(connection)

    def _handle(self, connection) -> None:
        if self.behaviour == "stall":
            self._held.append(connection)
            return
        with self._context.wrap_socket(connection, server_side=True) as tls:
            if self.behaviour == "drop":
                self.dropped += parse(tls.recv(1_000))
                tls.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return
            content = b""
            while part := tls.recv(65536):
                content += part
            self.taken += parse(content)
            if self.behaviour != "rude":
                tls.unwrap()

    def target(self, **more) -> SyslogTarget:
        return SyslogTarget(name="siem", host="127.0.0.1", port=self.port, ca_file=str(self.certificate), **more)

    def close(self) -> None:
        self._listener.close()
        for connection in self._held:
            connection.close()


def parse(content: bytes) -> list[dict]:
    """The whole messages of a stream with octet counting, each a syslog message of RFC 5424."""
    found = []
    while match := re.match(rb"(\d+) ", content):
        start, length = match.end(), int(match[1])
        if len(content) < start + length:
            break
        whole = SYSLOG.fullmatch(content[start : start + length].decode())
        assert whole, content
        event = json.loads(whole[2])
        assert event["kind"] == whole[1]
        found.append(event)
        content = content[start + length :]
    return found


@pytest.fixture
def receiver(tmp_path):
    made = Receiver(tmp_path)
    yield made
    made.close()


@pytest.fixture
def forward(installation):
    """``forward(target)`` starts a forwarder that looks often and waits for nobody long."""
    started = []

    def start(target) -> Forwarder:
        def make_sender(wanted):
            return (
                SyslogOverTls(wanted, timeout_seconds=0.5) if isinstance(wanted, SyslogTarget) else RotatedFile(wanted)
            )

        forwarder = Forwarder(
            target,
            installation.sources,
            installation.logs,
            look_seconds=0.02,
            longest_pause_seconds=0.1,
            make_sender=make_sender,
        )
        forwarder.start()
        started.append(forwarder)
        return forwarder

    yield start
    for forwarder in started:
        forwarder.stop()


def sequences(events, log):
    return [event["sequence"] for event in events if event["log"] == log]


def whole_and_in_order(events, log, count) -> bool:
    """Whether nothing is left out, and what is repeated is repeated from an earlier event on."""
    highest = -1
    for sequence in sequences(events, log):
        assert sequence <= highest + 1, f"{sequence} follows {highest}"
        highest = max(highest, sequence)
    return highest == count - 1


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_a_receiver_that_stalls_drops_and_returns_gets_everything_in_order(installation, receiver, forward):
    installation.called(10)
    installation.hsm_writes(5)
    forward(receiver.target())
    until(lambda: position(installation.logs, "siem").sent == 15)

    receiver.behaviour = "stall"
    installation.called(700)
    installation.hsm_writes(600)
    until(lambda: "did not take" in position(installation.logs, "siem").problem)
    seen = receiver.connections
    began = time.monotonic()
    installation.called(50)
    installation.hsm_writes(50)
    assert time.monotonic() - began < 2
    until(lambda: receiver.connections > seen)

    receiver.behaviour = "drop"
    until(lambda: len(receiver.dropped) > 2)
    assert position(installation.logs, "siem").sent == 15

    receiver.behaviour = "take"
    installation.hsm_signs()
    until(lambda: position(installation.logs, "siem").sent == 760 + 655 + 1)
    assert whole_and_in_order(receiver.taken, "trail", 760)
    assert whole_and_in_order(receiver.taken, f"audit/{HSM}", 655)
    assert whole_and_in_order(receiver.taken, f"checkpoint/{HSM}", 1)
    assert position(installation.logs, "siem").problem == ""


def test_a_receiver_that_ends_without_a_word_has_confirmed_nothing(installation, receiver, forward):
    installation.called(2)
    receiver.behaviour = "rude"
    forward(receiver.target())
    until(lambda: "without the close_notify" in position(installation.logs, "siem").problem)
    assert position(installation.logs, "siem").sent == 0


def test_confirmation_can_be_done_without(installation, receiver, forward):
    installation.called(2)
    receiver.behaviour = "rude"
    forward(receiver.target(confirmed=False))
    until(lambda: position(installation.logs, "siem").sent == 2)
    until(lambda: whole_and_in_order(receiver.taken, "trail", 2))


def test_after_a_restart_it_goes_on_where_the_receiver_is(installation, receiver, forward):
    installation.called(3)
    first = forward(receiver.target())
    until(lambda: position(installation.logs, "siem").sent == 3)
    first.stop()
    installation.called(2)
    forward(receiver.target())
    until(lambda: position(installation.logs, "siem").sent == 5)
    assert whole_and_in_order(receiver.taken, "trail", 5)


def test_what_is_written_before_a_stop_is_sent(installation, receiver, forward):
    forwarder = forward(receiver.target())
    installation.called(4)
    forwarder.stop()
    assert whole_and_in_order(receiver.taken, "trail", 4)


def test_only_what_is_asked_for_is_sent(installation, receiver, forward):
    installation.called(2)
    installation.hsm_writes(2)
    forward(receiver.target(contents=("hsm",)))
    until(lambda: position(installation.logs, "siem").sent == 2)
    assert {event["kind"] for event in receiver.taken} == {"hsm-audit"}
    assert receiver.taken[0]["message"].splitlines()[4] == "Opcode : CN_LOGIN (0xd)"


def test_a_receiver_that_is_not_trusted_gets_nothing(installation, receiver, forward, tmp_path):
    other = tmp_path / "other.crt"
    other.write_bytes(for_loopback(ec.generate_private_key(ec.SECP256R1())).public_bytes(serialization.Encoding.PEM))
    installation.called()
    forward(msgspec.structs.replace(receiver.target(), ca_file=str(other)))
    until(lambda: "is not trusted" in position(installation.logs, "siem").problem)
    assert receiver.taken == []


def test_a_damaged_cluster_does_not_hold_up_the_others(installation, receiver, forward, monkeypatch):
    installation.called(2)

    def damaged(*_):
        raise StoreError("the store is damaged")

    monkeypatch.setattr(installation.cluster, "list", damaged)
    forward(receiver.target())
    until(lambda: position(installation.logs, "siem").problem == f"{CLUSTER}: the store is damaged")
    assert whole_and_in_order(receiver.taken, "trail", 2)


def test_a_log_that_cannot_be_read_does_not_hold_up_those_after_it(installation, receiver, forward, monkeypatch):
    installation.hsm_writes(2)
    installation.hsm_signs()
    scan = installation.cluster.scan

    def damaged(log, **limits):
        if log == f"audit/{HSM}":
            raise StoreError("the store is damaged")
        return scan(log, **limits)

    with monkeypatch.context() as patch:
        patch.setattr(installation.cluster, "scan", damaged)
        forward(receiver.target())
        until(lambda: whole_and_in_order(receiver.taken, f"checkpoint/{HSM}", 1))
        until(lambda: position(installation.logs, "siem").problem == f"audit/{HSM}: the store is damaged")
        installation.called(2)
        until(lambda: whole_and_in_order(receiver.taken, "trail", 2))
        assert position(installation.logs, "siem").problem == f"audit/{HSM}: the store is damaged"
    until(lambda: whole_and_in_order(receiver.taken, f"audit/{HSM}", 2))
    until(lambda: position(installation.logs, "siem").problem == "")


def test_an_entry_that_somebody_spoilt_is_told_and_those_after_it_are_sent(installation, forward, tmp_path):
    path = tmp_path / "audit.jsonl"
    installation.hsm_writes()
    spoilt = LogEntry(1, 1 << 62, b"no entry")
    installation.cluster.transact(Transaction(appends=(Append(f"audit/{HSM}", spoilt),)))
    installation.hsm_entries = 2
    installation.hsm_writes()
    forward(FileTarget(name="local", path=str(path)))
    until(lambda: position(installation.logs, "local").sent == 3)
    found = lines(path)
    assert [event["kind"] for event in found] == ["hsm-audit", "unreadable", "hsm-audit"]
    assert found[1]["problem"].startswith("the entry cannot be read: ")
    assert found[1]["sha256"] == hashlib.sha256(b"no entry").hexdigest()


def test_a_batch_has_a_bound_in_bytes(installation):
    text = "x" * 300_000
    for number in range(40):
        event = TrailEvent(str(number), 0, ACCOUNT, json.dumps({"text": text}))
        value = msgspec.msgpack.encode(TrailEntry(number, b"", event))
        installation.logs.transact(Transaction(appends=(Append("trail", LogEntry(number, 0, value)),)))
    (source,) = installation.sources.all(("trail",), [])
    found, sizes = [], []
    while events := source.after(found[-1] if found else -1):
        found += [event.sequence for event in events]
        sizes.append(sum(len(event.text) for event in events))
    assert found == list(range(40))
    assert max(sizes) <= BATCH_BYTES
    assert len(sizes) == 4


class Sometimes:
    """A sender that fails in ways that nobody thought of, and then takes what there is."""

    def __init__(self) -> None:
        self.failures = 3
        self.closed = 0
        self.taken: list[int] = []

    def send(self, events):
        if self.failures:
            self.failures -= 1
            raise ZeroDivisionError("nobody thought of it")
        self.taken += [event.sequence for event in events]

    def close(self):
        self.closed += 1
        raise ZeroDivisionError("nor of this")


@pytest.fixture
def sometimes(installation):
    sender = Sometimes()
    target = FileTarget(name="local", path="unused")
    pauses = {"look_seconds": 0.02, "longest_pause_seconds": 0.05}
    forwarder = Forwarder(target, installation.sources, installation.logs, make_sender=lambda _: sender, **pauses)
    forwarder.start()
    yield sender
    forwarder.stop()


def test_a_forwarder_outlives_what_nobody_thought_of(installation, sometimes):
    installation.called(2)
    until(lambda: sometimes.taken == [0, 1])
    assert sometimes.closed == 3
    until(lambda: position(installation.logs, "local").problem == "")


@pytest.mark.parametrize("value", [b"no position", b"\x81\xa7problem\xa1\xff"], ids=["no record", "no text"])
def test_a_position_that_somebody_spoilt_is_the_beginning(installation, sometimes, value):
    installation.logs.transact(Transaction(writes=(Write("forward/local", value),)))
    sometimes.failures = 0
    installation.called(2)
    until(lambda: sometimes.taken == [0, 1])


def test_targets_are_followed_after_whatever_failed(installation, tmp_path):
    path = tmp_path / "first"
    failures = [ZeroDivisionError("nobody thought of it")] * 2

    def targets():
        if failures:
            raise failures.pop()
        return [FileTarget(name="first", path=str(path))]

    forwarding = Forwarding(installation.sources, installation.logs, targets, look_seconds=0.02)
    forwarding.start()
    installation.called(1)
    until(lambda: len(lines(path)) == 1)
    forwarding.stop()


def test_logs_of_deleted_clusters_are_read_until_they_are_sent_and_no_more(installation, tmp_path, monkeypatch):
    for number in range(20):
        hsm = f"hsm-{number}"
        archived = ArchivedCluster(f"cluster-{number}", f"{number:012}", 0.0, 0.0, [hsm])
        entry = LogEntry(0, 0, msgspec.msgpack.encode(AuditEntry(hsm, 1, 0, 0, "", "", 0, 0, 0, "", b"")))
        installation.logs.transact(
            Transaction(
                writes=(Write(f"archive/cluster-{number}", msgspec.msgpack.encode(archived)),),
                appends=(Append(f"audit/{hsm}", entry),),
            )
        )
    target = FileTarget(name="local", path=str(tmp_path / "audit.jsonl"))
    forwarder = Forwarder(target, installation.sources, installation.logs)
    forwarder._send_all(None)
    assert len(lines(tmp_path / "audit.jsonl")) == 20
    reads = Counter()

    def counted(name, function):
        def call(*arguments, **more):
            reads[name] += 1
            return function(*arguments, **more)

        return call

    for name in ("get", "list", "scan"):
        monkeypatch.setattr(installation.logs, name, counted(name, getattr(installation.logs, name)))
    forwarder._send_all(None)
    assert reads == {"list": 1, "scan": 1}


@pytest.mark.parametrize("option", ["ca_file", "certificate", "key"])
def test_a_local_file_that_is_missing_is_named(installation, receiver, forward, option):
    installation.called()
    own = dict.fromkeys(("certificate", "key"), str(receiver.certificate)) if option != "ca_file" else {}
    forward(msgspec.structs.replace(receiver.target(), **(own | {option: "/nowhere/file.pem"})))
    told = f"the file /nowhere/file.pem (--{option.replace('_', '-')}) cannot be read: No such file or directory"
    until(lambda: position(installation.logs, "siem").problem == told)


def test_a_local_file_that_holds_no_certificate_is_named(receiver, tmp_path):
    other = tmp_path / "other.pem"
    other.write_text("no certificate")
    event = Event("trail", 0, 0, "cloudtrail", "{}")
    with pytest.raises(DeliveryFailed, match=rf"{other} \(--ca-file\) holds no certificates"):
        SyslogOverTls(msgspec.structs.replace(receiver.target(), ca_file=str(other))).send([event])
    with pytest.raises(DeliveryFailed, match=rf"{other} \(--certificate\) and {other} \(--key\) cannot be used"):
        SyslogOverTls(receiver.target(certificate=str(other))).send([event])


def test_a_file_is_rotated_and_holds_every_event(installation, forward, tmp_path):
    path = tmp_path / "audit.jsonl"
    installation.called(1_500)
    forward(FileTarget(name="local", path=str(path), max_bytes=300_000, keep=9))
    until(lambda: position(installation.logs, "local").sent == 1_500)
    installation.called(700)
    until(lambda: position(installation.logs, "local").sent == 2_200)
    files = [path.with_name(f"audit.jsonl.{number}") for number in range(9, 0, -1)] + [path]
    found = [event for file in files for event in lines(file)]
    assert sequences(found, "trail") == list(range(2_200))
    assert path.with_name("audit.jsonl.1").exists()
    assert path.stat().st_mode & 0o777 == 0o600
    assert found[7]["record"]["eventName"] == "Test"


def test_the_oldest_rotated_file_goes(installation, tmp_path):
    path = tmp_path / "audit.jsonl"
    file = RotatedFile(FileTarget(name="local", path=str(path), max_bytes=1, keep=2))
    installation.called(4)
    (source,) = installation.sources.all(("trail",), [])
    for event in source.after(-1):
        file.send([event])
    assert [sequences(lines(name), "trail") for name in (path, tmp_path / "audit.jsonl.1")] == [[3], [2]]
    assert sorted(name.name for name in tmp_path.glob("audit*")) == ["audit.jsonl", "audit.jsonl.1", "audit.jsonl.2"]


def test_half_a_line_does_not_stay_in_a_file(installation, tmp_path, monkeypatch):
    path = tmp_path / "audit.jsonl"
    file = RotatedFile(FileTarget(name="local", path=str(path)))
    installation.called(2)
    (source,) = installation.sources.all(("trail",), [])
    first, second = source.after(-1)
    file.send([first])

    def full(descriptor, content):
        rotated_file.os.write(descriptor, content[:10])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(rotated_file, "_write_all", full)
        with pytest.raises(DeliveryFailed, match="No space left"):
            file.send([second])
    file.send([second])
    assert sequences(lines(path), "trail") == [0, 1]


@pytest.mark.parametrize("cut", [1, 5, 40])
def test_what_a_kill_left_of_a_line_is_cut(installation, tmp_path, cut):
    path = tmp_path / "audit.jsonl"
    target = FileTarget(name="local", path=str(path))
    installation.called(2)
    (source,) = installation.sources.all(("trail",), [])
    first, second = source.after(-1)
    RotatedFile(target).send([first])
    with path.open("a") as file:
        file.write(second.text[:cut])
    RotatedFile(target).send([second])
    assert sequences(lines(path), "trail") == [0, 1]
    path.write_text(second.text[:cut])
    RotatedFile(msgspec.structs.replace(target, max_bytes=1)).send([second])
    assert sequences(lines(path), "trail") == [1]
    assert not path.with_name("audit.jsonl.1").exists()


def test_half_a_line_that_is_not_ours_stays_and_is_ended(installation, tmp_path):
    path = tmp_path / "audit.jsonl"
    path.write_text("whole\nhalf")
    installation.called(1)
    (source,) = installation.sources.all(("trail",), [])
    (event,) = source.after(-1)
    RotatedFile(FileTarget(name="local", path=str(path))).send([event])
    assert path.read_text() == f"whole\nhalf\n{event.text}\n"


def test_targets_are_added_and_removed_while_it_runs(installation, tmp_path):
    targets: list = []
    forwarding = Forwarding(installation.sources, installation.logs, lambda: targets, look_seconds=0.02)
    forwarding.start()
    installation.called(1)
    first, second = tmp_path / "first", tmp_path / "second"
    targets.append(FileTarget(name="first", path=str(first)))
    until(lambda: len(lines(first)) == 1)
    targets[:] = [FileTarget(name="second", path=str(second))]
    until(lambda: len(lines(second)) == 1)
    installation.called(1)
    until(lambda: len(lines(second)) == 2)
    forwarding.stop()
    assert len(lines(first)) == 1
