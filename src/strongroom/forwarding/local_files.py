"""Files of this machine that a target names: what is wrong with one is told as that, not as a receiver that is away."""

from __future__ import annotations

import ssl
from pathlib import Path

from strongroom.forwarding.targets import DeliveryFailed


def trusting(ca_file: str) -> ssl.SSLContext:
    """A context that trusts the certificates of a file, or the system's. Raises :class:`DeliveryFailed`."""
    check_readable("--ca-file", ca_file)
    try:
        return ssl.create_default_context(cafile=ca_file or None)
    except ssl.SSLError as error:
        raise DeliveryFailed(f"the file {ca_file} (--ca-file) holds no certificates: {_reason(error)}") from None


def check_trusted(ca_file: str) -> None:
    """Raises :class:`DeliveryFailed` when the file cannot be used."""
    if ca_file:
        trusting(ca_file)


def load_certificate(context: ssl.SSLContext, certificate: str, key: str) -> None:
    """Let a context show a client's certificate, if there is one. Raises :class:`DeliveryFailed`."""
    check_readable("--certificate", certificate)
    check_readable("--key", key)
    if not certificate:
        return
    try:
        context.load_cert_chain(certificate, key or None)
    except ssl.SSLError as error:
        files = f"{certificate} (--certificate) and {key or certificate} (--key)"
        raise DeliveryFailed(f"the files {files} cannot be used: {_reason(error)}") from None


def check_readable(option: str, path: str) -> None:
    """Raises :class:`DeliveryFailed`, which names the option, when there is a path and the file cannot be read."""
    if path:
        _content(option, path)


def read_lines(option: str, path: str) -> list[str]:
    """The lines of a text. Raises :class:`DeliveryFailed` when it cannot be read."""
    try:
        return _content(option, path).decode().splitlines()
    except UnicodeDecodeError:
        raise DeliveryFailed(f"the file {path} ({option}) is not in UTF-8") from None


def _content(option: str, path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise DeliveryFailed(f"the file {path} ({option}) cannot be read: {error.strerror}") from None


def _reason(error: ssl.SSLError) -> str:
    return error.reason or error.strerror or str(error)
