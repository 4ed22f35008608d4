"""What can go wrong on the client's side; ``str(error)`` is always a sentence for people, without secrets."""

from __future__ import annotations

from typing import Final

from strongroom.client.return_codes import HINTS, ReturnCode


class ClientError(Exception):
    """Anything that the SDK raises of its own."""


class ConfigurationError(ClientError):
    """No configuration file, one that cannot be read, one that does not name the wanted cluster, or no credentials."""


class KeyNotFound(ClientError, LookupError):
    """No visible object matches."""


class AmbiguousKey(ClientError, LookupError):
    """Several objects match where one is needed."""


class NotExportable(ClientError, ValueError):
    """Key material was asked for that never leaves the HSM in clear."""


class Refused(ClientError):
    """A request was refused.

    ``rv`` is the number of the PKCS #11 return code (``CKR_*``), ``text`` the sentence that came with it. Tracebacks
    show the code and the hint too.
    """

    def __init__(self, rv: int, text: str) -> None:
        super().__init__(rv, text)
        self.rv = rv
        self.text = text
        self.add_note(f"{self.name} (0x{rv:x})")
        if self.hint is not None:
            self.add_note(f"Hint: {self.hint}")

    @property
    def code(self) -> ReturnCode | None:
        """The return code; ``None`` for a number that this release has no name for."""
        return ReturnCode(self.rv) if self.rv in _KNOWN else None

    @property
    def name(self) -> str:
        """The standard's name, such as ``CKR_PIN_INCORRECT``."""
        return f"CKR_{self.code.name}" if self.code is not None else "CKR_?"

    @property
    def hint(self) -> str | None:
        """What can be done about it, where there is a general answer."""
        return HINTS.get(self.code) if self.code is not None else None

    def __str__(self) -> str:
        return self.text or f"The HSM refused the request with code 0x{self.rv:x}."


class ConnectionFailed(Refused):
    """No HSM answered, or none passed the server check."""


class LoginFailed(Refused):
    """Name, role and password are not those of a user, or the user is locked."""


class LoginEnded(Refused):
    """There is no login, or no longer."""


class NotPermitted(Refused):
    """The user's role, the key's owner, usage or attributes do not allow it."""


class SignatureInvalid(Refused):
    """A signature or MAC does not belong to the data and the key."""


class DecryptionFailed(Refused, ValueError):
    """What was to be decrypted or unwrapped was altered, or is not of this key, IV or additional data."""


_KNOWN: Final = frozenset(ReturnCode)
_CLASSES: Final[dict[int, type[Refused]]] = {
    ReturnCode.PIN_INCORRECT: LoginFailed,
    ReturnCode.PIN_LOCKED: LoginFailed,
    ReturnCode.USER_NOT_LOGGED_IN: LoginEnded,
    ReturnCode.ACTION_PROHIBITED: NotPermitted,
    ReturnCode.ATTRIBUTE_READ_ONLY: NotPermitted,
    ReturnCode.KEY_FUNCTION_NOT_PERMITTED: NotPermitted,
    ReturnCode.KEY_NOT_WRAPPABLE: NotPermitted,
    ReturnCode.KEY_UNEXTRACTABLE: NotPermitted,
    ReturnCode.USER_TYPE_INVALID: NotPermitted,
    ReturnCode.SIGNATURE_INVALID: SignatureInvalid,
    ReturnCode.SIGNATURE_LEN_RANGE: SignatureInvalid,
    ReturnCode.ENCRYPTED_DATA_INVALID: DecryptionFailed,
    ReturnCode.ENCRYPTED_DATA_LEN_RANGE: DecryptionFailed,
    ReturnCode.WRAPPED_KEY_INVALID: DecryptionFailed,
    ReturnCode.WRAPPED_KEY_LEN_RANGE: DecryptionFailed,
}


def refusal(rv: int, text: str) -> Refused:
    """The exception for a return code."""
    return _CLASSES.get(rv, Refused)(rv, text)
