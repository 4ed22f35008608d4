"""Refusals: a PKCS #11 code, a sentence for people, whether another HSM may answer, and what the audit entry says."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Rv(IntEnum):
    """The PKCS #11 return codes that the brain gives (PKCS #11 2.40 section 11.1)."""

    GENERAL_ERROR = 0x005
    FUNCTION_FAILED = 0x006
    ARGUMENTS_BAD = 0x007
    ACTION_PROHIBITED = 0x01B
    DATA_LEN_RANGE = 0x021
    DEVICE_ERROR = 0x030
    DEVICE_MEMORY = 0x031
    KEY_HANDLE_INVALID = 0x060
    OBJECT_HANDLE_INVALID = 0x082
    PIN_INCORRECT = 0x0A0
    PIN_LEN_RANGE = 0x0A2
    PIN_LOCKED = 0x0A4
    SESSION_COUNT = 0x0B1
    SIGNATURE_INVALID = 0x0C0
    USER_NOT_LOGGED_IN = 0x101
    USER_PIN_NOT_INITIALIZED = 0x102
    USER_TYPE_INVALID = 0x103


class Retry(IntEnum):
    """What a client may do about a refusal; the numbers are the wire's."""

    PURE = 1
    """Nothing was done: another HSM may answer."""
    CREATE = 2
    CHANGE = 3
    NEVER = 4


@dataclass(frozen=True, slots=True)
class AuditResponse:
    """The ``Response`` line of an audit entry: its number and text (aws-cloudhsm 7.2)."""

    code: int
    text: str


SUCCESS = AuditResponse(0, "HSM Return: SUCCESS")
NO_SUCH_USER = AuditResponse(157, "HSM Error: user isn't initialized or user with this name doesn't exist")
LOGIN_FAILURE = AuditResponse(163, "HSM Error: RET_USER_LOGIN_FAILURE")


class Refusal(Exception):
    """The brain refuses a request. ``text`` says what was wrong and what to do; it holds no secret."""

    def __init__(self, rv: int, text: str, *, retry: Retry = Retry.NEVER, audit: AuditResponse | None = None) -> None:
        super().__init__(text)
        self.rv = rv
        self.text = text
        self.retry = retry
        self.audit = audit or AuditResponse(rv, f"HSM Error: {text}")


class StoreDiverged(Exception):
    """The store no longer continues what this HSM has applied; the message names what differs and what to do."""
