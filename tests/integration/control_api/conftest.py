"""The control API behind a real HTTP server on loopback, spoken to by boto3.

The data plane is represented by what it leaves behind: the records that an HSM or the fleet would write.
"""

from __future__ import annotations

import contextlib
import datetime
import shutil
import socket
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import boto3
import msgspec
import pytest
import uvicorn
from botocore.config import Config
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from strongroom import services
from strongroom.aws.access_keys import NewAccessKey, create_access_key
from strongroom.services.front import SERVER_OPTIONS, application
from strongroom.storage.interface import Store, Transaction, Write
from strongroom.storage.memory import MemoryStore
from strongroom.storage.sqlite import SqliteStore
from strongroom.vocabulary.records import ClusterStatus, HsmStatus, MembershipRecord
from strongroom.vocabulary.states import HsmHealth

REGION = "us-east-1"
SESSION = boto3.Session()
VPC = "vpc-0123456789abcdef0"
SUBNETS = tuple(services.Subnet(f"subnet-0000000000000000{letter}", f"{REGION}{letter}", VPC) for letter in "abc")


class Zones:
    """Three subnets of 127.77.0.0/24, with 20 addresses each."""

    def subnets(self):
        return SUBNETS

    def allocate(self, zone, taken, wanted_ip):
        number = "abc".index(zone[-1])
        free = [f"127.77.{number}.{host}" for host in range(4, 24) if (f"127.77.{number}.{host}", 2223) not in taken]
        if wanted_ip is not None and wanted_ip not in free:
            raise services.AddressUnavailable(f"{wanted_ip} is not free in the subnet of {zone}")
        return wanted_ip or free[0], 2223


class Stores:
    """Clusters' stores, in a directory or in memory."""

    def __init__(self, directory: Path | None) -> None:
        self._directory = directory
        self._open: dict[str, Store] = {}
        self._lock = threading.Lock()
        self.failure: Exception | None = None

    def create(self, cluster_id: str) -> Store:
        if self.failure:
            raise self.failure
        with self._lock:
            if cluster_id not in self._open:
                self._open[cluster_id] = self._make(cluster_id)
            return self._open[cluster_id]

    def _make(self, cluster_id: str) -> Store:
        if self._directory is None:
            return MemoryStore()
        directory = self._directory / cluster_id
        directory.mkdir(exist_ok=True)
        return SqliteStore(directory / "store.sqlite")

    def open(self, cluster_id: str) -> Store:
        with self._lock:
            return self._open[cluster_id]

    def delete(self, cluster_id: str) -> None:
        if self.failure:
            raise self.failure
        with self._lock:
            store = self._open.pop(cluster_id, None)
        if store is not None:
            store.close()
        if self._directory is not None:
            shutil.rmtree(self._directory / cluster_id, ignore_errors=True)

    def close(self) -> None:
        for store in self._open.values():
            store.close()


def seal(context: str, plaintext: bytes) -> bytes:
    """Bound to its context, as the native one is; what sealing hides is not tested here."""
    return context.encode() + b"\0" + plaintext[::-1]


def open_sealed(context: str, sealed: bytes) -> bytes:
    bound, _, secret = sealed.partition(b"\0")
    assert bound == context.encode()
    return secret[::-1]


@dataclass
class Clock:
    """The true time, moved by ``skew`` seconds."""

    skew: float = 0.0

    def __call__(self) -> float:
        return time.time() + self.skew


@dataclass
class Installation:
    """A running control API and what stands behind it."""

    endpoint: str
    control: Store
    stores: Stores
    logs: Store
    clock: Clock
    keys: dict[str, NewAccessKey] = field(default_factory=dict)

    def key(self, account: str = "111122223333") -> NewAccessKey:
        if account not in self.keys:
            self.keys[account] = create_access_key(self.control, account, seal, time.time())
        return self.keys[account]

    def client(
        self,
        account: str = "111122223333",
        service: str = "cloudhsmv2",
        *,
        secret: str | None = None,
        region: str = REGION,
        attempts: int = 1,
    ):
        key = self.key(account)
        return SESSION.client(
            service,
            endpoint_url=self.endpoint,
            region_name=region,
            aws_access_key_id=key.access_key_id,
            aws_secret_access_key=secret or key.secret_access_key,
            config=Config(
                retries={"total_max_attempts": attempts}, parameter_validation=False, inject_host_prefix=False
            ),
        )

    def cluster(self, client=None, **members) -> str:
        wanted = {"HsmType": "hsm2m.medium", "SubnetIds": [subnet.subnet_id for subnet in SUBNETS], **members}
        return (client or self.client()).create_cluster(**wanted)["Cluster"]["ClusterId"]

    def hsm_says(
        self, cluster_id: str, hsm_id: str, health: HsmHealth, message: str = "", *, lease: float | None = 60.0
    ) -> None:
        """What an HSM does: it takes its lease, then writes its status."""
        store = self.stores.open(cluster_id)
        if lease is not None:
            store.acquire_lease(f"hsm/{hsm_id}", lease)
        status = HsmStatus(hsm_id=hsm_id, health=health, message=message)
        store.transact(Transaction(writes=(Write(f"status/hsm/{hsm_id}", msgspec.msgpack.encode(status)),)))

    def cluster_says(self, cluster_id: str, **members) -> None:
        """What an HSM writes about its cluster."""
        store = self.stores.open(cluster_id)
        record = store.get("status/cluster")
        status = msgspec.msgpack.decode(record.value, type=ClusterStatus) if record else ClusterStatus()
        changed = msgspec.structs.replace(status, **members)
        store.transact(Transaction(writes=(Write("status/cluster", msgspec.msgpack.encode(changed)),)))

    def fleet_forgets(self, cluster_id: str, hsm_id: str) -> None:
        """What the fleet does when a process has gone."""
        store = self.stores.open(cluster_id)
        record = store.get(f"desired/hsm/{hsm_id}")
        assert record is not None
        assert msgspec.msgpack.decode(record.value, type=MembershipRecord).deleting
        store.transact(Transaction(writes=(Write(f"desired/hsm/{hsm_id}", None), Write(f"status/hsm/{hsm_id}", None))))

    def publish_csr(self, cluster_id: str, hsm_id: str) -> FirstHsm:
        """What the first HSM of a cluster writes once it has made its CSR."""
        hsm = FirstHsm.make(cluster_id)
        self.cluster_says(cluster_id, certificates=hsm.certificates)
        self.hsm_says(cluster_id, hsm_id, HsmHealth.WAITING_FOR_CERTIFICATE)
        return hsm

    def first_hsm(self, cluster_id: str, client=None) -> tuple[str, FirstHsm]:
        """Create the first HSM of a cluster, which makes its CSR."""
        reply = (client or self.client()).create_hsm(ClusterId=cluster_id, AvailabilityZone=f"{REGION}a")
        return reply["Hsm"]["HsmId"], self.publish_csr(cluster_id, reply["Hsm"]["HsmId"])

    def active_cluster(self, client=None) -> tuple[str, str]:
        """A cluster with one HSM, activated."""
        client = client or self.client()
        cluster_id = self.cluster(client)
        hsm_id, hsm = self.first_hsm(cluster_id, client)
        certificate, anchor = hsm.signed()
        client.initialize_cluster(ClusterId=cluster_id, SignedCert=certificate, TrustAnchor=anchor)
        self.cluster_says(cluster_id, cluster_certificate=certificate, trust_anchor=anchor, activated=True)
        self.hsm_says(cluster_id, hsm_id, HsmHealth.ACTIVE)
        return cluster_id, hsm_id


def pem(what) -> str:
    return what.public_bytes(serialization.Encoding.PEM).decode()


RSA_KEYS = [rsa.generate_private_key(65537, 2048) for _ in range(2)]


@dataclass
class FirstHsm:
    """The certificates that the first HSM of a cluster publishes."""

    csr: x509.CertificateSigningRequest
    certificates: dict[str, str]

    @staticmethod
    def make(cluster_id: str) -> FirstHsm:
        name = x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Strongroom"),
                x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, cluster_id),
                x509.NameAttribute(NameOID.COMMON_NAME, "HSM:SR0000:PARTN:1, for FIPS mode"),
            ]
        )
        csr = x509.CertificateSigningRequestBuilder().subject_name(name).sign(RSA_KEYS[0], hashes.SHA256())
        others = ("HsmCertificate", "AwsHardwareCertificate", "ManufacturerHardwareCertificate")
        certificate = CustomerCa.make().certificate
        return FirstHsm(csr, {"ClusterCsr": pem(csr)} | {name: pem(certificate) for name in others})

    def signed(self) -> tuple[str, str]:
        """The cluster certificate and the trust anchor, by a new customer authority."""
        return CustomerCa.make().sign(self.csr)


@dataclass
class CustomerCa:
    """A customer's self-signed root and its key."""

    certificate: x509.Certificate
    key: rsa.RSAPrivateKey

    @staticmethod
    def make(key: rsa.RSAPrivateKey = RSA_KEYS[1]) -> CustomerCa:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "customer root")])
        builder = _builder(name, name, key.public_key())
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        return CustomerCa(builder.sign(key, hashes.SHA256()), key)

    def sign(self, csr: x509.CertificateSigningRequest) -> tuple[str, str]:
        builder = _builder(csr.subject, self.certificate.subject, csr.public_key())
        return pem(builder.sign(self.key, hashes.SHA256())), pem(self.certificate)


def _builder(subject, issuer, key) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
    )


@contextlib.contextmanager
def running(
    control: Store,
    logs: Store,
    stores: Stores,
    limits: services.Limits | None = None,
    buckets: Path = Path("/proc/none"),
):
    """Serve the application as the product does, until the end of the block."""
    clock = Clock()
    app = application(
        control=control,
        logs=logs,
        cluster_stores=stores,
        buckets=buckets,
        zone_plan=Zones(),
        region=REGION,
        open_sealed=open_sealed,
        clock=clock,
        limits=limits,
        operator_account="111122223333",
    )
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", **SERVER_OPTIONS))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.005)
        yield Installation(f"http://127.0.0.1:{listener.getsockname()[1]}", control, stores, logs, clock)
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


@pytest.fixture
def serve(tmp_path):
    """``with serve(limits) as installation``: over the same stores each time, as after a restart."""
    control, logs = SqliteStore(tmp_path / "control.sqlite"), SqliteStore(tmp_path / "logs.sqlite")
    stores = Stores(tmp_path)
    yield lambda limits=None: running(control, logs, stores, limits, tmp_path / "buckets")
    stores.close()
    logs.close()
    control.close()


@pytest.fixture
def installation():
    with running(MemoryStore(), MemoryStore(), Stores(None)) as running_installation:
        yield running_installation


@pytest.fixture
def client(installation):
    return installation.client()


@pytest.fixture
def other_root() -> str:
    """A root of the same name with another key."""
    return pem(CustomerCa.make(RSA_KEYS[0]).certificate)
