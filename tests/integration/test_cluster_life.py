"""The life of a cluster through boto3, with real HSM processes behind the control API."""

from __future__ import annotations

import datetime
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import boto3
import msgspec
import pytest
from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

PROGRAMS = Path(sys.executable).parent
PASSWORD = "correct-horse-1"
SECONDS = 60.0

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(not (PROGRAMS / "strongroom").exists(), reason="the programs are not installed (make build)"),
]


class Life:
    """One cluster, made, used and deleted by public means only."""

    def __init__(self, environment: Mapping[str, str], directory: Path) -> None:
        self.environment = environment
        self.directory = directory
        self.client = boto3.client(
            "cloudhsmv2",
            endpoint_url=environment["AWS_ENDPOINT_URL"],
            region_name=environment["AWS_DEFAULT_REGION"],
            aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        )
        present = self.client.describe_clusters()["Clusters"][0]
        self.subnets = sorted(present["SubnetMapping"].values())
        self.zones = sorted(present["SubnetMapping"])
        made = self.client.create_cluster(HsmType="hsm2m.medium", SubnetIds=self.subnets)
        self.cluster_id = made["Cluster"]["ClusterId"]
        self.anchor = ""

    def describe(self) -> dict[str, Any]:
        (cluster,) = self.client.describe_clusters(Filters={"clusterIds": [self.cluster_id]})["Clusters"]
        return cluster

    def wait(self, done: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Describe the cluster until it is as wanted."""
        end = time.monotonic() + SECONDS
        while not done(cluster := self.describe()):
            assert time.monotonic() < end, cluster
            time.sleep(0.1)
        return cluster

    def add_hsm(self, zone: int, **members: str) -> dict[str, Any]:
        """Create an HSM and wait until it is ACTIVE."""
        made = self.client.create_hsm(ClusterId=self.cluster_id, AvailabilityZone=self.zones[zone], **members)["Hsm"]
        assert made["State"] == "CREATE_IN_PROGRESS"
        cluster = self.wait(lambda cluster: self.states(cluster).get(made["HsmId"]) == "ACTIVE")
        return next(hsm for hsm in cluster["Hsms"] if hsm["HsmId"] == made["HsmId"])

    def delete_hsm(self, hsm_id: str) -> None:
        """Delete an HSM and wait until it is gone."""
        self.client.delete_hsm(ClusterId=self.cluster_id, HsmId=hsm_id)
        self.wait(lambda cluster: hsm_id not in self.states(cluster))

    def initialize(self, certificates: Mapping[str, str]) -> None:
        certificate, self.anchor = sign(x509.load_pem_x509_csr(certificates["ClusterCsr"].encode()))
        reply = self.client.initialize_cluster(
            ClusterId=self.cluster_id, SignedCert=certificate, TrustAnchor=self.anchor
        )
        assert reply["State"] == "INITIALIZE_IN_PROGRESS"
        cluster = self.wait(lambda cluster: cluster["State"] == "INITIALIZED")
        assert cluster["Certificates"] == {"ClusterCertificate": certificate}

    def cli(self, *words: str) -> dict[str, Any]:
        """Run cloudhsm-cli against the HSMs that the cluster has now."""
        anchor, configuration = self.directory / "customerCA.crt", self.directory / "client.json"
        anchor.write_text(self.anchor)
        servers = [{"hostname": hsm["EniIp"], "port": 2223, "enable": True} for hsm in self.describe()["Hsms"]]
        cluster = {"hsm_ca_file": str(anchor), "cluster_id": self.cluster_id, "servers": servers}
        configuration.write_bytes(msgspec.json.encode({"clusters": [{"type": "hsm1", "cluster": cluster}]}))
        pin = {"CLOUDHSM_ROLE": "admin", "CLOUDHSM_PIN": f"admin:{PASSWORD}"}
        done = subprocess.run(
            [PROGRAMS / "cloudhsm-cli", *words, "--config", configuration],
            env={**os.environ, **pin},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return msgspec.json.decode(done.stdout)

    @staticmethod
    def states(cluster: dict[str, Any]) -> dict[str, str]:
        return {hsm["HsmId"]: hsm["State"] for hsm in cluster["Hsms"]}


def sign(csr: x509.CertificateSigningRequest) -> tuple[str, str]:
    """A customer's root and the certificate that it signs. PEM."""
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "customer root")])
    now = datetime.datetime.now(datetime.UTC)

    def certificate(subject: x509.Name, public_key: Any, *, is_ca: bool) -> str:
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(name).public_key(public_key)
        builder = builder.serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now - datetime.timedelta(hours=1))
        builder = builder.not_valid_after(now + datetime.timedelta(days=9))
        if is_ca:
            builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()

    return certificate(csr.subject, csr.public_key(), is_ca=False), certificate(name, key.public_key(), is_ca=True)


def check_chains(certificates: Mapping[str, str]) -> None:
    """Both hardware certificates vouch for the HSM's, and its key is the CSR's ("verify the identity of your HSM")."""
    csr = x509.load_pem_x509_csr(certificates["ClusterCsr"].encode())
    hsm, aws, manufacturer = (
        x509.load_pem_x509_certificate(certificates[name].encode())
        for name in ("HsmCertificate", "AwsHardwareCertificate", "ManufacturerHardwareCertificate")
    )
    assert csr.is_signature_valid
    assert hsm.public_key() == csr.public_key()
    hsm.verify_directly_issued_by(aws)
    hsm.verify_directly_issued_by(manufacturer)
    assert aws.issuer != manufacturer.issuer


def test_a_cluster_lives_from_creation_to_deletion(ephemeral, tmp_path):
    life = Life(ephemeral, tmp_path)
    assert life.describe()["State"] == "UNINITIALIZED"

    first = life.add_hsm(0)
    cluster = life.describe()
    assert cluster["State"] == "UNINITIALIZED"
    check_chains(cluster["Certificates"])
    life.initialize(cluster["Certificates"])
    with pytest.raises(ClientError, match="is not activated yet"):
        life.client.create_hsm(ClusterId=life.cluster_id, AvailabilityZone=life.zones[1])

    life.cli("cluster", "activate", "--password", PASSWORD)
    assert life.wait(lambda cluster: cluster["State"] == "ACTIVE")["Hsms"] == [first]

    second = life.add_hsm(1)
    life.delete_hsm(first["HsmId"])
    assert life.states(life.describe()) == {second["HsmId"]: "ACTIVE"}
    with pytest.raises(ClientError, match="still has HSMs"):
        life.client.delete_cluster(ClusterId=life.cluster_id)

    life.delete_hsm(second["HsmId"])
    third = life.add_hsm(0, IpAddress=first["EniIp"])  # Restored: users and certificate are the same.
    assert third["EniIp"] == first["EniIp"]
    users = life.cli("user", "list")["data"]["users"]
    assert {"admin"} <= {user["username"] for user in users}

    life.delete_hsm(third["HsmId"])
    assert life.client.delete_cluster(ClusterId=life.cluster_id)["Cluster"]["State"] == "DELETED"
    assert life.describe()["State"] == "DELETED"
