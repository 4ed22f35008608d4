"""What can go wrong on the client's side; ``str(error)`` is always a sentence for people, without secrets."""

from __future__ import annotations

from typing import Final

CKR_OBJECT_HANDLE_INVALID: Final = 0x82
CKR_SIGNATURE_INVALID: Final = 0xC0
CKR_SIGNATURE_LEN_RANGE: Final = 0xC1
CKR_USER_NOT_LOGGED_IN: Final = 0x101


class ClientError(Exception):
    """Anything that the SDK raises of its own."""


class ConfigurationError(ClientError):
    """No configuration file, one that cannot be read, or one that does not name the wanted cluster."""


class Refused(ClientError):
    """An HSM refused a request.

    ``rv`` is the PKCS #11 return code (``CKR_*``), ``text`` the HSM's sentence.
    """

    def __init__(self, rv: int, text: str) -> None:
        super().__init__(text or f"The HSM refused the request with code 0x{rv:x}.")
        self.rv = rv
        self.text = text


class ConnectionFailed(Refused):
    """No HSM answered, or none passed the server check."""


class SignatureInvalid(Refused):
    """A signature does not belong to the data and the key."""


class KeyNotFound(ClientError):
    """No visible key matches."""


class AmbiguousKey(ClientError):
    """Several keys match where one is needed."""
