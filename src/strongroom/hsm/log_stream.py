"""Where the log's lines go: a full or broken disk costs lines, never the thread that writes one."""

from __future__ import annotations

import json
import os
from typing import Final

_STANDARD_ERROR: Final = 2


class LogStream:
    """Standard error for structlog's writer, which calls it under a lock. Says how many lines were lost once it can."""

    def __init__(self, descriptor: int = _STANDARD_ERROR) -> None:
        self._descriptor = descriptor
        self._lost = 0
        self._is_torn = False

    def write(self, text: str) -> int:
        """Write a line; it is lost where the file takes no more."""
        if self._lost and self._write("".join(["\n" if self._is_torn else "", self._told(), "\n"])):
            self._lost, self._is_torn = 0, False
        if self._lost or not self._write(text):
            self._lost += 1
        return len(text)

    def flush(self) -> None:
        """Nothing is held back."""

    def _write(self, text: str) -> bool:
        data = text.encode()
        try:
            written = os.write(self._descriptor, data)
        except OSError:
            return False
        self._is_torn = self._is_torn or 0 < written < len(data)
        return written == len(data)

    def _told(self) -> str:
        event = f"{self._lost} lines of this log could not be written: was the disk full?"
        return json.dumps({"event": event, "level": "warning"})
