"""Verification of an export, or of stores read as one: what breaks, where, and up to where the rest is proven.

Offline and without a key. Three things are checked against each other: the chain of entries, the checkpoints that
the HSM's identity signed, and heads that somebody has seen before. What only a newer head could tell (whether entries
at the end were cut off) is said, not passed over. The MACs of entries are the boundary's own and are not checked here.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from strongroom.audit.chain import Chain, missing
from strongroom.audit.checkpoints import NotProven, check_identity, check_signature
from strongroom.audit.export import BrokenExport, CheckpointLine, End, EntryLine, Header, HsmEnd, HsmLine, Line
from strongroom.audit.hsm_logs import HsmLog
from strongroom.audit.receipts import Head
from strongroom.audit.text import moment
from strongroom.vocabulary.records import UNREADABLE, AuditIdentity, Checkpoint

MOST_UNSIGNED: Final = 1_000
"""An HSM signs before so many entries stand unsigned."""
_GIVEN: Final = "the checkpoint that was given"
_NAMED: Final = 100
"""So many breaks of an HSM are named; more are counted."""


@dataclass(frozen=True, slots=True)
class Break:
    """Where a log breaks, and how. ``sequence`` is ``None`` where it is not about one place."""

    hsm_id: str
    sequence: int | None
    text: str


@dataclass(slots=True)
class HsmReport:
    """What was found of one HSM's log."""

    cluster_id: str
    hsm_id: str
    entries: int = 0
    checkpoints: int = 0
    last: int | None = None
    """Sequence of the last entry."""
    proven: int | None = None
    """Sequence of the last entry that a good checkpoint is for."""
    proven_us: int = 0
    """When that checkpoint was signed."""
    head: int | None = None
    """The newest head that the log was compared with and holds."""
    breaks: list[Break] = field(default_factory=list)
    more_breaks: int = 0


@dataclass(slots=True)
class Report:
    """What was found of all. ``anchored`` says whether the certificates lead to a root that the verifier brought."""

    anchored: bool
    hsms: list[HsmReport] = field(default_factory=list)
    breaks: list[Break] = field(default_factory=list)
    """What is about no HSM's log that is there."""

    @property
    def all_breaks(self) -> list[Break]:
        return [*self.breaks, *(found for hsm in self.hsms for found in hsm.breaks)]

    @property
    def holds(self) -> bool:
        return not self.all_breaks


@dataclass(frozen=True, slots=True)
class Seen:
    """What a verifier has from elsewhere. ``source`` names it in a sentence: "the head that was given"."""

    head: Head
    source: str


def verify(
    lines: Iterable[Line],
    *,
    anchors: Sequence[x509.Certificate] = (),
    seen: Sequence[Seen] = (),
    checkpoints: Sequence[Checkpoint] = (),
    live: Sequence[HsmLog] | None = None,
) -> Report:
    """Check everything. ``checkpoints`` were kept or forwarded: each must be signed, and counts as a head.

    ``live`` has the logs that the lines are an earlier state of: each must go on from where its lines end.
    """
    verification = _Verification(anchors, seen, checkpoints, live)
    try:
        for line in lines:
            verification.take(line)
    except BrokenExport as error:
        verification.tell(str(error))
    return verification.end()


class _Verification:
    """Takes the lines of an export, each to the HSM that it is of."""

    def __init__(
        self,
        anchors: Sequence[x509.Certificate],
        seen: Sequence[Seen],
        checkpoints: Sequence[Checkpoint],
        live: Sequence[HsmLog] | None,
    ) -> None:
        self._anchors = anchors
        self._live = None if live is None else {log.hsm_id: log for log in live}
        self._report = Report(anchored=bool(anchors))
        self._seen: defaultdict[str, list[Seen]] = defaultdict(list)
        for each in seen:
            self._seen[each.head.hsm_id].append(each)
        self._kept: defaultdict[str, list[Checkpoint]] = defaultdict(list)
        for checkpoint in checkpoints:
            self._kept[checkpoint.hsm_id].append(checkpoint)
        self._present: set[str] = set()
        self._current: _HsmCheck | None = None
        self._ended = False

    def take(self, line: Line) -> None:
        """Raises :class:`BrokenExport` for one that is out of place."""
        current = self._current
        if isinstance(line, EntryLine) and current is not None:
            current.entry(line)
        elif isinstance(line, CheckpointLine) and current is not None:
            current.checkpoint(line.value)
        elif isinstance(line, HsmLine) and current is None and line.hsm_id not in self._present and not self._ended:
            self._present.add(line.hsm_id)
            self._current = _HsmCheck(line, self._anchors, self._seen[line.hsm_id], self._kept[line.hsm_id])
            self._report.hsms.append(self._current.report)
        elif isinstance(line, HsmEnd) and current is not None:
            current.end(line)
            if self._live is not None:
                current.compare(self._live.get(current.report.hsm_id))
            self._current = None
        elif isinstance(line, End) and current is None and not self._ended:
            self._ended = True
            if line.hsms != len(self._present):
                self.tell(f"the export says that it holds {line.hsms} HSMs, and holds {len(self._present)}")
        elif not isinstance(line, Header):
            raise BrokenExport("the lines of the export are not in their order")

    def tell(self, text: str, hsm_id: str = "") -> None:
        self._report.breaks.append(Break(hsm_id, None, text))

    def end(self) -> Report:
        if self._current is not None:
            self._current.end(None)
        if not self._ended:
            self.tell("the export is not whole: its last line has not been reached")
        for hsm_id in sorted((self._seen.keys() | self._kept.keys()) - self._present):
            sources = [each.source for each in self._seen[hsm_id]] or [_GIVEN] * bool(self._kept[hsm_id])
            if sources:
                self.tell(f"the log of {hsm_id} is missing, which {sources[0]} has seen", hsm_id)
        return self._report


class _HsmCheck:
    """One HSM's lines."""

    def __init__(
        self, line: HsmLine, anchors: Sequence[x509.Certificate], seen: Sequence[Seen], kept: Sequence[Checkpoint]
    ) -> None:
        self.report = HsmReport(line.cluster_id, line.hsm_id)
        self._told: set[int] = set()
        self._chain = Chain(line.hsm_id, self._tell)
        self._decoder = msgspec.msgpack.Decoder(Checkpoint)
        self._signed = 0
        self._key = self._identity_key(line, anchors)
        self._heads: defaultdict[int, list[Seen]] = defaultdict(list)
        for each in [*seen, *self._from_checkpoints(kept)]:
            self._heads[each.head.sequence].append(each)

    def entry(self, line: EntryLine) -> None:
        self.report.entries += 1
        entry = self._chain.follow(line.value)
        if entry is None:
            return
        if line.row_time_us is not None:
            self._tell(
                entry.sequence,
                f"entry {entry.sequence:#x} stands in the store under the time {moment(line.row_time_us)}, which "
                "is not its own: that was altered",
            )
        self.report.last = entry.sequence
        for seen in self._heads.pop(entry.sequence, ()):
            if self._chain.last_hash is None or self._chain.last_hash.hex() != seen.head.entry_hash:
                self._tell_once(
                    entry.sequence,
                    f"entry {entry.sequence:#x} is not the one that {seen.source} has seen: it was altered",
                )
            else:
                self.report.head = max(self.report.head or 0, entry.sequence)

    def checkpoint(self, value: bytes) -> None:
        self.report.checkpoints += 1
        try:
            checkpoint = self._decoder.decode(value)
        except UNREADABLE:
            self._tell(None, "a checkpoint cannot be read: it was altered")
            return
        number, next_number = checkpoint.sequence, self._chain.expected
        if (checkpoint.hsm_id, checkpoint.cluster_id) != (self.report.hsm_id, self.report.cluster_id):
            self._tell(number, f"a checkpoint of {checkpoint.hsm_id} in {checkpoint.cluster_id} stands in this log")
            return
        if not self._is_signed(checkpoint):
            return
        if number - self._signed >= MOST_UNSIGNED:
            self._tell_once(
                self._signed,
                f"a checkpoint between entries {self._signed:#x} and {number:#x} is missing: it was removed",
            )
        if number >= next_number:
            self._tell_once(next_number, f"{missing(next_number, number)}, for which the HSM has signed")
            return
        self._signed = number + 1
        if number in self._chain.gap:
            return  # told already: it is for an entry that is missing
        if number != next_number - 1:
            self._tell(number, f"the checkpoint for entry {number:#x} is not where it belongs")
        elif self._chain.last_hash != checkpoint.entry_hash:
            self._tell_once(number, self._unlike(number))
        else:
            self.report.proven, self.report.proven_us = number, checkpoint.time_us

    def end(self, line: HsmEnd | None) -> None:
        report, last = self.report, self._chain.expected - 1
        for number, seen in sorted(self._heads.items()):
            source = seen[0].source
            text = missing(last + 1, number) if number > last else missing(number, number)
            self._tell_once(min(number, last + 1), f"{text}, which {source} has seen")
        if last + 1 - self._signed > MOST_UNSIGNED:
            self._tell_once(
                self._signed,
                f"no checkpoint is for entry {self._signed:#x} or the {last - self._signed:,} entries after it",
            )
        if line is not None and (line.entries, line.checkpoints) != (report.entries, report.checkpoints):
            self._tell(
                None,
                f"the export says that it holds {line.entries:,} entries and {line.checkpoints:,} checkpoints, and has "
                f"{report.entries:,} and {report.checkpoints:,}",
            )

    def compare(self, live: HsmLog | None) -> None:
        """The log that the lines are an earlier state of must hold the last of them."""
        last = self.report.last
        if last is None or self._chain.last_hash is None:
            return  # nothing was written, or it has been told that the last one is none
        found = live.store.scan(live.entries, after=last - 1, limit=1) if live is not None else []
        if not found or found[0].sequence != last:
            self._tell_once(last, f"entry {last:#x} is missing from this installation: its log was cut off")
        elif hashlib.sha256(found[0].value).digest() != self._chain.last_hash:
            self._tell_once(last, f"entry {last:#x} is not the one that this installation has: one of them was altered")
        else:
            self.report.head = max(self.report.head or 0, last)

    def _unlike(self, number: int) -> str:
        since = "" if self.report.proven is None else f" after entry {self.report.proven:#x}"
        return (
            f"entry {number:#x} is not the one for which the HSM has signed: it, or one before it{since}, was altered"
        )

    def _identity_key(self, line: HsmLine, anchors: Sequence[x509.Certificate]) -> ec.EllipticCurvePublicKey | None:
        if line.identity is None:
            self._tell(None, "its identity is missing: nothing can tell whether the HSM has signed its checkpoints")
            return None
        try:
            identity = msgspec.msgpack.decode(line.identity, type=AuditIdentity)
        except UNREADABLE:
            self._tell(None, "its identity cannot be read: it was altered")
            return None
        if (identity.hsm_id, identity.cluster_id) != (line.hsm_id, line.cluster_id):
            self._tell(None, f"its identity is that of {identity.hsm_id} in {identity.cluster_id}")
            return None
        try:
            return check_identity(identity, anchors)
        except NotProven as error:
            self._tell(None, str(error))
            return None

    def _from_checkpoints(self, kept: Sequence[Checkpoint]) -> list[Seen]:
        heads = []
        for checkpoint in kept:
            if self._is_signed(checkpoint):
                head = Head(checkpoint.hsm_id, checkpoint.sequence, checkpoint.entry_hash.hex(), checkpoint.cluster_id)
                heads.append(Seen(head, _GIVEN))
        return heads

    def _is_signed(self, checkpoint: Checkpoint) -> bool:
        """Without a key the lack of it has been told already, and nothing counts as signed."""
        if self._key is None:
            return False
        try:
            check_signature(checkpoint, self._key)
        except NotProven as error:
            self._tell(checkpoint.sequence, str(error))
            return False
        return True

    def _tell_once(self, sequence: int, text: str) -> None:
        """Say it unless the chain has broken at this place already."""
        if sequence not in self._told:
            self._tell(sequence, text)

    def _tell(self, sequence: int | None, text: str) -> None:
        if len(self.report.breaks) == _NAMED:
            self.report.more_breaks += 1
            return
        if sequence is not None:
            self._told.add(sequence)
        self.report.breaks.append(Break(self.report.hsm_id, sequence, text))
