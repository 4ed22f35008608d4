"""A cluster as the service and the fleet would leave it, with real HSM processes: for tests of the brain.

The test plays the service (membership, certificates) and the fleet (start, kill); the HSMs are the product's.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import secrets
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from strongroom import _native
from strongroom.storage import open_store
from strongroom.storage.interface import Store, Transaction, Write, prefix_end
from strongroom.vocabulary.attributes import Attribute
from strongroom.vocabulary.mechanisms import Mechanism
from strongroom.vocabulary.operations import Operation
from strongroom.vocabulary.records import (
    CLUSTER,
    DESIRED_HSM,
    DESIRED_INITIALIZE,
    LOG_AUDIT,
    STATUS_CLUSTER,
    STATUS_HSM,
    AuditEntry,
    ClusterRecord,
    ClusterStatus,
    HsmStatus,
    InitializeRecord,
    MembershipRecord,
)
from strongroom.vocabulary.roles import Role

SOURCE = Path(__file__).resolve().parents[2] / "src"
P256 = bytes.fromhex("06082a8648ce3d030107")
ADMIN_PASSWORD = "admin-password"
PATIENCE = 20.0


class CustomerAuthority:
    """The CA of the customer, which signs the cluster's request."""

    def __init__(self, name: str = "Customer CA") -> None:
        self.key = rsa.generate_private_key(65537, 2048)
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.certificate = self._sign(self.name, self.key.public_key(), authority=True)

    def sign(self, request_pem: str) -> str:
        request = x509.load_pem_x509_csr(request_pem.encode())
        certificate = self._sign(request.subject, request.public_key(), authority=False)  # type: ignore[arg-type]
        return certificate.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    def _sign(self, subject: x509.Name, key: rsa.RSAPublicKey, *, authority: bool) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=2))
        )
        if authority:
            builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        return builder.sign(self.key, hashes.SHA256())


def _every_thread_stands(pid: int) -> bool:
    try:
        states = [path.read_text().rpartition(") ")[2][0] for path in Path(f"/proc/{pid}/task").glob("*/stat")]
    except (FileNotFoundError, ProcessLookupError):  # one has just ended
        return False
    return set(states) == {"T"}


class OneCluster:
    """A cluster in a directory. :meth:`close` ends every process of it."""

    def __init__(self, directory: Path, mode: str = "NON_FIPS") -> None:
        self.directory = directory
        self.cluster_id = "cluster-" + "".join(secrets.choice("abcdefghijklmnop234567") for _ in range(11))
        self.root_key = directory / "root.key"
        self.root_key.write_bytes(os.urandom(32))
        self.installation = directory / "installation"
        self.installation.write_bytes(_native.Installation.create(os.open(self.root_key, os.O_RDONLY)))
        self.store_path = directory / "cluster.db"
        self.store: Store = open_store(f"sqlite:{self.store_path}")
        record = ClusterRecord(self.cluster_id, "123456789012", mode, "hsm2m.medium", time.time())
        self.put(CLUSTER, msgspec.msgpack.encode(record))
        self.authority = CustomerAuthority()
        self.trust_anchor = directory / "customerCA.crt"
        self.trust_anchor.write_text(self.authority.pem)
        self.network = f"127.{100 + secrets.randbelow(150)}.{1 + secrets.randbelow(250)}"
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.clients: list[Any] = []
        self.client_options: dict[str, int] = {}
        self.store_is_closed = False
        self._listening: dict[str, tuple[str, int]] = {}
        self.eni_id = "eni-1"
        self.launcher: tuple[str, ...] = ()
        """What starts the HSMs' processes, if not the test itself."""

    # -- the service's part -------------------------------------------------------------------------------------------

    def put(self, key: str, value: bytes | None) -> None:
        self.store.transact(Transaction(writes=(Write(key, value),)))

    def approve(self, hsm_id: str, *, deleting: bool = False) -> None:
        number = 10 + int(hsm_id.rpartition("-")[2], 36)
        record = MembershipRecord(
            hsm_id=hsm_id,
            zone="us-east-1a",
            subnet_id="subnet-1",
            address=f"{self.network}.{number}",
            port=2223,
            created_at=time.time(),
            eni_id=self.eni_id,
            hsm_type="hsm2m.medium",
            deleting=deleting,
        )
        self.put(DESIRED_HSM + hsm_id, msgspec.msgpack.encode(record))

    def cluster_status(self) -> ClusterStatus:
        record = self.store.get(STATUS_CLUSTER)
        return msgspec.msgpack.decode(record.value, type=ClusterStatus) if record else ClusterStatus()

    def initialize(self, authority: CustomerAuthority | None = None) -> None:
        """Sign the cluster's request and give the certificate to the HSM."""
        signer = authority or self.authority
        self.until(lambda: self.cluster_status().certificates.get("ClusterCsr"))
        record = InitializeRecord(signer.sign(self.cluster_status().certificates["ClusterCsr"]), signer.pem)
        self.put(DESIRED_INITIALIZE, msgspec.msgpack.encode(record))

    # -- the fleet's part ---------------------------------------------------------------------------------------------

    def start(
        self,
        hsm_id: str,
        *,
        root_key: Path | None = None,
        extra: tuple[str, ...] = (),
        environment: Mapping[str, str] | None = None,
        log: Path | None = None,
    ) -> None:
        descriptor = os.open(root_key or self.root_key, os.O_RDONLY)
        with (log or self.directory / f"{hsm_id}.log").open("ab") as output:
            self.processes[hsm_id] = subprocess.Popen(
                [
                    *self.launcher,
                    sys.executable,
                    "-m",
                    "strongroom.hsm",
                    f"--store=sqlite:{self.store_path}",
                    f"--hsm-id={hsm_id}",
                    f"--state-dir={self.directory / hsm_id}",
                    f"--root-key-fd={descriptor}",
                    f"--installation={self.installation}",
                    "--allow-unlocked-memory",
                    *extra,
                ],
                pass_fds=(descriptor,),
                stderr=output,
                stdout=output,
                env={**os.environ, "PYTHONPATH": str(SOURCE), **(environment or {})},
            )
        os.close(descriptor)

    def status(self, hsm_id: str) -> HsmStatus | None:
        record = self.store.get(STATUS_HSM + hsm_id)
        return msgspec.msgpack.decode(record.value, type=HsmStatus) if record else None

    def reroute(self, hsm_id: str, address: str, port: int) -> None:
        """Let everybody believe that an HSM is there, until it says again where it is: at a change, and each 30 s."""
        status = self.status(hsm_id)
        assert status is not None
        self.put(
            STATUS_HSM + hsm_id, msgspec.msgpack.encode(msgspec.structs.replace(status, address=address, port=port))
        )

    def until_health(self, hsm_id: str, health: str) -> HsmStatus:
        pid = self.processes[hsm_id].pid

        def reached() -> HsmStatus | None:
            status = self.status(hsm_id)
            return status if status is not None and status.pid == pid and status.health == health else None

        return self.until(reached, lambda: f"{self.status(hsm_id)}\n{self.log(hsm_id)[-3000:]}")

    def until_listening(self, hsm_id: str) -> None:
        """Until it takes connections: what can be seen without the store."""

        def reached() -> bool:
            assert self.processes[hsm_id].poll() is None, self.log(hsm_id)[-3000:]
            with socket.socket() as connection:
                return connection.connect_ex(self.listening()[hsm_id]) == 0

        self.until(reached, lambda: self.log(hsm_id)[-3000:])

    def close_store(self) -> None:
        """From here on this process does nothing to the store."""
        self.listening()
        self.store.close()
        self.store_is_closed = True

    def open_store(self) -> None:
        """Use the store again."""
        self.store = open_store(f"sqlite:{self.store_path}")
        self.store_is_closed = False

    def stop(self, hsm_id: str) -> int:
        process = self.processes.pop(hsm_id)
        process.terminate()
        return process.wait(PATIENCE)

    def kill(self, hsm_id: str) -> None:
        process = self.processes.pop(hsm_id)
        process.send_signal(signal.SIGKILL)
        process.wait()

    @contextlib.contextmanager
    def standing(self, hsm_id: str) -> Iterator[None]:
        """The process of an HSM stands still, but not in the middle of a change.

        It would hold the store's lock, and nobody could renew a lease (docs/limitations.md).
        """
        process = self.processes[hsm_id]
        self._stand(process)
        while not self._can_be_written():
            process.send_signal(signal.SIGCONT)
            time.sleep(0.003)
            self._stand(process)
        try:
            yield
        finally:
            process.send_signal(signal.SIGCONT)

    def _stand(self, process: subprocess.Popen[bytes]) -> None:
        """Stop a process, and wait until each thread of it stands: one that still runs could begin a change."""
        process.send_signal(signal.SIGSTOP)
        self.until(lambda: _every_thread_stands(process.pid))

    def _can_be_written(self) -> bool:
        """Whether nobody keeps the store's write lock for longer than a change takes."""
        with contextlib.closing(sqlite3.connect(self.store_path, timeout=0.3, isolation_level=None)) as connection:
            try:
                connection.execute("BEGIN IMMEDIATE")
                connection.execute("ROLLBACK")
            except sqlite3.OperationalError:
                return False
            return True

    def exit_code(self, hsm_id: str) -> int:
        return self.processes.pop(hsm_id).wait(PATIENCE)

    def log(self, hsm_id: str) -> str:
        path = self.directory / f"{hsm_id}.log"
        return path.read_text() if path.exists() else ""

    # -- a client -----------------------------------------------------------------------------------------------------

    def client(self, *hsm_ids: str, **settings: str) -> Any:
        """A client that is told of these HSMs, or of all; with these settings of the cluster beside the usual ones."""
        servers = [
            {"hostname": address, "port": port, "enable": True}
            for hsm_id, (address, port) in self.listening().items()
            if not hsm_ids or hsm_id in hsm_ids
        ]
        cluster = {"hsm_ca_file": str(self.trust_anchor), "cluster_id": self.cluster_id, "servers": servers, **settings}
        document = {"clusters": [{"type": "hsm1", "cluster": cluster}], "options": self.client_options}
        client = _native.Client(json.dumps(document))
        self.clients.append(client)
        return client

    def listening(self) -> dict[str, tuple[str, int]]:
        """Where each HSM listens, as it has told; the last answer while the store is closed."""
        if not self.store_is_closed:
            statuses = [
                msgspec.msgpack.decode(record.value, type=HsmStatus)
                for record in self.store.list(STATUS_HSM, prefix_end(STATUS_HSM))
            ]
            self._listening = {status.hsm_id: (status.address, status.port) for status in statuses if status.port}
        return self._listening

    def login(self, username: str, password: str, role: Role, *hsm_ids: str) -> Any:
        client = self.client(*hsm_ids)
        client.login(username, int(role), password)
        return client

    # -- all of it ----------------------------------------------------------------------------------------------------

    def begin(self, *hsm_ids: str) -> Any:
        """An ACTIVE cluster of these HSMs, with the crypto-user alice; gives the admin's client."""
        for place, hsm_id in enumerate(hsm_ids):
            self.approve(hsm_id)
            self.start(hsm_id)
            if place == 0:
                # Once there is a request the first has made the keys, and the others join while it goes on.
                self.initialize()
        for hsm_id in hsm_ids:
            self.until_health(hsm_id, "ACTIVE")
        self.client(hsm_ids[0]).call(int(Operation.ACTIVATE), {"username": "admin", "password": ADMIN_PASSWORD})
        admin = self.login("admin", ADMIN_PASSWORD, Role.ADMIN)
        create_user(admin, "alice")
        return admin

    def alice(self, *hsm_ids: str) -> Any:
        return self.login("alice", "alice-password", Role.CRYPTO_USER, *hsm_ids)

    def audit(self, hsm_id: str) -> list[AuditEntry]:
        return [msgspec.msgpack.decode(entry.value, type=AuditEntry) for entry in self.store.scan(LOG_AUDIT + hsm_id)]

    def until(self, condition: Callable[[], Any], told: Callable[[], str] = lambda: "") -> Any:
        deadline = time.monotonic() + PATIENCE
        while not (found := condition()):
            assert time.monotonic() < deadline, told()
            time.sleep(0.02)
        return found

    def close(self) -> None:
        for client in self.clients:
            client.close()
        for process in self.processes.values():
            process.kill()
            process.wait()
        self.store.close()


def create_user(admin: Any, name: str, role: Role = Role.CRYPTO_USER) -> None:
    admin.call(int(Operation.USER_CREATE), {"username": name, "role": int(role), "password": f"{name}-password"})


def generate_p256(client: Any, label: str = "key", *, token: bool = True) -> tuple[int, int]:
    """References of a public and a private key."""
    common = {int(Attribute.TOKEN): token, int(Attribute.LABEL): label}
    answer = client.call(
        int(Operation.GENERATE_KEY_PAIR),
        {
            "mechanism": int(Mechanism.EC_KEY_PAIR_GEN),
            "public_template": {**common, int(Attribute.EC_PARAMS): P256, int(Attribute.VERIFY): True},
            "private_template": {**common, int(Attribute.SIGN): True},
        },
    )
    public, private = answer["objects"]
    return public["reference"], private["reference"]


def generate_aes(client: Any, label: str = "key") -> int:
    answer = client.call(
        int(Operation.GENERATE_KEY),
        {
            "mechanism": int(Mechanism.AES_KEY_GEN),
            "template": {
                int(Attribute.TOKEN): True,
                int(Attribute.LABEL): label,
                int(Attribute.VALUE_LEN): 32,
                int(Attribute.ENCRYPT): True,
                int(Attribute.DECRYPT): True,
            },
        },
    )
    return int(answer["objects"][0]["reference"])


def sign(client: Any, key: int, digest: bytes) -> bytes:
    answer = client.call(int(Operation.SIGN), {"key": key, "mechanism": int(Mechanism.ECDSA), "data": digest})
    return bytes(answer["data"])


def references(client: Any) -> list[int]:
    """All visible objects."""
    answer = client.call(int(Operation.FIND), {"template": {}, "after": 0, "limit": 1000, "with_attributes": False})
    return [found["reference"] for found in answer["objects"]]


def refused(call: Callable[[], object]) -> tuple[int, str]:
    """Code and text of a refusal."""
    try:
        call()
    except _native.HsmError as error:
        return error.args[0], error.args[1]
    raise AssertionError("not refused")
