"""The control API's endpoint: which address it listens on, and that no secret goes over a network in clear."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from strongroom.installation.errors import InstallationError

PREFERRED_PORT: Final = 8223
_BACKLOG: Final = 512


@dataclass(frozen=True, slots=True)
class Listen:
    """An address and a port (0 = not chosen), with TLS files where it is served with TLS."""

    host: str
    port: int
    tls_certificate: str = ""
    tls_key: str = ""

    def url(self, port: int) -> str:
        """The endpoint's URL once its port is known."""
        host = socket.gethostname() if self.host in {"0.0.0.0", "::"} else self.host  # noqa: S104 — no binding here
        if ":" in host:
            host = f"[{host}]"
        return f"{'https' if self.tls_certificate else 'http'}://{host}:{port}"


def parse_listen(text: str) -> tuple[str, int]:
    """``HOST``, ``HOST:PORT`` or ``[IPv6]:PORT``."""
    host, separator, port = text.rpartition(":")
    if not separator or text.endswith("]") or (":" in host and not host.startswith("[")):
        host, port = text, "0"
    if not port.isascii() or not port.isdigit() or int(port) > 65535 or not host:
        raise InstallationError(f"{text!r} is no address to listen on", "use HOST or HOST:PORT, such as 127.0.0.1:8223")
    return host.strip("[]"), int(port)


def check_listen(listen: Listen) -> None:
    """Anything but loopback is TLS or refused."""
    if bool(listen.tls_certificate) != bool(listen.tls_key):
        raise InstallationError("a TLS certificate and its key belong together", "give both --tls-cert and --tls-key")
    for path in (listen.tls_certificate, listen.tls_key):
        if path and not Path(path).is_file():
            raise InstallationError(f"{path} is no file", "give PEM files to --tls-cert and --tls-key")
    if not listen.tls_certificate and not is_loopback(listen.host):
        raise InstallationError(
            f"the control API is not served without TLS on {listen.host}: others on the network could read it",
            "listen on 127.0.0.1, or give --tls-cert and --tls-key",
        )


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def bind(listen: Listen, *, any_port: bool = False) -> socket.socket:
    """A listening socket. Without a chosen port: the preferred one if it is free, else any (``any_port``: any)."""
    ports = [listen.port] if listen.port or any_port else [PREFERRED_PORT, 0]
    family = socket.AF_INET6 if ":" in listen.host else socket.AF_INET
    problem: OSError | None = None
    for port in ports:
        # asyncio turns Nagle's algorithm off only for sockets that name TCP; with it a reply's body waits 40 ms.
        server = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            server.bind((listen.host, port))
            server.listen(_BACKLOG)
        except OSError as error:
            server.close()
            problem = error
        else:
            return server
    reason = problem.strerror if problem else "no port"
    raise InstallationError(
        f"the control API cannot listen on {listen.host}:{listen.port}: {reason}",
        "choose another address with --listen",
    )
