"""An HTTP request as the gateway read it: what is signed is kept as the client sent it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """``path`` and ``query`` are still percent-encoded; header names are lower case, in the order they came."""

    method: str
    path: str
    query: str
    headers: tuple[tuple[str, bytes], ...]
    body: bytes = field(repr=False)

    def values(self, name: str) -> list[bytes]:
        """All values of a header, in order."""
        return [value for header, value in self.headers if header == name]

    def header(self, name: str) -> str | None:
        """The first value of a header as text."""
        values = self.values(name)
        return values[0].decode("latin-1").strip() if values else None
