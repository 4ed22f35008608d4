"""uvicorn's HTTP/1.1 with an end to its patience: peers that dawdle or only hold connections cost nobody else.

uvicorn bounds the size of a request's head and the time between two requests. Added here: a time for the head, one for
the body and one for taking the reply, and a number of connections, over which one that has sent no request makes room.
Those who make connections without end are taken up a few at a time.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from strongroom.aws.recording import TlsDetails

HEAD_SECONDS: Final = 10.0
"""From the connection, or the first byte of a further request, to the end of its headers; also for a TLS handshake."""
BODY_SECONDS: Final = 30.0
REPLY_SECONDS: Final = 30.0
"""How long a peer may leave its reply unread."""
MAX_HEAD_BYTES: Final = 64 * 1024
MAX_CONNECTIONS: Final = 1_000
MAX_WAITING: Final = 2_048
"""Connections that the system keeps until the loop takes them."""
CONNECTIONS_OF_A_TURN: Final = 2
"""New ones that the loop takes before it looks after the others again."""


class PatientHttp(H11Protocol):
    """One connection. What it waits for has a timer; when that runs out the connection is cut without a word."""

    _has_asked = False
    """Whether the head of a request has ever come."""
    _awaited = ""
    _timer: asyncio.TimerHandle | None = None
    _reply_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        if len(self.connections) >= MAX_CONNECTIONS:
            self._make_room()
        super().connection_made(transport)
        tls = transport.get_extra_info("ssl_object")
        if tls is not None:
            # What is in the application's state is in the scope of every request of this connection.
            self.app_state = {**self.app_state, "tls": TlsDetails(tls.version(), tls.cipher()[0])}
        self._await("head", HEAD_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        self._await("", 0)
        self._stop_reply_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        begins = not self._has_asked and not self.conn.trailing_data[0]
        if begins and not data[:1].isalpha():
            # No request begins so: not worth a parser's time, nor a line in the log for each.
            self.transport.abort()
            return
        super().data_received(data)
        self._look()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._look()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._reply_timer = self.loop.call_later(REPLY_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._stop_reply_timer()

    def _look(self) -> None:
        """Await what is incomplete now. Between two requests uvicorn's own timer runs."""
        state = self.conn.their_state
        begun, _ = self.conn.trailing_data
        self._has_asked |= state is not h11.IDLE
        if state is h11.SEND_BODY:
            self._await("body", BODY_SECONDS)
        elif state is h11.IDLE and (begun or not self._has_asked):
            self._await("head", HEAD_SECONDS)
        else:
            self._await("", 0)

    def _await(self, what: str, seconds: float) -> None:
        if what == self._awaited:
            return
        self._awaited = what
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.loop.call_later(seconds, self.transport.abort) if what else None

    def _stop_reply_timer(self) -> None:
        if self._reply_timer is not None:
            self._reply_timer.cancel()
            self._reply_timer = None

    def _make_room(self) -> None:
        for other in self.connections:
            if isinstance(other, PatientHttp) and not other._has_asked:
                # Its place is free at once; the loop calls connection_lost later.
                self.connections.discard(other)
                other.transport.abort()
                return


class PatientLoop(asyncio.SelectorEventLoop):
    """An event loop whose TLS servers do not wait a minute for a handshake, as asyncio's own do.

    It takes few new connections in a turn. asyncio takes all that wait, thousands when a peer makes them faster than it
    is answered, and before each of them was looked at no other connection has its turn.
    """

    async def create_server(self, *arguments: Any, **options: Any) -> asyncio.Server:  # noqa: ANN401
        if options.get("ssl") is not None:
            options["ssl_handshake_timeout"] = HEAD_SECONDS
        # One number says to asyncio how many may wait and how many it takes; how many may wait is then said again.
        may_wait = options.pop("backlog", MAX_WAITING)
        server = await super().create_server(*arguments, **options, backlog=CONNECTIONS_OF_A_TURN)
        for listening in server.sockets:
            with listening.dup() as same:
                same.listen(may_wait)
        return server
