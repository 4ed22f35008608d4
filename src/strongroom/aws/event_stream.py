"""Answers that are streams of events: ``application/vnd.amazon.eventstream``, the server's half.

A frame is total length, length of headers, CRC32 of both, headers, payload, CRC32 of all. The first frame must be
``initial-response``. https://smithy.io/2.0/aws/amazon-eventstream.html
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from strongroom.aws import json_protocol
from strongroom.aws.models import Shape

CONTENT_TYPE: Final = "application/vnd.amazon.eventstream"
_JSON: Final = "application/json"
_STRING: Final = 7
_PRELUDE: Final = struct.Struct(">II")
_CHECKSUM: Final = struct.Struct(">I")


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """An event: the name of the stream's member and what is in it. An exception ends the stream."""

    name: str
    members: Mapping[str, Any]
    is_exception: bool = False


@dataclass(frozen=True, slots=True)
class EventStream:
    """What a handler answers instead of members. ``close`` is called once, also when no event was ever taken."""

    events: AsyncIterator[StreamEvent]
    close: Callable[[], None]
    status: int = HTTPStatus.OK


class EventStreamReply(StreamingResponse):
    """The HTTP reply: events go out as they come, until they end or the client goes away."""

    def __init__(self, stream: EventStream, shape: Shape, headers: Mapping[str, str]) -> None:
        self._stream = stream
        super().__init__(_frames(stream, _event_shapes(shape)), stream.status, headers, CONTENT_TYPE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._stream.close()


def frame(headers: Mapping[str, str], payload: bytes) -> bytes:
    """One frame."""
    packed = b"".join(
        bytes((len(name),)) + name.encode() + struct.pack(">BH", _STRING, len(value.encode())) + value.encode()
        for name, value in headers.items()
    )
    prelude = _PRELUDE.pack(16 + len(packed) + len(payload), len(packed))
    message = prelude + _CHECKSUM.pack(zlib.crc32(prelude)) + packed + payload
    return message + _CHECKSUM.pack(zlib.crc32(message))


def _event_shapes(shape: Shape) -> Mapping[str, Shape]:
    """The shapes of a stream's events, by name: the reply has one member that is a stream."""
    (stream,) = (member for member in shape.members.values() if member.serialization.get("eventstream"))
    shapes: Mapping[str, Shape] = stream.members
    return shapes


async def _frames(stream: EventStream, shapes: Mapping[str, Shape]) -> AsyncIterator[bytes]:
    yield frame({":message-type": "event", ":event-type": "initial-response", ":content-type": _JSON}, b"{}")
    async for event in stream.events:
        kind = "exception" if event.is_exception else "event"
        headers = {":message-type": kind, f":{kind}-type": event.name, ":content-type": _JSON}
        yield frame(headers, json_protocol.serialise(shapes[event.name], dict(event.members)))
