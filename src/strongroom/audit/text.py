"""The text of an audit entry, in AWS's layout field by field (aws-cloudhsm 7.2)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

from strongroom.vocabulary.records import AuditEntry
from strongroom.vocabulary.roles import AUDIT_NAMES, Role

COMMAND_TYPE: Final = "CN_MGMT_CMD (0x0)"
MINIMAL: Final = "MINIMAL_LOG_ENTRY (0)"
KEY_DETAILS: Final = "MGMT_KEY_DETAILS_LOG (1)"
USER_DETAILS: Final = "MGMT_USER_DETAILS_LOG (2)"
UNKNOWN_DETAILS: Final = "UNKNOWN_LOG_TYPE (5)"
"""AWS's reader does not know its own type of the entries of sharing."""
SHARE_OPERATIONS: Final = frozenset({"share_key", "unshare_key"})
KEY_OPERATIONS: Final = SHARE_OPERATIONS | frozenset(
    {
        "generate_key",
        "generate_key_pair",
        "create_object",
        "destroy_object",
        "set_attributes",
        "wrap_key",
        "wrap_with_approval",
        "sign_with_approval",
        "unwrap_key",
        "derive_key",
        "encapsulate_key",
        "decapsulate_key",
        "copy_object",
    }
)
"""Their entries have key handles, 0 where there is no key: also those of refusals."""
_NUMBER: Final = re.compile("[0-9a-fx]+")
_UNKNOWN: Final = "CN_UNKNOWN"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def render(entry: AuditEntry) -> str:
    """The entry as CloudWatch Logs shows it: one field a line, no newline at the end.

    It has a text for whatever can be decoded, also for what nobody but an attacker writes.
    """
    seconds, microseconds = divmod(entry.time_us, 1_000_000)
    details = log_type(entry)
    text = (
        f"Time: {_second(seconds)}.{microseconds:06d}, usecs:{entry.time_us}\n"
        f"Sequence No : {entry.sequence:#x}\n"
        f"Reboot counter : {entry.reboot_counter:#x}\n"
        f"Command Type(hex) : {COMMAND_TYPE}\n"
        f"Opcode : {entry.opcode} ({entry.opcode_number:#x})\n"
        f"Session Handle : {entry.session:#x}\n"
        f"Response : {entry.response}:{entry.response_text}\n"
        f"Log type : {details}"
    )
    if details == UNKNOWN_DETAILS:
        # One opcode is for both.
        text += f"\nOperation : {entry.operation}"
    if details in {KEY_DETAILS, UNKNOWN_DETAILS}:
        text += f"\nPriv/Secret Key Handle : {entry.private_reference}\nPublic Key Handle : {entry.public_reference}"
    if details in {USER_DETAILS, UNKNOWN_DETAILS}:
        text += f"\nUser Name : {entry.username}\nUser Type : {_user_type(entry.user_type)}"
    return text


def moment(time_us: int, timespec: str = "microseconds") -> str:
    """ISO 8601 in UTC. What is no time, as an altered entry may have it, is given as it is."""
    try:
        found = _EPOCH + timedelta(microseconds=time_us)
    except OverflowError:
        return f"{time_us} us"
    return found.isoformat(timespec=timespec).replace("+00:00", "Z")


def stored_word(word: str) -> bytes | None:
    """What the stored form of every entry holds whose text has the word; ``None`` where that cannot be told.

    A word that is no number and not of the layout is that of a field, and the fields are stored as they are shown.
    """
    if not word.isidentifier() or _NUMBER.fullmatch(word) or word in _LAYOUT:
        return None
    return word.encode()


@lru_cache(maxsize=256)
def _second(seconds: int) -> str:
    """A search renders many entries, and formatting a date is the dearest part of each."""
    try:
        return f"{_EPOCH + timedelta(seconds=seconds):%m/%d/%y %H:%M:%S}"
    except OverflowError:
        return "00/00/00 00:00:00"


def _user_type(number: int) -> str:
    return AUDIT_NAMES[Role(number)] if number in set(Role) else f"{_UNKNOWN} ({number})"


def log_type(entry: AuditEntry) -> str:
    """The entry's log type: what details it carries."""
    if entry.operation in SHARE_OPERATIONS:
        return UNKNOWN_DETAILS
    if entry.operation in KEY_OPERATIONS:
        return KEY_DETAILS
    return USER_DETAILS if entry.username else MINIMAL


_LAYOUT: Final = " ".join(
    [
        *(
            render(AuditEntry("", 0, 0, 0, operation, "", 0, 0, 0, "", b"", username=username))
            for operation, username in (("", ""), ("", "name"), ("generate_key", ""), ("share_key", ""))
        ),
        *AUDIT_NAMES.values(),
        _UNKNOWN,
    ]
)
