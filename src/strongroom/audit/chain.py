"""The chain of one HSM's entries: each follows the one before it, in number, hash, time and reboot counter.

Pure: entries go in one after the other, breaks come out with their place. Memory does not grow with the log.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Final

import msgspec

from strongroom.vocabulary.records import UNREADABLE, AuditEntry

ALTERED_OPCODE: Final = 0xFF02
"""The HSM itself says that it found its log altered."""

Tell = Callable[[int | None, str], None]
"""Takes the sequence at which the log breaks, and a sentence."""


class Chain:
    """Follows the entries of one HSM."""

    def __init__(self, hsm_id: str, tell: Tell) -> None:
        self._hsm_id = hsm_id
        self._tell = tell
        self._decoder = msgspec.msgpack.Decoder(AuditEntry)
        self._reboot_counter = 0
        self.expected = 0
        """The sequence of the next entry."""
        self.last_hash: bytes | None = b""
        """SHA-256 of the last entry in its place; ``None`` after one that cannot be read."""
        self.gap = range(0)
        """The sequences that the last gap should have held."""
        self._time_us = 0

    def follow(self, value: bytes) -> AuditEntry | None:
        """The next entry as it stands in the log; gives it if it is in its place."""
        try:
            entry = self._decoder.decode(value)
        except UNREADABLE:
            self._tell(self.expected, f"entry {self.expected:#x} is not an audit entry: it was altered")
            self.expected, self.last_hash = self.expected + 1, None
            return None
        if entry.hsm_id != self._hsm_id:
            self._tell(self.expected, f"an entry of {entry.hsm_id} stands where entry {self.expected:#x} belongs")
            return None
        if entry.sequence < self.expected:
            self._tell(
                entry.sequence,
                f"entry {entry.sequence:#x} stands after entry {self.expected - 1:#x}: it was moved or duplicated",
            )
            return None
        self._check_place(entry)
        self.expected, self.last_hash = entry.sequence + 1, hashlib.sha256(value).digest()
        self._reboot_counter, self._time_us = entry.reboot_counter, entry.time_us
        if entry.opcode_number == ALTERED_OPCODE:
            self._tell(entry.sequence, f"the HSM says in entry {entry.sequence:#x}: {entry.response_text}")
        return entry

    def _check_place(self, entry: AuditEntry) -> None:
        number = entry.sequence
        if number > self.expected:
            self.gap = range(self.expected, number)
            self._tell(self.expected, missing(self.expected, number - 1))
        elif self.last_hash is not None and entry.previous != self.last_hash:
            if number == 0:
                self._tell(0, "entry 0x0 was chained to another one: it was altered, or what stood before it is gone")
            else:
                self._tell(
                    number - 1,
                    f"entry {number - 1:#x} is not the one that entry {number:#x} was chained to: it was altered",
                )
        if entry.time_us < self._time_us:
            self._tell(number, f"entry {number:#x} is older than the one before it: it was altered")
        if entry.reboot_counter < self._reboot_counter:
            self._tell(number, f"the reboot counter goes back in entry {number:#x}: it was altered")


def missing(first: int, last: int) -> str:
    """What to say of entries that are not there."""
    if first == last:
        return f"entry {first:#x} is missing"
    return f"entries {first:#x} to {last:#x} are missing"
