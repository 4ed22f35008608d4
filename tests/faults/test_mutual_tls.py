"""Mutual TLS on two HSMs: who gets a connection, what becomes of those that there are, and what a restart remembers."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from one_cluster import ADMIN_PASSWORD, OneCluster, generate_p256, refused, sign

from strongroom import _native
from strongroom.vocabulary.operations import Operation
from strongroom.vocabulary.records import MUTUAL_TLS
from strongroom.vocabulary.roles import Role

pytestmark = pytest.mark.cluster

PROHIBITED = 0x1B
WANTED = "the HSM wants a certificate of the client"
NOT_ACCEPTED = "the HSM does not accept the client's certificate"


class Authority:
    """A certificate authority by the `openssl` commands that AWS's user guide has."""

    def __init__(self, directory: Path, name: str) -> None:
        self.directory = directory
        self.name = name
        self.certificate = directory / f"{name}.crt"
        self._key = directory / f"{name}.key"
        openssl(
            *("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", f"/CN={name}"),
            *("-keyout", str(self._key), "-out", str(self.certificate)),
        )

    @property
    def pem(self) -> str:
        return self.certificate.read_text()

    def settings(self, client: str, *, key: str = "rsa:2048", extensions: str = "") -> dict[str, str]:
        """The configuration of a client with a certificate: X.509 v1 unless it has extensions."""
        made = self.directory / f"{self.name}-{client}"
        request, own_key, certificate = (str(made.with_suffix(f".{end}")) for end in ("csr", "key", "crt"))
        options = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256") if key == "ec" else ("-newkey", key)
        openssl("req", "-new", *options, "-nodes", "-subj", f"/CN={client}", "-keyout", own_key, "-out", request)
        more: tuple[str, ...] = ()
        if extensions:
            made.with_suffix(".ext").write_text(extensions)
            more = ("-extfile", str(made.with_suffix(".ext")))
        openssl(
            *("x509", "-req", "-sha256", "-days", "30", "-in", request, "-out", certificate),
            *("-CA", str(self.certificate), "-CAkey", str(self._key), "-CAcreateserial", *more),
        )
        return {"client_cert_hsm_tls_file": certificate, "client_key_hsm_tls_file": own_key}


def openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True, timeout=30)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[OneCluster]:
    made = OneCluster(tmp_path)
    try:
        made.client_options = {"deadline_ms": 3_000}
        yield made
    finally:
        made.close()


def log_in(cluster: OneCluster, username: str, password: str, role: Role, *hsm_ids: str, **settings: str) -> Any:
    client = cluster.client(*hsm_ids, **settings)
    client.login(username, int(role), password)
    return client


def register(admin: Any, certificate: str) -> int:
    return int(admin.call(int(Operation.MTLS_REGISTER), {"certificate": certificate})["reference"])


def enforce(admin: Any, enforced: bool = True) -> Any:
    return admin.call(int(Operation.MTLS_SET_ENFORCEMENT), {"enforced": enforced})


def fails_to_connect(cluster: OneCluster, text: str, *hsm_ids: str, **settings: str) -> None:
    client = cluster.client(*hsm_ids, **settings)
    with pytest.raises(_native.ConnectionFailed) as failed:
        client.call(int(Operation.USER_LIST), {})
    assert text in failed.value.args[1]


def test_enforcement_lets_in_who_has_a_certificate_and_cuts_off_the_others(cluster: OneCluster) -> None:
    plain_admin = cluster.begin("hsm-1", "hsm-2")
    plain_alice = cluster.alice()
    _, key = generate_p256(plain_alice)
    root, stranger = Authority(cluster.directory, "clients"), Authority(cluster.directory, "stranger")
    # Without an anchor a client's certificate is not even asked for.
    v1 = root.settings("v1")
    cluster.client(**v1).call(int(Operation.USER_LIST), {})
    assert register(plain_admin, root.pem) == 1
    assert refused(lambda: enforce(plain_admin))[0] == PROHIBITED

    fails_to_connect(cluster, NOT_ACCEPTED, **stranger.settings("eve"))
    admin = log_in(cluster, "admin", ADMIN_PASSWORD, Role.ADMIN, **v1)
    enforce(admin)
    # Answered, it is so on every HSM: those without a certificate are cut off and stay out.
    for hsm_id in ("hsm-1", "hsm-2"):
        fails_to_connect(cluster, WANTED, hsm_id)
        fails_to_connect(cluster, NOT_ACCEPTED, hsm_id, **stranger.settings("mallory"))
    with pytest.raises(_native.ConnectionFailed) as cut_off:
        sign(plain_alice, key, bytes(32))
    assert WANTED in cut_off.value.args[1]

    usages = ("extendedKeyUsage=clientAuth\nbasicConstraints=CA:FALSE\n", "basicConstraints=CA:FALSE\n", "")
    for number, (kind, extensions) in enumerate(zip(("ec", "rsa:2048", "rsa:2048"), usages, strict=True)):
        settings = root.settings(f"alice{number}", key=kind, extensions=extensions)
        for hsm_id in ("hsm-1", "hsm-2"):
            alice = log_in(cluster, "alice", "alice-password", Role.CRYPTO_USER, hsm_id, **settings)
            assert sign(alice, key, bytes(32))
    for_servers = root.settings("server", extensions="extendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n")
    fails_to_connect(cluster, NOT_ACCEPTED, **for_servers)

    # A new process asks for certificates from its first connection on.
    cluster.stop("hsm-1")
    cluster.start("hsm-1")
    cluster.until_health("hsm-1", "ACTIVE")
    fails_to_connect(cluster, WANTED, "hsm-1")
    assert sign(alice, key, bytes(32))

    enforce(admin, enforced=False)
    assert sign(cluster.alice(), key, bytes(32))


def test_who_was_let_in_by_an_anchor_is_cut_off_with_it(cluster: OneCluster) -> None:
    plain_admin = cluster.begin("hsm-1")
    authorities = [Authority(cluster.directory, name) for name in ("one", "two")]
    first, second = (register(plain_admin, authority.pem) for authority in authorities)
    by_first, by_second = (
        log_in(cluster, "alice", "alice-password", Role.CRYPTO_USER, **authority.settings("alice"))
        for authority in authorities
    )
    plain_admin.call(int(Operation.MTLS_DEREGISTER), {"reference": first})
    assert by_second.call(int(Operation.RANDOM), {"length": 8})
    with pytest.raises(_native.ConnectionFailed) as cut_off:
        by_first.call(int(Operation.RANDOM), {"length": 8})
    assert NOT_ACCEPTED in cut_off.value.args[1]
    plain_admin.call(int(Operation.MTLS_DEREGISTER), {"reference": second})
    assert by_first.call(int(Operation.RANDOM), {"length": 8}), "nobody's certificate is asked for any more"


def test_an_altered_policy_lets_nobody_in(cluster: OneCluster) -> None:
    admin = cluster.begin("hsm-1")
    root = Authority(cluster.directory, "clients")
    register(admin, root.pem)
    cluster.stop("hsm-1")
    value = cluster.store.get(MUTUAL_TLS).value
    cluster.put(MUTUAL_TLS, value[:-1] + bytes([value[-1] ^ 1]))
    cluster.start("hsm-1")
    status = cluster.until_health("hsm-1", "ACTIVE")
    assert MUTUAL_TLS in str(status)
    fails_to_connect(cluster, WANTED)
    fails_to_connect(cluster, NOT_ACCEPTED, **root.settings("alice"))
