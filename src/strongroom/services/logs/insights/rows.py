"""A row: an event and what a query has computed of it; or what ``stats`` made of many."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from strongroom.services.logs.insights.values import Timestamp, Value, weight
from strongroom.services.logs.merging import Found

_ROW_BYTES: Final = 500
_MOST_NUMBER: Final = 1 << 64
DEFAULT_COLUMNS: Final = ("@timestamp", "@message", "@logStream", "@log", "@ingestionTime")


@dataclass(slots=True)
class Row:
    """``event`` is ``None`` in rows of ``stats``; ``log`` is ``account:group``."""

    event: Found | None
    log: str = ""
    values: dict[str, Value] = field(default_factory=dict)
    _document: Any = None

    def get(self, name: str) -> Value:
        """A computed field, one of the event's own, or a member of a message in JSON."""
        if name in self.values:
            return self.values[name]
        if self.event is None:
            return None
        match name:
            case "@message":
                return self.event.event.message
            case "@timestamp":
                return Timestamp(self.event.event.timestamp_ms)
            case "@ingestionTime":
                return Timestamp(self.event.event.ingested_ms)
            case "@logStream":
                return self.event.stream.name
            case "@log":
                return self.log
            case "@ptr":
                return self.pointer()
        return None if name.startswith("@") else self._member(name)

    def pointer(self) -> str:
        """Tells this event from all others; opaque."""
        if self.event is None:
            return ""
        event_id = self.event.stream.events.event_id(self.event.event)
        return base64.urlsafe_b64encode(f"{self.log}/{event_id}".encode()).decode().rstrip("=")

    def weight(self) -> int:
        """About how many bytes it takes."""
        stored = len(self.event.event.stored.value) if self.event else 0
        return _ROW_BYTES + 2 * stored + sum(map(weight, self.values.values()))

    def forget_document(self) -> None:
        """Give the memory of a message in JSON back, which is many times that of its text."""
        self._document = None

    def _member(self, name: str) -> Value:
        if self._document is None:
            self._document = _decoded(self.get("@message"))
        if name in self._document:
            return _scalar(self._document[name])
        found: Any = self._document
        for step in name.split("."):
            if isinstance(found, dict) and step in found:
                found = found[step]
            elif isinstance(found, list) and step.isdecimal() and int(step) < len(found):
                found = found[int(step)]
            else:
                return None
        return _scalar(found)


def _decoded(message: Value) -> dict[str, Any]:
    if not isinstance(message, str) or not message.lstrip().startswith("{"):
        return {}
    try:
        document = msgspec.json.decode(message)
    except (msgspec.DecodeError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _scalar(value: Any) -> Value:  # noqa: ANN401 - any JSON value
    if isinstance(value, int) and abs(value) > _MOST_NUMBER:
        return str(value)
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return msgspec.json.encode(value).decode()
