"""An export: audit logs as they stand in the stores, with what is needed to verify them elsewhere (JSON lines).

The format is described in docs/reference/audit-export.md. Bytes are base64 of exactly what the store holds, because
hashes and signatures are over those bytes. The lines of an HSM follow its ``hsm`` line; a checkpoint stands after the
entry that it is for, so that a reader needs no memory for either.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import IO, Final, TypeVar

import msgspec

from strongroom.audit.hsm_logs import HsmLog, rows
from strongroom.storage.interface import LogEntry
from strongroom.vocabulary.records import UNREADABLE, AuditEntry, Checkpoint

FORMAT: Final = "strongroom-audit-export-1"


class Header(msgspec.Struct, frozen=True, tag_field="kind", tag="export"):
    """The first line. ``roots`` are the installation's root certificates in PEM; a verifier trusts its own copy."""

    format: str
    made_at: str
    roots: dict[str, str]


class HsmLine(msgspec.Struct, frozen=True, tag_field="kind", tag="hsm"):
    """Begins an HSM's lines. ``identity`` is the record ``identity/<hsm id>``."""

    cluster_id: str
    hsm_id: str
    identity: bytes | None


class EntryLine(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="kind", tag="entry"):
    """An entry: msgpack of an ``AuditEntry``.

    ``row_time_us`` is there only where the store has the entry under another time than its own: that was altered.
    """

    value: bytes
    row_time_us: int | None = None


class CheckpointLine(msgspec.Struct, frozen=True, tag_field="kind", tag="checkpoint"):
    """A checkpoint: msgpack of a ``Checkpoint``."""

    value: bytes


class HsmEnd(msgspec.Struct, frozen=True, tag_field="kind", tag="hsm-end"):
    """Ends an HSM's lines."""

    entries: int
    checkpoints: int


class End(msgspec.Struct, frozen=True, tag_field="kind", tag="end"):
    """The last line."""

    hsms: int


Line = Header | HsmLine | EntryLine | CheckpointLine | HsmEnd | End


class BrokenExport(Exception):
    """A file is not an export; the sentence names the line."""


def lines_of(logs: Sequence[HsmLog], made_at: str, roots: dict[str, str]) -> Iterator[Line]:
    """Read logs as the lines of an export."""
    yield Header(FORMAT, made_at, roots)
    for log in logs:
        yield from _lines_of_hsm(log)
    yield End(len(logs))


def _lines_of_hsm(log: HsmLog) -> Iterator[Line]:
    yield HsmLine(log.cluster_id, log.hsm_id, log.identity())
    # Checkpoints first: what they are for is in the log by then, also while the HSM goes on writing.
    newest_checkpoint, newest_entry = log.newest(log.checkpoints), log.newest(log.entries)
    checkpoints = _placed(
        rows(log.store, log.checkpoints, up_to=newest_checkpoint.sequence if newest_checkpoint else -1)
    )
    entry_total = checkpoint_total = 0
    waiting = next(checkpoints, None)
    place = -1
    for row in rows(log.store, log.entries, up_to=newest_entry.sequence if newest_entry else -1):
        entry = _read(row, AuditEntry)
        if entry is None:
            yield EntryLine(row.value)
        else:
            place = entry.sequence
            yield EntryLine(row.value, row.time_us if row.time_us != entry.time_us else None)
        entry_total += 1
        while waiting is not None and waiting[0] <= place:
            yield CheckpointLine(waiting[1])
            checkpoint_total += 1
            waiting = next(checkpoints, None)
    while waiting is not None:
        yield CheckpointLine(waiting[1])
        checkpoint_total += 1
        waiting = next(checkpoints, None)
    yield HsmEnd(entry_total, checkpoint_total)


def _placed(found: Iterator[LogEntry]) -> Iterator[tuple[int, bytes]]:
    """Each checkpoint with the sequence that it is for; what cannot be read has the one of the row before it."""
    place = -1
    for row in found:
        checkpoint = _read(row, Checkpoint)
        place = checkpoint.sequence if checkpoint is not None else place
        yield place, row.value


Read = TypeVar("Read", AuditEntry, Checkpoint)


def _read(row: LogEntry, kind: type[Read]) -> Read | None:
    try:
        return msgspec.msgpack.decode(row.value, type=kind)
    except UNREADABLE:
        return None


def of_cluster(lines: Iterable[Line], cluster_id: str) -> Iterator[Line]:
    """The lines of one cluster's HSMs, as an export of that cluster alone would have them."""
    left_out, inside = 0, True
    for line in lines:
        if isinstance(line, HsmLine):
            inside = line.cluster_id == cluster_id
            left_out += not inside
        elif isinstance(line, End):
            inside, line = True, End(line.hsms - left_out)  # noqa: PLW2901 - its count is of what is left
        if inside:
            yield line


def write_lines(lines: Iterable[Line], file: IO[bytes]) -> Iterator[Line]:
    """Write each line, then give it on."""
    encoder = msgspec.json.Encoder()
    buffer = bytearray()
    for line in lines:
        encoder.encode_into(line, buffer)
        buffer.append(0x0A)
        file.write(buffer)
        buffer.clear()
        yield line


def read_lines(file: IO[bytes]) -> Iterator[Line]:
    """The lines of an export. Raises :class:`BrokenExport`."""
    decoder = msgspec.json.Decoder(Line)
    number = 0
    for number, text in enumerate(file, start=1):
        try:
            line: Line = decoder.decode(text)
        except UNREADABLE as error:
            raise BrokenExport(f"line {number} of the export is not one of its lines: {error}") from None
        if number == 1 and not (isinstance(line, Header) and line.format == FORMAT):
            raise BrokenExport(f"this is not an export of the format {FORMAT}")
        yield line
    if number == 0:
        raise BrokenExport("the export is empty")
