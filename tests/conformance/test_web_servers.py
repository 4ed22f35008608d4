"""docs/how-to/web-servers.md: nginx and Apache with the key in the HSM, in forked workers, while an HSM is killed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import ssl
import sys
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from installed import hsms, throw_away_cluster, until_active
from programs import Workshop, free_port

pytestmark = pytest.mark.cluster

HANDSHAKES = 1000
KILLED_AT = 300
VISITORS = 8
COMMANDS = {
    "nginx": "nginx -p {directory} -e {directory}/nginx.log -c nginx.conf",
    "apache2": "apache2 -f {directory}/apache.conf -DFOREGROUND",
}


@dataclass(frozen=True)
class Page:
    """What is left after the page was followed, on a cluster of two HSMs."""

    workshop: Workshop
    ports: Mapping[str, int]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    directory = Path(tempfile.mkdtemp(prefix="web-servers-"))
    ports = {name: free_port() for name in COMMANDS}
    try:
        with throw_away_cluster(tmp_path_factory.mktemp("web-servers") / "log", "--hsms", "2") as environment:
            variables = {**environment, "STRONGROOM_CONFIG": readable_configuration(environment, directory)}
            workshop = Workshop(variables, directory)
            workshop.follow("web-servers.md", {"8443": str(ports["nginx"]), "8444": str(ports["apache2"])})
            variables["OPENSSL_CONF"] = str(directory / "openssl.cnf")
            yield Page(Workshop(variables, directory), ports)
    finally:
        shutil.rmtree(directory)


def readable_configuration(environment: Mapping[str, str], directory: Path) -> str:
    """Put the client configuration where the servers' workers can read it, and give its place."""
    directory.chmod(0o755)
    content = json.loads(Path(environment["STRONGROOM_CONFIG"]).read_text())
    for number, each in enumerate(content["clusters"]):
        anchor = shutil.copyfile(each["cluster"]["hsm_ca_file"], directory / f"ca-{number}.crt")
        anchor.chmod(0o644)
        each["cluster"]["hsm_ca_file"] = str(anchor)
    file = directory / "client.json"
    file.write_text(json.dumps(content))
    file.chmod(0o644)
    return str(file)


def visit(port: int, context: ssl.SSLContext) -> str:
    """Make a new TLS connection and ask for the page; gives the reply, or what went wrong."""
    try:
        with (
            socket.create_connection(("127.0.0.1", port), timeout=30) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as connection,
        ):
            assert not connection.session_reused
            connection.sendall(b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n")
            return b"".join(iter(lambda: connection.recv(4096), b"")).decode()
    except OSError as error:
        return f"failed: {error!r}"


def workers(page: Page, server: str, replies: list[str]) -> set[str]:
    """The processes that answered, as nginx says in its replies and Apache in its log."""
    if server == "nginx":
        return {reply.rpartition(" ")[2] for reply in replies}
    log = page.workshop.path("apache-workers.log").read_text().splitlines()
    return {line.split()[0] for line in log[-HANDSHAKES:]}


def connections(address: str) -> int:
    """How many TCP connections to an address there are on this machine (proc_net_tcp; state 1 is ESTABLISHED)."""
    wanted = f"{int.from_bytes(socket.inet_aton(address), sys.byteorder):08X}"
    listed = (line.split()[2:4] for line in Path("/proc/net/tcp").read_text().splitlines())
    return sum(remote.startswith(wanted) and state == "01" for remote, state in listed)


@pytest.mark.parametrize("server", COMMANDS)
def test_no_handshake_fails_in_forked_workers_while_an_hsm_is_killed(page: Page, server: str) -> None:
    workshop, port = page.workshop, page.ports[server]
    victim = hsms(workshop.environment)[0]
    context = ssl.create_default_context(cafile=workshop.path("web.pem"))
    broken = []

    def handshake(number: int) -> str:
        if number == KILLED_AT:
            broken.append(connections(victim["EniIp"]))
            os.kill(victim["pid"], signal.SIGKILL)
        return visit(port, context)

    with (
        workshop.serving(port, *COMMANDS[server].format(directory=workshop.directory).split()),
        ThreadPoolExecutor(VISITORS) as visitors,
    ):
        replies = list(visitors.map(handshake, range(HANDSHAKES)))
    assert [reply for reply in replies if " 200 OK\r\n" not in reply] == []
    assert len(workers(page, server, replies)) > 1
    assert broken[0] > 1
    until_active(workshop.environment, victim["HsmId"], victim["pid"])


@pytest.mark.parametrize("server", COMMANDS)
def test_a_server_does_not_start_with_a_wrong_pin(page: Page, server: str) -> None:
    command = COMMANDS[server].format(directory=page.workshop.directory).split()
    page.workshop.with_wrong_pin().run(*command, status=1)
