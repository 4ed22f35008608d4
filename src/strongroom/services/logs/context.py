"""What the operations work with."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from strongroom.audit.sources import AuditSources
from strongroom.aws.paging import NextTokens
from strongroom.storage.interface import Store

if TYPE_CHECKING:
    from strongroom.services.logs.exports import Exports
    from strongroom.services.logs.live_sessions import LiveSessions
    from strongroom.services.logs.queries import Queries

TOKENS: Final = NextTokens(hashlib.sha256(b"places in lists and logs").digest(), max_characters=4096)
"""A token tells a place and nothing else, and whose place it is is checked each time. So its key is no secret, and a
reader goes on after a restart of the service."""


@dataclass(frozen=True, slots=True)
class Context:
    """Given to every operation. ``clock`` gives seconds since 1970."""

    sources: AuditSources
    logs: Store
    region: str
    clock: Callable[[], float]
    sessions: LiveSessions
    queries: Queries
    exports: Exports
    changing: threading.Lock = field(default_factory=threading.Lock)
    """Held by operations that change groups and streams."""

    def now_ms(self) -> int:
        return int(self.clock() * 1000)
