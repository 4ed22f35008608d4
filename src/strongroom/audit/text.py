"""The text of an audit entry, in AWS's layout field by field (aws-cloudhsm 7.2)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from strongroom.vocabulary.records import AuditEntry
from strongroom.vocabulary.roles import AUDIT_NAMES, Role

COMMAND_TYPE: Final = "CN_MGMT_CMD (0x0)"
MINIMAL: Final = "MINIMAL_LOG_ENTRY (0)"
KEY_DETAILS: Final = "MGMT_KEY_DETAILS_LOG (1)"
USER_DETAILS: Final = "MGMT_USER_DETAILS_LOG (2)"
KEY_OPERATIONS: Final = frozenset(
    {
        "generate_key",
        "generate_key_pair",
        "create_object",
        "destroy_object",
        "set_attributes",
        "wrap_key",
        "unwrap_key",
        "derive_key",
    }
)
"""Their entries have key handles, 0 where there is no key: also those of refusals."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def render(entry: AuditEntry) -> str:
    """The entry as CloudWatch Logs shows it: one field a line, no newline at the end."""
    time = _EPOCH + timedelta(microseconds=entry.time_us)
    lines = [
        f"Time: {time:%m/%d/%y %H:%M:%S.%f}, usecs:{entry.time_us}",
        f"Sequence No : {entry.sequence:#x}",
        f"Reboot counter : {entry.reboot_counter:#x}",
        f"Command Type(hex) : {COMMAND_TYPE}",
        f"Opcode : {entry.opcode} ({entry.opcode_number:#x})",
        f"Session Handle : {entry.session:#x}",
        f"Response : {entry.response}:{entry.response_text}",
        f"Log type : {log_type(entry)}",
    ]
    details = log_type(entry)
    if details == KEY_DETAILS:
        lines.append(f"Priv/Secret Key Handle : {entry.private_reference}")
        lines.append(f"Public Key Handle : {entry.public_reference}")
    elif details == USER_DETAILS:
        lines.append(f"User Name : {entry.username}")
        lines.append(f"User Type : {AUDIT_NAMES[Role(entry.user_type)]}")
    return "\n".join(lines)


def log_type(entry: AuditEntry) -> str:
    """The entry's log type: what details it carries."""
    if entry.operation in KEY_OPERATIONS:
        return KEY_DETAILS
    return USER_DETAILS if entry.username else MINIMAL
