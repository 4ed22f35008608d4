"""An HTTP request as the gateway read it, kept as the client sent and signed it, and the reply to one."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field, replace
from http import HTTPStatus

from strongroom.aws import errors


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

    def unpacked(self, max_bytes: int) -> HttpRequest:
        """The request with its body out of gzip, where it is packed. To be called once the signature, which is over the
        packed bytes, was checked. Raises :class:`~strongroom.aws.errors.AwsError` for a body that is no gzip member or
        has more than ``max_bytes``.
        """
        if self.header("content-encoding") != "gzip":
            return self
        unpacking = zlib.decompressobj(zlib.MAX_WBITS | 16)
        try:
            body = unpacking.decompress(self.body, max_bytes + 1)
        except zlib.error:
            raise errors.serialization("The body is not in gzip format.") from None
        if len(body) > max_bytes:
            raise errors.too_large(max_bytes)
        if not unpacking.eof or unpacking.unused_data:
            raise errors.serialization("The body is not one whole gzip member.")
        return replace(self, body=body)


@dataclass(frozen=True, slots=True)
class HttpReply:
    """What a protocol makes of a result or an error."""

    status: int
    content_type: str
    body: bytes = field(repr=False)
    headers: dict[str, str] = field(default_factory=dict)

    @staticmethod
    def ok(content_type: str, body: bytes) -> HttpReply:
        return HttpReply(HTTPStatus.OK, content_type, body)
