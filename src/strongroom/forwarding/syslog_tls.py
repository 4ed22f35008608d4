"""Syslog messages (RFC 5424) over TLS with their length before them (RFC 5425).

Syslog has no acknowledgement, and a receiver that goes away takes what it had not read with it. So each batch has a
connection of its own, which is closed as RFC 5425 (4.4) asks: the receiver answers a close_notify when it has read
everything before it, and only then the batch counts as sent.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Sequence
from typing import Final

from strongroom.forwarding.events import Event
from strongroom.forwarding.local_files import load_certificate, trusting
from strongroom.forwarding.targets import DeliveryFailed, SyslogTarget

TIMEOUT_SECONDS: Final = 5.0
_PRIORITY: Final = 13 * 8 + 6
"""Facility "log audit", severity "informational"."""
_VERSION: Final = 1
_PROGRAM: Final = "strongroom"


class SyslogOverTls:
    """Sends to a syslog server."""

    def __init__(self, target: SyslogTarget, *, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self._target = target
        self._timeout_seconds = timeout_seconds
        self._host_name = socket.gethostname() or "-"

    def send(self, events: Sequence[Event]) -> None:
        place = f"{self._target.host}:{self._target.port}"
        content = b"".join(framed(message(event, self._host_name)) for event in events)
        try:
            context = self._context()
            with (
                socket.create_connection((self._target.host, self._target.port), self._timeout_seconds) as plain,
                context.wrap_socket(plain, server_hostname=self._target.host) as connection,
            ):
                connection.sendall(content)
                if self._target.confirmed:
                    connection.unwrap()
        except TimeoutError:
            raise DeliveryFailed(f"{place} did not take the messages within {self._timeout_seconds:g} s") from None
        except ssl.SSLCertVerificationError as error:
            raise DeliveryFailed(f"the certificate of {place} is not trusted: {error.verify_message}") from None
        except ssl.SSLEOFError:
            raise DeliveryFailed(f"{place} ended the connection without the close_notify of RFC 5425") from None
        except OSError as error:
            raise DeliveryFailed(f"{place} cannot be reached: {error.strerror or error}") from None

    def close(self) -> None:
        """Nothing is kept open."""

    def _context(self) -> ssl.SSLContext:
        context = trusting(self._target.ca_file)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        load_certificate(context, self._target.certificate, self._target.key)
        return context


def message(event: Event, host_name: str) -> bytes:
    """A syslog message; the text is JSON in UTF-8."""
    head = f"<{_PRIORITY}>{_VERSION} {event.time} {host_name} {_PROGRAM} - {event.kind} - "
    return head.encode() + b"\xef\xbb\xbf" + event.text.encode()


def framed(content: bytes) -> bytes:
    """Octet counting."""
    return f"{len(content)} ".encode() + content
