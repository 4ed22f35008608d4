"""How entries are shown: as rows of a table, or as JSON objects, one a line."""

from __future__ import annotations

import json
from typing import Final

from strongroom.audit.search import Told
from strongroom.audit.text import moment
from strongroom.printable import printable
from strongroom.vocabulary.records import AuditEntry
from strongroom.vocabulary.roles import CLI_NAMES, Role

HEADINGS: Final = ("TIME (UTC)", "HSM", "ENTRY", "OPCODE", "USER", "KEY", "SESSION", "RESPONSE")
_WIDTHS: Final = (23, 15, 7, 20, 18, 18, 8, 0)


def heading() -> str:
    return _row(HEADINGS)


def row(told: Told) -> str:
    """A line of the table; what does not fit into its column is not cut."""
    entry = told.entry
    response = "ok" if entry.response == 0 else f"{entry.response}: {entry.response_text.removeprefix('HSM Error: ')}"
    if entry.response == 0 and "(" in entry.response_text:
        response += entry.response_text[entry.response_text.index("(") - 1 :]
    if entry.dropped:
        response += f" (and {entry.dropped} more before it)"
    return _row(
        (
            moment(entry.time_us, "milliseconds").replace("T", " ").removesuffix("Z"),
            entry.hsm_id,
            f"{entry.sequence:#x}",
            entry.opcode.removeprefix("CN_"),
            entry.username or "-",
            _keys(entry) or "-",
            f"{entry.session:#x}",
            response,
        )
    )


def as_json(told: Told) -> str:
    entry = told.entry
    values = {
        "time": moment(entry.time_us),
        "cluster_id": told.cluster_id,
        "hsm_id": entry.hsm_id,
        "sequence": entry.sequence,
        "reboot_counter": entry.reboot_counter,
        "operation": entry.operation,
        "opcode": entry.opcode,
        "opcode_number": entry.opcode_number,
        "session": entry.session,
        "response": entry.response,
        "response_text": entry.response_text,
        "username": entry.username,
        "role": CLI_NAMES.get(Role(entry.user_type), "") if entry.user_type in set(Role) else "",
        "private_key": _reference(entry.private_reference),
        "public_key": _reference(entry.public_reference),
        "request_id": entry.request_id.hex() if entry.request_id else None,
        "dropped": entry.dropped,
    }
    return json.dumps(values)


def _keys(entry: AuditEntry) -> str:
    found = (_reference(entry.private_reference), _reference(entry.public_reference))
    return " ".join(reference for reference in found if reference)


def _reference(reference: int) -> str | None:
    return f"{reference:#018x}" if reference else None


def _row(columns: tuple[str, ...]) -> str:
    return "  ".join(f"{printable(column):<{width}}" for column, width in zip(columns, _WIDTHS, strict=True)).rstrip()
