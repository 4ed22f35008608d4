"""Issue: a wrong trust anchor, an expired certificate, a certificate of another cluster of the same customer CA.

The client refuses before it sends a PIN: the HSM's audit log, which has every attempt to log in, shows none.
"""

from __future__ import annotations

import datetime
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptoki import CryptokiError, Module
from one_cluster import CustomerAuthority, OneCluster

import strongroom
from strongroom import _native
from strongroom.vocabulary.records import DESIRED_INITIALIZE, InitializeRecord
from strongroom.vocabulary.roles import Role

LIBRARY = Path(strongroom.__file__).parent / "lib" / "libstrongroom_pkcs11.so"
PIN = "a-pin-that-nobody-shall-see"
LIFETIME_SECONDS = 12


@pytest.fixture
def make_cluster(tmp_path: Path) -> Iterator[Callable[..., OneCluster]]:
    made: list[OneCluster] = []

    def make(name: str, authority: CustomerAuthority | None = None) -> OneCluster:
        directory = tmp_path / name
        directory.mkdir()
        cluster = OneCluster(directory)
        made.append(cluster)
        cluster.authority = authority or cluster.authority
        cluster.approve("hsm-1")
        cluster.start("hsm-1")
        return cluster

    yield make
    for cluster in made:
        cluster.close()


def listening(cluster: OneCluster) -> OneCluster:
    cluster.initialize()
    cluster.until_health("hsm-1", "ACTIVE")
    return cluster


def configuration(cluster: OneCluster, anchor_pem: str, cluster_id: str) -> Path:
    """A file that leads to the cluster's HSM."""
    status = cluster.status("hsm-1")
    assert status is not None
    anchor = cluster.directory / "anchor.crt"
    anchor.write_text(anchor_pem)
    servers = [{"hostname": status.address, "port": status.port, "enable": True}]
    entry = {"hsm_ca_file": str(anchor), "cluster_id": cluster_id, "servers": servers}
    file = cluster.directory / "client.json"
    file.write_text(json.dumps({"clusters": [{"type": "hsm1", "cluster": entry}]}))
    return file


def refusal(file: Path) -> str:
    """What the client says to a login."""
    with pytest.raises(_native.ConnectionFailed) as refused:
        client = _native.Client(file.read_text())
        try:
            client.login("admin", int(Role.ADMIN), PIN)
        finally:
            client.close()
    return str(refused.value.args[1])


def library_refuses(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No token is shown, or its login fails."""
    monkeypatch.setenv("STRONGROOM_CONFIG", str(file))
    module = Module(str(LIBRARY))
    try:
        with pytest.raises(CryptokiError):
            module.session().login(f"admin:{PIN}")
    finally:
        module.finalize()


def login_attempts(cluster: OneCluster) -> list[str]:
    return [entry.opcode for entry in cluster.audit("hsm-1") if "LOGIN" in entry.opcode]


def test_an_attempt_to_log_in_would_be_seen(make_cluster):
    cluster = listening(make_cluster("one"))
    client = cluster.client()
    with pytest.raises(_native.HsmError):
        client.login("admin", int(Role.ADMIN), PIN)
    assert login_attempts(cluster)


def test_a_wrong_trust_anchor_is_refused_before_a_pin_is_sent(make_cluster, monkeypatch):
    cluster = listening(make_cluster("one"))
    file = configuration(cluster, CustomerAuthority("Another CA").pem, cluster.cluster_id)
    text = refusal(file)
    assert "no HSM passed the server check" in text
    assert 'issued by "CN=Customer CA", not by the configured trust anchor "CN=Another CA"' in text
    library_refuses(file, monkeypatch)
    assert login_attempts(cluster) == []


def test_a_trust_anchor_of_the_same_name_with_another_key_is_refused_before_a_pin_is_sent(make_cluster, monkeypatch):
    cluster = listening(make_cluster("one"))
    file = configuration(cluster, CustomerAuthority().pem, cluster.cluster_id)
    assert "not signed by the configured trust anchor" in refusal(file)
    library_refuses(file, monkeypatch)
    assert login_attempts(cluster) == []


def test_a_certificate_of_another_cluster_of_the_same_ca_is_refused_before_a_pin_is_sent(make_cluster, monkeypatch):
    one = make_cluster("one")
    other = listening(make_cluster("other", one.authority))
    file = configuration(other, one.authority.pem, one.cluster_id)
    text = refusal(file)
    assert other.cluster_id in text
    assert f"not for the configured cluster {one.cluster_id}" in text
    library_refuses(file, monkeypatch)
    assert login_attempts(other) == []


def short_lived(authority: CustomerAuthority, request_pem: str, expires: datetime.datetime) -> str:
    request = x509.load_pem_x509_csr(request_pem.encode())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(request.subject)
        .issuer_name(authority.name)
        .public_key(request.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(expires - datetime.timedelta(hours=1))
        .not_valid_after(expires)
        .sign(authority.key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def test_an_expired_certificate_is_refused_before_a_pin_is_sent(make_cluster, monkeypatch):
    cluster = make_cluster("one")
    request = cluster.until(lambda: cluster.cluster_status().certificates.get("ClusterCsr"))
    expires = datetime.datetime.now(datetime.UTC).replace(microsecond=0) + datetime.timedelta(seconds=LIFETIME_SECONDS)
    record = InitializeRecord(short_lived(cluster.authority, request, expires), cluster.authority.pem)
    cluster.put(DESIRED_INITIALIZE, msgspec.msgpack.encode(record))
    cluster.until_health("hsm-1", "ACTIVE")
    time.sleep(max(0.0, (expires - datetime.datetime.now(datetime.UTC)).total_seconds()) + 1.1)
    file = configuration(cluster, cluster.authority.pem, cluster.cluster_id)
    assert "the HSM's certificate expired on" in refusal(file)
    library_refuses(file, monkeypatch)
    assert login_attempts(cluster) == []
